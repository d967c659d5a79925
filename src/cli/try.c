/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* lacuna try: shows what a plugin does to a picture.  Simulates, restores and compares with the commands that a user would
 * type, each in its own process, so that a crash of the plugin is reported. */
#include <config.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/text.h"
#include "cli/cli.h"
#include "cli/picture.h"
#include "cli/report.h"
#include "plugin/host.h"
#include "plugin/loader.h"
#include "plugin/probe.h"

#include <errno.h>
#include <limits.h>
#include <math.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

struct values {
	const char *noise, *operator_spec, *method, *directory;
	int64_t size, seed;
};

static const struct values defaults = { .noise = "2/255",
					.operator_spec = "blur:sigma=1.5",
					.method = "fast",
					.size = 192,
					.seed = 1 };
static const char *const methods[] = { "fast", "best", "sample", NULL };

#define AT(field) .offset = offsetof(struct values, field)
static const struct option_row rows[] = {
	{ "operator", 'A', OPTION_PLUGIN, "OPERATOR",
	  "how the picture is degraded when the plugin is not an operator [blur:sigma=1.5]",
	  AT(operator_spec), .kind = LACUNA_OPERATOR },
	{ "noise", 'n', OPTION_TEXT, "SIGMA", "noise to add, as a part of full scale [2/255]",
	  AT(noise) },
	{ "method", 'm', OPTION_CHOICE, "METHOD",
	  "method as in restore: fast, best or sample [fast]", AT(method), .choices = methods },
	{ "size", 0, OPTION_INTEGER, "N",
	  "use the middle of the picture, N pixels wide and high; 0: all of it [192]", AT(size),
	  .lo = 0, .hi = 1e6 },
	{ "seed", 's', OPTION_INTEGER, "N", "seed of the noise [1]", AT(seed), .lo = 0,
	  .hi = 9007199254740992 },
	{ "output", 'o', OPTION_DIRECTORY, "DIR", "directory for the pictures [try-NAME]",
	  AT(directory) },
};

struct trial {
	const struct values *v;
	const char *picture;
	char *spec;
	int kind;
	char directory[PATH_MAX];
	char clean[PATH_MAX], degraded[PATH_MAX], restored[PATH_MAX], report[PATH_MAX];
};

/* ---- the picture */

static int cut_middle(int64_t size, struct image *image)
{
	struct lacuna_region middle = { { 0 }, { 0 } };
	struct image smaller = { 0 };
	int status;

	for (int d = 0; d < 4; d++)
		middle.extent[d] = image->shape.extent[d];
	for (int d = 0; d < 2; d++)
		if (size && size < middle.extent[d]) {
			middle.origin[d] = (middle.extent[d] - size) / 2;
			middle.extent[d] = size;
		}
	status = picture_crop(image, &middle, &smaller);
	if (!status) {
		image_free(image);
		*image = smaller;
	}
	return status;
}

static int write_clean(const struct trial *t)
{
	const struct image_write_options options = { .force = 1,
						     .software = "lacuna " PACKAGE_VERSION,
						     .as_private_as = t->picture };
	struct image_reader *in = NULL;
	struct image_writer *out = NULL;
	struct image image = { 0 };
	int status = image_reader_open(t->picture, &in);

	if (!status)
		status = image_reader_read(in, 0, &image);
	if (!status)
		status = cut_middle(t->v->size, &image);
	if (!status)
		status = image_writer_create(t->clean, &options, &out);
	if (!status)
		status = image_writer_add(out, in, 0, &image);
	if (!status) {
		status = image_writer_commit(out);
		out = NULL;
	}
	image_writer_abandon(out);
	image_reader_close(in);
	image_free(&image);
	return status;
}

/* ---- commands */

extern char **environ;

/* Prints the command, and runs it. */
static int run_self(const char *const *words)
{
	int ended = 0;
	pid_t child;

	printf("$ lacuna");
	for (size_t i = 1; words[i]; i++) {
		const int plain = !words[i][strcspn(words[i], " \t\"'$&|;<>()*?\\")];

		printf(plain ? " %s" : " '%s'", words[i]);
	}
	puts("");
	fflush(stdout);
	errno = posix_spawn(&child, "/proc/self/exe", NULL, NULL, (char **)(uintptr_t)words,
			    environ);
	if (errno)
		return error_set(LACUNA_EIO, "lacuna %s: %s", words[1], strerror(errno));
	while (waitpid(child, &ended, 0) < 0 && errno == EINTR)
		;
	if (WIFSIGNALED(ended))
		return error_set(LACUNA_EINVAL, "lacuna %s crashed (%s)", words[1],
				 strsignal(WTERMSIG(ended)));
	if (WEXITSTATUS(ended))
		return error_set(LACUNA_EINVAL, "lacuna %s failed; its message is above", words[1]);
	return LACUNA_OK;
}

static int simulate(const struct trial *t, const char *operator_spec)
{
	char *seed = text_format("%lld", (long long)t->v->seed);
	const char *const words[] = { "lacuna", "simulate",    t->clean, "-o",	      t->degraded,
				      "-A",	operator_spec, "-n",	 t->v->noise, "--seed",
				      seed,	"-f",	       NULL };
	const int status = seed ? run_self(words) : LACUNA_ENOMEM;

	memory_release(seed);
	return status;
}

