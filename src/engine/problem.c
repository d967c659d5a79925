/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
#include <config.h>

#include "engine/problem.h"

#include "base/error.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/vector.h"
#include "engine/solve.h"
#include "plugin/host.h"
#include <lacuna/fit.h>

#include <math.h>
#include <string.h>

/* One operator of the composition. */
struct link {
	const struct plugin *plugin;
	const struct lacuna_operator *op;
	const void *config;
	void *self, *scratch;
	struct lacuna_shape in, out;
	float *output; /* input of the next link; the last link writes to the caller's array */
	float *back;   /* output of the next link's adjoint */
};

struct problem {
	struct host_context host_context;
	struct lacuna_host host; /* of the operators */
	struct link *links;
	size_t count;
	struct lacuna_shape x, y;
	size_t x_count, y_count;
	struct lacuna_shape wish; /* the user's shape for x where y does not determine it */
	struct lacuna_region window;
	uint32_t flags;

	float *measurement;
	double noise;
	/* Factor of A, y and the noise that gives A's rows a mean length of 1: see problem_normalise(). */
	double gain;
	double normalising; /* gain for the next measurement; 0 stands for 1 */
	float *present; /* y-shaped weights, 0 where the measurement is missing; NULL: 1 everywhere */
	float *diagonal; /* diagonal of A'A, computed on demand; see diagonal_state */
	enum { DIAGONAL_UNKNOWN, DIAGONAL_KNOWN, DIAGONAL_NONE } diagonal_state;

	struct solve_accuracy accuracy;
	int doubted;   /* spectral()'s lack of convergence has been reported */
	float *normal; /* y-shaped work space, between A and A' */
	float *work;   /* SOLVE_WORK x-shaped vectors */
};

/* ---- composition */

static int fits(const struct lacuna_shape *s)
{
	size_t product = sizeof(float);
	int i;

	for (i = 0; i < 4; i++)
		if (s->extent[i] < 1 || !size_multiply(product, (size_t)s->extent[i], &product))
			return 0;
	return 1;
}

static const char *link_name(const struct link *l)
{
	return l->plugin->head->name;
}

/* An operator that expects a larger y than the array it is given would write beyond it. */
static int check_inverse(const struct problem *p, const struct link *l)
{
	struct lacuna_shape back = { { 0 } };
	int status = l->op->shape(&p->host, l->config, 0, &l->in, &back);

	if (status || !memcmp(back.extent, l->out.extent, sizeof back.extent))
		return status;
	return error_set(LACUNA_EINTERNAL,
			 "shape() contradicts itself: for y of %lldx%lldx%lld it wants x of "
			 "%lldx%lldx%lld, whose y is %lldx%lldx%lld",
			 (long long)l->out.extent[0], (long long)l->out.extent[1],
			 (long long)l->out.extent[2], (long long)l->in.extent[0],
			 (long long)l->in.extent[1], (long long)l->in.extent[2],
			 (long long)back.extent[0], (long long)back.extent[1],
			 (long long)back.extent[2]);
}

static int link_shape(const struct problem *p, struct link *l, int from_y)
{
	struct lacuna_shape *known = from_y ? &l->out : &l->in, *wanted = from_y ? &l->in : &l->out;
	int status;

	if (from_y)
		*wanted = p->wish;
	status = l->op->shape(&p->host, l->config, from_y, known, wanted);
	if (!status && !fits(wanted))
		status = error_set(LACUNA_EINVAL, "shape() gives an impossible shape");
	if (!status && from_y)
		status = check_inverse(p, l);
	if (status)
		error_context(status, "operator \"%s\"", link_name(l));
	return status;
}

static int chain_shapes(struct problem *p, int from_y, const struct lacuna_shape *known)
{
	size_t i;
	int status = LACUNA_OK;

	if (from_y)
		p->links[p->count - 1].out = *known;
	else
		p->links[0].in = *known;
	for (i = 0; !status && i < p->count; i++) {
		size_t k = from_y ? p->count - 1 - i : i;

		status = link_shape(p, &p->links[k], from_y);
		if (from_y && k)
			p->links[k - 1].out = p->links[k].in;
		else if (!from_y && k + 1 < p->count)
			p->links[k + 1].in = p->links[k].out;
	}
	p->x = p->links[0].in;
	p->y = p->links[p->count - 1].out;
	return status;
}

