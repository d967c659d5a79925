/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* A shared object for LD_PRELOAD, between a program and its C library: calls on files fail as requested.
 *
 *	LACUNA_FAULT_DIR	files whose path contains this word are watched
 *	LACUNA_FAULT_TRACE	a file that gets a line for each watched call: "write PATH"
 *	LACUNA_FAULT=CALL:N:WHAT	what happens to the N-th watched call CALL:
 *		ENOSPC, EIO, EPERM, EINTR, ...	it fails with this error
 *		short	writes half of the bytes
 *		appear	creates the target file first, as another program could, and continues
 *		taken	creates the target file, then fails with EPERM
 *	LACUNA_FAULT_TARGET	the file for "appear" and "taken"
 *
 * CALL is write, mode (fchmod), fsync, close, rename (also link, which names a file too) or directory (fsync of a directory).
 * A close counts only after the file's fsync, because libtiff closes a descriptor of its own before. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int count, synchronised = -1;

static void *next_function(const char *name)
{
	return dlsym(RTLD_NEXT, name);
}

static int is_watched(const char *path)
{
	const char *word = getenv("LACUNA_FAULT_DIR");

	return word && strstr(path, word);
}

static int path_of(int fd, char *path, size_t size)
{
	char link[64];
	ssize_t n;

	snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
	n = readlink(link, path, size - 1);
	path[n > 0 ? n : 0] = '\0';
	return n > 0 && is_watched(path);
}

static void trace(const char *call, const char *path)
{
	int (*const real_close)(int) = (int (*)(int))next_function("close");
	ssize_t (*const real_write)(int, const void *, size_t) =
		(ssize_t(*)(int, const void *, size_t))next_function("write");
	const char *file = getenv("LACUNA_FAULT_TRACE");
	const int fd = file ? open(file, O_WRONLY | O_APPEND | O_CREAT, 0666) : -1;
	char line[4200];
	const int n = snprintf(line, sizeof line, "%s %s\n", call, path);

	if (fd < 0)
		return;
	if (real_write(fd, line, (size_t)n) != n)
		abort();
	real_close(fd);
}

/* What this call must do; NULL: the normal thing. */
static const char *fault(const char *call, const char *path)
{
	const char *plan = getenv("LACUNA_FAULT");
	const size_t length = strlen(call);
	char *what;

	trace(call, path);
	if (!plan || strncmp(plan, call, length) != 0 || plan[length] != ':')
		return NULL;
	if (strtol(plan + length + 1, &what, 10) != ++count)
		return NULL;
	trace("fault", path);
	return what + 1;
}

static int fail(const char *what)
{
	static const struct {
		const char *name;
		int number;
	} reasons[] = { { "EIO", EIO },	      { "EINTR", EINTR },   { "EPERM", EPERM },
			{ "ENOSPC", ENOSPC }, { "EDQUOT", EDQUOT }, { "EFBIG", EFBIG },
			{ "EMLINK", EMLINK }, { "ENOSYS", ENOSYS }, { "EOPNOTSUPP", EOPNOTSUPP } };

	for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++)
		if (!strcmp(what, reasons[i].name))
			errno = reasons[i].number;
	return -1;
}

static void appear(void)
{
	FILE *file = fopen(getenv("LACUNA_FAULT_TARGET"), "w");

	if (!file || fputs("another program's\n", file) < 0 || fclose(file) != 0)
		abort();
}

ssize_t write(int fd, const void *bytes, size_t n)
{
	ssize_t (*const real)(int, const void *, size_t) =
		(ssize_t(*)(int, const void *, size_t))next_function("write");
	char path[4096];
	const char *what = path_of(fd, path, sizeof path) ? fault("write", path) : NULL;

	if (what && !strcmp(what, "short"))
		return real(fd, bytes, (n + 1) / 2);
	return what ? fail(what) : real(fd, bytes, n);
}

int fchmod(int fd, mode_t mode)
{
	int (*const real)(int, mode_t) = (int (*)(int, mode_t))next_function("fchmod");
	char path[4096];
	const char *what = path_of(fd, path, sizeof path) ? fault("mode", path) : NULL;

	return what ? fail(what) : real(fd, mode);
}

int fsync(int fd)
{
	int (*const real)(int) = (int (*)(int))next_function("fsync");
	char path[4096];
	const char *what = NULL;
	struct stat st;
	const int is_directory = !fstat(fd, &st) && S_ISDIR(st.st_mode);

	if (path_of(fd, path, sizeof path))
		what = fault(is_directory ? "directory" : "fsync", path);
	synchronised = is_directory ? -1 : fd;
	if (what && !strcmp(what, "appear"))
		appear();
	else if (what)
		return fail(what);
	return real(fd);
}

int close(int fd)
{
	int (*const real)(int) = (int (*)(int))next_function("close");
	char path[4096];
	const char *what = NULL;

	if (fd == synchronised && path_of(fd, path, sizeof path))
		what = fault("close", path);
	if (fd == synchronised)
		synchronised = -1;
	if (!what)
		return real(fd);
	real(fd);
	return fail(what);
}

int rename(const char *from, const char *to)
{
	int (*const real)(const char *, const char *) =
		(int (*)(const char *, const char *))next_function("rename");
	const char *what = is_watched(to) ? fault("rename", to) : NULL;

	return what ? fail(what) : real(from, to);
}

int link(const char *from, const char *to)
{
	int (*const real)(const char *, const char *) =
		(int (*)(const char *, const char *))next_function("link");
	const char *what = is_watched(to) ? fault("rename", to) : NULL;

	const int taken = what && !strcmp(what, "taken");

	if (what && !taken && strcmp(what, "appear") != 0)
		return fail(what);
	if (what)
		appear();
	return taken ? fail("EPERM") : real(from, to);
}
