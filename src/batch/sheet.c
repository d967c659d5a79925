/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
#include <config.h>

#include "batch/sheet.h"
#include "batch/sheet-html.h"
#include "base/error.h"
#include "base/memory.h"
#include "base/temporary.h"
#include "base/text.h"
#include "image/png.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SIDE_MOST = 192, CARDS_MOST = 3000 };
static const char prefix[] = "sheet-", suffix[] = ".jsonl";

/* ---- thumbnails -------------------------------------------------------------------------------------- */

/* Box filter: each small pixel is the mean of a rectangle of large ones. */
static void shrink_plane(const float *from, int64_t w, int64_t h, float *to, int64_t sw, int64_t sh)
{
	for (int64_t y = 0; y < sh; y++)
		for (int64_t x = 0; x < sw; x++) {
			const int64_t x0 = x * w / sw, x1 = (x + 1) * w / sw;
			const int64_t y0 = y * h / sh, y1 = (y + 1) * h / sh;
			double sum = 0, count = 0;

			for (int64_t j = y0; j < y1; j++)
				for (int64_t i = x0; i < x1; i++)
					if (isfinite(from[j * w + i])) {
						sum += (double)from[j * w + i];
						count++;
					}
			to[y * sw + x] = count > 0 ? (float)(sum / count) : NAN;
		}
}

static int make_small(const struct image *image, double lo, double hi, struct image *small)
{
	const int64_t *e = image->shape.extent;
	const int64_t longer = e[0] > e[1] ? e[0] : e[1];
	const double factor = longer > SIDE_MOST ? (double)longer / SIDE_MOST : 1;
	struct lacuna_shape shape = { { (int64_t)((double)e[0] / factor),
					(int64_t)((double)e[1] / factor), e[2] == 3 ? 3 : 1, 1 } };
	int status;

	for (int i = 0; i < 2; i++)
		shape.extent[i] = shape.extent[i] < 1 ? 1 : shape.extent[i];
	status = image_create(small, &shape);
	for (int64_t c = 0; !status && c < shape.extent[2]; c++)
		shrink_plane(image->values + c * e[0] * e[1], e[0], e[1],
			     small->values + c * shape.extent[0] * shape.extent[1], shape.extent[0],
			     shape.extent[1]);
	if (!status)
		image_to_unit(small, (struct image_range){ lo, hi });
	return status;
}

static char *encode_base64(const unsigned char *bytes, size_t n, const char *head)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	char *text = memory_alloc(strlen(head) + (n + 2) / 3 * 4 + 1), *out;

	if (!text)
		return NULL;
	strcpy(text, head);
	out = text + strlen(head);
	for (size_t i = 0; i < n; i += 3) {
		const unsigned word = (unsigned)bytes[i] << 16 |
				      (i + 1 < n ? (unsigned)bytes[i + 1] << 8 : 0) |
				      (i + 2 < n ? bytes[i + 2] : 0);

		*out++ = digits[word >> 18];
		*out++ = digits[word >> 12 & 63];
		*out++ = i + 1 < n ? digits[word >> 6 & 63] : '=';
		*out++ = i + 2 < n ? digits[word & 63] : '=';
	}
	return text;
}

json_t *sheet_thumbnail(const struct image *image, double lo, double hi)
{
	struct image small = { 0 };
	unsigned char *bytes = NULL;
	char *text = NULL;
	size_t n;
	json_t *string = NULL;

	if (!make_small(image, lo, hi, &small) && !png_encode(&small, &bytes, &n))
		text = encode_base64(bytes, n, "data:image/png;base64,");
	if (text)
		string = json_string(text);
	memory_release(text);
	memory_release(bytes);
	image_free(&small);
	return string;
}

/* ---- cards ------------------------------------------------------------------------------------------- */

int sheet_open(const char *directory, const char *run, struct sheet_writer *w)
{
	char *path = text_format("%s/%s%s%s", directory, prefix, run, suffix);

	*w = (struct sheet_writer){ .fd = -1 };
	if (!path)
		return LACUNA_ENOMEM;
	w->fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0666);
	if (w->fd < 0) {
		const int status = error_file_errno(path);

		memory_release(path);
		return status;
	}
	memory_release(path);
	return LACUNA_OK;
}