static int create_link(struct problem *p, struct link *l, int last)
{
	size_t bytes;
	int status;

	plugin_gate_enter();
	status = l->op->create(&p->host, l->config, &l->in, &l->out, &l->self);
	plugin_gate_leave();
	if (status) {
		l->self = NULL;
		return error_context(status, "operator \"%s\"", link_name(l));
	}
	bytes = l->op->scratch ? l->op->scratch(l->self) : 0;
	if (bytes && !(l->scratch = memory_alloc(bytes)))
		return LACUNA_ENOMEM;
	if (last)
		return LACUNA_OK;
	l->output = l->back = memory_alloc_array(lacuna_count(&l->out), sizeof(float));
	/* Nonlinear operators need the outputs on the way back too: their Jacobians are taken there. */
	if (l->output && !(p->flags & LACUNA_LINEAR))
		l->back = memory_alloc_array(lacuna_count(&l->out), sizeof(float));
	return l->back ? LACUNA_OK : LACUNA_ENOMEM;
}

/* Maps the whole of y back through the links to a region of x. */
static int find_window(struct problem *p)
{
	struct lacuna_region region = { { 0 }, { 0 } };
	size_t k;

	memcpy(region.extent, p->y.extent, sizeof region.extent);
	for (k = p->count; k-- > 0;) {
		const struct link *l = &p->links[k];
		struct lacuna_region in_x = region;
		int status = l->op->window ? l->op->window(l->self, &region, &in_x) : LACUNA_OK, i;

		if (status)
			return error_context(status, "operator \"%s\"", link_name(l));
		/* Without window(), a link whose sizes differ may use any part of its input: take all of it. */
		for (i = 0; !l->op->window && i < 4; i++)
			if (l->in.extent[i] != l->out.extent[i]) {
				in_x.origin[i] = 0;
				in_x.extent[i] = l->in.extent[i];
			}
		for (i = 0; i < 4; i++)
			if (in_x.origin[i] < 0 || in_x.extent[i] < 1 ||
			    in_x.origin[i] + in_x.extent[i] > l->in.extent[i])
				return error_set(
					LACUNA_EINTERNAL,
					"operator \"%s\": its window lies outside the image",
					link_name(l));
		region = in_x;
	}
	p->window = region;
	return LACUNA_OK;
}

uint32_t problem_compose_flags(const struct plugin_use *operators, size_t count)
{
	const uint32_t all = LACUNA_LINEAR | LACUNA_PIXELWISE | LACUNA_PICTURE;
	uint32_t common = all, any = 0;

	for (size_t i = 0; i < count; i++) {
		common &= operators[i].plugin->u.op.flags;
		any |= operators[i].plugin->u.op.flags;
	}
	return common | (any & ~all);
}

int problem_create(const struct plugin_use *operators, size_t count, int from_y,
		   const struct lacuna_shape *known, struct problem **result)
{
	return problem_create_wished(operators, count, from_y, known, NULL, result);
}

/* The chain with its shapes, but without instances of the operators. */
static int create_chain(const struct plugin_use *operators, size_t count, int from_y,
			const struct lacuna_shape *known, const struct lacuna_shape *wish,
			struct problem **result)
{
	struct problem *p = memory_alloc(sizeof *p);
	int status;

	if (!p)
		return LACUNA_ENOMEM;
	host_init(&p->host, &p->host_context);
	p->count = count;
	p->gain = 1;
	p->accuracy = solve_accuracy_default;
	if (wish)
		p->wish = *wish;
	p->flags = problem_compose_flags(operators, count);
	p->links = memory_alloc_array(count, sizeof *p->links);
	status = p->links ? LACUNA_OK : LACUNA_ENOMEM;
	for (size_t i = 0; !status && i < count; i++) {
		p->links[i].plugin = operators[i].plugin;
		p->links[i].op = &operators[i].plugin->u.op;
		p->links[i].config = operators[i].config;
	}
	if (!status)
		status = chain_shapes(p, from_y, known);
	if (status) {
		problem_destroy(p);
		return status;
	}
	*result = p;
	return LACUNA_OK;
}

