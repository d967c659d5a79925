/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Writes TIFF files: the file, and one page after another. */
#include <config.h>

#include "image/tiff/write-private.h"

#include "base/error.h"
#include "base/memory.h"
#include "base/temporary.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <string.h>
#include <sys/stat.h>

/* ---- the file */

int tiff_create(const char *path, const struct image_write_options *options,
		struct image_writer **out)
{
	const struct sample_type type = { options->kind, options->bits };
	struct tiff_writer *w;
	struct stat st;
	int status;

	*out = NULL;
	if (options->override_type && !sample_type_valid(type))
		return error_file_set(LACUNA_EINVAL, path, "TIFF has no %s samples of %d bits",
				      type.kind == SAMPLE_FLOAT ? "floating-point" : "integer",
				      type.bits);
	w = memory_alloc(sizeof *w);
	if (!w)
		return error_file_context(LACUNA_ENOMEM, path);
	w->file.fd = -1;
	w->options = *options;
	w->path = memory_strdup(path);
	if (options->software)
		w->software = memory_strdup(options->software);
	w->options.software = w->software;
	if (!w->path || (options->software && !w->software))
		status = error_file_context(LACUNA_ENOMEM, path);
	else
		status = temporary_open(&w->file, path, options->force);
	if (!status && (fstat(w->file.fd, &st) || !S_ISREG(st.st_mode)))
		status =
			error_file_set(LACUNA_EIO, path, "is not a regular file; a TIFF needs one");
	if (status) {
		tiff_abandon(&w->common);
		return status;
	}
	if (options->as_private_as && !stat(options->as_private_as, &st))
		temporary_restrict(&w->file, (unsigned)st.st_mode & 0777);
	w->options.as_private_as = NULL;
	*out = &w->common;
	return LACUNA_OK;
}

static void release(struct tiff_writer *w)
{
	memory_release(w->path);
	memory_release(w->software);
	memory_release(w->contents);
	memory_release(w);
}

void tiff_values_become(struct image_writer *writer, double scale, double offset)
{
	struct tiff_writer *w = tiff_writer(writer);

	w->values_differ = 1;
	w->value_scale = scale;
	w->value_offset = offset;
}

void tiff_abandon(struct image_writer *writer)
{
	struct tiff_writer *w = tiff_writer(writer);

	handle_close(&w->handle);
	if (w->file.target)
		temporary_abandon(&w->file);
	release(w);
}

/* Reports the disk's reason if there is one, else libtiff's. */
int writer_failed(const struct tiff_handle *h)
{
	switch (h->error_number) {
	case ENOSPC:
	case EDQUOT:
	case EFBIG:
	case EIO:
		return error_set(LACUNA_EIO, "cannot be written: %s", strerror(h->error_number));
	default:
		return handle_fail(h, LACUNA_EIO, "cannot be written");
	}
}

int tiff_seal(struct image_writer *writer)
{
	struct tiff_writer *w = tiff_writer(writer);
	int status = LACUNA_OK;

	if (!w->pages)
		status = error_file_set(LACUNA_EINVAL, w->path, "nothing to write");
	/* TIFFClose() returns nothing: only its message tells of a failure. */
	handle_close(&w->handle);
	if (!status && w->handle.message[0])
		status = error_file_context(writer_failed(&w->handle), w->path);
	if (!status)
		status = temporary_seal(&w->file);
	else
		temporary_abandon(&w->file);
	return status;
}

int tiff_commit(struct image_writer *writer)
{
	struct tiff_writer *w = tiff_writer(writer);
	int status = tiff_seal(writer);

	if (!status)
		status = temporary_commit(&w->file);
	release(w);
	return status;
}

/* The reader of the old page; NULL if there is none, or if it is not of a TIFF. */
static struct tiff_reader *old_reader(const struct image_part *part)
{
	return part->like && part->like->format == &image_format_tiff ? tiff_reader(part->like)
								      : NULL;
}

