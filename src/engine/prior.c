/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
#include <config.h>

#include "engine/prior.h"
#include "base/error.h"
#include "base/memory.h"
#include "plugin/host.h"

#include <math.h>
#include <string.h>

static const struct lacuna_prior *table(const struct prior_instance *p)
{
	return &p->use->plugin->u.prior;
}

static int is_lasting(const struct plugin_use *use)
{
	return (use->plugin->u.prior.flags & LACUNA_LASTING) != 0;
}

static void destroy(struct prior_instance *p)
{
	if (!p)
		return;
	if (p->self)
		table(p)->destroy(p->self);
	memory_release(p->scratch);
	memory_release(p);
}

int prior_renew_scratch(struct prior_instance *p)
{
	const size_t bytes = table(p)->scratch ? table(p)->scratch(p->self) : 0;

	memory_release(p->scratch);
	p->scratch = bytes ? memory_alloc(bytes) : NULL;
	return bytes && !p->scratch ? LACUNA_ENOMEM : LACUNA_OK;
}

/* A lasting prior is shown nothing of the problem but the shape. */
static int create(struct prior_instance *p, const struct lacuna_host *host,
		  const struct lacuna_problem *problem)
{
	const struct lacuna_problem shape = { .size = sizeof(shape),
					      .x = problem->x,
					      .y = problem->x };
	const int lasting = is_lasting(p->use);
	int status;

	p->x = problem->x;
	host_init(&p->host, &p->key);
	status = table(p)->create(lasting ? &p->host : host, p->use->config,
				  lasting ? &shape : problem, &p->self);
	if (status)
		return error_context(status, "prior \"%s\"", p->use->plugin->head->name);
	p->info.size = sizeof(p->info);
	table(p)->info(p->self, &p->info);
	if (p->info.channels < 0 || !(p->info.sigma_min >= 0) ||
	    !(p->info.sigma_max > p->info.sigma_min) || !isfinite(p->info.sigma_max))
		return error_set(
			LACUNA_EINTERNAL,
			"prior \"%s\" says that it takes %d channels and sigma from %g to %g",
			p->use->plugin->head->name, (int)p->info.channels, p->info.sigma_min,
			p->info.sigma_max);
	return prior_renew_scratch(p);
}

static int fits(const struct prior_instance *p, const struct plugin_use *use,
		const struct lacuna_shape *x)
{
	return p->use == use && !memcmp(p->x.extent, x->extent, sizeof(x->extent));
}

int prior_take(struct prior_stock *stock, const struct plugin_use *use,
	       const struct lacuna_host *host, const struct lacuna_problem *problem,
	       struct prior_instance **result)
{
	struct prior_instance *p;
	int status;

	if (stock && stock->kept && fits(stock->kept, use, &problem->x)) {
		*result = stock->kept;
		stock->kept = NULL;
		return LACUNA_OK;
	}
	/* One at a time: both may be large. */
	if (stock)
		prior_stock_clear(stock);
	p = memory_alloc(sizeof(*p));
	if (!p)
		return LACUNA_ENOMEM;
	p->use = use;
	status = create(p, host, problem);
	if (status) {
		destroy(p);
		return status;
	}
	*result = p;
	return LACUNA_OK;
}

void prior_return(struct prior_stock *stock, struct prior_instance *p)
{
	if (!p || !stock || !is_lasting(p->use)) {
		destroy(p);
		return;
	}
	prior_stock_clear(stock);
	stock->kept = p;
}

void prior_stock_clear(struct prior_stock *stock)
{
	destroy(stock->kept);
	stock->kept = NULL;
}
