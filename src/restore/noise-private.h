/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* What the files noise*.c share: 8x8 blocks of a picture, their power, and the variance at each level. */
#ifndef RESTORE_NOISE_PRIVATE_H
#define RESTORE_NOISE_PRIVATE_H

#include "restore/noise.h"

#include <stdint.h>

/* ---- blocks (noise-blocks.c) */

/* MIDDLE: the number of coefficients with MIDDLE_FROM <= i + j < SPLIT; HIGH: with i + j >= SPLIT; NEAR: those of them with
 * i + j < 11; CORNER: those with i + j >= 12 */
enum {
	SIDE = 8,
	MIDDLE_FROM = 6,
	SPLIT = 9,
	MIDDLE = 22,
	HIGH = 21,
	CORNER = 6,
	NEAR = 11,
	MOST_BLOCKS = 250000,
	LEAST_BLOCKS = 16
};

struct block {
	float level;
	float low;	  /* energy by squared frequency where 0 < i + j < SPLIT */
	float middle;	  /* mean square where MIDDLE_FROM <= i + j < SPLIT */
	float upright;	  /* part of middle: i > j */
	float flat;	  /* part of middle: i < j */
	float high[HIGH]; /* squares where i + j >= SPLIT, by i + j */
	float depth;	  /* distance of the mean from the nearer value at which the file clips */
	int clipped;	  /* number of clipped values of its 64 */
	size_t at;	  /* index of its first value */
};

/* What is sorted in place of a block, which is much larger. */
struct block_key {
	uint32_t rank, place;
};

struct blocks {
	struct block *list;
	struct block_key *keys; /* work space, two for each block */
	size_t count, room;
	size_t stride;	      /* between blocks, along rows and columns */
	double cosines[SIDE]; /* [k]: cos(k pi / 16) / 2 */
};

/* Collects the blocks with at most `most' clipped values, at every stride-th row and column or fewer.  The caller calls
 * blocks_release(), whatever the status is.  LACUNA_EINVAL if the picture is smaller than a block. */
int blocks_collect(const struct lacuna_shape *, const float *y, int most, size_t stride,
		   struct blocks *s);
void blocks_release(struct blocks *);
void blocks_sort_by_low(const struct blocks *); /* the smoothest first */
void blocks_sort_by_level(const struct blocks *);
/* Some of the blocks, in the place where they are. */
struct blocks blocks_part(const struct blocks *, size_t from, size_t count);
/* The texture of water, cloth and grass has a direction, noise has none: 1.  Ratio of the power of upright to that of flat
 * waves, or the other way round, whichever is larger.  Uses the smoothest blocks; the list is sorted. */
double blocks_direction(const struct blocks *);

/* The values at which a plane clips.  An extreme counts as such if half a percent of the values equal it; else it belongs
 * to the scene, and the limit is infinite. */
struct clip {
	float lo, hi;
};

struct clip clip_find(const float *plane, size_t n);

/* ---- power (noise-power.c) */

/* Mean power of blocks. */
struct power {
	double high; /* median over coefficients */
	double middle;
	double near, corner; /* mean over the first NEAR and the last CORNER high coefficients */
};

struct power power_mean(const struct block *, size_t used);
/* Mean power of the smoothest blocks: 0.5 percent of them, as in the paper; of few blocks the given part, at least 16 and at
 * most `most'.  Sorts the list, the smoothest first. */
struct power power_of_part(const struct blocks *, size_t part, size_t most);
struct power power_of_smoothest(const struct blocks *); /* a twentieth of few blocks */
/* True if there is texture, or noise that is not white. */
int power_is_textured(const struct power *);
/* 1: noise alone; less where there is texture. */
double power_trust(const struct power *);
/* Variance of white noise under texture. */
double power_under_texture(const struct power *);
/* True if the power also falls among high frequencies, as that of fine texture does. */
int power_falls_on(const struct power *);
/* Variance under texture from high frequencies alone. */
double power_beyond_texture(const struct power *);

/* ---- variance against level (noise-bins.c) */

enum { BINS = 12, LEAST_IN_BIN = 200 };

struct bins {
	int count;
	double level[BINS], variance[BINS];
	double most[BINS];  /* variance if there is no texture */
	double trust[BINS]; /* 1: noise alone; less where there is texture */
};

/* Splits the blocks into ranges of level with equal numbers; measures the variance in the smoothest twentieth of each. */
void bins_fill(struct blocks *, struct bins *);
/* Fits variance = slope * level + offset. */
void bins_fit(const struct bins *, double *slope, double *offset);
/* True if the line explains most of the differences between bins, and enough bins show noise alone. */
int bins_are_line(const struct bins *, double slope, double offset);
/* True if no bin shows texture: all is noise, or nearly. */
int bins_are_bare(const struct bins *);
double bins_mean(const struct bins *); /* of the variance */

/* ---- clipped noise (noise-clipped.c) */

int clipped_any(const struct lacuna_shape *, const float *y);
/* Drops blocks near a value at which the file clips: noise is cut off there, even if no value of the block is clipped. */
void clipped_drop(const struct lacuna_shape *, const float *y, struct blocks *);
/* Measures noise from partly clipped blocks, for pictures that are mostly clipped.  *variance 0: nothing was found. */
int clipped_measure(const struct lacuna_shape *, const float *y, double *variance);

/* ---- grain (noise-correlated.c) */

/* Power of the quietest blocks, and how far it may be that of noise. */
struct grain {
	/* At middle and high frequencies; white noise has the same at both, its variance. */
	double middle, high;
	double uneven;	  /* ratio of two quantiles of the middle power */
	double direction; /* see blocks_direction() */
};

/* uneven is infinite if there are too few blocks. */
int grain_measure(const struct lacuna_shape *, const float *y, struct grain *);
/* Of any spectrum, in all of the picture.  few: so few blocks that they may show a direction by chance. */
int grain_is_noise(const struct grain *, int few);
int grain_is_correlated(const struct grain *); /* such noise, stronger at middle frequencies */

#endif