/* Bytes that a page may take.  Compression may fail. */
static double bytes_of(const struct tiff_layout *l)
{
	const double worst = l->compression == COMPRESSION_NONE ? 1.01 : 1.5;

	return worst * l->width * l->height * l->samples * l->type.bits / 8;
}

/* Bytes that all pages of the new file may take: each is copied, or changes as this one does.  Their sizes may differ. */
static int sum_pages(struct tiff_reader *like, int page, const struct page *p, double *bytes)
{
	const double growth = bytes_of(&p->layout) / bytes_of(&like->layout);

	*bytes = bytes_of(&p->layout);
	if (like->common.pages == 1)
		return LACUNA_OK;
	for (int i = 0; i < like->common.pages; i++) {
		if (i == page)
			continue;
		if (!reader_enter(like, i))
			*bytes += fmax(growth, 1) * bytes_of(&like->layout);
		error_clear(); /* a page that cannot be read takes nothing */
	}
	return reader_enter(like, page);
}

/* Classic TIFF is limited to 4 GiB. */
static int choose_size(struct tiff_reader *like, int page, const struct page *p, int *big)
{
	static const double limit = 4.0e9;
	double bytes = bytes_of(&p->layout);
	int status = LACUNA_OK;

	*big = like && TIFFIsBigTIFF(like->handle.tif);
	if (*big)
		return LACUNA_OK;
	if (like)
		status = sum_pages(like, page, p, &bytes);
	*big = bytes + (like ? (double)like->common.size : 0) > limit;
	return status;
}

static int open_output(struct tiff_writer *w, struct tiff_reader *like, int page,
		       const struct page *p)
{
	const int big_endian = like && TIFFIsBigEndian(like->handle.tif);
	char mode[8];
	int fd, big, status;

	if (w->handle.tif)
		return LACUNA_OK;
	status = choose_size(like, page, p, &big);
	if (status)
		return status;
	strcpy(mode, !like ? "w" : big_endian ? "wb" : "wl");
	if (big)
		strcat(mode, "8");
	/* libtiff closes its descriptor; ours stays open for the synchronisation. */
	fd = fcntl(w->file.fd, F_DUPFD_CLOEXEC, 0);
	if (fd < 0)
		return error_set(LACUNA_EIO, "%s", strerror(errno));
	status = handle_open(&w->handle, fd, w->path, mode);
	return status == LACUNA_EINVAL ? writer_failed(&w->handle) : status;
}

/* ---- a page */

/* EXIF and GPS directories are written first.  Reading them moves the reader. */
static int copy_directories(struct tiff_writer *w, struct tiff_reader *like, int page,
			    struct tag_directories *directories)
{
	int status;

	memset(directories, 0, sizeof *directories);
	if (!like)
		return LACUNA_OK;
	handle_begin(&like->handle);
	handle_begin(&w->handle);
	status = tags_copy_directories(&like->handle, &w->handle, is_same_size(&w->page, like),
				       directories);
	if (status)
		status = writer_failed(&w->handle);
	if (!directories->moved)
		return status;
	like->current = -1;
	return status ? status : reader_enter(like, page);
}

/* Number of rows needed at once: planes are written one after the other, and tiles whole. */
static uint32_t choose_multiple(const struct tiff_writer *w)
{
	uint32_t rows = 1;

	if (w->page.layout.tiled)
		return w->page.layout.block_height;
	if (w->page.layout.separate)
		TIFFGetFieldDefaulted(w->handle.tif, TIFFTAG_ROWSPERSTRIP, &rows);
	return rows < w->page.layout.height ? rows : w->page.layout.height;
}

