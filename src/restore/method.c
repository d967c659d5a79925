/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Presets. */
#include <config.h>

#include "restore/method.h"
#include "base/error.h"
#include "base/log.h"
#include "plugin/param.h"

#include <lacuna/conditional.h>

#include <stdio.h>
#include <string.h>

/* The prior that ships, its faster variant, and the prior that is always available. */
static const char neural_prior[] = "unet", fast_prior[] = "unet:model=photo-small",
		  plain_prior[] = "gaussian";

/* Where a preset applies. */
enum circumstance {
	ANYWHERE,
	NONLINEAR, /* an operator that is not linear: few plugins support it */
	PIXELWISE, /* such operators, and a prior that takes sigma maps: guidance exact has no bias */
	ALONE,	   /* the same, and no guidance was asked for */
	PARTIAL,   /* an operator, not pixelwise, that leaves out a part of the picture */
	COLOR,	   /* a trained prior is to invent colours */
	GUIDED,	   /* a guidance was asked for */
	PLAIN,	/* a Gaussian prior: the fixed point of hqs is the optimum, exact is closed form */
	NETWORK /* a trained prior, which is only approximate */
};

/* The first row that applies is taken.  In pixelwise problems the posterior mean is a single evaluation; if noise is the
 * only problem, hqs repeats it on turned images.  Missing pixels gain from a second look: the network fills in better beside
 * existing pixels than all at once.  Lost resolution, or missing pixels and a blur, takes more rounds.  Colours are sampled,
 * not estimated: their mean is gray, and hqs makes a duotone of its first guess.  doc/measurements.md has the sweep. */
static const struct preset {
	const char *method;
	enum circumstance where;
	const char *guidance, *sampler;
} presets[] = {
	{ "best", NONLINEAR, "prox", "hqs" },
	{ "fast", NONLINEAR, "prox", "hqs:steps=5,lambda=0.3" },
	{ "sample", NONLINEAR, "prox", "ddpm" },
	{ "best", COLOR, "ddnm", "ddpm" },
	{ "fast", COLOR, "ddnm", "ddpm:steps=50" },
	{ "sample", COLOR, "ddnm", "ddpm" },
	{ "best", ALONE, "exact", "hqs:steps=10" },
	{ "best", PIXELWISE, "exact", "ode:steps=1,sigma_max=50" },
	{ "best", PLAIN, "prox", "hqs:steps=50,falling=0,lambda=1,sigma_max=10,sigma_min=0.01" },
	{ "best", PARTIAL, "prox", "hqs:steps=10,sigma_max=0.4" },
	{ "best", ANYWHERE, "prox", "hqs" },
	{ "fast", PIXELWISE, "exact", "ode:steps=1,sigma_max=50" },
	{ "fast", PLAIN, "prox", "hqs:lambda=1,sigma_min=0.01" },
	{ "fast", ANYWHERE, "prox", "hqs:steps=5,lambda=0.3" },
	{ "sample", PIXELWISE, "exact", "ddpm-fast" },
	{ "sample", PLAIN, "exact", "ddpm-fast" },
	{ "sample", GUIDED, "prox", "ddpm" },
	{ "sample", NETWORK, "prox", "gibbs:steps=20,rho_max=0.2,network=yes" },
	{ "sample", ANYWHERE, "prox", "gibbs" },
};

const char *const method_names[] = { "best", "fast", "sample", NULL };

/* True when a specification, NAME or NAME:PARAMETERS, is of this plugin. */
static int is_of(const char *spec, const char *name)
{
	const size_t n = strlen(name);

	return !strncmp(spec, name, n) && (!spec[n] || spec[n] == ':');
}

int method_uses(int kind, const char *name)
{
	if (kind == LACUNA_PRIOR)
		return is_of(neural_prior, name) || is_of(plain_prior, name);
	for (size_t i = 0; i < sizeof presets / sizeof *presets; i++)
		if (is_of(kind == LACUNA_SAMPLER ? presets[i].sampler : presets[i].guidance, name))
			return 1;
	return 0;
}

