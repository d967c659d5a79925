/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Progress on stderr: at most six lines a second, each over the last. */
#include <config.h>

#include "cli/progress.h"
#include "base/clock.h"

#include <inttypes.h>
#include <stdio.h>

static struct {
	int enabled, visible;
	int64_t round, rounds;
	double began, shown;
} progress;

void progress_begin(int enabled, int64_t rounds)
{
	progress.enabled = enabled;
	progress.visible = 0;
	progress.round = 0;
	progress.rounds = rounds;
	progress.began = clock_seconds();
	progress.shown = 0;
}

void progress_round(int64_t round)
{
	progress.round = round;
}

void progress_clear(void)
{
	if (progress.visible)
		fputs("\r\033[K", stderr);
	progress.visible = 0;
}

void progress_end(void)
{
	progress_clear();
	progress.enabled = 0;
}

/* Nothing is known of the time before a part is done. */
static void print_left(double done)
{
	const double left = (clock_seconds() - progress.began) * (1 - done) / done;

	if (!(done > 0))
		fputs("time left unknown", stderr);
	else if (left >= 3600)
		fprintf(stderr, "%d:%02d h left", (int)(left / 3600), (int)(left / 60) % 60);
	else
		fprintf(stderr, "%d:%02d left", (int)(left / 60), (int)left % 60);
}

void progress_step(void *context, int64_t step, int64_t steps)
{
	const double time = clock_seconds();
	double done;

	(void)context;
	if (!progress.enabled || steps < 1 || time - progress.shown < 1. / 6)
		return;
	progress.shown = time;
	/* A round is as long as another. */
	done = ((double)progress.round + (double)step / (double)steps) / (double)progress.rounds;
	progress_clear();
	if (progress.rounds > 1)
		fprintf(stderr, "run %" PRId64 "/%" PRId64 ", ", progress.round + 1,
			progress.rounds);
	fprintf(stderr, "step %" PRId64 "/%" PRId64 ", %.0f %%, ", step, steps, 100 * done);
	print_left(done);
	progress.visible = 1;
	fflush(stderr);
}
