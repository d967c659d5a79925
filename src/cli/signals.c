/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Signals: SIGINT, SIGTERM, SIGHUP. */
#include <config.h>

#include "cli/signals.h"
#include "base/temporary.h"
#include "base/threads.h"

#include <signal.h>
#include <stddef.h>
#include <unistd.h>

static const int stopping[] = { SIGINT, SIGTERM, SIGHUP };
static volatile sig_atomic_t received;

/* SA_RESETHAND would let the second signal end the program with temporaries left behind. */
static void handle(int number)
{
	if (received) {
		temporary_remove_all();
		_exit(128 + number);
	}
	received = number;
	cancel_request();
}

void signals_install(void)
{
	struct sigaction action = { .sa_handler = handle, .sa_flags = SA_RESTART }, old;

	sigemptyset(&action.sa_mask);
	for (size_t i = 0; i < sizeof(stopping) / sizeof(stopping[0]); i++) {
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
