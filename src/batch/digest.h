/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Fingerprints of files and texts: XXH3, 128 bits.  They detect changes, not forgeries. */
#ifndef BATCH_DIGEST_H
#define BATCH_DIGEST_H

#include <stddef.h>
#include <stdint.h>

enum { DIGEST_SIZE = 33 }; /* 32 hexadecimal digits */

void digest_text(const char *text, size_t n, char digest[DIGEST_SIZE]);
int digest_file(const char *path, char digest[DIGEST_SIZE]);

/* The state of a file at one moment.  Times in nanoseconds; `changed' is the inode's ctime, which nobody can set. */
struct stamp {
	int64_t size, modified, changed;
	char digest[DIGEST_SIZE];
};

int stamp_take(const char *path, struct stamp *);
/* 1: the file is unchanged; 0: it has changed or does not exist.  Reads the content only if size or times differ. */
int stamp_holds(const char *path, const struct stamp *);

#endif
