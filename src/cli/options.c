/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Option tables: parsing with getopt_long(), help, manual page. */
#include <config.h>

#include "cli/options.h"
#include "base/error.h"
#include "base/memory.h"
#include "base/text.h"
#include "cli/cli.h"

#include <ctype.h>
#include <getopt.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { HELP_COLUMN = 26, LINE_WIDTH = 79 };

/* Rows of every command; their offset is unused. */
static const struct option_row common_rows[] = {
	{ .name = "help", .letter = 'h', .type = OPTION_FLAG, .help = "print this help and exit" },
	{ .name = "version", .type = OPTION_FLAG, .help = "print the version and exit" },
};

const struct option_row *options_row(const struct command *c, size_t index)
{
	const size_t common = sizeof common_rows / sizeof(common_rows)[0];
	const size_t shared = c->shared ? *c->shared_count : 0;

	if (index < shared)
		return &c->shared[index];
	index -= shared;
	if (index < c->row_count)
		return &c->rows[index];
	index -= c->row_count;
	return index < common ? &common_rows[index] : NULL;
}

static size_t count_rows(const struct command *c)
{
	size_t n = 0;

	while (options_row(c, n))
		n++;
	return n;
}

/* ---- values ------------------------------------------------------------------------------------------ */

static int append(struct option_list *list, const char *item)
{
	const char **items = memory_alloc_array(list->count + 1, sizeof *items);

	if (!items)
		return LACUNA_ENOMEM;
	for (size_t i = 0; i < list->count; i++)
		items[i] = list->items[i];
	items[list->count] = item;
	memory_release(list->items);
	list->items = items;
	list->count++;
	return LACUNA_OK;
}

static int parse_size(const char *text, uint64_t *bytes)
{
	static const char units[] = "kmgt";
	char *end;
	double value = strtod(text, &end), scale = 1;
	const char *unit = *end ? strchr(units, tolower((unsigned char)*end)) : NULL;

	if (end == text)
		return 0;
	if (unit) {
		for (const char *p = units; p <= unit; p++)
			scale *= 1024;
		end++;
		if (*end == 'i')
			end++;
	}
	if (*end == 'B')
		end++;
	value *= scale;
	if (*end || !(value >= 1 && value < 0x1p62))
		return 0;
	*bytes = (uint64_t)value;
	return 1;
}

static int set_size(const struct option_row *row, const char *text, uint64_t *bytes)
{
	const size_t digits = strspn(text, "0123456789.");

	if (!parse_size(text, bytes))
		return error_set(LACUNA_EINVAL, "--%s takes a size such as 512M or 4G, not '%s'",
				 row->name, text);
	if (!text[digits] && *bytes < 1048576)
		return error_set(LACUNA_EINVAL, "--%s %s means %s bytes; write %sM or %sG for more",
				 row->name, text, text, text, text);
	return LACUNA_OK;
}