static int restore(const struct trial *t, const char *operator_spec)
{
	static const char *const options[] = {
		[LACUNA_PRIOR] = "-p", [LACUNA_GUIDANCE] = "-g", [LACUNA_SAMPLER] = "-s"
	};
	const char *words[24] = { "lacuna", "restore",	   t->degraded, "-o",	       t->restored,
				  "-A",	    operator_spec, "-n",	t->v->noise,   "-f",
				  "-q",	    "--report",	   t->report,	"--reference", t->clean };
	size_t n = 15;

	if (t->kind == LACUNA_OPERATOR) {
		words[n++] = "-m";
		words[n++] = t->v->method;
	} else {
		words[n++] = options[t->kind];
		words[n++] = t->spec;
	}
	return run_self(words);
}

/* ---- what came out */

static double psnr(const json_t *page, const char *when)
{
	const json_t *value = json_object_get(json_object_get(page, when), "psnr");

	return json_is_number(value) ? json_number_value(value) : NAN;
}

/* There is no PSNR before restoration if y is not a picture of the size of x. */
static int tell(const struct trial *t)
{
	json_error_t error;
	json_t *report = json_load_file(t->report, 0, &error);
	const json_t *page = json_array_get(json_object_get(report, "pages"), 0);
	const double before = psnr(page, "before"), after = psnr(page, "after");

	if (!page || isnan(after)) {
		json_decref(report);
		return error_set(LACUNA_EINTERNAL, "%s: %s", t->report,
				 page ? "holds no PSNR" : "is not a report");
	}
	if (isnan(before))
		printf("degraded:            %s\n", t->degraded);
	else
		printf("degraded: %5.2f dB   %s\n", before, t->degraded);
	printf("restored: %5.2f dB   %s\n", after, t->restored);
	printf("original:            %s\n", t->clean);
	json_decref(report);
	return LACUNA_OK;
}

/* ---- the command */

static int prepare(struct trial *t)
{
	char *name = text_format("%.*s", (int)strcspn(t->spec, ":"), t->spec);
	struct plugin_use use;
	int status = name ? plugin_probe(t->kind, name) : LACUNA_ENOMEM;

	memory_release(name);
	if (!status)
		status = use_parse(t->kind, t->spec, &use);
	if (status)
		return status;
	t->kind = (int)use.plugin->head->kind;
	snprintf(t->directory, sizeof t->directory - 32, "%s%s", t->v->directory ? "" : "try-",
		 t->v->directory ? t->v->directory : use.plugin->head->name);
	use_free(&use);
	snprintf(t->clean, sizeof t->clean, "%.4000s/original.tif", t->directory);
	snprintf(t->degraded, sizeof t->degraded, "%.4000s/degraded.tif", t->directory);
	snprintf(t->restored, sizeof t->restored, "%.4000s/restored.tif", t->directory);
	snprintf(t->report, sizeof t->report, "%.4000s/report.json", t->directory);
	if (mkdir(t->directory, 0777) && errno != EEXIST)
		return error_set(LACUNA_EIO, "%s: %s", t->directory, strerror(errno));
	return LACUNA_OK;
}

static int try_plugin(struct trial *t)
{
	const char *operator_spec;
	int status = prepare(t);

	if (status)
		return status;
	operator_spec = t->kind == LACUNA_OPERATOR ? t->spec : t->v->operator_spec;
	status = write_clean(t);
	if (!status)
		status = simulate(t, operator_spec);
	if (!status)
		status = restore(t, operator_spec);
	return status ? status : tell(t);
}

/* NAME.so without a slash is a path, too. */
static char *path_spec(const char *spec)
{
	const size_t name = strcspn(spec, ":");
	const int bare =
		name > 3 && !memchr(spec, '/', name) && !strncmp(spec + name - 3, ".so", 3);

	return text_format("%s%s", bare ? "./" : "", spec);
}

static int run(const struct command *c, const void *values, int count, char **operands)
{
	struct trial t = { .v = values };
	int at = 0, status = LACUNA_OK;
	struct host_context context = { .owner = NULL };
	struct lacuna_host host;
	char sample[PATH_MAX];

	if (!strchr(operands[0], '/') && plugin_kind(operands[0])) {
		t.kind = plugin_kind(operands[0]);
		at = 1;
	}
	if (count == at || count > at + 2)
		return misuse(c, "give one plugin and at most one picture");
	t.spec = path_spec(operands[at]);
	if (!t.spec)
		return failure(NULL, LACUNA_ENOMEM);
	t.picture = sample;
	host_init(&host, &context);
	if (count == at + 2)
		t.picture = operands[at + 1];
	else
		status = host.data_path(&host, "samples/colosseum.tif", sample, sizeof sample);
	if (!status)
		status = try_plugin(&t);
	memory_release(t.spec);
	return status ? failure(NULL, status) : STATUS_DONE;
}

const struct command command_try = {
	.name = "try",
	.operands = "PLUGIN.so[:key=value,...] | FAMILY NAME[:key=value,...] [PICTURE.tif] "
		    "[OPTION ...]",
	.summary = "simulate, restore and compare with a plugin",
	.details = "Degrades a picture, restores it, and prints how close both are to the original "
		   "(PSNR).  It writes original.tif, degraded.tif and restored.tif to the "
		   "directory try-NAME and replaces them at the next run.  An operator degrades "
		   "the picture, and the method of --method restores it.  A prior, guidance or "
		   "sampler takes part in the restoration of a picture that --operator has "
		   "degraded.  Without a picture it uses the sample that ships with Lacuna.  It "
		   "prints its commands, so that you can continue from them.",
	.rows = rows,
	.row_count = sizeof rows / sizeof *rows,
	.defaults = &defaults,
	.values_size = sizeof(struct values),
	.operands_min = 1,
	.operands_max = 3,
	.run = run,
};
