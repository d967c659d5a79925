/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* lacuna new: makes the skeleton of a plugin, a directory that compiles and passes its test.
 *
 * The files come from data/templates.  Each source there is a whole plugin, whose name is replaced by the user's. */
#include <config.h>

#include "base/error.h"
#include "base/install.h"
#include "base/memory.h"
#include "base/text.h"
#include "cli/cli.h"
#include "plugin/host.h"
#include "plugin/loader.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct values {
	const char *language;
	int shape, fft, nonlinear;
};

static const struct values defaults = { .language = "c" };
static const char *const languages[] = { "c", "c++", "rust", "fortran", NULL };

#define AT(field) .offset = offsetof(struct values, field)
static const struct option_row rows[] = {
	{ "shape", 0, OPTION_FLAG, NULL,
	  "an operator whose y has another shape than x (blocks of pixels)", AT(shape) },
	{ "fft", 0, OPTION_FLAG, NULL, "an operator in the frequency domain, with its closed form",
	  AT(fft) },
	{ "nonlinear", 0, OPTION_FLAG, NULL, "an operator that is not linear (a tone curve)",
	  AT(nonlinear) },
	{ "language", 'l', OPTION_CHOICE, "LANGUAGE",
	  "c or c++; also rust or fortran for operators whose x and y have the same shape [c]; for "
	  "Python see lacuna help operator process",
	  AT(language), .choices = languages },
};

enum variant { PLAIN, SHAPE, FFT, NONLINEAR };

/* The template of a family: its plugin's name, parameters for its test. */
static const struct template
{
	int kind;
	enum variant variant;
	const char *stem, *tried;
}
templates[] = {
	{ LACUNA_OPERATOR, PLAIN, "smear", ":length=1 :length=4 :length=40" },
	{ LACUNA_OPERATOR, SHAPE, "bin", ":factor=1 :factor=3" },
	{ LACUNA_OPERATOR, FFT, "soften", ":sigma=0.3 :sigma=4" },
	{ LACUNA_OPERATOR, NONLINEAR, "tone", ":bend=0.1 :bend=5" },
	{ LACUNA_PRIOR, PLAIN, "lee", ":radius=1 :radius=6" },
	{ LACUNA_GUIDANCE, PLAIN, "ridge", ":spread=0.1" },
	{ LACUNA_SAMPLER, PLAIN, "ddim", ":eta=0 :eta=1" },
};

struct project {
	const char *name;
	const struct template *template;
	char source[80];
	const char *written[8]; /* file names, in the order written */
	int count;
};

/* ---- text */

static int read_file(const char *path, char **text)
{
	const int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	ssize_t n = -1;

	*text = NULL;
	if (fd >= 0 && !fstat(fd, &st) && (*text = memory_alloc((size_t)st.st_size + 1)))
		n = read(fd, *text, (size_t)st.st_size);
	if (fd >= 0)
		close(fd);
	if (n >= 0)
		return LACUNA_OK;
	memory_release(*text);
	*text = NULL;
	return error_set(LACUNA_EIO, "%s: %s", path, strerror(errno));
}

/* Reads a file of data/templates. */
static int read_template(const char *name, char **text)
{
	struct host_context context = { .owner = NULL };
	struct lacuna_host host;
	char path[PATH_MAX], relative[128];
	int status;

	host_init(&host, &context);
	snprintf(relative, sizeof relative, "templates/%s", name);
	status = host.data_path(&host, relative, path, sizeof path);
	*text = NULL;
	return status ? status : read_file(path, text);
}

/* Returns text with each `old' replaced, in new memory; releases text. */
static char *replace(char *text, const char *old, const char *new)
{
	const size_t length = strlen(old);
	size_t count = 0;
	char *result, *to;

	for (const char *p = text; p && (p = strstr(p, old)); p += length)
		count++;
	result = text ? memory_alloc(strlen(text) + count * strlen(new) + 1) : NULL;
	if (result) {
		const char *from = text, *next;

		for (to = result; (next = strstr(from, old)); from = next + length) {
			memcpy(to, from, (size_t)(next - from));
			to = stpcpy(to + (next - from), new);
		}
		strcpy(to, from);
	}
	memory_release(text);
	return result;
}

