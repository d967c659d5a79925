/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Every plugin of the build tree passes the conformance checks, in the configurations of a table.  A plugin missing from the
 * table is checked with its defaults, so that none is forgotten.  Arguments: specifications KIND NAME[:key=value...] to
 * check instead. */
#include <config.h>

#include "tests/tap.h"

#include "base/error.h"
#include "base/memory.h"
#include "base/threads.h"
#include "check/check.h"
#include "plugin/host.h"

#include <stdlib.h>
#include <unistd.h>

/* Whether the search path has a plugin of this name: a build may lack the neural prior. */
struct search {
	const char *name;
	int found;
};

static void compare_name(void *context, const char *name, const char *path)
{
	struct search *s = context;

	(void)path;
	s->found |= !strcmp(name, s->name);
}

/* Replaces the reading of files: the name determines the content. */
static int read_image(const char *path, struct lacuna_shape *shape, float **values)
{
	int64_t w, h, pages = 1;
	size_t i;

	if (!strcmp(path, "mask-31x18"))
		w = 31, h = 18;
	else if (!strcmp(path, "mask-37x23")) /* a shape that the checks themselves do not use */
		w = 37, h = 23;
	else if (!strcmp(path, "psf-6x3"))
		w = 6, h = 3;
	else if (!strcmp(path, "psfs-4x3x6"))
		w = 4, h = 3, pages = 6;
	else if (!strcmp(path, "points-1x40"))
		w = 1, h = 40;
	else
		return error_set(LACUNA_EIO, "%s: no such file", path);
	*shape = (struct lacuna_shape){ { w, h, 1, pages } };
	*values = memory_alloc_array(lacuna_count(shape), sizeof **values);
	if (!*values)
		return LACUNA_ENOMEM;
	/* from -1 to 2, without symmetry */
	for (i = 0; i < lacuna_count(shape); i++)
		(*values)[i] = i % 4 ? (float)((double)(i * 37 % 101) * 3 / 101 - 1) : 0;
	return LACUNA_OK;
}

static const struct row {
	int kind;
	const char *spec;
} table[] = {
	{ LACUNA_OPERATOR, "identity:gain=2" },
	{ LACUNA_OPERATOR, "mask:keep=0.5,seed=7" },
	{ LACUNA_OPERATOR, "mask:keep=0" },
	{ LACUNA_OPERATOR, "mask:file=mask-31x18,weights=yes" },
	{ LACUNA_OPERATOR, "mask:file=mask-37x23,threshold=0.4" },
	{ LACUNA_OPERATOR, "blur" },
	{ LACUNA_OPERATOR, "blur:boundary=periodic" },
	{ LACUNA_OPERATOR, "blur:fit=yes" },
	{ LACUNA_OPERATOR, "blur:kind=box,width=4,height=3" },
	{ LACUNA_OPERATOR, "blur:kind=motion,length=9,angle=30" },
	{ LACUNA_OPERATOR, "blur:sigma=0" },
	{ LACUNA_OPERATOR, "blur:psf=psf-6x3,centre_x=5,centre_y=0" },
	{ LACUNA_OPERATOR, "downsample" },
	{ LACUNA_OPERATOR, "downsample:factor=3,boundary=periodic" },
	{ LACUNA_OPERATOR, "downsample:factor=3,kernel=bicubic,boundary=periodic" },
	{ LACUNA_OPERATOR, "downsample:factor=2,kernel=bilinear,phase=1" },
	{ LACUNA_OPERATOR, "downsample:factor=2,psf=psf-6x3,phase=0" },
	{ LACUNA_OPERATOR, "downsample:factor=1.37,factor_x=3" },
	{ LACUNA_OPERATOR, "varying-blur:psf=psfs-4x3x6,columns=3,background=keep,normalize=no" },
	{ LACUNA_OPERATOR, "rows:lines=both,period=5" },
	{ LACUNA_OPERATOR, "gray:red=1,green=0,blue=0" },
	{ LACUNA_OPERATOR, "fourier:keep=0.4,pattern=points,centred=no,seed=3" },
	{ LACUNA_OPERATOR, "fourier:keep=0.3,pattern=rows,centre=0.2" },
	{ LACUNA_OPERATOR, "fourier:file=mask-31x18" },
	{ LACUNA_OPERATOR, "hadamard:keep=0.5,order=random,seed=2" },
	{ LACUNA_OPERATOR, "radon:angles=7,span=120,start=10,axis=1.3,bins=40" },
	{ LACUNA_OPERATOR, "bayer:pattern=gbrg,red=2,blue=1.5" },
	{ LACUNA_OPERATOR, "flat:flat=mask-31x18" },
	{ LACUNA_OPERATOR, "flat:flat=mask-31x18,least=0.3" },
	{ LACUNA_OPERATOR,
	  "exposures:shifts=\"0 0;1.5 -0.7;2 1\",sigmas=\"0 0.8 1.3\",gains=\"1 .5 .8\"" },
	{ LACUNA_OPERATOR, "warp:rotate=7,shift_x=1.3" },
	{ LACUNA_OPERATOR,
	  "warp:scale=1.2,scale_x=0.9,shear=0.1,shift_y=-0.4,interpolation=linear" },
	{ LACUNA_OPERATOR, "matrix:rows=0.8 0.3 -0.5" },
	{ LACUNA_OPERATOR, "process:command=BUILDDIR/tests/plugins/speaker half" },
	{ LACUNA_OPERATOR, "process-nonlinear:command=BUILDDIR/tests/plugins/speaker square" },
	{ LACUNA_PRIOR, "process:command=BUILDDIR/tests/plugins/speaker plain" },
	{ LACUNA_PRIOR, "process-map:command=BUILDDIR/tests/plugins/speaker shrink" },
	{ LACUNA_PRIOR, "gaussian" },
	{ LACUNA_PRIOR, "gmm:file=MIXTURE" },
	{ LACUNA_PRIOR, "empirical:file=points-1x40" },
	{ LACUNA_PRIOR, "unet:precision=f32,weights=SRCDIR/tests/golden/unet-gray.safetensors" },
};

