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

/* Each property is reported once, with its first failure or its worst case. */
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
	FITS,
	/* priors */
	INFO,
	BLIND,
	SIGMA,
	SMALL_SIGMA,
	MAP,
	VJP,
	JVP,
	SYMMETRIC,
	GAUSSIAN,
	TRAINED,
	DEVIATION,
	/* samplers */
	STEPS,
	PROPERTIES
};

/* Keeps the first failure, or else the worst value. */
struct outcome {
	int examined, failed;
	double worst;
	char detail[320], function[24];
	struct lacuna_shape shape;
	int from_x;
};

/* One shape or problem; each is examined in its own child process. */
struct check_case {
	struct lacuna_shape shape;
	int from_x;
	int from_file; /* shape taken from a file parameter */
	int variant;   /* number of the problem, in families that try several per shape */
	/* thorough: also examines conduct in detail.  brief: tests a large size only; runs few tests. */
	int thorough, brief;
};

enum { CASES = 64 };

/* State of the process that a plugin must not change. */
struct surroundings {
	struct stat directory;
	char locale[128];
	struct sigaction actions[64];
	sigset_t mask;
	size_t printed;
	int threads;
};

/* Lives in memory shared by the child processes and their parent. */
struct check {
	const struct plugin_use *use;
	const struct check_request *request;
	struct random_key key;
	double limit;
	struct outcome outcomes[PROPERTIES];
	struct check_measures measures;
	struct check_case cases[CASES];
	size_t case_count;
	int asked;  /* the request named the cases: all must be accepted */
	int needed; /* otherwise: number of shapes that must be accepted */

	/* the current case */
	struct check_case *now;
	char where[96]; /* "31x18x3" */
	int status;	/* 0: accepted */
	char refusal[200];
	char function[24]; /* the last function called */
	char phase[48];	   /* ", allocation 3 failing" */
	int inside;	   /* that call has not returned yet */
	_Atomic unsigned long calls;
	double seconds;			  /* duration of the last call in check_call() */
	int sigma_examined, sigma_counts; /* priors: sigma was varied; it changed a result */
	struct surroundings surroundings;
};

/* Records whether the property holds here; the text is the message if it does not. */
int check_expect(struct check *, enum property, int holds, const char *fmt, ...)
	LACUNA_PRINTF(4, 5);
/* Records a relative error; the property fails if it exceeds the limit or is NaN. */
int check_limit(struct check *, enum property, double error, double limit);
void check_where(struct check *, const struct lacuna_shape *, const char *more);
/* Call these around each call of the plugin on the main thread.  check_leave() returns the status, checks that a negative
 * one came with a message, and checks what the plugin must not change. */
void check_enter(struct check *, const char *function);
int check_leave(struct check *, int status);
/* As check_leave() without the checks, for functions called very often. */
void check_leave_quickly(struct check *);

void surroundings_note(struct surroundings *);
void surroundings_examine(struct check *);

/* Adds a case; drops it if there is no room. */
void check_add_case(struct check *, const struct check_case *);

/* ---- arrays between guard zones of NaN: reading outside spoils a result, writing outside is detected */

struct guarded {
	char *block;
	size_t bytes;
	void *data;
};

int guarded_create(size_t bytes, struct guarded *);
void guarded_release(struct guarded *);
void guarded_poison(struct guarded *);
int guarded_intact(const struct guarded *);
/* count floats: offset + scale * normal deviates of the stream */
int guarded_random(const struct check *, uint64_t stream, size_t count, double offset, double scale,
		   struct guarded *);

/* ---- one call of a plugin's work function */

struct call {
	const char *name; /* "apply" */
	/* Runs the function on the inputs. */
	int (*run)(const struct call *, void *scratch, float *out);
	struct check *check;
	const void *self;
	const float *in[3];
	double sigma;
	lacuna_gain *gain;
	const void *gain_context;
	size_t scratch_bytes, out_count;
	const struct guarded *inputs[3]; /* checked for changes; NULL: no more */
	int serial;			 /* must not run concurrently */
};

/* Runs the call and examines its conduct; creates *out for the result. */
int check_call(struct check *, const struct call *, struct guarded *out);
/* The same with these inputs; in1 may be NULL. */
int check_call_on(struct check *, struct call, const struct guarded *in0, const struct guarded *in1,
		  struct guarded *out);
/* Runs the call without examining it. */
int check_quick(struct check *, const struct call *, float *out);
/* Records the seconds that a function took for x on one thread. */
void check_note_time(struct check *, const char *function, const struct lacuna_shape *x,
		     double seconds);
/* Times the call on one thread: records the shortest of a few runs. */
void check_time(struct check *, const struct call *, const struct lacuna_shape *x, float *out);

/* ---- creation under failing memory */

struct creation {
	/* Creates the instance, and destroys it if that succeeded. */
	int (*run)(void *context);
	void *context;
};

/* Makes each of run()'s first allocations fail in turn, then some of the later ones. */
void check_no_memory(struct check *, const char *name, const struct creation *);

/* ---- families: list the cases, and examine one */

struct family {
	void (*cases)(struct check *);
	/* Returns LACUNA_OK if the plugin accepts the case. */
	int (*examine)(struct check *, const struct check_case *);
	/* optional; runs in the parent, for properties that depend on all cases */
	void (*conclude)(struct check *);
};

extern const struct family check_operators, check_priors, check_guidances, check_samplers;

#endif
