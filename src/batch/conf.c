/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
#include <config.h>

#include "batch/conf.h"
#include "base/error.h"
#include "base/memory.h"
#include "base/text.h"

#include <lacuna/plugin.h>

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char conf_name[] = "lacuna.conf";

struct line {
	char *glob; /* or a file name of a table; NULL: all files */
	char *name, *value, *source;
	int group;
	int used; /* it held for a file */
};

/* A file of options; or a table, whose lines are sorted by file. */
struct source {
	char *directory;
	struct line *lines;
	size_t count, room;
	struct source *next;
};

struct conf {
	struct source *sources; /* of directories, the newest first */
	struct source *table;	/* or NULL */
	int groups;
};

/* ---- lines ------------------------------------------------------------------------------------------- */

static struct source *create_source(const char *directory)
{
	struct source *s = memory_alloc(sizeof *s);

	if (s)
		s->directory = memory_strdup(directory);
	if (s && !s->directory) {
		memory_release(s);
		s = NULL;
	}
	return s;
}

static void destroy_source(struct source *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < s->count; i++) {
		memory_release(s->lines[i].glob);
		memory_release(s->lines[i].name);
		memory_release(s->lines[i].value);
		memory_release(s->lines[i].source);
	}
	memory_release(s->lines);
	memory_release(s->directory);
	memory_release(s);
}

static int add_line(struct source *s, const char *path, long number, const char *glob,
		    const char *name, const char *value, int group)
{
	struct line *room = memory_grow(s->lines, s->count, 1, &s->room, sizeof *room), *l;

	if (!room)
		return LACUNA_ENOMEM;
	s->lines = room;
	l = &s->lines[s->count++];
	*l = (struct line){ .glob = glob ? memory_strdup(glob) : NULL,
			    .name = memory_strdup(name),
			    .value = memory_strdup(value),
			    .source = text_format("%s: line %ld", path, number),
			    .group = group };
	return l->name && l->value && l->source && (l->glob || !glob) ? LACUNA_OK : LACUNA_ENOMEM;
}

static char *trim(char *text)
{
	size_t n;

	while (isspace((unsigned char)*text))
		text++;
	n = strlen(text);
	while (n && isspace((unsigned char)text[n - 1]))
		text[--n] = 0;
	return text;
}

/* Some editors begin a file with this mark of UTF-8. */
static char *skip_mark(char *text)
{
	return strncmp(text, "\xef\xbb\xbf", 3) != 0 ? text : text + 3;
}

/* ---- lacuna.conf ------------------------------------------------------------------------------------- */

static int read_conf_line(struct conf *c, struct source *s, const char *path, long number,
			  char *text, char **glob)
{
	char *equals, *end = text + strlen(text);

	if (!*text || *text == '#')
		return LACUNA_OK;
	if (*text == '[') {
		if (end[-1] != ']' || end == text + 2)
			return error_set(LACUNA_EINVAL,
					 "%s: line %ld: a section must be a pattern of file names, "
					 "such as [scan-*.tif]",
					 path, number);
		end[-1] = 0;
		memory_release(*glob);
		*glob = memory_strdup(text + 1);
		c->groups++;
		return *glob ? LACUNA_OK : LACUNA_ENOMEM;
	}
	equals = strchr(text, '=');
	if (!equals)
		return error_file_set(LACUNA_EINVAL, path, "line %ld: expected OPTION = VALUE",
				      number);
	*equals = 0;
	return add_line(s, path, number, *glob, trim(text), trim(equals + 1), c->groups);
}

static int read_conf(struct conf *c, struct source *s, const char *path, FILE *f)
{
	char *text = NULL, *glob = NULL;
	size_t room = 0;
	long number = 0;
	int status = LACUNA_OK;

	c->groups++;
	while (!status && getline(&text, &room, f) >= 0) {
		char *line = number++ ? text : skip_mark(text);

		status = read_conf_line(c, s, path, number, trim(line), &glob);
	}
	if (!status && ferror(f))
		status = error_file_errno(path);
	free(text);
	memory_release(glob);
	return status;
}

