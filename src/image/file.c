/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Picture files: the table of formats, and calls to the format of a file. */
#include <config.h>

#include "image/file.h"

#include "base/error.h"
#include "base/file.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- formats */

enum { HEAD = 32 };

/* The first one writes new files. */
static const struct image_format *const formats[] = { &image_format_tiff };

/* Formats that are not read: how to recognise them and convert them to TIFF.  GDAL keeps FITS values, ImageMagick does
 * not. */
static const struct {
	int at; /* offset of `begin' in the file */
	const char *begin, *name, *command;
} others[] = {
	{ 0, "\x89PNG", "a PNG picture", "convert IN.png OUT.tif (ImageMagick)" },
	{ 0, "\xff\xd8\xff", "a JPEG picture", "convert IN.jpg OUT.tif (ImageMagick)" },
	{ 0, "SIMPLE  =", "a FITS file", "gdal_translate IN.fits OUT.tif (GDAL)" },
	{ 0, "GIF8", "a GIF picture", "convert IN.gif OUT.tif (ImageMagick)" },
	{ 0, "8BPS", "a Photoshop file", "convert IN.psd[0] OUT.tif (ImageMagick)" },
	{ 8, "WEBP", "a WebP picture", "convert IN.webp OUT.tif (ImageMagick)" },
	{ 4, "jP  ", "a JPEG 2000 picture", "gdal_translate IN.jp2 OUT.tif (GDAL)" },
	{ 4, "ftyphei", "a HEIF picture", "convert IN.heic OUT.tif (ImageMagick)" },
	{ 0, "\x89HDF", "an HDF5 or netCDF file", "gdal_translate IN OUT.tif (GDAL)" },
	{ 0, "ZISRAWFILE", "a Zeiss CZI file", "bfconvert IN.czi OUT.ome.tif (Bio-Formats)" },
	{ 0, "\xda\xce\xbe\x0a", "a Nikon ND2 file", "bfconvert IN.nd2 OUT.ome.tif (Bio-Formats)" },
};

static const struct image_format *find_format(const void *head, size_t size)
{
	for (size_t i = 0; i < sizeof formats / sizeof *formats; i++)
		if (formats[i]->sniff(head, size))
			return formats[i];
	return NULL;
}

int image_format_is_known(const void *head, size_t size)
{
	return find_format(head, size) != NULL;
}

static int refuse_others(const char *head)
{
	for (size_t i = 0; i < sizeof others / sizeof *others; i++)
		if (!memcmp(head + others[i].at, others[i].begin, strlen(others[i].begin)))
			return error_set(LACUNA_EINVAL, "is %s, not %s; convert it with: %s",
					 others[i].name, formats[0]->name, others[i].command);
	return LACUNA_OK;
}

/* A file of unknown format gets the first one, which says what is wrong. */
static int choose_format(int fd, const struct image_format **format)
{
	char head[HEAD] = "";
	const ssize_t n = pread(fd, head, sizeof head, 0);

	*format = find_format(head, n > 0 ? (size_t)n : 0);
	if (*format)
		return LACUNA_OK;
	*format = formats[0];
	return refuse_others(head);
}

/* ---- reading */

int image_reader_open(const char *path, struct image_reader **out)
{
	const struct image_format *format;
	struct image_reader *r = NULL;
	uint64_t size;
	struct stat st;
	int status, fd = file_open(path, &size);

	*out = NULL;
	if (fd < 0)
		return fd;
	status = fstat(fd, &st) ? error_set(LACUNA_EIO, "%s", strerror(errno))
				: choose_format(fd, &format);
	if (status)
		close(fd);
	else
		status = format->open(fd, path, &r);
	if (status)
		return error_file_context(status, path);
	r->format = format;
	r->fd = fd;
	r->size = size;
	r->changed = st.st_mtim;
	*out = r;
	return LACUNA_OK;
}

void image_reader_close(struct image_reader *r)
{
	if (r)
		r->format->close(r);
}

int image_reader_page(struct image_reader *r, int page, struct image_page *info)
{
	return r->format->page(r, page, info);
}

int image_reader_read(struct image_reader *r, int page, struct image *image)
{
	return r->format->read(r, page, image);
}

int image_reader_read_alpha(struct image_reader *r, int page, struct image *image)
{
	return r->format->read_alpha(r, page, image);
}

int image_reader_pixel_size(struct image_reader *r, double size[2])
{
	return r->format->pixel_size(r, size);
}

int image_reader_orientation(struct image_reader *r, int page)
{
	return r->format->orientation(r, page);
}

/* A program that writes into the file changes its time; one that replaces it leaves us the old file. */
int image_reader_unchanged(const struct image_reader *r)
{
	struct stat st;

	if (fstat(r->fd, &st))
		return error_set(LACUNA_EIO, "%s", strerror(errno));
	if ((uint64_t)st.st_size == r->size && st.st_mtim.tv_sec == r->changed.tv_sec &&
	    st.st_mtim.tv_nsec == r->changed.tv_nsec)
		return LACUNA_OK;
	return error_set(LACUNA_EIO,
			 "was changed while it was read; try again when it is complete");
}

int image_band_open(struct image_reader *r, int page, int64_t rows, struct image_band **out)
{
	const int status = r->format->band_open(r, page, rows, out);

	if (!status)
		(*out)->format = r->format;
	return status;
}

void image_band_close(struct image_band *b)
{
	if (b)
		b->format->band_close(b);
}

int image_band_move(struct image_band *b, int64_t top, int64_t bottom)
{
	return b->format->band_move(b, top, bottom);
}

void image_band_get(const struct image_band *b, const struct lacuna_region *region, float *values)
{
	b->format->band_get(b, region, values);
}

int image_band_cost(struct image_reader *r, int page, struct image_cost *cost)
{
	return r->format->band_cost(r, page, cost);
}

/* ---- writing */

int image_writer_create(const char *path, const struct image_write_options *options,
			struct image_writer **out)
{
	const int status = formats[0]->create(path, options, out);

	if (!status)
		(*out)->format = formats[0];
	return status;
}

void image_writer_values_become(struct image_writer *w, double scale, double offset)
{
	w->format->values_become(w, scale, offset);
}

int image_writer_write(struct image_writer *w, const struct image_part *part, const float *values,
		       const unsigned char *keep, const struct image_band *old)
{
	return w->format->write(w, part, values, keep, old);
}

int image_writer_add(struct image_writer *w, struct image_reader *like, int page,
		     const struct image *image)
{
	const struct image_part part = { .like = like, .page = page, .shape = image->shape };

	return image_writer_write(w, &part, image->values, NULL, NULL);
}

int image_writer_begin(struct image_writer *w, const struct image_part *part)
{
	return w->format->begin(w, part);
}

int image_writer_put(struct image_writer *w, const struct image_rows *rows)
{
	return w->format->put(w, rows);
}

int image_writer_end(struct image_writer *w)
{
	return w->format->end(w);
}

int image_writer_copy(struct image_writer *w, struct image_reader *like, int page)
{
	return w->format->copy(w, like, page);
}

int image_writer_seal(struct image_writer *w)
{
	return w->format->seal(w);
}

int image_writer_commit(struct image_writer *w)
{
	return w->format->commit(w);
}

void image_writer_abandon(struct image_writer *w)
{
	if (w)
		w->format->abandon(w);
}
