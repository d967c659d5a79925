/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Noise for chains in one dimension that is even over the chains, so that their empirical law has hardly any sampling
 * error: array-RQMC (L'Ecuyer, Lecot, Tuffin, Operations Research 56(4), 2008). */
#ifndef STUDY_EVEN_H
#define STUDY_EVEN_H

#include <stddef.h>
#include <stdint.h>

struct even;

int even_create(size_t chains, uint64_t seed, struct even **);
void even_destroy(struct even *); /* accepts NULL */
/* For session_options.gaussian. */
void even_gaussian(void *even, uint64_t stream, uint64_t position, float *out, size_t n);
/* The states as the sampler asks for an estimate: from here on noise is even over states of neighbouring values. */
void even_observe(struct even *, const float *u);

#endif
