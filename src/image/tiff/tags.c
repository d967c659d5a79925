/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Copies what a page says about its picture.  libtiff keeps every tag that it does not use itself, known or not, in a list:
 * the whole list is copied (descriptions, ICC, XMP, IPTC, GeoTIFF, OME, private tags), except tags that concern the
 * encoding, point into the old file, or no longer hold. */
#include <config.h>

#include "image/tiff/private.h"
#include "base/memory.h"

#include <string.h>

enum {
	TAG_GLOBAL_PARAMETERS = 400,
	TAG_JPEG_FIRST = 512,
	TAG_JPEG_LAST = 521,
	TAG_MODEL_PIXEL_SCALE = 33550,
	TAG_MODEL_TIEPOINT = 33922,
	TAG_MODEL_TRANSFORMATION = 34264,
	TAG_PIXEL_X_DIMENSION = 40962,
	TAG_PIXEL_Y_DIMENSION = 40963,
	TAG_INTEROPERABILITY = 40965,
	TAG_LERC_PARAMETERS = 50674
};

static int stays_behind(uint32_t tag)
{
	switch (tag) {
	case TIFFTAG_PREDICTOR:
	case TIFFTAG_JPEGTABLES:
	case TIFFTAG_YCBCRCOEFFICIENTS:
	case TIFFTAG_REFERENCEBLACKWHITE:
	case TIFFTAG_INDEXED:
	case TIFFTAG_SUBIFD:
	case TIFFTAG_EXIFIFD:
	case TIFFTAG_GPSIFD:
	case TAG_GLOBAL_PARAMETERS:
	case TAG_PHOTOSHOP_LAYERS:
	case TAG_INTEROPERABILITY:
	case TAG_LERC_PARAMETERS:
		return 1;
	default:
		return tag >= TAG_JPEG_FIRST && tag <= TAG_JPEG_LAST;
	}
}

/* ---- one tag of the list, whatever its type */

/* The same tag in the other file; registers it there if libtiff does not know it. */
static const TIFFField *counterpart(TIFF *to, uint32_t tag, const TIFFField *field)
{
	const TIFFField *other = TIFFFindField(to, tag, TIFF_ANY);
	TIFFFieldInfo info = { .field_tag = tag,
			       .field_readcount = (short)TIFFFieldReadCount(field),
			       .field_writecount = (short)TIFFFieldWriteCount(field),
			       .field_type = TIFFFieldDataType(field),
			       .field_bit = FIELD_CUSTOM,
			       .field_oktochange = 1,
			       .field_passcount = (unsigned char)TIFFFieldPassCount(field),
			       .field_name = (char *)"private" };

	if (!other && !TIFFMergeFieldInfo(to, &info, 1))
		other = TIFFFindField(to, tag, TIFF_ANY);
	if (!other || TIFFFieldDataType(other) != TIFFFieldDataType(field) ||
	    TIFFFieldPassCount(other) != TIFFFieldPassCount(field) ||
	    TIFFFieldReadCount(other) != TIFFFieldReadCount(field))
		return NULL;
	return other;
}

/* IPTC is bytes, but many programs write it as an array of LONG.  In a file of the other byte order libtiff then reverses
 * each four bytes, but returns them as bytes.  A record begins with 0x1c. */
static int copy_iptc(TIFF *from, TIFF *to, const TIFFField *field)
{
	enum { MARK = 0x1c };
	const uint8_t *data = NULL;
	uint32_t *turned, n = 0;

	if (!TIFFIsByteSwapped(from) || TIFFFieldDataType(field) == TIFF_LONG ||
	    TIFFFieldReadCount(field) != TIFF_VARIABLE2 ||
	    !TIFFGetField(from, TIFFTAG_RICHTIFFIPTC, &n, &data) || !data || n < 4 || n % 4 ||
	    data[0] == MARK || data[3] != MARK)
		return 0;
	turned = memory_alloc(n);
	if (!turned)
		return 0;
	memcpy(turned, data, n);
	TIFFSwabArrayOfLong(turned, n / 4);
	TIFFSetField(to, TIFFTAG_RICHTIFFIPTC, n, turned);
	memory_release(turned);
	return 1;
}

