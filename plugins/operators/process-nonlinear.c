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
			  "the program and its arguments, such as python3 mine.py"),
	LACUNA_PARAM_REAL(struct process_config, timeout, "s", 0.01, 1e6, 60,
			  "longest wait for one answer"),
};

static const struct lacuna_operator family = {
	.size = sizeof family,
	.flags = 0,
	.shape = process_operator_shape,
	.create = create,
	.destroy = process_operator_destroy,
	.apply = process_operator_apply,
	.adjoint = process_operator_adjoint,
};

static const char manual[] =
	"A program of yours computes A(x) and the transpose of its derivative, in any language: a "
	"forward model in numpy, a simulator.  It is started once and receives requests as lines "
	"of JSON.  Arrays are in memory that it shares with Lacuna, so a request adds less than a "
	"millisecond to the program's own work.  In Python this takes twenty lines: the module "
	"share/lacuna/python/lacuna_process.py speaks the protocol, blur_numpy.py beside it is an "
	"example, and lacuna-plugin(7) explains the protocol.\n\n"
	"The command is split at blanks; use quotes to keep a blank.  No shell runs it; use sh -c "
	"'...' if you need one.  Python finds the module lacuna_process by itself.\n\n"
	"Test it like any operator: lacuna check operator process-nonlinear:command=...  Its "
	"standard error "
	"is passed on.  If the program crashes, or does not answer within the timeout, the run "
	"ends with an error.  Requests are answered one after the other; for more speed write a "
	"plugin in C (lacuna new).\n\n"
	"For a linear operator use process: more methods restore with it.\n\n"
	"Source: the protocol is Lacuna's own.";

static const struct lacuna_plugin plugin = {
	LACUNA_PLUGIN_HEAD(LACUNA_OPERATOR),
	"process-nonlinear",
	"a nonlinear operator, computed by your own program",
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