void sheet_keep(struct sheet_writer *w, const json_t *card)
{
	char *text;
	size_t n;

	if (w->fd < 0 || w->count >= CARDS_MOST)
		return;
	text = json_dumps(card, JSON_COMPACT);
	if (!text)
		return;
	n = strlen(text);
	text[n] = '\n';
	if (write(w->fd, text, n + 1) == (ssize_t)(n + 1))
		w->count++;
	free(text);
}

void sheet_close(struct sheet_writer *w)
{
	if (w->fd >= 0)
		close(w->fd);
	w->fd = -1;
}

/* Reads path -> card from all files; a later card replaces an earlier one of the same path. */
static void read_cards(const char *path, json_t *cards)
{
	FILE *f = fopen(path, "r");
	char *line = NULL;
	size_t room = 0;

	while (f && getline(&line, &room, f) > 0 && json_object_size(cards) < CARDS_MOST) {
		json_t *card = json_loads(line, 0, NULL);
		const char *name = json_string_value(json_object_get(card, "path"));

		if (name)
			json_object_set(cards, name, card);
		json_decref(card);
	}
	free(line);
	if (f)
		fclose(f);
}

static int is_cards(const struct dirent *entry)
{
	const size_t n = strlen(entry->d_name), end = sizeof suffix - 1;

	return !strncmp(entry->d_name, prefix, sizeof prefix - 1) && n > end &&
	       !strcmp(entry->d_name + n - end, suffix);
}

static json_t *read_all_cards(const char *directory)
{
	json_t *cards = json_object();
	struct dirent **list = NULL;
	const int n = directory ? scandir(directory, &list, is_cards, alphasort) : 0;

	for (int i = 0; i < n; i++) {
		char *path = text_format("%s/%s", directory, list[i]->d_name);

		if (path)
			read_cards(path, cards);
		memory_release(path);
		free(list[i]);
	}
	free(list);
	return cards;
}

/* ---- the sheet --------------------------------------------------------------------------------------- */

/* Escapes slashes, so that a file name cannot end the script. */
static int put_json(FILE *f, const json_t *json)
{
	return json_dumpf(json, f, JSON_COMPACT | JSON_ESCAPE_SLASH | JSON_REAL_PRECISION(6)) < 0;
}

static void put_text(FILE *f, const char *text)
{
	fwrite(text, 1, strlen(text), f);
}

static void put_rows(FILE *f, json_t *rows, json_t *cards)
{
	json_t *row;
	size_t i;

	json_array_foreach(rows, i, row)
	{
		const char *path = json_string_value(json_object_get(row, "path"));
		json_t *card = path ? json_object_get(cards, path) : NULL;

		if (i)
			put_text(f, ",\n");
		if (card)
			json_object_update_missing(row, card);
		put_json(f, row);
	}
}

int sheet_check(const char *path)
{
	static const char title[] = "<title>Lacuna: restored pictures</title>";
	char head[512] = "";
	FILE *f = fopen(path, "r");

	if (!f)
		return errno == ENOENT ? LACUNA_OK : error_file_errno(path);
	head[fread(head, 1, sizeof head - 1, f)] = 0;
	fclose(f);
	return strstr(head, title) ? LACUNA_OK
				   : error_set(LACUNA_EIO,
					       "%s: exists and is not a contact sheet; --force "
					       "replaces it, --html chooses another name",
					       path);
}

int sheet_print(int fd, const char *path, const char *directory, json_t *summary, json_t *rows)
{
	const size_t lines = sizeof sheet_html / sizeof *sheet_html;
	json_t *cards = read_all_cards(directory);
	FILE *f = fdopen(dup(fd), "w");
	int status = f ? LACUNA_OK : error_file_errno(path);

	for (size_t i = 0; !status && i < lines; i++) {
		if (!strcmp(sheet_html[i], "@summary@\n"))
			put_json(f, summary);
		else if (!strcmp(sheet_html[i], "@rows@\n"))
			put_rows(f, rows, cards);
		else
			put_text(f, sheet_html[i]);
	}
	if (!status && (fflush(f) || ferror(f)))
		status = error_file_errno(path);
	if (f)
		fclose(f);
	json_decref(cards);
	return status;
}

int sheet_write(const char *path, const char *directory, json_t *summary, json_t *rows)
{
	struct temporary t;
	int status = temporary_open(&t, path, 1);

	if (status)
		return status;
	status = sheet_print(t.fd, path, directory, summary, rows);
	if (!status)
		return temporary_commit(&t);
	temporary_abandon(&t);
	return status;
}