int problem_create_wished(const struct plugin_use *operators, size_t count, int from_y,
			  const struct lacuna_shape *known, const struct lacuna_shape *wish,
			  struct problem **result)
{
	struct problem *p;
	int status = create_chain(operators, count, from_y, known, wish, &p);

	if (status)
		return status;
	for (size_t i = 0; !status && i < count; i++)
		status = create_link(p, &p->links[i], i + 1 == count);
	if (!status)
		status = find_window(p);
	p->x_count = lacuna_count(&p->x);
	p->y_count = lacuna_count(&p->y);
	if (status) {
		problem_destroy(p);
		return status;
	}
	*result = p;
	return LACUNA_OK;
}

int problem_find_x(const struct plugin_use *operators, size_t count, const struct lacuna_shape *y,
		   struct lacuna_shape *x)
{
	struct problem *p;
	const int status = create_chain(operators, count, 1, y, NULL, &p);

	if (status)
		return status;
	*x = p->x;
	problem_destroy(p);
	return LACUNA_OK;
}

void problem_destroy(struct problem *p)
{
	size_t i;

	if (!p)
		return;
	for (i = 0; p->links && i < p->count; i++) {
		plugin_gate_enter();
		if (p->links[i].self)
			p->links[i].op->destroy(p->links[i].self);
		plugin_gate_leave();
		memory_release(p->links[i].scratch);
		if (p->links[i].back != p->links[i].output)
			memory_release(p->links[i].back);
		memory_release(p->links[i].output);
	}
	memory_release(p->links);
	memory_release(p->present);
	memory_release(p->diagonal);
	memory_release(p->normal);
	memory_release(p->work);
	memory_release(p);
}

const struct lacuna_shape *problem_x(const struct problem *p)
{
	return &p->x;
}

const struct lacuna_shape *problem_y(const struct problem *p)
{
	return &p->y;
}

const struct lacuna_region *problem_window(const struct problem *p)
{
	return &p->window;
}

void problem_set_accuracy(struct problem *p, const struct solve_accuracy *accuracy)
{
	p->accuracy = *accuracy;
}

uint32_t problem_flags(const struct problem *p)
{
	return p->flags;
}

const float *problem_measurement(const struct problem *p)
{
	return p->measurement;
}

double problem_noise(const struct problem *p)
{
	return p->noise;
}

/* ---- A, A' */

/* A without the missing pixels */
static int apply_links(struct problem *p, const float *x, float *y)
{
	size_t i;

	for (i = 0; i < p->count; i++) {
		struct link *l = &p->links[i];
		float *out = i + 1 == p->count ? y : l->output;
		int status = l->op->apply(l->self, l->scratch, x, out);

		if (status)
			return error_context(status, "operator \"%s\"", link_name(l));
		x = out;
	}
	return LACUNA_OK;
}

/* Each link's b passes through the links after it. */
int problem_offset(struct problem *p, float *b, int *found)
{
	float *to = NULL, *at = b;
	int status = LACUNA_OK;

	*found = 0;
	for (size_t k = 0; !status && k < p->count; k++) {
		struct link *l = &p->links[k];
		const size_t n = lacuna_count(&l->out);
		float *own = NULL;

		if (!*found && !l->op->offset)
			continue;
		to = memory_alloc_array(n, sizeof *to);
		if (l->op->offset)
			own = memory_alloc_array(n, sizeof *own);
		if (!to || (l->op->offset && !own))
			status = LACUNA_ENOMEM;
		if (!status && *found)
			status = l->op->apply(l->self, l->scratch, at, to);
		if (!status && own)
			status = l->op->offset(l->self, own);
		for (size_t i = 0; !status && own && i < n; i++)
			to[i] += own[i];
		memory_release(own);
		if (at != b)
			memory_release(at);
		at = to;
		*found = 1;
		if (status)
			error_context(status, "operator \"%s\"", link_name(l));
	}
	if (!status && *found)
		memcpy(b, at, p->y_count * sizeof *b);
	if (at != b)
		memory_release(at);
	return status;
}

