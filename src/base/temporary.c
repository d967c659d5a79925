/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Atomic files: a temporary in the same directory, synchronised and renamed.  Design as in git's tempfile.h: the names
 * are in a list that a signal handler can walk.  A handler cannot wait for a lock, so each entry has a state instead. */
#include <config.h>

#include "base/temporary.h"
#include "base/error.h"
#include "base/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Only the thread that has TAKEN an entry changes its text.  What is LISTED is removed at the end of the process, and then
 * REMOVED: whoever removed it may still be reading the text, so the entry is never used again. */
enum { FREE, TAKEN, LISTED, REMOVED };

/* Entries are reused and never freed, because a handler may read the list at any moment. */
struct temporary_name {
	atomic_int state;
	char text[PATH_MAX];
	struct temporary_name *next;
};

static struct temporary_name *_Atomic names;

static int change(struct temporary_name *n, int from, int to)
{
	return atomic_compare_exchange_strong(&n->state, &from, to);
}

static struct temporary_name *take_name(void)
{
	struct temporary_name *n;

	for (n = atomic_load(&names); n; n = n->next)
		if (change(n, FREE, TAKEN))
			return n;
	n = calloc(1, sizeof *n);
	if (!n)
		return NULL;
	n->state = TAKEN;
	n->next = atomic_load(&names);
	while (!atomic_compare_exchange_weak(&names, &n->next, n))
		;
	return n;
}

void temporary_remove_all(void)
{
	for (struct temporary_name *n = atomic_load(&names); n; n = n->next)
		if (change(n, LISTED, REMOVED))
			unlink(n->text);
}

/* Resolves symbolic links: renaming must replace the file, not the link to it. */
static char *resolve(const char *path)
{
	char *real = realpath(path, NULL), *copy;

	if (!real)
		return memory_strdup(path);
	copy = memory_strdup(real);
	free(real);
	return copy;
}

static const char prefix[] = ".lacuna-", suffix[] = ".tmp";

static uint32_t mix(uint32_t hash, const void *from, size_t n)
{
	const unsigned char *p = from;

	while (n--)
		hash = (hash ^ *p++) * 16777619u; /* FNV-1a */
	return hash;
}

/* Machines may share a name, and so may containers, which number their processes independently. */
static uint32_t system_id(void)
{
	const int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
	uint32_t hash = 2166136261u;
	char boot[64];
	struct stat st;
	ssize_t n;

	if (fd >= 0) {
		n = read(fd, boot, sizeof boot);
		close(fd);
		hash = mix(hash, boot, n > 0 ? (size_t)n : 0);
	}
	if (!stat("/proc/self/ns/pid", &st))
		hash = mix(hash, &st.st_ino, sizeof st.st_ino);
	return hash;
}

void temporary_host(char *host, size_t size)
{
	char name[48];

	if (gethostname(name, sizeof name) || !*name)
		snprintf(name, sizeof name, "localhost");
	name[sizeof name - 1] = 0;
	snprintf(host, size, "%s.%08x", name, (unsigned)system_id());
}

int temporary_parse(const char *name, char *host, size_t size, long *pid)
{
	const size_t length = strlen(name), around = sizeof prefix + sizeof suffix - 2;
	const char *number, *process;
	char *end;

	if (length <= around || strncmp(name, prefix, sizeof prefix - 1) != 0 ||
	    strcmp(name + length - sizeof suffix + 1, suffix) != 0)
		return 0;
	number = strrchr(name, '-');
	process = number;
	while (process > name && process[-1] != '-')
		process--;
	name += sizeof prefix - 1;
	if (process <= name + 1 || (size_t)(process - name) > size)
		return 0;
	snprintf(host, size, "%.*s", (int)(process - name) - 1, name);
	*pid = strtol(process, &end, 10);
	return end == number && *pid > 0;
}

/* Returns 0 or the reason, as errno. */
static int create_beside(struct temporary *t, struct temporary_name *n, mode_t mode)
{
	const char *slash = strrchr(t->target, '/');
	const int directory = slash ? (int)(slash - t->target) + 1 : 0;
	int reason = EEXIST;
	char host[64];

	temporary_host(host, sizeof host);
	for (unsigned attempt = 0; reason == EEXIST && attempt < 1000; attempt++) {
		const int length =
			snprintf(n->text, sizeof n->text, "%.*s%s%s-%ld-%u%s", directory, t->target,
				 prefix, host, (long)getpid(), attempt, suffix);

		if (length >= (int)sizeof n->text)
			return ENAMETOOLONG;
		n->state = LISTED; /* before the file exists: a signal must find it */
		t->fd = open(n->text, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, mode);
		reason = t->fd < 0 ? errno : 0;
		if (reason && !change(n, LISTED, TAKEN))
			reason = ECANCELED;
	}
	/* It may have been removed before it existed. */
	if (!reason && n->state == REMOVED) {
		unlink(n->text);
		reason = ECANCELED;
	}
	return reason;
}

