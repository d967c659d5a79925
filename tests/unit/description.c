/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Descriptions: statements about the file's content are updated; everything else is kept unchanged, byte for byte. */
#include <config.h>

#include "base/memory.h"
#include "image/tiff/description.h"
#include "tests/tap.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char imagej[] =
	"ImageJ=1.53t\nimages=12\nchannels=2\nslices=3\nframes=2\nhyperstack=true\nmode=composite\n"
	"unit=micron\nspacing=0.5\nloop=false\nmin=100.0\nmax=4100.0\nxorigin=8\n";

static const char ome[] =
	"<?xml version=\"1.0\"?><OME xmlns=\"x\"><!-- Pixels --><Image ID=\"Image:0\" Name=\"a "
	"&lt;b\">"
	"<Pixels ID='Pixels:0' DimensionOrder=\"XYCZT\" Type=\"uint16\" SignificantBits=\"12\" "
	"SizeX=\"40\" "
	"SizeY=\"48\" SizeC=\"2\" SizeZ=\"3\" SizeT=\"2\" PhysicalSizeX=\"0.1\" "
	"PhysicalSizeXUnit=\"\xc2\xb5m\" "
	"PhysicalSizeY=\"200\" PhysicalSizeYUnit=\"nm\">"
	"<Channel ID=\"Channel:0:0\" Name=\"DAPI\"><LightPath/></Channel><Channel "
	"ID=\"Channel:0:1\" Name=\"GFP\"/>"
	"<TiffData IFD=\"0\" PlaneCount=\"12\"/>"
	"<Plane TheC=\"0\" TheZ=\"0\" TheT=\"0\" DeltaT=\"1\"/><Plane TheC=\"1\" TheZ=\"2\" "
	"TheT=\"1\" DeltaT=\"7\"></Plane>"
	"</Pixels></Image></OME>";

static const struct description_change unchanged = {
	.page_count = 12,
	.old_pages = 12,
	.samples = 1,
	.same_samples = 1,
	.width = 40,
	.height = 48,
	.old_width = 40,
	.old_height = 48,
	.values_kept = 1,
};

static char *adapt(const char *text, const struct description_change *c, const char **doubt)
{
	return description_adapt(text, c, doubt);
}

static int has(const char *text, const char *part)
{
	return text && strstr(text, part) != NULL;
}

static void test_unchanged(void)
{
	static const char *const texts[] = { imagej, ome, "{\"shape\": [12, 48, 40]}", "a cat" };
	const char *doubt;

	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		char *s = adapt(texts[i], &unchanged, &doubt);

		ok(s && !strcmp(s, texts[i]) && !doubt, "nothing changes: to the letter (%zu)", i);
		memory_release(s);
	}
}

static void test_size_and_type(void)
{
	struct description_change c = unchanged;
	const char *doubt;
	char *s;

	c.width = 80;
	c.height = 144;
	c.type = "uint8";
	c.values_kept = 0;
	c.scale = 0.5;
	c.offset = 1;
	s = adapt(ome, &c, &doubt);
	ok(!doubt && has(s, "SizeX=\"80\" SizeY=\"144\"") && has(s, "Type=\"uint8\"") &&
		   !has(s, "SignificantBits"),
	   "OME-XML: size and type");
	ok(has(s, "PhysicalSizeX=\"0.05\"") && has(s, "PhysicalSizeY=\"66.66666667\""),
	   "OME-XML: size of a pixel");
	ok(has(s, "SizeC=\"2\"") && has(s, "Name=\"a &lt;b\"") && has(s, "DeltaT=\"7\"></Plane>"),
	   "OME-XML: the rest stays");
	memory_release(s);
	s = adapt(imagej, &c, &doubt);
	ok(!doubt && has(s, "min=51.0\nmax=2051.0\nxorigin=16.0\n") &&
		   has(s, "images=12\nchannels=2"),
	   "ImageJ: display range and origin follow");
	memory_release(s);
	c.scale = 0;
	s = adapt(imagej, &c, &doubt);
	ok(!has(s, "min=") && !has(s, "max=") && has(s, "loop"),
	   "or go where values mean something else");
	memory_release(s);
	s = adapt("{\"shape\": [12, 48, 40], \"a\": [1]}", &c, &doubt);
	ok(s && !strcmp(s, "{\"shape\": [12, 144, 80], \"a\": [1]}"), "a shape");
	memory_release(s);
	c.samples = 3;
	s = adapt("{\"shape\": [4, 3, 48, 40, 3]}", &c, &doubt);
	ok(s && !strcmp(s, "{\"shape\": [4, 3, 144, 80, 3]}"), "of colour");
	memory_release(s);
	c.type = "";
	c.samples = 1;
	s = adapt(ome, &c, &doubt);
	ok(doubt && s && !strcmp(s, ome), "OME-XML: a type without a name: kept, and said");
	memory_release(s);
}

