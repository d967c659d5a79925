/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* A picture that several runs restore in windows: its plan on disk, who restores which window, and windows on disk. */
#include <config.h>

#include "../tap.h"

#include "base/error.h"
#include "base/memory.h"
#include "batch/part.h"
#include "src/cli/batch-divide.h"
#include "src/cli/batch-window.h"

#include <ftw.h>
#include <sys/stat.h>
#include <unistd.h>

static char place[64] = "/tmp/lacuna-divide.XXXXXX";
static struct plan plan = { .key = "0123456789abcdef" };
static struct item item = { .plan = &plan, .relative = (char *)(uintptr_t) "a.tif" };

/* Two runs in one output directory. */
static struct batch runs[2];

static const struct windows grid = { .y = { { 90, 60, 1, 1 } },
				     .factor = 1,
				     .reach = 3,
				     .overlap = { 8, 8 },
				     .width = 40,
				     .height = 30,
				     .across = 3,
				     .down = 2 };

static void join(void)
{
	for (int i = 0; i < 2; i++) {
		memset(&runs[i], 0, sizeof runs[i]);
		runs[i].state = place;
		runs[i].items = &item;
		runs[i].count = 1;
		if (share_join(place, &runs[i].share))
			tap_bail("%s", error_text());
	}
}

static void leave(void)
{
	for (int i = 0; i < 2; i++)
		share_leave(&runs[i].share);
}

/* Writes a plan of two pages with six and two windows. */
static void write_plan(struct division *d)
{
	struct windows second = grid;

	second.across = 1;
	*d = (struct division){ .input = { 10, 20, 30, "abc" },
				.told = { .known = 1,
					  .found = 1,
					  .count = 2,
					  .value = { 1.5, -2 },
					  .why = "because" } };
	if (division_add(d, 0, &grid) || division_add(d, 4, &second) ||
	    division_write(&runs[0], &item, d))
		tap_bail("%s", error_text());
}

static int reads(void)
{
	struct division d;
	int found = 0;

	if (division_read(&runs[1], &item, &d, &found))
		tap_bail("%s", error_text());
	division_free(&d);
	return found;
}

static void finish(struct batch *b, struct divided *d, size_t unit)
{
	double number = 1;
	float value = 2;
	struct part p = { json_object(), &number, &value, NULL, 1, 1, 0 };
	char *path = division_part(b, &item, unit), key[DIGEST_SIZE + 24];

	division_part_key(&d->division, unit, key);
	if (!path || part_write(path, key, 0666, &p))
		tap_bail("%s", error_text());
	json_decref(p.about);
	memory_release(path);
	divided_finish(b, d, unit, NULL);
}

static char *plan_path(void)
{
	char *path = division_common(&runs[0], &item, 0), *slash = strrchr(path, '/');

	strcpy(slash + 1, "plan.json"); /* shorter than page-0.part */
	return path;
}

static void test_plan(void)
{
	struct division d, back;
	int found = 0;

	write_plan(&d);
	ok(!division_read(&runs[1], &item, &back, &found) && found,
	   "a plan is read by another run");
	ok(back.units == 8 && back.page_count == 2 && !strcmp(back.key, d.key) &&
		   back.input.size == 10 && !strcmp(back.input.digest, "abc"),
	   "it is the same");
	ok(back.told.known && back.told.found && back.told.count == 2 &&
		   back.told.value[0] == 1.5 && back.told.value[1] == -2 &&
		   !strcmp(back.told.why, "because"),
	   "what the picture told is in it");
	ok(division_find(&back, 4) && division_find(&back, 4)->first == 6 &&
		   division_find(&back, 4)->windows.across == 1 &&
		   division_find(&back, 0)->windows.overlap[1] == 8 && !division_find(&back, 1),
	   "and the windows of each page");
	ok(!back.pages[0].windows.active && !back.pages[1].windows.active, "all of them active");
	division_free(&back);
	division_free(&d);
	strcpy(plan.key, "fedcba9876543210");
	ok(!reads(), "with other options there is none");
	strcpy(plan.key, "0123456789abcdef");
	ok(reads(), "with the same there is");
}

