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
	const char *sampler;
	const char *
		exact; /* guidance where it is free of bias: pixelwise operator, prior with sigma maps */
	const char *general; /* guidance elsewhere */
};

static const struct preset presets[] = {
	{ "best", "hqs", "exact", "prox" },
	{ "fast", "hqs:steps=8", "exact", "prox" },
	{ "sample", "ddpm", "exact", "prox" },
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

static int choose_prior(const char *wish, struct plugin_use *prior)
{
	const struct plugin *found;

	if (wish)
		return use_parse(LACUNA_PRIOR, wish, prior);
	if (!plugin_load(LACUNA_PRIOR, neural_prior, &found))
		return use_parse(LACUNA_PRIOR, neural_prior, prior);
	log_message(LACUNA_LOG_INFO, "the prior %s cannot be used, %s takes its place (%s)",
		    neural_prior, plain_prior, error_text());
	error_clear();
	return use_parse(LACUNA_PRIOR, plain_prior, prior);
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

int method_choose(const struct method_wish *w, struct method *m)
{
	const struct preset *p = find_preset(w);
	int status;

	*m = (struct method){ .name = p->name };
	status = choose_prior(w->prior, &m->prior);
	if (!status)
		status = use_parse(LACUNA_SAMPLER, w->sampler ? w->sampler : p->sampler,
				   &m->sampler);
	if (!status)
		status = set_steps(w->steps, &m->sampler);
	if (!status)
		status = choose_guidance(w, p, m);
	if (status)
		method_free(m);
	return status;
}

void method_free(struct method *m)
{
	use_free(&m->prior);
	use_free(&m->guidance);
	use_free(&m->sampler);
}