static void test_pages(void)
{
	static const int channel[] = { 1, 3, 5, 7, 9, 11 }, last[] = { 11 }, odd[] = { 0, 3, 4 };
	struct description_change c = unchanged;
	const char *doubt;
	char *s;

	c.pages = channel;
	c.page_count = 6;
	s = adapt(ome, &c, &doubt);
	ok(!doubt && has(s, "SizeC=\"1\" SizeZ=\"3\" SizeT=\"2\"") &&
		   has(s, "<TiffData IFD=\"0\" PlaneCount=\"6\"/>"),
	   "OME-XML: one channel");
	ok(!has(s, "DAPI") && has(s, "GFP") && !has(s, "DeltaT=\"1\"") &&
		   has(s, "<Plane TheC=\"0\" TheZ=\"2\" TheT=\"1\" DeltaT=\"7\"></Plane>"),
	   "OME-XML: its channel, its planes");
	memory_release(s);
	s = adapt(imagej, &c, &doubt);
	ok(!doubt && has(s, "images=6\nslices=3\nframes=2\nhyperstack"), "ImageJ: one channel");
	memory_release(s);
	c.pages = last;
	c.page_count = 1;
	s = adapt(imagej, &c, &doubt);
	ok(!doubt && s && !strncmp(s, "ImageJ=1.53t\nunit=micron\nspacing", 32),
	   "ImageJ: one page");
	memory_release(s);
	s = adapt("{\"shape\": [12, 48, 40]}", &c, &doubt);
	ok(s && !strcmp(s, "{\"shape\": [1, 48, 40]}"), "a shape of one page");
	memory_release(s);
	c.pages = odd;
	c.page_count = 3;
	s = adapt(imagej, &c, &doubt);
	ok(doubt && has(s, "images=3\nunit") && !has(s, "slices"),
	   "ImageJ: no block of pages: counted");
	memory_release(s);
	s = adapt(ome, &c, &doubt);
	ok(doubt && !s, "OME-XML: no block of pages: left out");
	memory_release(s);
	c.old_pages = 11;
	s = adapt(ome, &c, &doubt);
	ok(doubt && s && !strcmp(s, ome), "other planes than the file has: kept, and said");
	memory_release(s);
	c.old_pages = 12;
	c.mixed = 1;
	s = adapt(imagej, &c, &doubt);
	ok(doubt && !s, "pages of several sizes: left out");
	memory_release(s);
}

/* XML allows either quote: exchanging them in the text exchanges them in the result. */
static void exchange_quotes(char *s)
{
	for (; *s; s++)
		*s = *s == '"' ? '\'' : *s == '\'' ? '"' : *s;
}

