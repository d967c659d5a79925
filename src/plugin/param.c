/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
#include <config.h>

#include "plugin/param.h"

#include "base/error.h"
#include "base/memory.h"
#include "base/numbers.h"
#include "base/text.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

const struct lacuna_param *param_row(const struct lacuna_plugin *head, uint32_t index)
{
	if (index >= head->param_count)
		return NULL;
	/* A newer plugin's rows may be longer than ours: use the plugin's row size. */
	return (const void *)((const char *)head->params + (size_t)index * head->param_size);
}

/* '-' and '_' are the same: "sigma-max" on the command line is the field sigma_max. */
static int same_name(const char *a, const char *b)
{
	for (; *a && *b; a++, b++)
		if (*a != *b && !((*a == '-' || *a == '_') && (*b == '-' || *b == '_')))
			return 0;
	return *a == *b;
}

const struct lacuna_param *param_find(const struct lacuna_plugin *head, const char *name)
{
	uint32_t i;

	for (i = 0; i < head->param_count; i++)
		if (same_name(param_row(head, i)->name, name))
			return param_row(head, i);
	return NULL;
}

/* ---- the table itself */

static size_t field_size(const struct lacuna_param *row)
{
	switch (row->type) {
	case LACUNA_REAL:
		return sizeof(double);
	case LACUNA_LIST:
		return sizeof(struct lacuna_list);
	case LACUNA_TEXT:
	case LACUNA_PATH:
		return sizeof(const char *);
	default:
		return sizeof(int64_t);
	}
}

static size_t field_alignment(const struct lacuna_param *row)
{
	return row->type == LACUNA_LIST ? _Alignof(struct lacuna_list) : field_size(row);
}

static int choice_count(const struct lacuna_param *row)
{
	int n = 0;

	while (row->choices && row->choices[n])
		n++;
	return n;
}

/* The row named before the '=' of a condition. */
static const struct lacuna_param *condition_row(const struct lacuna_plugin *head,
						const char *condition)
{
	const size_t length = strcspn(condition, "=");
	uint32_t i;

	for (i = 0; i < head->param_count; i++) {
		const struct lacuna_param *row = param_row(head, i);

		if (strlen(row->name) == length && !strncmp(row->name, condition, length))
			return row;
	}
	return NULL;
}

/* For numbers and choices `text' is a condition; see struct lacuna_param. */
static int has_condition(const struct lacuna_param *row)
{
	return row->type <= LACUNA_CHOICE && row->text;
}

/* Overlapping rows would overwrite each other's values. */
static int overlaps(const struct lacuna_plugin *head, const struct lacuna_param *row)
{
	uint32_t i;

	for (i = 0; param_row(head, i) != row; i++) {
		const struct lacuna_param *other = param_row(head, i);

		if (row->offset < other->offset + field_size(other) &&
		    other->offset < row->offset + field_size(row))
			return 1;
	}
	return 0;
}

static int plain(const char *text)
{
	return !text || text_plain(text, "");
}

static int plain_row(const struct lacuna_param *row)
{
	int i, choices = row->type == LACUNA_CHOICE ? choice_count(row) : 0;

	for (i = 0; i < choices; i++)
		if (!plain(row->choices[i]))
			return 0;
	return plain(row->help) && plain(row->unit) && plain(row->text);
}

static int bad_value(const struct lacuna_param *row, const char *value)
{
	char range[256];

	param_range(row, range, sizeof range);
	return error_set(LACUNA_EINVAL, "%s=%s is not allowed; %s takes %s", row->name, value,
			 row->name, range);
}

/* On success, release *list with numbers_free(). */
static int read_list(const struct lacuna_param *row, const char *text, struct lacuna_list *list)
{
	int status = numbers_parse(text ? text : "", list);

	if (status)
		return status == LACUNA_EINVAL ? bad_value(row, text) : status;
	if (list->count && !list->columns)
		status = error_set(LACUNA_EINVAL,
				   "%s=%s: its rows have different lengths; give each row as many "
				   "numbers",
				   row->name, text);
	for (int64_t i = 0; i < list->count && !status; i++)
		if (list->values[i] < row->lo || list->values[i] > row->hi)
			status = bad_value(row, text);
	if (status)
		numbers_free(list);
	return status;
}

