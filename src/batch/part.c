/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
#include <config.h>

#include "batch/part.h"
#include "base/error.h"
#include "base/memory.h"
#include "base/temporary.h"
#include "batch/digest.h"

#include <lacuna/plugin.h>

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The file: a line of JSON, then numbers, values and flags as in memory.  Only the program that wrote it reads it. */

enum { HEADER_MOST = 1 << 20 };

/* Digest of the three blocks, one after the other. */
static void digest_blocks(const struct part *p, char digest[DIGEST_SIZE])
{
	char all[3 * DIGEST_SIZE] = "", one[DIGEST_SIZE];

	digest_text((const char *)p->numbers, p->number_count * sizeof *p->numbers, one);
	strcat(all, one);
	digest_text((const char *)p->values, p->value_count * sizeof *p->values, one);
	strcat(all, one);
	digest_text((const char *)p->flags, p->flag_count, one);
	strcat(all, one);
	digest_text(all, strlen(all), digest);
}

static json_t *make_header(const char *key, const struct part *p)
{
	char digest[DIGEST_SIZE];

	digest_blocks(p, digest);
	return json_pack("{s:s, s:s, s:I, s:I, s:I, s:O}", "key", key, "sum", digest, "numbers",
			 (json_int_t)p->number_count, "values", (json_int_t)p->value_count, "flags",
			 (json_int_t)p->flag_count, "about", p->about);
}

static int write_all(int fd, const void *from, size_t n)
{
	const char *p = from;

	while (n) {
		const ssize_t put = write(fd, p, n);

		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0)
			return 0;
		p += put;
		n -= (size_t)put;
	}
	return 1;
}

int part_write(const char *path, const char *key, unsigned mode, const struct part *p)
{
	json_t *header = make_header(key, p);
	char *text = header ? json_dumps(header, JSON_COMPACT) : NULL;
	struct temporary t;
	int status;

	json_decref(header);
	if (!text)
		return error_set(LACUNA_ENOMEM, "out of memory");
	status = temporary_open(&t, path, 1);
	if (status) {
		free(text);
		return status;
	}
	temporary_restrict(&t, mode);
	if (write_all(t.fd, text, strlen(text)) && write_all(t.fd, "\n", 1) &&
	    write_all(t.fd, p->numbers, p->number_count * sizeof *p->numbers) &&
	    write_all(t.fd, p->values, p->value_count * sizeof *p->values) &&
	    write_all(t.fd, p->flags, p->flag_count)) {
		status = temporary_commit(&t);
	} else {
		status = error_file_errno(path);
		temporary_abandon(&t);
	}
	free(text);
	return status;
}

/* NULL: no header, or one with another key. */
static json_t *read_header(FILE *f, const char *key)
{
	char *line = malloc(HEADER_MOST);
	json_t *header = NULL;
	const char *found;

	if (line && fgets(line, HEADER_MOST, f))
		header = json_loads(line, 0, NULL);
	free(line);
	found = json_string_value(json_object_get(header, "key"));
	if (found && !strcmp(found, key))
		return header;
	json_decref(header);
	return NULL;
}

static size_t count_of(const json_t *header, const char *name)
{
	const json_int_t n = json_integer_value(json_object_get(header, name));

	return n > 0 ? (size_t)n : 0;
}

static int read_blocks(FILE *f, struct part *p, int *whole)
{
	p->numbers = memory_alloc_array(p->number_count, sizeof *p->numbers);
	p->values = memory_alloc_array(p->value_count, sizeof *p->values);
	p->flags = p->flag_count ? memory_alloc(p->flag_count) : NULL;
	if (!p->numbers || !p->values || (p->flag_count && !p->flags))
		return LACUNA_ENOMEM;
	*whole = fread(p->numbers, sizeof *p->numbers, p->number_count, f) == p->number_count &&
		 fread(p->values, sizeof *p->values, p->value_count, f) == p->value_count &&
		 (!p->flag_count || fread(p->flags, 1, p->flag_count, f) == p->flag_count);
	return LACUNA_OK;
}

/* True when the file is as long as its header says: a damaged header must not make us allocate too much memory. */
static int has_length(FILE *f, const struct part *p)
{
	const long at = ftell(f);
	const size_t wanted = p->number_count * sizeof *p->numbers +
			      p->value_count * sizeof *p->values + p->flag_count;
	long end;

	if (at < 0 || p->number_count > 1 << 16 || p->value_count > SIZE_MAX / 16 ||
	    p->flag_count > SIZE_MAX / 16 || fseek(f, 0, SEEK_END))
		return 0;
	end = ftell(f);
	return !fseek(f, at, SEEK_SET) && end >= at && (size_t)(end - at) == wanted;
}

int part_read(const char *path, const char *key, struct part *p, int *found)
{
	FILE *f = fopen(path, "r");
	char digest[DIGEST_SIZE];
	const char *sum;
	json_t *header;
	int status = LACUNA_OK;

	*p = (struct part){ 0 };
	*found = 0;
	if (!f)
		return LACUNA_OK;
	header = read_header(f, key);
	if (header) {
		p->about = json_incref(json_object_get(header, "about"));
		p->number_count = count_of(header, "numbers");
		p->value_count = count_of(header, "values");
		p->flag_count = count_of(header, "flags");
		if (has_length(f, p))
			status = read_blocks(f, p, found);
	}
	if (*found) {
		digest_blocks(p, digest);
		sum = json_string_value(json_object_get(header, "sum"));
		*found = sum && !strcmp(sum, digest);
	}
	if (!*found)
		part_free(p);
	json_decref(header);
	fclose(f);
	return status;
}

int part_exists(const char *path, const char *key)
{
	FILE *f = fopen(path, "r");
	json_t *header = f ? read_header(f, key) : NULL;
	const int there = header != NULL;

	json_decref(header);
	if (f)
		fclose(f);
	return there;
}

void part_free(struct part *p)
{
	json_decref(p->about);
	memory_release(p->numbers);
	memory_release(p->values);
	memory_release(p->flags);
	*p = (struct part){ 0 };
}
