/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* A restored window of a batch goes through a file: everything that the whole needs of it comes back, each at its place. */
#include <config.h>

#include "cli/batch-window.h"
#include "tests/tap.h"

#include "base/memory.h"

enum { WIDTH = 4, HEIGHT = 3, VALUES = WIDTH * HEIGHT };

static const struct windows layout = { .factor = 1, .width = WIDTH, .height = HEIGHT };

/* No two numbers are alike. */
static void make(struct session_stats *samples, struct restored *r)
{
	*samples = (struct session_stats){
		.steps = 51, .evaluations = 52, .seconds = 53, .prior_seconds = 54
	};
	*r = (struct restored){ .record = {
					.shape = { { WIDTH, HEIGHT, 1, 1 } },
					.inner = { 1, 2, 3, 4 },
					.noise = 5,
					.estimated = 1,
					.description = { .noise = { .slope = 6,
								    .offset = 7,
								    .sigma = 8,
								    .least_variance = 9 },
							 .wide = 10,
							 .colored = 1,
							 .doubts = 11 },
					.places = { 12, 13 },
					.missing = 14,
					.rejected = 15,
					.residual = 16,
					.doubts = 17,
					.samples = samples,
				} };
	for (int i = 0; i < NOISE_CHANNELS; i++)
		r->record.description.noise.channel[i] = 20 + i;
}

/* What part_read() would give: values and flags of its own. */
static struct part pack(const struct restored *r, int deviation, int flags)
{
	struct part p = window_pack(r, NULL, NULL);

	p.values = memory_alloc_array((size_t)(1 + deviation) * VALUES, sizeof *p.values);
	p.flags = flags ? memory_alloc(VALUES) : NULL;
	for (int i = 0; i < (1 + deviation) * VALUES; i++)
		p.values[i] = (float)i;
	for (int i = 0; i < VALUES && flags; i++)
		p.flags[i] = i % 3 == 0;
	return p;
}

static void drop(struct part *p)
{
	memory_release(p->values);
	memory_release(p->flags);
}

static int same(double a, double b)
{
	return !(a < b) && !(a > b);
}

static void check_record(const struct restore_record *a, const struct restore_record *b)
{
	const struct noise *m = &a->description.noise, *n = &b->description.noise;
	int alike = 1;

	ok(a->constant == b->constant && a->estimated == b->estimated, "flags");
	ok(same(a->inner.black, b->inner.black) && same(a->inner.white, b->inner.white) &&
		   same(a->inner.lowest, b->inner.lowest) &&
		   same(a->inner.highest, b->inner.highest),
	   "its scale");
	ok(same(a->noise, b->noise) && same(a->residual, b->residual), "noise and residual");
	ok(a->missing == b->missing && a->rejected == b->rejected, "missing and rejected values");
	ok(a->doubts == b->doubts, "doubts");
	ok(same(a->places[0], b->places[0]) && same(a->places[1], b->places[1]), "places");
	ok(a->samples->steps == b->samples->steps &&
		   a->samples->evaluations == b->samples->evaluations &&
		   same(a->samples->seconds, b->samples->seconds) &&
		   same(a->samples->prior_seconds, b->samples->prior_seconds),
	   "what it took");
	for (int i = 0; i < NOISE_CHANNELS; i++)
		alike &= same(m->channel[i], n->channel[i]);
	ok(same(m->slope, n->slope) && same(m->offset, n->offset) && same(m->sigma, n->sigma) &&
		   same(m->least_variance, n->least_variance) && alike,
	   "the law of its noise");
	ok(same(a->description.wide, b->description.wide) &&
		   a->description.colored == b->description.colored &&
		   a->description.doubts == b->description.doubts,
	   "and what is beside it");
}

static void test_record(void)
{
	struct session_stats samples;
	struct restored r, back;
	struct part p;

	make(&samples, &r);
	p = pack(&r, 0, 0);
	if (ok(window_unpack(&p, &layout, 0, &back), "a window comes back")) {
		check_record(&back.record, &r.record);
		ok(!memcmp(&back.record.shape, &r.record.shape, sizeof r.record.shape),
		   "its shape");
		ok(!back.deviation && !back.record.unchanged, "it has no deviation and no flags");
		restored_free(&back);
	}
	drop(&p);
	r.record.constant = 1;
	r.record.estimated = 0;
	r.record.description.colored = 0;
	p = pack(&r, 0, 0);
	if (ok(window_unpack(&p, &layout, 0, &back), "a constant window comes back")) {
		check_record(&back.record, &r.record);
		restored_free(&back);
	}
	drop(&p);
}

static void test_values(void)
{
	float deviation = 0;
	struct session_stats samples;
	struct restored r, back;
	struct part p;
	int right = 1;

	make(&samples, &r);
	r.deviation = &deviation;
	r.record.unchanged = (unsigned char *)&deviation;
	p = pack(&r, 1, 1);
	ok(p.value_count == 2 * VALUES && p.flag_count == VALUES,
	   "a picture, its deviation and its flags are as many");
	if (ok(window_unpack(&p, &layout, 1, &back), "they come back")) {
		for (int i = 0; i < VALUES; i++)
			right &= same(back.picture[i], i) && same(back.deviation[i], VALUES + i) &&
				 back.record.unchanged[i] == (i % 3 == 0);
		ok(right, "each at its place");
		restored_free(&back);
	}
	drop(&p);
}

static void test_refused(void)
{
	struct windows other = layout;
	struct session_stats samples;
	struct restored r, back;
	struct part p;

	make(&samples, &r);
	p = pack(&r, 0, 0);
	ok(!window_unpack(&p, &layout, 1, &back), "a deviation that nobody made is not there");
	other.width++;
	ok(!window_unpack(&p, &other, 0, &back), "a window of another size is refused");
	p.number_count--;
	ok(!window_unpack(&p, &layout, 0, &back), "so is one with fewer numbers");
	p.number_count++;
	p.flag_count = 1;
	ok(!window_unpack(&p, &layout, 0, &back), "or with too few flags");
	drop(&p);
}

int main(void)
{
	test_record();
	test_values();
	test_refused();
	return tap_done();
}
