/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Prior "process": x0 = E[x | x + sigma n = u], computed by a program of the user.
 *
 * common/process.h talks to the program; lacuna-plugin(7) describes the protocol. */
#include "common/process-prior.h"
#include "common/process.h"

static int create(const struct lacuna_host *host, const void *config,
		  const struct lacuna_problem *problem, void **self)
{
	return process_prior_create(host, config, 0, problem, self);
}

static const struct lacuna_param params[] = {
	LACUNA_PARAM_TEXT(struct process_config, command, LACUNA_REQUIRED, NULL,
			  "the program and its words, such as python3 mine.py"),
	LACUNA_PARAM_REAL(struct process_config, timeout, "s", 0.01, 1e6, 60,
			  "how long one answer may take"),
};

static const struct lacuna_prior family = {
	.size = sizeof(family),
	.flags = LACUNA_LASTING | LACUNA_TRAINED,
	.create = create,
	.destroy = process_prior_destroy,
	.info = process_prior_info,
	.denoise = process_prior_denoise,
	.denoise_round = process_prior_round,
};

static const char manual[] =
	"A program in any language denoises: a network in PyTorch, JAX or ONNX, on a processor or "
	"a "
	"graphics card.  It is started once and asked by lines of JSON; arrays lie in memory that "
	"both see, so that a call costs less than a millisecond beside its own work.  "
	"share/lacuna/python/lacuna_process.py has the other end for Python, unet_torch.py beside "
	"it is "
	"Lacuna's own network on PyTorch, and lacuna-plugin(7) explains the protocol.\n\n"
	"The command is split at blanks; quotes keep them.  It is not passed to a shell; for that "
	"use sh -c "
	"'...' "
	"for one.  Python finds the module lacuna_process by itself.\n\n"
	"Let lacuna check prior process:command=... examine it like any prior.  What the program "
	"writes to standard error is passed on.  One that crashes, or does not answer within the "
	"timeout, is an error.  Calls are answered one after the other.\n\n"
	"The program takes one sigma for all of the image.  For those that take a map there is "
	"process-map.\n\n"
	"Source: the conversation is Lacuna's own.";

static const struct lacuna_plugin plugin = {
	LACUNA_PLUGIN_HEAD(LACUNA_PRIOR),
	"process",
	"a denoiser that your program computes (PyTorch, any language)",
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
