/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* For tests: creates a problem and its plugins from specifications as a user writes them. */
#ifndef TESTS_PLUGINS_LAB_H
#define TESTS_PLUGINS_LAB_H

#include "engine/run.h"

struct lab {
	struct plugin_use op, prior, guidance, sampler;
	struct problem *problem;
	struct session *session;
	float *y;
};

struct lab_plan {
	struct lacuna_shape x;
	const char *op, *prior, *guidance, *sampler; /* guidance may be NULL */
	const float *scene; /* measured scene; NULL: every value of y is `value' */
	double value;
	double noise;
	struct session_options options;
};

/* Creates everything.  On failure it prints the reason and ends the test. */
void lab_open(struct lab *, const struct lab_plan *);
void lab_run(struct lab *, uint32_t sample, float *x);
void lab_close(struct lab *);

/* Writes a text file into the test's own directory, which is removed at exit.  The returned path stays valid. */
const char *lab_file(const char *name, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* The same, in parts: lab_print() appends to the file until the next lab_file_begin(). */
const char *lab_file_begin(const char *name);
void lab_print(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void lab_file_end(void);

/* Ends the test with a TAP message. */
void lab_bail(const char *what) __attribute__((noreturn));

#endif
