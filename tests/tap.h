/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Test Anything Protocol for C tests:
 *
 *	ok(sum == 3, "the sum is %d", sum);	one test; the result is the condition's
 *	is_text(got, "expected", "name");	strings, shown when they differ
 *	near(got, want, 1e-6, "name");		|got - want| <= tolerance (NaN fails)
 *	skip("why", "name");			a test that cannot run here
 *	tap_bail("no file %s", name);		ends the test: its surroundings are wrong
 *	tap_long();				begins a test that only `make check-long' runs
 *	return tap_done();			at the end of main() */
#ifndef TESTS_TAP_H
#define TESTS_TAP_H

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int tap_count, tap_failures;

__attribute__((unused, format(printf, 4, 5))) static int
tap_ok(int passed, const char *where, const char *condition, const char *fmt, ...)
{
	va_list args;

	printf("%sok %d - ", passed ? "" : "not ", ++tap_count);
	va_start(args, fmt);
	vprintf(fmt, args);
	va_end(args);
	printf("\n");
	if (!passed) {
		tap_failures++;
		printf("# %s: %s\n", where, condition);
	}
	fflush(stdout); /* the line is there when the next test crashes */
	return passed;
}

#define TAP_TEXT_(x) #x
#define TAP_TEXT(x) TAP_TEXT_(x)
#define TAP_WHERE __FILE__ ":" TAP_TEXT(__LINE__)

#define ok(condition, ...) tap_ok(!!(condition), TAP_WHERE, #condition, __VA_ARGS__)
#define is_text(got, want, ...) tap_is_text(got, want, TAP_WHERE, __VA_ARGS__)
#define near(got, want, tolerance, ...) tap_near(got, want, tolerance, TAP_WHERE, __VA_ARGS__)
#define skip(why, ...)                           \
	do {                                     \
		printf("ok %d - ", ++tap_count); \
		printf(__VA_ARGS__);             \
		printf(" # SKIP %s\n", why);     \
	} while (0)
#define diag(...)                    \
	do {                         \
		printf("# ");        \
		printf(__VA_ARGS__); \
		printf("\n");        \
	} while (0)

__attribute__((unused)) static int tap_is_text(const char *got, const char *want, const char *where,
					       const char *name)
{
	int same = got && want && !strcmp(got, want);

	tap_ok(same, where, "the texts differ", "%s", name);
	if (!same)
		diag("got \"%s\", want \"%s\"", got ? got : "(null)", want ? want : "(null)");
	return same;
}

__attribute__((unused)) static int tap_near(double got, double want, double tolerance,
					    const char *where, const char *name)
{
	int close = fabs(got - want) <= tolerance;

	tap_ok(close, where, "the numbers differ", "%s", name);
	if (!close)
		diag("got %.10g, want %.10g within %g", got, want, tolerance);
	return close;
}

__attribute__((noreturn, unused, format(printf, 1, 2))) static void tap_bail(const char *fmt, ...)
{
	va_list args;

	printf("Bail out! ");
	va_start(args, fmt);
	vprintf(fmt, args);
	va_end(args);
	printf("\n");
	exit(99);
}

__attribute__((unused)) static void tap_long(void)
{
	if (getenv("LACUNA_LONG"))
		return;
	printf("1..0 # SKIP make check-long runs it\n");
	exit(0);
}

__attribute__((unused)) static int tap_done(void)
{
	printf("1..%d\n", tap_count);
	return tap_failures != 0;
}

#endif
