/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Samples of every width.  The 16-bit and 24-bit floating-point formats are those of Adobe Photoshop TIFF Technical
 * Note 3: one sign bit, 5 or 7 bits of exponent, 10 or 16 of mantissa. */
#include <config.h>

#include "image/sample.h"

#include <float.h>
#include <math.h>
#include <string.h>

int sample_type_valid(struct sample_type t)
{
	if (t.kind == SAMPLE_FLOAT)
		return t.bits == 16 || t.bits == 24 || t.bits == 32 || t.bits == 64;
	return (t.bits >= 1 && t.bits <= 32) || t.bits == 64;
}

struct image_range sample_full_scale(struct sample_type t)
{
	switch (t.kind) {
	case SAMPLE_UNSIGNED:
		return (struct image_range){ 0, ldexp(1, t.bits) - 1 };
	case SAMPLE_SIGNED:
		return (struct image_range){ -ldexp(1, t.bits - 1), ldexp(1, t.bits - 1) - 1 };
	default:
		return (struct image_range){ 0, 1 };
	}
}

/* ---- bits in a row */

static uint64_t get_bits(const uint8_t *p, size_t bit, int n)
{
	int have = 8 - (int)(bit % 8);
	uint64_t v;

	p += bit / 8;
	v = *p & (0xffu >> (8 - have));
	for (; have < n; have += 8)
		v = v << 8 | *++p;
	return v >> (have - n);
}

static void put_bits(uint8_t *p, size_t bit, int n, uint64_t raw)
{
	while (n > 0) {
		const int room = 8 - (int)(bit % 8), take = n < room ? n : room;
		const unsigned mask = ((1u << take) - 1) << (room - take);
		const unsigned part = (unsigned)(raw >> (n - take)) << (room - take);

		p[bit / 8] = (uint8_t)((p[bit / 8] & ~mask) | (part & mask));
		bit += (size_t)take;
		n -= take;
	}
}

#if defined __BYTE_ORDER__ && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
enum { BYTE0 = 16, BYTE1 = 8, BYTE2 = 0 };
#else
enum { BYTE0 = 0, BYTE1 = 8, BYTE2 = 16 };
#endif

uint64_t sample_get(const void *row, size_t i, int bits)
{
	const uint8_t *p = row;
	uint16_t v16;
	uint32_t v32;
	uint64_t v64;

	switch (bits) {
	case 8:
		return p[i];
	case 16:
		memcpy(&v16, p + 2 * i, 2);
		return v16;
	case 24:
		p += 3 * i;
		return (uint64_t)p[0] << BYTE0 | (uint64_t)p[1] << BYTE1 | (uint64_t)p[2] << BYTE2;
	case 32:
		memcpy(&v32, p + 4 * i, 4);
		return v32;
	case 64:
		memcpy(&v64, p + 8 * i, 8);
		return v64;
	default:
		return get_bits(p, i * (size_t)bits, bits);
	}
}

void sample_put(void *row, size_t i, int bits, uint64_t raw)
{
	uint8_t *p = row;
	const uint16_t v16 = (uint16_t)raw;
	const uint32_t v32 = (uint32_t)raw;

	switch (bits) {
	case 8:
		p[i] = (uint8_t)raw;
		break;
	case 16:
		memcpy(p + 2 * i, &v16, 2);
		break;
	case 24:
		p += 3 * i;
		p[0] = (uint8_t)(raw >> BYTE0);
		p[1] = (uint8_t)(raw >> BYTE1);
		p[2] = (uint8_t)(raw >> BYTE2);
		break;
	case 32:
		memcpy(p + 4 * i, &v32, 4);
		break;
	case 64:
		memcpy(p + 8 * i, &raw, 8);
		break;
	default:
		put_bits(p, i * (size_t)bits, bits, raw);
	}
}

void sample_gather(const void *row, size_t at, size_t stride, size_t n, int bits, void *out,
		   size_t to)
{
	const size_t bytes = (size_t)bits / 8;

	if (bits % 8 == 0 && stride == 1) {
		memcpy((uint8_t *)out + to * bytes, (const uint8_t *)row + at * bytes, n * bytes);
		return;
	}
	for (size_t i = 0; i < n; i++)
		sample_put(out, to + i, bits, sample_get(row, at + i * stride, bits));
}

/* ---- floating point below 32 bits */

struct small_float {
	int exponent_bits, mantissa_bits;
};

static struct small_float small_float(int bits)
{
	return bits == 16 ? (struct small_float){ 5, 10 } : (struct small_float){ 7, 16 };
}

static float decode_small_float(struct small_float f, uint64_t raw)
{
	const int bias = (1 << (f.exponent_bits - 1)) - 1, special = 2 * bias + 1;
	const uint32_t mantissa = (uint32_t)raw & ((1u << f.mantissa_bits) - 1);
	const int exponent = (int)(raw >> f.mantissa_bits) & special;
	const uint32_t sign = (uint32_t)(raw >> (f.exponent_bits + f.mantissa_bits)) & 1;
	uint32_t bits;
	float v;

	if (exponent == special)
		bits = UINT32_C(0x7f800000) | mantissa << (23 - f.mantissa_bits);
	else if (exponent)
		bits = (uint32_t)(exponent - bias + 127) << 23 | mantissa << (23 - f.mantissa_bits);
	else {
		v = ldexpf((float)mantissa, 1 - bias - f.mantissa_bits);
		memcpy(&bits, &v, sizeof bits);
	}
	bits |= sign << 31;
	memcpy(&v, &bits, sizeof v);
	return v;
}

