/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Convolution kernels (point spread functions): from a file, or integrals of a formula over each pixel. */
#ifndef COMMON_KERNEL_H
#define COMMON_KERNEL_H

#include <lacuna/plugin.h>

/* The convolution is y[i] = sum_j values[j] x[i + centre - j] in each dimension, the rule of scipy.ndimage.convolve;
 * centre is size / 2, rounded down, unless the caller changes it. */
struct kernel {
	const struct lacuna_host *host;
	int width, height, centre_x, centre_y;
	double *values; /* x fastest; NULL in a released kernel */
	double beside_x,
		beside_y; /* from the centre to where kernel_clean() found the middle, up to 1/2 */
};

/* All of these have odd size, are symmetric about the centre, sum to 1, and tend to a delta as their extent tends to 0.
 * Lengths are in pixels. */
int kernel_gaussian(const struct lacuna_host *, double sigma, struct kernel *);
int kernel_disk(const struct lacuna_host *, double radius, struct kernel *);
int kernel_box(const struct lacuna_host *, double width, double height, struct kernel *);
/* angle in degrees, counterclockwise from the x axis (y points down) */
int kernel_motion(const struct lacuna_host *, double length, double angle, struct kernel *);
/* zero: radius of the first dark ring */
int kernel_airy(const struct lacuna_host *, double zero, struct kernel *);

/* Kernels for shrinking by `factor', stretched by it so that they suppress frequencies above those of the coarse grid.
 * They are symmetric about the centre of a block of factor x factor pixels, so their size is even for an even factor. */
enum kernel_resampling { KERNEL_BOX, KERNEL_BILINEAR, KERNEL_BICUBIC, KERNEL_LANCZOS };
int kernel_resampling(const struct lacuna_host *, enum kernel_resampling, int factor,
		      struct kernel *);
/* The weight at distance d from the middle, not normalised, and the distance where it ends; both for any factor. */
double (*kernel_resampling_weight(enum kernel_resampling))(double factor, double d);
double kernel_resampling_reach(enum kernel_resampling, double factor);
double kernel_gaussian_weight(double sigma, double d);
/* As kernel_gaussian(), but symmetric about the centre of such a block. */
int kernel_block_gaussian(const struct lacuna_host *, int factor, double sigma, struct kernel *);

/* Reads a kernel: one channel and one page of finite values, positive or negative. */
int kernel_read(const struct lacuna_host *, const char *path, struct kernel *);
/* Reads one kernel from each page, all of one size. Free them with kernel_release_pages(). */
int kernel_read_pages(const struct lacuna_host *, const char *path, struct kernel **,
		      int64_t *count);
void kernel_release_pages(const struct lacuna_host *, struct kernel **, int64_t count);
/* Cleans a measured kernel, such as a picture of a star. background: RIM subtracts the level of the rim and sets values
 * below 3 sigma of its noise to 0; AUTO does so if the rim is flat and not near zero. Both remove lone points beside a
 * broad body; KEEP changes nothing. centre: AUTO takes the centroid if it is not the middle and the kernel is symmetric
 * about it, because a lens does not move a picture. The kernel of a shaken camera keeps its middle. The centre is a pixel;
 * see kernel_settle(). tell: log what was done. */
enum kernel_background { KERNEL_BACKGROUND_AUTO, KERNEL_BACKGROUND_RIM, KERNEL_BACKGROUND_KEEP };
enum kernel_centre { KERNEL_CENTRE_AUTO, KERNEL_MIDDLE, KERNEL_CENTROID, KERNEL_PEAK };
extern const char *const kernel_backgrounds[], *const kernel_centres[];
/* Rows of a parameter table for both; T has the members background and centre. */
#define KERNEL_CLEAN_PARAMS(T)                                                                   \
	LACUNA_PARAM_CHOICE(                                                                     \
		T, background, kernel_backgrounds, KERNEL_BACKGROUND_AUTO,                       \
		"background of a psf: auto subtracts it if it is flat, rim always, keep never"), \
		LACUNA_PARAM_CHOICE(T, centre, kernel_centres, KERNEL_CENTRE_AUTO,               \
				    "origin of a psf: auto is the centroid if the psf is "       \
				    "symmetric, else the middle")
int kernel_clean(struct kernel *, const char *name, enum kernel_background, enum kernel_centre,
		 int tell);
/* Moves the values, by interpolation, so that the middle lies on the centre and not beside it. */
int kernel_settle(struct kernel *, const char *name, int tell);
/* Divides by the sum. A sum of zero is an error; `name' is for its message. */
int kernel_normalize(struct kernel *, const char *name);
void kernel_release(struct kernel *); /* accepts a zeroed one */

#endif
