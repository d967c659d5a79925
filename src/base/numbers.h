/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Lists of numbers in text: blanks between, each as text_number() reads it; a semicolon ends a row. */
#ifndef BASE_NUMBERS_H
#define BASE_NUMBERS_H

#include <lacuna/plugin.h>

/* One row: at most `most' numbers into values.  How many; -1 where there are more, or something else. */
int numbers_read(const char *text, double *values, int most);

/* *list is for numbers_free(), on success.  LACUNA_EINVAL, without a message: the text is no list. */
int numbers_parse(const char *text, struct lacuna_list *list);
void numbers_free(struct lacuna_list *);

/* The list as numbers_parse() reads it; the result is the length, as snprintf. */
int numbers_text(const struct lacuna_list *, char *text, size_t size);

#endif
