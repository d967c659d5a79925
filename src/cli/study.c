/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* lacuna study: tests samplers and guidances on targets whose posterior is known. */
#include <config.h>

#include "base/error.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"
#include "cli/cli.h"
#include "cli/common.h"
#include "cli/progress.h"
#include "cli/outputs.h"
#include "study/laboratory.h"
#include "study/plot.h"
#include "study/table.h"
#include "study/target.h"

#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct values {
	const char *target, *measurement, *prior, *steps, *vary;
	const char *output, *svg, *show, *title;
	struct option_list operators, guidances, samplers;
	double noise, smear, blur;
	int64_t chains, seed, threads;
	int coverage, bound, slopes, evaluations, force, quiet, progress;
};

static const struct values defaults = {
	.target = "gaussian", .show = "kl", .noise = 0.1, .chains = 4096
};

#define AT(field) .offset = offsetof(struct values, field)
static const struct option_row rows[] = {
	{ "target", 't', OPTION_TEXT, "TARGET",
	  "distribution of the unknown: gaussian, gmm, random, points, cloud, circle, cube "
	  "[gaussian]",
	  AT(target) },
	{ "operator", 'A', OPTION_PLUGINS, "OPERATOR",
	  "linear operator, applied to each chain; may be repeated, applied in the order given "
	  "[none: nothing is measured]",
	  AT(operators), .kind = LACUNA_OPERATOR },
	{ "noise", 'n', OPTION_REAL, "SIGMA",
	  "standard deviation of the measurement's noise; 0 counts as 1e-6 [0.1]", AT(noise),
	  .lo = 0, .hi = 1e3 },
	{ "measurement", 'y', OPTION_TEXT, "VALUES",
	  "the measurement: numbers separated by blanks [measured from a draw from the target]",
	  AT(measurement) },
	{ "prior", 'p', OPTION_PLUGIN, "PRIOR",
	  "prior of all methods; {target} in it stands for a file that describes the target for "
	  "the prior gmm [gmm:file={target}]",
	  AT(prior), .kind = LACUNA_PRIOR },
	{ "guidance", 'g', OPTION_PLUGINS, "[LABEL=]GUIDANCE", "may be repeated [none]",
	  AT(guidances), .kind = LACUNA_GUIDANCE },
	{ "sampler", 's', OPTION_PLUGINS, "[LABEL=]SAMPLER",
	  "may be repeated; every sampler runs with every guidance [ddpm]", AT(samplers),
	  .kind = LACUNA_SAMPLER },
	{ "steps", 0, OPTION_TEXT, "N,N,...",
	  "run every method with each of these numbers of steps", AT(steps) },
	{ "vary", 0, OPTION_TEXT, "NAME=V,V,...",
	  "run every method with each value V in place of {NAME} in the prior, guidances "
	  "and samplers",
	  AT(vary) },
	{ "smear", 0, OPTION_REAL, "SIGMA",
	  "compare with the truth plus noise of this level, the level at which samplers with "
	  "finish=none stop [0]",
	  AT(smear), .lo = 0, .hi = 1e3 },
	{ "blur", 0, OPTION_REAL, "SIGMA",
	  "add noise of this level to both laws before the KL is computed. Without it the KL of "
	  "samples comes from distances between neighbours, which give too small a KL for laws "
	  "that hardly overlap [0]",
	  AT(blur), .lo = 0, .hi = 1e3 },
	{ "chains", 0, OPTION_INTEGER, "N", "samples of each run [4096]", AT(chains), .lo = 16,
	  .hi = 1e6 },
	{ "coverage", 0, OPTION_FLAG, NULL,
	  "measure how often credible intervals cover the truth; each chain gets its own "
	  "measurement",
	  AT(coverage) },
	{ "seed", 0, OPTION_INTEGER, "N", "seed of all random numbers [0]", AT(seed), .lo = 0,
	  .hi = 1e15 },
	{ "output", 'o', OPTION_FILE, "FILE.tsv", "output file for the table [standard output]",
	  AT(output) },
	{ "svg", 0, OPTION_FILE, "FILE.svg", "output file for a plot", AT(svg) },
	{ "show", 0, OPTION_CHOICE, "MEASURE", "measure to plot [kl]", AT(show),
	  .choices = table_measures },
	{ "bound", 0, OPTION_FLAG, NULL, "also plot W_bias of each method", AT(bound) },
	{ "slopes", 0, OPTION_FLAG, NULL, "print the fitted slopes in the plot's legend",
	  AT(slopes) },
	{ "evaluations", 0, OPTION_FLAG, NULL, "plot against evaluations of the prior",
	  AT(evaluations) },
	{ "title", 0, OPTION_TEXT, "TEXT", "title of table and plot [the target]", AT(title) },
	{ "force", 'f', OPTION_FLAG, NULL, "replace existing files", AT(force) },
	{ "threads", 'j', OPTION_INTEGER, "N", "number of threads [all processors]", AT(threads),
	  .lo = 1, .hi = 1024 },
	{ "progress", 0, OPTION_FLAG, NULL, "show progress even if stderr is not a terminal",
	  AT(progress) },
	{ "quiet", 'q', OPTION_FLAG, NULL, "print errors only", AT(quiet) },
};

