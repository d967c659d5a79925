/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* What rows of operators that are marked LACUNA_PAGED, LACUNA_SAMPLED and LACUNA_ABSENT ask of the host. */
#ifndef CLI_OPERANDS_H
#define CLI_OPERANDS_H

#include "image/tiff.h"
#include "plugin/loader.h"

struct operands {
	const char **paged; /* paths, the operators' own */
	size_t paged_count;
	const char **sampled; /* likewise */
	size_t sampled_count;
	double *absent; /* values of the measurement, as its file counts */
	size_t absent_count;
};

/* LACUNA_EINVAL: a value is no number, or no value of the measurement since another operator follows. */
int operands_find(const struct plugin_use *, size_t count, struct operands *);
void operands_free(struct operands *); /* leaves an empty one */

/* *many: a file has a page for each page of the picture, so that operators must look again at every page.  LACUNA_EINVAL:
 * a file has another number of pages. */
int operands_check_pages(const struct operands *, int pages, int *many);

/* Warns where a kernel's pixels are of another size than the picture's; LACUNA_EINVAL when that is twice or half, or
 * more.  scale: how many pixels of x are one of the picture, for super-resolution; a kernel may have the size of either. */
int operands_check_pixels(const struct operands *, struct tiff_reader *, double scale);

#endif