int problem_project(struct problem *p, float *y)
{
	struct link *last = &p->links[p->count - 1];
	float *whole;
	int status;

	if (!(p->flags & LACUNA_PROJECTION))
		return LACUNA_OK;
	for (size_t k = 0; k + 1 < p->count; k++)
		if (p->links[k].op->flags & LACUNA_PROJECTION)
			return error_set(LACUNA_EINVAL,
					 "operator \"%s\" must be the last one, because it removes "
					 "a part of the measurement",
					 link_name(&p->links[k]));
	for (size_t i = 0; i < p->y_count; i++)
		if (!isfinite(y[i]))
			return error_set(
				LACUNA_EINVAL,
				"operator \"%s\" cannot work with missing values (NaN, infinite or "
				"nodata); fill them first (restore -A identity --fill)",
				link_name(last));
	whole = memory_alloc_array(p->y_count, sizeof *whole);
	if (!whole)
		return LACUNA_ENOMEM;
	memcpy(whole, y, p->y_count * sizeof *whole);
	status = last->op->apply(last->self, last->scratch, whole, y);
	memory_release(whole);
	return status ? error_context(status, "operator \"%s\"", link_name(last)) : LACUNA_OK;
}

static void apply_weights(const struct problem *p, float *y)
{
	size_t i;

	if (p->gain < 1 || p->gain > 1)
		vector_scale(p->y_count, p->gain, y);
	if (p->present)
		for (i = 0; i < p->y_count; i++)
			y[i] *= p->present[i];
}

int problem_apply(struct problem *p, const float *x, float *y)
{
	int status = apply_links(p, x, y);

	if (!status)
		apply_weights(p, y);
	return status;
}

int problem_apply_to_ones(struct problem *p, float *y)
{
	float *x = memory_alloc_array(p->x_count, sizeof *x);
	int status = LACUNA_ENOMEM;

	if (x) {
		for (size_t i = 0; i < p->x_count; i++)
			x[i] = 1;
		status = problem_apply(p, x, y);
	}
	memory_release(x);
	return status;
}

/* Runs A on `at', which leaves in the links' outputs the points where their Jacobians are taken. */
static int linearise(struct problem *p, const float *at)
{
	if (p->flags & LACUNA_LINEAR)
		return LACUNA_OK;
	if (!at)
		return error_set(LACUNA_EUNSUPPORTED,
				 "a nonlinear operator needs a point to be linearised at");
	return apply_links(p, at, p->normal);
}

static int need_normal(struct problem *p)
{
	if (!p->normal)
		p->normal = memory_alloc_array(p->y_count, sizeof *p->normal);
	return p->normal ? LACUNA_OK : LACUNA_ENOMEM;
}

/* A' y without the weights */
static int adjoint_links(struct problem *p, const float *at, const float *y, float *x)
{
	size_t k;

	for (k = p->count; k-- > 0;) {
		struct link *l = &p->links[k];
		const float *point = k ? p->links[k - 1].output : at;
		float *out = k ? p->links[k - 1].back : x;
		int status = l->op->adjoint(l->self, l->scratch,
					    p->flags & LACUNA_LINEAR ? NULL : point, y, out);

		if (status)
			return error_context(status, "operator \"%s\"", link_name(l));
		y = out;
	}
	return LACUNA_OK;
}

int problem_adjoint(struct problem *p, const float *at, const float *y, float *x)
{
	int status = LACUNA_OK;

	const int weighted = p->present || p->gain < 1 || p->gain > 1;

	if (weighted || !(p->flags & LACUNA_LINEAR))
		status = need_normal(p);
	if (!status)
		status = linearise(p, at);
	if (!status && weighted) {
		memcpy(p->normal, y, p->y_count * sizeof *y);
		apply_weights(p, p->normal);
		y = p->normal;
	}
	return status ? status : adjoint_links(p, at, y, x);
}

int problem_fit(struct problem *p, const float *x, const float *y, double noise, void *config)
{
	const struct link *l = &p->links[0];
	const struct lacuna_operator_fit *fit = plugin_extension(l->plugin, LACUNA_FIT);
	int status;

	plugin_gate_enter();
	status = fit->fit(l->self, x, y, noise, config);
	plugin_gate_leave();
	return status ? error_context(status, "operator \"%s\"", link_name(l)) : LACUNA_OK;
}

/* ---- functions of A'A */

static int need_linear(const struct problem *p)
{
	if (p->flags & LACUNA_LINEAR)
		return LACUNA_OK;
	return error_set(LACUNA_EUNSUPPORTED, "this needs a linear operator");
}

