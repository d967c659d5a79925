/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Options of a command: one row of a table drives parsing, --help, the manual page and completion. */
#ifndef CLI_OPTIONS_H
#define CLI_OPTIONS_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* The type of the value, which decides the C type of the field at `offset'. */
enum option_type {
	OPTION_FLAG, /* int: 1 when given */
	OPTION_TEXT, /* const char * */
	OPTION_FILE, /* const char * */
	OPTION_DIRECTORY,
	OPTION_CHOICE,	/* const char *, one of choices */
	OPTION_PLUGIN,	/* const char *: NAME[:key=value,...]; kind says of which family */
	OPTION_PLUGINS, /* struct option_list: the same, may be repeated */
	OPTION_LIST,	/* struct option_list of texts, may be repeated */
	OPTION_INTEGER, /* int64_t, lo..hi */
	OPTION_REAL,	/* double, lo..hi */
	OPTION_SIZE	/* uint64_t, bytes: 4G, 512M */
};

struct option_row {
	const char *name;
	int letter; /* 0: none */
	enum option_type type;
	const char *argument; /* as shown by help; NULL for flags */
	const char *help;     /* one line, no full stop */
	size_t offset;
	double lo, hi;
	const char *const *choices; /* NULL-terminated */
	int kind;		    /* LACUNA_OPERATOR, ... */
};

struct option_list {
	const char **items;
	size_t count;
};

struct command {
	const char *name;
	const char *operands; /* "IN.tif -o OUT.tif ..." */
	const char *summary;  /* one line, no full stop */
	const char *details;  /* paragraphs for help, or NULL */
	/* Rows shared by several commands, for a structure at the start of their values; or NULL. */
	const struct option_row *shared;
	const size_t *shared_count;
	const struct option_row *rows;
	size_t row_count;
	const void *defaults; /* a structure of values_size bytes */
	size_t values_size;
	int operands_min, operands_max; /* max < 0: any number */
	int raw;			/* arguments are passed on unchanged, after "--" */
	int (*run)(const struct command *, const void *values, int count, char **operands);
};

/* Parses argv[1..] and runs the command.  All commands have --help and --version.  Returns the exit status. */
int options_run(const struct command *, int argc, char **argv);

/* Sets one option from a configuration: name without dashes, flags as yes or no.  A list keeps its earlier items. */
int options_set(const struct option_row *rows, size_t count, const char *name, const char *text,
		void *values);

/* Row number `index', rows common to all commands included; NULL after the last. */
const struct option_row *options_row(const struct command *, size_t index);

void options_print_help(const struct command *, FILE *);
/* Prints the OPTIONS section of the manual page. */
void options_print_man(const struct command *, FILE *);

/* Prints paragraphs wrapped to 79 columns, each line after `indent' spaces; the first starts at column `column'. */
void options_wrap(FILE *, const char *text, int indent, int column);
/* Prints text as mdoc(7), one sentence per line; an empty line starts a paragraph. */
void options_roff(const char *text, FILE *);

#endif
