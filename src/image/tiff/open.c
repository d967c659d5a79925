/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Opens TIFF files and counts their pages. */
#include <config.h>

#include "image/tiff/private.h"

#include "base/error.h"
#include "base/log.h"
#include "base/memory.h"

#include <limits.h>
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
	r->common.pages = (int)n;
	r->notes = memory_alloc_array((size_t)n, sizeof *r->notes);
	return r->notes ? LACUNA_OK : LACUNA_ENOMEM;
}

int tiff_open(int fd, const char *path, struct image_reader **out)
{
	struct tiff_reader *r = memory_alloc(sizeof *r);
	int status;

	*out = NULL;
	if (!r) {
		close(fd);
		return LACUNA_ENOMEM;
	}
	/* m: no memory map: a file that shrinks meanwhile would kill the program, and a file larger than the memory would
	 * seem to use it up.  c: no chopping of long strips, to keep the layout. */
	status = handle_open(&r->handle, fd, path, "rmc");
	if (!status)
		status = count_pages(r);
	if (status) {
		tiff_close(&r->common);
		return status;
	}
	r->common.path = r->handle.path;
	*out = &r->common;
	return LACUNA_OK;
}

void tiff_close(struct image_reader *reader)
{
	struct tiff_reader *r = tiff_reader(reader);

	for (int i = 0; r->notes && i < r->common.pages; i++)
		memory_release(r->notes[i]);
	memory_release(r->notes);
	handle_close(&r->handle);
	memory_release(r);
}

int reader_context(const struct tiff_reader *r, int page, int status)
{
	if (r->common.pages > 1)
		error_context(status, "page %d", page + 1);
	return error_file_context(status, r->handle.path);
}
