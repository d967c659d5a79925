/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Signals: SIGINT, SIGTERM, SIGHUP, SIGQUIT stop the run; SIGPIPE ends it at once, as usual; SIGXFSZ is ignored, so that the
 * write fails with an error. */
#include <config.h>

#include "cli/signals.h"
#include "base/context.h"
#include "base/temporary.h"
#include "base/threads.h"

#include <signal.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <unistd.h>

_Noreturn void signals_leave(int status)
{
	for (;;)
		syscall(SYS_exit_group, status);
}

static const int stopping[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };
static volatile sig_atomic_t received;
static struct context *context; /* of the program's work, whichever thread gets the signal */

/* With SA_RESETHAND, the second signal would end the program and leave temporary files behind. */
static void handle(int number)
{
	if (received) {
		temporary_remove_all();
		signals_leave(128 + number);
	}
	received = number;
	cancel_request(context);
}

/* Nobody reads the output any more: removes temporary files and ends without a message. */
static void end(int number)
{
	temporary_remove_all();
	signal(number, SIG_DFL);
	raise(number);
}

void signals_install(void)
{
	struct sigaction action = { .sa_handler = handle, .sa_flags = SA_RESTART }, old;

	context = context_current();
	signal(SIGPIPE, end);
	signal(SIGXFSZ, SIG_IGN);
	sigemptyset(&action.sa_mask);
	for (size_t i = 0; i < sizeof stopping / sizeof *stopping; i++) {
		/* nohup and background jobs ignore signals on purpose. */
		if (!sigaction(stopping[i], NULL, &old) && old.sa_handler == SIG_IGN)
			continue;
		sigaction(stopping[i], &action, NULL);
	}
}

int signals_received(void)
{
	return received;
}