/* ---- what is varied ---------------------------------------------------------------------------------- */

enum { MOST_VALUES = 256 };

struct variation {
	char *text;	  /* owns name and values, which point into it */
	const char *name; /* NULL: nothing varies, there is one run */
	const char *values[MOST_VALUES];
	double numbers[MOST_VALUES];
	size_t count;
	int steps; /* --steps: passed to samplers without being named */
};

static int split_values(struct variation *v, char *list)
{
	char *rest, *word = strtok_r(list, ",", &rest);

	for (; word; word = strtok_r(NULL, ",", &rest)) {
		if (v->count == MOST_VALUES)
			return error_set(LACUNA_EINVAL, "--%s takes at most %d values",
					 v->steps ? "steps" : "vary", MOST_VALUES);
		if (!text_real(word, &v->numbers[v->count]))
			return error_set(LACUNA_EINVAL, "--%s: '%s' is not a number",
					 v->steps ? "steps" : "vary", word);
		v->values[v->count++] = word;
	}
	return v->count ? LACUNA_OK
			: error_set(LACUNA_EINVAL, "--%s needs values, separated by commas",
				    v->steps ? "steps" : "vary");
}

static int parse_variation(const struct values *o, struct variation *v)
{
	char *equals;

	*v = (struct variation){ .steps = o->steps != NULL };
	if (o->steps && o->vary)
		return error_set(LACUNA_EINVAL, "--steps and --vary cannot be combined; write "
						"steps={NAME} in the samplers");
	if (!o->steps && !o->vary) {
		v->count = 1;
		return LACUNA_OK;
	}
	v->text = memory_strdup(o->steps ? o->steps : o->vary);
	if (!v->text)
		return LACUNA_ENOMEM;
	if (o->steps) {
		v->name = "steps";
		return split_values(v, v->text);
	}
	equals = strchr(v->text, '=');
	if (!equals || equals == v->text)
		return error_set(LACUNA_EINVAL, "--vary takes NAME=V,V,..., not '%s'", o->vary);
	*equals = 0;
	v->name = v->text;
	return split_values(v, equals + 1);
}

/* Replaces every {name} by `value'; the result is for memory_release(). */
static char *substitute(const char *text, const char *name, const char *value)
{
	char *copy = memory_strdup(text), *longer, *at;
	const size_t n = name ? strlen(name) : 0;

	for (at = copy ? strchr(copy, '{') : NULL; at && name; at = at ? strchr(at, '{') : NULL) {
		const size_t before = (size_t)(at - copy);

		if (strncmp(at + 1, name, n) != 0 || at[n + 1] != '}') {
			at++;
			continue;
		}
		longer = text_format("%.*s%s%s", (int)before, copy, value, at + n + 2);
		memory_release(copy);
		copy = longer;
		at = copy ? copy + before + strlen(value) : NULL;
	}
	return copy;
}

