/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Every step of ddpm and ode against the papers' formulas, in their variables x_t = sqrt(alpha_bar_t) u_t; noise levels
 * against the definitions of the schedules.  The prior is N(0, V) in one dimension, so a step is x_s = M x_t + sd z.  The
 * run loop learns M and sd from three chains: one at a known value, two at 0. */
#include <config.h>

#include "lab.h"
#include "base/error.h"
#include "../tap.h"

enum { MOST = 1000 };
static const double V = 0.3;
static const float probe = 1000;

struct record {
	float *u;
	struct random_key key;
	int64_t steps;
	double m[MOST], sd[MOST], top; /* for u, not x; top: sd of the first state */
};

static void put_probes(struct record *r)
{
	r->u[0] = probe;
	r->u[1] = r->u[2] = 0;
}

static void learn(void *context, int64_t step, int64_t steps)
{
	struct record *r = context;
	const uint64_t stream = step ? (uint64_t)step - 1 : UINT64_MAX;
	float z[3];
	double sd;

	random_gaussian(r->key, stream, 0, z, 3);
	sd = ((double)r->u[1] - r->u[2]) / ((double)z[1] - z[2]);
	r->steps = steps;
	if (step == 0) {
		r->top = sd;
	} else {
		r->sd[step - 1] = sd;
		r->m[step - 1] = ((double)r->u[0] - r->u[1] - sd * ((double)z[0] - z[1])) / probe;
	}
	put_probes(r);
}

static void run(const char *sampler, struct record *r)
{
	float u[3];
	static const char *prior;
	static char spec[160];
	struct lab_plan plan = { .x = { { 1, 3, 1, 1 } },
				 .op = "identity",
				 .prior = spec,
				 .guidance = "none",
				 .sampler = sampler,
				 .noise = 1,
				 .options = {
					 .seed = 3, .progress = learn, .progress_context = r } };
	struct lab lab;

	if (!prior) {
		prior = lab_file("prior.txt", "dim 1\ncomponent 1\nmean 0\nvar %g\n", V);
		snprintf(spec, sizeof spec, "gmm:file=%s", prior);
	}
	r->u = u;
	r->key = (struct random_key){ 3, 0, 1 };
	lab_open(&lab, &plan);
	lab_run(&lab, 1, u);
	lab_close(&lab);
}

/* ---- the papers */

/* alpha_bar_t of DDPM, t = 0..1000 */
static double ddpm_alpha_bar(int t)
{
	double product = 1;

	for (int i = 1; i <= t; i++)
		product *= 1 - (1e-4 + (0.02 - 1e-4) * (i - 1) / 999);
	return product;
}

/* E[x0 | x_t] = slope x_t. */
static double slope(double ab)
{
	return V * sqrt(ab) / (ab * V + 1 - ab);
}

/* Ho et al. 2020, equation 7, from t to s; for skipped steps alpha_t is ab_t/ab_s. */
static double ddpm_mean(double ab_t, double ab_s)
{
	const double alpha = ab_t / ab_s, beta = 1 - alpha;

	return sqrt(ab_s) * beta / (1 - ab_t) * slope(ab_t) + sqrt(alpha) * (1 - ab_s) / (1 - ab_t);
}

static double ddpm_variance(const char *kind, double ab_t, double ab_s)
{
	const double alpha = ab_t / ab_s, beta = 1 - alpha;

	if (!strcmp(kind, "large"))
		return beta;
	if (!strcmp(kind, "theory"))
		return beta / alpha;
	return beta * (1 - ab_s) / (1 - ab_t);
}

/* Song et al. 2021, equations 12 and 16. */
static void ddim(double eta, double ab_t, double ab_s, double *mean, double *sd)
{
	const double noise = (1 - sqrt(ab_t) * slope(ab_t)) / sqrt(1 - ab_t); /* epsilon/x_t */

	*sd = eta * sqrt((1 - ab_s) / (1 - ab_t)) * sqrt(1 - ab_t / ab_s);
	*mean = sqrt(ab_s) * slope(ab_t) + sqrt(1 - ab_s - *sd * *sd) * noise;
}

/* ---- */

