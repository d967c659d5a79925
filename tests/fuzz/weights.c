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

/* ---- values */

enum { HEADER = 200 };

/* Reads a tensor of n 16-bit numbers that claims to have `shape' values; returns the status. */
static int read_tensor(const char *type, int64_t shape, const uint16_t *bits, size_t n,
		       float *values)
{
	uint8_t *data = malloc(8 + HEADER + 2 * n);
	char header[HEADER];
	struct weights *w;
	size_t size;
	int status;

	snprintf(header, sizeof header,
		 "{\"a\":{\"dtype\":\"%s\",\"shape\":[%d],\"data_offsets\":[0,%zu]}}", type,
		 (int)shape, 2 * n);
	size = make_seed(header, 0, data);
	for (size_t i = 0; i < n; i++) {
		data[size++] = (uint8_t)bits[i];
		data[size++] = (uint8_t)(bits[i] >> 8);
	}
	store(input, data, size);
	free(data);
	error_clear();
	status = weights_open(&host, input, &w);
	if (!status) {
		status = weights_tensor(w, "a", 1, &shape, values);
		weights_close(w);
	}
	return status;
}

/* IEEE 754, binary16 */
static double half(unsigned bits)
{
	const int exponent = bits >> 10 & 31, fraction = bits & 1023;
	const double size = exponent ? ldexp(1024 + fraction, exponent - 25) : ldexp(fraction, -24);

	return bits >> 15 ? -size : size;
}

/* The upper half of a binary32 */
static double brain(unsigned bits)
{
	const int exponent = bits >> 7 & 255, fraction = bits & 127;
	const double size =
		exponent ? ldexp(128 + fraction, exponent - 134) : ldexp(fraction, -133);

	return bits >> 15 ? -size : size;
}

/* All finite numbers of a type are read as they are; `infinite' is the first that is not finite. */
static void test_type(const char *type, double (*value)(unsigned), unsigned infinite)
{
	static uint16_t bits[1 << 16];
	static float values[1 << 16];
	const uint16_t last[] = { 0, (uint16_t)infinite, 0 };
	size_t n = 0, wrong = 0;

	for (unsigned b = 0; b < 1 << 16; b++)
		if ((b & 0x7fff) < infinite)
			bits[n++] = (uint16_t)b;
	if (!ok(!read_tensor(type, (int64_t)n, bits, n, values), "%s: %zu numbers", type, n))
		diag("%s", error_text());
	for (size_t i = 0; i < n; i++)
		wrong += fabs((double)values[i] - value(bits[i])) > 0;
	ok(!wrong, "%s: all are what they should be (%zu are not)", type, wrong);
	ok(read_tensor(type, 3, last, 3, values) < 0, "%s: infinity is refused", type);
	ok(read_tensor(type, 3, bits, 4, values) < 0, "%s: more numbers than the shape has", type);
	ok(read_tensor(type, 3, bits, 2, values) < 0, "%s: fewer", type);
}

int main(int argc, char **argv)
{
	int status;

	set_up("weights");
	host_init(&host, &context);
	if (argc == 1) {
		test_type("F16", half, 0x7c00);
		test_type("BF16", brain, 0x7f80);
	}
	status = fuzz_main(argc, argv, test_seeds);

	unlink(input);
	return rmdir(directory) || status;
}

#endif