static int good_list(const struct lacuna_param *row, const char *text)
{
	struct lacuna_list list;

	if (read_list(row, text, &list))
		return 0;
	numbers_free(&list);
	return 1;
}

static const char *row_fault(const struct lacuna_plugin *head, const struct lacuna_param *row)
{
	const char *p;

	if (!row->name || !islower((unsigned char)row->name[0]) || !row->help)
		return "needs a help text, and a name that begins with a small letter";
	for (p = row->name; *p; p++)
		if (!islower((unsigned char)*p) && !isdigit((unsigned char)*p) && *p != '_')
			return "must have a name of the form [a-z][a-z0-9_]*";
	if (row->type < LACUNA_BOOL || row->type > LACUNA_LIST)
		return "has an unknown type";
	if (row->offset % field_alignment(row) || row->offset > head->config_size ||
	    field_size(row) > head->config_size - row->offset)
		return "lies outside the configuration";
	if (row->type == LACUNA_CHOICE && !(row->dflt >= 0 && row->dflt < choice_count(row)))
		return "has a default out of range";
	if (row->type <= LACUNA_REAL && !(row->lo <= row->dflt && row->dflt <= row->hi))
		return "has a default out of range";
	if (row->type == LACUNA_LIST && !good_list(row, row->text))
		return "has a default that is not a list, or out of range";
	if (param_find(head, row->name) != row)
		return "appears twice";
	if (overlaps(head, row))
		return "overlaps another in the configuration";
	if (!plain_row(row))
		return "has control characters in its texts";
	if (has_condition(row) && (!strchr(row->text, '=') || !condition_row(head, row->text)))
		return "depends on a parameter that does not exist";
	return NULL;
}

int param_check_table(const struct lacuna_plugin *head)
{
	uint32_t i;

	if (head->param_count && (!head->params || head->param_size < sizeof(struct lacuna_param)))
		return error_set(LACUNA_EINVAL, "its parameter rows are shorter than in ABI 1.0");
	for (i = 0; i < head->param_count; i++) {
		const struct lacuna_param *row = param_row(head, i);
		const char *fault = row_fault(head, row);

		if (fault)
			return error_set(LACUNA_EINVAL, "parameter \"%s\" %s",
					 row->name ? row->name : "?", fault);
	}
	return LACUNA_OK;
}

/* ---- values */

static void *field(const struct lacuna_param *row, void *config)
{
	return (char *)config + row->offset;
}

static const void *const_field(const struct lacuna_param *row, const void *config)
{
	return (const char *)config + row->offset;
}

static int is_text(const struct lacuna_param *row)
{
	return row->type == LACUNA_TEXT || row->type == LACUNA_PATH;
}

static const char *get_text(const struct lacuna_param *row, const void *config)
{
	return *(const char *const *)const_field(row, config);
}

static const struct lacuna_list *get_list(const struct lacuna_param *row, const void *config)
{
	return const_field(row, config);
}

static int replace_list(const struct lacuna_param *row, void *config, const char *text)
{
	struct lacuna_list list;
	const int status = read_list(row, text, &list);

	if (!status) {
		numbers_free(field(row, config));
		*(struct lacuna_list *)field(row, config) = list;
	}
	return status;
}

static int replace_text(const struct lacuna_param *row, void *config, const char *text)
{
	char **place = field(row, config); /* const char * for the plugin */
	char *copy = text ? memory_strdup(text) : NULL;

	if (text && !copy)
		return LACUNA_ENOMEM;
	memory_release(*place);
	*place = copy;
	return LACUNA_OK;
}

void *param_create(const struct lacuna_plugin *head)
{
	void *config = memory_alloc(head->config_size ? head->config_size : 1);
	uint32_t i;

	for (i = 0; config && i < head->param_count; i++) {
		const struct lacuna_param *row = param_row(head, i);

		if (row->type == LACUNA_REAL) {
			*param_real(row, config) = row->dflt;
		} else if (row->type <= LACUNA_CHOICE) {
			*(int64_t *)field(row, config) = (int64_t)row->dflt;
		} else if (is_text(row) ? replace_text(row, config, row->text)
					: replace_list(row, config, row->text)) {
			param_release(head, config);
			return NULL;
		}
	}
	return config;
}

