/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* The inner scale: which values of a picture are 0 and 1 for the engine.
 *
 * Priors know pictures that fill 0..1.  A scene that fills a small part of its type's range is as good a picture: it is
 * stretched for the engine, and its result is shrunk back. */
#ifndef RESTORE_SCALE_H
#define RESTORE_SCALE_H

#include <lacuna/plugin.h>

/* inner = (value - black) / (white - black), black < white.  No value of the scene lies below lowest or above highest:
 * infinite where that is not known. */
struct scale {
	double black, white;
	double lowest, highest;
};

/* A sample of the values of one picture, or of several pages that shall have one scale. */
struct scale_sample {
	float *values; /* owned */
	size_t count, room;
};

/* Adds at most `most' of the n values, evenly spaced; what is not finite is left out.  LACUNA_ENOMEM. */
int scale_sample_add(struct scale_sample *, const float *values, size_t n, size_t most);
/* The same of a picture of `all' values, of which these are those from number `at' on. */
int scale_sample_add_part(struct scale_sample *, const float *values, size_t n, size_t at,
			  size_t all, size_t most);
void scale_sample_free(struct scale_sample *); /* leaves an empty sample */

/* The values below which 0.2 % and 99.8 % of the sample lie, with 1/20 of their distance beyond both.  A few stars, hot
 * pixels or dead ones do not move them.  lowest: where a quarter of the picture is as dark as its darkest part, which is
 * then no mere point that a blur has brightened (a night sky, an empty slide); highest: likewise (white paper).
 * False when there is no value, or only one.  Sorts the sample. */
int scale_measure(struct scale_sample *, struct scale *);

/* The inner scale of a picture with the measured scale `seen', whose type or user says that black and white are `stated':
 * `stated' itself when the scene fills half of it or more, else `seen', as far as it lies in it. */
struct scale scale_choose(const struct scale *stated, const struct scale *seen);

/* y, a measurement of the operator with A 1 = ones (y-shaped; NULL: 1 everywhere), whose values count from `zero', for the
 * engine: with x = black + (white - black) z, zero + A (x - zero) becomes A z. */
void scale_measurement(size_t n, double zero, const struct scale *, const float *ones, float *y);
/* x becomes z, and back. */
void scale_enter(size_t n, const struct scale *, float *x);
void scale_leave(size_t n, const struct scale *, float *z);

#endif