static int begin(struct tiff_writer *w, const struct image_part *part, int copy, int in_parts)
{
	struct page *p = &w->page;
	struct tiff_layout *l = &p->layout;
	struct tiff_reader *like = old_reader(part);
	struct tag_directories directories;
	int status = like ? writer_read_contents(w, like) : LACUNA_OK;

	*p = (struct page){ .copy = copy };
	if (status)
		return status;
	status = like ? reader_enter(like, part->page) : LACUNA_OK;
	if (status)
		return reader_context(like, part->page, status);
	p->sparse = like && handle_is_sparse(like->handle.tif);
	status = page_plan(w, part, like, p);
	page_name_samples(p);
	/* Strips as high as the picture would need all of it at once. */
	if (in_parts && l->separate && !l->tiled)
		l->block_height = (uint32_t)writer_block_rows(l);
	if (!status)
		status = open_output(w, like, part->page, p);
	if (!status)
		status = copy_directories(w, like, part->page, &directories);
	if (!status)
		p->predictor = page_predictor(w->handle.tif, like, &p->layout);
	if (!status)
		status = page_set_tags(w, like, p, &directories);
	if (!status)
		w->common.multiple = choose_multiple(w);
	return status;
}

int tiff_begin(struct image_writer *writer, const struct image_part *part)
{
	struct tiff_writer *w = tiff_writer(writer);
	const int status = begin(w, part, 0, 1);

	return status ? error_file_context(status, w->path) : LACUNA_OK;
}

int tiff_put(struct image_writer *writer, const struct image_rows *rows)
{
	struct tiff_writer *w = tiff_writer(writer);
	int status;

	w->page.rows = *rows;
	status = page_write_samples(&w->handle, &w->page);
	return status ? error_file_context(status, w->path) : LACUNA_OK;
}

int tiff_end(struct image_writer *writer)
{
	struct tiff_writer *w = tiff_writer(writer);

	handle_begin(&w->handle);
	if (!TIFFWriteDirectory(w->handle.tif))
		return error_file_context(writer_failed(&w->handle), w->path);
	w->pages++;
	return LACUNA_OK;
}

/* Copies the old page's samples, some rows at a time. */
static int put_copy(struct tiff_writer *w, const struct image_part *part)
{
	enum { ROWS = 64 };
	const int64_t height = w->page.layout.height, multiple = w->common.multiple;
	const int64_t step = (ROWS + multiple - 1) / multiple * multiple;
	struct image_band *old = NULL;
	int status = image_band_open(part->like, part->page, step, &old);

	for (int64_t y = 0; !status && y < height; y += step) {
		const struct image_rows rows = { .top = y,
						 .count = height - y < step ? height - y : step,
						 .old = old };

		status = image_band_move(old, y, y + rows.count);
		if (!status)
			status = tiff_put(&w->common, &rows);
	}
	image_band_close(old);
	return status;
}

/* Writes all rows.  Reads the old page if its samples are needed: extra samples, and values that stay. */
static int put_picture(struct tiff_writer *w, const struct image_part *part,
		       struct image_rows *rows)
{
	const struct tiff_reader *like = old_reader(part);
	const struct page *p = &w->page;
	struct image_band *old = NULL;
	int status = LACUNA_OK;

	if (!rows->old && like &&
	    ((rows->keep && p->keeps) || p->layout.samples > p->layout.colour)) {
		status = image_band_open(part->like, part->page, 0, &old);
		if (!status)
			status = image_band_move(old, 0, like->layout.height);
		rows->old = old;
	}
	rows->count = p->layout.height;
	if (!status)
		status = tiff_put(&w->common, rows);
	image_band_close(old);
	return status;
}

static int write_page(struct tiff_writer *w, const struct image_part *part, int copy,
		      struct image_rows *rows)
{
	int status = begin(w, part, copy, 0);

	if (status)
		return error_file_context(status, w->path);
	status = copy ? put_copy(w, part) : put_picture(w, part, rows);
	return status ? status : tiff_end(&w->common);
}

int tiff_write(struct image_writer *writer, const struct image_part *part, const float *values,
	       const unsigned char *keep, const struct image_band *old)
{
	struct image_rows rows = { .values = values, .keep = keep, .old = old };

	return write_page(tiff_writer(writer), part, 0, &rows);
}

int tiff_copy(struct image_writer *writer, struct image_reader *like, int page)
{
	const struct image_part part = { .like = like, .page = page };

	return write_page(tiff_writer(writer), &part, 1, NULL);
}
