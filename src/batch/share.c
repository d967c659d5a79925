/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
#include <config.h>

#include "batch/share.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/memory.h"
#include "base/temporary.h"
#include "base/text.h"
#include "batch/digest.h"

#include <lacuna/plugin.h>

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <fcntl.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* A run without a heartbeat for SECONDS_ALIVE is dead.  Files untouched for a day belong to nobody. */
enum { SECONDS_ALIVE = 120, SECONDS_FORGOTTEN = 86400 };

static const char run_prefix[] = "run-";

static int make_directory(const char *path)
{
	struct stat st;

	if (!mkdir(path, 0777) || (errno == EEXIST && !stat(path, &st) && S_ISDIR(st.st_mode)))
		return LACUNA_OK;
	return error_file_set(LACUNA_EIO, path, "cannot be created: %s", strerror(errno));
}

/* ---- which runs are alive ---------------------------------------------------------------------------- */

/* HOST-PID-TIME; host names may have dashes, too.  False when the name has another form. */
static int parse_run(const char *run, char host[64], long *pid)
{
	const char *time = strrchr(run, '-');
	const char *at = time;
	char *end;

	while (at && at > run && at[-1] != '-')
		at--;
	if (!at || at <= run + 1 || at - run - 1 >= 64)
		return 0;
	memcpy(host, run, (size_t)(at - run - 1));
	host[at - run - 1] = 0;
	*pid = strtol(at, &end, 10);
	return end == time && *pid > 0;
}

/* The name of the program that a process runs; "" if the process is gone.  Returns 0 if the system does not say. */
static int program_of(const char *process, char *name, size_t size)
{
	static const char replaced[] = " (deleted)"; /* the file was replaced since the start */
	char path[64], program[PATH_MAX];
	const char *slash;
	ssize_t n;

	snprintf(path, sizeof path, "/proc/%s/exe", process);
	n = readlink(path, program, sizeof program - 1);
	*name = 0;
	if (n < 0)
		return errno == ENOENT; /* a process that ended and was not waited for has none */
	program[n] = 0;
	if ((size_t)n > sizeof replaced && !strcmp(program + n - (sizeof replaced - 1), replaced))
		program[n - (ssize_t)(sizeof replaced - 1)] = 0;
	slash = strrchr(program, '/');
	snprintf(name, size, "%s", slash ? slash + 1 : program);
	return 1;
}

/* Process numbers are reused: where the system shows what a process runs (Linux), another program is not one of ours.
 * Another build of ours is, and so is one whose file was replaced meanwhile. */
static int is_another_program(long pid)
{
	char ours[PATH_MAX], theirs[PATH_MAX], process[32];

	snprintf(process, sizeof process, "%ld", pid);
	return program_of("self", ours, sizeof ours) && *ours &&
	       program_of(process, theirs, sizeof theirs) && strcmp(ours, theirs) != 0;
}

/* True when the process was on this machine and is gone. */
static int process_is_dead(const char *host, long pid)
{
	char here[64];

	temporary_host(here, sizeof here);
	if (strcmp(host, here) != 0)
		return 0;
	return kill((pid_t)pid, 0) ? errno == ESRCH : is_another_program(pid);
}

/* Wall-clock time when this machine was started; 0 if the system does not say. */
static double boot_time(void)
{
#ifdef CLOCK_BOOTTIME
	struct timespec up;

	if (!clock_gettime(CLOCK_BOOTTIME, &up))
		return difftime(time(NULL), 0) - (double)up.tv_sec;
#endif
	return 0;
}

/* True when `host' was this machine before its last start.  HOST is NAME.NUMBER, and each start gives a new NUMBER.  What
 * has this NAME and was last touched before the start is dead. */
static int is_of_before(const char *host, const struct stat *st, double margin)
{
	const char *dot = strrchr(host, '.');
	char here[64];

	temporary_host(here, sizeof here);
	return dot && strcmp(host, here) != 0 && !strncmp(host, here, (size_t)(dot - host) + 1) &&
	       difftime(st->st_mtime, 0) + margin < boot_time();
}

/* Both times come from the file system, so the machines' clocks do not matter. */
static double age(const char *path, const char *reference)
{
	struct stat a, b;

	if (stat(path, &a) || stat(reference, &b))
		return HUGE_VAL;
	return difftime(b.st_mtime, a.st_mtime);
}

static int is_alive(const struct share *s, const char *run)
{
	char host[64], path[4096];
	struct stat st;
	long pid;

	if (!strcmp(run, s->run))
		return 1;
	if (!parse_run(run, host, &pid) || process_is_dead(host, pid))
		return 0;
	snprintf(path, sizeof path, "%s/%s%s", s->directory, run_prefix, run);
	if (!stat(path, &st) && is_of_before(host, &st, SECONDS_ALIVE / 2))
		return 0;
	return age(path, s->file) < SECONDS_ALIVE;
}

int share_is_other(const struct share *s, const char *run)
{
	return strcmp(run, s->run) != 0 && is_alive(s, run);
}

void share_beat(const struct share *s)
{
	if (s->file)
		(void)utimensat(AT_FDCWD, s->file, NULL, 0);
}

/* Counts live runs and removes the files of dead ones. */
static int look_around(struct share *s)
{
	DIR *d = opendir(s->directory);
	struct dirent *entry;

	if (!d)
		return error_file_errno(s->directory);
	while ((entry = readdir(d))) {
		const char *run = entry->d_name + sizeof run_prefix - 1;

		if (strncmp(entry->d_name, run_prefix, sizeof run_prefix - 1) != 0 ||
		    !strcmp(run, s->run))
			continue;
		if (is_alive(s, run))
			s->others++;
		else
			(void)unlinkat(dirfd(d), entry->d_name, 0);
	}
	closedir(d);
	return LACUNA_OK;
}

