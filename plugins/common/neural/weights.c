/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
#include "common/neural/weights.h"

#include "common/file.h"

#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

enum { HEADER_MOST = 1 << 24 };	    /* bytes; a file that claims more is not a safetensors file */
#define FILE_MOST ((size_t)1 << 31) /* bytes, uncompressed */

struct weights {
	const struct lacuna_host *host;
	char *path;
	json_t *header;
	unsigned char *data;
	size_t size;
};

static int bad(const struct weights *w, const char *what)
{
	return w->host->fail(w->host, LACUNA_EINVAL, "%s: %s", w->path, what);
}

void weights_close(struct weights *w)
{
	if (!w)
		return;
	if (w->header)
		json_decref(w->header);
	w->host->release(w->host, w->data);
	w->host->release(w->host, w->path);
	w->host->release(w->host, w);
}

static int read_header(struct weights *w, gzFile file)
{
	unsigned char length[8];
	uint64_t n = 0;
	char *text;
	json_error_t error;

	if (gzread(file, length, 8) != 8)
		return bad(w, "is too short to be a safetensors file");
	for (int i = 7; i >= 0; i--)
		n = n << 8 | length[i];
	if (n < 2 || n > HEADER_MOST)
		return bad(w, "is not a safetensors file");
	text = w->host->alloc(w->host, (size_t)n);
	if (!text)
		return LACUNA_ENOMEM;
	if (gzread(file, text, (unsigned)n) == (int)n)
		w->header = json_loadb(text, (size_t)n, JSON_REJECT_DUPLICATES, &error);
	w->host->release(w->host, text);
	return json_is_object(w->header)
		       ? LACUNA_OK
		       : bad(w, "is not a safetensors file: its header is damaged");
}

/* Sets w->size to the largest end of a tensor, since the length of a compressed file is not known. */
static int data_size(struct weights *w)
{
	const char *name;
	json_t *tensor;

	json_object_foreach(w->header, name, tensor)
	{
		json_t *offsets = json_object_get(tensor, "data_offsets");
		json_int_t begin = json_integer_value(json_array_get(offsets, 0));
		json_int_t end = json_integer_value(json_array_get(offsets, 1));

		if (!strcmp(name, "__metadata__"))
			continue;
		if (json_array_size(offsets) != 2 || begin < 0 || end < begin ||
		    (uint64_t)end > FILE_MOST)
			return bad(w, "has a tensor with impossible offsets");
		if ((size_t)end > w->size)
			w->size = (size_t)end;
	}
	return w->size ? LACUNA_OK : bad(w, "holds no tensors");
}

static int read_data(struct weights *w, gzFile file)
{
	size_t have = 0;

	w->data = w->host->alloc(w->host, w->size);
	if (!w->data)
		return LACUNA_ENOMEM;
	while (have < w->size) {
		size_t want = w->size - have < 1 << 20 ? w->size - have : 1 << 20;
		int got = gzread(file, w->data + have, (unsigned)want);

		if (got <= 0)
			return bad(w, "is truncated or damaged");
		have += (size_t)got;
	}
	return LACUNA_OK;
}

int weights_open(const struct lacuna_host *host, const char *path, struct weights **result)
{
	struct weights *w = host->alloc(host, sizeof *w);
	gzFile file;
	int status, fd;

	if (!w)
		return LACUNA_ENOMEM;
	w->host = host;
	w->path = host->alloc(host, strlen(path) + 1);
	if (!w->path) {
		weights_close(w);
		return LACUNA_ENOMEM;
	}
	memcpy(w->path, path, strlen(path) + 1);
	fd = file_descriptor(host, path);
	file = fd < 0 ? NULL : gzdopen(fd, "rb");
	if (!file) {
		status = fd < 0 ? fd : host->fail(host, LACUNA_ENOMEM, "%s: out of memory", path);
		if (fd >= 0)
			close(fd);
		weights_close(w);
		return status;
	}
	status = read_header(w, file);
	if (!status)
		status = data_size(w);
	if (!status)
		status = read_data(w, file);
	gzclose(file);
	if (status)
		weights_close(w);
	else
		*result = w;
	return status;
}

const char *weights_text(const struct weights *w, const char *name)
{
	return json_string_value(json_object_get(json_object_get(w->header, "__metadata__"), name));
}