void param_release(const struct lacuna_plugin *head, void *config)
{
	uint32_t i;

	if (!config)
		return;
	for (i = 0; i < head->param_count; i++) {
		const struct lacuna_param *row = param_row(head, i);

		if (is_text(row))
			replace_text(row, config, NULL);
		else if (row->type == LACUNA_LIST)
			numbers_free(field(row, config));
	}
	memory_release(config);
}

void *param_copy(const struct lacuna_plugin *head, const void *config)
{
	void *copy = memory_alloc(head->config_size);

	return copy ? memcpy(copy, config, head->config_size) : NULL;
}

static int set_bool(const struct lacuna_param *row, int64_t *place, const char *value)
{
	static const char *const words[] = { "no", "yes", "false", "true", "0", "1", "off", "on" };
	size_t i;

	for (i = 0; i < sizeof words / sizeof *words; i++) {
		if (!strcmp(value, words[i])) {
			*place = (int64_t)(i % 2);
			return LACUNA_OK;
		}
	}
	return bad_value(row, value);
}

static int set_choice(const struct lacuna_param *row, int64_t *place, const char *value)
{
	int i;

	for (i = 0; row->choices[i]; i++) {
		if (!strcmp(row->choices[i], value)) {
			*place = i;
			return LACUNA_OK;
		}
	}
	return bad_value(row, value);
}

static int set_row(const struct lacuna_param *row, void *config, const char *value)
{
	int64_t integer;
	double real;

	switch (row->type) {
	case LACUNA_LIST:
		return replace_list(row, config, value);
	case LACUNA_BOOL:
		return set_bool(row, field(row, config), value);
	case LACUNA_CHOICE:
		return set_choice(row, field(row, config), value);
	case LACUNA_INT:
		if (!text_integer(value, &integer) || (double)integer < row->lo ||
		    (double)integer > row->hi)
			return bad_value(row, value);
		*(int64_t *)field(row, config) = integer;
		return LACUNA_OK;
	case LACUNA_REAL:
		if (!text_real(value, &real) || real < row->lo || real > row->hi)
			return bad_value(row, value);
		*param_real(row, config) = real;
		return LACUNA_OK;
	default:
		return replace_text(row, config, value);
	}
}

static int unknown_name(const struct lacuna_plugin *head, const char *name)
{
	const char *names[128] = { NULL }, *near;
	uint32_t i;

	if (!head->param_count)
		return error_set(LACUNA_EINVAL, "\"%s\" takes no parameters; leave out \"%s\"",
				 head->name, name);
	for (i = 0; i < head->param_count && i < 127; i++)
		names[i] = param_row(head, i)->name;
	near = text_nearest(name, names);
	if (near)
		return error_set(LACUNA_EINVAL,
				 "there is no parameter \"%s\"; did you mean \"%s\"?", name, near);
	if (!head->manual)
		return error_set(LACUNA_EINVAL, "there is no parameter \"%s\"", name);
	return error_set(LACUNA_EINVAL, "there is no parameter \"%s\"; see 'lacuna help %s'", name,
			 head->name);
}

int param_set(const struct lacuna_plugin *head, void *config, const char *name, const char *value)
{
	const struct lacuna_param *row = param_find(head, name);

	return row ? set_row(row, config, value) : unknown_name(head, name);
}

/* Removes the double quotes around the text, in place; within it \" is a quote and \\ a backslash.  Returns the
 * position after the closing quote, or NULL. */
static char *unquote(char *text)
{
	char *to = text;

	for (text++; *text && *text != '"'; text++) {
		if (*text == '\\' && (text[1] == '"' || text[1] == '\\'))
			text++;
		*to++ = *text;
	}
	if (!*text)
		return NULL;
	*to = '\0';
	return text + 1;
}

