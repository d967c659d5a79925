/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Functions of a symmetric positive semidefinite matrix that is only known by its products with vectors. */
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

/* How well conjugate gradients and Lanczos do, for operators without a closed form.  Those that stand in
 * solve_accuracy_default come from:
 * tolerance 1e-5: between the rounding of single precision, 6e-8, and half a step of 8 bits, 2e-3.
 * iterations 200: what that takes where the condition number is a thousand, by n = sqrt(condition) / 2 ln(2 / tolerance)
 *	(Saad, Iterative Methods for Sparse Linear Systems, 2003, (6.128)); for a blur, of rows that sum to 1, rho = 1e-3.
 * change 5e-4: a quarter of that half step.
 * doubtful 1e-2: an error of 1 % is what one sees.
 * lanczos 120: a choice; gains that are smooth stand long before (change), those that jump do not, and are told of. */
struct solve_accuracy {
	double tolerance; /* residual at which conjugate gradients stop, as a part of the right-hand side */
	int iterations;	 /* of theirs, at most */
	int lanczos;	 /* steps at most */
	double change;	 /* of the answer, as a part of it, at which Lanczos stops */
	double doubtful; /* change at which its answer is no answer */
};
extern const struct solve_accuracy solve_accuracy_default;

enum { SOLVE_WORK = 4 }; /* vectors of n floats that the functions below need as work space */

/* (M + rho I) x = b by conjugate gradients (Hestenes and Stiefel 1952).  inverse: out is about (M + rho I)^-1 v,
 * symmetric and positive, or NULL.  x holds the first guess.  Stops when the
 * residual is tolerance * ||b||, or after `iterations'. */
int solve_cg(const struct solve_matrix *, double rho, solve_product *inverse, const float *b,
	     float *x, double tolerance, int iterations, float *work);

struct solve_gain {
	lacuna_gain *gain;
	const void *context;
	int steps; /* at most */
	double tolerance; /* a change of the answer, as a part of it, when half as many steps again are made */
};

/* x = gain(M) b by Lanczos in two passes: the vectors are made twice instead of being stored (Borici 2000).  2 products a step.
 * *change: the last; above the tolerance where the answer does not stand, for gains that jump where M has eigenvalues. */
int solve_lanczos(const struct solve_matrix *, const struct solve_gain *, const float *b, float *x,
		  double *change, float *work);

/* The weight of b in the eigenvectors of M: b' f(M) b ~ sum of weights[i] f(nodes[i]), exact for polynomials below degree
 * 2 *count (Gauss quadrature; Golub, Meurant 1994).  nodes, weights: `steps' each, of which *count <= steps are filled in; the
 * weights sum up to b'b.  One product a step. */
int solve_quadrature(const struct solve_matrix *, const float *b, int steps, double *nodes,
		     double *weights, int *count, float *work);

#endif
