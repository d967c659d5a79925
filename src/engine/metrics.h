/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Image quality against a reference. */
#ifndef ENGINE_METRICS_H
#define ENGINE_METRICS_H

#include <lacuna/plugin.h>

struct metrics {
	double psnr; /* dB, peak 1; infinity for equal pictures */
	double ssim; /* Wang et al. 2004: Gaussian window 11x11, sigma 1.5, K1 0.01, K2 0.03, valid part, mean of channels */
	double nrmse; /* ||a - b|| / ||a||, a the reference */
	double max_abs;
};

/* Pixels where either is NaN do not count (and are left out of SSIM's mean). */
int metrics_compute(const struct lacuna_shape *, const float *reference, const float *image,
		    struct metrics *);

#endif
