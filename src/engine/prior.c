/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
#include <config.h>

#include "engine/prior.h"
#include "base/error.h"
#include "base/memory.h"
#include "plugin/param.h"

#include <lacuna/progress.h>
#include <math.h>
#include <string.h>

static const uint32_t derivatives = LACUNA_DERIVATIVE | LACUNA_TANGENT;

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
	plugin_gate_enter();
	if (p->self)
		table(p)->destroy(p->self);
	plugin_gate_leave();
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

int prior_copy_info(const struct lacuna_prior_info *from, struct lacuna_prior_info *to)
{
	const uint32_t known = sizeof *from, size = to->size < known ? to->size : known;

	if (size < sizeof to->size)
		return error_set(LACUNA_EINVAL,
				 "info() needs the size of the structure that it fills in, not %u",
				 to->size);
	memcpy(to, from, size);
	to->size = size;
	return LACUNA_OK;
}

uint32_t prior_flags(const struct plugin_use *guidance, const struct plugin_use *sampler)
{
	uint32_t needs = 0;

	if (guidance && guidance->plugin)
		needs |= guidance->plugin->u.guidance.needs;
	if (sampler && sampler->plugin)
		needs |= sampler->plugin->u.sampler.needs;
	return (needs & LACUNA_NEEDS_VJP ? LACUNA_DERIVATIVE : 0) |
	       (needs & LACUNA_NEEDS_JVP ? LACUNA_TANGENT : 0);
}

static void tell(const struct lacuna_host *host, double share)
{
	const struct prior_instance *p = host_context(host)->owner;

	if (p->listen)
		p->listen(p->listener, share);
}

static const void *extension(const struct lacuna_host *host, const char *name)
{
	static const struct lacuna_progress progress = { tell };

	return strcmp(name, LACUNA_PROGRESS) ? host_extension(host, name) : &progress;
}

/* A lasting prior may outlive the problem: it sees only x's shape and the flags. */
static int create(struct prior_instance *p, const struct lacuna_host *host,
		  const struct lacuna_problem *problem)
{
	const struct lacuna_problem shape = { .size = sizeof shape,
					      .flags = problem->flags & derivatives,
					      .x = problem->x,
					      .y = problem->x };
	const int lasting = is_lasting(p->use);
	int status;

	p->x = problem->x;
	p->flags = problem->flags & derivatives;
	p->host_context.owner = p;
	host_init(&p->host, &p->host_context);
	p->host.extension = extension;
	plugin_gate_enter();
	status = table(p)->create(lasting ? &p->host : host, p->use->config,
				  lasting ? &shape : problem, &p->self);
	plugin_gate_leave();
	if (status)
		return error_context(status, "prior \"%s\"", p->use->plugin->head->name);
	p->info.size = sizeof p->info;
	table(p)->info(p->self, &p->info);
	if (p->info.channels < 0 || !(p->info.sigma_min >= 0) ||
	    !(p->info.sigma_max > p->info.sigma_min) || !isfinite(p->info.sigma_max))
		return error_set(
			LACUNA_EINTERNAL,
			"prior \"%s\" states impossible values: %d channels, sigma from %g to %g",
			p->use->plugin->head->name, (int)p->info.channels, p->info.sigma_min,
			p->info.sigma_max);
	return prior_renew_scratch(p);
}

/* ---- the stock --------------------------------------------------------------------------------------- */

enum { KEPT_MOST = 64, KEPT_BYTES = 1 << 28, KEPT_SHARE = 8 };

/* Two files of a batch may each have their own, equal plugin_use. */
static int is_same(const struct plugin_use *a, const struct plugin_use *b)
{
	return a == b ||
	       (a->plugin == b->plugin && param_same(a->plugin->head, a->config, b->config));
}

/* An instance prepared for derivatives also serves without them. */
static int fits(const struct prior_instance *p, const struct plugin_use *use,
		const struct lacuna_problem *problem)
{
	return !memcmp(p->x.extent, problem->x.extent, sizeof p->x.extent) &&
	       !(problem->flags & derivatives & ~p->flags) && is_same(p->use, use);
}

static struct prior_instance *find(struct prior_stock *stock, const struct plugin_use *use,
				   const struct lacuna_problem *problem)
{
	struct prior_instance **at = &stock->kept, *found;

	while (*at && !fits(*at, use, problem))
		at = &(*at)->next;
	found = *at;
	if (found)
		*at = found->next;
	return found;
}

/* Destroys the least recently used instances.  Keeps the first `spared', however large. */
static void shrink(struct prior_stock *stock, int spared)
{
	const size_t budget = memory_budget();
	const size_t most = budget ? budget / KEPT_SHARE : KEPT_BYTES;
	struct prior_instance **at = &stock->kept;
	size_t bytes = 0;
	int count = 0;

	while (*at && (count < spared || (count < KEPT_MOST && bytes + (*at)->bytes <= most))) {
		bytes += (*at)->bytes;
		count++;
		at = &(*at)->next;
	}
	while (*at) {
		struct prior_instance *p = *at;

		*at = p->next;
		destroy(p);
	}
}

static int make(const struct plugin_use *use, const struct lacuna_host *host,
		const struct lacuna_problem *problem, struct prior_instance **result)
{
	const size_t before = memory_live_bytes();
	size_t after;
	struct prior_instance *p = memory_alloc(sizeof *p);
	int status = LACUNA_ENOMEM;

	if (p) {
		p->use = use;
		status = create(p, host, problem);
	}
	if (status) {
		destroy(p);
		return status;
	}
	after = memory_live_bytes();
	p->bytes = after > before ? after - before : 0; /* other threads release too */
	*result = p;
	return LACUNA_OK;
}

int prior_take(struct prior_stock *stock, const struct plugin_use *use,
	       const struct lacuna_host *host, const struct lacuna_problem *problem,
	       struct prior_instance **result)
{
	int status;

	*result = stock && is_lasting(use) ? find(stock, use, problem) : NULL;
	if (*result)
		return LACUNA_OK;
	if (stock)
		shrink(stock, 0);
	status = make(use, host, problem, result);
	if (status == LACUNA_ENOMEM && stock && stock->kept) {
		prior_stock_clear(stock);
		status = make(use, host, problem, result);
	}
	return status;
}

void prior_return(struct prior_stock *stock, struct prior_instance *p)
{
	if (!p || !stock || !is_lasting(p->use)) {
		destroy(p);
		return;
	}
	p->listen = NULL;
	p->next = stock->kept;
	stock->kept = p;
	shrink(stock, 1);
}

int prior_prepare(struct prior_stock *stock, const struct plugin_use *use,
		  const struct lacuna_shape *x, uint32_t flags)
{
	const struct lacuna_problem problem = {
		.size = sizeof problem, .flags = flags, .x = *x, .y = *x
	};
	struct prior_instance *p;
	int status = LACUNA_OK;

	if (is_lasting(use))
		status = prior_take(stock, use, NULL, &problem, &p);
	if (!status && is_lasting(use))
		prior_return(stock, p);
	return status;
}

void prior_stock_clear(struct prior_stock *stock)
{
	while (stock->kept) {
		struct prior_instance *p = stock->kept;

		stock->kept = p->next;
		destroy(p);
	}
}
