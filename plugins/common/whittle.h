/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Tells from a blurred picture alone how probable a kernel is.  The model of the picture's power spectrum is a scene's,
 * c f^-alpha, times the kernel's, plus white noise:
 *	S(f) = c (|K(f)|^2 f^-alpha + r)
 * The likelihood is that of Whittle (1953), with the mean of periodograms of overlapping windows (Welch 1967).  c, alpha and r
 * are fitted anew for each kernel; they are the scene's and the noise's, which nobody knows.  A scene with a smooth or
 * rough spectrum looks like one with another blur, so alpha is drawn to the mean of photographs. */
#ifndef COMMON_WHITTLE_H
#define COMMON_WHITTLE_H

#include "common/fft.h"

struct whittle {
	const struct lacuna_host *host;
	struct fft fft; /* of a window */
	int count;	/* number of frequencies; arrays of that length follow */
	int *place;	/* in the spectrum */
	double *log_f, *power, *gain, *scene;
	float *window, *plane;
	lacuna_complex *spectrum; /* begins the block of memory that holds all arrays */
};

/* Measures the spectrum of planes of width * height values; windows with NaN are left out.  It plans a transform: call it in
 * a [serial] function of the plugin.  LACUNA_EUNSUPPORTED, with a message, if there are too few windows or the picture is constant. */
int whittle_create(const struct lacuna_host *, const float *values, int64_t width, int64_t height,
		   int64_t planes, struct whittle *);
void whittle_destroy(struct whittle *); /* accepts a zeroed one */
/* Minus the log likelihood of a kernel of width * height values, for each frequency, less a constant.  One call at a time. */
double whittle_cost(struct whittle *, const double *kernel, int width, int height);

#endif
