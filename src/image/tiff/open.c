/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Opens TIFF files: counts their pages, knows other formats, and notices when another program writes into the file. */
#include <config.h>

#include "image/tiff/private.h"

#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "base/memory.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static uint64_t number_at(TIFF *tif, const uint8_t *bytes, int n)
{
	uint64_t v = 0;

	for (int i = 0; i < n; i++)
		v = v << 8 | bytes[TIFFIsBigEndian(tif) ? i : n - 1 - i];
	return v;
}

/* True if the last directory that libtiff found names no next one.  libtiff stops silently at a chain that loops back. */
static int chain_ends(TIFF *tif, tdir_t last)
{
	const int big = TIFFIsBigTIFF(tif), count = big ? 8 : 2, entry = big ? 20 : 12;
	const int width = big ? 8 : 4;
	uint8_t bytes[8];
	uint64_t at, entries;

	if (!TIFFSetDirectory(tif, last))
		return 1;
	at = TIFFCurrentDirOffset(tif);
	if (pread(TIFFFileno(tif), bytes, (size_t)count, (off_t)at) != count)
		return 1;
	entries = number_at(tif, bytes, count);
	if (entries > 65535)
		return 1;
	at += (uint64_t)count + entries * (uint64_t)entry;
	return pread(TIFFFileno(tif), bytes, (size_t)width, (off_t)at) != width ||
	       !number_at(tif, bytes, width);
}

static int count_pages(struct tiff_reader *r)
{
	tdir_t n;

	handle_begin(&r->handle);
	n = TIFFNumberOfDirectories(r->handle.tif);
	r->current = -1;
	if (n < 1 || n > INT_MAX)
		return handle_fail(&r->handle, LACUNA_EINVAL, "has no pages");
	if (r->handle.message[0] || !chain_ends(r->handle.tif, n - 1))
		log_message(LACUNA_LOG_WARN,
			    "%s: the chain of pages is broken after page %d; later pages are lost",
			    r->handle.path, (int)n);
	r->pages = (int)n;
	r->notes = memory_alloc_array((size_t)n, sizeof *r->notes);
	return r->notes ? LACUNA_OK : LACUNA_ENOMEM;
}

/* Other picture formats: how to recognise them and convert them to TIFF.  GDAL keeps FITS values, ImageMagick does not. */
static const struct {
	int at; /* offset of `begin' in the file */
	const char *begin, *name, *command;
} formats[] = {
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

static int check_format(int fd)
{
	char head[32] = "";

	if (pread(fd, head, sizeof head, 0) < 4)
		return LACUNA_OK;
	for (size_t i = 0; i < sizeof formats / sizeof *formats; i++)
		if (!memcmp(head + formats[i].at, formats[i].begin, strlen(formats[i].begin)))
			return error_set(LACUNA_EINVAL, "is %s, not TIFF; convert it with: %s",
					 formats[i].name, formats[i].command);
	return LACUNA_OK;
}

static int take_stamp(int fd, struct tiff_reader *r)
{
	struct stat st;

	if (fstat(fd, &st))
		return error_set(LACUNA_EIO, "%s", strerror(errno));
	r->changed = st.st_mtim;
	return LACUNA_OK;
}

int tiff_open(const char *path, struct tiff_reader **out)
{
	struct tiff_reader *r = memory_alloc(sizeof *r);
	int status, fd;

	*out = NULL;
	if (!r)
		return error_file_context(LACUNA_ENOMEM, path);
	fd = file_open(path, &r->file_size);
	if (fd < 0) {
		tiff_close(r);
		return fd;
	}
	status = take_stamp(fd, r);
	if (!status)
		status = check_format(fd);
	if (status)
		close(fd);
	/* m: no memory map: a file that shrinks meanwhile would kill the program, and a file larger than the memory would
	 * seem to use it up.  c: no chopping of long strips, to keep the layout. */
	if (!status)
		status = handle_open(&r->handle, fd, path, "rmc");
	if (!status)
		status = count_pages(r);
	if (status) {
		tiff_close(r);
		return error_file_context(status, path);
	}
	*out = r;
	return LACUNA_OK;
}

void tiff_close(struct tiff_reader *r)
{
	if (!r)
		return;
	for (int i = 0; r->notes && i < r->pages; i++)
		memory_release(r->notes[i]);
	memory_release(r->notes);
	handle_close(&r->handle);
	memory_release(r);
}

/* A program that writes into the file changes its time; one that replaces it leaves us the old file. */
int tiff_unchanged(const struct tiff_reader *r)
{
	struct stat st;

	if (fstat(TIFFFileno(r->handle.tif), &st))
		return error_set(LACUNA_EIO, "%s", strerror(errno));
	if ((uint64_t)st.st_size == r->file_size && st.st_mtim.tv_sec == r->changed.tv_sec &&
	    st.st_mtim.tv_nsec == r->changed.tv_nsec)
		return LACUNA_OK;
	return error_set(LACUNA_EIO,
			 "was changed while it was read; try again when it is complete");
}

const char *tiff_path(const struct tiff_reader *r)
{
	return r->handle.path;
}

int tiff_page_count(const struct tiff_reader *r)
{
	return r->pages;
}

int reader_context(const struct tiff_reader *r, int page, int status)
{
	if (r->pages > 1)
		error_context(status, "page %d", page + 1);
	return error_file_context(status, r->handle.path);
}