/* The same functions with other numbers, for LACUNA_LONG. */
static const struct row others[] = {
	{ LACUNA_OPERATOR, "mask:boxes=3,size=4,seed=1" },
	{ LACUNA_OPERATOR, "mask:file=mask-31x18,invert=yes,threshold=0.5" },
	{ LACUNA_OPERATOR, "blur:kind=disk,radius=2.2,boundary=periodic" },
	{ LACUNA_OPERATOR, "blur:kind=box,width=9,height=9,boundary=periodic" },
	{ LACUNA_OPERATOR, "blur:kind=airy,zero=1.5,boundary=periodic" },
	{ LACUNA_OPERATOR, "blur:psf=psf-6x3,centre_x=0,boundary=periodic,normalize=no" },
	{ LACUNA_OPERATOR, "downsample:factor=2,kernel=bicubic" },
	{ LACUNA_OPERATOR, "downsample:factor=4,kernel=lanczos,boundary=periodic" },
	{ LACUNA_OPERATOR, "downsample:factor=2,kernel=gaussian,sigma=0.8,boundary=periodic" },
	{ LACUNA_OPERATOR, "downsample:factor=2,psf=psf-6x3,boundary=periodic" },
	{ LACUNA_OPERATOR, "downsample:factor=1.5" },
	{ LACUNA_OPERATOR, "downsample:factor=4/3,kernel=bicubic" },
	{ LACUNA_OPERATOR, "varying-blur:psf=psf-6x3,centre=peak" },
	{ LACUNA_OPERATOR, "rows" },
	{ LACUNA_OPERATOR, "gray" },
	{ LACUNA_OPERATOR, "fourier" },
	{ LACUNA_OPERATOR, "hadamard" },
	{ LACUNA_OPERATOR, "hadamard:keep=0.3" },
	{ LACUNA_OPERATOR, "radon:angles=11" },
	{ LACUNA_OPERATOR, "bayer" },
	{ LACUNA_OPERATOR, "exposures:gains=\"1 0.25\"" },
	{ LACUNA_OPERATOR, "matrix:rows=1" },
};

