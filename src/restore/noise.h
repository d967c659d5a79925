/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Estimates the noise of a measurement from the measurement itself. */
#ifndef RESTORE_NOISE_H
#define RESTORE_NOISE_H

#include "engine/problem.h"

enum { NOISE_CHANNELS = 8 };

/* The variance at scene value v is slope * v + offset, but at least least_variance.  slope 0: the same everywhere. */
struct noise {
	double slope, offset;
	double sigma; /* standard deviation, rms over the picture */
	double least_variance;
	/* Factor of the deviation in each channel; 0: all are alike. */
	double channel[NOISE_CHANNELS];
};

/* Part of least_variance, a variance in photons: where the law expects none, some may have been due all the same. */
extern const double noise_of_none;

/* Measures white noise in y; its variance may grow with the value (photons, cameras).  Leaves out blocks with NaN and
 * constant blocks, and clipped ones while others suffice.  LACUNA_EINVAL when too few blocks remain. */
int noise_measure(const struct lacuna_shape *, const float *y, struct noise *);

/* Noise of counted photons, if y holds counts: whole multiples of a step above the value of no photon, whose variance is step
 * times their distance from it.  zero: that value, if the file's zero is; else it is found.  slope 0: y holds something
 * else. */
int noise_of_counts(const struct lacuna_shape *, const float *y, double zero, struct noise *);

/* Standard deviations between which the noise of y lies, from its smoothest blocks, where texture is weakest: least 0 if even
 * they may be texture, most INFINITY if there are too few.  Noise with a wide grain may be stronger.
 * LACUNA_EINVAL if y is smaller than a block. */
struct noise_bounds {
	double least, most;
};

int noise_bound(const struct lacuna_shape *, const float *y, struct noise_bounds *);

/* Level of noise from JPEG, which noise_measure() misses, for pictures without blur; 0: none was found.  It is the level to
 * give to a denoiser of white noise.  JPEG shows as steps at every eighth column and row. */
double noise_jpeg(const struct lacuna_shape *, const float *y);

/* Noise that is correlated, which noise_measure() misses, too.  It is stronger at middle frequencies than at high ones even
 * where the scene is smooth.  If its grain is several pixels wide, it shows at half or a quarter of the size, where scenes
 * seldom have more.  Levels are those to give to a denoiser of white noise; 0: none was found. */
struct noise_grain {
	double correlated; /* at full size, by its middle frequencies */
	/* In means of 2x2 and 4x4 values; 0 for a picture that is too small, too. */
	double half, quarter;
	double fine; /* at full size, with half or quarter */
};

void noise_find_grain(const struct lacuna_shape *, const float *y, struct noise_grain *);

/* Halves the picture by means of 2x2 values without NaN; drops an odd last row or column.  half: noise_half_shape()
 * values. */
struct lacuna_shape noise_half_shape(const struct lacuna_shape *);
void noise_halve(const struct lacuna_shape *, const float *y, float *half);
/* The halved picture, owned by the caller; NULL if it would be too small to tell its noise. */
float *noise_half(const struct lacuna_shape *, const float *y, struct lacuna_shape *half);

/* sigma: standard deviation of the noise at each value (y-shaped), from the mean of level within `radius'.  Use radius 3 if
 * level is y itself, 0 if it is an image without noise. */
int noise_map(const struct lacuna_shape *, const struct noise *, const float *level, int radius,
	      float *sigma);

/* Looks for white noise that is stronger or weaker in places than `noise' says.  range: the least and the most of it, nearly,
 * as factors of the deviation; both 1 if none was found.  Else factor (y-shaped) gets the factor at each value. */
int noise_in_places(const struct lacuna_shape *, const float *y, const struct noise *noise,
		    float *factor, double range[2]);

/* Tests how well a blur explains y.  The model of y's power spectrum is a scene's, c f^-alpha, times the kernel's, plus a
 * constant sigma^2, fitted by maximum likelihood (Whittle 1953).  What the kernel cannot explain counts as noise. */
struct noise_evidence {
	double sigma;
	/* 1: the stated kernel; else another explains y clearly better: 0 none at all, 0.8 narrower, 1.25 wider */
	double scale;
	double none; /* gain in log likelihood per frequency without any kernel; > 0: that explains y better */
};

/* The operator must be linear and shift-invariant, with one value of y for each pixel; else LACUNA_EUNSUPPORTED. */
int noise_explain(struct problem *, const float *y, struct noise_evidence *);

#endif
