/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* lacuna check: does a plugin keep the promises of lacuna/plugin.h? */
#include <config.h>

#include "check/check.h"
#include "base/error.h"
#include "base/memory.h"
#include "base/text.h"
#include "cli/cli.h"
#include "cli/common.h"

#include <stdio.h>
#include <string.h>

struct values {
	int64_t threads;
	int quiet;
};

#define AT(field) .offset = offsetof(struct values, field)
static const struct option_row rows[] = {
	{ "threads", 'j', OPTION_INTEGER, "N", "threads to use [one per processor]", AT(threads),
	  .lo = 1, .hi = 1024 },
	{ "quiet", 'q', OPTION_FLAG, NULL, "print failures only", AT(quiet) },
};

struct tally {
	int quiet, count, failed;
};

static void report(void *context, int passed, const char *property, const char *detail)
{
	struct tally *t = context;

	t->count++;
	t->failed += !passed;
	if (passed && t->quiet)
		return;
	printf("%s %d - %s%s%s%s\n", passed ? "ok" : "not ok", t->count, property,
	       detail && *detail ? " (" : "", detail ? detail : "", detail && *detail ? ")" : "");
	fflush(stdout);
}

static int check(const struct values *v, const struct plugin_use *use)
{
	struct tally t = { .quiet = v->quiet };
	const int status = check_plugin(use, report, &t);

	if (!v->quiet)
		printf("1..%d\n", t.count);
	if (status && !t.failed)
		return failure(use->plugin->path, status);
	if (t.failed) {
		error_set(LACUNA_EINVAL, "%d of %d properties do not hold", t.failed, t.count);
		return failure(use->plugin->path, LACUNA_EINVAL);
	}
	return STATUS_DONE;
}

/* A file of the current directory is a path only with a slash in it. */
static char *path_spec(const char *spec)
{
	const size_t name = strcspn(spec, ":");
	const int bare =
		name > 3 && !memchr(spec, '/', name) && !strncmp(spec + name - 3, ".so", 3);

	return text_format("%s%s", bare ? "./" : "", spec);
}

static int run(const struct command *c, const void *values, int count, char **operands)
{
	const struct values *v = values;
	const int kind = count == 2 ? plugin_kind(operands[0]) : 0;
	struct plugin_use use = { 0 };
	char *spec;
	int status;

	if (count == 2 && !kind)
		return misuse(c, "'%s' is no family; there are operator, prior, guidance, sampler",
			      operands[0]);
	/* What plugins log on dozens of small problems helps nobody. */
	verbosity_set(-1);
	resources_set(v->threads, 0);
	spec = path_spec(operands[count - 1]);
	if (!spec)
		return failure(NULL, LACUNA_ENOMEM);
	status = use_parse(kind, spec, &use);
	memory_release(spec);
	/* A plugin that is refused fails the check: that is no misuse. */
	if (status)
		return failure(NULL, status);
	status = check(v, &use);
	use_free(&use);
	return status;
}

const struct command command_check = {
	.name = "check",
	.operands = "PLUGIN.so[:key=value,...] | FAMILY NAME[:key=value,...]",
	.summary = "check that a plugin keeps the contract",
	.details =
		"Examines a plugin on awkward shapes: adjoint and linearity, closed forms against "
		"iterations, outputs written entirely, inputs untouched, threads, memory, failing "
		"allocations.  Prints one line for each property, in the Test Anything Protocol; "
		"status 1 "
		"when one does not hold.",
	.rows = rows,
	.row_count = sizeof(rows) / sizeof(rows[0]),
	.values_size = sizeof(struct values),
	.operands_min = 1,
	.operands_max = 2,
	.run = run,
};
