/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Reading of PNG files: gray, gray stored as RGB, colour, transparency, 16 bits; truncated files, and files that are not
 * PNG. */
#include <config.h>

#include "image/png.h"
#include "base/error.h"
#include "base/memory.h"
#include "tests/tap.h"

#include <png.h>
#include <stdint.h>
#include <unistd.h>

static const char name[] = "unit-png.tmp";

static void write_png(uint32_t format, uint32_t width, uint32_t height, const void *samples)
{
	png_image p = {
		.version = PNG_IMAGE_VERSION, .width = width, .height = height, .format = format
	};

	if (!png_image_write_to_file(&p, name, 0, samples, 0, NULL))
		tap_bail("%s", p.message);
}

/* A picture of 2x2 samples gives these values, plane by plane. */
static void test_picture(const char *what, uint32_t format, const void *samples, int channels,
			 const float *want)
{
	struct image image = { 0 };
	int same;

	write_png(format, 2, 2, samples);
	ok(!png_read_file(name, &image), "%s is read", what);
	same = image.shape.extent[0] == 2 && image.shape.extent[1] == 2 &&
	       image.shape.extent[2] == channels;
	for (int i = 0; same && i < 4 * channels; i++)
		same = fabsf(image.values[i] - want[i]) < 1e-6F;
	ok(same, "%s: size, channels and values", what);
	image_free(&image);
}

/* Every level of 8 and of 16 bits lies at its place between 0 and 1, in files that are interlaced, too. */
static void test_levels(void)
{
	static uint16_t wide[256 * 256];
	static unsigned char narrow[256];
	struct image image = { 0 };
	int wrong = 0;

	for (unsigned i = 0; i < 65536; i++)
		wide[i] = (uint16_t)i;
	for (unsigned i = 0; i < 256; i++)
		narrow[i] = (unsigned char)i;
	write_png(PNG_FORMAT_GRAY, 256, 1, narrow);
	wrong += png_read_file(name, &image) != LACUNA_OK;
	for (unsigned i = 0; !wrong && i < 256; i++)
		wrong += fabsf(image.values[i] - (float)i / 255) > 1e-7F;
	image_free(&image);
	for (int interlaced = 0; interlaced < 2; interlaced++) {
		FILE *f = fopen(name, "wb");
		png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, NULL, NULL, NULL);
		png_infop info = png_create_info_struct(png);
		png_bytep rows[256];

		for (int y = 0; y < 256; y++)
			rows[y] = (png_bytep)(wide + 256 * y);
		png_init_io(png, f);
		png_set_IHDR(png, info, 256, 256, 16, PNG_COLOR_TYPE_GRAY,
			     interlaced ? PNG_INTERLACE_ADAM7 : PNG_INTERLACE_NONE,
			     PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
		png_set_rows(png, info, rows);
		png_write_png(png, info,
			      *(const unsigned char *)&(const uint16_t){ 1 }
				      ? PNG_TRANSFORM_SWAP_ENDIAN
				      : PNG_TRANSFORM_IDENTITY,
			      NULL);
		png_destroy_write_struct(&png, &info);
		fclose(f);
		wrong += png_read_file(name, &image) != LACUNA_OK;
		for (unsigned i = 0; !wrong && i < 65536; i++)
			wrong += fabsf(image.values[i] - (float)i / 65535) > 1e-7F;
		image_free(&image);
	}
	ok(!wrong, "all levels of 8 and of 16 bits, interlaced or not (%d wrong)", wrong);
}

/* Palettes and less than 8 bits are expanded. */
static void test_small(void)
{
	static const png_color colors[4] = {
		{ 255, 0, 0 }, { 0, 255, 0 }, { 0, 0, 255 }, { 51, 102, 153 }
	};
	static const float values[] = { 1, 0, 0, 0.2F, 0, 1, 0, 0.4F, 0, 0, 1, 0.6F };

	for (int palette = 0; palette < 2; palette++) {
		FILE *f = fopen(name, "wb");
		png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, NULL, NULL, NULL);
		png_infop info = png_create_info_struct(png);
		png_byte row[2] = { 0x10, 0xb0 }; /* 0, 1; 2, 3 */
		png_bytep rows[2] = { row, row + 1 };
		struct image image = { 0 };
		int right = 1;

		png_init_io(png, f);
		png_set_IHDR(
			png, info, 2, 2, 2, palette ? PNG_COLOR_TYPE_PALETTE : PNG_COLOR_TYPE_GRAY,
			PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
		if (palette)
			png_set_PLTE(png, info, colors, 4);
		png_set_rows(png, info, rows);
		png_write_png(png, info, PNG_TRANSFORM_IDENTITY, NULL);
		png_destroy_write_struct(&png, &info);
		fclose(f);
		right = !png_read_file(name, &image) && image.shape.extent[2] == (palette ? 3 : 1);
		for (int i = 0; right && i < (palette ? 12 : 4); i++)
			right = fabsf(image.values[i] - (palette ? values[i] : (float)i / 3)) <
				1e-6F;
		ok(right, "2 bits, %s", palette ? "a palette" : "gray");
		image_free(&image);
	}
}