static void copy_array(TIFF *from, TIFF *to, uint32_t tag, int read_count)
{
	const void *data = NULL;
	uint32_t n32 = 0;
	uint16_t n16 = 0;

	if (read_count == TIFF_VARIABLE2) {
		if (TIFFGetField(from, tag, &n32, &data) && data && n32)
			TIFFSetField(to, tag, n32, data);
	} else if (TIFFGetField(from, tag, &n16, &data) && data && n16) {
		TIFFSetField(to, tag, n16, data);
	}
}

/* libtiff keeps the rationals of some tags as float and those of others as double. */
static int is_float(const TIFFField *field)
{
#if TIFFLIB_VERSION >= 20221213
	return TIFFFieldSetGetSize(field) == sizeof(float);
#else
	(void)field;
	return 1;
#endif
}

static void copy_scalar(TIFF *from, TIFF *to, uint32_t tag, const TIFFField *field)
{
	union {
		uint8_t u8;
		int8_t i8;
		uint16_t u16;
		int16_t i16;
		uint32_t u32;
		int32_t i32;
		uint64_t u64;
		int64_t i64;
		float f;
		double d;
	} v = { .u64 = 0 };

	if (!TIFFGetField(from, tag, &v))
		return;
	switch (TIFFFieldDataType(field)) {
	case TIFF_BYTE:
	case TIFF_UNDEFINED:
		TIFFSetField(to, tag, v.u8);
		break;
	case TIFF_SBYTE:
		TIFFSetField(to, tag, v.i8);
		break;
	case TIFF_SHORT:
		TIFFSetField(to, tag, v.u16);
		break;
	case TIFF_SSHORT:
		TIFFSetField(to, tag, v.i16);
		break;
	case TIFF_LONG:
		TIFFSetField(to, tag, v.u32);
		break;
	case TIFF_SLONG:
		TIFFSetField(to, tag, v.i32);
		break;
	case TIFF_LONG8:
		TIFFSetField(to, tag, v.u64);
		break;
	case TIFF_SLONG8:
		TIFFSetField(to, tag, v.i64);
		break;
	case TIFF_FLOAT:
		TIFFSetField(to, tag, (double)v.f);
		break;
	case TIFF_DOUBLE:
		TIFFSetField(to, tag, v.d);
		break;
	case TIFF_RATIONAL:
	case TIFF_SRATIONAL:
		TIFFSetField(to, tag, is_float(field) ? (double)v.f : v.d);
		break;
	default:
		break;
	}
}

static void copy_dot_range(TIFF *from, TIFF *to)
{
	uint16_t a, b;

	if (TIFFGetField(from, TIFFTAG_DOTRANGE, &a, &b))
		TIFFSetField(to, TIFFTAG_DOTRANGE, a, b);
}

static void copy_tag(TIFF *from, TIFF *to, uint32_t tag)
{
	const TIFFField *field = TIFFFindField(from, tag, TIFF_ANY);
	const void *data = NULL;
	int count;

	/* Offsets into the old file mean nothing in the new one. */
	if (!field || TIFFFieldDataType(field) == TIFF_IFD || TIFFFieldDataType(field) == TIFF_IFD8)
		return;
	if (!counterpart(to, tag, field))
		return;
	count = TIFFFieldReadCount(field);
	if (tag == TIFFTAG_DOTRANGE)
		copy_dot_range(from, to);
	else if (tag == TIFFTAG_RICHTIFFIPTC && copy_iptc(from, to, field))
		return;
	else if (TIFFFieldPassCount(field))
		copy_array(from, to, tag, count);
	else if (TIFFFieldDataType(field) != TIFF_ASCII && count == 1)
		copy_scalar(from, to, tag, field);
	else if ((TIFFFieldDataType(field) == TIFF_ASCII || count > 1) &&
		 TIFFGetField(from, tag, &data) && data)
		TIFFSetField(to, tag, data);
}

/* ---- tags with a place of their own in libtiff */

static void copy_short(TIFF *from, TIFF *to, uint32_t tag)
{
	uint16_t v;

	if (TIFFGetField(from, tag, &v))
		TIFFSetField(to, tag, v);
}

static void copy_pair(TIFF *from, TIFF *to, uint32_t tag)
{
	uint16_t a, b;

	if (TIFFGetField(from, tag, &a, &b))
		TIFFSetField(to, tag, a, b);
}

