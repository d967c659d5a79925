/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* A picture that several runs restore in windows: its plan on disk, and who restores which window. */
#include <config.h>

#include "../tap.h"

#include "base/error.h"
#include "base/memory.h"
#include "batch/part.h"
#include "src/cli/batch-divide.h"

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
	nftw(place, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
	ok(memory_live_blocks() == 0, "no memory is left");
	return tap_done();
}
