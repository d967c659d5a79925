/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
#include <config.h>

#include "base/file.h"
#include "base/error.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int file_open(const char *path, uint64_t *size)
{
	const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat st;

	if (fd < 0)
		return error_file_errno(path);
	if (fstat(fd, &st) || !S_ISREG(st.st_mode)) {
		close(fd);
		return error_file_set(LACUNA_EIO, path, "is not a regular file");
	}
	if (size)
		*size = (uint64_t)st.st_size;
	return fd;
}

FILE *file_stream(const char *path)
{
	const int fd = file_open(path, NULL);
	FILE *file = fd < 0 ? NULL : fdopen(fd, "r");

	if (fd >= 0 && !file) {
		error_file_set(LACUNA_ENOMEM, path, "out of memory");
		close(fd);
	}
	return file;
}
