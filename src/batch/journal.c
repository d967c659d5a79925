/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
#include <config.h>

#include "batch/journal.h"
#include "base/error.h"
#include "base/memory.h"
#include "base/text.h"

#include <lacuna/plugin.h>

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char prefix[] = "journal-", suffix[] = ".jsonl";
static const char *const state_names[] = { "begun", "done", "failed" };

/* ---- paths ------------------------------------------------------------------------------------------- */

static int is_utf8(const char *text)
{
	json_t *string = json_string(text);

	json_decref(string);
	return string != NULL;
}

char *journal_encode_path(const char *path)
{
	const int plain = is_utf8(path);
	char *text = memory_alloc(3 * strlen(path) + 1), *out = text;

	for (const char *in = path; text && *in; in++) {
		if (*in == '%' || (!plain && (unsigned char)*in >= 0x80))
			out += sprintf(out, "%%%02X", (unsigned char)*in);
		else
			*out++ = *in;
	}
	return text;
}

/* In place. */
static void decode_path(char *text)
{
	char *out = text;

	for (const char *in = text; *in; in++) {
		unsigned code = 0;

		if (*in == '%' && isxdigit((unsigned char)in[1]) &&
		    isxdigit((unsigned char)in[2]) && sscanf(in + 1, "%2x", &code) == 1 && code) {
			*out++ = (char)code;
			in += 2;
		} else {
			*out++ = *in;
		}
	}
	*out = 0;
}

/* ---- reading ----------------------------------------------------------------------------------------- */

static void free_entry(struct journal_entry *e)
{
	memory_release(e->path);
	memory_release(e->message);
	memory_release(e->run);
}

void journal_free(struct journal *j)
{
	for (size_t i = 0; i < j->count; i++)
		free_entry(&j->entries[i]);
	memory_release(j->entries);
	*j = (struct journal){ 0 };
}

/* Removes the checksum from a line, which ends in ,"sum":"32 digits"}.  False when it does not match. */
static int check_line(char *line, size_t n)
{
	static const char tail[] = ",\"sum\":\"";
	const size_t length = sizeof tail - 1 + DIGEST_SIZE - 1 + 2;
	char digest[DIGEST_SIZE];
	char *sum;

	if (n < length + 1)
		return 0;
	sum = line + n - length;
	if (strncmp(sum, tail, sizeof tail - 1) != 0 || strcmp(line + n - 2, "\"}") != 0)
		return 0;
	digest_text(line, (size_t)(sum - line), digest);
	if (strncmp(sum + sizeof tail - 1, digest, DIGEST_SIZE - 1) != 0)
		return 0;
	strcpy(sum, "}");
	return 1;
}

static int64_t integer(const json_t *list, size_t i)
{
	return (int64_t)json_integer_value(json_array_get(list, i));
}

static void read_digest(const char *text, char digest[DIGEST_SIZE])
{
	snprintf(digest, DIGEST_SIZE, "%s", text ? text : "");
}

void stamp_from_json(const json_t *list, struct stamp *s)
{
	s->size = integer(list, 0);
	s->modified = integer(list, 1);
	s->changed = integer(list, 2);
	read_digest(json_string_value(json_array_get(list, 3)), s->digest);
}

static int read_entry(json_t *object, struct journal_entry *e)
{
	const char *path = json_string_value(json_object_get(object, "path"));
	const char *state = json_string_value(json_object_get(object, "state"));
	const char *message = json_string_value(json_object_get(object, "message"));

	*e = (struct journal_entry){ 0 };
	if (!path || !state)
		return 0;
	while (e->state < JOURNAL_FAILED && strcmp(state, state_names[e->state]) != 0)
		e->state++;
	e->path = memory_strdup(path);
	if (!e->path)
		return 0;
	decode_path(e->path);
	e->time = (int64_t)json_integer_value(json_object_get(object, "time"));
	read_digest(json_string_value(json_object_get(object, "key")), e->key);
	stamp_from_json(json_object_get(object, "input"), &e->input);
	stamp_from_json(json_object_get(object, "output"), &e->output);
	e->doubts = (int)json_integer_value(json_object_get(object, "doubts"));
	e->message = message ? memory_strdup(message) : NULL;
	return 1;
}