static void test_quotes(void)
{
	static const int channel[] = { 1, 3, 5, 7, 9, 11 };
	struct description_change c = unchanged;
	char *other = memory_strdup(ome), *a, *b;
	const char *doubt;

	c.pages = channel;
	c.page_count = 6;
	c.width = 80;
	c.type = "float";
	exchange_quotes(other);
	a = adapt(ome, &c, &doubt);
	b = adapt(other, &c, &doubt);
	if (b)
		exchange_quotes(b);
	/* TiffData is written anew, with one kind of quotes. */
	for (char *at = b ? strstr(b, "<TiffData") : NULL; at && *at != '>'; at++)
		*at = *at == '\'' ? '"' : *at;
	is_text(b, a, "OME-XML: single and double quotes are alike");
	memory_release(a);
	memory_release(b);
	memory_release(other);
}

static void test_samples(void)
{
	static const int first[] = { 0, 2, 4 };
	struct description_change c = unchanged;
	const char *doubt;
	char *s;

	c.samples = 3;
	c.width = 80;
	s = adapt("{\"shape\": [12, 3, 48, 40]}", &c, &doubt);
	ok(s && !strcmp(s, "{\"shape\": [12, 3, 48, 80]}"), "a shape with samples before the rows");
	memory_release(s);
	c.width = 40;
	c.pages = first;
	c.page_count = 3;
	c.old_pages = 6;
	s = adapt("<OME><Pixels DimensionOrder=\"XYCZT\" SizeX=\"40\" SizeY=\"48\" SizeC=\"6\" "
		  "SizeZ=\"3\" SizeT=\"1\"><TiffData/></Pixels></OME>",
		  &c, &doubt);
	ok(!doubt && has(s, "SizeC=\"3\" SizeZ=\"3\" SizeT=\"1\""),
	   "OME-XML: samples count as channels");
	memory_release(s);
}

static void test_imagej(void)
{
	/* Two channels of the first slice and one of the second: of 2 x 2 one is missing. */
	static const int three[] = { 0, 1, 2 };
	struct description_change c = unchanged;
	const char *doubt;
	char *s;

	c.pages = three;
	c.page_count = 3;
	s = adapt(imagej, &c, &doubt);
	ok(doubt && has(s, "images=3\nunit"), "ImageJ: a block with one page missing is none");
	memory_release(s);
	c = unchanged;
	c.width = 80;
	c.height = 144;
	s = adapt("ImageJ=1\nxorigin=4.0\nyorigin=4.0\n", &c, &doubt);
	is_text(s, "ImageJ=1\nxorigin=8.0\nyorigin=12.0\n", "ImageJ: each origin has its scale");
	memory_release(s);
	/* From pixel (3, 5) on, 20 x 24 of them at twice the size. */
	c.width = 40;
	c.height = 96;
	c.shown_width = 20;
	c.shown_height = 24;
	c.x = 3;
	c.y = 5;
	s = adapt("ImageJ=1\nxorigin=4.0\nyorigin=4.0\n", &c, &doubt);
	is_text(s, "ImageJ=1\nxorigin=2.0\nyorigin=-4.0\n", "ImageJ: the origin of a part");
	memory_release(s);
	s = adapt("<OME><Pixels DimensionOrder=\"XYCZT\" SizeX=\"40\" SizeY=\"48\" SizeC=\"1\" "
		  "SizeZ=\"12\" "
		  "SizeT=\"1\" PhysicalSizeX=\"6\" PhysicalSizeY=\"8\"/></OME>",
		  &c, &doubt);
	is_text(s,
		"<OME><Pixels DimensionOrder=\"XYCZT\" SizeX=\"40\" SizeY=\"96\" SizeC=\"1\" "
		"SizeZ=\"12\" "
		"SizeT=\"1\" PhysicalSizeX=\"3\" PhysicalSizeY=\"2\"/></OME>",
		"OME-XML: the pixels of a part");
	memory_release(s);
	c = unchanged;
	c.values_kept = 0;
	c.scale = 2;
	s = adapt("ImageJ=1\ncf=0\nmin=1.0\n", &c, &doubt);
	ok(doubt && s && !strcmp(s, "ImageJ=1\ncf=0\nmin=1.0\n"),
	   "ImageJ: a calibration function is kept, and said");
	memory_release(s);
}