static int set_choice(const struct option_row *row, const char *text, const char **value)
{
	char names[256] = "";
	const char *near;

	for (const char *const *p = row->choices; *p; p++) {
		if (!strcmp(*p, text)) {
			*value = *p;
			return LACUNA_OK;
		}
		snprintf(names + strlen(names), sizeof names - strlen(names), "%s%s",
			 p == row->choices ? "" : ", ", *p);
	}
	near = text_nearest(text, row->choices);
	return error_set(LACUNA_EINVAL, "--%s is one of %s, not '%s'%s%s%s", row->name, names, text,
			 near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
}

static int set_integer(const struct option_row *row, const char *text, int64_t *value)
{
	if (!text_integer(text, value) || (double)*value < row->lo || (double)*value > row->hi)
		return error_set(LACUNA_EINVAL,
				 "--%s takes a whole number from %.0f to %.0f, not '%s'", row->name,
				 row->lo, row->hi, text);
	return LACUNA_OK;
}

static int set_real(const struct option_row *row, const char *text, double *value)
{
	if (!text_real(text, value) || !(*value >= row->lo && *value <= row->hi))
		return error_set(LACUNA_EINVAL, "--%s takes a number from %g to %g, not '%s'",
				 row->name, row->lo, row->hi, text);
	return LACUNA_OK;
}

/* text is NULL for flags. */
static int set_value(const struct option_row *row, void *values, const char *text)
{
	void *field = (char *)values + row->offset;

	if (text && !*text)
		return error_set(LACUNA_EINVAL, "--%s needs a value (%s)", row->name,
				 row->argument);
	switch (row->type) {
	case OPTION_FLAG:
		*(int *)field = 1;
		return LACUNA_OK;
	case OPTION_CHOICE:
		return set_choice(row, text, field);
	case OPTION_PLUGINS:
	case OPTION_LIST:
		return append(field, text);
	case OPTION_INTEGER:
		return set_integer(row, text, field);
	case OPTION_REAL:
		return set_real(row, text, field);
	case OPTION_SIZE:
		return set_size(row, text, field);
	default:
		*(const char **)field = text;
		return LACUNA_OK;
	}
}

static int set_flag(const struct option_row *row, void *values, const char *text)
{
	const int yes = !strcmp(text, "yes");

	if (!yes && strcmp(text, "no") != 0)
		return error_set(LACUNA_EINVAL, "%s is yes or no, not '%s'", row->name, text);
	*(int *)((char *)values + row->offset) = yes;
	return LACUNA_OK;
}

int options_set(const struct option_row *given, size_t count, const char *name, const char *text,
		void *values)
{
	const char **names = memory_alloc_array(count + 1, sizeof *names);
	const char *near;
	int status;

	if (!names)
		return LACUNA_ENOMEM;
	for (size_t i = 0; i < count; i++) {
		names[i] = given[i].name;
		if (strcmp(name, given[i].name) != 0)
			continue;
		memory_release(names);
		return given[i].type == OPTION_FLAG ? set_flag(&given[i], values, text)
						    : set_value(&given[i], values, text);
	}
	near = text_nearest(name, names);
	status = error_set(LACUNA_EINVAL, "unknown option '%s'%s%s%s", name,
			   near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
	memory_release(names);
	return status;
}

static void free_values(const struct command *c, void *values)
{
	const struct option_row *row;

	for (size_t i = 0; values && (row = options_row(c, i)); i++)
		if (row->type == OPTION_PLUGINS || row->type == OPTION_LIST)
			memory_release(
				((struct option_list *)((char *)values + row->offset))->items);
	memory_release(values);
}

/* ---- parsing ----------------------------------------------------------------------------------------- */

/* Tables for getopt, made from the rows. */
struct getopt_tables {
	struct option *longs;
	char *shorts;
	unsigned char *given; /* per row: the option was given */
};

static int build_tables(const struct command *c, struct getopt_tables *t)
{
	const size_t n = count_rows(c);
	char *p;

	t->longs = memory_alloc_array(n + 1, sizeof *t->longs);
	t->shorts = memory_alloc_array(n + 1, 2);
	t->given = memory_alloc_array(n, 1);
	if (!t->longs || !t->shorts || !t->given)
		return LACUNA_ENOMEM;
	p = t->shorts;
	*p++ = ':'; /* tells a missing argument from an unknown option */
	for (size_t i = 0; i < n; i++) {
		const struct option_row *row = options_row(c, i);

		t->longs[i].name = row->name;
		t->longs[i].has_arg = row->type == OPTION_FLAG ? no_argument : required_argument;
		t->longs[i].val = row->letter;
		if (row->letter) {
			*p++ = (char)row->letter;
			if (row->type != OPTION_FLAG)
				*p++ = ':';
		}
	}
	return LACUNA_OK;
}

static const struct option_row *find_letter(const struct command *c, int letter)
{
	const struct option_row *row;

	for (size_t i = 0; (row = options_row(c, i)); i++)
		if (row->letter == letter)
			return row;
	return NULL;
}

/* The long option nearest to `word' (with or without dashes and "=value"), or NULL. */
static const char *nearest_option(const struct command *c, const char *word)
{
	const size_t n = count_rows(c);
	const char **names = memory_alloc_array(n + 1, sizeof *names), *near = NULL;
	char bare[64];

	word += strspn(word, "-");
	snprintf(bare, sizeof bare, "%.*s", (int)strcspn(word, "="), word);
	if (names) {
		for (size_t i = 0; i < n; i++)
			names[i] = options_row(c, i)->name;
		near = text_nearest(bare, names);
	}
	memory_release(names);
	return near;
}

static int refuse_option(const struct command *c, int code, char **argv)
{
	const char *word = argv[optind - 1];
	const struct option_row *row = optopt ? find_letter(c, optopt) : NULL;
	const char *near;

	if (code == ':')
		return misuse(c, "option '%s' needs a value%s%s%s", word, row ? " (" : "",
			      row ? row->argument : "", row ? ")" : "");
	if (row)
		return misuse(c, "option '--%s' takes no value", row->name);
	if (optopt)
		return misuse(c, "unknown option '-%c'", optopt);
	near = nearest_option(c, word);
	return misuse(c, "unknown or ambiguous option '%s'%s%s%s", word,
		      near ? "; did you mean '--" : "", near ? near : "", near ? "'?" : "");
}

static size_t row_index(const struct command *c, const struct option_row *row)
{
	size_t i = 0;

	while (options_row(c, i) != row)
		i++;
	return i;
}

/* One of two values would be ignored. */
static int refuse_second(const struct option_row *row, unsigned char *given)
{
	if (*given && row->type != OPTION_FLAG && row->type != OPTION_PLUGINS &&
	    row->type != OPTION_LIST)
		return error_set(LACUNA_EINVAL, "--%s is given twice", row->name);
	*given = 1;
	return LACUNA_OK;
}

/* Returns 0 to go on, 1 when --help or --version was answered, else a negated exit status. */
static int parse(const struct command *c, int argc, char **argv, void *values)
{
	struct getopt_tables tables = { NULL, NULL, NULL };
	int code, at = 0, result = 0;

	if (build_tables(c, &tables)) {
		result = -failure(NULL, LACUNA_ENOMEM);
		goto out;
	}
	opterr = 0;
	optind = 1;
	while ((code = getopt_long(argc, argv, tables.shorts, tables.longs, &at)) != -1) {
		const struct option_row *row;

		if (code == '?' || code == ':') {
			result = -refuse_option(c, code, argv);
			goto out;
		}
		row = code ? find_letter(c, code) : options_row(c, (size_t)at);
		if (!strcmp(row->name, "help")) {
			options_print_help(c, stdout);
			result = 1;
			goto out;
		}
		if (!strcmp(row->name, "version")) {
			printf("lacuna %s\n", PACKAGE_VERSION);
			result = 1;
			goto out;
		}
		if (refuse_second(row, &tables.given[row_index(c, row)]) ||
		    set_value(row, values, optarg)) {
			result = -misuse(c, "%s", error_text());
			goto out;
		}
	}
out:
	memory_release(tables.longs);
	memory_release(tables.shorts);
	memory_release(tables.given);
	return result;
}

int options_run(const struct command *c, int argc, char **argv)
{
	void *values = memory_alloc(c->values_size ? c->values_size : 1);
	int status;

	if (!values)
		return failure(NULL, LACUNA_ENOMEM);
	if (c->defaults)
		memcpy(values, c->defaults, c->values_size);
	if (c->raw) {
		status = c->run(c, values, argc - 1, argv + 1);
		goto out;
	}
	status = parse(c, argc, argv, values);
	if (status) {
		status = status > 0 ? STATUS_DONE : -status;
		goto out;
	}
	argc -= optind;
	argv += optind;
	if (argc < c->operands_min)
		status = misuse(c, "%s is missing; usage: lacuna %s %s",
				argc ? "an argument" : "the input", c->name, c->operands);
	else if (c->operands_max >= 0 && argc > c->operands_max)
		status = misuse(c, "unexpected argument '%s'", argv[c->operands_max]);
	else
		status = c->run(c, values, argc, argv);
out:
	free_values(c, values);
	return status;
}

/* ---- help -------------------------------------------------------------------------------------------- */

static void newline(FILE *f, int indent)
{
	fputc('\n', f);
	for (int i = 0; i < indent; i++)
		fputc(' ', f);
}

/* The length of the next word; a short "[-n SIGMA]" counts as one word. */
static int word_length(const char *text)
{
	const int length = (int)strcspn(text, " \n");
	const char *close = *text == '[' ? strchr(text, ']') : NULL;

	return close && close - text > length && close - text < 24 ? (int)(close - text) + 1
								   : length;
}

void options_wrap(FILE *f, const char *text, int indent, int column)
{
	int first = 1;

	for (; column < indent; column++)
		fputc(' ', f);
	while (*text) {
		const int length = word_length(text);

		if (!first && column + 1 + length > LINE_WIDTH) {
			newline(f, indent);
			column = indent;
			first = 1;
		}
		if (length) {
			fprintf(f, "%s%.*s", first ? "" : " ", length, text);
			column += length + !first;
			first = 0;
		}
		text += length;
		if (*text == '\n') {
			/* A line after a blank one starts a paragraph.  Lines have no trailing blanks. */
			if (text[1] == '\n')
				fputc('\n', f);
			newline(f, text[1] == '\n' ? 0 : indent);
			text += strspn(text, "\n");
			for (column = 0; column < indent; column++)
				fputc(' ', f);
			first = 1;
		} else if (*text) {
			text++;
		}
	}
	fputc('\n', f);
}

static void print_row(const struct option_row *row, FILE *f)
{
	int column = row->letter ? fprintf(f, "  -%c, --%s", row->letter, row->name)
				 : fprintf(f, "      --%s", row->name);

	if (row->argument)
		column += fprintf(f, " %s", row->argument);
	if (column > HELP_COLUMN - 2) {
		fputc('\n', f);
		column = 0;
	}
	options_wrap(f, row->help, HELP_COLUMN, column);
}

void options_print_help(const struct command *c, FILE *f)
{
	const int column = fprintf(f, "Usage: lacuna %s", c->name);

	fputc(' ', f);
	options_wrap(f, c->operands, 8, column + 1);
	fputc('\n', f);
	if (c->details) {
		options_wrap(f, c->details, 0, 0);
		fputc('\n', f);
	}
	fputs("Options:\n", f);
	for (size_t i = 0; options_row(c, i); i++)
		print_row(options_row(c, i), f);
}

/* ---- manual ------------------------------------------------------------------------------------------ */

/* Prints one word; escapes backslashes and leading control characters. */
static void print_roff_word(const char *word, int length, int column, FILE *f)
{
	if (!column && (*word == '.' || *word == '\''))
		fputs("\\&", f);
	for (int i = 0; i < length; i++)
		fputs(word[i] == '\\' ? "\\e" : (char[]){ word[i], 0 }, f);
}

void options_roff(const char *text, FILE *f)
{
	int column = 0;

	while (*text) {
		const int length = (int)strcspn(text, " \n"),
			  blanks = (int)strspn(text + length, " ");
		const int sentence = blanks && length && strchr(".?!", text[length - 1]);

		if (column && column + 1 + length > LINE_WIDTH - 1) {
			fputc('\n', f);
			column = 0;
		}
		if (length && column)
			column += fprintf(f, " ");
		print_roff_word(text, length, column, f);
		column += length;
		text += length + blanks;
		if (*text == '\n' || sentence) {
			fputs(text[0] == '\n' && text[1] == '\n' ? "\n.Pp\n" : "\n", f);
			text += strspn(text, "\n");
			column = 0;
		}
	}
	if (column)
		fputc('\n', f);
}

void options_print_man(const struct command *c, FILE *f)
{
	const struct option_row *row;

	fputs(".Bl -tag -width Ds\n", f);
	for (size_t i = 0; (row = options_row(c, i)); i++) {
		fputs(".It ", f);
		if (row->letter)
			fprintf(f, "Fl %c , ", row->letter);
		fprintf(f, "Fl \\-%s", row->name);
		if (row->argument)
			fprintf(f, " Ar %s", row->argument);
		fputc('\n', f);
		options_roff(row->help, f);
	}
	fputs(".El\n", f);
}
