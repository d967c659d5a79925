/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Reading of PNG files: gray, gray stored as RGB, colour, transparency, 16 bits; truncated files, and files that are not
 * PNG. */
#include <config.h>

#include "image/png.h"
#include "base/error.h"
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

static void test_faults(void)
{
	static const unsigned char noise[64 * 64] = { 3, 1, 4, 1, 5, 9, 2, 6 };
	struct image image = { 0 };

	write_png(PNG_FORMAT_GRAY, 64, 64, noise);
	ok(!truncate(name, 60), "a file is cut");
	ok(png_read_file(name, &image) == LACUNA_EIO && strstr(error_text(), "unit-png.tmp: not a"),
	   "a cut file is refused by name: %s", error_text());
	ok(!image.values, "and leaves nothing");
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
	static const float painted_values[] = { 0, 1, 0.8F, 1 };
	static const float white_values[] = { 1, 0, 0.8F, 1 }, erased_values[] = { 1, 0, 1, 0.8F };

	test_picture("gray", PNG_FORMAT_GRAY, gray, 1, gray_values);
	test_picture("gray stored as RGB", PNG_FORMAT_RGB, rgb_gray, 1, gray_values);
	test_picture("colour", PNG_FORMAT_RGB, color, 3, color_values);
	test_picture("black strokes on nothing", PNG_FORMAT_GA, painted, 1, painted_values);
	test_picture("white strokes on nothing", PNG_FORMAT_GA, white, 1, white_values);
	test_picture("a hole in a white layer", PNG_FORMAT_GA, erased, 1, erased_values);
	test_faults();
	return tap_done();
}
