/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Composes operators: their shapes, their instances, and the window of x that corresponds to y. */
#include <config.h>

#include "engine/problem-private.h"

#include "base/error.h"
#include "base/memory.h"
#include "engine/solve.h"
#include "plugin/host.h"

#include <string.h>

static int fits(const struct lacuna_shape *s)
{
	size_t product = sizeof(float);
	int i;

	for (i = 0; i < 4; i++)
		if (s->extent[i] < 1 || !size_multiply(product, (size_t)s->extent[i], &product))
			return 0;
	return 1;
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