/* A plan that somebody has changed is no plan, or one that can be used. */
static void test_damaged_plan(void)
{
	char *path = plan_path();
	json_t *whole = json_load_file(path, 0, NULL);
	const size_t numbers = json_array_size(json_array_get(json_object_get(whole, "pages"), 0));
	int refused = 0;
	json_t *none;

	if (!whole || numbers < 15)
		tap_bail("%s", path);
	/* page, y (4), factor, reach, overlap (2), beyond (2), width, height, across, down */
	for (size_t at = 11; at < numbers; at++)
		for (int value = -1; value <= 0; value++) {
			json_t *copy = json_deep_copy(whole);

			json_array_set_new(json_array_get(json_object_get(copy, "pages"), 0), at,
					   json_integer(value));
			if (json_dump_file(copy, path, 0))
				tap_bail("%s", path);
			refused += !reads();
			json_decref(copy);
		}
	ok(refused == 2 * (int)(numbers - 11), "windows have a size and a number (%d of %d)",
	   refused, 2 * (int)(numbers - 11));
	none = json_deep_copy(whole);
	json_array_append_new(json_array_get(json_object_get(none, "pages"), 0),
			      json_integer(4096));
	ok(!json_dump_file(none, path, 0) && !reads(), "no more numbers than these");
	json_array_clear(json_object_get(none, "pages"));
	ok(!json_dump_file(none, path, 0) && !reads(), "a plan has windows");
	json_decref(none);
	ok(!json_dump_file(whole, path, 0) && reads(), "the right one is read again");
	json_decref(whole);
	memory_release(path);
}

static void test_units(void)
{
	struct divided *mine, *theirs;
	size_t unit, first, seen = 0;
	int status;

	mine = divided_create(&runs[0], &item, 1, &status);
	theirs = divided_create(&runs[1], &item, 0, &status);
	if (!ok(mine && theirs, "two runs restore it"))
		return;
	ok(divided_take(&runs[0], mine, &first) && first == 0, "one takes the first window");
	ok(divided_take(&runs[1], theirs, &unit) && unit == 1, "the other the second");
	finish(&runs[1], theirs, unit);
	finish(&runs[0], mine, first);
	ok(mine->done == 1 && theirs->done == 1 && !mine->busy && !theirs->busy,
	   "each has done one");
	while (divided_take(&runs[0], mine, &unit)) {
		seen |= (size_t)1 << unit;
		if (unit == 5)
			break;
		finish(&runs[0], mine, unit);
	}
	ok(seen == 0x3c, "one goes on with the others, but for what is done (%zx)", seen);
	/* The sixth window is at work.  The other run sees what is done, and takes what is left. */
	divided_look(&runs[1], theirs);
	while (divided_take(&runs[1], theirs, &unit))
		finish(&runs[1], theirs, unit);
	ok(theirs->done == 7 && !divided_is_done(theirs), "the other does the rest (%zu)",
	   theirs->done);
	/* The run that had it gives it up without a result. */
	divided_free(&runs[0], mine);
	divided_look(&runs[1], theirs);
	ok(divided_take(&runs[1], theirs, &unit) && unit == 5,
	   "a window that its run has left is restored by the other");
	finish(&runs[1], theirs, unit);
	ok(divided_is_done(theirs) && !theirs->busy, "then all are done");
	divided_free(&runs[1], theirs);
	mine = divided_create(&runs[0], &item, 1, &status);
	ok(mine && divided_is_done(mine), "and a later run sees that");
	divided_free(&runs[0], mine);
}

static void test_failure(void)
{
	struct divided *mine, *theirs;
	struct division d;
	size_t a, b, unit;
	char parts[80];
	int status;

	division_remove(&runs[0], &item);
	write_plan(&d);
	division_free(&d);
	mine = divided_create(&runs[0], &item, 1, &status);
	theirs = divided_create(&runs[1], &item, 0, &status);
	if (!ok(mine && theirs && divided_take(&runs[0], mine, &a) &&
			divided_take(&runs[0], mine, &b),
		"two windows are at work"))
		return;
	divided_finish(&runs[0], mine, a, "the first failure");
	divided_finish(&runs[0], mine, b, "another failure");
	is_text(mine->message, "the first failure", "of two failures the first is told");
	ok(!divided_take(&runs[0], mine, &unit), "no more are begun");
	ok(!mine->busy && !divided_is_done(mine), "none is at work");
	ok(divided_take(&runs[1], theirs, &unit) && unit == a, "another run may try");
	divided_finish(&runs[1], theirs, unit, "a failure there");
	divided_free(&runs[0], mine);
	divided_free(&runs[1], theirs);
	division_remove(&runs[0], &item);
	division_end(&runs[0]);
	snprintf(parts, sizeof parts, "%s/parts", place);
	ok(!reads() && access(parts, F_OK) != 0, "in the end nothing is left");
}

/* ---- a restored window, as numbers and values */

enum { W = 6, H = 4, C = 2, VALUES = 4 * W * H * C }; /* twice as large as its measurement */

static void fill(float *values, float from)
{
	for (int i = 0; i < VALUES; i++)
		values[i] = from + 0.5f * (float)i;
}

