/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* A picture in memory, and the mapping between sample values and the 0..1 scale of the engine. */
#include <config.h>

#include "image/image.h"
#include "base/error.h"
#include "base/memory.h"

#include <math.h>
#include <string.h>

int image_create(struct image *image, const struct lacuna_shape *shape)
{
	size_t count = sizeof(float);

	memset(image, 0, sizeof *image);
	for (int i = 0; i < 4; i++)
		if (shape->extent[i] < 1 || (uint64_t)shape->extent[i] > SIZE_MAX ||
		    !size_multiply(count, (size_t)shape->extent[i], &count))
			return error_set(LACUNA_EINVAL, "an image of impossible size");
	image->values = memory_alloc(count);
	if (!image->values)
		return LACUNA_ENOMEM;
	image->shape = *shape;
	return LACUNA_OK;
}

void image_free(struct image *image)
{
	memory_release(image->values);
	memset(image, 0, sizeof *image);
}

/* An empty range is not scaled. */
static double extent(struct image_range range)
{
	return range.hi > range.lo ? range.hi - range.lo : 1.0;
}

void image_to_unit(struct image *image, struct image_range range)
{
	const double scale = extent(range);
	const size_t n = lacuna_count(&image->shape);

	for (size_t i = 0; i < n; i++)
		image->values[i] = (float)((image->values[i] - range.lo) / scale);
}

void image_from_unit(struct image *image, struct image_range range)
{
	const double scale = extent(range);
	const size_t n = lacuna_count(&image->shape);

	for (size_t i = 0; i < n; i++)
		image->values[i] = (float)(image->values[i] * scale + range.lo);
}

int image_extrema(const struct image *image, struct image_range *range)
{
	const size_t n = lacuna_count(&image->shape);
	int found = 0;

	for (size_t i = 0; i < n; i++) {
		const double v = image->values[i];

		if (!isfinite(v))
			continue;
		if (!found || v < range->lo)
			range->lo = v;
		if (!found || v > range->hi)
			range->hi = v;
		found = 1;
	}
	return found;
}
