/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Problem, measurement and session for a run with a given number of chains. */
#ifndef STUDY_BENCH_H
#define STUDY_BENCH_H

#include "engine/run.h"
#include "study/laboratory.h"

struct bench {
	struct problem *problem;
	struct session *session;
	float *y;
	size_t n; /* values of x: dim times chains */
};

/* y: the measurements of all chains (rows x chains), or NULL to give each chain the laboratory's. */
int bench_open(const struct laboratory *, const struct method_use *, int64_t chains, const float *y,
	       const struct session_options *, struct bench *);
void bench_close(struct bench *); /* accepts an empty one */

#endif