static void copy_number(TIFF *from, TIFF *to, uint32_t tag, double scale)
{
	float v;

	if (TIFFGetField(from, tag, &v))
		TIFFSetField(to, tag, v * scale);
}

/* The position of the first pixel, in units of the resolution; shift: pixels that it moves by. */
static void copy_position(TIFF *from, TIFF *to, uint32_t tag, uint32_t resolution, double shift)
{
	float v, pixels;

	if (!TIFFGetField(from, tag, &v))
		return;
	if (shift > 0 && TIFFGetField(from, resolution, &pixels) && pixels > 0)
		v += (float)(shift / (double)pixels);
	TIFFSetField(to, tag, (double)v);
}

/* The names follow one another, each ended by a zero byte. */
static void copy_inks(TIFF *from, TIFF *to)
{
	uint16_t inks = 0, n = 0;
	char *names = NULL;
	size_t length = 0;

	copy_short(from, to, TIFFTAG_INKSET);
	if (!TIFFGetField(from, TIFFTAG_NUMBEROFINKS, &inks))
		return;
	TIFFSetField(to, TIFFTAG_NUMBEROFINKS, inks);
	if (!TIFFGetField(from, TIFFTAG_INKNAMES, &names) || !names)
		return;
	for (; n < inks; n++)
		length += strlen(names + length) + 1;
	if (length <= UINT16_MAX)
		TIFFSetField(to, TIFFTAG_INKNAMES, (int)length, names);
}

static void copy_built_in(TIFF *from, TIFF *to, const struct tag_change *change)
{
	uint32_t subfile;

	if (TIFFGetField(from, TIFFTAG_SUBFILETYPE, &subfile))
		TIFFSetField(to, TIFFTAG_SUBFILETYPE, subfile);
	copy_short(from, to, TIFFTAG_ORIENTATION);
	copy_short(from, to, TIFFTAG_RESOLUTIONUNIT);
	copy_number(from, to, TIFFTAG_XRESOLUTION, change->scale_x);
	copy_number(from, to, TIFFTAG_YRESOLUTION, change->scale_y);
	copy_position(from, to, TIFFTAG_XPOSITION, TIFFTAG_XRESOLUTION, change->x);
	copy_position(from, to, TIFFTAG_YPOSITION, TIFFTAG_YRESOLUTION, change->y);
	copy_pair(from, to, TIFFTAG_PAGENUMBER);
	if (change->same_samples)
		copy_inks(from, to);
}

/* ---- a picture of another size, or a part of one */

/* Applies body to a copy of an array tag of doubles, and sets that in `to'. */
static void scale_doubles(TIFF *to, uint32_t tag,
			  void (*body)(double *, int, const struct tag_change *),
			  const struct tag_change *change)
{
	const double *old = NULL;
	double *fresh;
	int n;
	const TIFFField *field = TIFFFindField(to, tag, TIFF_ANY);
	uint32_t n32 = 0;
	uint16_t n16 = 0;

	if (!field || !TIFFFieldPassCount(field) || TIFFFieldDataType(field) != TIFF_DOUBLE)
		return;
	if (TIFFFieldReadCount(field) == TIFF_VARIABLE2 ? !TIFFGetField(to, tag, &n32, &old)
							: !TIFFGetField(to, tag, &n16, &old))
		return;
	n = (int)(n32 + n16);
	fresh = memory_alloc_array((size_t)n, sizeof *fresh);
	if (!fresh)
		return;
	memcpy(fresh, old, (size_t)n * sizeof *fresh);
	body(fresh, n, change);
	if (TIFFFieldReadCount(field) == TIFF_VARIABLE2)
		TIFFSetField(to, tag, n32, fresh);
	else
		TIFFSetField(to, tag, n16, fresh);
	memory_release(fresh);
}

static void scale_pixel_size(double *v, int n, const struct tag_change *change)
{
	if (n > 0)
		v[0] /= change->scale_x;
	if (n > 1)
		v[1] /= change->scale_y;
}

static void scale_tiepoints(double *v, int n, const struct tag_change *change)
{
	for (int i = 0; i + 5 < n; i += 6) {
		v[i] = (v[i] - change->x) * change->scale_x;
		v[i + 1] = (v[i + 1] - change->y) * change->scale_y;
	}
}

