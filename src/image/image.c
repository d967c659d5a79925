/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* A picture in memory, and the mapping between sample values and the 0..1 scale of the engine. */
#include <config.h>

#include "image/image.h"
#include "base/error.h"
#include "base/log.h"
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

static int is_white(const struct image *image)
{
	const size_t n = lacuna_count(&image->shape);

	for (size_t i = 0; i < n; i++)
		if (!(fabsf(image->values[i] - 1) < 1e-5f))
			return 0;
	return 1;
}

void image_on_white(struct image *image, const float *alpha, int associated, const char *path)
{
	const size_t n = lacuna_count(&image->shape);
	const size_t plane = (size_t)(image->shape.extent[0] * image->shape.extent[1]);
	size_t opaque = 0, clear = 0;

	for (size_t i = 0; i < plane; i++) {
		opaque += alpha[i] > 0.5f;
		clear += alpha[i] < 0.5f;
	}
	for (size_t i = 0; i < n; i++) {
		const float a = alpha[i % plane], v = image->values[i];

		image->values[i] = associated ? v + 1 - a : 1 - a * (1 - v);
	}
	if (!is_white(image))
		return;
	image->shape.extent[2] = image->shape.extent[3] = 1;
	if (!opaque || !clear)
		return;
	for (size_t i = 0; i < plane; i++)
		image->values[i] = opaque > clear ? alpha[i] : 1 - alpha[i];
	log_message(LACUNA_LOG_INFO, "%s: its colours are all white; what is %s counts as black",
		    path,
		    opaque > clear ? "erased from its layer" : "painted on its transparent layer");
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
