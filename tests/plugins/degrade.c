/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Sampler restore-degrade: equals DDIM if the corruption is a scaling; its look-backs have the drift given by the theory; it
 * undoes linear and nonlinear corruptions.  (samplers.c checks its processes value by value.) */
#include <config.h>

#include "lab.h"
#include "../tap.h"

enum { W = 48, H = 40, N = W * H };

static float scene[N];

static void draw_scene(void)
{
	for (int i = 0; i < N; i++) {
		const int x = i % W, y = i / W;

		scene[i] = 0.5f + 0.25f * sinf(0.35f * (float)x) * cosf(0.2f * (float)y);
		if ((x - 30) * (x - 30) + (y - 14) * (y - 14) < 60)
			scene[i] += 0.2f;
	}
}

static double distance(const float *a, const float *b)
{
	double sum = 0;

	for (int i = 0; i < N; i++)
		sum += pow((double)a[i] - b[i], 2) / N;
	return sqrt(sum);
}

/* Restores the scene.  measured, unless NULL, receives the measurement, in the shape of y. */
static void run(const char *op, double noise, const char *guidance, const char *sampler, float *u,
		float *measured)
{
	struct lab_plan plan = { .x = { { W, H, 1, 1 } },
				 .op = op,
				 .prior = "gaussian:mean=0.5,amplitude=0.25",
				 .guidance = guidance,
				 .sampler = sampler,
				 .scene = scene,
				 .noise = noise,
				 .options = { .seed = 5 } };
	struct lab lab;

	lab_open(&lab, &plan);
	lab_run(&lab, 0, u);
	if (measured)
		memcpy(measured, lab.y, N * sizeof *measured);
	lab_close(&lab);
}

static void test_same(const char *a, const char *b)
{
	static float x[N], y[N];

	run("mask:keep=0.5", 0.05, "prox", a, x, NULL);
	run("mask:keep=0.5", 0.05, "prox", b, y, NULL);
	ok(distance(x, y) < 2e-5 && distance(x, scene) > 0.01, "%s is %s (%.1e)", a, b,
	   distance(x, y));
}

/* Restoration with a sigma map gives the exact conditional mean; also where pixels are weighted. */
static void test_map(const char *op, const char *process)
{
	static float x[N], y[N];
	char sampler[300];

	snprintf(sampler, sizeof sampler, "restore-degrade:process=\"%s\",steps=1,map=yes",
		 process);
	run(op, 0.02, "none", sampler, x, NULL);
	run(op, 0.02, "exact", "ode:steps=1,sigma_max=50", y, NULL);
	ok(distance(x, y) < 1e-3 && distance(x, scene) > 5e-3,
	   "map=yes, %.20s: first restoration and exact mean differ by %.1e, error %.1e", op,
	   distance(x, y), distance(x, scene));
}

static void test_maps(void)
{
	static const double weights[] = { 1, 0.5, 0, 0.2, 0.1 };
	char op[160], process[200];

	test_map("mask:keep=0.3,seed=1", "mask:keep=0.3,seed=1|identity:gain=%");
	snprintf(op, sizeof op, "mask:file=%s,weights=yes", lab_file_begin("weights.txt"));
	for (int i = 0; i < N; i++)
		lab_print("%g%s", weights[i * 7 % 11 % 5], i % W + 1 < W ? " " : "\n");
	lab_file_end();
	snprintf(process, sizeof process, "%s|identity:gain=%%", op);
	test_map(op, process);
	/* one negative gain for all pixels: an estimate at one level */
	snprintf(op, sizeof op, "mask:file=%s,weights=yes", lab_file_begin("negative.txt"));
	for (int i = 0; i < N; i++)
		lab_print("-0.5%s", i % W + 1 < W ? " " : "\n");
	lab_file_end();
	snprintf(process, sizeof process, "%s|identity:gain=%%", op);
	test_map(op, process);
}

/* Whether the result depends on random numbers. */
static void test_random(const char *op, const char *process, int random, const char *what)
{
	static float x[2][N];
	char sampler[160];

	snprintf(sampler, sizeof sampler, "restore-degrade:process=%s,steps=2,noise=0.2", process);
	for (uint64_t k = 0; k < 2; k++) {
		struct lab_plan plan = { .x = { { W, H, 1, 1 } },
					 .op = op,
					 .prior = "gaussian:mean=0.5,amplitude=0.25",
					 .guidance = "none",
					 .sampler = sampler,
					 .scene = scene,
					 .noise = 0.02,
					 .options = { .seed = 7 + k } };
		struct lab lab;

		lab_open(&lab, &plan);
		lab_run(&lab, 0, x[k]);
		lab_close(&lab);
	}
	ok(random ? distance(x[0], x[1]) > 1e-3 : distance(x[0], x[1]) == 0, "%s (%.1e)", what,
	   distance(x[0], x[1]));
}