static int mentions(const char *text, const char *name)
{
	const size_t n = strlen(name);

	for (const char *at = strchr(text, '{'); at; at = strchr(at + 1, '{'))
		if (!strncmp(at + 1, name, n) && at[n + 1] == '}')
			return 1;
	return 0;
}

/* A --vary that changes nothing is a mistake. */
static int check_variation(const struct values *o, const struct variation *v)
{
	int found = v->steps || !v->name || (o->prior && mentions(o->prior, v->name));

	for (size_t i = 0; !found && i < o->guidances.count; i++)
		found = mentions(o->guidances.items[i], v->name);
	for (size_t i = 0; !found && i < o->samplers.count; i++)
		found = mentions(o->samplers.items[i], v->name);
	return found ? LACUNA_OK
		     : error_set(LACUNA_EINVAL,
				 "--vary: no prior, guidance or sampler contains {%s}", v->name);
}

/* ---- methods ----------------------------------------------------------------------------------------- */

/* The plugin part of a word of -g or -s: "LABEL=NAME:key=value" or "NAME:key=value". */
static const char *spec_of(const char *word)
{
	const char *equals = strchr(word, '='), *colon = strchr(word, ':');

	return equals && (!colon || equals < colon) ? equals + 1 : word;
}

/* The name for the legend: the label; else the plugin's name, or the whole word if another has the same name. */
static char *label_of(const struct option_list *list, size_t index)
{
	const char *word = list->items[index], *spec = spec_of(word);
	const size_t n = strcspn(spec, ":");

	if (spec != word)
		return text_format("%.*s", (int)(spec - word - 1), word);
	for (size_t i = 0; i < list->count; i++) {
		const char *other = spec_of(list->items[i]);

		if (i != index && other == list->items[i] && strcspn(other, ":") == n &&
		    !strncmp(spec, other, n))
			return memory_strdup(spec);
	}
	return text_format("%.*s", (int)n, spec);
}

struct study {
	const struct values *o;
	struct variation variation;
	struct option_list guidances, samplers;
	size_t guided; /* how many samplers need a guidance */
	struct laboratory lab;
	struct plugin_use *operators;
	size_t operator_count;
	struct table table;
	struct outputs outputs;
	char target_file[64];
	int64_t round;
};

static char *curve_label(const struct study *s, size_t guidance, size_t sampler, int guided)
{
	char *g = label_of(&s->guidances, guidance), *k = label_of(&s->samplers, sampler);
	char *label = NULL;

	if (g && k) {
		if (!guided ||
		    (s->guidances.count == 1 && (s->samplers.count > 1 || !s->lab.measured)))
			label = memory_strdup(k);
		else if (s->guided == 1 && s->guidances.count > 1)
			label = memory_strdup(g);
		else
			label = text_format("%s, %s", g, k);
	}
	memory_release(g);
	memory_release(k);
	return label;
}

/* Parses the plugin of a word, with value number `index' inserted. */
static int parse_use(const struct study *s, int kind, const char *word, size_t index,
		     struct plugin_use *use)
{
	const struct variation *v = &s->variation;
	char *targeted = substitute(spec_of(word), "target", s->target_file);
	char *spec = targeted ? substitute(targeted, v->name, v->values[index]) : NULL;
	int status = spec ? LACUNA_OK : LACUNA_ENOMEM;

	if (!status && v->steps && kind == LACUNA_SAMPLER && !mentions(word, "steps")) {
		char *longer = text_format("%s%csteps=%s", spec, strchr(spec, ':') ? ',' : ':',
					   v->values[index]);

		memory_release(spec);
		spec = longer;
		status = spec ? LACUNA_OK : LACUNA_ENOMEM;
	}
	if (!status)
		status = use_parse(kind, spec, use);
	memory_release(spec);
	memory_release(targeted);
	return status;
}