/* Returns an empty source if there is no such file. */
static int load_directory(struct conf *c, const char *directory, struct source **result)
{
	struct source *s = create_source(directory);
	char *path = text_format("%s/%s", directory, conf_name);
	FILE *f = path ? fopen(path, "r") : NULL;
	int status = s && path ? LACUNA_OK : LACUNA_ENOMEM;

	if (!status && !f && errno != ENOENT && errno != ENOTDIR)
		status = error_file_errno(path);
	if (!status && f)
		status = read_conf(c, s, path, f);
	if (f)
		fclose(f);
	memory_release(path);
	if (status) {
		destroy_source(s);
		return status;
	}
	s->next = c->sources;
	c->sources = s;
	*result = s;
	return LACUNA_OK;
}

/* ---- tables ------------------------------------------------------------------------------------------ */

enum { COLUMNS_MOST = 32 };

/* Splits at tabs. */
static int split(char *text, char *cells[COLUMNS_MOST])
{
	int n = 0;

	for (char *rest = text; rest && n < COLUMNS_MOST; n++)
		cells[n] = trim(strsep(&rest, "\t"));
	return n;
}

static int read_row(struct conf *c, struct source *s, const char *path, long number,
		    char *const *header, int columns, char *text)
{
	char *cells[COLUMNS_MOST];
	const int n = split(text, cells);
	int status = LACUNA_OK;

	if (n > columns)
		return error_file_set(LACUNA_EINVAL, path,
				      "line %ld has %d columns, but the first line has %d", number,
				      n, columns);
	c->groups++;
	for (int i = 1; !status && i < n; i++)
		if (*cells[i])
			status =
				add_line(s, path, number, cells[0], header[i], cells[i], c->groups);
	return status;
}

static int by_file(const void *a, const void *b)
{
	const struct line *p = a, *q = b;
	const int order = strcmp(p->glob, q->glob);

	return order ? order : p->group - q->group;
}

static int read_table(struct conf *c, const char *path, FILE *f)
{
	char *first = NULL, *text = NULL, *header[COLUMNS_MOST];
	size_t first_room = 0, room = 0;
	long number = 1;
	int columns, status = LACUNA_OK;

	columns = getline(&first, &first_room, f) > 0 ? split(skip_mark(first), header) : 0;
	if (columns < 2 || strcmp(header[0], "file") != 0)
		status = error_set(LACUNA_EINVAL,
				   "%s: the first line must name the columns, separated by tabs: "
				   "\"file\", then options such as \"operator\" or \"noise\"",
				   path);
	while (!status && getline(&text, &room, f) > 0) {
		number++;
		if (*trim(text))
			status = read_row(c, c->table, path, number, header, columns, text);
	}
	if (!status && c->table->count)
		qsort(c->table->lines, c->table->count, sizeof *c->table->lines, by_file);
	free(first);
	free(text);
	return status;
}

static int load_table(struct conf *c, const char *path)
{
	const char *slash = strrchr(path, '/');
	char *directory = text_format("%.*s", slash ? (int)(slash - path) : 1, slash ? path : ".");
	FILE *f = fopen(path, "r");
	int status;

	if (!f) {
		memory_release(directory);
		return error_file_errno(path);
	}
	c->table = directory ? create_source(directory) : NULL;
	status = c->table ? read_table(c, path, f) : LACUNA_ENOMEM;
	memory_release(directory);
	fclose(f);
	return status;
}

int conf_create(const char *table, struct conf **result)
{
	struct conf *c = memory_alloc(sizeof *c);
	int status = c ? LACUNA_OK : LACUNA_ENOMEM;

	if (!status && table)
		status = load_table(c, table);
	if (status) {
		conf_destroy(c);
		return status;
	}
	*result = c;
	return LACUNA_OK;
}

void conf_destroy(struct conf *c)
{
	if (!c)
		return;
	while (c->sources) {
		struct source *s = c->sources;

		c->sources = s->next;
		destroy_source(s);
	}
	destroy_source(c->table);
	memory_release(c);
}

/* ---- the options of a file --------------------------------------------------------------------------- */

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* Replaces {stem} and {name}. */
static char *expand(const char *value, const char *file)
{
	const char *name = base_name(file), *dot = strrchr(name, '.');
	const int stem = dot && dot > name ? (int)(dot - name) : (int)strlen(name);
	char *text = memory_strdup(value), *at;

	while (text && ((at = strstr(text, "{stem}")) || (at = strstr(text, "{name}")))) {
		const int length = at[1] == 's' ? stem : (int)strlen(name);
		char *next;

		if (memchr(name, '{', (size_t)length)) /* it would be replaced again */
			break;
		next = text_format("%.*s%.*s%s", (int)(at - text), text, length, name, at + 6);
		memory_release(text);
		text = next;
	}
	return text;
}

