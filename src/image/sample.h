/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Samples: their bits in a packed row of a TIFF file, and the numbers that these mean. */
#ifndef IMAGE_SAMPLE_H
#define IMAGE_SAMPLE_H

#include "image/file.h"

struct sample_type {
	enum sample_kind kind;
	int bits;
};

/* Integers of 1..32 and 64 bits, floating point of 16, 24, 32 and 64. */
int sample_type_valid(struct sample_type);
struct image_range sample_full_scale(struct sample_type);

/* Sample number i of a row as libtiff hands it out: 8, 16, 24, 32 and 64 bits in the byte order of this machine, all
 * other widths packed with the most significant bit first. */
uint64_t sample_get(const void *row, size_t i, int bits);
void sample_put(void *row, size_t i, int bits, uint64_t raw);

/* 64-bit floating point beyond the range of float becomes the largest float. */
float sample_decode(struct sample_type, uint64_t raw);
/* Both take n samples of a row, from number `at' on, each `stride' after the last.  sample_gather() packs them into out,
 * from sample number `to' on; sample_values() decodes them, with the bits of `toggle' inverted. */
void sample_gather(const void *row, size_t at, size_t stride, size_t n, int bits, void *out,
		   size_t to);
void sample_values(struct sample_type, const void *row, size_t at, size_t stride, size_t n,
		   uint64_t toggle, float *out);
/* Rounds to nearest (ties to even) and clips to the type's range.  NaN becomes 0 in an integer type; in a
 * floating-point type NaN and the infinities stay. */
uint64_t sample_encode(struct sample_type, float value);
/* The same for a number that a file states: 64-bit types keep all its digits.  Types of fewer bits clip as from float. */
uint64_t sample_encode_double(struct sample_type, double value);
/* Converts to another type; the value keeps its place in the full scale. */
uint64_t sample_convert(struct sample_type from, struct sample_type to, uint64_t raw);

#endif
