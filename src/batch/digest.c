/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
#include <config.h>

#include "batch/digest.h"
#include "base/error.h"

#include <lacuna/plugin.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

static void print(XXH128_hash_t hash, char digest[DIGEST_SIZE])
{
	snprintf(digest, DIGEST_SIZE, "%016llx%016llx", (unsigned long long)hash.high64,
		 (unsigned long long)hash.low64);
}

void digest_text(const char *text, size_t n, char digest[DIGEST_SIZE])
{
	print(XXH3_128bits(text, n), digest);
}

static int digest_open(int fd, const char *path, char digest[DIGEST_SIZE])
{
	XXH3_state_t *state = XXH3_createState();
	char buffer[1 << 16];
	ssize_t n = 0;

	if (!state)
		return error_set(LACUNA_ENOMEM, "out of memory");
	XXH3_128bits_reset(state);
	while ((n = read(fd, buffer, sizeof buffer)) > 0 || (n < 0 && errno == EINTR))
		if (n > 0)
			XXH3_128bits_update(state, buffer, (size_t)n);
	print(XXH3_128bits_digest(state), digest);
	XXH3_freeState(state);
	return n < 0 ? error_file_errno(path) : LACUNA_OK;
}

static int open_file(const char *path)
{
	/* Opening a FIFO would wait for a writer. */
	return open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
}

int digest_file(const char *path, char digest[DIGEST_SIZE])
{
	const int fd = open_file(path);
	int status;

	if (fd < 0)
		return error_file_errno(path);
	status = digest_open(fd, path, digest);
	close(fd);
	return status;
}

static int64_t nanoseconds(const struct timespec *t)
{
	return (int64_t)t->tv_sec * 1000000000 + t->tv_nsec;
}

static void note_times(const struct stat *st, struct stamp *stamp)
{
	stamp->size = st->st_size;
	stamp->modified = nanoseconds(&st->st_mtim);
	stamp->changed = nanoseconds(&st->st_ctim);
}

int stamp_take(const char *path, struct stamp *stamp)
{
	const int fd = open_file(path);
	struct stat st;
	int status;

	if (fd < 0)
		return error_file_errno(path);
	if (fstat(fd, &st))
		status = error_file_errno(path);
	else if (!S_ISREG(st.st_mode))
		status = error_file_set(LACUNA_EIO, path, "is not a regular file");
	else
		status = digest_open(fd, path, stamp->digest);
	close(fd);
	if (!status)
		note_times(&st, stamp);
	return status;
}

int stamp_holds(const char *path, const struct stamp *stamp)
{
	struct stamp now;
	struct stat st;

	if (stat(path, &st) || st.st_size != stamp->size)
		return 0;
	note_times(&st, &now);
	if (now.modified == stamp->modified && now.changed == stamp->changed)
		return 1;
	if (stamp_take(path, &now)) {
		error_clear();
		return 0;
	}
	return !strcmp(now.digest, stamp->digest);
}
