/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
#include <config.h>

#include "image/png.h"
#include "base/error.h"
#include "base/file.h"
#include "base/memory.h"

#include <errno.h>
#include <png.h>
#include <stdio.h>
#include <string.h>

/* libpng reports errors by longjmp(): what must survive that is here. */
struct decoder {
	const char *path;
	FILE *file;
	png_structp png;
	png_infop info;
	size_t width, height, channels, bytes; /* bytes: of a sample */
	unsigned char *samples;
	png_bytep *rows;
};

static void fail(png_structp png, png_const_charp message)
{
	const struct decoder *d = png_get_error_ptr(png);

	error_file_set(LACUNA_EIO, d->path, "not a readable PNG file: %s", message);
	png_longjmp(png, 1);
}

static void ignore(png_structp png, png_const_charp message)
{
	(void)png, (void)message;
}

/* Makes libpng deliver gray or RGB, with or without alpha, of 8 or 16 bits. */
static void set_up(struct decoder *d)
{
	png_init_io(d->png, d->file);
	png_read_info(d->png, d->info);
	png_set_expand(d->png);
	png_set_interlace_handling(d->png);
	png_read_update_info(d->png, d->info);
	d->width = png_get_image_width(d->png, d->info);
	d->height = png_get_image_height(d->png, d->info);
	d->channels = png_get_channels(d->png, d->info);
	d->bytes = png_get_bit_depth(d->png, d->info) / 8;
}

static int allocate(struct decoder *d)
{
	const size_t row = d->width * d->channels * d->bytes;

	d->samples = memory_alloc_array(d->height, row);
	d->rows = memory_alloc_array(d->height, sizeof *d->rows);
	if (!d->samples || !d->rows)
		return LACUNA_ENOMEM;
	for (size_t y = 0; y < d->height; y++)
		d->rows[y] = d->samples + y * row;
	return LACUNA_OK;
}

static int decode(struct decoder *d)
{
	int status;

	if (setjmp(png_jmpbuf(d->png)))
		return LACUNA_EIO;
	set_up(d);
	status = allocate(d);
	if (status)
		return status;
	png_read_image(d->png, d->rows);
	png_read_end(d->png, NULL);
	return LACUNA_OK;
}

static float raw(const struct decoder *d, size_t pixel, size_t channel)
{
	const unsigned char *p = d->samples + (pixel * d->channels + channel) * d->bytes;

	return d->bytes == 1 ? (float)p[0] / 255 : (float)(p[0] << 8 | p[1]) / 65535;
}

static size_t count_colors(const struct decoder *d)
{
	return d->channels < 3 ? 1 : 3;
}

/* Gray is often saved as colour. */
static void drop_colors(struct image *image)
{
	const size_t plane = (size_t)(image->shape.extent[0] * image->shape.extent[1]);
	const float *v = image->values;

	for (size_t i = 0; image->shape.extent[2] == 3 && i < plane; i++)
		if (memcmp(v + i, v + i + plane, sizeof *v) != 0 ||
		    memcmp(v + i, v + i + 2 * plane, sizeof *v) != 0)
			return;
	image->shape.extent[2] = 1;
}

/* alpha, if there is one, is the last channel. */
static int blend(const struct decoder *d, struct image *image)
{
	const size_t plane = d->width * d->height;
	float *alpha = memory_alloc_array(plane, sizeof *alpha);

	if (!alpha)
		return LACUNA_ENOMEM;
	for (size_t i = 0; i < plane; i++)
		alpha[i] = raw(d, i, d->channels - 1);
	image_on_white(image, alpha, 0, d->path);
	memory_release(alpha);
	return LACUNA_OK;
}

static int to_image(const struct decoder *d, struct image *image)
{
	const size_t plane = d->width * d->height, channels = count_colors(d);
	const struct lacuna_shape shape = { { (int64_t)d->width, (int64_t)d->height,
					      (int64_t)channels, 1 } };
	int status = image_create(image, &shape);

	for (size_t c = 0; !status && c < channels; c++)
		for (size_t i = 0; i < plane; i++)
			image->values[c * plane + i] = raw(d, i, c);
	if (!status && d->channels > channels)
		status = blend(d, image);
	if (status)
		image_free(image);
	else
		drop_colors(image);
	return status;
}

int png_read_file(const char *path, struct image *image)
{
	struct decoder d = { .path = path, .file = file_stream(path) };
	int status = LACUNA_ENOMEM;

	if (!d.file)
		return LACUNA_EIO;
	d.png = png_create_read_struct(PNG_LIBPNG_VER_STRING, &d, fail, ignore);
	d.info = d.png ? png_create_info_struct(d.png) : NULL;
	if (d.info)
		status = decode(&d);
	else
		error_file_set(LACUNA_ENOMEM, path, "out of memory");
	if (!status)
		status = to_image(&d, image);
	png_destroy_read_struct(&d.png, &d.info, NULL);
	memory_release(d.rows);
	memory_release(d.samples);
	fclose(d.file);
	return status;
}

/* ---- writing ----------------------------------------------------------------------------------------- */

static unsigned char byte_of(float value)
{
	if (!(value >= 0)) /* NaN becomes white, values below black become black */
		return value < 0 ? 0 : 255;
	return value < 1 ? (unsigned char)(value * 255 + 0.5f) : 255;
}

static unsigned char *interleave(const struct image *image)
{
	const size_t channels = (size_t)image->shape.extent[2];
	const size_t plane = lacuna_count(&image->shape) / channels;
	unsigned char *samples = memory_alloc_array(plane, channels);

	for (size_t c = 0; samples && c < channels; c++)
		for (size_t i = 0; i < plane; i++)
			samples[i * channels + c] = byte_of(image->values[c * plane + i]);
	return samples;
}

int png_encode(const struct image *image, unsigned char **bytes, size_t *size)
{
	png_image png = { .version = PNG_IMAGE_VERSION,
			  .width = (png_uint_32)image->shape.extent[0],
			  .height = (png_uint_32)image->shape.extent[1],
			  .format =
				  image->shape.extent[2] == 3 ? PNG_FORMAT_RGB : PNG_FORMAT_GRAY };
	unsigned char *samples = interleave(image);
	png_alloc_size_t n = 0;
	int good;

	*bytes = NULL;
	good = samples && png_image_write_get_memory_size(png, n, 0, samples, 0, NULL);
	if (good) {
		*bytes = memory_alloc(n);
		good = *bytes && png_image_write_to_memory(&png, *bytes, &n, 0, samples, 0, NULL);
	}
	memory_release(samples);
	*size = n;
	if (good)
		return LACUNA_OK;
	memory_release(*bytes);
	*bytes = NULL;
	return error_set(LACUNA_ENOMEM, "cannot make a PNG: %s",
			 png.message[0] ? png.message : "out of memory");
}
