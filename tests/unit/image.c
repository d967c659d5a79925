/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Images in memory, and single samples: every bit pattern of the small types survives, rounding and clipping. */
#include <config.h>

#include "image/image.h"
#include "image/sample.h"
#include "base/error.h"
#include "base/memory.h"
#include "tests/tap.h"

#include <float.h>
#include <stdint.h>

static void test_image(void)
{
	const struct lacuna_shape shape = { { 3, 2, 1, 1 } };
	const struct lacuna_shape huge = { { INT64_MAX, INT64_MAX, 4, 1 } };
	const float values[6] = { -100, 0, 155, 1000, NAN, INFINITY };
	struct image_range range = { 7, 8 };
	struct image image, none;

	ok(!image_create(&image, &shape), "an image is created");
	ok((uintptr_t)image.values % 64 == 0, "its values are aligned");
	ok(image_extrema(&image, &range) && range.lo == 0 && range.hi == 0, "it is zero");
	memcpy(image.values, values, sizeof values);
	ok(image_extrema(&image, &range) && range.lo == -100 && range.hi == 1000,
	   "extrema look at finite values only");
	image_to_unit(&image, (struct image_range){ -100, 155 });
	near(image.values[0], 0, 0, "the low end is 0");
	near(image.values[2], 1, 0, "the high end is 1");
	near(image.values[1], 100.0 / 255, 1e-7, "between, it is linear");
	image_from_unit(&image, (struct image_range){ -100, 155 });
	near(image.values[3], 1000, 1e-4, "the way back inverts the way there");
	image_from_unit(&image, (struct image_range){ 5, 5 });
	near(image.values[0], -95, 1e-5, "an empty range only shifts");
	for (int i = 0; i < 6; i++)
		image.values[i] = NAN;
	ok(!image_extrema(&image, &range), "no finite value, no extrema");
	image_free(&image);
	ok(!image.values && image.shape.extent[0] == 0, "a freed image is empty");
	image_free(&image);
	ok(image_create(&none, &huge) < 0 && !none.values, "an impossible size is refused");
	ok(memory_live_blocks() == 0, "nothing leaks");
}

/* What one sees of a layer on white paper; where all is white, alpha tells what was painted. */
static void test_on_white(void)
{
	static const struct {
		float values[3], alpha[3], want[3]; /* three pixels */
		int associated, gray;
	} cases[] = {
		{ { 0, 0.5F, 1 }, { 1, 0.5F, 0 }, { 0, 0.75F, 1 }, 0, 0 },
		{ { 0, 0.25F, 0 }, { 1, 0.5F, 0 }, { 0, 0.75F, 1 }, 1, 0 },
		/* white, opaque: it stays white */
		{ { 1, 1, 1 }, { 1, 1, 1 }, { 1, 1, 1 }, 0, 1 },
		/* half transparent pixels are neither painted nor erased */
		{ { 1, 1, 1 }, { 1, 0.5F, 0.5F }, { 1, 1, 1 }, 0, 1 },
		/* painted on a transparent layer, and erased from a white one */
		{ { 1, 1, 1 }, { 0, 0, 0.8F }, { 1, 1, 0.2F }, 0, 1 },
		{ { 1, 1, 1 }, { 1, 1, 0.2F }, { 1, 1, 0.2F }, 0, 1 },
	};

	for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
		const struct lacuna_shape shape = { { 3, 1, 3, 1 } };
		struct image image;
		int right;

		if (image_create(&image, &shape))
			return;
		for (int i = 0; i < 9; i++)
			image.values[i] = cases[k].values[i % 3];
		image_on_white(&image, cases[k].alpha, cases[k].associated, "a layer");
		right = image.shape.extent[2] == (cases[k].gray ? 1 : 3);
		for (int i = 0; right && i < (cases[k].gray ? 3 : 9); i++)
			right = fabsf(image.values[i] - cases[k].want[i % 3]) < 1e-6F;
		ok(right, "layer %zu on white paper", k);
		image_free(&image);
	}
}

