/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Inside a run: its state, and what run.c needs of run-services.c. */
#ifndef ENGINE_RUN_PRIVATE_H
#define ENGINE_RUN_PRIVATE_H

#include "engine/prior.h"
#include "engine/run.h"
#include "plugin/host.h"

#include <lacuna/conditional.h>
#include <stdatomic.h>

/* The three plugins of a run and what they share.  Each plugin has its own table of services. */
struct session {
	struct host_context host_context; /* shared by all three tables; its owner is the session */
	struct problem *problem;
	struct lacuna_problem description; /* the problem as the plugins see it */
	double largest;			   /* from largest_value(): the scale of the data */
	struct session_options options;

	struct lacuna_host prior_host, guidance_host, sampler_host;
	const struct plugin_use *prior_use, *guidance_use, *sampler_use;
	struct prior_instance *prior;
	void *guidance, *sampler;
	void *guidance_scratch;
	const struct lacuna_prior_conditional *conditioned; /* set by service_condition() */
	int mirrored;					    /* the noise's sign is flipped */
	size_t group, groups; /* the prior is called `groups' times, on `group' values each */

	int64_t evaluations;
	double prior_seconds;

	int64_t before;	  /* evaluations before the current step */
	int64_t expected; /* evaluations per step, taken from the last step */
	size_t at;	  /* index of the group that the prior works on */
	atomic_flag telling;
};

static inline struct session *session_of(const struct lacuna_host *host)
{
	return host_context(host)->owner;
}

/* Makes the tables of services. */
void session_init_hosts(struct session *);
/* A prior_instance.listen: reports progress within the step.  Skips the report if another thread is reporting. */
void session_hear(void *listener, double share);
/* The mean of bounded values is within their bounds, but an imperfect prior may return values outside. */
void session_keep_within(const struct session *, float *x0);

#endif
