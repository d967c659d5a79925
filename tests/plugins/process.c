/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* process A B: compares two priors, given as specifications.  process.sh uses it on the network in C and in PyTorch.
 * process again OPERATOR: calls an operator that fails, more than once.
 * process round PRIOR: a prior that answers rounds with 1/4, and is symmetric. */
#include <config.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/random.h"
#include "base/threads.h"
#include "plugin/host.h"
#include "plugin/loader.h"
#include "../tap.h"

#include <unistd.h>

static struct lacuna_host host;
static struct host_context context = { .key = { .seed = 1 } };

struct asked {
	double sigma; /* 0: use the map */
	int round;
};

static void bail(const char *what)
{
	tap_bail("%s: %s", what, error_text());
}

/* The answers of one prior, `count' values each. */
static void ask(const char *spec, const struct lacuna_shape *shape, const struct asked *asked,
		size_t n, const float *u, const float *map, float *answers)
{
	struct lacuna_problem problem = { .size = sizeof problem, .x = *shape, .y = *shape };
	const size_t count = lacuna_count(shape);
	struct lacuna_prior_info info = { .size = sizeof info };
	const struct lacuna_prior *p;
	struct plugin_use use;
	void *self, *scratch = NULL;

	if (use_parse(LACUNA_PRIOR, spec, &use))
		bail(spec);
	p = &use.plugin->u.prior;
	if (p->create(&host, use.config, &problem, &self))
		bail(spec);
	if (p->scratch)
		scratch = memory_alloc(p->scratch(self));
	p->info(self, &info);
	ok((info.channels ? info.channels : shape->extent[2]) == shape->extent[2],
	   "%.40s takes %d channels", spec, (int)info.channels);
	for (size_t i = 0; i < n; i++) {
		float *x0 = answers + i * count;
		int status;

		if (!(asked[i].sigma > 0))
			status = p->denoise_map(self, scratch, map, u, x0);
		else if (asked[i].round)
			status = p->denoise_round(self, scratch, asked[i].sigma, u, x0);
		else
			status = p->denoise(self, scratch, asked[i].sigma, u, x0);
		if (status)
			bail(spec);
	}
	memory_release(scratch);
	p->destroy(self);
	use_free(&use);
}

static void compare(const char *a, const char *b, const struct lacuna_shape *shape)
{
	static const struct asked asked[] = { { 0.01, 0 }, { 0.1, 0 }, { 1, 0 },
					      { 20, 0 },   { 0.1, 1 }, { 0, 0 } };
	enum { N = sizeof asked / sizeof *asked };
	const size_t count = lacuna_count(shape);
	float *u = memory_alloc_array(count, sizeof(float)),
	      *map = memory_alloc_array(count, sizeof(float));
	float *first = memory_alloc_array(N * count, sizeof(float)),
	      *second = memory_alloc_array(N * count, sizeof(float));

	if (!u || !map || !first || !second)
		bail("memory");
	random_gaussian(context.key, 0, 0, u, count);
	for (size_t i = 0; i < count; i++) {
		u[i] = (float)(0.5 + 0.2 * sin((double)i * 0.05) + 0.1 * u[i]);
		map[i] = i % 7 ? 0.05f : 5.0f;
	}
	ask(a, shape, asked, N, u, map, first);
	ask(b, shape, asked, N, u, map, second);
	for (size_t k = 0; k < N; k++) {
		double most = 0;

		for (size_t i = 0; i < count; i++) {
			const double d = fabs((double)first[k * count + i] - second[k * count + i]);

			most = d <= most ? most : d;
		}
		ok(most <= 1e-4, "sigma %g%s, %dx%dx%d: they agree to 1e-4", asked[k].sigma,
		   asked[k].round ? ", a round" : "", (int)shape->extent[0], (int)shape->extent[1],
		   (int)shape->extent[2]);
		diag("largest difference %.2g", most);
	}
	memory_release(u);
	memory_release(map);
	memory_release(first);
	memory_release(second);
}

static int call_again(const char *spec)
{
	const struct lacuna_shape shape = { { 4, 3, 1, 1 } };
	float x[12] = { 0 }, y[12];
	struct plugin_use use;
	void *self = NULL;

	if (use_parse(LACUNA_OPERATOR, spec, &use) ||
	    use.plugin->u.op.create(&host, use.config, &shape, &shape, &self))
		bail(spec);
	alarm(60); /* a lock that is kept would stop the test for ever */
	for (int i = 0; i < 3; i++)
		ok(use.plugin->u.op.apply(self, NULL, x, y) == LACUNA_EINVAL, "call %d fails", i);
	use.plugin->u.op.destroy(self);
	use_free(&use);
	return tap_done();
}

static int call_round(const char *spec)
{
	static const struct asked asked[] = { { 0.1234565, 0 }, { 0.1, 1 } }; /* many digits */
	const struct lacuna_shape shape = { { 4, 3, 1, 1 } };
	struct lacuna_problem problem = { .size = sizeof problem, .x = shape, .y = shape };
	struct lacuna_prior_info info = { .size = sizeof info };
	float u[12], answers[24];
	struct plugin_use use;
	void *self = NULL;

	for (int i = 0; i < 12; i++)
		u[i] = 100;
	ask(spec, &shape, asked, 2, u, NULL, answers);
	near((double)answers[0], 0.5 + 99.5 * 0.0625 / (0.0625 + 0.1234565 * 0.1234565), 2e-5,
	     "sigma is told");
	ok(answers[12] == 0.25F, "a round is asked as such");
	if (use_parse(LACUNA_PRIOR, spec, &use) ||
	    use.plugin->u.prior.create(&host, use.config, &problem, &self))
		bail(spec);
	use.plugin->u.prior.info(self, &info);
	ok(info.symmetric == 1, "it is symmetric");
	use.plugin->u.prior.destroy(self);
	use_free(&use);
	return tap_done();
}

int main(int argc, char **argv)
{
	static const struct lacuna_shape shapes[] = { { { 53, 40, 1, 1 } }, { { 32, 45, 3, 1 } } };

	if (argc != 3)
		return 99;
	host_init(&host, &context);
	if (!strcmp(argv[1], "again"))
		return call_again(argv[2]);
	if (!strcmp(argv[1], "round"))
		return call_round(argv[2]);
	compare(argv[1], argv[2], &shapes[0]);
	compare(argv[1], argv[2], &shapes[1]);
	threads_stop();
	ok(memory_live_blocks() == 0, "no memory is left");
	return tap_done();
}
