/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Shared by the conformance checks of the four families. */
#ifndef CHECK_PRIVATE_H
#define CHECK_PRIVATE_H

#include "base/random.h"
#include "check/check.h"

#include <signal.h>
#include <stdatomic.h>
#include <sys/stat.h>

/* Each is reported once, with the first failure or the worst case met. */
enum property {
	/* conduct, all families */
	ACCEPTS,
	RETURNS,
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
	PRINTS,
	THREADS,
	SIGNALS,
	/* operators */
	SHAPES,
	WINDOW,
	ZERO,
	LINEARITY,
	ADJOINT,
	JACOBIAN,
	PIXELWISE,
	DIAGONAL,
	SPECTRAL_ONE,
	SPECTRAL_LAMBDA,
	SPECTRAL_ROOT,
	SPECTRAL_INVERSE,
	SPECTRAL_ITERATIONS,
	PSEUDO_INVERSE,
	APPROXIMATE,
	SOLVES,
	OFFSET,
	PROJECTION,
	/* priors */
	INFO,
	BLIND,
	SIGMA,
	SMALL_SIGMA,
	MAP,
	VJP,
	SYMMETRIC,
	GAUSSIAN,
	TRAINED,
	/* samplers */
	STEPS,
	PROPERTIES
};

/* The first failure is kept, or else the worst measured value. */
struct outcome {
	int examined, failed;
	double worst;
	char detail[320], function[24];
	struct lacuna_shape shape;
	int from_x;
};

/* One shape or problem, examined in one child process. */
struct check_case {
	struct lacuna_shape shape;
	int from_x;
	int from_file; /* the shape of a file among the parameters */
	int variant;   /* families that try several problems of one shape */
	/* Conduct is examined thoroughly; or briefly, for the size of this one is enough. */
	int thorough, brief;
};

enum { CASES = 64 };

/* What a plugin must leave as it is. */
struct surroundings {
	struct stat directory;
	char locale[128];
	struct sigaction actions[64];
	sigset_t mask;
	size_t printed;
	int threads;
};

/* Lies in memory that the child processes share with their parent. */
struct check {
	const struct plugin_use *use;
	const struct check_request *request;
	struct random_key key;
	double limit;
	struct outcome outcomes[PROPERTIES];
	struct check_measures measures;
	struct check_case cases[CASES];
	size_t case_count;
	int asked;  /* the cases are those of the request: all must be accepted */
	int needed; /* otherwise: shapes that must be */

	/* the case under examination */
	struct check_case *now;
	char where[96]; /* "31x18x3" */
	int status;	/* 0: accepted */
	char refusal[200];
	char function[24]; /* the last that was called */
	char phase[48];	   /* ", allocation 3 failing" */
	int inside;	   /* it has not returned yet */
	_Atomic unsigned long calls;
	double seconds;			  /* that the last call in check_call() took */
	int sigma_examined, sigma_counts; /* priors: different sigma gave different results, once */
	struct surroundings surroundings;
};

/* The property holds here or not; the text is for when it does not. */
int check_expect(struct check *, enum property, int holds, const char *fmt, ...)
	LACUNA_PRINTF(4, 5);
/* The relative error is at most the limit; NaN is not. */
int check_limit(struct check *, enum property, double error, double limit);
void check_where(struct check *, const struct lacuna_shape *, const char *more);
/* Around each call of the plugin in the main thread: leave() returns the status, which must have a message when it is negative,
 * and examines what the plugin must leave alone. */
void check_enter(struct check *, const char *function);
int check_leave(struct check *, int status);
/* The same without the examinations, for what is called again and again. */
void check_leave_quickly(struct check *);

void surroundings_note(struct surroundings *);
void surroundings_examine(struct check *);

/* Adds a case; more than there is room for are dropped. */
void check_add_case(struct check *, const struct check_case *);

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
	struct check *check;
	const void *self;
	const float *in[3];
	double sigma;
	lacuna_gain *gain;
	const void *gain_context;
	size_t scratch_bytes, out_count;
	const struct guarded *inputs[3]; /* watched; NULL: fewer */
	int serial;			 /* must not run concurrently */
};

/* Runs the call, examines its conduct, and leaves the result in *out (guarded_create'd here). */
int check_call(struct check *, const struct call *, struct guarded *out);
/* Runs it without ceremony. */
int check_quick(struct check *, const struct call *, float *out);
/* Seconds that a function took for x, in one thread. */
void check_note_time(struct check *, const char *function, const struct lacuna_shape *x,
		     double seconds);
/* Runs the call in one thread, a few times, and notes the shortest. */
void check_time(struct check *, const struct call *, const struct lacuna_shape *x, float *out);

/* ---- creation under failing memory */

struct creation {
	/* Creates and, when that succeeds, destroys. */
	int (*run)(void *context);
	void *context;
};

/* Lets each of the first allocations of run() fail in turn, then some of the later ones. */
void check_no_memory(struct check *, const char *name, const struct creation *);

/* ---- families: the cases to try, and one of them */

struct family {
	void (*cases)(struct check *);
	/* LACUNA_OK when the plugin accepts it. */
	int (*examine)(struct check *, const struct check_case *);
	/* optional, in the parent: what only all cases together can show */
	void (*conclude)(struct check *);
};

extern const struct family check_operators, check_priors, check_guidances, check_samplers;

#endif
