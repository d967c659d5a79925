/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
#include <config.h>

#include "lab.h"

#include "base/error.h"
#include "base/memory.h"
#include "plugin/host.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- files */

enum { FILES = 32 };
static char directory[64], paths[FILES][128];
static int files;
static FILE *current;

void lab_bail(const char *what)
{
	printf("Bail out! %s: %s\n", what, error_text());
	exit(99);
}

static void remove_files(void)
{
	for (int i = 0; i < files; i++)
		unlink(paths[i]);
	rmdir(directory);
}

const char *lab_file_begin(const char *name)
{
	if (!directory[0]) {
		strcpy(directory, "/tmp/lacuna-test-XXXXXX");
		if (!mkdtemp(directory))
			lab_bail("no temporary directory");
		atexit(remove_files);
	}
	if (files == FILES)
		lab_bail("too many files");
	snprintf(paths[files], sizeof paths[files], "%s/%d-%s", directory, files, name);
	current = fopen(paths[files], "w");
	if (!current)
		lab_bail(paths[files]);
	return paths[files++];
}

void lab_print(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vfprintf(current, fmt, args);
	va_end(args);
}

void lab_file_end(void)
{
	if (fclose(current) != 0)
		lab_bail("cannot write a temporary file");
}

const char *lab_file(const char *name, const char *fmt, ...)
{
	const char *path = lab_file_begin(name);
	va_list args;

	va_start(args, fmt);
	vfprintf(current, fmt, args);
	va_end(args);
	lab_file_end();
	return path;
}

/* The program's image reader also reads TIFF; the tests write numbers, one row per line. */
static int read_matrix(const char *path, struct lacuna_shape *shape, float **values)
{
	FILE *file = fopen(path, "r");
	size_t count = 0, rows = 0, most = 1 << 20;
	int c;

	*values = memory_alloc(most * sizeof **values);
	if (!file || !*values)
		lab_bail(path);
	while (count < most && fscanf(file, "%f", *values + count) == 1) {
		count++;
		while ((c = fgetc(file)) == ' ')
			;
		if (c == '\n')
			rows++;
		else
			ungetc(c, file);
	}
	fclose(file);
	if (!rows || count % rows)
		lab_bail(path);
	*shape = (struct lacuna_shape){ { (int64_t)(count / rows), (int64_t)rows, 1, 1 } };
	return LACUNA_OK;
}

/* ---- the laboratory */

static void parse(int kind, const char *spec, struct plugin_use *use)
{
	if (use_parse(kind, spec, use))
		lab_bail(spec);
}

void lab_open(struct lab *lab, const struct lab_plan *plan)
{
	static const struct random_key noise_key = { 12345, 0, 0 };
	size_t missing;

	memset(lab, 0, sizeof *lab);
	host_install_reader(read_matrix);
	parse(LACUNA_OPERATOR, plan->op, &lab->op);
	parse(LACUNA_PRIOR, plan->prior, &lab->prior);
	if (plan->guidance)
		parse(LACUNA_GUIDANCE, plan->guidance, &lab->guidance);
	parse(LACUNA_SAMPLER, plan->sampler, &lab->sampler);
	if (problem_create(&lab->op, 1, 0, &plan->x, &lab->problem))
		lab_bail(plan->op);
	lab->y = memory_alloc_array(lacuna_count(problem_y(lab->problem)), sizeof *lab->y);
	if (!lab->y)
		lab_bail("memory");
	if (plan->scene &&
	    problem_simulate(lab->problem, plan->scene, plan->noise, noise_key, lab->y))
		lab_bail("simulate");
	for (size_t i = 0; !plan->scene && i < lacuna_count(problem_y(lab->problem)); i++)
		lab->y[i] = (float)plan->value;
	if (problem_measure(lab->problem, lab->y, plan->noise, &missing))
		lab_bail("measure");
	if (session_create(lab->problem, &lab->prior, plan->guidance ? &lab->guidance : NULL,
			   &lab->sampler, &plan->options, &lab->session))
		lab_bail("session");
}

void lab_run(struct lab *lab, uint32_t sample, float *x)
{
	if (session_run(lab->session, sample, x, NULL))
		lab_bail("run");
}

void lab_close(struct lab *lab)
{
	session_destroy(lab->session);
	problem_destroy(lab->problem);
	memory_release(lab->y);
	use_free(&lab->sampler);
	use_free(&lab->guidance);
	use_free(&lab->prior);
	use_free(&lab->op);
}
