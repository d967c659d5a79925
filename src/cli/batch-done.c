/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* What earlier runs, and others at work, have done of a batch. */
#include <config.h>

#include "base/clock.h"
#include "base/memory.h"
#include "cli/batch.h"

#include <string.h>
#include <sys/stat.h>

/* True when input and parameters are the same and the output is unchanged. */
static int is_done(const struct item *item, const struct journal_entry *e, const char *output)
{
	return e->state == JOURNAL_DONE && !strcmp(e->key, item->plan->key) &&
	       stamp_holds(output, &e->output) && stamp_holds(item->file->path, &e->input);
}

/* The same for an output and its journal entry, as last read. */
static int is_output_done(const struct batch *b, const struct item *item, const char *relative)
{
	const struct journal_entry *e = journal_find(&b->journal, relative);
	char *output = batch_path(b, relative);
	const int done = e && output && is_done(item, e, output);

	memory_release(output);
	return done;
}

int batch_is_done(const struct batch *b, const struct item *item)
{
	return is_output_done(b, item, item->relative) &&
	       (!item->deviation || is_output_done(b, item, item->deviation));
}

void batch_count_before(struct batch *b, struct item *item)
{
	const struct journal_entry *e = journal_find(&b->journal, item->relative);

	item->state = ITEM_BEFORE;
	item->doubts = e->doubts;
	b->before++;
	b->doubtful += e->doubts > 0;
}

static int read_journal(struct batch *b)
{
	journal_free(&b->journal);
	b->journal_time = clock_date();
	b->journal_size = journal_size(b->state, b->share.run);
	return journal_load(b->state, &b->journal);
}

/* True when another run may have done the item since the journal was read.  Reading it again takes time proportional to the
 * number of images, so it is done only for a reason. */
static int is_outdated(const struct batch *b, const struct item *item)
{
	const struct journal_entry *e = journal_find(&b->journal, item->relative);
	char *output = batch_path(b, item->relative);
	struct stat st;
	const int there = output && !stat(output, &st);

	memory_release(output);
	return there &&
	       (!e || e->state == JOURNAL_BEGUN ||
		(int64_t)(st.st_mtime + 2) * 1000000000 > b->journal_time) &&
	       journal_size(b->state, b->share.run) != b->journal_size;
}

int batch_look_again(struct batch *b, const struct item *item, int *done)
{
	int status = LACUNA_OK;

	*done = batch_is_done(b, item);
	if (!*done && is_outdated(b, item)) {
		status = read_journal(b);
		*done = !status && batch_is_done(b, item);
	}
	return status;
}

int batch_look_at_all(struct batch *b)
{
	const int status = read_journal(b);

	for (size_t i = 0; !status && i < b->count; i++) {
		struct item *item = &b->items[i];
		const struct journal_entry *e = journal_find(&b->journal, item->relative);

		item->seen = e ? e->time : 0;
		if (item->state == ITEM_TODO && batch_is_done(b, item))
			batch_count_before(b, item);
	}
	return status;
}

int batch_is_contested(const struct batch *b, const struct item *item)
{
	const struct journal_entry *e = journal_find(&b->journal, item->relative);

	return e && e->state == JOURNAL_DONE && strcmp(e->key, item->plan->key) != 0 &&
	       strcmp(e->run, b->share.run) != 0 &&
	       (e->time != item->seen || share_is_other(&b->share, e->run));
}
