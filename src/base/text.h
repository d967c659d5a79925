/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Small text work shared by parameters and command line. */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include <stddef.h>
#include <stdint.h>

/* A real number or a fraction of two, "2.55/255"; the whole text must be it.  False otherwise. */
int text_real(const char *text, double *value);
/* The same at the beginning of a text; *end is behind it. */
int text_number(const char *text, char **end, double *value);
int text_integer(const char *text, int64_t *value);
/* printf into fresh memory (memory_release); NULL when there is none */
char *text_format(const char *fmt, ...)
#ifdef __GNUC__
	__attribute__((format(printf, 1, 2)))
#endif
	;
/* True when a terminal shows the text as it is: no control characters (of UTF-8 neither) but those in `allowed'. */
int text_plain(const char *text, const char *allowed);
/* Puts '?' in place of control characters. */
void text_make_plain(char *text);
/* The entry of a NULL-terminated list that is nearest to a misspelt word, or NULL when none is near. */
const char *text_nearest(const char *word, const char *const *list);

#endif