static uint64_t encode_small_float(struct small_float f, float value)
{
	const int bias = (1 << (f.exponent_bits - 1)) - 1;
	const uint64_t infinite = (uint64_t)(2 * bias + 1) << f.mantissa_bits;
	const uint64_t sign = (uint64_t)(signbit(value) != 0)
			      << (f.exponent_bits + f.mantissa_bits);
	const double magnitude = fabs((double)value);
	uint32_t bits;
	uint64_t raw;
	int exponent;

	if (isnan(value)) {
		memcpy(&bits, &value, sizeof bits);
		raw = (bits & 0x7fffff) >> (23 - f.mantissa_bits);
		return sign | infinite | (raw ? raw : 1);
	}
	if (isinf(value))
		return sign | infinite;
	if (magnitude == 0)
		return sign;
	exponent = ilogb(magnitude);
	if (exponent > bias)
		return sign | (infinite - 1);
	if (exponent < 1 - bias)
		exponent = 1 - bias;
	/* The rounded mantissa includes the leading bit, and its carry moves into the exponent by itself. */
	raw = (uint64_t)rint(ldexp(magnitude, f.mantissa_bits - exponent));
	raw += (uint64_t)(exponent + bias - 1) << f.mantissa_bits;
	return sign | (raw < infinite ? raw : infinite - 1);
}

/* ---- numbers */

static float narrow(double v)
{
	if (isfinite(v) && fabs(v) > FLT_MAX)
		return v > 0 ? FLT_MAX : -FLT_MAX;
	return (float)v;
}

static float decode_float(int bits, uint64_t raw)
{
	const uint32_t low = (uint32_t)raw;
	double wide;
	float v;

	if (bits == 64) {
		memcpy(&wide, &raw, sizeof wide);
		return narrow(wide);
	}
	if (bits != 32)
		return decode_small_float(small_float(bits), raw);
	memcpy(&v, &low, sizeof v);
	return v;
}

float sample_decode(struct sample_type t, uint64_t raw)
{
	switch (t.kind) {
	case SAMPLE_UNSIGNED:
		return (float)raw;
	case SAMPLE_SIGNED:
		return (float)((int64_t)(raw << (64 - t.bits)) >> (64 - t.bits));
	default:
		return decode_float(t.bits, raw);
	}
}

/* The common types have loops of their own, which compilers can vectorise. */
void sample_values(struct sample_type t, const void *row, size_t at, size_t stride, size_t n,
		   uint64_t toggle, float *out)
{
	const uint8_t *p = (const uint8_t *)row + at * ((size_t)t.bits / 8);
	uint16_t v16;

	if (t.kind == SAMPLE_UNSIGNED && t.bits == 8)
		for (size_t i = 0; i < n; i++)
			out[i] = (float)(p[i * stride] ^ (uint8_t)toggle);
	else if (t.kind == SAMPLE_UNSIGNED && t.bits == 16)
		for (size_t i = 0; i < n; i++) {
			memcpy(&v16, p + 2 * i * stride, sizeof v16);
			out[i] = (float)(v16 ^ (uint16_t)toggle);
		}
	else if (t.kind == SAMPLE_FLOAT && t.bits == 32 && !toggle)
		for (size_t i = 0; i < n; i++)
			memcpy(&out[i], p + 4 * i * stride, sizeof *out);
	else
		for (size_t i = 0; i < n; i++)
			out[i] =
				sample_decode(t, sample_get(row, at + i * stride, t.bits) ^ toggle);
}

static uint64_t encode_double(double value)
{
	uint64_t raw = 0;

	memcpy(&raw, &value, sizeof raw);
	return raw;
}

static uint64_t encode_float(int bits, float value)
{
	uint32_t low;

	if (bits == 64)
		return encode_double((double)value);
	if (bits != 32)
		return encode_small_float(small_float(bits), value);
	memcpy(&low, &value, sizeof low);
	return low;
}

static uint64_t encode_integer(struct sample_type t, double value)
{
	const struct image_range full = sample_full_scale(t);
	const uint64_t ones = UINT64_MAX >> (64 - t.bits);
	const int is_signed = t.kind == SAMPLE_SIGNED;

	if (isnan(value))
		value = 0;
	if (value <= full.lo)
		return is_signed ? ones ^ ones >> 1 : 0;
	if (value >= full.hi)
		return is_signed ? ones >> 1 : ones;
	value = rint(value);
	return (is_signed ? (uint64_t)(int64_t)value : (uint64_t)value) & ones;
}

uint64_t sample_encode(struct sample_type t, float value)
{
	return t.kind == SAMPLE_FLOAT ? encode_float(t.bits, value) : encode_integer(t, value);
}

uint64_t sample_encode_double(struct sample_type t, double value)
{
	if (t.kind != SAMPLE_FLOAT)
		return encode_integer(t, value);
	return t.bits == 64 ? encode_double(value) : encode_float(t.bits, narrow(value));
}

uint64_t sample_convert(struct sample_type from, struct sample_type to, uint64_t raw)
{
	const struct image_range a = sample_full_scale(from), b = sample_full_scale(to);
	double v;

	if (from.kind == to.kind && from.bits == to.bits)
		return raw;
	v = (sample_decode(from, raw) - a.lo) / (a.hi - a.lo) * (b.hi - b.lo) + b.lo;
	return sample_encode_double(to, v);
}
