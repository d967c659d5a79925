/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* libtiff files, each with its own messages.  Since 4.5 libtiff has handlers per file; before, one for the process. */
#include <config.h>

#include "image/tiff/private.h"
#include "base/error.h"
#include "base/log.h"
#include "base/memory.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define PER_FILE_HANDLERS (TIFFLIB_VERSION >= 20221213)

static void keep_message(struct tiff_handle *h, const char *fmt, va_list args)
{
	const int number = errno;

	if (h->message[0])
		return;
	vsnprintf(h->message, sizeof h->message, fmt, args);
	h->error_number = number;
}

/* libtiff warns of files that are old, as it does of damage. */
static int tells_age(const char *warning)
{
	static const char *const begin[] = { "Old-style LZW codes", "Deprecated and troublesome" };

	for (size_t i = 0; i < sizeof begin / sizeof *begin; i++)
		if (!strncmp(warning, begin[i], strlen(begin[i])))
			return 1;
	return 0;
}

static void keep_warning(struct tiff_handle *h, const char *fmt, va_list args)
{
	if (h->warning[0])
		return;
	vsnprintf(h->warning, sizeof h->warning, fmt, args);
	log_message(LACUNA_LOG_DEBUG, "%s", h->warning);
	if (tells_age(h->warning))
		h->warning[0] = '\0';
}

#if PER_FILE_HANDLERS

static int on_error(TIFF *tif, void *data, const char *module, const char *fmt, va_list args)
{
	(void)tif, (void)module;
	keep_message(data, fmt, args);
	return 1;
}

static int on_warning(TIFF *tif, void *data, const char *module, const char *fmt, va_list args)
{
	(void)tif, (void)module;
	keep_warning(data, fmt, args);
	return 1;
}

static TIFF *open_file(struct tiff_handle *h, int fd, const char *mode)
{
	TIFFOpenOptions *options = TIFFOpenOptionsAlloc();
	const size_t budget = memory_budget();
	TIFF *tif;

	if (!options)
		return NULL;
	TIFFOpenOptionsSetErrorHandlerExtR(options, on_error, h);
	TIFFOpenOptionsSetWarningHandlerExtR(options, on_warning, h);
	if (budget)
		TIFFOpenOptionsSetMaxSingleMemAlloc(options, (tmsize_t)budget);
	tif = TIFFFdOpenExt(fd, h->path, mode, options);
	TIFFOpenOptionsFree(options);
	return tif;
}

#else

/* The file that this thread is working on. */
static _Thread_local struct tiff_handle *active;

static void on_error(const char *module, const char *fmt, va_list args)
{
	(void)module;
	if (active)
		keep_message(active, fmt, args);
}

static void on_warning(const char *module, const char *fmt, va_list args)
{
	(void)module;
	if (active)
		keep_warning(active, fmt, args);
}

static TIFF *open_file(struct tiff_handle *h, int fd, const char *mode)
{
	TIFFSetErrorHandler(on_error);
	TIFFSetWarningHandler(on_warning);
	return TIFFFdOpen(fd, h->path, mode);
}

#endif

int handle_open(struct tiff_handle *h, int fd, const char *path, const char *mode)
{
	memset(h, 0, sizeof *h);
	handle_begin(h);
	h->path = memory_strdup(path);
	if (h->path)
		h->tif = open_file(h, fd, mode);
	if (h->tif)
		return LACUNA_OK;
	close(fd);
	return h->path ? handle_fail(h, LACUNA_EINVAL, "cannot be opened as TIFF") : LACUNA_ENOMEM;
}

void handle_close(struct tiff_handle *h)
{
	handle_begin(h);
	if (h->tif)
		TIFFClose(h->tif);
	memory_release(h->path);
	h->tif = NULL;
	h->path = NULL;
#if !PER_FILE_HANDLERS
	active = NULL;
#endif
}

void handle_begin(struct tiff_handle *h)
{
	h->message[0] = h->warning[0] = '\0';
	h->error_number = 0;
	errno = 0;
#if !PER_FILE_HANDLERS
	active = h;
#endif
}

void handle_warn(struct tiff_handle *h, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	keep_warning(h, fmt, args);
	va_end(args);
}

/* Some of libtiff's messages begin with the file's path; the caller names it. */
static const char *without_path(const struct tiff_handle *h)
{
	const size_t n = h->path ? strlen(h->path) : 0;

	return n && !strncmp(h->message, h->path, n) && !strncmp(h->message + n, ": ", 2)
		       ? h->message + n + 2
		       : h->message;
}

int handle_fail(const struct tiff_handle *h, int status, const char *otherwise)
{
	return error_set(status, "%s", h->message[0] ? without_path(h) : otherwise);
}