/* Writing: rounded, clipped, NaN white, planes interleaved. */
static void test_encode(void)
{
	for (int channels = 1; channels <= 3; channels += 2) {
		const struct lacuna_shape shape = { { 256, 2, channels, 1 } };
		static const float special[] = { NAN, -1, 2, INFINITY, -INFINITY, 0.9999F };
		static const float want[] = { 1, 0, 1, 1, 0, 1 };
		struct image image, again = { 0 };
		unsigned char *bytes = NULL;
		size_t size = 0;
		int wrong = 0;
		FILE *f;

		if (image_create(&image, &shape))
			return;
		/* Between two levels, below and above the middle. */
		for (int k = 0; k < 512 * channels; k++)
			image.values[k] = ((float)(k * 7 % 256) + (k % 2 ? 0.45F : -0.45F)) / 255;
		memcpy(image.values, special, sizeof special);
		ok(!png_encode(&image, &bytes, &size), "%d channels are encoded", channels);
		f = fopen(name, "wb");
		fwrite(bytes, 1, size, f);
		fclose(f);
		memory_release(bytes);
		ok(!png_read_file(name, &again) && again.shape.extent[2] == channels, "and read");
		for (int k = 0; k < 512 * channels; k++) {
			const float level = k < 6 ? want[k] : (float)(k * 7 % 256) / 255;

			wrong += !(fabsf(again.values[k] - level) < 1e-6F);
		}
		ok(!wrong, "rounded to the nearest level, clipped, NaN white (%d wrong)", wrong);
		image_free(&image);
		image_free(&again);
	}
}

static void test_faults(void)
{
	static const unsigned char noise[64 * 64] = { 3, 1, 4, 1, 5, 9, 2, 6 };
	struct image image = { 0 };

	write_png(PNG_FORMAT_GRAY, 64, 64, noise);
	ok(!truncate(name, 60), "a file is cut");
	ok(png_read_file(name, &image) == LACUNA_EIO && strstr(error_text(), "unit-png.tmp: not a"),
	   "a cut file is refused by name: %s", error_text());
	ok(!image.values, "and leaves nothing");
	write_png(PNG_FORMAT_GRAY, 64, 64, noise);
	for (off_t left = 8; left < 90; left += 3) {
		write_png(PNG_FORMAT_GRAY, 64, 64, noise);
		if (truncate(name, left) || png_read_file(name, &image) != LACUNA_EIO)
			ok(0, "cut to %ld bytes", (long)left);
	}
	ok(memory_live_blocks() == 0, "no cut file leaves memory behind");
	unlink(name);
	ok(png_read_file(name, &image) == LACUNA_EIO, "no file: %s", error_text());
}

int main(void)
{
	static const unsigned char gray[] = { 0, 51, 102, 255 };
	static const unsigned char rgb_gray[] = {
		0, 0, 0, 51, 51, 51, 102, 102, 102, 255, 255, 255
	};
	static const unsigned char color[] = { 255, 0, 0, 0, 255, 0, 0, 0, 255, 51, 102, 153 };
	static const unsigned char painted[] = { 0, 255, 0, 0, 0, 51, 255, 255 };
	static const unsigned char white[] = { 255, 0, 255, 255, 255, 51, 255, 0 };
	static const unsigned char erased[] = { 255, 255, 255, 0, 255, 255, 255, 204 };
	static const float gray_values[] = { 0, 0.2F, 0.4F, 1 };
	static const float color_values[] = { 1, 0, 0, 0.2F, 0, 1, 0, 0.4F, 0, 0, 1, 0.6F };
	/* Red and green are alike. */
	static const unsigned char blue[] = { 0, 0, 255, 51, 51, 51, 102, 102, 0, 255, 255, 255 };
	static const float blue_values[] = { 0, 0.2F, 0.4F, 1, 0, 0.2F, 0.4F, 1, 1, 0.2F, 0, 1 };
	static const float painted_values[] = { 0, 1, 0.8F, 1 };
	static const float white_values[] = { 1, 0, 0.8F, 1 }, erased_values[] = { 1, 0, 1, 0.8F };

	test_picture("gray", PNG_FORMAT_GRAY, gray, 1, gray_values);
	test_picture("gray stored as RGB", PNG_FORMAT_RGB, rgb_gray, 1, gray_values);
	test_picture("colour", PNG_FORMAT_RGB, color, 3, color_values);
	test_picture("black strokes on nothing", PNG_FORMAT_GA, painted, 1, painted_values);
	test_picture("white strokes on nothing", PNG_FORMAT_GA, white, 1, white_values);
	test_picture("a hole in a white layer", PNG_FORMAT_GA, erased, 1, erased_values);
	test_picture("blue only", PNG_FORMAT_RGB, blue, 3, blue_values);
	test_levels();
	test_small();
	test_encode();
	test_faults();
	return tap_done();
}
