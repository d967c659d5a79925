/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
#include "common/levels.h"

void levels_destroy(void *self)
{
	struct levels *p = self;

	if (!p)
		return;
	schedule_free(p->host, &p->schedule);
	p->host->release(p->host, p->estimate);
	p->host->release(p->host, p);
}

int levels_create(const struct lacuna_host *host, const struct schedule_config *config,
		  const struct lacuna_problem *problem, size_t bytes, void **self)
{
	struct levels *p = host->alloc(host, bytes);
	int status = LACUNA_ENOMEM;

	if (!p)
		return status;
	p->host = host;
	p->problem = problem;
	p->config = *config;
	p->n = lacuna_count(&problem->x);
	p->estimate = host->alloc(host, p->n * sizeof *p->estimate);
	if (p->estimate)
		status = schedule_create(host, config, &p->schedule);
	if (status)
		levels_destroy(p);
	else
		*self = p;
	return status;
}

int64_t levels_steps(const void *self)
{
	const struct levels *p = self;

	return p->schedule.steps;
}

int levels_start(void *self, float *u)
{
	const struct levels *p = self;

	return schedule_start(p->host, &p->config, &p->schedule, p->problem, u);
}