static const char mixture[] = "dim 1\n"
			      "component 0.3\nmean 0.2\nvar 0.01\n"
			      "component 0.7\nmean 0.6\nvar 0.03\n";
static char mixture_path[] = "/tmp/lacuna-mixture-XXXXXX";

/* Replaces SRCDIR, BUILDDIR and MIXTURE in the specification. */
static void expand(const char *spec, char *out, size_t size)
{
	const char *srcdir = getenv("abs_top_srcdir"), *builddir = getenv("abs_top_builddir"),
		   *place;

	if ((place = strstr(spec, "SRCDIR")))
		snprintf(out, size, "%.*s%s%s", (int)(place - spec), spec, srcdir ? srcdir : ".",
			 place + strlen("SRCDIR"));
	else if ((place = strstr(spec, "BUILDDIR")))
		snprintf(out, size, "%.*s%s%s", (int)(place - spec), spec,
			 builddir ? builddir : ".", place + strlen("BUILDDIR"));
	else if ((place = strstr(spec, "MIXTURE")))
		snprintf(out, size, "%.*s%s", (int)(place - spec), spec, mixture_path);
	else
		snprintf(out, size, "%s", spec);
}

static int write_mixture(void)
{
	int fd = mkstemp(mixture_path);
	int written = fd >= 0 && write(fd, mixture, strlen(mixture)) == (ssize_t)strlen(mixture);

	return fd >= 0 && !close(fd) && written;
}

static void report(void *context, const struct check_finding *f)
{
	if (!f->passed || getenv("VERBOSE"))
		diag("%s: %s%s%s", (const char *)context, f->property, *f->detail ? ": " : "",
		     f->detail);
}

static void check_spec(int kind, const char *spec)
{
	const struct check_request request = { .seed = 1 };
	struct check_measures measures;
	char label[512];
	struct plugin_use use;
	int status;

	expand(spec, label, sizeof label);
	error_clear();
	status = use_parse(kind, label, &use);
	if (!status) {
		status = check_plugin(&use, &request, report, label, &measures);
		use_free(&use);
	}
	ok(!status, "%s %s", plugin_kind_name(kind), spec);
	if (status)
		diag("%s", error_text());
}

static int named(const char *name)
{
	size_t i, n = strlen(name);

	for (i = 0; i < sizeof table / sizeof table[0]; i++)
		if (!strncmp(table[i].spec, name, n) &&
		    (!table[i].spec[n] || table[i].spec[n] == ':'))
			return 1;
	return 0;
}

static void check_default(void *context, const char *name, const char *path)
{
	(void)path;
	if (!named(name))
		check_spec(*(const int *)context, name);
}

static void check_rows(const struct row *rows, size_t count)
{
	struct search unet = { "unet", 0 };

	plugin_each(LACUNA_PRIOR, compare_name, &unet);
	for (size_t i = 0; i < count; i++)
		if (!unet.found && !strncmp(rows[i].spec, "unet", 4))
			skip("built without the neural prior", "%s", rows[i].spec);
		else
			check_spec(rows[i].kind, rows[i].spec);
}

int main(int argc, char **argv)
{
	size_t i;
	int kind;

	host_install_reader(read_image);
	ok(write_mixture(), "a mixture for gmm");
	for (i = 1; i + 1 < (size_t)argc; i += 2)
		check_spec(plugin_kind(argv[i]), argv[i + 1]);
	if (argc == 1)
		check_rows(table, sizeof table / sizeof table[0]);
	if (argc == 1 && getenv("LACUNA_LONG"))
		check_rows(others, sizeof others / sizeof others[0]);
	else if (argc == 1)
		skip("long; LACUNA_LONG=1 runs it", "other numbers");
	for (kind = LACUNA_OPERATOR; argc == 1 && kind <= LACUNA_SAMPLER; kind++)
		plugin_each(kind, check_default, &kind);
	unlink(mixture_path);
	threads_stop();
	ok(memory_live_blocks() == 0, "no memory is left");
	return tap_done();
}
