/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Noise for one-dimensional chains that is evenly spread over the chains, so that their empirical distribution has hardly
 * any sampling error: array-RQMC (L'Ecuyer, Lecot, Tuffin, Operations Research 56(4), 2008). */
#ifndef STUDY_EVEN_H
#define STUDY_EVEN_H

#include <stddef.h>
#include <stdint.h>

struct even;

int even_create(size_t chains, uint64_t seed, struct even **);
void even_destroy(struct even *); /* accepts NULL */
/* Matches session_options.gaussian. */
void even_gaussian(void *even, uint64_t stream, uint64_t position, float *out, size_t n);
/* Takes the states at which the sampler asks for an estimate: noise is then even among chains with neighbouring states. */
void even_observe(struct even *, const float *u);

#endif
