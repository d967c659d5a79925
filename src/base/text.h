/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Small text functions shared by parameters and command line. */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include <stddef.h>
#include <stdint.h>

/* Reads a real number or a fraction of two, "2.55/255"; false unless the whole text is one. */
int text_real(const char *text, double *value);
/* As text_real(), at the beginning of a text; *end points behind the number. */
int text_number(const char *text, char **end, double *value);
/* Writes a decimal number of 15 to 17 digits, without zeros at its end, that text_real() reads back as the same value, to the
 * bit; the result is the length, as for snprintf. */
int text_write_real(double value, char *text, size_t size);
int text_integer(const char *text, int64_t *value);
/* printf into new memory (memory_release() it); NULL if there is none */
char *text_format(const char *fmt, ...)
#ifdef __GNUC__
	__attribute__((format(printf, 1, 2)))
#endif
	;
/* True if a terminal shows the text as it is: it has no control characters (UTF-8's included) but those in `allowed'. */
int text_plain(const char *text, const char *allowed);
/* Replaces control characters by '?'. */
void text_make_plain(char *text);
/* The entry of a NULL-terminated list closest to a misspelt word, or NULL if none is close. */
const char *text_nearest(const char *word, const char *const *list);

#endif
