/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* interrupt once|always|term COMMAND...: runs a command that reports progress on stderr and sends it SIGINT at the first
 * progress report (always: repeatedly; term: SIGTERM).  Exits with the command's status, or 128 + signal if a signal ended it.  Kills the command
 * after a few minutes. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static pid_t stubborn;

static void give_up(int number)
{
	(void)number;
	kill(stubborn, SIGKILL);
}

static void run(char **argv, const int ends[2])
{
	signal(SIGINT, SIG_DFL); /* shells make background jobs ignore SIGINT */
	dup2(ends[1], 2);
	close(ends[0]);
	close(ends[1]);
	execvp(argv[0], argv);
	_exit(127);
}

/* Returns whether one of the words has been read. */
static int wait_for(int fd, const char *word, const char *other)
{
	char seen[8192];
	size_t n = 0;
	ssize_t got;

	while (n < sizeof seen - 1 && (got = read(fd, seen + n, sizeof seen - 1 - n)) > 0) {
		n += (size_t)got;
		seen[n] = 0;
		if (strstr(seen, word) || strstr(seen, other))
			return 1;
	}
	return 0;
}

int main(int argc, char **argv)
{
	int ends[2], status;
	char drop[4096];
	pid_t child;

	if (argc < 3 || pipe(ends))
		return 2;
	child = fork();
	if (!child)
		run(argv + 2, ends);
	close(ends[1]);
	stubborn = child;
	signal(SIGALRM, give_up);
	alarm(300);
	if (!wait_for(ends[0], "step ", "at work"))
		fputs("interrupt: the command showed no progress\n", stderr);
	do {
		kill(child, strcmp(argv[1], "term") != 0 ? SIGINT : SIGTERM);
		usleep(2000);
	} while (!strcmp(argv[1], "always") && !waitpid(child, &status, WNOHANG));
	while (read(ends[0], drop, sizeof drop) > 0)
		;
	if (strcmp(argv[1], "always") != 0)
		waitpid(child, &status, 0);
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}
