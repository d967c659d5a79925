/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
#include <config.h>

#include "base/random.h"

#include "base/threads.h"

#include <math.h>
#include <string.h>

/* Works on blocks of counters, so that the compiler can vectorise across them. */
enum { LANES = 16, PER_BLOCK = 4 * LANES };

/* The sequence of a stream, in the counter's upper bits. */
enum { NORMALS = 0, UNIFORMS = 1 };

/* Philox-4x32-10 on counters first .. first + LANES - 1.
 * Counter words: block index (48 bits) and sequence (16), stream (64).  Key: the seed mixed with image and sample. */
static void philox(struct random_key key, uint64_t stream, uint64_t first, uint32_t sequence,
		   uint32_t out[4][LANES])
{
	/* The key has 64 bits: image and sample are folded in by an odd multiplication, then mixed (splitmix64). */
	uint64_t k = key.seed +
		     UINT64_C(0x9e3779b97f4a7c15) * (((uint64_t)key.image << 32 | key.sample) + 1);
	uint32_t k0, k1;
	int i, round;

	k = (k ^ (k >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	k = (k ^ (k >> 27)) * UINT64_C(0x94d049bb133111eb);
	k ^= k >> 31;
	k0 = (uint32_t)k;
	k1 = (uint32_t)(k >> 32);
	for (i = 0; i < LANES; i++) {
		uint64_t counter = first + (uint64_t)i;

		out[0][i] = (uint32_t)counter;
		out[1][i] = (uint32_t)(counter >> 32) | sequence << 16;
		out[2][i] = (uint32_t)stream;
		out[3][i] = (uint32_t)(stream >> 32);
	}
	for (round = 0; round < 10; round++) {
		for (i = 0; i < LANES; i++) {
			uint64_t p = (uint64_t)out[0][i] * UINT32_C(0xD2511F53);
			uint64_t q = (uint64_t)out[2][i] * UINT32_C(0xCD9E8D57);

			out[0][i] = (uint32_t)(q >> 32) ^ out[1][i] ^ k0;
			out[1][i] = (uint32_t)q;
			out[2][i] = (uint32_t)(p >> 32) ^ out[3][i] ^ k1;
			out[3][i] = (uint32_t)p;
		}
		k0 += UINT32_C(0x9E3779B9);
		k1 += UINT32_C(0xBB67AE85);
	}
}

static inline uint32_t to_bits(float x)
{
	uint32_t bits;

	memcpy(&bits, &x, sizeof bits);
	return bits;
}

static inline float from_bits(uint32_t bits)
{
	float x;

	memcpy(&x, &bits, sizeof x);
	return x;
}

/* log(x) for x in [2^-25, 1]: x = 2^e m with m in [2/3, 4/3), then 2 atanh((m-1)/(m+1)).  Relative error below 2e-7. */
static inline float log_unit(float x)
{
	uint32_t bits = to_bits(x);
	int32_t e;
	float m, s, z;

	e = (int32_t)(bits - UINT32_C(0x3f2aaaab)) >> 23; /* 0x3f2aaaab: 2/3 */
	bits -= (uint32_t)e << 23;
	m = from_bits(bits);
	s = (m - 1.0f) / (m + 1.0f);
	z = s * s;
	return (float)e * 0.69314718f +
	       2.0f * s *
		       (1.0f +
			z * (0.33333334f + z * (0.2f + z * (0.14285715f + z * 0.11111111f))));
}

/* cos and sin of pi t, t in [-1/4, 1/4]: Taylor, error below 1e-7. */
static inline float cos_pi(float t)
{
	float z = t * t * 9.8696044f;

	return 1.0f + z * (-0.5f + z * (0.041666668f + z * (-0.0013888889f + z * 2.4801587e-5f)));
}

static inline float sin_pi(float t)
{
	float z = t * t * 9.8696044f;

	return t * 3.1415927f *
	       (1.0f + z * (-0.16666667f +
			    z * (0.008333333f + z * (-0.00019841270f + z * 2.7557319e-6f))));
}

/* Box and Muller (1958): two uniform words give two normals.  Has no calls or branches, so that it can be vectorised. */
static void box_muller(const uint32_t a[LANES], const uint32_t b[LANES], float first[LANES],
		       float second[LANES])
{
	int i;

	for (i = 0; i < LANES; i++) {
		/* in (0, 1], at least 2^-25: the tail reaches 5.9 */
		float u = ((float)(int32_t)(a[i] >> 8) + 0.5f) * 0x1p-24f;
		float radius = sqrtf(-2.0f * log_unit(u));
		/* An angle in units of pi: remainder in [-1/4, 1/4) and a quadrant from the top two bits.  One bit swaps
		 * cosine and sine, the two together give the signs. */
		int32_t rest = (int32_t)((b[i] & UINT32_C(0x3fffffff)) >> 6);
		float t = ((float)rest - 0x1p23f) * 0x1p-25f;
		uint32_t c = to_bits(cos_pi(t)), s = to_bits(sin_pi(t));
		uint32_t swap = -(b[i] >> 30 & 1) & (c ^ s), minus = b[i] & UINT32_C(0x80000000);
		uint32_t other = minus ^ (b[i] << 1 & UINT32_C(0x80000000));

		first[i] = radius * from_bits(c ^ swap ^ minus);
		second[i] = radius * from_bits(s ^ swap ^ other);
	}
}

static void normals_block(struct random_key key, uint64_t stream, uint64_t block,
			  float out[PER_BLOCK])
{
	uint32_t words[4][LANES];
	float n[4][LANES];
	int i;

	philox(key, stream, block * LANES, NORMALS, words);
	box_muller(words[0], words[1], n[0], n[1]);
	box_muller(words[2], words[3], n[2], n[3]);
	for (i = 0; i < LANES; i++) {
		out[4 * i] = n[0][i];
		out[4 * i + 1] = n[1][i];
		out[4 * i + 2] = n[2][i];
		out[4 * i + 3] = n[3][i];
	}
}

static void uniforms_block(struct random_key key, uint64_t stream, uint64_t block,
			   float out[PER_BLOCK])
{
	uint32_t words[4][LANES];
	int i, k;

	philox(key, stream, block * LANES, UNIFORMS, words);
	for (i = 0; i < LANES; i++)
		for (k = 0; k < 4; k++)
			out[4 * i + k] = (float)(words[k][i] >> 8) * 0x1p-24f;
}

typedef void block_function(struct random_key, uint64_t stream, uint64_t block,
			    float out[PER_BLOCK]);

enum { CHUNK = 1 << 14 };

struct job {
	struct random_key key;
	uint64_t stream, position;
	float *out;
	size_t n;
	block_function *block;
};

static void fill_chunk(void *arg, size_t index)
{
	const struct job *j = arg;
	size_t from = index * CHUNK, to = from + CHUNK < j->n ? from + CHUNK : j->n;

	while (from < to) {
		uint64_t at = j->position + from;
		size_t skip = (size_t)(at % PER_BLOCK), take = PER_BLOCK - skip;

		if (take > to - from)
			take = to - from;
		if (take == PER_BLOCK) {
			j->block(j->key, j->stream, at / PER_BLOCK, j->out + from);
		} else {
			float values[PER_BLOCK];

			j->block(j->key, j->stream, at / PER_BLOCK, values);
			memcpy(j->out + from, values + skip, take * sizeof *values);
		}
		from += take;
	}
}

void random_gaussian(struct random_key key, uint64_t stream, uint64_t position, float *out,
		     size_t n)
{
	struct job j = { key, stream, position, out, n, normals_block };

	threads_parallel((n + CHUNK - 1) / CHUNK, fill_chunk, &j);
}

void random_uniform(struct random_key key, uint64_t stream, uint64_t position, float *out, size_t n)
{
	struct job j = { key, stream, position, out, n, uniforms_block };

	threads_parallel((n + CHUNK - 1) / CHUNK, fill_chunk, &j);
}
