/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* apply() does something to the process that a plugin must not do; parameter `how' selects it. */
#define _GNU_SOURCE
#include <lacuna/plugin.h>

struct config;
extern const struct lacuna_param faulty[1];
#define NAME "misconduct"
#define ROWS faulty
#define CREATE bad_create
#define APPLY bad_apply
#include "good.h"
#include <fenv.h>
#include <locale.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static const char *const choices[] = { "crash",	     "abort",	"exit",	  "hang",
				       "print",	     "thread",	"fork",	  "signal",
				       "traps",	     "chdir",	"locale", "block",
				       "unprepared", "endless", "quit",	  NULL };
enum {
	CRASH,
	ABORT,
	EXIT,
	HANG,
	PRINT,
	THREAD,
	FORK,
	SIGNAL,
	TRAPS,
	CHDIR,
	LOCALE,
	BLOCK,
	UNPREPARED,
	ENDLESS,
	QUIT
};

const struct lacuna_param faulty[1] = {
	{ "how", NULL, "what it does", LACUNA_CHOICE, 0, 0, 0, 0, NULL, choices,
	  offsetof(struct config, count) },
};

static int64_t how;
static int *volatile nowhere;

/* how=unprepared: writes to memory without checking that the allocation succeeded. */
static int bad_create(const struct lacuna_host *host, const void *config,
		      const struct lacuna_shape *x, const struct lacuna_shape *y, void **self)
{
	struct half *h = host->alloc(host, sizeof *h);

	(void)y;
	how = ((const struct config *)config)->count;
	if (!h && how != UNPREPARED)
		return LACUNA_ENOMEM;
	h->host = host;
	h->count = lacuna_count(x);
	*self = h;
	return LACUNA_OK;
}

static void *sleep_long(void *unused)
{
	sleep(5);
	return unused;
}

static void ignore(int number)
{
	(void)number;
}

static void misbehave(void)
{
	sigset_t usr1;
	pthread_t thread;

	switch (how) {
	case CRASH:
		*nowhere = 1;
		break;
	case ABORT:
		abort();
	case EXIT:
		exit(0);
	case QUIT:
		_exit(0);
	case HANG:
		for (;;)
			sleep(1);
	case ENDLESS:
		for (;;)
			puts("once more");
	case PRINT:
		printf("hello from apply\n");
		break;
	case THREAD:
		pthread_create(&thread, NULL, sleep_long, NULL);
		break;
	case FORK:
		if (!fork()) {
			sleep(5);
			_exit(0);
		}
		break;
	case SIGNAL:
		signal(SIGSEGV, ignore);
		break;
	case BLOCK:
		sigemptyset(&usr1);
		sigaddset(&usr1, SIGUSR1);
		pthread_sigmask(SIG_BLOCK, &usr1, NULL);
		break;
	case TRAPS:
		feenableexcept(FE_DIVBYZERO);
		break;
	case CHDIR:
		(void)!chdir("/");
		break;
	case LOCALE:
		setlocale(LC_ALL, "C.UTF-8");
		break;
	default:
		break;
	}
}

static int bad_apply(const void *self, void *scratch, const float *x, float *y)
{
	const struct half *h = self;
	size_t i;

	(void)scratch;
	misbehave();
	for (i = 0; i < h->count; i++)
		y[i] = x[i] / 2;
	return LACUNA_OK;
}
