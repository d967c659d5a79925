/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Functions of a symmetric positive semidefinite matrix that is given only by its products with vectors. */
#ifndef ENGINE_SOLVE_H
#define ENGINE_SOLVE_H

#include <lacuna/plugin.h>

/* out = M v; LACUNA_OK or a negative status */
typedef int solve_product(void *context, const float *v, float *out);

struct solve_matrix {
	size_t n;
	solve_product *product;
	void *context;
};

/* Accuracy of conjugate gradients and Lanczos, for operators without a closed form.  Reasons for solve_accuracy_default:
 * tolerance 1e-5: between the rounding error of single precision, 6e-8, and half a step of 8 bits, 2e-3.
 * iterations 200: enough for a condition number of a thousand, by n = sqrt(condition) / 2 ln(2 / tolerance)
 *    (Saad, Iterative Methods for Sparse Linear Systems, 2003, (6.128)); a blur whose rows sum to 1 has it at rho = 1e-3.
 * change 5e-4: a quarter of that half step.
 * doubtful 1e-2: an error of 1 % is visible.
 * lanczos 120: a choice.  Smooth gains converge much earlier (change); gains that jump do not: a warning follows. */
struct solve_accuracy {
	double tolerance; /* relative residual at which conjugate gradients stop */
	int iterations;	  /* of conjugate gradients, at most */
	int lanczos;	  /* steps of Lanczos, at most */
	double change;	  /* relative change of the result at which Lanczos stops */
	double doubtful;  /* relative change above which Lanczos' result is unusable */
};
extern const struct solve_accuracy solve_accuracy_default;

enum { SOLVE_WORK = 4 }; /* n-float vectors of work space that the functions below need */

/* Solves (M + rho I) x = b by conjugate gradients (Hestenes and Stiefel 1952).  x holds the first guess.  inverse: a
 * preconditioner, out ~ (M + rho I)^-1 v, symmetric and positive definite; or NULL.  Stops at a residual of
 * tolerance * ||b|| or after `iterations'. */
int solve_cg(const struct solve_matrix *, double rho, solve_product *inverse, const float *b,
	     float *x, double tolerance, int iterations, float *work);

struct solve_gain {
	lacuna_gain *gain;
	const void *context;
	int steps; /* at most */
	double tolerance; /* stop when half as many steps again change the result by less than this, relatively */
};

/* x = gain(M) b by Lanczos in two passes: the vectors are computed twice instead of stored (Borici 2000).  Two products
 * per step.  *change: the last relative change.  If it exceeds the tolerance, x has not converged: the gain jumps where M
 * has eigenvalues. */
int solve_lanczos(const struct solve_matrix *, const struct solve_gain *, const float *b, float *x,
		  double *change, float *work);

/* The weights of b on M's eigenvectors: b' f(M) b ~ sum of weights[i] f(nodes[i]), exact for polynomials of degree below
 * 2 *count (Gauss quadrature; Golub, Meurant 1994).  nodes, weights: room for `steps' values, *count <= steps are filled
 * in.  The weights sum to b'b.  One product per step. */
int solve_quadrature(const struct solve_matrix *, const float *b, int steps, double *nodes,
		     double *weights, int *count, float *work);

#endif