/* The largest relative errors of mean and sd over all steps except the last, which only denoises. */
static void compare(const char *what, const struct record *r, const double *mean, const double *sd,
		    const double *ab)
{
	double worst = 0;
	const int n = (int)r->steps;

	for (int k = 0; k < n - 1; k++) {
		const double to_x = sqrt(ab[k + 1]), from_x = sqrt(ab[k]);

		worst = fmax(worst, fabs(r->m[k] * to_x / from_x - mean[k]));
		worst = fmax(worst, fabs(r->sd[k] * to_x - sd[k]) / (sd[k] + 1e-3));
	}
	ok(worst < 2e-4, "%s: mean and noise of each step (%.1g)", what, worst);
	ok(fabs(r->m[n - 1] - slope(ab[n - 1]) * sqrt(ab[n - 1])) < 1e-5 && r->sd[n - 1] == 0,
	   "%s: the last step denoises and adds no noise", what);
}

static void test_sampler(const char *options, const char *variance, double eta)
{
	static struct record r;
	static double ab[MOST], mean[MOST], sd[MOST];
	char sampler[160];
	const int n = variance ? 1000 : 38; /* 37 divides 999: skips are even */

	snprintf(sampler, sizeof sampler, "%s,steps=%d,schedule=linear-beta,from=noise", options,
		 n);
	run(sampler, &r);
	for (int k = 0; k < n; k++)
		ab[k] = ddpm_alpha_bar(1000 - k * (999 / (n - 1)));
	for (int k = 0; k < n - 1; k++) {
		if (variance) {
			mean[k] = ddpm_mean(ab[k], ab[k + 1]);
			sd[k] = sqrt(ddpm_variance(variance, ab[k], ab[k + 1]));
		} else {
			ddim(eta, ab[k], ab[k + 1], &mean[k], &sd[k]);
		}
	}
	ok(r.steps == n, "%s: as many evaluations as steps", options);
	near(r.top * sqrt(ab[0]), 1, 1e-4, "the process begins at N(0, 1)");
	compare(options, &r, mean, sd, ab);
}

/* ---- levels of the other schedules, from the mean and variance of the steps ----------------------- */

/* For ode with eta = 1, M = w + (1 - w) V/(V + sigma^2) and sd^2 = sigma^2 w (1 - w) give w = s^2/sigma^2, then sigma. */
static void test_levels(const char *sampler, const double *want, int n)
{
	static struct record r;
	double worst = 0;

	run(sampler, &r);
	for (int k = 0; k < n - 1; k++) {
		const double w = pow(want[k + 1] / want[k], 2), s2 = want[k] * want[k];

		worst = fmax(worst, fabs(r.m[k] - w - (1 - w) * V / (V + s2)));
		worst = fmax(worst, fabs(r.sd[k] / (want[k] * sqrt(w * (1 - w))) - 1));
	}
	ok(r.steps == n && worst < 1e-4, "%s: its levels (%.1g)", sampler, worst);
}

/* network=yes equals the settings it stands for, in gray and in colour. */
static void test_network(int width, int height, int channels, const char *same)
{
	const char *const samplers[2] = { "gibbs:steps=4,network=yes", same };
	float u[2][60];

	for (int k = 0; k < 2; k++) {
		struct lab_plan plan = { .x = { { width, height, channels, 1 } },
					 .op = "identity",
					 .prior = "gaussian:mean=0.5,amplitude=0.25",
					 .sampler = samplers[k],
					 .value = 0.7,
					 .noise = 0.3 };
		struct lab lab;

		lab_open(&lab, &plan);
		lab_run(&lab, 0, u[k]);
		lab_close(&lab);
	}
	ok(!memcmp(u[0], u[1], sizeof(float) * (size_t)(width * height * channels)),
	   "network=yes, %d x %d, %d channels: %s", width, height, channels, same);
}

/* A data step through a curve that is flat at the start.  A full Gauss-Newton step goes to 50; halved steps reach the value
 * that was measured. */
