/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Image quality against a reference. */
#ifndef ENGINE_METRICS_H
#define ENGINE_METRICS_H

#include <lacuna/plugin.h>

struct metrics {
	double psnr; /* dB, for a peak of 1; infinity for equal images */
	double ssim; /* Wang et al. 2004: Gaussian window 11x11, sigma 1.5, K1 0.01, K2 0.03; valid part; mean of channels */
	double nrmse; /* ||a - b|| / ||a||, where a is the reference */
	double max_abs;
};

/* Ignores pixels where either image is NaN; SSIM's mean leaves them out. */
int metrics_compute(const struct lacuna_shape *, const float *reference, const float *image,
		    struct metrics *);

#endif
