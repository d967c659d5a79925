/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* What operator parameters marked LACUNA_PAGED, LACUNA_SAMPLED and LACUNA_ABSENT ask of the host. */
#ifndef CLI_OPERANDS_H
#define CLI_OPERANDS_H

#include "image/file.h"
#include "plugin/loader.h"

struct operands {
	const char **paged; /* paths, owned by the operators */
	size_t paged_count;
	const char **sampled; /* the same */
	size_t sampled_count;
	double *absent; /* values of the measurement that mean "missing", in file units */
	size_t absent_count;
};

/* LACUNA_EINVAL: a value is not a number, or another operator follows, so that it is no value of the measurement. */
int operands_find(const struct plugin_use *, size_t count, struct operands *);
void operands_free(struct operands *); /* leaves it empty */

/* *many is set when a file has a page for each page of the picture: operators must then reread it for every page.
 * LACUNA_EINVAL: a file has neither one page nor `pages'. */
int operands_check_pages(const struct operands *, int pages, int *many);

/* Warns of masks and other files with a value for each pixel that are turned in another way than the picture. */
void operands_check_turns(const struct operands *, struct image_reader *);

/* Warns if a kernel's pixel size differs from the picture's; LACUNA_EINVAL if by a factor of about two or more.  scale:
 * pixels of x per pixel of the picture, for super-resolution.  A kernel may have the pixel size of either. */
int operands_check_pixels(const struct operands *, struct image_reader *, double scale);

#endif