struct uses {
	struct plugin_use prior, guidance, sampler;
};

static int parse_uses(const struct study *s, size_t guidance, size_t sampler, size_t index,
		      struct uses *u)
{
	const char *prior = s->o->prior ? s->o->prior : "gmm:file={target}";
	int status = parse_use(s, LACUNA_PRIOR, prior, index, &u->prior);

	if (!status)
		status = parse_use(s, LACUNA_GUIDANCE, s->guidances.items[guidance], index,
				   &u->guidance);
	if (!status)
		status = parse_use(s, LACUNA_SAMPLER, s->samplers.items[sampler], index,
				   &u->sampler);
	return status;
}

static void free_uses(struct uses *u)
{
	use_free(&u->prior);
	use_free(&u->guidance);
	use_free(&u->sampler);
}

static int is_guided(const struct plugin_use *sampler)
{
	return (sampler->plugin->u.sampler.needs & LACUNA_NEEDS_GUIDANCE) != 0;
}

/* ---- runs -------------------------------------------------------------------------------------------- */

static int run_point(struct study *s, const char *curve, const struct uses *u, size_t index)
{
	const struct method_use method = { &u->prior, is_guided(&u->sampler) ? &u->guidance : NULL,
					   &u->sampler };
	struct findings f;
	int status;

	progress_round(s->round++);
	status = s->o->coverage ? laboratory_cover(&s->lab, &method, &f)
				: laboratory_run(&s->lab, &method, &f);
	if (status)
		return error_context(status, "%s%s%s", curve, s->variation.name ? ", " : "",
				     s->variation.name ? s->variation.values[index] : "");
	if (!s->o->coverage && s->lab.target.count == 1 && !f.exact)
		log_message(LACUNA_LOG_WARN,
			    "%s%s%s: is not affine in its noise, so its exact law is not known; "
			    "the table is computed from %lld samples%s",
			    curve, s->variation.name ? ", " : "",
			    s->variation.name ? s->variation.values[index] : "",
			    (long long)s->o->chains,
			    isnan(f.kl) ? ", too few for KL (--chains)" : "");
	return table_add(&s->table, curve,
			 s->variation.name ? s->variation.numbers[index] : (double)f.steps, &f);
}

static int run_curve(struct study *s, size_t guidance, size_t sampler)
{
	char *label = NULL;
	int status = LACUNA_OK;

	for (size_t i = 0; !status && i < s->variation.count; i++) {
		struct uses u = { 0 };

		status = parse_uses(s, guidance, sampler, i, &u);
		/* A sampler without guidance runs once, however many guidances there are. */
		if (!status && guidance && !is_guided(&u.sampler)) {
			free_uses(&u);
			break;
		}
		if (!status && !label &&
		    !(label = curve_label(s, guidance, sampler, is_guided(&u.sampler))))
			status = LACUNA_ENOMEM;
		if (!status)
			status = run_point(s, label, &u, i);
		free_uses(&u);
	}
	memory_release(label);
	return status;
}

static int run_all(struct study *s)
{
	const int terminal = isatty(STDERR_FILENO);
	struct findings floor;
	int status = LACUNA_OK;

	progress_begin(s->o->progress || (terminal && !s->o->quiet),
		       (int64_t)(s->guidances.count * s->samplers.count * s->variation.count));
	for (size_t k = 0; !status && k < s->samplers.count; k++)
		for (size_t g = 0; !status && g < s->guidances.count; g++)
			status = run_curve(s, g, k);
	progress_end();
	if (status || s->o->coverage)
		return status;
	status = laboratory_floor(&s->lab, &floor);
	return status ? status : table_add(&s->table, table_floor, NAN, &floor);
}

/* ---- setting up -------------------------------------------------------------------------------------- */