static char *adapt(char *text, const struct project *p)
{
	char old[72], new[72], packages[PATH_MAX];

	snprintf(old, sizeof old, "\"%s\"", p->template->stem);
	snprintf(new, sizeof new, "\"%s\"", p->name);
	text = replace(text, old, new);
	text = replace(text, "@NAME@", p->name);
	text = replace(text, "@FAMILY@", plugin_kind_name(p->template->kind));
	install_path(LACUNA_PKGCONFIG_DIR, packages, sizeof packages);
	text = replace(text, "@PKGCONFIGDIR@", packages);
	return replace(text, "@TRIED@", p->template->tried);
}

/* ---- files */

static int write_file(struct project *p, const char *name, mode_t mode, const char *text)
{
	char *path = text_format("%s/%s", p->name, name);
	const size_t size = strlen(text);
	int fd, status = LACUNA_OK;

	if (!path)
		return LACUNA_ENOMEM;
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
	if (fd >= 0)
		p->written[p->count++] = name;
	if (fd < 0 || write(fd, text, size) != (ssize_t)size)
		status = error_set(LACUNA_EIO, "%s: %s", path, strerror(errno));
	if (fd >= 0 && close(fd) && !status)
		status = error_set(LACUNA_EIO, "%s: %s", path, strerror(errno));
	memory_release(path);
	return status;
}

/* Writes the template `from', then `more' (or NULL), as the file `name' of the new directory. */
static int write_template(struct project *p, const char *from, const char *more, const char *name,
			  mode_t mode)
{
	char *text, *second = NULL, *whole = NULL;
	int status = read_template(from, &text);

	if (!status && more)
		status = read_template(more, &second);
	if (!status) {
		whole = text_format("%s%s", text, second ? second : "");
		whole = adapt(whole, p);
		status = whole ? write_file(p, name, mode, whole) : LACUNA_ENOMEM;
	}
	memory_release(whole);
	memory_release(second);
	memory_release(text);
	return status;
}

/* Removes what was written: it is useless without the rest. */
static void take_back(struct project *p)
{
	for (int i = 0; i < p->count; i++) {
		char path[PATH_MAX];

		snprintf(path, sizeof path, "%s/%s", p->name, p->written[i]);
		unlink(path);
	}
	rmdir(p->name);
}

static int write_source(struct project *p, const char *language)
{
	const char *stem = p->template->stem;
	const int cxx = !strcmp(language, "c++");
	char from[64], work[64];
	int status;

	snprintf(p->source, sizeof p->source, "%s.%s", p->name, cxx ? "cc" : "c");
	if (!strcmp(language, "rust") || !strcmp(language, "fortran")) {
		const char *suffix = *language == 'r' ? "rs" : "f90";

		snprintf(from, sizeof from, "%s-shell.c", stem);
		snprintf(work, sizeof work, "%s-work.%s", stem, suffix);
		status = write_template(p, from, NULL, p->source, 0666);
		if (!status)
			status = write_template(p, work, NULL,
						*suffix == 'r' ? "work.rs" : "work.f90", 0666);
		return status;
	}
	/* The other templates compile as both C and C++. */
	snprintf(from, sizeof from, "%s.%s", stem, cxx && !strcmp(stem, "smear") ? "cc" : "c");
	return write_template(p, from, NULL, p->source, 0666);
}

static int write_project(struct project *p, const char *language)
{
	char makefile[64];
	int status;

	if (mkdir(p->name, 0777))
		return error_set(LACUNA_EIO,
				 errno == EEXIST ? "%s exists; choose another name, or remove it"
						 : "%s cannot be created",
				 p->name);
	snprintf(makefile, sizeof makefile, "%s.mk", language);
	status = write_source(p, language);
	if (!status)
		status = write_template(p, makefile, "end.mk", "Makefile", 0666);
	if (!status)
		status = write_template(p, "test.sh", NULL, "test.sh", 0777);
	if (status)
		take_back(p);
	return status;
}

