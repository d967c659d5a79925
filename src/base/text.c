/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
#include <config.h>

#include "base/text.h"

#include "base/memory.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <locale.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int one_real(const char *text, char **end, double *value)
{
	/* strtod would also accept hexadecimal, "nan" and "infinity". */
	const char *digits = text + (*text == '-' || *text == '+');

	if (!isdigit((unsigned char)digits[0]) &&
	    !(digits[0] == '.' && isdigit((unsigned char)digits[1])))
		return 0;
	if (digits[0] == '0' && (digits[1] == 'x' || digits[1] == 'X'))
		return 0;
	*value = strtod(text, end);
	return isfinite(*value);
}

/* Length of the control character at p, or 0: C0, DEL, and C1 in UTF-8 (0xc2 0x80 to 0x9f). */
static size_t control(const char *p)
{
	const unsigned char *u = (const unsigned char *)p;

	if (u[0] < 0x20 || u[0] == 0x7f)
		return 1;
	return u[0] == 0xc2 && u[1] >= 0x80 && u[1] < 0xa0 ? 2 : 0;
}

int text_plain(const char *text, const char *allowed)
{
	for (; *text; text++)
		if (control(text) && !strchr(allowed, *text))
			return 0;
	return 1;
}

void text_make_plain(char *text)
{
	for (; *text; text++) {
		const size_t length = control(text);

		if (length)
			memset(text, '?', length);
	}
}

int text_number(const char *text, char **end, double *value)
{
	double numerator, denominator;

	if (!one_real(text, end, &numerator))
		return 0;
	if (**end == '/') {
		if (!one_real(*end + 1, end, &denominator) || denominator == 0)
			return 0;
		numerator /= denominator;
	}
	if (!isfinite(numerator))
		return 0;
	*value = numerator;
	return 1;
}

int text_real(const char *text, double *value)
{
	double number;
	char *end;

	if (!text_number(text, &end, &number) || *end)
		return 0;
	*value = number;
	return 1;
}

/* 15 digits always survive the way through a double, and 17 digits always tell which double it is. */
int text_write_real(double value, char *text, size_t size)
{
	char digits[32];
	double read;

	for (int n = 15; n <= 17; n++) {
		snprintf(digits, sizeof digits, "%.*g", n, value);
		if (text_real(digits, &read) && !memcmp(&read, &value, sizeof read))
			break;
	}
	return snprintf(text, size, "%s", digits);
}

int text_integer(const char *text, int64_t *value)
{
	const char *digits = text + (*text == '-' || *text == '+');
	char *end;
	intmax_t n;

	if (!isdigit((unsigned char)*digits))
		return 0;
	errno = 0;
	n = strtoimax(text, &end, 10);
	if (errno || *end || n < INT64_MIN || n > INT64_MAX)
		return 0;
	*value = (int64_t)n;
	return 1;
}

char *text_format(const char *fmt, ...)
{
	va_list args;
	char *text;
	int n;

	va_start(args, fmt);
	n = vsnprintf(NULL, 0, fmt, args);
	va_end(args);
	if (n < 0)
		return NULL;
	text = memory_alloc((size_t)n + 1);
	if (!text)
		return NULL;
	va_start(args, fmt);
	vsnprintf(text, (size_t)n + 1, fmt, args);
	va_end(args);
	return text;
}

/* Damerau-Levenshtein distance: insertions, deletions, changes and swaps of neighbours.  A word that is longer than any name
 * is far from all. */
static int distance(const char *a, const char *b)
{
	enum { LONGEST = 31 };
	int d[LONGEST + 1][LONGEST + 1];
	int m = (int)strlen(a), n = (int)strlen(b), i, j;

	if (m > LONGEST || n > LONGEST)
		return INT_MAX;
	for (i = 0; i <= m; i++)
		d[i][0] = i;
	for (j = 0; j <= n; j++)
		d[0][j] = j;
	for (i = 1; i <= m; i++) {
		for (j = 1; j <= n; j++) {
			int best = d[i - 1][j - 1] + (a[i - 1] != b[j - 1]);

			if (d[i - 1][j] + 1 < best)
				best = d[i - 1][j] + 1;
			if (d[i][j - 1] + 1 < best)
				best = d[i][j - 1] + 1;
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
			    d[i - 2][j - 2] + 1 < best)
				best = d[i - 2][j - 2] + 1;
			d[i][j] = best;
		}
	}
	return d[m][n];
}

const char *text_nearest(const char *word, const char *const *list)
{
	int limit = (int)strlen(word) / 3 + 1, best = limit + 1;
	const char *nearest = NULL;

	for (; *list; list++) {
		int d = distance(word, *list);

		if (d < best) {
			best = d;
			nearest = *list;
		}
	}
	return nearest;
}
