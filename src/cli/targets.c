/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Checks of output names, and small output files. */
#include <config.h>

#include "cli/targets.h"
#include "base/error.h"
#include "base/memory.h"
#include "base/temporary.h"
#include "image/tiff.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int check_parent(const char *path)
{
	const char *slash = strrchr(path, '/');
	char *directory;
	struct stat st;
	int status = LACUNA_OK;

	if (!slash)
		return access(".", W_OK)
			       ? error_file_set(LACUNA_EIO, path,
						"the current directory cannot be written: %s",
						strerror(errno))
			       : LACUNA_OK;
	directory = memory_strdup(path);
	if (!directory)
		return LACUNA_ENOMEM;
	directory[slash == path ? 1 : slash - path] = 0;
	if (stat(directory, &st))
		status = error_file_set(LACUNA_EIO, path, "directory %s: %s", directory,
					strerror(errno));
	else if (!S_ISDIR(st.st_mode))
		status = error_file_set(LACUNA_EIO, path, "%s is not a directory", directory);
	else if (access(directory, W_OK | X_OK))
		status = error_file_set(LACUNA_EIO, path, "directory %s cannot be written: %s",
					directory, strerror(errno));
	memory_release(directory);
	return status;
}

int target_check(const char *path, const char *input, int force, int in_place)
{
	struct stat st;

	if (input && tiff_same_file(path, input)) {
		if (!in_place)
			return error_file_set(
				LACUNA_EIO, path,
				"output and input are the same file; --in-place replaces it");
		return check_parent(path);
	}
	if (stat(path, &st))
		return check_parent(path);
	if (S_ISDIR(st.st_mode))
		return error_file_set(LACUNA_EIO, path, "is a directory");
	if (!S_ISREG(st.st_mode))
		return LACUNA_OK;
	if (!force)
		return error_file_set(LACUNA_EIO, path, "exists; --force replaces it");
	return check_parent(path);
}

int target_directory(const char *path)
{
	struct stat st;

	/* In this order, lest one that another process makes meanwhile be a failure. */
	if (!mkdir(path, 0777))
		return LACUNA_OK;
	if (errno != EEXIST)
		return error_file_set(LACUNA_EIO, path, "cannot be created: %s", strerror(errno));
	if (!stat(path, &st) && S_ISDIR(st.st_mode))
		return LACUNA_OK;
	return error_file_set(LACUNA_EIO, path, "is not a directory");
}

int target_write(const char *path, const char *text, int force)
{
	struct temporary t;
	size_t left = strlen(text);
	int status = temporary_open(&t, path, force);

	if (status)
		return status;
	while (left) {
		const ssize_t n = write(t.fd, text, left);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			status = error_file_set(LACUNA_EIO, path, "%s", strerror(errno));
			temporary_abandon(&t);
			return status;
		}
		text += n;
		left -= (size_t)n;
	}
	return temporary_commit(&t);
}
