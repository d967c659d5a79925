/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Text that grows, for new descriptions. */
#include <config.h>

#include "image/tiff/description-private.h"

#include "base/memory.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void grow_bytes(struct text *t, const char *from, size_t n)
{
	char *s = t->failed ? NULL : memory_grow(t->s, t->count, n + 1, &t->room, 1);

	if (!s) {
		t->failed = 1;
		return;
	}
	t->s = s;
	memcpy(s + t->count, from, n);
	t->count += n;
	s[t->count] = '\0';
}

void grow_text(struct text *t, const char *s)
{
	grow_bytes(t, s, strlen(s));
}

void grow_format(struct text *t, const char *fmt, ...)
{
	char s[256];
	va_list args;

	va_start(args, fmt);
	vsnprintf(s, sizeof s, fmt, args);
	va_end(args);
	grow_text(t, s);
}

char *grow_finish(struct text *t)
{
	if (!t->failed)
		return t->s;
	memory_release(t->s);
	return NULL;
}