static void test_halving(void)
{
	const double f0 = pow(0.01, 2.2), f1 = pow(1.01, 2.2);
	const double want = pow(0.5 * (f1 - f0) + f0, 1 / 2.2) - 0.01;
	float u[12] = { 0 }, x0[12];
	struct lab_plan plan = { .x = { { 4, 3, 1, 1 } },
				 .op = "gamma:exponent=2.2,toe=0.01",
				 .prior = "gaussian:mean=0,amplitude=0.25",
				 .guidance = "prox",
				 .sampler = "ddpm:steps=2",
				 .value = 0.5,
				 .noise = 0.001 };
	struct lab lab;
	double worst = 0;

	lab_open(&lab, &plan);
	if (session_estimate(lab.session, 1, 0, u, x0))
		lab_bail("estimate");
	lab_close(&lab);
	for (int i = 0; i < 12; i++)
		worst = fmax(worst, fabs((double)x0[i] - want));
	ok(worst < 0.02, "steps that go too far are halved (%.0e)", worst);
}

static void test_schedules(void)
{
	double want[10];
	char sampler[120];

	for (int k = 0; k < 10; k++)
		want[k] = pow(pow(5, 1 / 7.) + k / 9. * (pow(0.01, 1 / 7.) - pow(5, 1 / 7.)), 7);
	test_levels("ddpm:steps=10,sigma_max=5,sigma_min=0.01", want, 10);
	for (int k = 0; k < 10; k++)
		want[k] = 5 * pow(0.01 / 5, k / 9.);
	test_levels("ddpm:steps=10,sigma_max=5,sigma_min=0.01,schedule=geometric", want, 10);
	for (int k = 0; k < 10; k++)
		want[k] = 2 * pow(0.01 / 2, k / 9.);
	test_levels("ddpm:steps=10,start=2,sigma_min=0.01,schedule=geometric", want, 10);
	want[0] = 1;
	for (int k = 1; k < 4; k++) { /* three of ten levels are below 1: t = 223, 112, 1 */
		const double ab = ddpm_alpha_bar(1 + 111 * (3 - k));

		want[k] = sqrt((1 - ab) / ab);
	}
	test_levels("ddpm:steps=10,schedule=linear-beta,start=1", want, 4);
	want[0] = 0.001;
	test_levels("ddpm:steps=10,schedule=linear-beta,start=0.001", want, 1);
	for (int k = 0; k < 3; k++)
		want[k] = sqrt(expm1(4 - k));
	snprintf(sampler, sizeof sampler, "ddpm:steps=5,schedule=ou,horizon=3,stop=1,start=%.17g",
		 want[0]); /* it is one of the levels */
	test_levels(sampler, want, 3);
}

/* Parameters that exclude each other are refused, and the message names them. */
static void test_refusals(void)
{
	static const struct {
		const char *op, *guidance, *sampler, *why;
	} rows[] = {
		{ "identity", NULL, "gibbs:rho_min=1,rho_max=0.5",
		  "rho_min=1 must not be larger than rho_max=0.5" },
		{ "identity", NULL, "gibbs:network=yes,noise_last=0.5",
		  "network=yes sets noise_first" },
		{ "identity", "none", "ode:form=theory,eta=0.5", "form=theory takes no eta" },
		{ "identity", "none", "ddpm:sigma_min=2,sigma_max=1", "sigma_min=2 must be below" },
		{ "identity", "none", "ddpm:start=0.001",
		  "sigma_min=0.002 must be below the level of the start, 0.001" },
		{ "identity", "none", "ddpm:schedule=ou,stop=6",
		  "stop=6 must be before horizon=5" },
		{ "identity", "none", "ddpm:schedule=etc,steps=5,c=4", "needs more steps than 5" },
		{ "identity", "none", "ddpm:steps=1,finish=none",
		  "finish=none leaves no step, as there is one noise level" },
		{ "identity", "none", "cld:schedule=linear-beta,start=0.001,finish=none",
		  "finish=none leaves no step" },
		{ "identity", "none", "restore-degrade:process=blur",
		  "write % in place of the strength" },
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		const struct lacuna_shape x = { { 12, 10, 1, 1 } };
		static const struct session_options options;
		struct plugin_use op = { 0 }, prior = { 0 }, guidance = { 0 }, sampler = { 0 };
		struct problem *problem = NULL;
		struct session *session = NULL;
		float y[120] = { 0 };
		int status;

		if (use_parse(LACUNA_OPERATOR, rows[i].op, &op) ||
		    use_parse(LACUNA_PRIOR, "gaussian:mean=0.5,amplitude=0.25", &prior) ||
		    (rows[i].guidance && use_parse(LACUNA_GUIDANCE, rows[i].guidance, &guidance)) ||
		    use_parse(LACUNA_SAMPLER, rows[i].sampler, &sampler) ||
		    problem_create(&op, 1, 1, &x, &problem) ||
		    problem_measure(problem, y, 0.1, NULL))
			lab_bail(rows[i].sampler);
		error_clear();
		status = session_create(problem, &prior, rows[i].guidance ? &guidance : NULL,
					&sampler, &options, &session);
		ok(status == LACUNA_EINVAL || status == LACUNA_EUNSUPPORTED, "%s is refused",
		   rows[i].sampler);
		ok(strstr(error_text(), rows[i].why), "... and why: %s", rows[i].why);
		diag("%s", error_text());
		session_destroy(session);
		problem_destroy(problem);
		use_free(&sampler);
		use_free(&guidance);
		use_free(&prior);
		use_free(&op);
	}
}

