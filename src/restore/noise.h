/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* The noise of a measurement, found in the measurement itself. */
#ifndef RESTORE_NOISE_H
#define RESTORE_NOISE_H

#include "engine/problem.h"

/* Variance at a value v of the scene is slope * v + offset, at least least_variance; slope 0: the same everywhere. */
struct noise {
	double slope, offset;
	double sigma; /* standard deviation, rms over the picture */
	double least_variance;
};

/* Where a law says that no photon came, some may have been due: their variance, in photons, that least_variance has. */
extern const double noise_of_none;

/* White noise of y, whose variance may grow with the value (photons, cameras).  NaN values are left out, and blocks that
 * are clipped or constant.  LACUNA_EINVAL when there is too little of a picture. */
int noise_measure(const struct lacuna_shape *, const float *y, struct noise *);

/* What noise that is not white hides from noise_measure(), for pictures that are not blurred: the level that a denoiser of
 * white noise should be told.  Correlated noise is louder at middle frequencies than at high ones even where the scene is
 * quiet, and the level is that of the middle ones; the blocks of JPEG show as steps in every eighth column and row.  0:
 * nothing of the kind is seen. */
double noise_correlated(const struct lacuna_shape *, const float *y);
double noise_jpeg(const struct lacuna_shape *, const float *y);

/* The picture at half its size: means of 2x2 values, of those that are not NaN; an odd last row or column is left out.  half:
 * noise_half_shape() values. */
struct lacuna_shape noise_half_shape(const struct lacuna_shape *);
void noise_halve(const struct lacuna_shape *, const float *y, float *half);

/* Standard deviation at each value of y (y-shaped), from the mean level within `radius' of it: 3 for y itself, 0 for an
 * image that has no noise. */
int noise_map(const struct lacuna_shape *, const struct noise *, const float *level, int radius,
	      float *sigma);

/* How well a blur explains y: the power spectrum of a scene c f^-alpha, times the kernel's, plus a constant sigma^2, is
 * fitted by maximum likelihood (Whittle 1953).  What the kernel cannot explain counts as noise. */
struct noise_evidence {
	double sigma;
	/* 1, or that of another kernel which explains y clearly better: 0 none at all, 0.8 narrower, 1.25 wider */
	double scale;
};

/* The operator must be linear and shift-invariant with one value of y a pixel, else LACUNA_EUNSUPPORTED. */
int noise_explain(struct problem *, const float *y, struct noise_evidence *);

#endif