size_t param_pair_length(const char *text)
{
	const char *p = text + strcspn(text, "=,");

	if (p[0] == '=' && p[1] == '"')
		for (p += 2; *p && *p != '"'; p++)
			p += *p == '\\' && p[1];
	return (size_t)(p - text) + strcspn(p, ",");
}

/* Splits the first "key=value" off *text, in place; a value may be in double quotes. */
static int next_pair(char **text, char **name, char **value)
{
	char *p = *text, *equals = strchr(p, '='), *comma = strchr(p, ',');

	if (!equals || equals == p || (comma && comma < equals)) {
		if (comma)
			*comma = '\0';
		return error_set(LACUNA_EINVAL, "\"%s\" must have the form key=value", p);
	}
	*equals = '\0';
	*name = p;
	*value = p = equals + 1;
	if (*p == '"') {
		p = unquote(p);
		if (!p || (*p && *p != ','))
			return error_set(LACUNA_EINVAL, "%s: the quoted value does not end", *name);
	} else {
		p += strcspn(p, ",");
	}
	if (*p)
		*p++ = '\0';
	*text = p;
	return LACUNA_OK;
}

/* A given row must apply, and so must each row that it depends on. */
static int check_applies(const struct lacuna_plugin *head, const void *config,
			 const struct lacuna_param *given)
{
	const struct lacuna_param *row = given;
	uint32_t depth;
	char value[256];

	for (depth = 0; has_condition(row) && depth < head->param_count; depth++) {
		const struct lacuna_param *other = condition_row(head, row->text);
		const char *wanted = row->text + strcspn(row->text, "=") + 1;

		param_value(other, config, value, sizeof value);
		if (strcmp(value, wanted) != 0 && *wanted)
			return error_set(LACUNA_EINVAL,
					 "%s needs %s, but %s is %s; give %s, or leave out %s",
					 given->name, row->text, other->name, value, row->text,
					 given->name);
		if (strcmp(value, wanted) != 0)
			return error_set(LACUNA_EINVAL,
					 "%s cannot be combined with %s; leave out one of the two",
					 given->name, other->name);
		row = other;
	}
	return LACUNA_OK;
}

int param_parse(const struct lacuna_plugin *head, void *config, const char *text)
{
	char *copy, *rest, *name = NULL, *value = NULL;
	unsigned char *given; /* a flag per row */
	uint32_t i;
	int status = LACUNA_OK;

	if (!text || !*text)
		return LACUNA_OK;
	copy = rest = memory_strdup(text);
	given = memory_alloc((size_t)head->param_count + 1);
	if (!copy || !given)
		status = LACUNA_ENOMEM;
	while (!status && *rest) {
		status = next_pair(&rest, &name, &value);
		if (!status)
			status = param_set(head, config, name, value);
		for (i = 0; !status && i < head->param_count; i++)
			given[i] |= !strcmp(param_row(head, i)->name, name);
	}
	for (i = 0; !status && i < head->param_count; i++)
		if (given[i])
			status = check_applies(head, config, param_row(head, i));
	memory_release(given);
	memory_release(copy);
	return status;
}

static int is_missing(const struct lacuna_param *row, const void *config)
{
	if (row->type == LACUNA_LIST)
		return !get_list(row, config)->count;
	return is_text(row) && !get_text(row, config);
}

int param_complete(const struct lacuna_plugin *head, const void *config)
{
	uint32_t i;

	for (i = 0; i < head->param_count; i++) {
		const struct lacuna_param *row = param_row(head, i);

		if ((row->flags & LACUNA_REQUIRED) && is_missing(row, config))
			return error_set(LACUNA_EINVAL, "%s=... is required: %s", row->name,
					 row->help);
	}
	return LACUNA_OK;
}

/* ---- text for people */