/* 16-bit integers go through the unit scale and back without loss. */
static void test_unit_scale(void)
{
	const struct lacuna_shape shape = { { 65536, 1, 1, 1 } };
	const struct image_range full =
		sample_full_scale((struct sample_type){ SAMPLE_SIGNED, 16 });
	const struct sample_type type = { SAMPLE_SIGNED, 16 };
	struct image image;
	int wrong = 0;

	if (!ok(!image_create(&image, &shape), "an image of all 16-bit values"))
		return;
	for (int i = 0; i < 65536; i++)
		image.values[i] = sample_decode(type, (uint64_t)i);
	image_to_unit(&image, full);
	image_from_unit(&image, full);
	for (int i = 0; i < 65536; i++)
		wrong += sample_encode(type, image.values[i]) != (uint64_t)i;
	ok(!wrong, "every 16-bit value survives the unit scale (%d do not)", wrong);
	image_free(&image);
}

/* All bit patterns of a type that fits into float: decoding and encoding gives the same bits. */
static void test_patterns(struct sample_type type, const char *name)
{
	const uint64_t count = UINT64_C(1) << type.bits;
	uint64_t wrong = 0;

	for (uint64_t raw = 0; raw<count; raw += type.bits> 16 ? 7 : 1)
		wrong += sample_encode(type, sample_decode(type, raw)) != raw;
	ok(!wrong, "every pattern of %s survives (%lu do not)", name, (unsigned long)wrong);
}

static uint64_t encode(enum sample_kind kind, int bits, double value)
{
	return sample_encode((struct sample_type){ kind, bits }, (float)value);
}

static float decode(enum sample_kind kind, int bits, uint64_t raw)
{
	return sample_decode((struct sample_type){ kind, bits }, raw);
}

static void test_integers(void)
{
	ok(encode(SAMPLE_UNSIGNED, 8, 1.5) == 2 && encode(SAMPLE_UNSIGNED, 8, 2.5) == 2 &&
		   encode(SAMPLE_UNSIGNED, 8, 2.51) == 3,
	   "integers round to nearest, ties to even");
	ok(encode(SAMPLE_UNSIGNED, 8, -3) == 0 && encode(SAMPLE_UNSIGNED, 8, 255.6) == 255 &&
		   encode(SAMPLE_UNSIGNED, 12, 1e9) == 4095,
	   "unsigned integers clip");
	ok(encode(SAMPLE_SIGNED, 8, -1000) == 0x80 && encode(SAMPLE_SIGNED, 8, 1000) == 0x7f &&
		   encode(SAMPLE_SIGNED, 16, -1) == 0xffff,
	   "signed integers clip");
	ok(encode(SAMPLE_UNSIGNED, 8, NAN) == 0 && encode(SAMPLE_SIGNED, 16, NAN) == 0,
	   "NaN becomes 0 in an integer");
	ok(encode(SAMPLE_UNSIGNED, 16, INFINITY) == 0xffff &&
		   encode(SAMPLE_SIGNED, 16, -INFINITY) == 0x8000,
	   "infinities become the ends of an integer's range");
	ok(encode(SAMPLE_UNSIGNED, 32, 4294967296.0) == UINT32_MAX &&
		   encode(SAMPLE_SIGNED, 32, 2147483648.0) == INT32_MAX &&
		   encode(SAMPLE_UNSIGNED, 64, 1e30) == UINT64_MAX &&
		   encode(SAMPLE_SIGNED, 64, 1e30) == INT64_MAX &&
		   encode(SAMPLE_SIGNED, 64, -1e30) == UINT64_C(1) << 63,
	   "what float rounds beyond the range is clipped");
	ok(decode(SAMPLE_SIGNED, 12, 0xfff) == -1 && decode(SAMPLE_SIGNED, 12, 0x800) == -2048,
	   "signs are extended");
}

/* Numbers that a file states keep all digits that the type has. */
static void test_doubles(void)
{
	const double v = -9999.9, huge = -1.7976931348623157e308;
	const struct sample_type half = { SAMPLE_FLOAT, 16 }, wide = { SAMPLE_FLOAT, 64 },
				 real = { SAMPLE_FLOAT, 32 }, number = { SAMPLE_SIGNED, 32 };
	uint64_t raw, lowest;

	memcpy(&raw, &v, sizeof raw);
	memcpy(&lowest, &huge, sizeof lowest);
	ok(sample_encode_double(wide, v) == raw && sample_encode_double(wide, huge) == lowest,
	   "64 bits keep all digits");
	ok(sample_encode_double(number, -999999999) == (uint32_t)-999999999 &&
		   sample_encode_double(number, 1e300) == INT32_MAX,
	   "so do integers, which clip");
	ok(sample_decode(real, sample_encode_double(real, huge)) == -FLT_MAX &&
		   sample_encode_double(half, 2.5) == sample_encode(half, 2.5F),
	   "floats of fewer bits are as from float");
}

