/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* The program: table of commands, orderly exit. */
#include <config.h>

#include "base/log.h"
#include "base/temporary.h"
#include "base/text.h"
#include "base/threads.h"
#include "cli/cli.h"
#include "cli/picture.h"
#include "cli/progress.h"
#include "cli/report.h"
#include "cli/signals.h"
#include "plugin/host.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const struct command *const commands[] = {
	&command_restore, &command_batch, &command_simulate, &command_compare,
	&command_study,	  &command_list,  &command_help,     &command_check,
	&command_new,	  &command_try,	  &command_complete, NULL,
};

const struct command *command_find(const char *name)
{
	for (size_t i = 0; commands[i]; i++)
		if (!strcmp(commands[i]->name, name))
			return commands[i];
	return NULL;
}

const char *command_nearest(const char *name)
{
	const char *names[sizeof commands / sizeof *commands];
	size_t n = 0;

	for (size_t i = 0; commands[i]; i++)
		if (commands[i]->summary)
			names[n++] = commands[i]->name;
	names[n] = NULL;
	return text_nearest(name, names);
}

void command_print_all(FILE *f)
{
	fputs("Usage: lacuna COMMAND [ARGUMENTS]\n\n"
	      "Restores degraded TIFF images by conditional diffusion sampling.\n\nCommands:\n",
	      f);
	for (size_t i = 0; commands[i]; i++)
		if (commands[i]->summary)
			fprintf(f, "  %-10s %s\n", commands[i]->name, commands[i]->summary);
	fputs("\nExample: restore a photograph that is out of focus (blur radius 3 pixels):\n"
	      "  lacuna restore photo.tif -o sharp.tif -A blur:kind=disk,radius=3\n\n"
	      "'lacuna help COMMAND' explains a command, 'lacuna list' names the plugins,\n"
	      "'lacuna help operator NAME' (or prior, guidance, sampler) explains one.\n",
	      f);
}

/* ---- the run ------------------------------------------------------------------------------------------ */

/* Output that could not be written, say to a full disk, is a failure. */
static int close_stdout(int status)
{
	const int failed = ferror(stdout) != 0;

	errno = 0;
	if (fclose(stdout) || failed) {
		fprintf(stderr, "lacuna: standard output: %s\n",
			errno ? strerror(errno) : "cannot be written");
		if (status == STATUS_DONE)
			status = STATUS_FAILED;
	}
	return status;
}

static int run(int argc, char **argv)
{
	const struct command *c;
	const char *near;

	if (argc < 2)
		return misuse(NULL, "no command is given");
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h")) {
		command_print_all(stdout);
		return STATUS_DONE;
	}
	if (!strcmp(argv[1], "--version")) {
		printf("lacuna %s\n", PACKAGE_VERSION);
		return STATUS_DONE;
	}
	c = command_find(argv[1]);
	if (c)
		return options_run(c, argc - 1, argv + 1);
	near = command_nearest(argv[1]);
	return misuse(NULL, "unknown command '%s'%s%s%s", argv[1], near ? "; did you mean '" : "",
		      near ? near : "", near ? "'?" : "");
}

/* ---- exit --------------------------------------------------------------------------------------------- */

static pid_t process;
static int finished;

/* Only main() may end the program: a plugin that calls exit(0) must not look like success. */
static void end_unexpectedly(void)
{
	if (finished || getpid() != process)
		return;
	temporary_remove_all();
	progress_clear();
	fputs("lacuna: a plugin ended the program; no output was written\n", stderr);
	signals_leave(STATUS_FAILED);
}

/* Replaces the C library's _exit(), also for plugins: that one runs no atexit() handlers. */
LACUNA_EXPORT void _exit(int status)
{
	end_unexpectedly();
	signals_leave(status);
}

LACUNA_EXPORT void _Exit(int status)
{
	_exit(status);
}

int main(int argc, char **argv)
{
	static char buffer
		[1 << 18]; /* help pages fit in: only fclose() writes, errno says why it failed */
	int status;

	process = getpid();
	atexit(end_unexpectedly);
	setvbuf(stdout, buffer, _IOFBF, sizeof buffer);
	report_arguments(argc, argv);
	log_install(message_print, NULL);
	signals_install();
	host_install_reader(picture_read);
	status = run(argc, argv);
	threads_stop();
	finished = 1;
	return close_stdout(status);
}