/* Pixelwise links have at most one entry per row of A_k, so (A_k' D A_k) 1 = A_k'(D A_k 1). */
static int pixelwise_diagonal(struct problem *p, float *d)
{
	float *ones = NULL, *weights = NULL, *next;
	size_t k, i, n = p->y_count;
	int status = LACUNA_OK;

	weights = memory_alloc_array(n, sizeof *weights);
	for (i = 0; weights && i < n; i++)
		weights[i] = (float)(p->gain * p->gain *
				     (p->present ? (double)p->present[i] * p->present[i] : 1));
	if (!weights)
		return LACUNA_ENOMEM;
	for (k = p->count; !status && k-- > 0;) {
		struct link *l = &p->links[k];
		size_t in = lacuna_count(&l->in), out = lacuna_count(&l->out);
		float *entries = memory_alloc_array(out, sizeof *entries);

		ones = memory_alloc_array(in, sizeof *ones);
		next = memory_alloc_array(in, sizeof *next);
		if (!entries || !ones || !next) {
			status = LACUNA_ENOMEM;
		} else {
			for (i = 0; i < in; i++)
				ones[i] = 1;
			status = l->op->apply(l->self, l->scratch, ones, entries);
			for (i = 0; i < out; i++)
				entries[i] *= weights[i];
			if (!status)
				status = l->op->adjoint(l->self, l->scratch, NULL, entries, next);
		}
		memory_release(entries);
		memory_release(ones);
		memory_release(weights);
		weights = next;
	}
	if (!status)
		memcpy(d, weights, p->x_count * sizeof *d);
	memory_release(weights);
	return status;
}

static int compute_diagonal(struct problem *p, float *d)
{
	const struct link *only = p->links;

	if ((p->flags & LACUNA_PIXELWISE) && (p->flags & LACUNA_LINEAR))
		return pixelwise_diagonal(p, d);
	if (p->count == 1 && !p->present && only->op->diagonal) {
		const int status = only->op->diagonal(only->self, d);

		if (!status)
			vector_scale(p->x_count, p->gain * p->gain, d);
		return status;
	}
	return LACUNA_EUNSUPPORTED;
}

/* Computes A'A's diagonal if there is one, and sets diagonal_state. */
static int find_diagonal(struct problem *p)
{
	int status;

	if (p->diagonal_state != DIAGONAL_UNKNOWN)
		return LACUNA_OK;
	p->diagonal = memory_alloc_array(p->x_count, sizeof *p->diagonal);
	if (!p->diagonal)
		return LACUNA_ENOMEM;
	status = compute_diagonal(p, p->diagonal);
	if (status) {
		memory_release(p->diagonal);
		p->diagonal = NULL;
	}
	if (status && status != LACUNA_EUNSUPPORTED)
		return status;
	p->diagonal_state = status ? DIAGONAL_NONE : DIAGONAL_KNOWN;
	return LACUNA_OK;
}

int problem_diagonal(struct problem *p, float *d)
{
	int status = find_diagonal(p);

	if (status)
		return status;
	if (p->diagonal_state == DIAGONAL_NONE)
		return error_set(
			LACUNA_EUNSUPPORTED,
			"this operator does not act on pixels one by one (A'A is not diagonal)");
	memcpy(d, p->diagonal, p->x_count * sizeof *d);
	return LACUNA_OK;
}

static int normal_product(void *context, const float *v, float *out)
{
	struct problem *p = context;
	int status = problem_apply(p, v, p->normal);

	if (!status)
		apply_weights(p, p->normal);
	return status ? status : adjoint_links(p, NULL, p->normal, out);
}

static int need_work(struct problem *p)
{
	int status = need_normal(p);

	if (!status && !p->work) {
		p->work = memory_alloc_array(p->x_count, SOLVE_WORK * sizeof *p->work);
		status = p->work ? LACUNA_OK : LACUNA_ENOMEM;
	}
	return status;
}

/* Evaluates a gain at the eigenvalues of (gain A)'(gain A), given those of A'A. */
struct scaled_gain {
	lacuna_gain *gain;
	const void *context;
	double square;
};

static double scaled_gain(double lambda, const void *context)
{
	const struct scaled_gain *s = context;

	return s->gain(s->square * lambda, s->context);
}