/* What is known of a window, each number different from all others. */
static void make_window(struct restored *r, struct session_stats *stats, unsigned char *flags)
{
	static float picture[VALUES], deviation[VALUES];

	fill(picture, 1);
	fill(deviation, 2);
	for (int i = 0; i < VALUES; i++)
		flags[i] = i % 3 == 0;
	*stats = (struct session_stats){
		.steps = 11, .evaluations = 12, .seconds = 13.5, .prior_seconds = 12.5
	};
	*r = (struct restored){
		.picture = picture,
		.deviation = deviation,
		.record = { .shape = { { 2 * W, 2 * H, C, 1 } },
			    .constant = 0,
			    .inner = { 1.25, 2.25, 0.5, 3.5 },
			    .noise = 0.0625,
			    .estimated = 1,
			    .description = { .noise = { .slope = 0.1,
							.offset = 0.2,
							.sigma = 0.3,
							.least_variance = 0.4,
							.channel = { 1.1, 1.2 } },
					     .wide = 0.7,
					     .wider = 0.9,
					     .colored = 1,
					     .how = "somehow",
					     .doubts = 2 },
			    .places = { 0.8, 1.9 },
			    .dealt_with = "that way",
			    .precision = "bf16",
			    .deviation = "known",
			    .missing = 5,
			    .rejected = 6,
			    .residual = 0.03125,
			    .doubts = 7,
			    .samples = stats,
			    .sample_count = 1,
			    .unchanged = flags },
	};
}

static int same_record(const struct restore_record *a, const struct restore_record *b)
{
	const struct noise_description *d = &a->description, *e = &b->description;

	return !memcmp(&a->shape, &b->shape, sizeof a->shape) && a->constant == b->constant &&
	       !memcmp(&a->inner, &b->inner, sizeof a->inner) && a->noise == b->noise &&
	       a->estimated == b->estimated && !memcmp(&d->noise, &e->noise, sizeof d->noise) &&
	       d->wide == e->wide && d->wider == e->wider && d->colored == e->colored &&
	       !strcmp(d->how, e->how) && d->doubts == e->doubts && a->places[0] == b->places[0] &&
	       a->places[1] == b->places[1] && !strcmp(a->dealt_with, b->dealt_with) &&
	       !strcmp(a->precision, b->precision) && !strcmp(a->deviation, b->deviation) &&
	       a->missing == b->missing && a->rejected == b->rejected &&
	       a->residual == b->residual && a->doubts == b->doubts &&
	       a->samples->steps == b->samples->steps &&
	       a->samples->evaluations == b->samples->evaluations &&
	       a->samples->seconds == b->samples->seconds &&
	       a->samples->prior_seconds == b->samples->prior_seconds &&
	       !memcmp(a->unchanged, b->unchanged, VALUES);
}

/* colored, constant: both answers of both. */
static void test_window(int colored, int constant, int deviation)
{
	static unsigned char flags[VALUES];
	static float values[2 * VALUES];
	const struct windows w = { .factor = 2, .width = W, .height = H };
	struct windows other = w;
	struct session_stats stats;
	struct restored r, back = { 0 };
	struct part p, read;
	char path[80];
	int found = 0;

	make_window(&r, &stats, flags);
	r.record.description.colored = colored;
	r.record.constant = constant;
	if (!deviation)
		r.deviation = NULL;
	memcpy(values, r.picture, VALUES * sizeof *values);
	if (deviation)
		memcpy(values + VALUES, r.deviation, VALUES * sizeof *values);
	snprintf(path, sizeof path, "%s/window", place);
	p = window_pack(&r,
			json_pack("{s:s, s:s, s:s, s:s}", "how", "somehow", "dealt_with",
				  "that way", "precision", "bf16", "std", "known"),
			values);
	if (part_write(path, "key", 0666, &p) || part_read(path, "key", &read, &found) || !found)
		tap_bail("%s", error_text());
	other.factor = 5;
	ok(!window_unpack(&read, &other, 0, &back), "a window of another size is none");
	if (!deviation)
		ok(!window_unpack(&read, &w, 1, &back), "one without a deviation lacks it");
	read.number_count--;
	ok(!window_unpack(&read, &w, 0, &back), "one of fewer numbers is none");
	read.number_count++;
	ok(window_unpack(&read, &w, deviation, &back) && same_record(&r.record, &back.record) &&
		   !memcmp(back.picture, r.picture, VALUES * sizeof *values) &&
		   !back.deviation == !deviation &&
		   (!deviation || !memcmp(back.deviation, r.deviation, VALUES * sizeof *values)),
	   "a window comes back as it was (%d %d %d)", colored, constant, deviation);
	restored_free(&back);
	part_free(&read);
	json_decref(p.about);
	unlink(path);
}

static int remove_entry(const char *path, const struct stat *st, int kind, struct FTW *at)
{
	(void)st, (void)kind, (void)at;
	return remove(path);
}

int main(void)
{
	if (!mkdtemp(place))
		return 99;
	join();
	test_plan();
	test_damaged_plan();
	test_units();
	test_failure();
	leave();
	test_window(1, 0, 1);
	test_window(0, 0, 0);
	test_window(0, 1, 1);
	nftw(place, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
	ok(memory_live_blocks() == 0, "no memory is left");
	return tap_done();
}
