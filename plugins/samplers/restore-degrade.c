/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Alternates restoration and degradation (Chen, Daras, Dimakis 2023, arXiv 2303.03384). There are two forms.
 *
 * Without a process: the paper's two-step update for the diffusion u = x0 + sigma n, which has time sigma^2 and no drift.
 * For a step of h = sigma^2 - s^2 and a look-back of l steps,
 *
 *	z   = u + l h (E - u)/sigma^2			restoration, l h back in time
 *	n   = (u - z)/sqrt(l h)				the noise that points back to u
 *	u_s = z + sqrt((l - 1) h) n			degradation.
 *
 * As h goes to 0 this moves u by l - sqrt(l (l - 1)) times the full drift of the reverse diffusion: 1 for l = 1, 0.586
 * for l = 2, 1/2 for l to infinity, which is the probability-flow ODE.  l h is at most sigma^2, time 0, where z = E and
 * the step is that of DDIM.
 *
 * With a process: DDIM generalised to any corruption C_t of growing strength, x_t = C_t(x0) + noise_t n:
 *
 *	n   = (x_t - C_t(X))/noise_t,	x_s = C_s(X) + noise_s n,
 *
 * X is the restoration of x_t. If C_t scales the image by a constant, X is the estimate E. If C_t multiplies each pixel
 * by its own m and map=yes, the prior denoises x_t/m with noise noise_t/|m| in each pixel. Otherwise X comes from
 * `rounds' of a data step argmin ||x_t - C_t(x)||^2/noise_t^2 + lambda ||x - X||^2/r^2, each followed by an estimate at
 * level r. */
#include <lacuna/operations.h>
#include <lacuna/plugin.h>
#include "common/guess.h"
#include "common/newton.h"
#include "common/schedule.h"
#include "common/vector.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { LINEAR, VP };
static const char *const laws[] = { "linear", "vp", NULL };
enum { MEASUREMENT, GUESS };
static const char *const beginnings[] = { "measurement", "guess", NULL };

struct config {
	struct schedule_config schedule; /* first */
	double lookback, eta;
	const char *process;
	int64_t law, begin, whole, rounds, map;
	double first, last, noise, level_max, level_min, lambda;
};

/* One corruption C_t. */
struct corruption {
	struct lacuna_operation *operation;
	struct lacuna_shape y;
	size_t ny;
	double noise;
};

struct process {
	const struct lacuna_host *host;
	const struct lacuna_operations *operations; /* of the process */
	const struct lacuna_problem *problem;
	struct config config;
	struct schedule schedule;
	struct corruption now;
	size_t nx;
	float *x;     /* X, and E without a process */
	float *right; /* x-shaped */
	float *state; /* x_t */
	float *noise; /* y-shaped: n */
	float *work;  /* of the data step */
	size_t y_room, work_room;
};

static const uint64_t start_stream = UINT64_MAX;
/* A pixel under this much noise is as good as missing. */
static const double missing_level = 50;

static void close_corruption(const struct process *p, struct corruption *c)
{
	if (c->operation)
		p->operations->operation_close(p->host, c->operation);
	c->operation = NULL;
}

static void destroy(void *self)
{
	struct process *p = self;

	if (!p)
		return;
	close_corruption(p, &p->now);
	schedule_free(p->host, &p->schedule);
	p->host->release(p->host, p->work);
	p->host->release(p->host, p->noise);
	p->host->release(p->host, p->state);
	p->host->release(p->host, p->right);
	p->host->release(p->host, p->x);
	p->host->release(p->host, p);
}

/* ---- the corruption at a step -------------------------------------------------------------------------- */

/* The process with its strength in place of each '%'. */
static int write_spec(const struct process *p, double strength, char *text, size_t size)
{
	size_t n = 0;

	for (const char *c = p->config.process; *c && n < size; c++)
		n += (size_t)(*c != '%'		? snprintf(text + n, size - n, "%c", *c)
			      : p->config.whole ? snprintf(text + n, size - n, "%.0f", strength)
						: snprintf(text + n, size - n, "%.17g", strength));
	if (n < size)
		return LACUNA_OK;
	return p->host->fail(p->host, LACUNA_EINVAL, "process= is too long; write it more briefly");
}

/* k = steps is the end of the process. */
static int open_corruption(const struct process *p, int64_t k, struct corruption *c)
{
	const struct config *config = &p->config;
	const double rest = 1 - (double)k / (double)p->schedule.steps;
	const double sigma = p->schedule.sigma[k];
	double strength = config->last + (config->first - config->last) * rest;
	char spec[1024];
	int status;

	c->noise = config->noise * rest;
	if (config->law == VP) {
		strength = 1 / sqrt(1 + sigma * sigma);
		c->noise = sigma * strength;
	}
	status = write_spec(p, strength, spec, sizeof spec);
	if (!status)
		status = p->operations->operation_open(p->host, spec, &p->problem->x, &c->y,
						       &c->operation);
	if (!status)
		c->ny = lacuna_count(&c->y);
	return status;
}

/* Memory for a corruption whose output has ny values. */
static int make_room(struct process *p, size_t ny)
{
	const struct lacuna_host *host = p->host;
	const struct newton sizes = { host, p->operations, NULL, p->nx, ny };

	if (ny <= p->y_room)
		return LACUNA_OK;
	host->release(host, p->work);
	host->release(host, p->noise);
	host->release(host, p->state);
	p->y_room = ny;
	p->state = host->alloc(host, ny * sizeof *p->state);
	p->noise = host->alloc(host, ny * sizeof *p->noise);
	p->work = host->alloc(host, newton_work(&sizes) * sizeof *p->work);
	return p->state && p->noise && p->work ? LACUNA_OK : LACUNA_ENOMEM;
}

/* Makes room for the largest y of all strengths, so that steps allocate nothing. */
static int prepare(struct process *p)
{
	int status = LACUNA_OK;

	if (!*p->config.process)
		return LACUNA_OK;
	if (!strchr(p->config.process, '%'))
		return p->host->fail(p->host, LACUNA_EINVAL,
				     "process=\"%s\": write %% in place of the strength",
				     p->config.process);
	p->operations = p->host->extension(p->host, LACUNA_OPERATIONS);
	if (!p->operations)
		return p->host->fail(p->host, LACUNA_EUNSUPPORTED,
				     "process= needs a newer Lacuna, one with the extension %s",
				     LACUNA_OPERATIONS);
	if (p->config.noise == 0)
		p->config.noise = fmax(p->problem->noise, 1e-3);
	for (int64_t k = 0; k < p->schedule.steps && !status; k++) {
		struct corruption c = { NULL, { { 0 } }, 0, 0 };

		status = open_corruption(p, k, &c);
		if (!status)
			status = make_room(p, c.ny);
		close_corruption(p, &c);
	}
	return status;
}

static int create(const struct lacuna_host *host, const void *config,
		  const struct lacuna_problem *problem, void **self)
{
	const struct config *c = config;
	struct process *p = host->alloc(host, sizeof *p);
	int status = LACUNA_ENOMEM;

	if (!p)
		return status;
	p->host = host;
	p->problem = problem;
	p->config = *c;
	p->nx = lacuna_count(&problem->x);
	p->x = host->alloc(host, p->nx * sizeof *p->x);
	p->right = host->alloc(host, p->nx * sizeof *p->right);
	if (p->x && p->right)
		status = schedule_create(host, &c->schedule, &p->schedule);
	if (!status)
		status = prepare(p);
	if (status)
		destroy(p);
	else
		*self = p;
	return status;
}

static int64_t steps(const void *self)
{
	const struct process *p = self;

	return p->schedule.steps;
}

/* ---- the first state ----------------------------------------------------------------------------------- */

static int same_shape(const struct lacuna_shape *a, const struct lacuna_shape *b)
{
	return !memcmp(a->extent, b->extent, sizeof a->extent);
}

/* Sets the first state: the measurement, or the corruption of a guess. */
static int first_state(struct process *p, float *u)
{
	const struct lacuna_host *host = p->host;
	int status;

	if (p->config.begin == MEASUREMENT && p->config.law != VP) {
		if (!same_shape(&p->now.y, &p->problem->y))
			return host->fail(host, LACUNA_EINVAL,
					  "the end of the process has another size than the "
					  "measurement; use begin=guess");
		memcpy(p->state, p->problem->measurement, p->now.ny * sizeof *p->state);
		return guess_image(host, p->problem, u);
	}
	status = guess_image(host, p->problem, u);
	if (!status)
		status = p->operations->operation_apply(host, p->now.operation, u, p->state);
	if (!status)
		vector_add_noise(host, p->now.ny, p->now.noise, start_stream, p->state);
	return status;
}

static int start(void *self, float *u)
{
	struct process *p = self;
	int status;

	if (!*p->config.process)
		return schedule_start(p->host, &p->config.schedule, &p->schedule, p->problem, u);
	close_corruption(p, &p->now);
	status = open_corruption(p, 0, &p->now);
	if (!status)
		status = first_state(p, u);
	if (!status)
		memcpy(p->x, u, p->nx * sizeof *u);
	return status;
}

/* ---- restoration ------------------------------------------------------------------------------------- */

/* Sets *diagonal if C_t(x) = m x pixel by pixel; m is left in noise. *c is m if it is constant, else 0. */
static int find_gains(const struct process *p, int *diagonal, double *c)
{
	const struct lacuna_host *host = p->host;
	const uint32_t want = LACUNA_LINEAR | LACUNA_PIXELWISE;
	int status;

	*c = 0;
	*diagonal = (p->operations->operation_flags(host, p->now.operation) & want) == want &&
		    p->now.ny == p->nx;
	if (!*diagonal)
		return LACUNA_OK;
	vector_fill(p->nx, 1, p->right);
	status = p->operations->operation_apply(host, p->now.operation, p->right, p->noise);
	if (status)
		return status;
	for (size_t i = 1; i < p->nx; i++)
		if (p->noise[i] != p->noise[0])
			return LACUNA_OK;
	*c = p->noise[0];
	return LACUNA_OK;
}

/* Computes X from the state with a noise level per pixel. The gains m are in noise; u is work space. */
static int restore_map(struct process *p, float *u)
{
	const double least = p->now.noise / missing_level;

	for (size_t i = 0; i < p->nx; i++) {
		const double m = p->noise[i];
		const int known = fabs(m) > least;

		u[i] = known ? (float)(p->state[i] / m) : p->x[i];
		p->right[i] = (float)(known ? p->now.noise / fabs(m) : missing_level);
	}
	return p->host->prior->denoise_map(p->host, p->right, u, p->x);
}

/* u = argmin_x ||x_t - C_t(x)||^2 + rho ||x - X||^2 */
static int data_step(struct process *p, double rho, float *u)
{
	const struct lacuna_host *host = p->host;
	const struct newton newton = { host, p->operations, p->now.operation, p->nx, p->now.ny };
	int status;

	memcpy(u, p->x, p->nx * sizeof *u);
	if (!(p->operations->operation_flags(host, p->now.operation) & LACUNA_LINEAR))
		return newton_minimise(&newton, rho, p->state, p->x, 4, u, p->work);
	status = p->operations->operation_adjoint(host, p->now.operation, NULL, p->state, p->right);
	if (status)
		return status;
	vector_combine(host, p->nx, 1, p->right, rho, p->x, p->right);
	return p->operations->operation_solve(host, p->now.operation, rho, p->right, u);
}

/* Computes X from the state; u is work space. */
static int restore(struct process *p, int64_t k, float *u)
{
	const struct config *c = &p->config;
	const struct lacuna_host *host = p->host;
	double scale, top;
	int diagonal, status = find_gains(p, &diagonal, &scale);

	if (status)
		return status;
	if (scale != 0) {
		vector_combine(host, p->nx, 1 / scale, p->state, 0, p->state, u);
		return host->guidance->estimate(host, p->now.noise / fabs(scale), u, p->x);
	}
	if (diagonal && c->map)
		return restore_map(p, u);
	/* the levels of a restoration fall from top to level_min; top falls from step to step */
	top = c->level_max *
	      pow(c->level_min / c->level_max, (double)k / (double)p->schedule.steps);
	for (int64_t i = 0; i < c->rounds && !status; i++) {
		const double t = c->rounds > 1 ? (double)i / (double)(c->rounds - 1) : 1;
		const double level = top * pow(c->level_min / top, t);
		const double ratio = p->now.noise / level;

		status = data_step(p, c->lambda * ratio * ratio, u);
		if (!status)
			status = host->guidance->estimate(host, level, u, p->x);
	}
	return status;
}

/* ---- steps ------------------------------------------------------------------------------------------- */

/* Computes x_s from X, after restore(). */
static int degrade(struct process *p, int64_t k)
{
	const struct lacuna_host *host = p->host;
	const double eta = p->config.eta;
	struct corruption next = { NULL, { { 0 } }, 0, 0 };
	double old = sqrt(1 - eta * eta), fresh = eta;
	int status = p->operations->operation_apply(host, p->now.operation, p->x, p->noise);

	if (status)
		return status;
	vector_combine(host, p->now.ny, 1 / p->now.noise, p->state, -1 / p->now.noise, p->noise,
		       p->noise);
	status = open_corruption(p, k + 1, &next);
	if (status)
		return status;
	if (!same_shape(&next.y, &p->now.y)) { /* the old noise does not fit: draw all of it anew */
		old = 0;
		fresh = 1;
	}
	status = p->operations->operation_apply(host, next.operation, p->x, p->state);
	if (!status && old > 0)
		vector_combine(host, next.ny, 1, p->state, next.noise * old, p->noise, p->state);
	if (!status && fresh > 0)
		vector_add_noise(host, next.ny, next.noise * fresh, (uint64_t)k, p->state);
	close_corruption(p, &p->now);
	p->now = next;
	return status;
}

static int process_step(struct process *p, int64_t k, float *u)
{
	int status = restore(p, k, u);

	if (!status && k + 1 < p->schedule.steps)
		status = degrade(p, k);
	memcpy(u, p->x, p->nx * sizeof *u);
	return status;
}

static int step(void *self, int64_t k, float *u)
{
	struct process *p = self;
	const double sigma = p->schedule.sigma[k], s = p->schedule.sigma[k + 1];
	const double h = sigma * sigma - s * s;
	double back = sigma * sigma, move;
	int status;

	if (*p->config.process)
		return process_step(p, k, u);
	if (p->config.lookback > 0)
		back = fmin(p->config.lookback * h, back);
	if (s == 0) /* ends at the estimate itself */
		back = sigma * sigma;
	status = p->host->guidance->estimate_step(p->host, sigma, s, u, p->x);
	if (status)
		return status;
	/* u_s = u + back/sigma^2 (1 - sqrt((back - h)/back)) (E - u) */
	move = back / (sigma * sigma) * (1 - sqrt(fmax(back - h, 0) / back));
	vector_combine(p->host, p->nx, move, p->x, 1 - move, u, u);
	return LACUNA_OK;
}

static const struct lacuna_param params[] = {
	SCHEDULE_PARAMS(50),
	LACUNA_PARAM_REAL(struct config, lookback, "steps", 0, 1e9, 0,
			  "how far the restoration reaches back; 0: to the clean image"),
	LACUNA_PARAM_TEXT(struct config, process, 0, "",
			  "operators, `|' between them, with % in place of the strength"),
	LACUNA_PARAM_REAL(struct config, first, NULL, -1e6, 1e6, 1,
			  "strength at the end of the process, where the run begins"),
	LACUNA_PARAM_REAL(struct config, last, NULL, -1e6, 1e6, 0,
			  "strength at the beginning of the process, the clean image"),
	LACUNA_PARAM_BOOL(struct config, whole, 0, "round strengths to whole numbers"),
	LACUNA_PARAM_REAL(struct config, noise, NULL, 0, 10, 0,
			  "noise at the end of the process; 0: noise of the measurement"),
	LACUNA_PARAM_CHOICE(struct config, law, laws, LINEAR,
			    "strength and noise fall evenly (linear), or as in a "
			    "variance-preserving diffusion (vp)"),
	LACUNA_PARAM_CHOICE(struct config, begin, beginnings, MEASUREMENT,
			    "the first state is the measurement, or a corrupted first guess"),
	LACUNA_PARAM_INT(struct config, rounds, NULL, 1, 1000, 4,
			 "data steps and estimates in one restoration"),
	LACUNA_PARAM_BOOL(struct config, map, 0,
			  "for masks: restore by one evaluation of the prior, with a noise level "
			  "for each pixel"),
	LACUNA_PARAM_REAL(struct config, level_max, NULL, 1e-6, 1e3, 49.0 / 255,
			  "noise level of the first estimate in a restoration"),
	LACUNA_PARAM_REAL(struct config, level_min, NULL, 1e-6, 1e3, 0.01,
			  "noise level of the last estimate in a restoration"),
	LACUNA_PARAM_REAL(struct config, lambda, NULL, 1e-6, 1e6, 0.5,
			  "weight of the estimate relative to the state in data steps"),
	LACUNA_PARAM_REAL(struct config, eta, NULL, 0, 1, 0,
			  "share of fresh noise in the noise of a process"),
};

