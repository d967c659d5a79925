/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Fuzz target of weights in safetensors layout, which users exchange: header, metadata and tensors, plain or compressed. */
#include <config.h>

#include "common/neural/weights.h"
#include "plugin/host.h"
#include "tests/fuzz/fuzz.h"

#include <math.h>

static struct lacuna_host host;
static struct host_context context;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const int64_t square[] = { 2, 3 }, line[] = { 4 };
	float values[6] = { 0 };
	double numbers[3];
	struct weights *w;
	int status;

	if (!directory[0]) {
		set_up("weights");
		host_init(&host, &context);
	}
	store(input, data, size);
	status = weights_open(&host, input, &w);
	if (!status) {
		status = weights_text(w, "format") ? LACUNA_OK
						   : error_set(LACUNA_EINVAL, "no format");
		if (!status && weights_numbers(w, "widths", 3, numbers) < 0)
			status = LACUNA_EINVAL;
		if (!status)
			status = weights_tensor(w, "a", 2, square, values);
		if (!status)
			status = weights_tensor(w, "b", 1, line, values);
		weights_close(w);
	}
	judge(status != 0);
	return 0;
}

#ifndef FUZZING_ENGINE

static size_t make_seed(const char *header, size_t tensors, uint8_t *data)
{
	const size_t n = strlen(header);

	memset(data, 0, 8);
	data[0] = (uint8_t)n;
	data[1] = (uint8_t)(n >> 8);
	memcpy(data + 8, header, n);
	for (size_t i = 0; i < tensors; i++)
		data[8 + n + i] = (uint8_t)(i * 37);
	return 8 + n + tensors;
}

static void test_seeds(uint64_t seed, int rounds)
{
	static uint8_t data[LIMIT];

	try_seed("half precision", data,
		 make_seed("{\"__metadata__\":{\"format\":\"lacuna-unet-1\",\"widths\":\"16,24\"},"
			   "\"a\":{\"dtype\":\"F16\",\"shape\":[2,3],\"data_offsets\":[0,12]},"
			   "\"b\":{\"dtype\":\"F16\",\"shape\":[4],\"data_offsets\":[12,20]}}",
			   20, data),
		 seed, rounds);
	try_seed("single precision", data,
		 make_seed("{\"a\":{\"dtype\":\"F32\",\"shape\":[2,3],\"data_offsets\":[16,40]},"
			   "\"b\":{\"dtype\":\"F32\",\"shape\":[4],\"data_offsets\":[0,16]},"
			   "\"__metadata__\":{\"widths\":\"1,2,3\",\"format\":\"x\"}}",
			   40, data),
		 seed + 1, rounds);
}

int main(int argc, char **argv)
{
	const int status = fuzz_main(argc, argv, test_seeds);

	unlink(input);
	return rmdir(directory) || status;
}

#endif
