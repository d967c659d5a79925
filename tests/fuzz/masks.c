/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Fuzz target of the files that operators read, TIFF excepted: PNG and text files of numbers, as masks and kernels. */
#include <config.h>

#include "cli/picture.h"
#include "tests/fuzz/fuzz.h"

#include <math.h>
#include <png.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct lacuna_shape shape;
	float *values = NULL, sum = 0;
	int status;

	if (!directory[0])
		set_up("mask");
	store(input, data, size);
	status = picture_read(input, &shape, &values);
	/* Reads all values that the shape promises. */
	for (size_t i = 0; !status && i < lacuna_count(&shape); i++)
		sum += values[i];
	if (!status)
		memory_release(values);
	judge(status && (isnan(sum) || 1));
	return 0;
}

#ifndef FUZZING_ENGINE

static size_t make_png(uint32_t format, int side, uint8_t *data)
{
	static uint8_t samples[4 * 32 * 32];
	png_image p = { .version = PNG_IMAGE_VERSION,
			.width = (uint32_t)side,
			.height = (uint32_t)side,
			.format = format };
	png_alloc_size_t size = LIMIT;

	for (size_t i = 0; i < sizeof samples; i++)
		samples[i] = (uint8_t)(i * 7 % 251);
	return png_image_write_to_memory(&p, data, &size, 0, samples, 0, NULL) ? size : 0;
}

static void test_seeds(uint64_t seed, int rounds)
{
	static const char *const texts[] = {
		"# a kernel\n0 1 0\n1 2.5e-1 1/3\n0, 1; 0\n",
		"1\t2\r\n-3 4\n\n5 6",
	};
	static uint8_t data[LIMIT];

	try_seed("gray PNG", data, make_png(PNG_FORMAT_GRAY, 24, data), seed, rounds);
	try_seed("PNG with alpha", data, make_png(PNG_FORMAT_RGBA, 16, data), seed + 1, rounds);
	for (size_t i = 0; i < 2; i++)
		try_seed(i ? "numbers" : "kernel", (const uint8_t *)texts[i], strlen(texts[i]),
			 seed + 2 + i, rounds);
}

int main(int argc, char **argv)
{
	const int status = fuzz_main(argc, argv, test_seeds);

	unlink(input);
	return rmdir(directory) || status;
}

#endif
