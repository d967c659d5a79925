/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* lacuna check: tests whether a plugin keeps the promises of lacuna/plugin.h. */
#include <config.h>

#include "check/check.h"
#include "base/error.h"
#include "base/memory.h"
#include "base/text.h"
#include "cli/cli.h"
#include "cli/common.h"
#include "cli/report.h"
#include "plugin/probe.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_SHAPES = 16 };

struct values {
	const char *shape, *x_shape;
	int64_t seed, threads;
	double limit;
	int quiet, json;
};

static const struct values defaults = { .seed = 1, .limit = CHECK_LIMIT };

#define AT(field) .offset = offsetof(struct values, field)
static const struct option_row rows[] = {
	{ "shape", 0, OPTION_TEXT, "WxH[xC[xF]]",
	  "sizes of measurements to try, separated by commas; for other families sizes of images "
	  "[a built-in list]",
	  AT(shape) },
	{ "x-shape", 0, OPTION_TEXT, "WxH[xC[xF]]",
	  "sizes of images to try an operator on, separated by commas", AT(x_shape) },
	{ "seed", 's', OPTION_INTEGER, "N", "seed of the random images [1]", AT(seed), .lo = 0,
	  .hi = 9007199254740992 },
	{ "limit", 0, OPTION_REAL, "SECONDS",
	  "time limit of one call; a plugin that takes longer counts as hanging [60]", AT(limit),
	  .lo = 0.01, .hi = 1e6 },
	{ "threads", 'j', OPTION_INTEGER, "N", "threads to use [one per processor]", AT(threads),
	  .lo = 1, .hi = 1024 },
	{ "json", 0, OPTION_FLAG, NULL, "print JSON", AT(json) },
	{ "quiet", 'q', OPTION_FLAG, NULL, "print failures only", AT(quiet) },
};

/* ---- shapes: "64x64", "31x18x3,12x12" */

static int parse_shape(const char *text, size_t length, struct lacuna_shape *shape)
{
	const char *p = text;
	int count = 0;

	*shape = (struct lacuna_shape){ { 1, 1, 1, 1 } };
	while (count < 4) {
		char *end;

		if (*p < '0' || *p > '9')
			return 0;
		shape->extent[count] = strtoll(p, &end, 10);
		if (shape->extent[count] < 1 || shape->extent[count] > INT32_MAX)
			return 0;
		count++;
		p = end;
		if (*p != 'x')
			break;
		p++;
	}
	return p == text + length && count >= 2;
}

/* True when all shapes are valid and fit in the array. */
static int parse_shapes(const char *text, struct lacuna_shape *shapes, size_t *count)
{
	for (*count = 0; text && *text && *count < MOST_SHAPES; (*count)++) {
		const size_t length = strcspn(text, ",");

		if (!parse_shape(text, length, &shapes[*count]))
			return 0;
		text += length;
		text += *text == ',';
	}
	return !text || !*text;
}

static char *format_shape(const struct lacuna_shape *s, char *text, size_t size)
{
	const int most = s->extent[3] > 1 ? 4 : s->extent[2] > 1 ? 3 : 2;
	int used = 0;

	for (int d = 0; d < most; d++)
		used += snprintf(text + used, size - (size_t)used, "%s%lld", d ? "x" : "",
				 (long long)s->extent[d]);
	return text;
}

/* ---- the Test Anything Protocol, or JSON */

struct tally {
	const struct values *v;
	char **operands; /* as given, for the command that repeats a failure */
	int operand_count;
	json_t *list; /* NULL: the protocol is printed */
	int count, failed;
};

/* Appends a word, quoted for the shell if necessary. */
static void append_word(char *text, size_t size, const char *word)
{
	const int plain = !word[strspn(word, "abcdefghijklmnopqrstuvwxyz"
					     "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./:=,+@%")];
	const size_t used = strlen(text);

	snprintf(text + used, size - used, plain ? " %s" : " '%s'", word);
}

static void format_repeat(const struct tally *t, const struct check_finding *f, char *text,
			  size_t size)
{
	char shape[96], number[32];

	snprintf(text, size, "lacuna check");
	for (int i = 0; i < t->operand_count; i++)
		append_word(text, size, t->operands[i]);
	append_word(text, size, f->from_x ? "--x-shape" : "--shape");
	append_word(text, size, format_shape(&f->shape, shape, sizeof shape));
	append_word(text, size, "--seed");
	snprintf(number, sizeof number, "%lld", (long long)t->v->seed);
	append_word(text, size, number);
}

