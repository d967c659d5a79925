/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* The host's Fourier transform, lacuna/fft.h, with a plan.  Create and destroy it in functions of the plugin that are
 * [serial]. */
#ifndef COMMON_FFT_H
#define COMMON_FFT_H

#include <lacuna/fft.h>

struct fft {
	const struct lacuna_host *host;
	const struct lacuna_fft *table;
	const struct lacuna_fft_plan *plan;
};

static inline int fft_find(const struct lacuna_host *host, struct fft *f)
{
	*f = (struct fft){ host, (const struct lacuna_fft *)host->extension(host, LACUNA_FFT),
			   NULL };
	return f->table ? LACUNA_OK
			: host->fail(host, LACUNA_EUNSUPPORTED, "this host has no " LACUNA_FFT);
}

static inline int fft_create(const struct lacuna_host *host, int64_t width, int64_t height,
			     struct fft *f)
{
	const int status = fft_find(host, f);

	return status ? status : f->table->open(host, width, height, &f->plan);
}

/* A transform that is fast and at least that large. */
static inline int fft_create_fast(const struct lacuna_host *host, int64_t width, int64_t height,
				  struct fft *f)
{
	const int status = fft_find(host, f);

	return status ? status
		      : f->table->open(host, f->table->good_size(host, width),
				       f->table->good_size(host, height), &f->plan);
}

/* Accepts a zeroed structure. */
static inline void fft_destroy(struct fft *f)
{
	if (f->table)
		f->table->close(f->host, f->plan);
}

static inline void fft_forward(const struct fft *f, const float *in,
			       const struct lacuna_fft_grid *grid, lacuna_complex *spectrum)
{
	f->table->forward(f->host, f->plan, in, grid, spectrum);
}

static inline void fft_inverse(const struct fft *f, lacuna_complex *spectrum, float *out,
			       const struct lacuna_fft_grid *grid)
{
	f->table->inverse(f->host, f->plan, spectrum, out, grid);
}

static inline void fft_filter(const struct fft *f, const float *in,
			      const struct lacuna_fft_grid *in_grid, lacuna_fft_filter *filter,
			      const void *context, float *out,
			      const struct lacuna_fft_grid *out_grid, lacuna_complex *spectrum)
{
	f->table->filter(f->host, f->plan, in, in_grid, filter, context, out, out_grid, spectrum);
}

static inline void fft_weigh(const struct fft *f, lacuna_complex *spectrum,
			     lacuna_fft_filter *before, lacuna_fft_filter *after,
			     const void *context, const float *weights,
			     const struct lacuna_fft_grid *grid)
{
	f->table->weigh(f->host, f->plan, spectrum, before, after, context, weights, grid);
}

#endif
