/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* A program for the plugins "process": speaker WHAT.  Correct ones: half (y = x/2), narrow (y is the left half of x), square
 * (y = x^2 sign x, not linear), shrink (a prior that takes maps), plain (a prior that does not), rounds (one that answers
 * rounds in another way).  The others are half with a fault, or a prior with an empty range of sigma. */
#include <jansson.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static const char *what;
static char *memory;
static size_t bytes;
static int64_t x[4], y[4];

static int is(const char *word)
{
	return !strcmp(what, word);
}

static int64_t integer(const json_t *request, const char *name)
{
	return json_integer_value(json_object_get(request, name));
}

static float *array(const json_t *request, const char *name)
{
	return (float *)(void *)(memory + integer(request, name));
}

static void read_shape(const json_t *request, const char *name, int64_t *shape)
{
	for (size_t i = 0; i < 4; i++)
		shape[i] = json_integer_value(json_array_get(json_object_get(request, name), i));
}

static int64_t count(const int64_t *shape)
{
	return shape[0] * shape[1] * shape[2] * shape[3];
}

static void tell_shape(const json_t *request)
{
	read_shape(request, "shape", x);
	if (is("narrow") && json_is_true(json_object_get(request, "from_y")))
		x[0] *= 2;
	else if (is("narrow"))
		x[0] = (x[0] + 1) / 2;
	printf("{\"shape\": [%lld, %lld, %lld, %lld]}\n", (long long)x[0], (long long)x[1],
	       (long long)x[2], (long long)x[3]);
}

static void open_shapes(const json_t *request)
{
	read_shape(request, "x", x);
	read_shape(request, "y", y);
	if (memory)
		munmap(memory, bytes);
	bytes = (size_t)integer(request, "memory");
	memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, 3, 0);
	printf("{\"linear\": %s, \"channels\": 1, \"map\": %s, \"symmetric\": true, \"sigma_min\": "
	       "%s, "
	       "\"sigma_max\": 10, \"round\": %s}\n",
	       is("square") ? "false" : "true", is("plain") ? "false" : "true",
	       is("empty") ? "10" : "0.01", is("rounds") ? "true" : "false");
}

/* Commits the faults; returns if there is none. */
static void fail(void)
{
	if (is("crash"))
		raise(SIGSEGV);
	if (is("exit")) {
		fputs("reading the table\nno luck today\n", stderr);
		exit(3);
	}
	while (is("hang"))
		pause();
	if (is("garbage"))
		puts("hello world");
	else if (is("twice"))
		puts("{}\n{}");
	else if (is("error"))
		puts("{\"error\": \"ValueError:\\nno \\u001b such picture\"}");
	else if (is("long"))
		for (int i = 0; i < 1 << 20; i++)
			putchar('x');
	else
		return;
	fflush(stdout);
	what = "half";
}

static void apply(const json_t *request)
{
	const float *from = array(request, "x");
	float *to = array(request, "y");

	const int64_t n = count(y);

	if (is("talk"))
		fputs("thinking\n", stderr);
	if (is("narrow"))
		for (int64_t i = 0; i < n; i++)
			to[i] = from[i % y[0] + i / y[0] * x[0]];
	else if (is("square"))
		for (int64_t i = 0; i < n; i++)
			to[i] = from[i] * fabsf(from[i]);
	else
		for (int64_t i = 0; i < n; i++)
			to[i] = from[i] / 2;
	puts("{}");
}

static void adjoint(const json_t *request)
{
	const float *from = array(request, "y"), *at = array(request, "at");
	float *to = array(request, "x");

	if (is("square") == json_is_null(json_object_get(request, "at"))) {
		puts("{\"error\": \"the point of the derivative\"}");
		return;
	}
	for (int64_t i = 0; i < count(x); i++)
		if (is("narrow"))
			to[i] = i % x[0] < y[0] ? from[i % x[0] + i / x[0] * y[0]] : 0;
		else if (is("square"))
			to[i] = 2 * fabsf(at[i]) * from[i];
		else
			to[i] = from[i] / (is("wrong") ? 3 : 2);
	puts("{}");
}

static void denoise(const json_t *request, int map, int of_round)
{
	const float *u = array(request, "u"), *levels = map ? array(request, "sigma") : NULL;
	const double level = json_number_value(json_object_get(request, "sigma"));
	float *x0 = array(request, "x0");

	for (int64_t i = 0; i < x[0] * x[1] * x[3]; i++) {
		const double sigma = map ? levels[i] : level;

		x0[i] = of_round ? 0.25F
				 : (float)(0.5 + (u[i] - 0.5) * 0.0625 / (0.0625 + sigma * sigma));
	}
	puts("{}");
}

int main(int argc, char **argv)
{
	static char line[1 << 16];

	what = argc > 1 ? argv[1] : "half";
	while (fgets(line, sizeof line, stdin)) {
		json_t *request = json_loads(line, 0, NULL);
		const char *call = json_string_value(json_object_get(request, "call"));
		const char *before = what;

		if (!strcmp(call, "hello"))
			puts(is("old") ? "{\"protocol\": 0}" : "{\"protocol\": 1}");
		else if (!strcmp(call, "shape"))
			tell_shape(request);
		else if (!strcmp(call, "open"))
			open_shapes(request);
		else {
			fail();
			if (what != before)
				what = before;
			else if (!strcmp(call, "apply"))
				apply(request);
			else if (!strcmp(call, "adjoint"))
				adjoint(request);
			else
				denoise(request, !strcmp(call, "denoise_map"),
					!strcmp(call, "denoise_round"));
		}
		fflush(stdout);
		json_decref(request);
	}
	return 0;
}
