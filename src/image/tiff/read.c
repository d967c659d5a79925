/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Reads TIFF pages into pictures: rows of samples become planar float, and other colours RGB. */
#include <config.h>

#include "image/tiff/private.h"

#include <math.h>
#include <string.h>

struct float_sink {
	const struct tiff_layout *layout;
	struct image *image;
};

static float *pixel(struct image *image, int channel, uint32_t x, uint32_t y)
{
	const size_t w = (size_t)image->shape.extent[0], h = (size_t)image->shape.extent[1];

	return image->values + ((size_t)channel * h + y) * w + x;
}

/* Palette colours of n pixels: the first sample is number `at' of row, each other `stride' samples after the last. */
static void palette_values(const struct tiff_layout *l, int channel, const void *row, size_t at,
			   size_t stride, size_t n, float *out)
{
	for (size_t i = 0; i < n; i++) {
		const uint64_t index = sample_get(row, at + i * stride, l->type.bits);

		out[i] = (float)(l->map[channel][index] >> l->palette_shift);
	}
}

void layout_values(const struct tiff_layout *l, int channel, const void *row, size_t at,
		   size_t stride, size_t n, float *out)
{
	const struct sample_type type = l->type;
	const uint64_t ones = UINT64_MAX >> (64 - type.bits);
	const uint64_t toggle = l->invert ? ones : l->lab && channel ? ones ^ ones >> 1 : 0;

	if (l->palette) {
		palette_values(l, channel, row, at, stride, n, out);
		return;
	}
	sample_values(type, row, at, stride, n, toggle, out);
}

static void sink_row(void *context, const struct tiff_row *row)
{
	struct float_sink *to = context;
	const struct tiff_layout *l = to->layout;
	const int channels = l->palette ? 3 : l->colour;

	for (int c = 0; c < channels; c++) {
		const int sample = l->palette ? 0 : layout_sample(l, c);

		if (l->separate && sample != row->first)
			continue;
		layout_values(l, c, row->data, (size_t)(sample - row->first), (size_t)row->stride,
			      row->n, pixel(to->image, c, row->x, row->y));
	}
}

/* Converts XYZ (equal-energy white) to linear RGB of ITU-R BT.709 primaries; the matrix is that of libtiff's tif_luv.c. */
static void xyz_to_rgb(size_t n, float *v)
{
	static const double m[3][3] = { { 2.690, -1.276, -0.414 },
					{ -1.022, 1.978, 0.044 },
					{ 0.061, -0.224, 1.163 } };

	for (size_t i = 0; i < n; i++) {
		const double x = v[i], y = v[i + n], z = v[i + 2 * n];

		for (size_t c = 0; c < 3; c++)
			v[i + c * n] = (float)(m[c][0] * x + m[c][1] * y + m[c][2] * z);
	}
}

/* Converts by ITU-R BT.601 with full range, the default of TIFF 6.0. */
static void ycbcr_to_rgb(size_t n, float *v)
{
	for (size_t i = 0; i < n; i++) {
		const double y = v[i], cb = v[i + n] - 128.0, cr = v[i + 2 * n] - 128.0;

		v[i] = (float)fmin(fmax(y + 1.402 * cr, 0), 255);
		v[i + n] = (float)fmin(fmax(y - 0.344136 * cb - 0.714136 * cr, 0), 255);
		v[i + 2 * n] = (float)fmin(fmax(y + 1.772 * cb, 0), 255);
	}
}

void layout_colours(const struct tiff_layout *l, size_t n, float *values)
{
	if (l->photometric == PHOTOMETRIC_LOGLUV)
		xyz_to_rgb(n, values);
	if (l->ycbcr)
		ycbcr_to_rgb(n, values);
}

int tiff_read(struct image_reader *reader, int page, struct image *image)
{
	struct tiff_reader *r = tiff_reader(reader);
	struct float_sink to = { &r->layout, image };
	struct lacuna_shape shape;
	int status = reader_enter(r, page);

	memset(image, 0, sizeof *image);
	if (!status) {
		shape = layout_shape(&r->layout);
		status = image_create(image, &shape);
	}
	if (!status)
		status = reader_decode(r, 0, layout_sample(&r->layout, r->layout.colour - 1) + 1,
				       &(struct tiff_span){ 0, r->layout.height }, sink_row, &to);
	if (!status) {
		layout_colours(&r->layout, (size_t)shape.extent[0] * (size_t)shape.extent[1],
			       image->values);
		return LACUNA_OK;
	}
	image_free(image);
	return reader_context(r, page, status);
}