static int open_beside(struct temporary *t, mode_t mode)
{
	struct temporary_name *n = take_name();
	int reason;

	if (!n)
		return error_set(LACUNA_ENOMEM, "out of memory");
	reason = create_beside(t, n, mode);
	if (reason) {
		change(n, TAKEN, FREE);
		return error_file_set(LACUNA_EIO, t->target, "cannot be created: %s",
				      strerror(reason));
	}
	t->name = n;
	return LACUNA_OK;
}

/* Nobody else may read an incomplete file.  The final mode is that of the replaced file, or follows the umask. */
static void keep_private(struct temporary *t, const struct stat *replaced)
{
	struct stat st;

	t->replaces = replaced != NULL;
	if (replaced)
		t->mode = replaced->st_mode & 07777;
	else if (!fstat(t->fd, &st))
		t->mode = st.st_mode & 07777;
	if (t->mode)
		(void)!fchmod(t->fd, 0600);
}

void temporary_restrict(struct temporary *t, unsigned mode)
{
	if (!t->replaces)
		t->mode &= mode | 0200; /* the owner may always write */
}

int temporary_open(struct temporary *t, const char *path, int force)
{
	struct stat st;
	int status, exists;

	t->fd = -1;
	t->force = force;
	t->mode = 0;
	t->replaces = 0;
	t->name = NULL;
	t->target = resolve(path);
	if (!t->target)
		return LACUNA_ENOMEM;
	exists = !stat(t->target, &st);
	if (exists && S_ISDIR(st.st_mode)) {
		status = error_file_set(LACUNA_EIO, path, "is a directory");
	} else if (exists && !S_ISREG(st.st_mode)) {
		t->fd = open(t->target, O_RDWR | O_CLOEXEC);
		status = t->fd >= 0 ? LACUNA_OK : error_file_errno(path);
	} else if (exists && !force) {
		status = error_file_set(LACUNA_EIO, path, "exists; --force replaces it");
	} else {
		status = open_beside(t, 0666);
		if (!status)
			keep_private(t, exists ? &st : NULL);
	}
	if (status)
		temporary_abandon(t);
	return status;
}

/* Makes the new name survive a power failure; not every file system supports this. */
static void synchronise_directory(const char *path)
{
	const char *slash = strrchr(path, '/');
	char name[PATH_MAX] = ".";
	int fd;

	if (slash && slash - path < PATH_MAX - 1)
		snprintf(name, sizeof name, "%.*s", (int)(slash - path) + 1, path);
	fd = open(name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return;
	(void)fsync(fd);
	close(fd);
}

int temporary_seal(struct temporary *t)
{
	int status = LACUNA_OK;

	if (t->fd < 0)
		return LACUNA_OK;
	if (t->name && t->mode)
		(void)!fchmod(t->fd, t->mode);
	if (t->name && fsync(t->fd))
		status = error_file_errno(t->target);
	if (close(t->fd) && !status)
		status = error_file_errno(t->target);
	t->fd = -1;
	if (status)
		temporary_abandon(t);
	return status;
}

static int put_in_place(struct temporary *t)
{
	return rename(t->name->text, t->target) ? error_file_errno(t->target) : LACUNA_OK;
}

static int has_no_links(int reason)
{
	return reason == EPERM || reason == EOPNOTSUPP || reason == ENOSYS || reason == EMLINK;
}

/* Unlike a rename, link() never replaces a file, but not every file system has links. */
static int put_beside_none(struct temporary *t)
{
	struct stat st;
	int reason;

	if (!link(t->name->text, t->target)) {
		unlink(t->name->text);
		return LACUNA_OK;
	}
	reason = errno;
	if (reason == EEXIST || !lstat(t->target, &st))
		return error_file_set(
			LACUNA_EIO, t->target,
			"was created by another process meanwhile; --force replaces it");
	return has_no_links(reason) ? put_in_place(t)
				    : error_file_set(LACUNA_EIO, t->target, "%s", strerror(reason));
}

int temporary_commit(struct temporary *t)
{
	int status = temporary_seal(t);

	if (!status && t->name)
		status = t->force ? put_in_place(t) : put_beside_none(t);
	if (!status && t->name) {
		synchronise_directory(t->target);
		change(t->name, LISTED, FREE);
		t->name = NULL;
	}
	temporary_abandon(t);
	return status;
}

void temporary_abandon(struct temporary *t)
{
	if (t->fd >= 0)
		close(t->fd);
	if (t->name) {
		unlink(t->name->text);
		change(t->name, LISTED, FREE);
	}
	memory_release(t->target);
	*t = (struct temporary){ .fd = -1 };
}