int param_value(const struct lacuna_param *row, const void *config, char *text, size_t size)
{
	const char *s;

	switch (row->type) {
	case LACUNA_REAL:
		return text_write_real(*(const double *)const_field(row, config), text, size);
	case LACUNA_BOOL:
		return snprintf(text, size, "%s",
				*(const int64_t *)const_field(row, config) ? "yes" : "no");
	case LACUNA_CHOICE:
		return snprintf(text, size, "%s",
				row->choices[*(const int64_t *)const_field(row, config)]);
	case LACUNA_INT:
		return snprintf(text, size, "%" PRId64, *(const int64_t *)const_field(row, config));
	case LACUNA_LIST:
		return numbers_text(get_list(row, config), text, size);
	default:
		s = get_text(row, config);
		return snprintf(text, size, "%s", s ? s : "");
	}
}

static int same_list(const struct lacuna_list *a, const struct lacuna_list *b)
{
	return a->count == b->count && a->columns == b->columns &&
	       (!a->count || !memcmp(a->values, b->values, (size_t)a->count * sizeof *a->values));
}

int param_same(const struct lacuna_plugin *plugin, const void *a, const void *b)
{
	const struct lacuna_param *row;

	for (uint32_t i = 0; (row = param_row(plugin, i)); i++) {
		const char *s, *t;

		switch (row->type) {
		case LACUNA_REAL:
			if (memcmp(const_field(row, a), const_field(row, b), sizeof(double)) != 0)
				return 0;
			break;
		case LACUNA_BOOL:
		case LACUNA_CHOICE:
		case LACUNA_INT:
			if (memcmp(const_field(row, a), const_field(row, b), sizeof(int64_t)) != 0)
				return 0;
			break;
		case LACUNA_LIST:
			if (!same_list(get_list(row, a), get_list(row, b)))
				return 0;
			break;
		default:
			s = get_text(row, a);
			t = get_text(row, b);
			if (strcmp(s ? s : "", t ? t : "") != 0)
				return 0;
		}
	}
	return 1;
}

static int choices_text(const struct lacuna_param *row, char *text, size_t size)
{
	size_t used = 0;
	int i;

	for (i = 0; row->choices[i]; i++) {
		int n = snprintf(used < size ? text + used : NULL, used < size ? size - used : 0,
				 "%s%s", i ? "|" : "(", row->choices[i]);

		used += (size_t)n;
	}
	return (int)used + snprintf(used < size ? text + used : NULL, used < size ? size - used : 0,
				    ") [%s]", row->choices[(int)row->dflt]);
}

int param_range(const struct lacuna_param *row, char *text, size_t size)
{
	const char *space = row->unit ? " " : "", *unit = row->unit ? row->unit : "";

	switch (row->type) {
	case LACUNA_BOOL:
		return snprintf(text, size, "(yes|no) [%s]", row->dflt != 0 ? "yes" : "no");
	case LACUNA_CHOICE:
		return choices_text(row, text, size);
	case LACUNA_INT:
		return snprintf(text, size, "(%.15g to %.15g%s%s) [%.15g]", row->lo, row->hi, space,
				unit, row->dflt);
	case LACUNA_REAL:
		return snprintf(text, size, "(%g to %g%s%s) [%g]", row->lo, row->hi, space, unit,
				row->dflt);
	case LACUNA_LIST:
		return snprintf(text, size, "(numbers %g to %g%s%s) [%s]", row->lo, row->hi, space,
				unit,
				row->flags & LACUNA_REQUIRED ? "required"
				: row->text		     ? row->text
							     : "none");
	default:
		if (row->flags & LACUNA_REQUIRED)
			return snprintf(text, size, "(%s) [required]",
					row->type == LACUNA_PATH ? "file" : "text");
		return snprintf(text, size, "(%s) [%s]", row->type == LACUNA_PATH ? "file" : "text",
				row->text ? row->text : "none");
	}
}

double *param_real(const struct lacuna_param *row, void *config)
{
	return field(row, config);
}

const char *param_text(const struct lacuna_param *row, const void *config)
{
	return is_text(row) ? get_text(row, config) : NULL;
}

const struct lacuna_param *param_next_path(const struct lacuna_plugin *head, const void *config,
					   uint32_t *at, char *path, size_t size)
{
	while (*at < head->param_count) {
		const struct lacuna_param *row = param_row(head, (*at)++);

		if (row->type == LACUNA_PATH && param_value(row, config, path, size) < (int)size &&
		    *path)
			return row;
	}
	return NULL;
}
