/* SPDX-License-Identifier: MIT
 * Copyright 2026 The Lacuna authors
 *
 * lacuna/deviation.h -- an extension of priors that know from experience how far images restored with them are wrong. */
#ifndef LACUNA_DEVIATION_H
#define LACUNA_DEVIATION_H

#include <lacuna/plugin.h>

#ifdef __cplusplus
extern "C" {
#endif

#define LACUNA_DEVIATION "lacuna.deviation/1"

/* An image that was restored with the prior.  The arrays have the shape that denoise() gets. */
struct lacuna_estimate {
	uint32_t size;
	int32_t pixelwise; /* the operator acts on each pixel alone */
	const float *x;	   /* the image, near 0 to 1 */
	/* A first guess of the standard deviation of its error, above 0.  For pixelwise operators it is the deviation of the
	 * noise of each pixel, and 0.5 where a pixel is missing or has more noise.  For others it is that of a Wiener filter
	 * with the local spectrum of x. */
	const float *guess;
	double noise; /* of the measurement, in units of x: standard deviation; 0: none */
};

/* What extension(LACUNA_DEVIATION) of a prior returns. */
struct lacuna_prior_deviation {
	/* [one at a time per instance] Sets the standard deviation of the error of each value, given what is known:
	 * its square is the mean of the error's square over images like this one.  It is finite and not below 0.
	 * LACUNA_EUNSUPPORTED, which needs no message: not known with these parameters; the host then uses a formula. */
	int (*deviation)(const void *self, const struct lacuna_estimate *, float *deviation);
};

#ifdef __cplusplus
}
#endif
#endif
