/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Weights in safetensors layout, plain or gzip-compressed: 8 bytes (little endian) length of a JSON header, the header, the
 * tensors' values.  The header's "__metadata__" maps names to strings. */
#ifndef COMMON_WEIGHTS_H
#define COMMON_WEIGHTS_H

#include <lacuna/plugin.h>

struct weights;

int weights_open(const struct lacuna_host *, const char *path, struct weights **);
void weights_close(struct weights *); /* accepts NULL */

/* NULL when the metadata lack it. */
const char *weights_text(const struct weights *, const char *name);
/* The metadatum as numbers separated by commas; returns how many, or a failure when absent, malformed or more than `most'. */
int weights_numbers(const struct weights *, const char *name, int most, double *values);
/* The same of what stands at `list' in it. */
int weights_list(const struct weights *, const char *name, const char *list, int most,
		 double *values);
/* The tensor as float, which must have this shape; values holds their product. */
int weights_tensor(const struct weights *, const char *name, int dimensions, const int64_t *shape,
		   float *values);

#endif
