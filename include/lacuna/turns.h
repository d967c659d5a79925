/* SPDX-License-Identifier: MIT
 * Copyright 2026 The Lacuna authors
 *
 * lacuna/turns.h -- an extension of hosts, for guidances and samplers: averages over turned and mirrored images. */
#ifndef LACUNA_TURNS_H
#define LACUNA_TURNS_H

#include <lacuna/plugin.h>

#ifdef __cplusplus
extern "C" {
#endif

#define LACUNA_TURNS "lacuna.turns/1"

/* What host->extension(host, LACUNA_TURNS) returns. */
struct lacuna_turns {
	/* [serial] Turns u and sigma, calls denoise_map() and turns the result back.  The mean over several turns is better
	 * than one result.  turn 0 is plain denoise_map().  turn >= 8 (4 if the image is not square, 1 if the prior is not
	 * symmetric) returns LACUNA_EUNSUPPORTED without a message. */
	int (*denoise_turned)(const struct lacuna_host *, uint32_t turn, const float *sigma,
			      const float *u, float *x0);
};

#ifdef __cplusplus
}
#endif
#endif