/* A matrix from pixels to the world: moves the origin, then scales. */
static void scale_transformation(double *v, int n, const struct tag_change *change)
{
	for (int i = 0; i + 3 < n; i += 4) {
		if (i < 12)
			v[i + 3] += v[i] * change->x + v[i + 1] * change->y;
		v[i] /= change->scale_x;
		v[i + 1] /= change->scale_y;
	}
}

static void adapt_to_size(TIFF *to, const struct tag_change *change)
{
	scale_doubles(to, TAG_MODEL_PIXEL_SCALE, scale_pixel_size, change);
	scale_doubles(to, TAG_MODEL_TIEPOINT, scale_tiepoints, change);
	scale_doubles(to, TAG_MODEL_TRANSFORMATION, scale_transformation, change);
}

static int is_about_samples(uint32_t tag)
{
	return tag == TIFFTAG_INKSET || tag == TIFFTAG_DOTRANGE || tag == TIFFTAG_ICCPROFILE;
}

void tags_copy(struct tiff_handle *from, struct tiff_handle *to, const struct tag_change *change)
{
	const int n = TIFFGetTagListCount(from->tif);

	copy_built_in(from->tif, to->tif, change);
	for (int i = 0; i < n; i++) {
		const uint32_t tag = TIFFGetTagListEntry(from->tif, i);

		if (!stays_behind(tag) && !(tag == TIFFTAG_SOFTWARE && change->software) &&
		    !(is_about_samples(tag) && !change->same_samples))
			copy_tag(from->tif, to->tif, tag);
	}
	if (!change->same_size)
		adapt_to_size(to->tif, change);
}

/* ---- EXIF and GPS */

/* True for a tag of the directory that is copied. */
static int belongs(uint32_t tag, int same_size)
{
	const int is_size = tag == TAG_PIXEL_X_DIMENSION || tag == TAG_PIXEL_Y_DIMENSION;

	return tag != TAG_INTEROPERABILITY && (same_size || !is_size);
}

/* Writes no directory without copied tags: libtiff refuses an empty one. */
static int copy_directory(TIFF *from, TIFF *to, int same_size, uint64_t *offset)
{
	const int n = TIFFGetTagListCount(from);

	for (int i = 0; i < n; i++) {
		const uint32_t tag = TIFFGetTagListEntry(from, i);

		if (belongs(tag, same_size))
			copy_tag(from, to, tag);
	}
	return TIFFGetTagListCount(to) == 0 || TIFFWriteCustomDirectory(to, offset);
}

/* libtiff starts a directory without freeing the tags of the previous one. */
static int start_directory(TIFF *tif, int (*create)(TIFF *))
{
	TIFFFreeDirectory(tif);
	return !create(tif);
}

static int create_page(TIFF *tif)
{
	TIFFCreateDirectory(tif);
	return 0;
}

int tags_copy_directories(struct tiff_handle *from, struct tiff_handle *to, int same_size,
			  struct tag_directories *offsets)
{
	toff_t exif = 0, gps = 0;
	int ok = 1;

	memset(offsets, 0, sizeof *offsets);
	if (!TIFFGetField(from->tif, TIFFTAG_EXIFIFD, &exif))
		exif = 0;
	if (!TIFFGetField(from->tif, TIFFTAG_GPSIFD, &gps))
		gps = 0;
	offsets->moved = exif || gps;
	/* A damaged EXIF directory must not cost the picture. */
	if (exif && TIFFReadEXIFDirectory(from->tif, exif))
		ok = start_directory(to->tif, TIFFCreateEXIFDirectory) &&
		     copy_directory(from->tif, to->tif, same_size, &offsets->exif);
#if TIFFLIB_VERSION >= 20210416
	if (ok && gps && TIFFReadGPSDirectory(from->tif, gps))
		ok = start_directory(to->tif, TIFFCreateGPSDirectory) &&
		     copy_directory(from->tif, to->tif, same_size, &offsets->gps);
#endif
	if (offsets->moved)
		ok = start_directory(to->tif, create_page) && ok;
	return ok ? LACUNA_OK : LACUNA_EIO;
}

const char *tags_compression_name(uint16_t compression)
{
	const TIFFCodec *codec = TIFFFindCODEC(compression);

	return codec ? codec->name : "unknown";
}