static json_t *json_of(const struct check_finding *f, const char *repeat)
{
	json_t *entry = json_pack("{s:s, s:b, s:o}", "property", f->property, "holds", f->passed,
				  "detail", report_string(f->detail));

	if (*f->function)
		json_object_set_new(entry, "function", report_string(f->function));
	if (f->shape.extent[0])
		json_object_set_new(entry, f->from_x ? "x_shape" : "shape",
				    json_pack("[I, I, I, I]", (json_int_t)f->shape.extent[0],
					      (json_int_t)f->shape.extent[1],
					      (json_int_t)f->shape.extent[2],
					      (json_int_t)f->shape.extent[3]));
	if (*repeat)
		json_object_set_new(entry, "repeat", report_string(repeat));
	return entry;
}

static void report(void *context, const struct check_finding *f)
{
	struct tally *t = context;
	char repeat[4096] = "";

	t->count++;
	t->failed += !f->passed;
	if (!f->passed && f->shape.extent[0])
		format_repeat(t, f, repeat, sizeof repeat);
	if (t->list) {
		json_array_append_new(t->list, json_of(f, repeat));
		return;
	}
	if (f->passed && t->v->quiet)
		return;
	printf("%s %d - %s%s%s%s\n", f->passed ? "ok" : "not ok", t->count, f->property,
	       *f->detail ? " (" : "", f->detail, *f->detail ? ")" : "");
	if (*repeat)
		printf("# to repeat: %s\n", repeat);
	fflush(stdout);
}

static void print_measures(const struct check_measures *m)
{
	const struct check_spectrum *s = &m->spectrum;
	char shape[96];

	format_shape(&s->x, shape, sizeof shape);
	if (s->count && s->exact && s->rank)
		printf("# norm of A %.4g, smallest singular value %.3g, condition %.3g, rank %zu "
		       "of "
		       "%zu (x %s)\n",
		       s->largest, s->smallest, s->largest / s->smallest, s->rank, s->count, shape);
	else if (s->count)
		printf("# norm of A %s%.4g (x %s)\n", s->exact ? "" : "about ", s->largest, shape);
	for (int i = 0; i < CHECK_TIMES && m->times[i].function; i++)
		printf("# %s: %.3g ms per megapixel in one thread (x %s)\n", m->times[i].function,
		       1e3 * m->times[i].seconds,
		       format_shape(&m->times[i].x, shape, sizeof shape));
}

static int print_json(const struct tally *t, const struct plugin_use *use,
		      const struct check_measures *m)
{
	const struct check_spectrum *s = &m->spectrum;
	json_t *whole = report_new(), *times = json_object();
	char *text;

	for (int i = 0; i < CHECK_TIMES && m->times[i].function; i++)
		json_object_set_new(times, m->times[i].function, report_real(m->times[i].seconds));
	json_object_set_new(whole, "plugin", report_plugin(use));
	json_object_set_new(whole, "seed", json_integer(t->v->seed));
	json_object_set_new(whole, "holds", json_boolean(!t->failed));
	json_object_set_new(whole, "tried", json_integer(m->tried));
	json_object_set_new(whole, "accepted", json_integer(m->accepted));
	json_object_set(whole, "properties", t->list);
	if (s->count)
		json_object_set_new(whole, "norm", report_real(s->largest));
	if (s->exact && s->rank) {
		json_object_set_new(whole, "smallest_singular_value", report_real(s->smallest));
		json_object_set_new(whole, "condition", report_real(s->largest / s->smallest));
		json_object_set_new(whole, "rank", json_integer((json_int_t)s->rank));
		json_object_set_new(whole, "unknowns", json_integer((json_int_t)s->count));
	}
	json_object_set_new(whole, "seconds_per_megapixel", times);
	text = report_text(whole);
	json_decref(whole);
	if (!text)
		return LACUNA_ENOMEM;
	fputs(text, stdout);
	free(text);
	return LACUNA_OK;
}