static int close_to(double a, double b)
{
	return fabs(a - b) < 1e-9 * b;
}

static void test_pixel_size(void)
{
	static const double two_per_unit[2] = { 2, 4 }, none[2] = { 0, 0 };
	static const struct {
		const char *name;
		double micrometres;
	} units[] = { { "pm", 1e-6 }, { "angstrom", 1e-4 }, { "nm", 1e-3 },	{ "um", 1 },
		      { "mm", 1e3 },  { "cm", 1e4 },	    { "inch", 25.4e3 }, { "m", 1e6 } };
	double size[2];

	ok(description_pixel_size(ome, none, size) && close_to(size[0], 0.1) &&
		   close_to(size[1], 0.2),
	   "OME-XML's pixel size, in two units");
	ok(description_pixel_size(imagej, two_per_unit, size) && close_to(size[0], 0.5) &&
		   close_to(size[1], 0.25),
	   "ImageJ's");
	for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
		char text[64];

		snprintf(text, sizeof text, "ImageJ=1\nunits=cm\nunit=%s\n", units[i].name);
		ok(description_pixel_size(text, two_per_unit, size) &&
			   close_to(size[0], units[i].micrometres / 2),
		   "a pixel of half a %s", units[i].name);
	}
	ok(!description_pixel_size("ImageJ=1\nunit=pixel\n", two_per_unit, size) &&
		   !description_pixel_size(imagej, none, size) &&
		   !description_pixel_size("a cat", two_per_unit, size) &&
		   !description_pixel_size(NULL, two_per_unit, size),
	   "what says nothing");
}

/* ---- stacks of any shape --------------------------------------------------------------------------------------------- */

static unsigned state = 1;

static int draw(int n)
{
	state = state * 1103515245u + 12345u;
	return (int)((state >> 16) % (unsigned)n);
}

struct stack {
	int extent[3], keeps[3][4]; /* in the order of the pages */
	const char *order;	    /* their letters, such as "CZT" */
};

static int count(const struct stack *s, int d, int all)
{
	int n = 0;

	for (int i = 0; i < s->extent[d]; i++)
		n += all || s->keeps[d][i];
	return n;
}

static int size_of(const struct stack *s, char letter, int all)
{
	return count(s, (int)(strchr(s->order, letter) - s->order), all);
}

/* Number of an index among those that stay. */
static int renumber(const struct stack *s, int d, int index, int all)
{
	int n = 0;

	for (int i = 0; i < index; i++)
		n += all || s->keeps[d][i];
	return n;
}

/* The description of the stack, or of what stays of it; each plane says what it was. */
static void describe(const struct stack *s, int all, int one_data, char *text)
{
	const int *e = s->extent;
	int page = 0;

	text += sprintf(
		text,
		"<OME><Pixels DimensionOrder=\"XY%s\" SizeX=\"40\" SizeY=\"48\" SizeC=\"%d\" "
		"SizeZ=\"%d\" SizeT=\"%d\">",
		s->order, size_of(s, 'C', all), size_of(s, 'Z', all), size_of(s, 'T', all));
	for (int i = 0; i < e[strchr(s->order, 'C') - s->order]; i++)
		if (all || s->keeps[strchr(s->order, 'C') - s->order][i])
			text += sprintf(text, "<Channel Name=\"%d\"/>", i);
	if (one_data)
		text += sprintf(text, "<TiffData IFD=\"0\" PlaneCount=\"%d\"/>",
				count(s, 0, all) * count(s, 1, all) * count(s, 2, all));
	for (int p = 0; p < e[0] * e[1] * e[2]; p++) {
		const int at[3] = { p % e[0], p / e[0] % e[1], p / e[0] / e[1] };

		if (!all && !(s->keeps[0][at[0]] && s->keeps[1][at[1]] && s->keeps[2][at[2]]))
			continue;
		if (!one_data) {
			text += sprintf(text, "<TiffData");
			for (int d = 0; d < 3; d++)
				text += sprintf(text, " First%c=\"%d\"", s->order[d], at[d]);
			text += sprintf(text, " IFD=\"%d\" PlaneCount=\"1\"/>", page++);
		}
		text += sprintf(text, "<Plane");
		for (int d = 0; d < 3; d++)
			text += sprintf(text, " The%c=\"%d\"", s->order[d],
					renumber(s, d, at[d], all));
		text += sprintf(text, " DeltaT=\"%d\"/>", p);
	}
	sprintf(text, "</Pixels></OME>");
}

