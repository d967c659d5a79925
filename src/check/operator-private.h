/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Inside the conformance of operators: an instance on trial, and what is examined of it.  Errors are relative to the norms of
 * both sides, so that no test passes because one side is large. */
#ifndef CHECK_OPERATOR_PRIVATE_H
#define CHECK_OPERATOR_PRIVATE_H

#include "check/private.h"
#include "plugin/host.h"

/* Single precision, with room for sums over an image.  Errors of inner products are relative to their typical size: the
 * product of the norms divided by the square root of the number of values. */
static const double tolerance = 1e-5, product_tolerance = 1e-4;

enum { TEMPORARIES = 12 };

/* An instance on images of one shape. */
struct trial {
	struct check *c;
	const struct lacuna_operator *op;
	const void *config;
	struct host_context host_context;
	struct lacuna_host host;
	struct lacuna_shape x, y;
	size_t nx, ny, scratch_bytes;
	void *self;
	double largest;		       /* eigenvalue of A'A, estimated from below */
	int slow;		       /* too slow for many calls */
	float *temporary[TEMPORARIES]; /* max(nx, ny) values each */
};

/* The functions that an instance offers beyond A and A'. */
struct forms {
	int spectral, solve;
};

/* ---- operator-calls.c */

int trial_same_shape(const struct lacuna_shape *, const struct lacuna_shape *);
/* Asks the operator for the shape of x from y's, or of y from x's.  wish: what the user wants where it is free. */
int trial_ask_wished(const struct trial *, int from_y, const struct lacuna_shape *known,
		     const struct lacuna_shape *wish, struct lacuna_shape *wanted);
int trial_ask_shape(const struct trial *, int from_y, const struct lacuna_shape *known,
		    struct lacuna_shape *wanted);
/* Destroys an instance. */
void trial_release(struct trial *, void *self);

/* For call.run: functions of the operator that other files examine. */
int trial_run_approximate(const struct call *, void *scratch, float *out);
int trial_run_solve(const struct call *, void *scratch, float *out);
int trial_run_offset(const struct call *, void *scratch, float *out);
struct call trial_call(const struct trial *, const char *name,
		       int (*run)(const struct call *, void *, float *), size_t out_count);
/* Call the operator's functions. */
void trial_apply(const struct trial *, const float *x, float *y);
void trial_adjoint(const struct trial *, const float *at, const float *y, float *x);
void trial_spectral(const struct trial *, lacuna_gain *, const void *context, const float *b,
		    float *x);
/* out = A'A x; y is work space. */
void trial_normal(const struct trial *, const float *x, float *y, float *out);
void trial_random(const struct trial *, uint64_t stream, size_t n, float *out);
/* ||a - b|| / scale; NaN stays NaN */
double trial_distance(size_t n, const float *a, const float *b, double scale);
/* The system that solve() is examined with. */
struct lacuna_system trial_system(const struct trial *, const float *weights);
/* Examines the conduct of all functions, and finds which there are.  True if they work. */
int trial_examine_functions(const struct trial *, struct forms *);
void trial_measure_times(struct trial *, const struct forms *);

/* ---- operator-adjoint.c */

void trial_examine_zero(const struct trial *);
void trial_examine_linearity(const struct trial *);
void trial_examine_adjoint(const struct trial *);
void trial_examine_jacobian(const struct trial *);
void trial_examine_pixelwise(const struct trial *);
void trial_examine_diagonal(const struct trial *);
void trial_examine_offset(const struct trial *);
void trial_examine_projection(const struct trial *);

/* ---- operator-spectrum.c */

double trial_gain_lambda(double lambda, const void *context);
/* Of A'A, estimated from below. */
double trial_largest_eigenvalue(const struct trial *);
void trial_examine_gain_lambda(const struct trial *, const float *b, float *x, float *y,
			       float *atab);
void trial_examine_gains(const struct trial *);
void trial_examine_iterations(const struct trial *);
void trial_examine_approximate(const struct trial *);
void trial_examine_solve(const struct trial *);
void trial_examine_pseudo_inverse(const struct trial *);
void trial_measure_spectrum(const struct trial *);

/* ---- operator-fit.c */

/* The number of parameters that fit() may change. */
size_t trial_count_free(const struct check *);
void trial_examine_fit(const struct trial *);

#endif
