/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* What is around a network that removes noise: what it reads of a noisy image, and the image that its answer F means.
 *
 * The arithmetic is that of Karras et al. (EDM, NeurIPS 2022), pixel by pixel: with v = u - 1/2 and d = sigma_data,
 *
 *	x0 = 1/2 + d^2/(sigma^2 + d^2) v + sigma d/sqrt(sigma^2 + d^2) F(features),
 *
 * so that F has a target of unit variance at every sigma.  The features of a pixel, per channel, are log sigma, v scaled and
 * shrunken; for each window the average around it, weighted with 1/sigma^2, and its precision; the deviation from the
 * averages, and theirs from each other.
 *
 * The network works on pixels of its own, one for 2x2 of the image (FFDNet's unshuffle): value (dx, dy) of plane k is its
 * channel 4 k + 2 dy + dx.  tools/train/network.py computes the same things. */
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

/* What is to be denoised: a tile of an image, or all of it. */
struct tile {
	const float *u, *map; /* map: sigma per value, or NULL where it is `sigma' everywhere */
	float *x0;
	float sigma;
	int64_t width, height; /* of the image */
	int64_t x, y, w, h;    /* origin; what of the tile lies in the image */
	/* Counted from the origin: what of the tile is written to x0. */
	int64_t left, top, right, bottom;
	double begin, end; /* of the shares of the prior's call, for the host's line of progress */
	float *averages;   /* scratch: precondition_planes() x h x w */
	/* For the derivative: v, a direction in the space of x0; x0 then gets J'v, added to what is there, and gradients is
	 * scratch, precondition_gradient_planes() x h x w. */
	const float *v;
	float *gradients;
};

/* Pixels of the network in a row, and where they begin in the tile. */
struct strip {
	int64_t x, y, width;
	void *values; /* bfloat16 or float */
	int channels; /* of a pixel, as they are stored: those beyond the network's are zero */
	int bf16;
};

/* channels, sigma_min, sigma_max, sigma_data and windows of the file's header. */
int precondition_read(const struct lacuna_host *, const struct weights *, const char *path,
		      struct precondition *);

/* How far a feature looks. */
int precondition_reach(const struct precondition *);

/* First of all: the averages across of rows `from' to `to'.  Then rows of the network's input, which average them down. */
int precondition_planes(const struct precondition *);
void precondition_average(const struct precondition *, const struct tile *, int64_t from,
			  int64_t to, float *scratch);
void precondition_input(const struct precondition *, const struct tile *, float *scratch,
			const struct strip *to);
/* Bytes of scratch, of one call at a time, for tiles and strips of this width. */
size_t precondition_average_scratch(int64_t width);
size_t precondition_input_scratch(const struct precondition *, int64_t width);

/* Writes x0; the strip holds floats. */
void precondition_output(const struct precondition *, const struct tile *,
			 const struct strip *from);

/* The transposed derivative of all this, by u alone.  First rows of what the network's adjoint reads: what of v reaches the
 * network's answer.  Then, from what the adjoint answers, what reaches u within the row; the rest, which went through the
 * averages, is kept.  Last of all, rows `from' to `to' of that rest.  The strips hold floats; averages are still those that
 * precondition_average() made. */
int precondition_gradient_planes(const struct precondition *);
void precondition_direction(const struct precondition *, const struct tile *,
			    const struct strip *to);
void precondition_gradient(const struct precondition *, const struct tile *, float *scratch,
			   const struct strip *from);
void precondition_gradient_average(const struct precondition *, const struct tile *, int64_t from,
				   int64_t to, float *scratch);
/* Bytes of scratch, of one call; precondition_average_scratch() for the last. */
size_t precondition_gradient_scratch(const struct precondition *, int64_t width);

#endif
