/* SPDX-License-Identifier: MIT
 * Copyright 2026 The Lacuna authors
 *
 * lacuna/turns.h -- an extension of hosts, for guidances and samplers: means over the ways to turn an image. */
#ifndef LACUNA_TURNS_H
#define LACUNA_TURNS_H

#include <lacuna/plugin.h>

#ifdef __cplusplus
extern "C" {
#endif

#define LACUNA_TURNS "lacuna.turns/1"

/* What host->extension(host, LACUNA_TURNS) returns. */
struct lacuna_turns {
	/* [serial] denoise_map() of the turned image, map and all, and the answer turned back: the mean over turns is better
	 * than one of them.  LACUNA_EUNSUPPORTED, without a message, from turn = 8 on, or 4, or 1 where the prior is not
	 * symmetric: there is nothing new to see.  0 is denoise_map(). */
	int (*denoise_turned)(const struct lacuna_host *, uint32_t turn, const float *sigma,
			      const float *u, float *x0);
};

#ifdef __cplusplus
}
#endif
#endif
