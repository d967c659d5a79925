/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
#include <config.h>

#include "restore/fit.h"
#include "base/error.h"
#include "base/memory.h"
#include "engine/problem.h"
#include "plugin/param.h"

static const struct lacuna_param *next_free(const struct fit *f, uint32_t *at)
{
	const struct lacuna_param *row;

	while ((row = param_row(f->use->plugin->head, (*at)++)))
		if (plugin_may_fit(f->use->plugin, f->told, row))
			return row;
	return NULL;
}

int fit_find(struct plugin_use *uses, size_t count, struct fit *f)
{
	*f = (struct fit){ .use = NULL };
	for (size_t i = 0; i < count; i++) {
		const struct lacuna_plugin *head = uses[i].plugin->head;
		int free = 0;

		for (uint32_t k = 0; k < head->param_count; k++)
			free += plugin_may_fit(uses[i].plugin, uses[i].config, param_row(head, k));
		if (!free)
			continue;
		if (i + 1 < count)
			return error_set(LACUNA_EINVAL,
					 "operator \"%s\" can only be fitted to the picture as the "
					 "last one: the picture does not show what it made",
					 head->name);
		if (free > FIT_MOST)
			return error_set(LACUNA_EINVAL,
					 "operator \"%s\" has more than %d free "
					 "parameters",
					 head->name, FIT_MOST);
		f->use = &uses[i];
		f->told = param_copy(head, f->use->config);
		if (!f->told)
			return LACUNA_ENOMEM;
	}
	return LACUNA_OK;
}

void fit_free(struct fit *f)
{
	memory_release(f->told);
	*f = (struct fit){ .use = NULL };
}

void fit_reset(const struct fit *f)
{
	const struct lacuna_param *row;
	uint32_t at = 0;

	while (f->use && (row = next_free(f, &at)))
		*param_real(row, f->use->config) = *param_real(row, f->told);
}

void fit_get(const struct fit *f, struct fit_values *v)
{
	const struct lacuna_param *row;

	v->count = 0;
	for (uint32_t at = 0; v->count < FIT_MOST && (row = next_free(f, &at));)
		v->value[v->count++] = *param_real(row, f->use->config);
}

void fit_set(const struct fit *f, const struct fit_values *v)
{
	const struct lacuna_param *row;
	size_t i = 0;

	for (uint32_t at = 0; i < v->count && (row = next_free(f, &at)); i++)
		*param_real(row, f->use->config) = v->value[i];
}

/* Takes over the free parameters alone, whatever else has changed in `found'. */
static int take(const struct fit *f, void *found)
{
	const struct lacuna_param *row;

	for (uint32_t at = 0; (row = next_free(f, &at));)
		if (!(*param_real(row, found) >= row->lo && *param_real(row, found) <= row->hi))
			return error_set(LACUNA_EINTERNAL,
					 "operator \"%s\" fits %s = %g, which is out of range",
					 f->use->plugin->head->name, row->name,
					 *param_real(row, found));
	for (uint32_t at = 0; (row = next_free(f, &at));)
		*param_real(row, f->use->config) = *param_real(row, found);
	return LACUNA_OK;
}

int fit_to(const struct fit *f, const struct lacuna_shape *shape, const float *y, double noise)
{
	struct problem *problem = NULL;
	void *found = param_copy(f->use->plugin->head, f->told);
	int status = found ? problem_create(f->use, 1, 1, shape, &problem) : LACUNA_ENOMEM;

	if (!status)
		status = problem_fit(problem, NULL, y, noise, found);
	problem_destroy(problem);
	if (!status)
		status = take(f, found);
	memory_release(found);
	return status;
}

void fit_each(const struct fit *f,
	      void (*visit)(void *, const struct lacuna_param *, double, double), void *context)
{
	const struct lacuna_param *row;
	uint32_t at = 0;

	while (f->use && (row = next_free(f, &at)))
		visit(context, row, *param_real(row, f->told), *param_real(row, f->use->config));
}