static int is_nonlinear(const struct method *m)
{
	const struct method_wish *w = &m->wish;

	for (size_t i = 0; i < w->operator_count; i++)
		if (!(w->operators[i].plugin->u.op.flags & LACUNA_LINEAR))
			return 1;
	return 0;
}

static int is_pixelwise_with_maps(const struct method *m)
{
	const struct method_wish *w = &m->wish;

	for (size_t i = 0; i < w->operator_count; i++)
		if (!(w->operators[i].plugin->u.op.flags & LACUNA_PIXELWISE))
			return 0;
	return m->prior.plugin->u.prior.denoise_map != NULL;
}

static int is_pixelwise(const struct method *m)
{
	const char *guidance = m->wish.guidance;

	return is_pixelwise_with_maps(m) && (!guidance || !strcmp(guidance, "exact"));
}

/* True when one operator at least has the flag. */
static int an_operator_is(const struct method *m, uint32_t flag)
{
	const struct method_wish *w = &m->wish;

	for (size_t i = 0; i < w->operator_count; i++)
		if (w->operators[i].plugin->u.op.flags & flag)
			return 1;
	return 0;
}

static int prior_is(const struct method *m, uint32_t flag)
{
	return (m->prior.plugin->u.prior.flags & flag) != 0;
}

static int applies(const struct preset *p, const struct method *m)
{
	switch (p->where) {
	case NONLINEAR:
		return is_nonlinear(m);
	case ALONE:
		return is_pixelwise(m) && !m->wish.guidance;
	case PARTIAL:
		return an_operator_is(m, LACUNA_PARTIAL);
	case PIXELWISE:
		return is_pixelwise(m);
	case COLOR:
		return an_operator_is(m, LACUNA_COLORLESS) && prior_is(m, LACUNA_TRAINED);
	case GUIDED:
		return m->wish.guidance != NULL;
	case PLAIN:
		return prior_is(m, LACUNA_GAUSSIAN);
	case NETWORK:
		return prior_is(m, LACUNA_TRAINED);
	default:
		return 1;
	}
}

/* Several point estimates would be equal, and a guidance is of no use without a sampler that takes one. */
static const char *default_method(const struct method_wish *w)
{
	return !w->sampler && (w->samples > 1 || w->guidance) ? "sample" : "best";
}

static const struct preset *find_preset(const struct method *m)
{
	const char *name = m->wish.method ? m->wish.method : default_method(&m->wish);
	size_t i = 0;

	while (strcmp(presets[i].method, name) != 0 || !applies(&presets[i], m))
		i++;
	return &presets[i];
}

static int take_plain_prior(struct plugin_use *prior)
{
	log_message(LACUNA_LOG_WARN,
		    "prior %s cannot be used; %s is used instead and gives worse results (%s)",
		    neural_prior, plain_prior, error_text());
	error_clear();
	return use_parse(LACUNA_PRIOR, plain_prior, prior);
}

static int choose_prior(const struct method_wish *wish, struct plugin_use *prior)
{
	const int fast = wish->method && !strcmp(wish->method, "fast");
	const struct plugin *found;

	if (wish->prior)
		return use_parse(LACUNA_PRIOR, wish->prior, prior);
	if (!plugin_load(LACUNA_PRIOR, neural_prior, &found))
		return use_parse(LACUNA_PRIOR, fast ? fast_prior : neural_prior, prior);
	return take_plain_prior(prior);
}

/* Reports an unknown guidance as such. */
static int refuse_guidance(const struct method *m)
{
	struct plugin_use use = { 0 };
	const int status = use_parse(LACUNA_GUIDANCE, m->wish.guidance, &use);

	if (status)
		return status;
	use_free(&use);
	return error_set(LACUNA_EINVAL,
			 "sampler %s takes no guidance; leave out --guidance, or use a sampler "
			 "that takes one, such as -s ddpm",
			 m->sampler.plugin->head->name);
}