static void describe_imagej(const struct stack *s, int all, char *text)
{
	static const char *const names[] = { "channels", "slices", "frames" };
	const int n = count(s, 0, all) * count(s, 1, all) * count(s, 2, all);

	text += sprintf(text, "ImageJ=1.53t\n");
	if (n > 1)
		text += sprintf(text, "images=%d\n", n);
	for (int d = 0; d < 3; d++)
		if (count(s, d, all) > 1)
			text += sprintf(text, "%s=%d\n", names[d], count(s, d, all));
	if (n > 1)
		text += sprintf(text, "hyperstack=true\nmode=grayscale\n");
	sprintf(text, "unit=um\n");
}

static int draw_stack(struct stack *s, int *pages)
{
	static const char *const orders[] = { "CZT", "CTZ", "ZCT", "ZTC", "TCZ", "TZC" };
	const int *e = s->extent;
	int n = 0;

	s->order = orders[draw(6)];
	for (int d = 0; d < 3; d++) {
		s->extent[d] = 1 + draw(4);
		for (int i = 0; i < 4; i++)
			s->keeps[d][i] = draw(2);
		s->keeps[d][draw(s->extent[d])] = 1;
	}
	for (int p = 0; p < e[0] * e[1] * e[2]; p++)
		if (s->keeps[0][p % e[0]] && s->keeps[1][p / e[0] % e[1]] &&
		    s->keeps[2][p / e[0] / e[1]])
			pages[n++] = p;
	return n;
}

/* Any block of any stack is described as if it had been made alone. */
static void test_blocks(void)
{
	enum { STACKS = 300 };
	static char text[1 << 14], want[1 << 14];
	int right = 0;

	for (int k = 0; k < STACKS; k++) {
		struct description_change c = unchanged;
		struct stack s;
		int pages[64];
		const char *doubt;
		char *got;

		c.pages = pages;
		c.page_count = draw_stack(&s, pages);
		c.old_pages = s.extent[0] * s.extent[1] * s.extent[2];
		describe(&s, 1, k % 2, text);
		describe(&s, 0, 1, want);
		if (c.page_count == c.old_pages)
			strcpy(want, text); /* to the letter */
		got = adapt(text, &c, &doubt);
		right += got && !doubt && !strcmp(got, want);
		memory_release(got);
		s.order = "CZT";
		describe_imagej(&s, 1, text);
		describe_imagej(&s, 0, want);
		got = adapt(text, &c, &doubt);
		right += got && !doubt && !strcmp(got, want);
		if (!got || strcmp(got, want) != 0)
			diag("want %s, got %s", want, got ? got : "nothing");
		memory_release(got);
	}
	ok(right == 2 * STACKS, "%d of %d blocks of stacks are described as they are", right,
	   2 * STACKS);
}

