/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
#include <config.h>

#include "check/spectrum.h"

#include "base/error.h"
#include "base/memory.h"

#include <float.h>
#include <lapacke.h>

int spectrum_of(size_t rows, size_t columns, double *matrix, struct check_spectrum *s)
{
	const size_t least = rows < columns ? rows : columns;
	/* Relative to the largest, values below this are 0 in single precision: LAPACK's usual estimate. */
	const double negligible = FLT_EPSILON * (double)(rows > columns ? rows : columns);
	double *values = memory_alloc_array(2 * least, sizeof *values), unused;
	int status = LACUNA_OK;

	if (!values)
		return LACUNA_ENOMEM;
	if (LAPACKE_dgesvd(LAPACK_COL_MAJOR, 'N', 'N', (lapack_int)rows, (lapack_int)columns,
			   matrix, (lapack_int)rows, values, &unused, 1, &unused, 1,
			   values + least))
		status = error_set(LACUNA_ENUMERIC, "no singular values");
	if (!status) {
		s->exact = 1;
		s->count = columns;
		s->largest = values[0];
		for (s->rank = 0; s->rank < least && values[s->rank] > negligible * values[0];
		     s->rank++)
			s->smallest = values[s->rank];
	}
	memory_release(values);
	return status;
}
