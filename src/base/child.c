/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
#include <config.h>

#include "base/child.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/text.h"
#include "base/threads.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* A child that prints more than this is stopped.  RLIMIT_FSIZE would do so, but also counts memory shared with other
 * processes. */
enum { MOST_PRINTED = 1 << 20, WHOLE = 20 /* times the limit, for the whole body */ };

/* Puts the text on one line, for a report that quotes it. */
static void make_plain(char *text)
{
	for (char *p = text; *p; p++)
		if (*p == '\n')
			*p = p[1] ? '|' : '\0';
	text_make_plain(text);
}

static void read_from(int fd, off_t from, char *text, size_t size)
{
	const ssize_t n = pread(fd, text, size - 1, from);

	text[n > 0 ? n : 0] = '\0';
	make_plain(text);
}

size_t child_printed(void)
{
	struct stat st;

	fflush(stdout);
	return fstat(STDOUT_FILENO, &st) ? 0 : (size_t)st.st_size;
}

void child_read_printed(size_t from, char *text, size_t size)
{
	read_from(STDOUT_FILENO, (off_t)from, text, size);
}

void *child_share(size_t bytes)
{
	void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (p != MAP_FAILED)
		return p;
	error_set(LACUNA_ENOMEM, "out of memory (%zu bytes of shared memory)", bytes);
	return NULL;
}

void child_unshare(void *p, size_t bytes)
{
	if (p)
		munmap(p, bytes);
}

/* The child prints into a file in memory: unlike a pipe it never fills up, keeps the output of a crashed child, and lets
 * the child see how much it has printed. */
static void enter_child(int output)
{
	static const int to_default[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE, SIGXFSZ };
	const struct rlimit no_core = { 0, 0 };
	const int nothing = open("/dev/null", O_RDONLY);

	setpgid(0, 0);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (size_t i = 0; i < sizeof to_default / sizeof *to_default; i++)
		signal(to_default[i], SIG_DFL);
	setrlimit(RLIMIT_CORE, &no_core);
	dup2(nothing, STDIN_FILENO);
	dup2(output, STDOUT_FILENO);
	dup2(output, STDERR_FILENO);
	if (nothing > STDERR_FILENO)
		close(nothing);
	close(output);
	setvbuf(stdout, NULL, _IONBF, 0); /* a crash must not lose printed text */
}

/* Waits for the child; stops it if cancelled, without progress, or printing too much. */
static int wait_for(pid_t child, int output, const void *context,
		    unsigned long (*progress)(const void *), double limit, enum child_way *stopped)
{
	const double start = clock_seconds();
	unsigned long seen = progress(context);
	double since = start, pause = 1e-4;
	struct stat st;
	int status = 0;

	for (;;) {
		const struct timespec nap = { 0, (long)(1e9 * pause) };
		const pid_t got = waitpid(child, &status, WNOHANG);

		if (got == child || (got < 0 && errno != EINTR))
			return status;
		if (progress(context) != seen) {
			seen = progress(context);
			since = clock_seconds();
		}
		if (*stopped == CHILD_RETURNED) {
			if (cancel_requested())
				*stopped = CHILD_CANCELLED;
			else if (clock_seconds() - since > limit ||
				 clock_seconds() - start > WHOLE * limit)
				*stopped = CHILD_HUNG;
			if (*stopped != CHILD_RETURNED)
				kill(-child, SIGKILL);
			else if (!fstat(output, &st) && st.st_size > MOST_PRINTED)
				kill(-child, SIGXFSZ);
		}
		nanosleep(&nap, NULL);
		pause = pause < 0.01 ? 1.5 * pause : 0.01;
	}
}

/* True if the group still has processes; the kernel may take a moment to remove stopped ones. */
static int stop_group(pid_t group)
{
	const struct timespec nap = { 0, 5000000 };

	for (int i = 0; i < 20; i++) {
		if (kill(-group, 0))
			return 0;
		nanosleep(&nap, NULL);
	}
	kill(-group, SIGKILL);
	return 1;
}

int child_run(void (*body)(void *), void *context, unsigned long (*progress)(const void *),
	      double limit, struct child_end *end)
{
	volatile int *returned;
	int output, status, problem = LACUNA_OK;
	pid_t child;

	memset(end, 0, sizeof *end);
	returned = child_share(sizeof *returned);
	output = memfd_create("lacuna-child", MFD_CLOEXEC);
	threads_stop();
	fflush(NULL);
	child = returned && output >= 0 ? fork() : -1;
	if (child == 0) {
		enter_child(output);
		body(context);
		*returned = 1;
		_exit(0);
	}
	if (child < 0) {
		problem =
			error_set(LACUNA_EIO, "cannot start a child process: %s", strerror(errno));
	} else {
		setpgid(child, child); /* child and parent both do so: the order is unknown */
		status = wait_for(child, output, context, progress, limit, &end->way);
		end->descendants = stop_group(child);
		read_from(output, 0, end->printed, sizeof end->printed);
		if (end->way == CHILD_RETURNED && WIFSIGNALED(status)) {
			end->way = CHILD_KILLED;
			end->code = WTERMSIG(status);
		} else if (end->way == CHILD_RETURNED && !(*returned && !WEXITSTATUS(status))) {
			end->way = CHILD_EXITED;
			end->code = WEXITSTATUS(status);
		}
	}
	if (output >= 0)
		close(output);
	child_unshare((void *)(uintptr_t)returned, sizeof *returned);
	return problem;
}

void child_tell(const struct child_end *end, double limit, char *text, size_t size)
{
	switch (end->way) {
	case CHILD_EXITED:
		snprintf(text, size, "ends the process: exit(%d)", end->code);
		break;
	case CHILD_KILLED:
		snprintf(text, size, "%s (%s)", end->code == SIGABRT ? "aborts" : "crashes",
			 strsignal(end->code));
		break;
	case CHILD_HUNG:
		snprintf(text, size, "does not return (%g s)", limit);
		break;
	default:
		snprintf(text, size, "returns");
	}
}