/* tifffile's shapes: one dimension of pages may be cut, those of 1 stay; several cannot. */
static void test_shapes(void)
{
	static const int some[] = { 0, 2, 5 };
	static const struct {
		const char *text, *want;
		int samples;
	} cases[] = {
		{ "{\"shape\": [12, 48, 40]}", "{\"shape\": [3, 48, 40]}", 1 },
		{ "{\"shape\": [1, 12, 48, 40]}", "{\"shape\": [1, 3, 48, 40]}", 1 },
		{ "{\"shape\": [12, 1, 48, 40]}", "{\"shape\": [3, 1, 48, 40]}", 1 },
		{ "{\"shape\": [3, 4, 48, 40]}", NULL, 1 },
		{ "{\"shape\": [11, 48, 40]}", NULL, 1 },
		{ "{\"shape\": [12, 40, 48]}", NULL, 1 },
		{ "{\"shape\": [12, 48, 40, 3]}", "{\"shape\": [3, 48, 40, 3]}", 3 },
		{ "{\"shape\": [12, 3, 48, 40]}", "{\"shape\": [3, 3, 48, 40]}", 3 },
		{ "{\"shape\": [12, 48, 40, 4]}", NULL, 3 },
	};

	for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
		struct description_change c = unchanged;
		const char *doubt;
		char *s;

		c.pages = some;
		c.page_count = 3;
		c.samples = cases[k].samples;
		s = adapt(cases[k].text, &c, &doubt);
		ok(cases[k].want ? s && !doubt && !strcmp(s, cases[k].want) : !s && doubt, "%s: %s",
		   cases[k].text, s ? s : "left out, and said");
		memory_release(s);
	}
}

/* What cannot be adapted is kept to the letter, with a doubt. */
static void test_ome_kept(void)
{
	static const int first[] = { 0 };
	static const struct {
		const char *text;
		int pages, wide;
	} cases[] = {
		/* a set of files */
		{ "<OME><Pixels DimensionOrder=\"XYZCT\" SizeX=\"40\" SizeY=\"48\" SizeC=\"1\" "
		  "SizeZ=\"12\" SizeT=\"1\"><TiffData><UUID FileName=\"a.tif\">x</UUID></TiffData>"
		  "</Pixels></OME>",
		  0, 1 },
		/* another height */
		{ "<OME><Pixels DimensionOrder=\"XYZCT\" SizeX=\"40\" SizeY=\"40\" SizeC=\"1\" "
		  "SizeZ=\"12\" SizeT=\"1\"/></OME>",
		  0, 1 },
		/* TiffData for 11 of 12 planes */
		{ "<OME><Pixels DimensionOrder=\"XYZCT\" SizeX=\"40\" SizeY=\"48\" SizeC=\"1\" "
		  "SizeZ=\"12\" SizeT=\"1\"><TiffData IFD=\"0\" PlaneCount=\"11\"/></Pixels></OME>",
		  1, 0 },
		/* two images of 12 planes */
		{ "<OME><Pixels DimensionOrder=\"XYZCT\" SizeX=\"40\" SizeY=\"48\" SizeC=\"1\" "
		  "SizeZ=\"12\" SizeT=\"1\"/><Pixels DimensionOrder=\"XYZCT\" SizeX=\"40\" "
		  "SizeY=\"48\" SizeC=\"1\" SizeZ=\"12\" SizeT=\"1\"/></OME>",
		  1, 0 },
		/* no letters of dimensions */
		{ "<OME><Pixels DimensionOrder=\"XYZCC\" SizeX=\"40\" SizeY=\"48\" SizeC=\"1\" "
		  "SizeZ=\"12\" SizeT=\"1\"/></OME>",
		  1, 0 },
		{ "<OME></OME>", 0, 1 },
	};

	for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
		struct description_change c = unchanged;
		const char *doubt;
		char *s;

		if (cases[k].pages) {
			c.pages = first;
			c.page_count = 1;
		}
		if (cases[k].wide)
			c.width = 80;
		s = adapt(cases[k].text, &c, &doubt);
		ok(s && doubt && !strcmp(s, cases[k].text), "OME-XML %zu: kept, and said", k);
		memory_release(s);
	}
}