/* ---- the first state */

struct first {
	const float *u;
	size_t n;
	double mean, variance;
};

static void note_first(void *context, int64_t step, int64_t steps)
{
	struct first *f = context;

	(void)steps;
	if (step)
		return;
	f->mean = f->variance = 0;
	for (size_t i = 0; i < f->n; i++)
		f->mean += (double)f->u[i] / (double)f->n;
	for (size_t i = 0; i < f->n; i++)
		f->variance += pow((double)f->u[i] - f->mean, 2) / (double)f->n;
}

/* It is the start image and noise of the first level; or, from noise, 0 and noise of a variance that is larger by 1. */
static void test_first_states(void)
{
	enum { SIDE = 64, N = SIDE * SIDE };
	static const char *const samplers[] = { "ddpm",		 "ddpm-fast", "ode",
						"ode-fast",	 "cld",	      "euler-maruyama",
						"exp-integrator" };
	static const double levels[] = { 0.5, 1, 3 };
	static float u[N];
	/* five standard deviations */
	const double tolerance = 5 * sqrt(2.0 / N);

	for (size_t k = 0; k < sizeof samplers / sizeof *samplers; k++)
		for (int from_noise = 0; from_noise < 2; from_noise++) {
			double worst = 0, off = 0;

			for (int l = 0; l < 3; l++) {
				const double want = levels[l] * levels[l] + from_noise;
				struct first f = { .u = u, .n = N };
				struct lab_plan plan = { .x = { { SIDE, SIDE, 1, 1 } },
							 .op = "identity",
							 .prior = "gaussian",
							 .guidance = "none",
							 .value = 0.3,
							 .noise = 0.1,
							 .options = { .seed = 4,
								      .progress = note_first,
								      .progress_context = &f } };
				struct lab lab;
				char spec[80];

				snprintf(spec, sizeof spec, "%s:steps=3,start=%g,from=%s",
					 samplers[k], levels[l], from_noise ? "noise" : "image");
				plan.sampler = spec;
				lab_open(&lab, &plan);
				lab_run(&lab, 1, u);
				lab_close(&lab);
				worst = fmax(worst, fabs(f.variance / want - 1));
				off = fmax(off, fabs(f.mean - (from_noise ? 0 : 0.3)) / sqrt(want));
			}
			ok(worst < tolerance, "%s from %s: noise of its first level (%.3f off)",
			   samplers[k], from_noise ? "noise" : "an image", worst);
			ok(off < 5 / sqrt(N), "around %s", from_noise ? "0" : "that image");
		}
}

int main(void)
{
	test_sampler("ddpm:variance=small", "small", 0);
	test_sampler("ddpm:variance=large", "large", 0);
	test_sampler("ddpm:variance=theory", "theory", 0);
	test_sampler("ode:eta=0", NULL, 0);
	test_sampler("ode:eta=0.7", NULL, 0.7);
	test_schedules();
	test_halving();
	test_first_states();
	test_network(6, 3, 1, "gibbs:steps=4,noise_first=0,noise_last=0.9");
	test_network(5, 4, 3, "gibbs:steps=4,noise_first=1,noise_last=1");
	test_refusals();
	return tap_done();
}