static int choose_guidance(const struct preset *p, struct method *m)
{
	const char *wish = m->wish.guidance;

	m->has_guidance = (m->sampler.plugin->u.sampler.needs & LACUNA_NEEDS_GUIDANCE) != 0;
	if (m->has_guidance)
		return use_parse(LACUNA_GUIDANCE, wish ? wish : p->guidance, &m->guidance);
	return wish ? refuse_guidance(m) : LACUNA_OK;
}

static int set_steps(int64_t steps, struct plugin_use *sampler)
{
	char text[32];

	if (!steps)
		return LACUNA_OK;
	if (!param_find(sampler->plugin->head, "steps"))
		return error_set(LACUNA_EINVAL, "sampler %s has no steps; leave out --steps",
				 sampler->plugin->head->name);
	snprintf(text, sizeof text, "%lld", (long long)steps);
	return param_set(sampler->plugin->head, sampler->config, "steps", text);
}

/* Chooses sampler and guidance for the prior that was chosen. */
static int choose_rest(struct method *m)
{
	const struct preset *p = find_preset(m);
	int status = use_parse(LACUNA_SAMPLER, m->wish.sampler ? m->wish.sampler : p->sampler,
			       &m->sampler);

	m->name = p->method;
	if (!status)
		status = set_steps(m->wish.steps, &m->sampler);
	if (!status)
		status = choose_guidance(p, m);
	if (status)
		method_free(m);
	return status;
}

/* An estimate hardly depends on random numbers. */
static void warn_of_estimates(const struct method *m)
{
	const int estimates = strcmp(m->name, "sample") != 0 && find_preset(m)->where != COLOR;

	if (m->wish.samples > 1 && !m->wish.sampler && estimates)
		log_message(LACUNA_LOG_WARN,
			    "--method %s gives nearly equal samples, and their deviation says "
			    "nothing of the error; use --method sample",
			    m->name);
}

int method_choose(const struct method_wish *w, struct method *m)
{
	int status;

	*m = (struct method){ .wish = *w };
	status = choose_prior(w, &m->prior);
	if (!status)
		status = choose_rest(m);
	if (!status)
		warn_of_estimates(m);
	return status;
}

/* True when the sampler or guidance that the user asked for fails with the operator or the best prior: another prior must
 * not hide such a failure. */
static int is_out_of_place(const struct method *m, int status)
{
	const unsigned needs = m->sampler.plugin->u.sampler.needs |
			       (m->has_guidance ? m->guidance.plugin->u.guidance.needs : 0);

	if (status == LACUNA_EUNSUPPORTED && (m->wish.guidance || m->wish.sampler))
		return 1;
	return is_nonlinear(m) && (needs & LACUNA_NEEDS_LINEAR);
}

int method_fall_back(struct method *m, int status)
{
	const int lacks = status == LACUNA_EIO || status == LACUNA_EUNSUPPORTED;

	if (!lacks || is_out_of_place(m, status) || m->wish.prior ||
	    !is_of(neural_prior, m->prior.plugin->head->name))
		return 0;
	method_free(m);
	return !take_plain_prior(&m->prior) && !choose_rest(m);
}

enum method_deviation method_deviation(const struct method *m)
{
	if (is_nonlinear(m))
		return DEVIATION_UNKNOWN;
	if (is_pixelwise_with_maps(m))
		return DEVIATION_TWEEDIE;
	if (plugin_extension(m->prior.plugin, LACUNA_CONDITIONAL) && prior_is(m, LACUNA_GAUSSIAN))
		return DEVIATION_CONDITIONAL;
	return prior_is(m, LACUNA_TRAINED) && !an_operator_is(m, LACUNA_COLORLESS)
		       ? DEVIATION_WIENER
		       : DEVIATION_UNKNOWN;
}

void method_free(struct method *m)
{
	use_free(&m->prior);
	use_free(&m->guidance);
	use_free(&m->sampler);
}