struct visit {
	const struct tree_file *file;
	int (*visit)(void *context, const struct conf_option *);
	void *context;
};

static int visit_line(const struct visit *v, const struct source *s, struct line *l)
{
	char *value = expand(l->value, v->file->relative);
	const struct conf_option option = { l->name, value, l->source, s->directory, l->group };
	const int status = value ? v->visit(v->context, &option) : LACUNA_ENOMEM;

	memory_release(value);
	l->used = 1;
	return status;
}

/* A section is a pattern for paths below its directory. */
static int visit_source(const struct visit *v, const struct source *s)
{
	const size_t n = strlen(s->directory);
	const char *path = v->file->path;
	const char *below = strncmp(path, s->directory, n) != 0 ? path : path + n;
	int status = LACUNA_OK;

	while (*below == '/')
		below++;
	for (size_t i = 0; !status && i < s->count; i++)
		if (!s->lines[i].glob || tree_matches(s->lines[i].glob, below))
			status = visit_line(v, s, &s->lines[i]);
	return status;
}

/* Finds the first line of a table for a file. */
static size_t find_rows(const struct source *t, const char *file)
{
	size_t lo = 0, hi = t->count;

	while (lo < hi) {
		const size_t middle = lo + (hi - lo) / 2;

		if (strcmp(t->lines[middle].glob, file) < 0)
			lo = middle + 1;
		else
			hi = middle;
	}
	return lo;
}

static int visit_rows(const struct visit *v, const struct source *t, const char *file)
{
	int status = LACUNA_OK;

	for (size_t i = find_rows(t, file);
	     !status && i < t->count && !strcmp(t->lines[i].glob, file); i++)
		status = visit_line(v, t, &t->lines[i]);
	return status;
}

/* Finds the source of a directory among those loaded last, or loads it. */
static int find_source(struct conf *c, const char *directory, struct source **result)
{
	enum { LOOK_BACK = 64 };
	struct source *s = c->sources;

	for (int i = 0; s && i < LOOK_BACK && strcmp(s->directory, directory) != 0; i++)
		s = s->next;
	*result = s && !strcmp(s->directory, directory) ? s : NULL;
	return *result ? LACUNA_OK : load_directory(c, directory, result);
}

/* Visits directories from the one the user gave down to the file's own. */
static int visit_directories(struct conf *c, const struct visit *v)
{
	const char *path = v->file->path, *root = v->file->root;
	const char *slash = strrchr(path, '/');
	size_t at = *root ? strlen(root) : slash ? (size_t)(slash - path) : 0;
	int status = LACUNA_OK;

	while (at > 1 && path[at - 1] == '/')
		at--;
	while (!status) {
		char *directory = at ? text_format("%.*s", (int)at, path) : memory_strdup(".");
		struct source *s = NULL;
		const char *next;

		status = directory ? find_source(c, directory, &s) : LACUNA_ENOMEM;
		memory_release(directory);
		if (!status)
			status = visit_source(v, s);
		while (path[at] == '/')
			at++;
		next = strchr(path + at, '/');
		if (!next || !slash || next > slash || at == 0)
			break;
		at = (size_t)(next - path);
	}
	return status;
}

int conf_visit(struct conf *c, const struct tree_file *file,
	       int (*visit)(void *context, const struct conf_option *), void *context)
{
	const struct visit v = { file, visit, context };
	const char *name = base_name(file->relative);
	int status = visit_directories(c, &v);

	if (!status && c->table && strcmp(name, file->relative) != 0)
		status = visit_rows(&v, c->table, name);
	return status || !c->table ? status : visit_rows(&v, c->table, file->relative);
}

static void count_unused(const struct source *s, size_t *count, const struct line **first)
{
	int group = -1;

	for (size_t i = 0; i < s->count; i++) {
		const struct line *l = &s->lines[i];

		if (l->used || l->group == group)
			continue;
		group = l->group;
		if (!*first || l->group < (*first)->group)
			*first = l;
		++*count;
	}
}

size_t conf_unused(const struct conf *c, const char **source, const char **name)
{
	const struct line *first = NULL;
	size_t count = 0;

	for (const struct source *s = c->sources; s; s = s->next)
		count_unused(s, &count, &first);
	if (c->table)
		count_unused(c->table, &count, &first);
	*source = first ? first->source : NULL;
	*name = first ? first->glob : NULL;
	return count;
}
