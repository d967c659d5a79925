/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* The inner scale: which values of a picture are 0 and 1 for the engine.
 *
 * Priors expect pictures that fill 0..1.  A scene that fills only a small part of its type's range is stretched for the
 * engine, and the result is shrunk back. */
#ifndef RESTORE_SCALE_H
#define RESTORE_SCALE_H

#include <lacuna/plugin.h>

/* inner = (value - black) / (white - black), black < white.  lowest and highest bound the scene's values; else infinite. */
struct scale {
	double black, white;
	double lowest, highest;
};

/* A sample of the values of one picture, or of several pages that share one scale. */
struct scale_sample {
	float *values; /* owned */
	size_t count, room;
};

/* Adds at most `most' of the n values, evenly spaced; skips values that are not finite.  LACUNA_ENOMEM. */
int scale_sample_add(struct scale_sample *, const float *values, size_t n, size_t most);
/* The same for a part of a picture of `all' values: the part begins at value number `at'. */
int scale_sample_add_part(struct scale_sample *, const float *values, size_t n, size_t at,
			  size_t all, size_t most);
void scale_sample_free(struct scale_sample *); /* leaves an empty sample */

/* Removes lumps from the sample: values that are all alike, 0.2 % of the sample or more, but at least 16, below or above all
 * others but lumps, and farther from these than twice their range; together 75 % at most.  Missing values look so if a file
 * does not declare them (-9999 among heights).  A star that saturates a few pixels has less.  Returns their number.  Sorts
 * the sample. */
enum { LUMPS_MOST = 3 };
int scale_sample_drop_lumps(struct scale_sample *, double values[LUMPS_MOST]);

/* black, white: the 0.2 % and 99.8 % quantiles of the sample, moved outwards by 1/20 of their distance.  A few stars, hot or
 * dead pixels do not move them.  lowest: the lower quantile, if a quarter of the picture is about as dark (a night sky, an
 * empty slide): then it is no mere point that a blur has brightened.  highest: likewise (white paper).  False when the
 * sample has no two different values.  Sorts the sample. */
int scale_measure(struct scale_sample *, struct scale *);

/* The inner scale of a picture.  stated: black and white from its type or the user; seen: the measured scale.  Returns
 * stated if the scene fills half of it or more, else the part of seen within stated, with some slack for noise. */
struct scale scale_choose(const struct scale *stated, const struct scale *seen);

/* Converts y to the engine's scale: with x = black + (white - black) z, a y = zero + A (x - zero) becomes A z.  ones: A 1,
 * y-shaped; NULL: 1 everywhere. */
void scale_measurement(size_t n, double zero, const struct scale *, const float *ones, float *y);
/* enter converts x to z, leave converts z to x. */
void scale_enter(size_t n, const struct scale *, float *x);
void scale_leave(size_t n, const struct scale *, float *z);

#endif