/* Writes the target to a file, for the prior. */
static int write_target(struct study *s)
{
	const char *directory = getenv("TMPDIR");
	char *text = mixture_text(&s->lab.target);
	int fd, status = LACUNA_OK;
	FILE *f;

	if (!text)
		return LACUNA_ENOMEM;
	/* The file name becomes a parameter's value, which a comma would end. */
	if (!directory || strlen(directory) > 40 || strpbrk(directory, ",:"))
		directory = "/tmp";
	snprintf(s->target_file, sizeof s->target_file, "%s/lacuna-XXXXXX", directory);
	fd = mkstemp(s->target_file);
	f = fd < 0 ? NULL : fdopen(fd, "w");
	if (!f || fputs(text, f) < 0 || fflush(f))
		status = error_file_errno(s->target_file);
	if (f)
		fclose(f);
	if (fd < 0)
		s->target_file[0] = 0;
	memory_release(text);
	return status;
}

/* Defaults for lists that the user left empty. */
static void choose_methods(struct study *s)
{
	static const char *none[] = { "none" }, *ddpm[] = { "ddpm" };

	s->guidances = s->o->guidances.count ? s->o->guidances : (struct option_list){ none, 1 };
	s->samplers = s->o->samplers.count ? s->o->samplers : (struct option_list){ ddpm, 1 };
}

static int parse_operators(struct study *s)
{
	static const char *identity[] = { "identity" };
	const struct option_list nothing = { identity, 1 };
	const struct option_list *list = s->o->operators.count ? &s->o->operators : &nothing;

	s->operator_count = list->count;
	if (s->o->operators.count)
		return operators_parse(list, &s->operators);
	if (s->o->coverage)
		return error_set(LACUNA_EINVAL, "--coverage needs a measurement: --operator");
	for (size_t i = 0; i < s->guidances.count; i++)
		if (strcmp(spec_of(s->guidances.items[i]), "none") != 0)
			return error_set(LACUNA_EINVAL,
					 "guidance '%s' needs a measurement: --operator",
					 s->guidances.items[i]);
	return operators_parse(list, &s->operators);
}

/* Finds all errors in the options. */
static int parse_values(struct study *s)
{
	const struct values *o = s->o;
	int status = parse_variation(o, &s->variation);

	choose_methods(s);
	if (!status)
		status = check_variation(o, &s->variation);
	if (!status)
		status = parse_operators(s);
	if (!status)
		status = target_parse(o->target, &s->lab.target);
	if (status)
		return status;
	s->lab.operators = s->operators;
	s->lab.operator_count = s->operator_count;
	s->lab.measured = o->operators.count > 0;
	s->lab.noise = s->lab.measured ? o->noise : 1;
	s->lab.smear = o->smear;
	s->lab.blur = o->blur;
	s->lab.chains = o->chains;
	s->lab.seed = (uint64_t)o->seed;
	s->lab.progress = progress_step;
	status = laboratory_open(&s->lab, o->measurement);
	if (!status)
		status = write_target(s);
	if (!status)
		status = table_create(&s->table, o->title ? o->title : o->target,
				      s->variation.name ? s->variation.name : "steps");
	/* Finds a misspelt plugin before hours of work. */
	for (size_t k = 0; !status && k < s->samplers.count; k++)
		for (size_t g = 0; !status && g < s->guidances.count; g++) {
			struct uses u = { 0 };

			status = parse_uses(s, g, k, 0, &u);
			s->guided += !status && !g && is_guided(&u.sampler);
			free_uses(&u);
		}
	return status;
}

static void release(struct study *s)
{
	if (s->target_file[0])
		unlink(s->target_file);
	laboratory_close(&s->lab);
	operators_free(s->operators, s->operator_count);
	table_free(&s->table);
	outputs_free(&s->outputs);
	memory_release(s->variation.text);
}

/* ---- results ----------------------------------------------------------------------------------------- */

static int name_outputs(const struct values *o, struct outputs *outputs)
{
	const int force = o->force ? OUTPUT_FORCE : 0;
	int status = o->output ? outputs_name(outputs, o->output, force) : LACUNA_OK;

	if (!status && o->svg)
		status = outputs_name(outputs, o->svg, force);
	return status;
}