/* False when the file does not exist any more. */
static int read_owner(const char *path, char owner[128])
{
	const int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return 0;
	n = read(fd, owner, 127);
	close(fd);
	owner[n > 0 ? n : 0] = 0;
	return 1;
}

/* A claim not yet written has no owner: its age decides. */
static int is_stale(const struct share *s, const char *path, const char *owner)
{
	return *owner ? !is_alive(s, owner) : age(path, s->file) >= SECONDS_ALIVE;
}

/* Removes claims on images that were done when the owner died: nobody will claim these again. */
static void clean_claims(const struct share *s)
{
	char *claims = text_format("%s/claims", s->directory);
	DIR *d = claims ? opendir(claims) : NULL;
	struct dirent *entry;
	char path[4096], owner[128];

	while (d && (entry = readdir(d))) {
		snprintf(path, sizeof path, "%s/%s", claims, entry->d_name);
		if (*entry->d_name != '.' && read_owner(path, owner) && is_stale(s, path, owner))
			unlink(path);
	}
	if (d)
		closedir(d);
	memory_release(claims);
}

/* Creates the heartbeat file of this run. */
static int enter(struct share *s)
{
	char host[64];
	int fd;

	temporary_host(host, sizeof host);
	snprintf(s->run, sizeof s->run, "%s-%ld-%llx", host, (long)getpid(),
		 (unsigned long long)clock_date());
	s->file = text_format("%s/%s%s", s->directory, run_prefix, s->run);
	if (!s->file)
		return LACUNA_ENOMEM;
	fd = open(s->file, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
	if (fd < 0)
		return error_file_errno(s->file);
	close(fd);
	return LACUNA_OK;
}

int share_join(const char *directory, struct share *s)
{
	char *claims;
	int status;

	*s = (struct share){ .directory = memory_strdup(directory) };
	claims = text_format("%s/claims", directory);
	if (!s->directory || !claims) {
		memory_release(claims);
		return LACUNA_ENOMEM;
	}
	status = make_directory(directory);
	if (!status)
		status = make_directory(claims);
	if (!status)
		status = enter(s);
	if (!status) {
		clean_claims(s);
		status = look_around(s);
	}
	memory_release(claims);
	return status;
}

void share_leave(struct share *s)
{
	/* Owners may have died since this run began. */
	if (s->file) {
		clean_claims(s);
		unlink(s->file);
	}
	memory_release(s->file);
	memory_release(s->directory);
	*s = (struct share){ 0 };
}

/* ---- claims ------------------------------------------------------------------------------------------ */

static void claim_path(const struct share *s, const char *name, char *path, size_t size)
{
	char digest[DIGEST_SIZE];

	digest_text(name, strlen(name), digest);
	snprintf(path, size, "%s/claims/%s", s->directory, digest);
}

/* Returns 1: the claim is ours; 0: one exists already; < 0: failure. */
static int create_claim(const struct share *s, const char *path)
{
	const int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
	const size_t n = strlen(s->run);

	if (fd < 0)
		return errno == EEXIST ? 0 : error_file_errno(path);
	if (write(fd, s->run, n) != (ssize_t)n) {
		const int reason = errno;

		close(fd);
		unlink(path);
		return error_file_set(LACUNA_EIO, path, "%s", strerror(reason));
	}
	close(fd);
	return 1;
}

enum claim share_claim(const struct share *s, const char *name)
{
	char path[4096], away[4096 + 128], owner[128];
	int made;

	claim_path(s, name, path, sizeof path);
	for (int tries = 0; tries < 3; tries++) {
		made = create_claim(s, path);
		if (made)
			return made > 0 ? CLAIM_MINE : CLAIM_FAILED;
		if (!read_owner(path, owner))
			continue;
		if (!is_stale(s, path, owner))
			return CLAIM_THEIRS;
		/* If several runs see a dead owner, one of them renames the claim; then all try to create a new one. */
		snprintf(away, sizeof away, "%s.%s", path, s->run);
		if (!rename(path, away)) {
			/* If another run was faster, we renamed its new claim: put it back.  Work done twice meanwhile gives
			 * the same bits. */
			if (read_owner(away, owner) && !is_stale(s, away, owner))
				(void)!link(away, path);
			unlink(away);
		}
	}
	return CLAIM_THEIRS;
}

void share_release(const struct share *s, const char *name)
{
	char path[4096], owner[128];

	claim_path(s, name, path, sizeof path);
	if (read_owner(path, owner) && !strcmp(owner, s->run))
		unlink(path);
}

/* ---- temporaries ------------------------------------------------------------------------------------- */

void share_clean(const char *directory, long pid)
{
	DIR *d = opendir(directory);
	struct dirent *entry;

	while (d && (entry = readdir(d))) {
		char host[64], here[64];
		struct stat st;
		long owner;
		int dead;

		if (!temporary_parse(entry->d_name, host, sizeof host, &owner) ||
		    fstatat(dirfd(d), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) ||
		    !S_ISREG(st.st_mode))
			continue;
		temporary_host(here, sizeof here);
		dead = pid ? owner == pid && !strcmp(host, here)
			   : process_is_dead(host, owner) || is_of_before(host, &st, 0) ||
				       (strcmp(host, here) != 0 &&
					difftime(time(NULL), st.st_mtime) > SECONDS_FORGOTTEN);
		if (dead)
			(void)unlinkat(dirfd(d), entry->d_name, 0);
	}
	if (d)
		closedir(d);
}