/* Names of elements with a prefix. */
static void test_prefix(void)
{
	static const int second[] = { 1 };
	struct description_change c = unchanged;
	const char *doubt;
	char *s;

	c.pages = second;
	c.page_count = 1;
	c.old_pages = 2;
	s = adapt("<ome:OME><OME/><ome:Pixels DimensionOrder=\"XYCZT\" SizeX=\"40\" SizeY=\"48\" "
		  "SizeC=\"2\" SizeZ=\"1\" SizeT=\"1\"><ome:Channel Name=\"a\"/><ome:Channel "
		  "Name=\"b\"/><ome:TiffData IFD=\"0\"/><ome:TiffData FirstC=\"1\" IFD=\"1\"/>"
		  "</ome:Pixels></ome:OME>",
		  &c, &doubt);
	is_text(s,
		"<ome:OME><OME/><ome:Pixels DimensionOrder=\"XYCZT\" SizeX=\"40\" SizeY=\"48\" "
		"SizeC=\"1\" SizeZ=\"1\" SizeT=\"1\"><ome:Channel Name=\"b\"/><ome:TiffData "
		"IFD=\"0\" PlaneCount=\"1\"/></ome:Pixels></ome:OME>",
		"OME-XML with a prefix");
	memory_release(s);
}

/* OME's planes may stand in another order than the pages; then nobody may count them. */
static void test_order(void)
{
	static const int first[] = { 0 };
	struct description_change c = unchanged;
	const char *doubt;
	char *s;

	c.pages = first;
	c.page_count = 1;
	c.old_pages = 2;
	for (int turned = 0; turned < 2; turned++) {
		char text[512];

		snprintf(text, sizeof text,
			 "<OME><Pixels DimensionOrder=\"XYZCT\" SizeX=\"40\" SizeY=\"48\" "
			 "SizeC=\"1\" "
			 "SizeZ=\"2\" SizeT=\"1\"><TiffData FirstZ=\"%d\" IFD=\"0\"/><TiffData "
			 "FirstZ=\"%d\" IFD=\"1\"/></Pixels></OME>",
			 turned, !turned);
		s = adapt(text, &c, &doubt);
		ok(turned ? doubt && s && !strcmp(s, text) : !doubt && has(s, "SizeZ=\"1\""),
		   turned ? "planes in another order than pages: kept, and said"
			  : "planes in the order of pages");
		memory_release(s);
	}
}

/* Cut at any byte and with any byte changed: nothing is read beyond the text, and nothing leaks. */
static void test_damage(void)
{
	static const int some[] = { 1, 3, 5, 7, 9, 11 };
	static const char *const texts[] = { imagej, ome,
					     "{\"shape\": [2, 6, 48, 40], \"axes\": \"TZYX\"}" };
	static const char bytes[] = "<>/\"'= \n\0:-09x[],";
	struct description_change c = unchanged;
	double size[2];

	c.pages = some;
	c.page_count = 6;
	c.width = 80;
	c.type = "float";
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		for (int round = 0; round < 3000; round++) {
			const size_t n = strlen(texts[i]);
			char *copy = malloc(n + 1), *s;
			const char *doubt;

			memcpy(copy, texts[i], n + 1);
			for (int k = 0; k < 1 + round % 3; k++) {
				state = state * 1103515245u + 12345u;
				copy[(state >> 8) % n] = bytes[(state >> 4) % (sizeof bytes - 1)];
			}
			description_pixel_size(copy, size, size);
			s = description_adapt(copy, &c, &doubt);
			memory_release(s);
			free(copy);
		}
	ok(!memory_live_blocks(), "9000 damaged texts leave nothing behind");
}

int main(void)
{
	test_unchanged();
	test_size_and_type();
	test_pages();
	test_quotes();
	test_samples();
	test_imagej();
	test_pixel_size();
	test_blocks();
	test_order();
	test_shapes();
	test_ome_kept();
	test_prefix();
	test_damage();
	return tap_done();
}