static void test_all_random(void)
{
	test_random("gamma:exponent=0.5", "gamma:exponent=%,first=0.5,last=1", 0,
		    "from the measurement nothing is random");
	test_random("gamma:exponent=0.5", "gamma:exponent=%,first=0.5,last=1,begin=guess", 1,
		    "a guess is corrupted with noise, also where y has its shape");
	test_random("gamma:exponent=0.5", "gamma:exponent=%,first=0.5,last=1,eta=0.5", 1,
		    "eta draws noise");
	test_random("downsample:factor=4", "\"downsample:factor=%\",first=4,last=0,whole=yes", 1,
		    "where the size changes the noise does not fit and is drawn anew");
}

/* The drift in one short step from +-1, prior N(0, 1/4), relative to the drift of the reverse diffusion. */
struct probe {
	float *u;
};

static void put_one(void *context, int64_t step, int64_t steps)
{
	const struct probe *p = context;

	(void)steps;
	if (step == 0)
		for (int i = 0; i < 4; i++)
			p->u[i] = 1;
}

static void test_drift(double lookback, double want)
{
	const double sigma = 1, s = 0.98, h = sigma * sigma - s * s, score = -1 / (0.25 + 1.0);
	char prior[160], sampler[160];
	float u[4];
	struct probe probe = { u };
	struct lab_plan plan = { .x = { { 4, 1, 1, 1 } },
				 .op = "identity",
				 .prior = prior,
				 .guidance = "none",
				 .sampler = sampler,
				 .noise = 0.5,
				 .options = { .progress = put_one, .progress_context = &probe } };
	struct lab lab;

	snprintf(prior, sizeof prior, "gmm:file=%s",
		 lab_file("one.txt", "dim 1\ncomponent 1\nmean 0\nvar 0.25\n"));
	snprintf(sampler, sizeof sampler,
		 "restore-degrade:lookback=%g,steps=2,schedule=geometric,sigma_max=%g,sigma_min=%g,"
		 "finish=none",
		 lookback, sigma, s);
	lab_open(&lab, &plan);
	lab_run(&lab, 0, u);
	lab_close(&lab);
	ok(fabs((u[0] - 1) / (h * score) - want) < 2e-3,
	   "look-back %g: %.4f of the full drift, should be %.4f", lookback,
	   (u[0] - 1) / (h * score), want);
}

/* The restored image's error is at most `part' of the measurement's. */
static void test_undo(const char *op, double noise, const char *guidance, const char *sampler,
		      double part)
{
	static float u[N], y[N];

	run(op, noise, guidance, sampler, u, y);
	ok(distance(u, scene) < part * distance(y, scene),
	   "%s, noise %g, %s, by %s: error %.4f, of the measurement %.4f", op, noise, guidance,
	   sampler, distance(u, scene), distance(y, scene));
}

int main(void)
{
	draw_scene();
	test_same("restore-degrade:steps=20,process=identity:gain=%,law=vp", "ode:steps=20");
	test_same("restore-degrade:steps=20", "ode:steps=20");
	test_same("restore-degrade:steps=20,lookback=1e9", "ode:steps=20");
	test_all_random();
	test_drift(1, 1);
	test_drift(2, 2 - sqrt(2));
	test_drift(20, 20 - sqrt(380));
	test_drift(0, 1 / (1 + 0.98));
	test_undo("mask:keep=0.3,seed=1", 0.02, "none",
		  "restore-degrade:process=\"mask:keep=%,seed=1\",first=0.3,last=1,steps=30", 0.25);
	test_maps();
	test_undo("mask:keep=0.3,seed=1", 0.02, "none",
		  "restore-degrade:process=\"mask:keep=%,seed=1\",first=0.3,last=1,steps=10,"
		  "map=yes",
		  0.1);
	test_undo("gamma:exponent=0.4545", 0.01, "none",
		  "restore-degrade:process=\"gamma:exponent=%\",first=0.4545,last=1,steps=10", 0.1);
	test_undo("gamma:exponent=0.4545", 0.01, "prox", "ode:steps=20", 0.1);
	return tap_done();
}