/* The operator's own closed form, or pixel by pixel; LACUNA_EUNSUPPORTED if there is neither. */
static int closed_form(struct problem *p, lacuna_gain *gain, const void *context, const float *b,
		       float *x)
{
	const struct scaled_gain scaled = { gain, context, p->gain * p->gain };
	const struct link *only = p->links;
	size_t i;
	int status;

	if (p->count == 1 && !p->present && only->op->spectral) {
		status = only->op->spectral(only->self, only->scratch, scaled_gain, &scaled, b, x);
		if (status != LACUNA_EUNSUPPORTED)
			return status ? error_context(status, "operator \"%s\"", link_name(only))
				      : status;
	}
	/* find_diagonal() is expensive; skip compositions that cannot be diagonal. */
	if (!(p->flags & LACUNA_PIXELWISE) && !(p->count == 1 && only->op->diagonal))
		return LACUNA_EUNSUPPORTED;
	status = find_diagonal(p);
	if (status)
		return status;
	if (p->diagonal_state == DIAGONAL_NONE)
		return LACUNA_EUNSUPPORTED;
	for (i = 0; i < p->x_count; i++)
		x[i] = (float)(gain(p->diagonal[i], context) * b[i]);
	return LACUNA_OK;
}

int problem_spectral(struct problem *p, lacuna_gain *gain, const void *context, const float *b,
		     float *x)
{
	const struct solve_matrix m = { p->x_count, normal_product, p };
	const struct solve_gain g = { gain, context, p->accuracy.lanczos, p->accuracy.change };
	double change = 0;
	int status = need_linear(p);

	if (status)
		return status;
	status = closed_form(p, gain, context, b, x);
	if (status != LACUNA_EUNSUPPORTED)
		return status;
	status = need_work(p);
	if (!status)
		status = solve_lanczos(&m, &g, b, x, &change, p->work);
	if (!status && change > p->accuracy.doubtful && !p->doubted) {
		p->doubted = 1;
		log_message(LACUNA_LOG_WARN,
			    "this operator has no closed form, and the method's results from its "
			    "spectrum are wrong by about %.0f %%; use prox, hqs or gibbs, or for a "
			    "blur boundary=periodic",
			    100 * change);
	}
	return status;
}

int problem_quadrature(struct problem *p, const float *b, int steps, double *nodes, double *weights,
		       int *count)
{
	const struct solve_matrix m = { p->x_count, normal_product, p };
	int status = need_linear(p);

	if (!status)
		status = need_work(p);
	return status ? status : solve_quadrature(&m, b, steps, nodes, weights, count, p->work);
}

static double inverse_gain(double lambda, const void *context)
{
	return 1 / (lambda + *(const double *)context);
}

/* Context of conjugate gradients: product with A'A, and the operator's approximate (A'A + rho)^-1. */
struct shifted {
	struct problem *problem;
	double rho;
};

static int shifted_normal(void *context, const float *v, float *out)
{
	return normal_product(((struct shifted *)context)->problem, v, out);
}

static int shifted_inverse(void *context, const float *v, float *out)
{
	const struct shifted *s = context;
	const struct link *only = s->problem->links;
	const double gain = s->problem->gain;
	const struct scaled_gain scaled = { inverse_gain, &s->rho, gain * gain };

	return only->op->approximate(only->self, only->scratch, scaled_gain, &scaled, v, out);
}

/* Uses the operator's own solver; LACUNA_EUNSUPPORTED if it has none. */
static int solve_own(struct problem *p, double rho, const float *b, float *x)
{
	const struct link *only = p->links;
	const double square = p->gain * p->gain;
	struct lacuna_system system = { .size = sizeof system,
					.iterations = p->accuracy.iterations,
					.rho = rho / square,
					.tolerance = p->accuracy.tolerance };
	int status;

	if (p->count > 1 || !only->op->solve)
		return LACUNA_EUNSUPPORTED;
	if (p->present) {
		status = need_normal(p);
		if (status)
			return status;
		for (size_t i = 0; i < p->y_count; i++)
			p->normal[i] = p->present[i] * p->present[i];
		system.weights = p->normal;
	}
	/* (gain^2 A'WA + rho) x = b is (A'WA + rho / gain^2) (gain^2 x) = b */
	if (p->gain < 1 || p->gain > 1)
		vector_scale(p->x_count, square, x);
	status = only->op->solve(only->self, only->scratch, &system, b, x);
	if (p->gain < 1 || p->gain > 1)
		vector_scale(p->x_count, 1 / square, x);
	return status && status != LACUNA_EUNSUPPORTED
		       ? error_context(status, "operator \"%s\"", link_name(only))
		       : status;
}

