/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
#include <config.h>

#include "cli/batch-window.h"
#include "base/memory.h"

#include <string.h>

void window_put_noise(const struct noise_description *d, double v[NOISE_NUMBERS])
{
	const struct noise *noise = &d->noise;
	const double all[] = { noise->slope, noise->offset, noise->sigma, noise->least_variance,
			       d->wide,	     d->wider,	    d->colored,	  d->doubts };

	memcpy(v, all, sizeof all);
	memcpy(v + 8, noise->channel, sizeof noise->channel);
}

void window_get_noise(const double v[NOISE_NUMBERS], const char *how, struct noise_description *d)
{
	*d = (struct noise_description){
		.noise = { .slope = v[0], .offset = v[1], .sigma = v[2], .least_variance = v[3] },
		.wide = v[4],
		.wider = v[5],
		.colored = v[6] > 0,
		.doubts = (int)v[7],
		.how = how
	};
	memcpy(d->noise.channel, v + 8, sizeof d->noise.channel);
}

/* A record of a window for a file.  Its texts are in `about'.  The values are the picture's, then those of its deviation. */
enum { NOISE_AT = 18, NUMBERS = NOISE_AT + NOISE_NUMBERS };

struct part window_pack(const struct restored *r, json_t *about, float *values)
{
	static double numbers[NUMBERS];
	const struct restore_record *record = &r->record;
	const struct session_stats none = { 0 }, *s = record->samples ? record->samples : &none;
	const double all[NUMBERS] = {
		record->constant,	  record->inner.black,
		record->inner.white,	  record->inner.lowest,
		record->inner.highest,	  record->noise,
		record->estimated,	  (double)record->missing,
		(double)record->rejected, record->residual,
		record->doubts,		  (double)s->steps,
		(double)s->evaluations,	  s->seconds,
		s->prior_seconds,	  record->places[0],
		record->places[1],	  r->deviation != NULL,
	};
	const size_t n = lacuna_count(&record->shape);

	memcpy(numbers, all, sizeof numbers);
	window_put_noise(&record->description, numbers + NOISE_AT);
	return (struct part){ about,
			      numbers,
			      values,
			      record->unchanged,
			      NUMBERS,
			      r->deviation ? 2 * n : n,
			      record->unchanged ? n : 0 };
}

/* Splits the values into picture and deviation. */
static int take_values(struct part *p, struct restored *r)
{
	const size_t n = lacuna_count(&r->record.shape);

	if (p->value_count > n) {
		r->deviation = memory_alloc_array(n, sizeof *r->deviation);
		if (!r->deviation)
			return 0;
		memcpy(r->deviation, p->values + n, n * sizeof *r->deviation);
	}
	r->picture = p->values;
	r->record.unchanged = p->flags;
	p->values = NULL;
	p->flags = NULL;
	return 1;
}

int window_unpack(struct part *p, const struct windows *w, int deviation, struct restored *r)
{
	const double *v = p->numbers;
	const int64_t width = w->factor * w->width, height = w->factor * w->height;
	const size_t plane = (size_t)(width * height);
	struct restore_record *record = &r->record;
	size_t n;

	*r = (struct restored){ 0 };
	if (p->number_count != NUMBERS || (deviation && !(v[17] > 0)))
		return 0;
	n = p->value_count / (v[17] > 0 ? 2 : 1);
	if (!plane || !n || n % plane || (p->flag_count && p->flag_count != n))
		return 0;
	record->samples = memory_alloc_array(1, sizeof *record->samples);
	if (!record->samples)
		return 0;
	record->shape = (struct lacuna_shape){ { width, height, (int64_t)(n / plane), 1 } };
	record->constant = v[0] > 0;
	record->inner = (struct scale){ v[1], v[2], v[3], v[4] };
	record->noise = v[5];
	record->estimated = v[6] > 0;
	record->missing = (size_t)v[7];
	record->rejected = (size_t)v[8];
	record->residual = v[9];
	record->doubts = (int)v[10];
	record->samples->steps = (int64_t)v[11];
	record->samples->evaluations = (int64_t)v[12];
	record->samples->seconds = v[13];
	record->samples->prior_seconds = v[14];
	record->places[0] = v[15];
	record->places[1] = v[16];
	window_get_noise(v + NOISE_AT, json_string_value(json_object_get(p->about, "how")),
			 &record->description);
	record->dealt_with = json_string_value(json_object_get(p->about, "dealt_with"));
	record->precision = json_string_value(json_object_get(p->about, "precision"));
	record->deviation = json_string_value(json_object_get(p->about, "std"));
	if (take_values(p, r))
		return 1;
	restored_free(r);
	return 0;
}
