/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Lists of numbers as text: separated by blanks, each in the form of text_number(); a semicolon ends a row. */
#ifndef BASE_NUMBERS_H
#define BASE_NUMBERS_H

#include <lacuna/plugin.h>

/* Reads one row of at most `most' numbers into values.  Returns their number; -1 if there are more, or other text. */
int numbers_read(const char *text, double *values, int most);

/* On success, release *list with numbers_free().  LACUNA_EINVAL, without a message, if the text is no list. */
int numbers_parse(const char *text, struct lacuna_list *list);
void numbers_free(struct lacuna_list *);

/* Writes a list whose rows have one length, so that numbers_parse() reads the same values, to the bit; the result is the
 * length, as for snprintf. */
int numbers_text(const struct lacuna_list *, char *text, size_t size);

#endif