static int write_plot(const struct values *o, struct outputs *outputs, const struct table *tables,
		      size_t count)
{
	const struct plot_style style = { o->show, o->bound, o->slopes, o->evaluations };
	char *text;
	int status;

	if (!o->svg)
		return LACUNA_OK;
	text = plot_svg(tables, count, &style);
	status = text ? outputs_text(outputs, o->svg, text) : LACUNA_EINVAL;
	memory_release(text);
	return status;
}

static int write_table(struct study *s)
{
	char *text = table_text(&s->table);
	int status = text ? LACUNA_OK : LACUNA_ENOMEM;

	if (!status && s->o->output)
		status = outputs_text(&s->outputs, s->o->output, text);
	else if (!status)
		fputs(text, stdout);
	memory_release(text);
	return status;
}

/* Draws panels from existing tables. */
static int draw_tables(const struct command *c, const struct values *o, int count, char **paths)
{
	struct outputs outputs = { 0 };
	struct table *tables;
	int status;

	if (!o->svg)
		return misuse(c, "a table needs a plot to be drawn into: --svg FILE.svg");
	status = name_outputs(o, &outputs);
	tables = memory_alloc_array((size_t)count, sizeof *tables);
	if (!tables)
		status = LACUNA_ENOMEM;
	for (int i = 0; !status && i < count; i++)
		status = table_read(paths[i], &tables[i]);
	if (!status)
		status = write_plot(o, &outputs, tables, (size_t)count);
	if (!status)
		status = outputs_commit(&outputs);
	outputs_free(&outputs);
	for (int i = 0; tables && i < count; i++)
		table_free(&tables[i]);
	memory_release(tables);
	return status ? failure(NULL, status) : STATUS_DONE;
}

static int run(const struct command *c, const void *values, int count, char **operands)
{
	const struct values *o = values;
	struct study s = { .o = o };
	int status, result;

	verbosity_set(o->quiet ? 0 : 1);
	resources_set(o->threads, 0);
	if (count)
		return draw_tables(c, o, count, operands);
	status = parse_values(&s);
	if (status) {
		result = plugin_refused(c, status);
		goto out;
	}
	status = name_outputs(o, &s.outputs);
	if (!status)
		status = run_all(&s);
	if (!status)
		status = write_table(&s);
	if (!status)
		status = write_plot(o, &s.outputs, &s.table, 1);
	if (!status)
		status = outputs_commit(&s.outputs);
	result = status ? failure(NULL, status) : STATUS_DONE;
out:
	release(&s);
	return result;
}

const struct command command_study = {
	.name = "study",
	.operands = "[-t TARGET] [-A OPERATOR ...] [-n SIGMA] [-g GUIDANCE ...] [-s SAMPLER ...] "
		    "[--steps N,N,... | --vary NAME=V,V,...] [OPTION ...] | --svg FILE.svg "
		    "TABLE.tsv ...",
	.summary = "measure samplers where the posterior is known",
	.details =
		"Runs samplers and guidances on a target whose posterior is known in closed form, "
		"with thousands of chains at once. It measures how far their results are from the "
		"posterior: KL divergence, sliced Wasserstein-2 and Wasserstein-1 distance, errors "
		"of mean and covariance, the accumulated mismatch W_bias of the guidance, and the "
		"slopes of all these against the number of steps. For a Gaussian target, KL and "
		"moments are computed from the sampler's exact law, if the sampler is affine in "
		"its noise; otherwise a warning says so. For fewer than 1024 samples a dash stands "
		"for the KL. The table goes to standard output or --output, a plot to --svg.\n\n"
		"If you give tables as arguments, they are plotted, each in a panel, and nothing "
		"is run.",
	.rows = rows,
	.row_count = sizeof rows / sizeof *rows,
	.defaults = &defaults,
	.values_size = sizeof(struct values),
	.operands_max = -1,
	.run = run,
};
