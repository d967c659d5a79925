/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
#include <config.h>

#include "base/numbers.h"

#include "base/memory.h"
#include "base/text.h"

#include <stdio.h>
#include <string.h>

static const char blanks[] = " \t\r\n";

enum token { END, NUMBER, ROW, WRONG };

static enum token next(const char **text, double *value)
{
	char *end;

	*text += strspn(*text, blanks);
	if (!**text)
		return END;
	if (**text == ';') {
		++*text;
		return ROW;
	}
	/* "1-2" and "1x" are not numbers */
	if (!text_number(*text, &end, value) || !strchr(" \t\r\n;", *end))
		return WRONG;
	*text = end;
	return NUMBER;
}

int numbers_read(const char *text, double *values, int most)
{
	double value;
	enum token token;
	int n = 0;

	while ((token = next(&text, &value)) == NUMBER && n < most)
		values[n++] = value;
	return token == END ? n : -1;
}

/* values NULL: only counts.  Rows without numbers do not count. */
static int parse(const char *text, double *values, struct lacuna_list *list)
{
	int64_t row = 0, rows = 0;
	int same = 1;
	double value;
	enum token token;

	list->count = list->columns = 0;
	do {
		token = next(&text, &value);
		if (token == NUMBER) {
			if (values)
				values[list->count] = value;
			list->count++;
			row++;
		} else if (row) {
			same &= !rows || row == list->columns;
			list->columns = row;
			rows++;
			row = 0;
		}
	} while (token == NUMBER || token == ROW);
	list->columns = same ? list->columns : 0;
	return token == END ? LACUNA_OK : LACUNA_EINVAL;
}

int numbers_parse(const char *text, struct lacuna_list *list)
{
	struct lacuna_list read = { NULL, 0, 0 };
	double *values = NULL;
	int status = parse(text, NULL, &read);

	if (!status && read.count) {
		values = memory_alloc_array((size_t)read.count, sizeof *values);
		status = values ? parse(text, values, &read) : LACUNA_ENOMEM;
	}
	if (status)
		return status;
	read.values = values;
	*list = read;
	return LACUNA_OK;
}

void numbers_free(struct lacuna_list *list)
{
	memory_release((void *)(uintptr_t)list->values);
	*list = (struct lacuna_list){ NULL, 0, 0 };
}

int numbers_text(const struct lacuna_list *list, char *text, size_t size)
{
	size_t used = 0;
	char number[32];

	if (size)
		*text = '\0';
	for (int64_t i = 0; i < list->count; i++) {
		const char *before = !i ? "" : i % list->columns == 0 ? ";" : " ";

		text_write_real(list->values[i], number, sizeof number);
		used += (size_t)snprintf(used < size ? text + used : NULL,
					 used < size ? size - used : 0, "%s%s", before, number);
	}
	return (int)used;
}
