/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* plugins/common/fill: keeps known values, continues them smoothly, and gives the depth of holes. */
#include "base/random.h"
#include "base/threads.h"
#include "common/fill.h"
#include "common/vector.h"
#include "plugin/host.h"
#include "tests/tap.h"

enum { W = 61, H = 45, C = 2, PLANE = W * H, N = PLANE * C };

static const struct lacuna_shape shape = { { W, H, C, 1 } };
static float clean[N], known[N], x[N], depth[N];

static void run(const struct lacuna_host *host, const char *name)
{
	for (size_t i = 0; i < N; i++)
		x[i] = known[i] > 0 ? clean[i] : -7; /* placeholder, must not be read */
	ok(!fill_holes(host, &shape, known, x, depth), "%s", name);
}

/* Largest error over the unknown values if `hole', else over the known ones. */
static double error(int hole)
{
	double most = 0;

	for (size_t i = 0; i < N; i++)
		if (hole == !(known[i] > 0))
			most = fmax(most, fabs((double)x[i] - clean[i]));
	return most;
}

/* plugins/common/vector: all values of a long vector are reached, though its ranges are not all of one length. */
static void test_vectors(const struct lacuna_host *host)
{
	enum { LONG = 70001 };
	static float a[LONG], b[LONG], noise[LONG];
	double wrong = 0, inner = 0;

	for (int i = 0; i < LONG; i++) {
		a[i] = (float)(i % 17);
		b[i] = (float)(i % 5) - 1;
		inner += (double)a[i] * (double)b[i];
	}
	near(vector_inner(host, LONG, a, b) / inner, 1, 1e-9, "an inner product");
	vector_combine(host, LONG, 2, a, -3, b, b);
	vector_add_noise(host, LONG, 0.5, 7, a);
	host->gaussian(host, 7, 0, noise, LONG);
	for (int i = 0; i < LONG; i++) {
		wrong += fabs((double)b[i] - (2 * (i % 17) - 3 * (i % 5 - 1)));
		wrong += fabs((double)a[i] - i % 17 - 0.5 * (double)noise[i]);
	}
	near(wrong / LONG, 0, 1e-6, "a combination, and noise");
}

int main(void)
{
	struct host_context context = { .key = { 1, 0, 0 } };
	const size_t middle = 22 * W + 30;
	struct lacuna_host host;

	host_init(&host, &context);
	for (int i = 0; i < N; i++) {
		const int at = i % PLANE, dx = at % W - 30, dy = at / W - 22;

		clean[i] = 0.25F + 0.5F * (float)(i / PLANE);
		known[i] = dx < -12 || dx > 12 || dy < -9 || dy > 9;
	}
	run(&host, "a hole in something constant");
	near(error(1), 0, 1e-6, "becomes the same");
	near(error(0), 0, 0, "what is known stays");
	near(depth[0], 0, 0, "no depth where known");
	ok(depth[middle] > 3 && depth[middle] < 6, "depth in the middle: %.2f", depth[middle]);
	for (int i = 0; i < N; i++)
		clean[i] = 0.01F * (float)(i % W);
	run(&host, "a hole in a slope");
	ok(error(1) < 0.1, "is continued to %.3f, of 0.25 across", error(1));
	random_gaussian(context.key, 0, 0, known, N); /* about half of the pixels are known */
	run(&host, "scattered holes");
	near(error(0), 0, 0, "what is known stays");
	ok(error(1) < 0.05 && depth[middle] < 3, "off by %.3f, depth %.2f", error(1),
	   depth[middle]);
	for (int side = 0; side < 2; side++) { /* sizes are odd here, and at coarser levels */
		for (int i = 0; i < N; i++) {
			clean[i] = 0.3F;
			known[i] = side ? i % W == W - 1 : i % PLANE / W == H - 1;
		}
		run(&host, side ? "the last column alone" : "the last row alone");
		near(error(1), 0, 1e-6, "is continued all over");
	}
	for (int i = 0; i < N; i++)
		known[i] = i < PLANE;
	run(&host, "a plane without anything");
	near(x[N - 1], 0.5, 0, "is gray");
	test_vectors(&host);
	threads_stop();
	return tap_done();
}
