/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Shared by the conformance checks of the four families. */
#ifndef CHECK_PRIVATE_H
#define CHECK_PRIVATE_H

#include "base/random.h"
#include "check/check.h"

/* Each is reported once, with the worst case met. */
enum property {
	/* conduct, all families */
	ACCEPTS,
	MESSAGES,
	COMPLETE,
	FINITE,
	BOUNDS,
	INPUTS,
	REPEATABLE,
	CONCURRENT,
	THREAD_COUNT,
	LEAKS,
	NO_MEMORY,
	ARITHMETIC,
	SURROUNDINGS,
	/* operators */
	SHAPES,
	WINDOW,
	LINEARITY,
	ADJOINT,
	JACOBIAN,
	PIXELWISE,
	DIAGONAL,
	SPECTRAL_ONE,
	SPECTRAL_LAMBDA,
	SPECTRAL_ROOT,
	SPECTRAL_INVERSE,
	PSEUDO_INVERSE,
	APPROXIMATE,
	/* priors */
	INFO,
	BLIND,
	SMALL_SIGMA,
	MAP,
	VJP,
	SYMMETRIC,
	/* samplers */
	STEPS,
	PROPERTIES
};

/* The first failure is kept, or else the worst measured value. */
struct outcome {
	int examined, failed;
	double worst;
	char detail[320];
};

struct check {
	const struct plugin_use *use;
	struct random_key key;
	struct outcome outcomes[PROPERTIES];
	char where[64];	 /* the case under examination: "31x18x3" */
	int conduct_all; /* this case gets the slow examinations of conduct too */
};

/* The property holds here or not; the text is for when it does not. */
int check_expect(struct check *, enum property, int holds, const char *fmt, ...)
	LACUNA_PRINTF(4, 5);
/* The relative error is at most the limit; NaN is not. */
int check_limit(struct check *, enum property, double error, double limit);
void check_where(struct check *, const struct lacuna_shape *, const char *more);
/* A negative status must have left a message.  Returns the status. */
int check_status(struct check *, const char *function, int status);

/* ---- arrays between guard zones, which are NaN: reading beyond an array spoils a result, writing there is seen */

struct guarded {
	char *block;
	size_t bytes;
	void *data;
};

int guarded_create(size_t bytes, struct guarded *);
void guarded_release(struct guarded *);
void guarded_poison(struct guarded *);
int guarded_intact(const struct guarded *);
/* count floats: offset + scale * normal deviates number `stream' */
int guarded_random(const struct check *, uint64_t stream, size_t count, double offset, double scale,
		   struct guarded *);

/* ---- one call of a plugin's work function */

struct call {
	const char *name; /* "apply" */
	/* Runs it on the inputs. */
	int (*run)(const struct call *, void *scratch, float *out);
	const struct check *check;
	const void *self;
	const float *in[3];
	double sigma;
	lacuna_gain *gain;
	const void *gain_context;
	size_t scratch_bytes, out_count;
	struct guarded *inputs[3]; /* watched; NULL: fewer */
	int serial;		   /* must not run concurrently */
};

/* Runs the call, examines its conduct, and leaves the result in *out (guarded_create'd here). */
int check_call(struct check *, const struct call *, struct guarded *out);
/* Runs it without ceremony. */
int check_quick(struct check *, const struct call *, float *out);

/* ---- creation under failing memory */

struct creation {
	/* Creates and, when that succeeds, destroys. */
	int (*run)(void *context);
	void *context;
};

/* Lets each allocation of run() fail in turn. */
void check_no_memory(struct check *, const char *name, const struct creation *);

/* ---- families */

int check_operator(struct check *);
int check_prior(struct check *);
int check_guidance(struct check *);
int check_sampler(struct check *);

#endif
