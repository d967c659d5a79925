/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Prior "process-map": x0 = E[x | x + sigma n = u], computed by a program of the user that takes a sigma for each value.
 *
 * common/process.h talks to the program; lacuna-plugin(7) describes the protocol. */
#include "common/process-prior.h"
#include "common/process.h"

static int create(const struct lacuna_host *host, const void *config,
		  const struct lacuna_problem *problem, void **self)
{
	return process_prior_create(host, config, 1, problem, self);
}

static const struct lacuna_param params[] = {
	LACUNA_PARAM_TEXT(struct process_config, command, LACUNA_REQUIRED, NULL,
			  "the program and its arguments, such as python3 mine.py"),
	LACUNA_PARAM_REAL(struct process_config, timeout, "s", 0.01, 1e6, 60,
			  "longest wait for one answer"),
};

static const struct lacuna_prior family = {
	.size = sizeof family,
	.flags = LACUNA_LASTING | LACUNA_TRAINED,
	.create = create,
	.destroy = process_prior_destroy,
	.info = process_prior_info,
	.denoise = process_prior_denoise,
	.denoise_map = process_prior_map,
	.denoise_round = process_prior_round,
};

static const char manual[] = PROCESS_PRIOR_MANUAL(
	"process-map") "The program takes a sigma for each value.  Guidance exact is then exact "
		       "for inpainting "
		       "and uneven noise.  If yours takes a single sigma, use process.\n\n"
		       "Source: the protocol is Lacuna's own.";

static const struct lacuna_plugin plugin = {
	LACUNA_PLUGIN_HEAD(LACUNA_PRIOR),
	"process-map",
	"a denoiser with a map of sigma, computed by your own program",
	manual,
	"1.0",
	"The Lacuna authors",
	"GPL-3.0-or-later",
	LACUNA_PLUGIN_PARAMS(params, struct process_config),
	&family,
};

const struct lacuna_plugin *lacuna_plugin_v1(void)
{
	return &plugin;
}