int problem_solve(struct problem *p, double rho, const float *b, float *x)
{
	struct shifted shifted = { p, rho };
	struct solve_matrix m = { p->x_count, shifted_normal, &shifted };
	int status;

	if (!(rho > 0))
		return error_set(LACUNA_EINVAL, "solve() needs rho > 0");
	status = need_linear(p);
	if (status)
		return status;
	status = closed_form(p, inverse_gain, &rho, b, x);
	if (status == LACUNA_EUNSUPPORTED)
		status = solve_own(p, rho, b, x);
	if (status != LACUNA_EUNSUPPORTED)
		return status;
	status = need_work(p);
	return status ? status
		      : solve_cg(&m, rho,
				 p->count == 1 && p->links->op->approximate ? shifted_inverse
									    : NULL,
				 b, x, p->accuracy.tolerance, p->accuracy.iterations, p->work);
}

int problem_has_closed_form(struct problem *p)
{
	const struct link *only = p->links;
	const double one = 1;
	float *b, *x;
	int status;

	if (!(p->flags & LACUNA_LINEAR))
		return 0;
	if (p->flags & LACUNA_PIXELWISE)
		return 1;
	if (p->count > 1 || p->present || !(only->op->spectral || only->op->diagonal))
		return 0;
	/* An operator may have a closed form for some of its configurations only, so try it. */
	b = memory_alloc_array(p->x_count, sizeof *b);
	x = memory_alloc_array(p->x_count, sizeof *x);
	status = b && x ? closed_form(p, inverse_gain, &one, b, x) : LACUNA_ENOMEM;
	memory_release(b);
	memory_release(x);
	return !status;
}

/* ---- the measurement */

int problem_measured(struct problem *p, float *measured)
{
	static const struct random_key probe = { 1, 0, 0 };
	float *x = memory_alloc_array(p->x_count, sizeof *x);
	size_t i;
	int status;

	if (!x)
		return LACUNA_ENOMEM;
	random_gaussian(probe, 0, 0, x, p->x_count);
	for (i = 0; i < p->x_count; i++)
		x[i] = 0.5f + 0.1f * x[i];
	status = problem_apply(p, x, measured);
	for (i = 0; !status && i < p->y_count; i++)
		measured[i] = measured[i] != 0;
	memory_release(x);
	return status;
}

static void forget_diagonal(struct problem *p)
{
	memory_release(p->diagonal);
	p->diagonal = NULL;
	p->diagonal_state = DIAGONAL_UNKNOWN;
}

void problem_forget(struct problem *p)
{
	memory_release(p->present);
	p->present = NULL;
	p->measurement = NULL;
	p->noise = 0;
	p->gain = 1;
	forget_diagonal(p);
}

int problem_normalise(struct problem *p)
{
	/* Range of row lengths that needs no scaling: plugins take noise in y for noise of about that strength in x. */
	static const double least = 0.5, most = 2;
	static const struct random_key probe = { 2, 0, 0 };
	float *x = memory_alloc_array(p->x_count, sizeof *x);
	float *y = memory_alloc_array(p->y_count, sizeof *y);
	int status = x && y ? need_linear(p) : LACUNA_ENOMEM;
	double rows, square;

	/* E |A n|^2 is the sum of the squared singular values; at most min(x_count, y rows that are not 0) of them differ
	 * from 0. */
	if (!status) {
		random_gaussian(probe, 0, 0, x, p->x_count);
		status = apply_links(p, x, y);
	}
	if (!status) {
		square = vector_dot(p->y_count, y, y);
		for (size_t i = 0; i < p->y_count; i++)
			y[i] = y[i] != 0;
		rows = fmin(vector_sum(p->y_count, y), (double)p->x_count);
		p->normalising = rows > 0 ? sqrt(square / rows) : 0;
		if (p->normalising >= least && p->normalising <= most)
			p->normalising = 0;
		if (p->normalising > 0)
			p->normalising = 1 / p->normalising;
	}
	memory_release(x);
	memory_release(y);
	return status;
}