static const struct lacuna_sampler family = {
	.size = sizeof family,
	.needs = LACUNA_NEEDS_GUIDANCE,
	.create = create,
	.destroy = destroy,
	.steps = steps,
	.start = start,
	.step = step,
};

static const struct lacuna_plugin plugin = {
	LACUNA_PLUGIN_HEAD(LACUNA_SAMPLER),
	"restore-degrade",
	"undoes a corruption step by step: restores, then corrupts again, a little less",
	"With process= it reverses a corruption of your choice. Write % in place of its strength: "
	"process=\"blur:sigma=%,boundary=periodic\",first=4 begins at the measurement, which "
	"counts as a picture blurred by 4 px, and ends at a sharp picture. The process may be any "
	"operator, linear or not, or several: process=\"blur:sigma=%|gamma\". A mask that removes "
	"more and more pixels needs map=yes: process=\"mask:keep=%\",first=0.2,last=1,map=yes. A "
	"falling resolution needs whole strengths: "
	"process=\"downsample:factor=%\",first=4,last=2,whole=yes,steps=3. The guidance gives the "
	"estimates. With -g none the measurement is used only as the first state. With another "
	"guidance it is used at every step. With map=yes it is always used only as the first "
	"state.\nWithout process= it is the update of the paper for ordinary diffusion: "
	"deterministic, with a look-back. lookback=0 is the sampler ode, lookback=1 is the full "
	"drift without noise.\nDo not use it to draw samples of a posterior: it gives one image. "
	"For a linear corruption of known strength hqs is as good and cheaper. Use it for "
	"corruptions that are not linear, where few other samplers work. For a blur, five steps "
	"are as good as twenty. A larger lambda smooths; a smaller one sharpens and leaves noise, "
	"as in hqs. lookback=1 and 2 are for studies: their drift without noise is too strong, and "
	"details are lost.\n" SCHEDULE_MANUAL
	"With process=, only steps of the parameters above is used: the noise of the process falls "
	"to 0 with its strength. law=vp also uses the levels above: strength 1/sqrt(1 + sigma^2), "
	"noise sigma/sqrt(1 + sigma^2). It is the sampler ode if the process is "
	"identity:gain=%.\nSource: Chen, Daras, Dimakis, Restoration-Degradation Beyond Linear "
	"Diffusions, ICML 2023 (arXiv 2303.03384), the two-step update; the form for any "
	"corruption follows Bansal et al., Cold Diffusion, NeurIPS 2023, with the noise that "
	"points back to the state, as in DDIM.",
	"1.0",
	"The Lacuna authors",
	"GPL-3.0-or-later",
	LACUNA_PLUGIN_PARAMS(params, struct config),
	&family,
};

const struct lacuna_plugin *lacuna_plugin_v1(void)
{
	return &plugin;
}
