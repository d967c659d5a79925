/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Progress on stderr: at most six updates a second, each overwriting the last. */
#include <config.h>

#include "cli/progress.h"
#include "base/clock.h"

#include <inttypes.h>
#include <stdio.h>

static struct {
	int enabled, visible;
	int64_t round, rounds, step, steps;
	double began, shown;
} progress;

void progress_begin(int enabled, int64_t rounds)
{
	progress.enabled = enabled;
	progress.visible = 0;
	progress.round = 0;
	progress.rounds = rounds;
	progress.step = progress.steps = 0;
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

/* Early work says little about the time for all of it. */
static void print_left(double done)
{
	static const double early = 2, little = 0.01;
	const double spent = clock_seconds() - progress.began, left = spent * (1 - done) / done;

	if (spent < early || !(done > little))
		fputs("time left unknown", stderr);
	else if (left >= 3600)
		fprintf(stderr, "%d:%02d h left", (int)(left / 3600), (int)(left / 60) % 60);
	else
		fprintf(stderr, "%d:%02d left", (int)(left / 60), (int)left % 60);
}

/* Assumes that all rounds take equally long. */
static void print(double share)
{
	const double time = clock_seconds();
	const double done = ((double)progress.round +
			     ((double)progress.step + share) / (double)progress.steps) /
			    (double)progress.rounds;

	if (!progress.enabled || progress.steps < 1 || time - progress.shown < 1. / 6)
		return;
	progress.shown = time;
	progress_clear();
	if (progress.rounds > 1)
		fprintf(stderr, "run %" PRId64 "/%" PRId64 ", ", progress.round + 1,
			progress.rounds);
	fprintf(stderr, "step %" PRId64 "/%" PRId64 ", %.0f %%, ", progress.step, progress.steps,
		100 * done);
	print_left(done);
	progress.visible = 1;
	fflush(stderr);
}

void progress_step(void *context, int64_t step, int64_t steps)
{
	(void)context;
	/* Work before the first step says nothing about how long the others take. */
	if (!progress.steps)
		progress.began = clock_seconds();
	progress.step = step;
	progress.steps = steps;
	print(0);
}

void progress_within(void *context, double share)
{
	(void)context;
	/* A step may take longer than the previous one. */
	print(share < 1 ? share : 1);
}