int weights_numbers(const struct weights *w, const char *name, int most, double *values)
{
	const char *text = weights_text(w, name);

	if (!text)
		return w->host->fail(
			w->host, LACUNA_EINVAL,
			"%s: the header has no \"%s\"; use weights made by tools/train", w->path,
			name);
	return weights_list(w, name, text, most, values);
}

/* Not strtod(), which depends on the locale: "0.8" must always read the same. */
int weights_list(const struct weights *w, const char *name, const char *list, int most,
		 double *values)
{
	char item[64];
	int n = 0;

	for (; n < most && *list; n++) {
		size_t length = strcspn(list, ",");
		json_t *number;

		if (length + 3 > sizeof item)
			break;
		item[0] = '[';
		memcpy(item + 1, list, length);
		memcpy(item + 1 + length, "]", 2);
		number = json_loads(item, 0, NULL);
		values[n] = json_is_number(json_array_get(number, 0))
				    ? json_number_value(json_array_get(number, 0))
				    : NAN;
		json_decref(number);
		if (isnan(values[n]))
			break;
		list += length + (list[length] == ',');
	}
	if (!n || *list)
		return w->host->fail(w->host, LACUNA_EINVAL,
				     "%s: the value %s=\"%s\" in the header cannot be used",
				     w->path, name, weights_text(w, name));
	return n;
}

/* Without ldexpf(), which would take longer than everything else done to a weight. */
static float from_half(uint32_t h)
{
	const uint32_t sign = (h & 0x8000) << 16, rest = h & 0x7fff;
	const float subnormal = (float)rest * 0x1p-24f;
	uint32_t bits;
	float v;

	if (rest < 0x400)
		memcpy(&bits, &subnormal, sizeof bits);
	else /* exponent: the bias is 15 in half, 127 in single precision; 31 and 255 are infinity and NaN */
		bits = (rest << 13) + ((rest < 0x7c00 ? 127u - 15u : 255u - 31u) << 23);
	bits |= sign;
	memcpy(&v, &bits, sizeof v);
	return v;
}

static float value(const unsigned char *p, int bytes, int brain)
{
	uint32_t bits = (uint32_t)p[0] | (uint32_t)p[1] << 8;
	float v;

	if (bytes == 2 && !brain)
		return from_half(bits);
	bits = bytes == 2 ? bits << 16 : bits | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
	memcpy(&v, &bits, sizeof v);
	return v;
}

int weights_tensor(const struct weights *w, const char *name, int dimensions, const int64_t *shape,
		   float *values)
{
	json_t *tensor = json_object_get(w->header, name);
	const char *type = json_string_value(json_object_get(tensor, "dtype"));
	json_t *extents = json_object_get(tensor, "shape");
	json_t *offsets = json_object_get(tensor, "data_offsets");
	size_t begin = (size_t)json_integer_value(json_array_get(offsets, 0));
	size_t end = (size_t)json_integer_value(json_array_get(offsets, 1));
	size_t count = 1;
	int bytes, brain;

	if (!tensor || !type)
		return w->host->fail(w->host, LACUNA_EINVAL, "%s: the tensor %s is missing",
				     w->path, name);
	bytes = !strcmp(type, "F32") ? 4 : 2;
	brain = !strcmp(type, "BF16");
	if (bytes == 2 && !brain && strcmp(type, "F16") != 0)
		return w->host->fail(w->host, LACUNA_EINVAL,
				     "%s: tensor %s has type %s; F32, F16 and BF16 can be read",
				     w->path, name, type);
	for (int i = 0; i < dimensions; i++) {
		if (json_integer_value(json_array_get(extents, (size_t)i)) != shape[i])
			count = 0;
		count *= (size_t)shape[i];
	}
	if (json_array_size(extents) != (size_t)dimensions || !count ||
	    end - begin != count * (size_t)bytes)
		return w->host->fail(w->host, LACUNA_EINVAL,
				     "%s: the shape of tensor %s does not match the widths and "
				     "blocks in the header",
				     w->path, name);
	for (size_t i = 0; i < count; i++) {
		values[i] = value(w->data + begin + i * (size_t)bytes, bytes, brain);
		if (!isfinite(values[i]))
			return bad(w, "has weights that are not finite");
	}
	return LACUNA_OK;
}
