/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* The cost of a call of a plugin "process", apart from the program's own work: wall time of y = A x for y = x/2;
 * copies are part of it.  If other programs keep the processors busy, look at the minimum.
 *
 *	bench-process COMMAND [SIZE ...]	sides of square images, default 64 512 1024 */
#include "base/error.h"
#include "base/memory.h"
#include "base/threads.h"
#include "plugin/host.h"
#include "plugin/loader.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { CALLS = 201 };

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int compare(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

static int measure(const struct lacuna_host *host, const struct plugin_use *use, int64_t side)
{
	const struct lacuna_operator *op = &use->plugin->u.op;
	const struct lacuna_shape shape = { { side, side, 1, 1 } };
	const size_t count = lacuna_count(&shape);
	float *x = memory_alloc_array(count, sizeof(float)),
	      *y = memory_alloc_array(count, sizeof(float));
	static double taken[CALLS], own[CALLS];
	void *self;
	int status = x && y ? op->create(host, use->config, &shape, &shape, &self) : LACUNA_ENOMEM;

	for (int i = 0; !status && i < CALLS; i++) {
		double start = now();

		status = op->apply(self, NULL, x, y);
		taken[i] = now() - start;
		start = now();
		for (size_t k = 0; k < count; k++)
			y[k] = x[k] / 2;
		own[i] = now() - start;
	}
	if (!status) {
		qsort(taken, CALLS, sizeof *taken, compare);
		qsort(own, CALLS, sizeof *own, compare);
		printf("%5lld x %-5lld  a call %.3f ms (median; least %.3f), halving alone %.3f "
		       "ms\n",
		       (long long)side, (long long)side, 1e3 * taken[CALLS / 2], 1e3 * taken[0],
		       1e3 * own[CALLS / 2]);
		op->destroy(self);
	}
	memory_release(x);
	memory_release(y);
	return status;
}

int main(int argc, char **argv)
{
	static const int64_t usual[] = { 64, 512, 1024 };
	struct host_context context = { .owner = NULL };
	struct lacuna_host host;
	struct plugin_use use;
	char spec[2048];
	int status;

	if (argc < 2)
		return 2;
	host_init(&host, &context);
	snprintf(spec, sizeof spec, "process:command=%s", argv[1]);
	status = use_parse(LACUNA_OPERATOR, spec, &use);
	printf("process: %s\n", argv[1]);
	for (int i = 2; !status && i < argc; i++)
		status = measure(&host, &use, atoll(argv[i]));
	for (size_t i = 0; !status && argc == 2 && i < sizeof usual / sizeof *usual; i++)
		status = measure(&host, &use, usual[i]);
	if (status)
		fprintf(stderr, "bench-process: %s\n", error_text());
	use_free(&use);
	threads_stop();
	return status != LACUNA_OK;
}