static int check(const struct plugin_use *use, const struct check_request *request, struct tally *t)
{
	struct check_measures measures;
	int status;

	if (t->v->json)
		t->list = json_array();
	status = check_plugin(use, request, report, t, &measures);
	if (t->list) {
		const int printed = print_json(t, use, &measures);

		status = printed ? printed : status;
		json_decref(t->list);
	} else if (!t->v->quiet) {
		print_measures(&measures);
		printf("1..%d\n", t->count);
	}
	if (status && !t->failed)
		return failure(use->plugin->path, status);
	if (t->failed) {
		error_set(LACUNA_EINVAL, "%d of %d properties do not hold", t->failed, t->count);
		return failure(use->plugin->path, LACUNA_EINVAL);
	}
	return STATUS_DONE;
}

/* Puts "./" before NAME.so: without a slash it would not be a path. */
static char *path_spec(const char *spec)
{
	const size_t name = strcspn(spec, ":");
	const int bare =
		name > 3 && !memchr(spec, '/', name) && !strncmp(spec + name - 3, ".so", 3);

	return text_format("%s%s", bare ? "./" : "", spec);
}

/* Loading may crash or hang like any other call. */
static int probe(int kind, const char *spec)
{
	char *name = text_format("%.*s", (int)strcspn(spec, ":"), spec);
	const int status = name ? plugin_probe(kind, name) : LACUNA_ENOMEM;

	memory_release(name);
	return status;
}

static int run(const struct command *c, const void *values, int count, char **operands)
{
	const struct values *v = values;
	const int kind = count == 2 ? plugin_kind(operands[0]) : 0;
	struct lacuna_shape shapes[MOST_SHAPES], x_shapes[MOST_SHAPES];
	struct check_request request = {
		.shapes = shapes, .x_shapes = x_shapes, .seed = (uint64_t)v->seed, .limit = v->limit
	};
	struct tally tally = { .v = v, .operands = operands, .operand_count = count };
	struct plugin_use use = { 0 };
	char *spec;
	int status;

	if (count == 2 && !kind)
		return misuse(
			c,
			"unknown plugin family '%s' (one of: operator, prior, guidance, sampler)",
			operands[0]);
	if (!parse_shapes(v->shape, shapes, &request.shape_count))
		return misuse(c, "--shape takes shapes such as 64x64 or 31x18x3, not '%s'",
			      v->shape);
	if (!parse_shapes(v->x_shape, x_shapes, &request.x_shape_count))
		return misuse(c, "--x-shape takes shapes such as 64x64 or 31x18x3, not '%s'",
			      v->x_shape);
	/* The log of a plugin on dozens of small problems helps nobody. */
	verbosity_set(-1);
	resources_set(v->threads, 0);
	spec = path_spec(operands[count - 1]);
	if (!spec)
		return failure(NULL, LACUNA_ENOMEM);
	status = probe(kind, spec);
	if (!status)
		status = use_parse(kind, spec, &use);
	memory_release(spec);
	/* A plugin that is refused fails the check; this is not misuse. */
	if (status)
		return failure(NULL, status);
	if (request.x_shape_count && use.plugin->head->kind != LACUNA_OPERATOR)
		status = misuse(c, "--x-shape is only for operators; use --shape");
	else
		status = check(&use, &request, &tally);
	use_free(&use);
	return status;
}

const struct command command_check = {
	.name = "check",
	.operands = "PLUGIN.so[:key=value,...] | FAMILY NAME[:key=value,...]",
	.summary = "check that a plugin keeps the contract",
	.details = "Tests a plugin on awkward shapes: adjoint and linearity, closed forms against "
		   "iterations, outputs written completely, inputs unchanged, threads, memory, "
		   "failing allocations.  Each shape is tested in its own process, so that a crash "
		   "or a hang is reported like any other fault.  Prints one line for each "
		   "property, in the Test Anything Protocol, with the command that repeats a "
		   "failure.  Then it prints properties of an operator (its norm and condition) "
		   "and the time it takes.  The exit status is 1 if a property does not hold.",
	.rows = rows,
	.row_count = sizeof rows / sizeof *rows,
	.defaults = &defaults,
	.values_size = sizeof(struct values),
	.operands_min = 1,
	.operands_max = 2,
	.run = run,
};
