/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Reads weights in safetensors layout, plain or gzip-compressed: the length of a JSON header (8 bytes, little endian),
 * the header, the values of the tensors. The header's "__metadata__" maps names to strings. */
#ifndef COMMON_WEIGHTS_H
#define COMMON_WEIGHTS_H

#include <lacuna/plugin.h>

struct weights;

int weights_open(const struct lacuna_host *, const char *path, struct weights **);
void weights_close(struct weights *); /* accepts NULL */

/* A string of the metadata, valid until weights_close(), or NULL if there is none of this name. */
const char *weights_text(const struct weights *, const char *name);
/* Reads an entry of the metadata as numbers separated by commas. Returns their number, or an error if it is missing,
 * malformed or longer than `most'. */
int weights_numbers(const struct weights *, const char *name, int most, double *values);
/* The same for the text `list', a part of that entry. */
int weights_list(const struct weights *, const char *name, const char *list, int most,
		 double *values);
/* Reads a tensor as floats. It must have this shape; values has room for the product of its extents. */
int weights_tensor(const struct weights *, const char *name, int dimensions, const int64_t *shape,
		   float *values);

#endif
