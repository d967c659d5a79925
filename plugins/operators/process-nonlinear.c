/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Operator "process-nonlinear": y = A x, computed by a program of the user. It need not be linear.
 *
 * common/process.h talks to the program; lacuna-plugin(7) describes the protocol. */
#include "common/process-operator.h"
#include "common/process.h"

static int create(const struct lacuna_host *host, const void *config, const struct lacuna_shape *x,
		  const struct lacuna_shape *y, void **self)
{
	return process_operator_create(host, config, 0, x, y, self);
}

static const struct lacuna_param params[] = {
	LACUNA_PARAM_TEXT(struct process_config, command, LACUNA_REQUIRED, NULL,
			  "the program and its words, such as python3 mine.py"),
	LACUNA_PARAM_REAL(struct process_config, timeout, "s", 0.01, 1e6, 60,
			  "how long one answer may take"),
};

static const struct lacuna_operator family = {
	.size = sizeof(family),
	.flags = 0,
	.shape = process_operator_shape,
	.create = create,
	.destroy = process_operator_destroy,
	.apply = process_operator_apply,
	.adjoint = process_operator_adjoint,
};

static const char manual[] =
	"A program in any language computes A(x) and the transpose of its derivative: a forward "
	"model in numpy, a "
	"simulator.  It is started once and asked by lines of JSON; arrays lie in memory that both "
	"see, so that a call costs less than a millisecond beside its own work.  In Python it is "
	"twenty lines; share/lacuna/python/lacuna_process.py has the other end, blur_numpy.py "
	"beside it is an example, and lacuna-plugin(7) explains the protocol.\n\n"
	"The command is split at blanks; quotes keep them.  It is not passed to a shell; for that "
	"use sh -c "
	"'...' "
	"for one.  Python finds the module lacuna_process by itself.\n\n"
	"Let lacuna check process:command=... examine it like any operator.  What the program "
	"writes "
	"to standard error is passed on.  One that crashes, or does not answer within the timeout, "
	"is an error.  Calls are answered one after the other: for speed write a plugin in C "
	"(lacuna new).\n\n"
	"For an operator that is linear use process: more methods restore with it.\n\n"
	"Source: the conversation is Lacuna's own.";

static const struct lacuna_plugin plugin = {
	LACUNA_PLUGIN_HEAD(LACUNA_OPERATOR),
	"process-nonlinear",
	"an operator that your program computes, not linear",
	manual,
	"1.0",
	"The Lacuna authors",
	"GPL-3.0-or-later",
	LACUNA_PLUGIN_PARAMS(params, struct process_config),
	&family,
};

const struct lacuna_plugin *lacuna_plugin_v1(void)
{
	return &plugin;
}
