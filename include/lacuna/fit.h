/* SPDX-License-Identifier: MIT
 * Copyright 2026 The Lacuna authors
 *
 * lacuna/fit.h -- an extension of operators that can find some of their own parameters from a picture: the width of a blur,
 * a gain, a shift. */
#ifndef LACUNA_FIT_H
#define LACUNA_FIT_H

#include <lacuna/plugin.h>

#ifdef __cplusplus
extern "C" {
#endif

#define LACUNA_FIT "lacuna.fit/1"

/* What extension(LACUNA_FIT) of an operator returns.  `config' is a configuration as create() gets it. */
struct lacuna_operator_fit {
	/* [any thread] True if fit() may change the parameter of this name in this configuration.  Only a LACUNA_REAL may be
	 * free.  The user says what is free: with a parameter of the operator, by default nothing. */
	int (*is_free)(const void *config, const char *parameter);
	/* [serial] Searches values of the free parameters, from those in *config on, and stores them there.
	 *	x	an x-shaped image known from elsewhere, such as a calibration target or a sharp picture of the scene:
	 *		choose the parameters so that A x is near y.  NULL: nothing is known, so judge by y alone.  The host never
	 *		gives an image that it restored from y.  That image explains y by the parameters it was restored
	 *		with, so they would be found again.
	 *	y	the measurement; NaN where it is missing
	 *	noise	standard deviation of the noise of y; 0: unknown
	 *	config	on entry a copy of what create() got.  Nothing but free parameters may change, and they stay within
	 *		their ranges.
	 * The instance does not change: the host destroys it and creates another one with the new configuration.  That may
	 * ask for another shape of x, but takes the same shape of y.
	 * The host prints and records the values that change.
	 * After a failure *config does not matter.  LACUNA_EUNSUPPORTED: y does not tell, for example because it is too
	 * small; the host then warns and keeps the old values. */
	int (*fit)(const void *self, const float *x, const float *y, double noise, void *config);
};

#ifdef __cplusplus
}
#endif
#endif
