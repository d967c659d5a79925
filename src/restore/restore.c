/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
#include <config.h>

#include "restore/restore.h"
#include "restore/windows.h"

static int restore_in_windows(struct restorer *r, const struct measurement *y,
			      struct restored *result)
{
	/* The result (4 bytes a value), its unchanged flags (1 byte), its deviation (4 bytes). */
	const struct windows_cost cost = { .fixed = (restorer_job(r)->deviation ? 9.0 : 5.0) *
						    (double)lacuna_count(&y->shape),
					   .multiple = 1 };
	struct windows w = { 0 };
	const int status = windows_plan(restorer_job(r), &y->shape, &cost, &w);

	return status ? status : windows_run(r, &w, y, result);
}

static int restore_whole(struct restorer *r, const struct measurement *y, struct restored *result)
{
	const int status = restorer_shape(r, &y->shape, &y->wish);

	return status ? status : restorer_run(r, y, result);
}

/* Windows take single frames; several frames of one measurement are restored together. */
static int needs_windows(const struct restorer *r, const struct measurement *y)
{
	static const struct windows_cost none = { .multiple = 1 };

	return y->shape.extent[3] == 1 && !restorer_has_shape(r, &y->shape) &&
	       windows_needed(restorer_job(r), &y->shape, &none);
}

int restore_image(const struct restore_job *job, const struct measurement *y, float **x,
		  float **std, struct restore_record *record)
{
	struct restored result = { 0 };
	struct restorer *r = job->kept;
	int status = r ? LACUNA_OK : restorer_create(job, &r);

	if (!status && needs_windows(r, y))
		status = restore_in_windows(r, y, &result);
	else if (!status)
		status = restore_whole(r, y, &result);
	if (r != job->kept)
		restorer_destroy(r);
	*x = result.picture;
	*std = result.deviation;
	*record = result.record;
	return status;
}
