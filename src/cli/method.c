/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Presets. */
#include <config.h>

#include "cli/method.h"
#include "base/error.h"
#include "base/log.h"
#include "plugin/param.h"

#include <stdio.h>
#include <string.h>

/* The prior that ships, and the one that is always there. */
static const char neural_prior[] = "unet", plain_prior[] = "gaussian";

struct preset {
	const char *name;
	const char *sampler; /* with a neural prior */
	const char *
		plain; /* with the plain prior, for which the half-quadratic fixed point is the optimum */
	const char *exact;   /* guidance free of bias: pixelwise operator, prior with sigma maps */
	const char *general; /* guidance elsewhere */
};

static const struct preset presets[] = {
	{ "best", "hqs", "hqs:steps=50,lambda=1,sigma_max=10,sigma_min=0.01", "exact", "prox" },
	{ "fast", "hqs", "hqs:steps=8,lambda=1,sigma_min=0.01", "exact", "prox" },
	{ "sample", "ddpm", "ddpm", "exact", "prox" },
};

const char *const method_names[] = { "best", "fast", "sample", NULL };

static const struct preset *find_preset(const struct method_wish *w)
{
	/* Several equal point estimates would be of no use. */
	const char *name = w->method			   ? w->method
			   : w->samples > 1 && !w->sampler ? "sample"
							   : "best";
	size_t i = 0;

	while (strcmp(presets[i].name, name) != 0)
		i++;
	return &presets[i];
}

static int take_plain_prior(struct plugin_use *prior)
{
	log_message(LACUNA_LOG_INFO, "the prior %s cannot be used, %s takes its place (%s)",
		    neural_prior, plain_prior, error_text());
	error_clear();
	return use_parse(LACUNA_PRIOR, plain_prior, prior);
}

static int choose_prior(const char *wish, struct plugin_use *prior)
{
	const struct plugin *found;

	if (wish)
		return use_parse(LACUNA_PRIOR, wish, prior);
	if (!plugin_load(LACUNA_PRIOR, neural_prior, &found))
		return use_parse(LACUNA_PRIOR, neural_prior, prior);
	return take_plain_prior(prior);
}

static int all_pixelwise(const struct plugin_use *operators, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (!(operators[i].plugin->u.op.flags & LACUNA_PIXELWISE))
			return 0;
	return 1;
}

static int choose_guidance(const struct method_wish *w, const struct preset *p, struct method *m)
{
	const int exact = all_pixelwise(w->operators, w->operator_count) &&
			  m->prior.plugin->u.prior.denoise_map;

	m->has_guidance = (m->sampler.plugin->u.sampler.needs & LACUNA_NEEDS_GUIDANCE) != 0;
	if (!m->has_guidance) {
		if (w->guidance)
			log_message(LACUNA_LOG_WARN,
				    "sampler %s uses no guidance; --guidance is ignored",
				    m->sampler.plugin->head->name);
		return LACUNA_OK;
	}
	return use_parse(LACUNA_GUIDANCE,
			 w->guidance ? w->guidance
			 : exact     ? p->exact
				     : p->general,
			 &m->guidance);
}

static int choose_sampler(const struct method_wish *w, const struct preset *p, struct method *m)
{
	const int plain = !strcmp(m->prior.plugin->head->name, plain_prior);

	return use_parse(LACUNA_SAMPLER,
			 w->sampler ? w->sampler
			 : plain    ? p->plain
				    : p->sampler,
			 &m->sampler);
}

static int set_steps(int64_t steps, struct plugin_use *sampler)
{
	char text[32];

	if (!steps)
		return LACUNA_OK;
	if (!param_find(sampler->plugin->head, "steps"))
		return error_set(LACUNA_EINVAL, "sampler %s has no steps; leave out --steps",
				 sampler->plugin->head->name);
	snprintf(text, sizeof(text), "%lld", (long long)steps);
	return param_set(sampler->plugin->head, sampler->config, "steps", text);
}

/* Sampler and guidance, to a prior that is there. */
static int choose_rest(struct method *m)
{
	const struct preset *p = find_preset(&m->wish);
	int status = choose_sampler(&m->wish, p, m);

	m->name = p->name;
	if (!status)
		status = set_steps(m->wish.steps, &m->sampler);
	if (!status)
		status = choose_guidance(&m->wish, p, m);
	if (status)
		method_free(m);
	return status;
}

int method_choose(const struct method_wish *w, struct method *m)
{
	int status;

	*m = (struct method){ .wish = *w };
	status = choose_prior(w->prior, &m->prior);
	return status ? status : choose_rest(m);
}

int method_fall_back(struct method *m, int status)
{
	const int lacks = status == LACUNA_EIO || status == LACUNA_EUNSUPPORTED;

	if (!lacks || m->wish.prior || strcmp(m->prior.plugin->head->name, neural_prior) != 0)
		return 0;
	method_free(m);
	return !take_plain_prior(&m->prior) && !choose_rest(m);
}

void method_free(struct method *m)
{
	use_free(&m->prior);
	use_free(&m->guidance);
	use_free(&m->sampler);
}