/* ---- the command */

static int valid(const char *name)
{
	const char *rest = name + strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-");

	return *name >= 'a' && *name <= 'z' && !*rest && strlen(name) <= 64;
}

struct clash {
	const char *name;
	int found;
};

static void compare(void *context, const struct plugin_file *file)
{
	struct clash *c = context;

	c->found |= file->place == PLACE_OWN && !strcmp(file->name, c->name);
}

static const struct template *choose(int kind, const struct values *v)
{
	const enum variant variant = v->shape	    ? SHAPE
				     : v->fft	    ? FFT
				     : v->nonlinear ? NONLINEAR
						    : PLAIN;

	for (size_t i = 0; i < sizeof templates / sizeof *templates; i++)
		if (templates[i].kind == kind && templates[i].variant == variant)
			return &templates[i];
	return NULL;
}

static void tell(const struct project *p)
{
	static const char *const what[] = { "the plugin: change it at the lines marked EDIT",
					    "what it computes", "make, make check, make install",
					    "what \"make check\" runs" };

	for (int i = 0; i < p->count; i++) {
		char path[256];
		/* Without a work file, skip the second description. */
		const int k = i == 0 || p->count == 4 ? i : i + 1;

		snprintf(path, sizeof path, "%s/%s", p->name, p->written[i]);
		printf("  %-28s %s\n", path, what[k]);
	}
	printf("Next:\n  cd %s && make check\n  lacuna try ./%s.so\n", p->name, p->name);
}

static int run(const struct command *c, const void *values, int count, char **operands)
{
	const struct values *v = values;
	const int kind = plugin_kind(operands[0]);
	struct project p = { .name = operands[1] };
	struct clash clash = { .name = operands[1] };
	int status;

	(void)count;
	if (!kind)
		return misuse(
			c,
			"unknown plugin family '%s' (one of: operator, prior, guidance, sampler)",
			operands[0]);
	if (!valid(p.name))
		return misuse(c,
			      "'%s' is not a valid plugin name; use small letters, digits and '-', "
			      "and begin with a letter",
			      p.name);
	if (v->shape + v->fft + v->nonlinear > 1)
		return misuse(c, "--shape, --fft and --nonlinear cannot be combined");
	p.template = choose(kind, v);
	if (!p.template)
		return misuse(c, "--shape, --fft and --nonlinear are only for operators");
	if (*v->language != 'c' && strcmp(p.template->stem, "smear") != 0)
		return misuse(c,
			      "--language %s is only for operators without --shape, --fft or "
			      "--nonlinear; use c or c++",
			      v->language);
	plugin_each_file(kind, compare, &clash);
	if (clash.found)
		return misuse(c, "Lacuna has %s \"%s\" itself; choose another name",
			      plugin_kind_name(kind), p.name);
	status = write_project(&p, v->language);
	if (status)
		return failure(NULL, status);
	tell(&p);
	return STATUS_DONE;
}

const struct command command_new = {
	.name = "new",
	.operands = "operator|prior|guidance|sampler NAME [OPTION ...]",
	.summary = "begin a plugin of your own",
	.details = "Creates the directory NAME with a plugin of that name.  The plugin compiles, "
		   "works and is explained line by line.  A Makefile and a test that passes are "
		   "beside it.  Change the plugin to what you need.  \"make check\" tells which "
		   "properties do not hold, \"lacuna try ./NAME.so\" restores a picture with it, "
		   "and \"make install\" puts it into your plugin directory, so that its name is "
		   "enough.  An existing directory is not changed.  The files are yours, under the "
		   "MIT licence.",
	.rows = rows,
	.row_count = sizeof rows / sizeof *rows,
	.defaults = &defaults,
	.values_size = sizeof(struct values),
	.operands_min = 2,
	.operands_max = 2,
	.run = run,
};
