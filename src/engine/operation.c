/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
#include <config.h>

#include "engine/operation.h"

#include "base/error.h"
#include "base/memory.h"
#include "engine/problem.h"

#include <string.h>

struct lacuna_operation {
	struct plugin_use *uses;
	size_t count;
	struct problem *problem;
};

/* ---- "blur:sigma=2|mask:keep=0.5" */

/* The first '|' outside double quotes, or the end. */
static const char *end_of_item(const char *text)
{
	int quoted = 0;

	for (; *text && (quoted || *text != '|'); text++) {
		if (quoted && *text == '\\' && text[1])
			text++;
		else
			quoted ^= *text == '"';
	}
	return text;
}

static size_t count_items(const char *text)
{
	size_t n = 1;

	while (*(text = end_of_item(text))) {
		text++;
		n++;
	}
	return n;
}

static int parse_items(struct lacuna_operation *o, const char *operators)
{
	char *text = memory_strdup(operators), *item = text;
	int status = text ? LACUNA_OK : LACUNA_ENOMEM;

	while (!status && o->count < count_items(operators)) {
		char *end = item + (end_of_item(item) - item);

		*end = 0;
		status = use_parse(LACUNA_OPERATOR, item, &o->uses[o->count]);
		if (!status)
			o->count++;
		item = end + 1;
	}
	memory_release(text);
	return status;
}

int operation_open(const char *operators, const struct lacuna_shape *x, struct lacuna_shape *y,
		   struct lacuna_operation **operation)
{
	struct lacuna_operation *o = memory_alloc(sizeof *o);
	int status = LACUNA_ENOMEM;

	if (!o)
		return status;
	o->uses = memory_alloc_array(count_items(operators), sizeof *o->uses);
	if (o->uses)
		status = parse_items(o, operators);
	if (!status)
		status = problem_create(o->uses, o->count, 0, x, &o->problem);
	if (status) {
		operation_close(o);
		return error_context(status, "\"%s\"", operators);
	}
	*y = *problem_y(o->problem);
	*operation = o;
	return LACUNA_OK;
}

void operation_close(struct lacuna_operation *o)
{
	if (!o)
		return;
	problem_destroy(o->problem);
	while (o->count)
		use_free(&o->uses[--o->count]);
	memory_release(o->uses);
	memory_release(o);
}

/* ---- services */

static int service_open(const struct lacuna_host *host, const char *operators,
			const struct lacuna_shape *x, struct lacuna_shape *y,
			struct lacuna_operation **operation)
{
	(void)host;
	return operation_open(operators, x, y, operation);
}

static void service_close(const struct lacuna_host *host, struct lacuna_operation *o)
{
	(void)host;
	operation_close(o);
}

static uint32_t service_flags(const struct lacuna_host *host, const struct lacuna_operation *o)
{
	(void)host;
	return problem_flags(o->problem);
}

static int service_apply(const struct lacuna_host *host, struct lacuna_operation *o, const float *x,
			 float *y)
{
	(void)host;
	return problem_apply(o->problem, x, y);
}

static int service_adjoint(const struct lacuna_host *host, struct lacuna_operation *o,
			   const float *at, const float *y, float *x)
{
	(void)host;
	return problem_adjoint(o->problem, at, y, x);
}

static int service_solve(const struct lacuna_host *host, struct lacuna_operation *o, double rho,
			 const float *b, float *x)
{
	(void)host;
	return problem_solve(o->problem, rho, b, x);
}

const struct lacuna_operations operation_services = {
	.operation_open = service_open,
	.operation_close = service_close,
	.operation_flags = service_flags,
	.operation_apply = service_apply,
	.operation_adjoint = service_adjoint,
	.operation_solve = service_solve,
};