int problem_measure(struct problem *p, float *y, double noise, size_t *missing)
{
	size_t i, absent = 0;

	for (i = 0; i < p->y_count; i++) {
		if (isinf(y[i]))
			return error_set(LACUNA_EINVAL, "the measurement has infinite values");
		absent += isnan(y[i]) != 0;
	}
	if (absent == p->y_count)
		return error_set(LACUNA_EINVAL, "all values of the measurement are NaN");
	if (!(noise >= 0) || !isfinite(noise))
		return error_set(LACUNA_EINVAL, "the noise level must be 0 or larger");
	problem_forget(p);
	if (absent) {
		p->present = memory_alloc_array(p->y_count, sizeof *p->present);
		if (!p->present)
			return LACUNA_ENOMEM;
		for (i = 0; i < p->y_count; i++) {
			p->present[i] = !isnan(y[i]);
			if (isnan(y[i]))
				y[i] = 0;
		}
	}
	if (p->normalising > 0) {
		p->gain = p->normalising;
		vector_scale(p->y_count, p->gain, y);
	}
	p->measurement = y;
	p->noise = p->gain * noise;
	if (missing)
		*missing = absent;
	return LACUNA_OK;
}

int problem_weigh(struct problem *p, const float *weights)
{
	if (!p->present) {
		p->present = memory_alloc_array(p->y_count, sizeof *p->present);
		if (!p->present)
			return LACUNA_ENOMEM;
		for (size_t i = 0; i < p->y_count; i++)
			p->present[i] = 1;
	}
	for (size_t i = 0; i < p->y_count; i++) {
		p->present[i] *= weights[i];
		p->measurement[i] *= weights[i];
	}
	forget_diagonal(p);
	return LACUNA_OK;
}

int problem_residual(struct problem *p, const float *x, double *rms)
{
	float *measured = memory_alloc_array(p->y_count, sizeof *measured);
	float *r = NULL;
	double sum, count;
	int status = measured ? problem_measured(p, measured) : LACUNA_ENOMEM;

	/* Not earlier: problem_measured() takes memory of its own for a while, where a run needs most. */
	if (!status && !(r = memory_alloc_array(p->y_count, sizeof *r)))
		status = LACUNA_ENOMEM;
	if (!status)
		status = problem_apply(p, x, r);
	if (!status) {
		vector_subtract(p->y_count, r, p->measurement, r);
		/* Masked or missing values are no evidence: apply() has set them to 0. */
		for (size_t i = 0; i < p->y_count; i++)
			r[i] = measured[i] != 0 ? r[i] : 0;
		sum = vector_dot(p->y_count, r, r);
		count = vector_sum(p->y_count, measured);
		*rms = count > 0 ? sqrt(sum / count) / p->gain : 0;
	}
	memory_release(r);
	memory_release(measured);
	return status;
}

int problem_simulate(struct problem *p, const float *x, double noise, struct random_key key,
		     float *y)
{
	float *n, *measured;
	size_t i;
	int status = problem_apply(p, x, y);

	if (status || noise == 0)
		return status;
	n = memory_alloc_array(p->y_count, sizeof *n);
	measured = memory_alloc_array(p->y_count, sizeof *measured);
	status = n && measured ? problem_measured(p, measured) : LACUNA_ENOMEM;
	if (!status) {
		random_gaussian(key, 0, 0, n, p->y_count);
		for (i = 0; i < p->y_count; i++)
			y[i] += (float)noise * n[i] * measured[i];
	}
	memory_release(n);
	memory_release(measured);
	return status;
}

void window_get(const struct lacuna_shape *x, const struct lacuna_region *region,
		const float *from_x, float *picture)
{
	const int64_t *o = region->origin, *e = region->extent, *s = x->extent;
	int64_t t, c, row;

	for (t = 0; t < e[3]; t++)
		for (c = 0; c < e[2]; c++)
			for (row = 0; row < e[1]; row++) {
				int64_t at = o[0] + s[0] * (o[1] + row +
							    s[1] * (o[2] + c + s[2] * (o[3] + t)));

				memcpy(picture, from_x + at, (size_t)e[0] * sizeof *picture);
				picture += e[0];
			}
}