static int keep_entry(struct journal *j, const struct journal_entry *e)
{
	struct journal_entry *room = memory_grow(j->entries, j->count, 1, &j->room, sizeof *room);

	if (!room)
		return LACUNA_ENOMEM;
	j->entries = room;
	j->entries[j->count++] = *e;
	return LACUNA_OK;
}

static int read_file(const char *path, const char *run, struct journal *j)
{
	FILE *f = fopen(path, "r");
	char *line = NULL;
	size_t room = 0;
	ssize_t n;
	int status = LACUNA_OK;

	if (!f)
		return error_file_errno(path);
	while (!status && (n = getline(&line, &room, f)) > 0) {
		struct journal_entry e;
		json_t *object;

		if (line[n - 1] == '\n')
			line[--n] = 0;
		object = check_line(line, (size_t)n) ? json_loads(line, 0, NULL) : NULL;
		if (object && read_entry(object, &e)) {
			e.run = memory_strdup(run);
			status = e.run ? keep_entry(j, &e) : LACUNA_ENOMEM;
			if (status)
				free_entry(&e);
		}
		json_decref(object);
	}
	free(line);
	if (!status && ferror(f))
		status = error_file_errno(path);
	fclose(f);
	return status;
}

/* For equal times, done wins over begun. */
static int by_path_and_time(const void *a, const void *b)
{
	const struct journal_entry *p = a, *q = b;
	const int order = strcmp(p->path, q->path);

	if (order)
		return order;
	if (p->time != q->time)
		return p->time < q->time ? -1 : 1;
	return (int)p->state - (int)q->state;
}

static void keep_last(struct journal *j)
{
	size_t kept = 0;

	if (!j->count)
		return;
	qsort(j->entries, j->count, sizeof *j->entries, by_path_and_time);
	for (size_t i = 0; i < j->count; i++) {
		const int last = i + 1 == j->count ||
				 strcmp(j->entries[i].path, j->entries[i + 1].path) != 0;

		if (last)
			j->entries[kept++] = j->entries[i];
		else
			free_entry(&j->entries[i]);
	}
	j->count = kept;
}

static int is_journal(const char *name)
{
	const size_t n = strlen(name), end = sizeof suffix - 1;

	return !strncmp(name, prefix, sizeof prefix - 1) && n > end &&
	       !strcmp(name + n - end, suffix);
}

int journal_load(const char *directory, struct journal *j)
{
	DIR *d = opendir(directory);
	struct dirent *entry;
	int status = LACUNA_OK;

	*j = (struct journal){ 0 };
	if (!d)
		return errno == ENOENT ? LACUNA_OK : error_file_errno(directory);
	while (!status && (entry = readdir(d))) {
		const size_t around = sizeof prefix - 1 + sizeof suffix - 1;
		char *path, *run;

		if (!is_journal(entry->d_name))
			continue;
		path = text_format("%s/%s", directory, entry->d_name);
		run = text_format("%.*s", (int)(strlen(entry->d_name) - around),
				  entry->d_name + sizeof prefix - 1);
		status = path && run ? read_file(path, run, j) : LACUNA_ENOMEM;
		memory_release(path);
		memory_release(run);
	}
	closedir(d);
	keep_last(j);
	return status;
}

int64_t journal_size(const char *directory, const char *except)
{
	DIR *d = opendir(directory);
	struct dirent *entry;
	int64_t size = 0;

	while (d && (entry = readdir(d))) {
		const char *run = entry->d_name + sizeof prefix - 1;
		struct stat st;

		if (is_journal(entry->d_name) &&
		    (!except || strncmp(run, except, strlen(except)) != 0) &&
		    !fstatat(dirfd(d), entry->d_name, &st, 0))
			size += st.st_size;
	}
	if (d)
		closedir(d);
	return size;
}

