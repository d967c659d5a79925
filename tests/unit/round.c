/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* denoise_round(): calls the prior's own function if there is one, and turns the image for a symmetric prior only. */
#include "base/error.h"
#include "base/threads.h"
#include "engine/run.h"
#include "plugin/loader.h"
#include "tests/tap.h"

enum { WIDTH = 4, HEIGHT = 3, COUNT = WIDTH * HEIGHT };

/* ---- a prior that adds 1 at the left edge, and 10 in its own denoise_round() */

static int symmetric;

static int create(const struct lacuna_host *host, const void *config,
		  const struct lacuna_problem *problem, void **self)
{
	(void)config, (void)problem;
	*self = (void *)(uintptr_t)host;
	return LACUNA_OK;
}

static void destroy(void *self)
{
	(void)self;
}

static void info(const void *self, struct lacuna_prior_info *i)
{
	(void)self;
	i->sigma_max = 10;
	i->symmetric = symmetric;
}

static int add(float what, const float *u, float *x0)
{
	for (int i = 0; i < COUNT; i++)
		x0[i] = u[i] + (i % WIDTH == 0 ? what : 0);
	return LACUNA_OK;
}

static int denoise(const void *self, void *scratch, double sigma, const float *u, float *x0)
{
	(void)self, (void)scratch, (void)sigma;
	return add(1, u, x0);
}

static int denoise_round(const void *self, void *scratch, double sigma, const float *u, float *x0)
{
	(void)self, (void)scratch, (void)sigma;
	return add(10, u, x0);
}

/* ---- a sampler of three rounds, started from zero */

static int64_t steps(const void *self)
{
	(void)self;
	return 3;
}

static int start(void *self, float *u)
{
	(void)self;
	memset(u, 0, COUNT * sizeof *u);
	return LACUNA_OK;
}

static int step(void *self, int64_t k, float *u)
{
	const struct lacuna_host *host = self;
	float before[COUNT];

	memcpy(before, u, sizeof before);
	return host->prior->denoise_round(host, (uint32_t)k, 0.1, before, u);
}

static void run(int own, const char *name, float left, float right)
{
	static const struct lacuna_plugin head = { .name = "test" };
	const struct plugin prior = { .head = &head,
				      .u.prior = { .size = sizeof prior.u.prior,
						   .create = create,
						   .destroy = destroy,
						   .info = info,
						   .denoise = denoise,
						   .denoise_round = own ? denoise_round : NULL } };
	const struct plugin sampler = { .head = &head,
					.u.sampler = { .size = sizeof sampler.u.sampler,
						       .create = create,
						       .destroy = destroy,
						       .steps = steps,
						       .start = start,
						       .step = step } };
	const struct plugin_use prior_use = { .plugin = &prior },
				sampler_use = { .plugin = &sampler };
	const struct lacuna_shape shape = { { WIDTH, HEIGHT, 1, 1 } };
	const struct session_options options = { 0 };
	float y[COUNT] = { 0 };
	struct plugin_use identity;
	struct problem *problem;
	struct session *session;
	float x[COUNT];
	size_t missing;

	if (use_parse(LACUNA_OPERATOR, "identity", &identity) ||
	    problem_create(&identity, 1, 1, &shape, &problem) ||
	    problem_measure(problem, y, 0.1, &missing) ||
	    session_create(problem, &prior_use, NULL, &sampler_use, &options, &session))
		tap_bail("%s", error_text());
	ok(!session_run(session, 0, x, NULL), "%s", name);
	near(x[0], left, 0, "at the left");
	near(x[WIDTH - 1], right, 0, "at the right");
	near(x[1], 0, 0, "and nowhere else");
	session_destroy(session);
	problem_destroy(problem);
	use_free(&identity);
}

int main(void)
{
	run(0, "three rounds", 3, 0);
	run(1, "by the prior's own function", 30, 0);
	symmetric = 1;
	/* Rounds 0 and 2 see the left edge at the left, round 1 sees it at the right. */
	run(0, "of a symmetric prior", 2, 1);
	run(1, "by its own function", 20, 10);
	threads_stop();
	return tap_done();
}