/* Every NaN stays one, though its mantissa may have ones only where the small types have no bits. */
static void test_nan(void)
{
	int wrong = 0;

	for (int bits = 16; bits <= 64; bits += bits == 32 ? 32 : 8)
		for (uint32_t mantissa = 1; mantissa; mantissa = mantissa << 1 & 0x7fffff) {
			const struct sample_type type = { SAMPLE_FLOAT, bits };
			const uint32_t low = 0x7f800000 | mantissa;
			float v;

			memcpy(&v, &low, sizeof v);
			wrong += !isnan(sample_decode(type, sample_encode(type, v)));
		}
	ok(!wrong, "NaN of any bits stays NaN (%d do not)", wrong);
}

/* A signed integer of n bits is that of 64 bits, cut; of few bits all, of many some. */
static void test_signs(void)
{
	int wrong = 0;

	for (int bits = 1; bits <= 32; bits++) {
		const int64_t span = INT64_C(1) << (bits - 1);

		for (int k = 0; k < 1000; k++) {
			const int64_t v = k % 2 ? span - 1 - k / 2 % span : k / 2 % span - span;
			const uint64_t raw = (uint64_t)v & (UINT64_MAX >> (64 - bits));

			wrong += decode(SAMPLE_SIGNED, bits, raw) != (float)v;
			wrong += bits <= 24 && encode(SAMPLE_SIGNED, bits, (double)v) != raw;
		}
	}
	ok(!wrong, "signed integers of every width keep their sign (%d do not)", wrong);
}

static void test_floats(void)
{
	ok(decode(SAMPLE_FLOAT, 16, 0x3c00) == 1 && decode(SAMPLE_FLOAT, 16, 0xc000) == -2 &&
		   decode(SAMPLE_FLOAT, 16, 0x7bff) == 65504 &&
		   decode(SAMPLE_FLOAT, 16, 1) == ldexpf(1, -24) &&
		   decode(SAMPLE_FLOAT, 16, 0x0400) == ldexpf(1, -14),
	   "halves mean what IEEE 754 says");
	ok(decode(SAMPLE_FLOAT, 24, 0x3f0000) == 1 && decode(SAMPLE_FLOAT, 24, 0x3f8000) == 1.5f,
	   "24-bit floats mean what Adobe says");
	ok(isinf(decode(SAMPLE_FLOAT, 16, 0x7c00)) && isnan(decode(SAMPLE_FLOAT, 16, 0x7c01)),
	   "halves have infinities and NaN");
	ok(encode(SAMPLE_FLOAT, 16, 1e6) == 0x7bff && encode(SAMPLE_FLOAT, 16, -1e6) == 0xfbff &&
		   encode(SAMPLE_FLOAT, 16, 65519) == 0x7bff &&
		   encode(SAMPLE_FLOAT, 16, 65520) == 0x7bff,
	   "what a half cannot hold is clipped");
	ok(encode(SAMPLE_FLOAT, 16, INFINITY) == 0x7c00 &&
		   isnan(decode(SAMPLE_FLOAT, 16, encode(SAMPLE_FLOAT, 16, NAN))),
	   "infinity and NaN stay");
	ok(encode(SAMPLE_FLOAT, 16, 1 + 1.0 / 2048) == 0x3c00 &&
		   encode(SAMPLE_FLOAT, 16, 1 + 3.0 / 2048) == 0x3c02 &&
		   encode(SAMPLE_FLOAT, 16, 2 - 1.0 / 4096) == 0x4000,
	   "halves round to nearest, ties to even, with carry");
	ok(encode(SAMPLE_FLOAT, 16, ldexp(1, -26)) == 0 &&
		   encode(SAMPLE_FLOAT, 16, ldexp(3, -26)) == 1,
	   "so do those below the normal range");
	ok(decode(SAMPLE_FLOAT, 64, UINT64_C(0x7fe0000000000000)) == FLT_MAX,
	   "a double beyond float becomes the largest float");
	ok(decode(SAMPLE_FLOAT, 64, UINT64_C(0xffe0000000000000)) == -FLT_MAX, "with its sign");
	ok(isinf(decode(SAMPLE_FLOAT, 64, UINT64_C(0x7ff0000000000000))) &&
		   isnan(decode(SAMPLE_FLOAT, 64, UINT64_C(0x7ff0000000000001))) &&
		   isinf(decode(SAMPLE_FLOAT, 24, 0x7f0000)),
	   "an infinite one stays infinite, and NaN stays NaN");
}

