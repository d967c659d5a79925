/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
#include <config.h>

#include "study/bench.h"

#include "base/memory.h"

#include <string.h>

int bench_open(const struct laboratory *lab, const struct method_use *method, int64_t chains,
	       const float *y, const struct session_options *options, struct bench *b)
{
	const struct lacuna_shape x = { { lab->target.dim, chains, 1, 1 } };
	const size_t rows = (size_t)lab->rows, count = rows * (size_t)chains;
	int status;

	*b = (struct bench){ .n = lacuna_count(&x) };
	status = problem_create(lab->operators, lab->operator_count, 0, &x, &b->problem);
	if (!status && !(b->y = memory_alloc_array(count, sizeof *b->y)))
		status = LACUNA_ENOMEM;
	for (size_t i = 0; !status && i < count; i++)
		b->y[i] = y ? y[i] : (float)lab->y[i % rows];
	if (!status)
		status = problem_measure(b->problem, b->y, lab->noise, NULL);
	if (!status)
		status = session_create(b->problem, method->prior, method->guidance,
					method->sampler, options, &b->session);
	if (status)
		bench_close(b);
	return status;
}

void bench_close(struct bench *b)
{
	session_destroy(b->session);
	problem_destroy(b->problem);
	memory_release(b->y);
	memset(b, 0, sizeof *b);
}
