/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
#include <config.h>

#include "cli/operands.h"
#include "base/error.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"
#include "cli/picture.h"
#include "plugin/param.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* ---- parameter rows ---------------------------------------------------------------------------------- */

/* If an operator after number `at' moves values about, they are no longer values of the measurement. */
static int find_absent(const struct plugin_use *uses, size_t count, size_t at,
		       const struct lacuna_param *row, const char *text, double *value)
{
	const char *name = uses[at].plugin->head->name;

	if (!text_real(text, value))
		return error_set(LACUNA_EINVAL, "%s: %s takes a number, not '%s'", name, row->name,
				 text);
	for (size_t i = at + 1; i < count; i++)
		if (!(uses[i].plugin->u.op.flags & LACUNA_PIXELWISE))
			return error_set(LACUNA_EINVAL,
					 "%s: %s=%s refers to values of the measurement; give this "
					 "operator after %s",
					 name, row->name, text, uses[i].plugin->head->name);
	return LACUNA_OK;
}

static size_t count_rows(const struct plugin_use *uses, size_t count)
{
	size_t rows = 0;

	for (size_t i = 0; i < count; i++)
		rows += uses[i].plugin->head->param_count;
	return rows;
}

int operands_find(const struct plugin_use *uses, size_t count, struct operands *o)
{
	const size_t most = count_rows(uses, count);
	int status = LACUNA_OK;

	*o = (struct operands){ 0 };
	if (!most)
		return LACUNA_OK;
	o->paged = memory_alloc_array(most, sizeof *o->paged);
	o->sampled = memory_alloc_array(most, sizeof *o->sampled);
	o->absent = memory_alloc_array(most, sizeof *o->absent);
	if (!o->paged || !o->sampled || !o->absent)
		status = LACUNA_ENOMEM;
	for (size_t i = 0; !status && i < count; i++)
		for (uint32_t k = 0; !status && k < uses[i].plugin->head->param_count; k++) {
			const struct lacuna_param *row = param_row(uses[i].plugin->head, k);
			const char *text = param_text(row, uses[i].config);

			if (!text)
				continue;
			if (row->type == LACUNA_PATH && (row->flags & LACUNA_PAGED))
				o->paged[o->paged_count++] = text;
			if (row->type == LACUNA_PATH && (row->flags & LACUNA_SAMPLED))
				o->sampled[o->sampled_count++] = text;
			if (row->type == LACUNA_TEXT && (row->flags & LACUNA_ABSENT))
				status = find_absent(uses, count, i, row, text,
						     &o->absent[o->absent_count++]);
		}
	if (status)
		operands_free(o);
	return status;
}

void operands_free(struct operands *o)
{
	memory_release(o->paged);
	memory_release(o->sampled);
	memory_release(o->absent);
	*o = (struct operands){ 0 };
}

/* ---- pages ------------------------------------------------------------------------------------------- */

/* Formats other than TIFF have one page.  A file that cannot be read is refused when it is read. */
int operands_check_pages(const struct operands *o, int pages, int *many)
{
	int status = LACUNA_OK;

	*many = 0;
	for (size_t i = 0; !status && i < o->paged_count; i++) {
		int own = 1;

		status = picture_count_pages(o->paged[i], pages, &own);
		*many |= own > 1;
	}
	return status;
}

/* ---- orientation ------------------------------------------------------------------------------------- */

/* Other formats, such as PNG, are stored as they are shown. */
static int turn_of(const char *path)
{
	struct image_reader *r;
	int turn = 1;

	if (image_reader_open(path, &r)) {
		error_clear();
		return 1;
	}
	turn = image_reader_orientation(r, 0);
	image_reader_close(r);
	return turn;
}

void operands_check_turns(const struct operands *o, struct image_reader *picture)
{
	const int turn = image_reader_orientation(picture, 0);

	for (size_t i = 0; i < o->paged_count; i++) {
		const int own = turn_of(o->paged[i]);

		if (own && turn && own != turn)
			log_message(LACUNA_LOG_WARN,
				    "%s: has orientation %d, but %s has %d: programs that obey the "
				    "tag show them turned against each other.  Pixels are used as "
				    "they are stored; if that is right, give both files the same "
				    "orientation, else turn one of them",
				    o->paged[i], own, picture->path, turn);
	}
}

/* ---- pixel sizes ------------------------------------------------------------------------------------- */

static const char *size_text(double micrometres, char *text, size_t size)
{
	if (micrometres < 0.1)
		snprintf(text, size, "%.4g nm", 1e3 * micrometres);
	else if (micrometres < 1000)
		snprintf(text, size, "%.4g um", micrometres);
	else
		snprintf(text, size, "%.4g mm", micrometres / 1e3);
	return text;
}

/* Kernel pixel size divided by the picture's, in the dimension where this is farther from 1. */
static double ratio(const double kernel[2], const double picture[2])
{
	const double x = kernel[0] / picture[0], y = kernel[1] / picture[1];

	return fabs(log(x)) > fabs(log(y)) ? x : y;
}

static int check_kernel(const char *path, const char *picture, const double size[2], double scale)
{
	/* Tags are rounded: up to `close', sizes count as equal. */
	static const double close = 1.03, wrong = 1.95;
	struct image_reader *r;
	double own[2], x_size[2] = { size[0] / scale, size[1] / scale }, factor;
	char a[32], b[32];
	int found;

	/* A file that is not a TIFF states no size. */
	if (image_reader_open(path, &r)) {
		error_clear();
		return LACUNA_OK;
	}
	found = image_reader_pixel_size(r, own);
	image_reader_close(r);
	if (!found)
		return LACUNA_OK;
	factor = ratio(own, x_size);
	if (fabs(log(ratio(own, size))) < fabs(log(factor))) {
		memcpy(x_size, size, sizeof x_size);
		factor = ratio(own, size);
	}
	if (factor < close && factor > 1 / close)
		return LACUNA_OK;
	size_text(own[0], a, sizeof a);
	size_text(x_size[0], b, sizeof b);
	if (factor < wrong && factor > 1 / wrong) {
		log_message(LACUNA_LOG_WARN,
			    "%s: a pixel of the kernel is %s, but a pixel of %s is %s; scale the "
			    "kernel by %.4g, or correct the resolution of one of them",
			    path, a, picture, b, factor);
		return LACUNA_OK;
	}
	return error_file_set(LACUNA_EINVAL, path,
			      "a pixel of the kernel is %s, but a pixel of %s is %s; scale the "
			      "kernel by %.4g, or correct the resolution of one of them",
			      a, picture, b, factor);
}

int operands_check_pixels(const struct operands *o, struct image_reader *picture, double scale)
{
	double size[2];
	int status = LACUNA_OK;

	if (!o->sampled_count || !image_reader_pixel_size(picture, size))
		return LACUNA_OK;
	for (size_t i = 0; !status && i < o->sampled_count; i++)
		status = check_kernel(o->sampled[i], picture->path, size, scale);
	return status;
}