static int by_path(const void *key, const void *entry)
{
	return strcmp(key, ((const struct journal_entry *)entry)->path);
}

const struct journal_entry *journal_find(const struct journal *j, const char *path)
{
	return j->count ? bsearch(path, j->entries, j->count, sizeof *j->entries, by_path) : NULL;
}

/* ---- writing ----------------------------------------------------------------------------------------- */

int journal_create(const char *directory, const char *run, struct journal_writer *w)
{
	*w = (struct journal_writer){ .fd = -1 };
	w->path = text_format("%s/%s%s%s", directory, prefix, run, suffix);
	if (!w->path)
		return LACUNA_ENOMEM;
	w->fd = open(w->path, O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0666);
	return w->fd < 0 ? error_file_errno(w->path) : LACUNA_OK;
}

json_t *stamp_to_json(const struct stamp *s)
{
	return json_pack("[I, I, I, s]", (json_int_t)s->size, (json_int_t)s->modified,
			 (json_int_t)s->changed, s->digest);
}

static json_t *make_record(const struct journal_entry *e)
{
	char *path = journal_encode_path(e->path);
	json_t *record = json_pack("{s:I, s:s, s:s, s:s}", "time", (json_int_t)e->time, "path",
				   path ? path : "", "state", state_names[e->state], "key", e->key);

	memory_release(path);
	if (e->state == JOURNAL_DONE) {
		json_object_set_new(record, "input", stamp_to_json(&e->input));
		json_object_set_new(record, "output", stamp_to_json(&e->output));
		json_object_set_new(record, "doubts", json_integer(e->doubts));
	}
	if (e->message)
		json_object_set_new(record, "message", json_string(e->message));
	return record;
}

static int append(struct journal_writer *w, const char *text, size_t n)
{
	char *room = memory_grow(w->pending, w->length, n, &w->room, 1);

	if (!room)
		return LACUNA_ENOMEM;
	w->pending = room;
	memcpy(w->pending + w->length, text, n);
	w->length += n;
	return LACUNA_OK;
}

int journal_add(struct journal_writer *w, const struct journal_entry *e, json_t *extra)
{
	json_t *record = make_record(e);
	char digest[DIGEST_SIZE], tail[DIGEST_SIZE + 16];
	char *text;
	size_t n;
	int status;

	if (extra)
		json_object_update_missing(record, extra);
	json_decref(extra);
	text = json_dumps(record, JSON_COMPACT | JSON_REAL_PRECISION(9));
	json_decref(record);
	if (!text)
		return error_set(LACUNA_ENOMEM, "no memory for the journal");
	n = strlen(text) - 1; /* without the brace: the checksum comes before it */
	digest_text(text, n, digest);
	status = append(w, text, n);
	free(text);
	if (!status)
		status = append(w, tail, (size_t)sprintf(tail, ",\"sum\":\"%s\"}\n", digest));
	return status;
}

int journal_flush(struct journal_writer *w)
{
	size_t done = 0;

	while (done < w->length) {
		const ssize_t n = write(w->fd, w->pending + done, w->length - done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			const int reason = errno;

			/* The next line must not start inside a torn one. */
			if (done && write(w->fd, "\n", 1) != 1)
				(void)!ftruncate(w->fd, lseek(w->fd, 0, SEEK_END) - (off_t)done);
			return error_file_set(LACUNA_EIO, w->path, "%s", strerror(reason));
		}
		done += (size_t)n;
	}
	if (w->length && fsync(w->fd))
		return error_file_errno(w->path);
	w->length = 0;
	return LACUNA_OK;
}

void journal_close(struct journal_writer *w)
{
	if (w->fd >= 0)
		close(w->fd);
	memory_release(w->path);
	memory_release(w->pending);
	*w = (struct journal_writer){ .fd = -1 };
}