static void test_rows(void)
{
	static const int widths[] = { 1, 2, 3, 5, 7, 8, 10, 12, 14, 16, 17, 23, 24, 31, 32, 64 };
	uint8_t row[64 * 8 + 1];
	int wrong = 0;

	for (size_t w = 0; w < sizeof widths / sizeof *widths; w++) {
		const int bits = widths[w];
		const uint64_t ones = UINT64_MAX >> (64 - bits);

		memset(row, 0xa5, sizeof row);
		for (size_t i = 0; i < 64; i++)
			sample_put(row, i, bits, (i * UINT64_C(0x9e3779b97f4a7c15) >> 3) & ones);
		for (size_t i = 0; i < 64; i++)
			wrong += sample_get(row, i, bits) !=
				 ((i * UINT64_C(0x9e3779b97f4a7c15) >> 3) & ones);
		wrong += row[8 * (size_t)bits] != 0xa5;
	}
	ok(!wrong, "packed rows of every width return what was put (%d do not)", wrong);
	memcpy(row, "\x12\x34\x56", 3);
	ok(sample_get(row, 0, 12) == 0x123 && sample_get(row, 1, 12) == 0x456 &&
		   sample_get(row, 3, 5) == 0x05,
	   "the most significant bit comes first");
}

static void test_conversion(void)
{
	const struct sample_type byte = { SAMPLE_UNSIGNED, 8 }, word = { SAMPLE_UNSIGNED, 16 },
				 real = { SAMPLE_FLOAT, 32 }, small = { SAMPLE_SIGNED, 8 };

	ok(sample_convert(byte, word, 255) == 65535 && sample_convert(word, byte, 65535) == 255 &&
		   sample_convert(byte, word, 1) == 257,
	   "extra samples keep their part of the full scale");
	near(sample_decode(real, sample_convert(byte, real, 255)), 1, 0, "opaque stays opaque");
	ok(sample_convert(byte, small, 0) == 0x80 && sample_convert(byte, small, 255) == 0x7f &&
		   sample_convert(small, byte, 0x80) == 0 &&
		   sample_convert(small, byte, 0x7f) == 255,
	   "of signed samples, too, from the lowest to the highest");
	ok(!sample_type_valid((struct sample_type){ SAMPLE_FLOAT, 8 }) &&
		   !sample_type_valid((struct sample_type){ SAMPLE_UNSIGNED, 33 }) &&
		   !sample_type_valid((struct sample_type){ SAMPLE_UNSIGNED, 0 }),
	   "impossible types are refused");
}

int main(void)
{
	test_image();
	test_unit_scale();
	test_patterns((struct sample_type){ SAMPLE_UNSIGNED, 1 }, "1 bit");
	test_patterns((struct sample_type){ SAMPLE_UNSIGNED, 12 }, "12 bits");
	test_patterns((struct sample_type){ SAMPLE_UNSIGNED, 16 }, "16 bits");
	test_patterns((struct sample_type){ SAMPLE_SIGNED, 16 }, "16 bits, signed");
	test_patterns((struct sample_type){ SAMPLE_UNSIGNED, 24 }, "24 bits");
	test_patterns((struct sample_type){ SAMPLE_FLOAT, 16 }, "half");
	test_patterns((struct sample_type){ SAMPLE_FLOAT, 24 }, "24-bit float");
	test_integers();
	test_on_white();
	test_doubles();
	test_nan();
	test_signs();
	test_floats();
	test_rows();
	test_conversion();
	return tap_done();
}
