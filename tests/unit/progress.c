/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* The line of progress: which run and step, what part is done, and how long the rest takes.  The clock is the test's. */
#include <config.h>

#define clock_seconds test_seconds
#include "src/cli/progress.c"

#include "tests/tap.h"

#include <stdlib.h>
#include <unistd.h>

static double now = 1000;

double test_seconds(void)
{
	return now;
}

static char path[] = "/tmp/lacuna-progress-XXXXXX";

/* What was written to stderr since the last time. */
static const char *said(void)
{
	static char text[512];
	static long from;
	FILE *f = fopen(path, "r");
	size_t n = 0;

	fflush(stderr);
	if (f && !fseek(f, from, SEEK_SET))
		n = fread(text, 1, sizeof text - 1, f);
	if (f)
		fclose(f);
	from += (long)n;
	text[n] = '\0';
	return text;
}

int main(void)
{
	const int fd = mkstemp(path);

	if (fd < 0 || dup2(fd, STDERR_FILENO) < 0)
		tap_bail("no file");
	progress_begin(0, 1);
	progress_step(NULL, 1, 10);
	is_text(said(), "", "nothing is said unless it is wanted");

	progress_begin(1, 2);
	progress_step(NULL, 0, 10);
	is_text(said(), "run 1/2, step 0/10, 0 %, time left unknown", "at the begin");
	now += 0.1;
	progress_step(NULL, 1, 10);
	is_text(said(), "", "at most six times a second");
	now += 39.9;
	progress_step(NULL, 2, 10);
	is_text(said(), "\r\033[Krun 1/2, step 2/10, 10 %, 6:00 left", "a tenth took 40 seconds");
	now += 20;
	progress_within(NULL, 0.5);
	is_text(said(), "\r\033[Krun 1/2, step 2/10, 12 %, 7:00 left", "within a step");
	now += 20;
	progress_within(NULL, 1.7);
	is_text(said(), "\r\033[Krun 1/2, step 2/10, 15 %, 7:33 left", "a step is one at most");
	progress_round(1);
	now += 3520;
	progress_step(NULL, 0, 10);
	is_text(said(), "\r\033[Krun 2/2, step 0/10, 50 %, 1:00 h left", "hours and minutes");
	progress_clear();
	is_text(said(), "\r\033[K", "cleared for other text");
	progress_clear();
	is_text(said(), "", "once");
	now += 1;
	progress_step(NULL, 5, 10);
	is_text(said(), "run 2/2, step 5/10, 75 %, 20:00 left", "and said again");
	progress_end();
	is_text(said(), "\r\033[K", "the end leaves no line");
	now += 1;
	progress_step(NULL, 6, 10);
	is_text(said(), "", "and says no more");
	unlink(path);
	return tap_done();
}
