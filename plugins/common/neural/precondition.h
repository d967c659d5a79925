/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Preconditioning of a denoising network: its input from a noisy image, and the image from its output F.
 *
 * The arithmetic is that of Karras et al. (EDM, NeurIPS 2022), pixel by pixel: with v = u - 1/2 and d = sigma_data,
 *
 *	x0 = 1/2 + d^2/(sigma^2 + d^2) v + sigma d/sqrt(sigma^2 + d^2) F(features),
 *
 * so that the target of F has unit variance at every sigma. The features of a pixel, per channel, are log sigma; v scaled
 * in two ways; for each window the average around the pixel, weighted with 1/sigma^2, and its precision; the deviation of
 * v from each average; the differences of successive averages.
 *
 * A pixel of the network stands for 2x2 pixels of the image (the unshuffle of FFDNet): value (dx, dy) of plane k is
 * channel 4 k + 2 dy + dx. tools/train/network.py computes the same. */
#ifndef COMMON_PRECONDITION_H
#define COMMON_PRECONDITION_H

#include "common/neural/weights.h"

enum { WINDOWS_MOST = 4, RADIUS_MOST = 64 };

struct precondition {
	int channels, windows;
	int features; /* of all channels */
	double sigma_min, sigma_max, sigma_data;
	int radius[WINDOWS_MOST];
	float window[WINDOWS_MOST][RADIUS_MOST + 1]; /* one half of a symmetric kernel */
};

/* The image, or a tile of it, to be denoised. */
struct tile {
	const float *u, *map; /* map: sigma per value; NULL: `sigma' everywhere */
	float *x0;
	int plain; /* x0 gets the network's output itself */
	float sigma;
	int64_t width, height; /* of the image */
	int64_t x, y, w, h;    /* origin; size of the part of the tile inside the image */
	/* The part of the tile that is written to x0, relative to the origin. */
	int64_t left, top, right, bottom;
	double begin, end; /* the tile's share of the prior's call, from 0 to 1, for progress */
	float *averages;   /* scratch: precondition_planes() x h x w */
	/* For derivatives: v is a direction in the space of x0, and J'v is added to x0; or v is one in the space of u, and
	 * x0 is J v. gradients is scratch, precondition_gradient_planes() x h x w. */
	const float *v;
	float *gradients;
};

/* A row of pixels of the network; x, y is its start in the tile. */
struct strip {
	int64_t x, y, width;
	void *values; /* bfloat16 or float */
	int channels; /* of a pixel, as stored: those beyond the network's are zero */
	int bf16;
};

/* Reads channels, sigma_min, sigma_max, sigma_data and windows from the file's header. */
int precondition_read(const struct lacuna_host *, const struct weights *, const char *path,
		      struct precondition *);

/* Radius of the pixels on which a feature depends. */
int precondition_reach(const struct precondition *);

/* Call precondition_average() for all rows first: it averages along rows, for rows from..to-1. Then precondition_input()
 * makes rows of the network's input; it averages along columns. */
int precondition_planes(const struct precondition *);
void precondition_average(const struct precondition *, const struct tile *, int64_t from,
			  int64_t to, float *scratch);
void precondition_input(const struct precondition *, const struct tile *, float *scratch,
			const struct strip *to);
/* Bytes of scratch, of one call at a time, for tiles and strips of this width. */
size_t precondition_average_scratch(int64_t width);
size_t precondition_input_scratch(const struct precondition *, int64_t width);

/* Writes x0, or F itself if the tile is plain; the strip holds floats. */
void precondition_output(const struct precondition *, const struct tile *,
			 const struct strip *from);

/* The derivative with respect to u (not sigma) along v, in this order, after precondition_average().
 * precondition_tangent_average() averages along the rows from..to-1 into `gradients'. precondition_tangent() makes rows of
 * the derivative of the network's input, and precondition_tangent_output() takes that of its output and writes x0. The
 * strips hold floats. */
void precondition_tangent_average(const struct precondition *, const struct tile *, int64_t from,
				  int64_t to, float *scratch);
void precondition_tangent(const struct precondition *, const struct tile *, float *scratch,
			  const struct strip *to);
void precondition_tangent_output(const struct precondition *, const struct tile *,
				 const struct strip *from);
/* Bytes of scratch of one call of precondition_tangent(); precondition_tangent_average() needs
 * precondition_average_scratch(). */
size_t precondition_tangent_scratch(const struct precondition *, int64_t width);

/* The transposed derivative with respect to u (not sigma), in this order. precondition_direction() makes rows of the
 * input of the adjoint network from v. precondition_gradient() takes its output and adds to x0 all but the part through
 * the averages, which it keeps in `gradients'. precondition_gradient_average() adds that part for rows from..to-1. The
 * strips hold floats; averages must still be those of precondition_average(). */
int precondition_gradient_planes(const struct precondition *);
void precondition_direction(const struct precondition *, const struct tile *,
			    const struct strip *to);
void precondition_gradient(const struct precondition *, const struct tile *, float *scratch,
			   const struct strip *from);
void precondition_gradient_average(const struct precondition *, const struct tile *, int64_t from,
				   int64_t to, float *scratch);
/* Bytes of scratch of one call of precondition_gradient(); precondition_gradient_average() needs
 * precondition_average_scratch(). */
size_t precondition_gradient_scratch(const struct precondition *, int64_t width);

#endif
