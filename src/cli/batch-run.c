/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* The main loop of a batch: claims, workers, journal. */
#include <config.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"
#include "base/threads.h"
#include "batch/pool.h"
#include "cli/batch-divide.h"
#include "cli/signals.h"
#include "cli/outputs.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { PREPARED_MOST = 1 << 22 }; /* largest image, in values, whose prior is made in advance */
enum { AHEAD = 2 }; /* items claimed and noted per worker, so that none waits for the disk */

struct loop {
	struct batch *b;
	struct pool *pool;
	size_t next;   /* next item to look at */
	size_t *queue; /* claimed and in the journal, not yet given to a worker */
	size_t queued;
	size_t *held; /* finished, but not yet on the disk: still claimed */
	size_t held_count;
	size_t waiting;		  /* items that other runs have claimed */
	struct divided **divided; /* items being restored in units, here or in other runs */
	size_t divided_count, divided_room;
	double beat, waited; /* time of the last heartbeat, of the last look at other runs */
};

char *batch_path(const struct batch *b, const char *relative)
{
	return text_format("%s/%s", b->output, relative);
}

/* ---- directories of outputs -------------------------------------------------------------------------- */

static int make_directories(const char *path)
{
	char *copy = memory_strdup(path);
	int status = copy ? LACUNA_OK : LACUNA_ENOMEM;

	for (char *p = copy ? copy + 1 : NULL; !status && (p = strchr(p, '/')); p++) {
		*p = 0;
		status = output_directory(copy);
		*p = '/';
	}
	memory_release(copy);
	return status;
}

static char *directory_of(const struct batch *b, const struct item *item)
{
	char *path = batch_path(b, item->relative);

	if (path)
		strrchr(path, '/')[0] = 0;
	return path;
}

/* Removes what dead runs of this machine left.  Items are sorted: those of one directory are (nearly) adjacent. */
static void clean_all(const struct batch *b)
{
	char *last = NULL;

	for (size_t i = 0; i < b->count; i++) {
		char *directory = directory_of(b, &b->items[i]);

		if (directory && (!last || strcmp(last, directory) != 0))
			share_clean(directory, 0);
		memory_release(last);
		last = directory;
	}
	memory_release(last);
}

/* ---- results ----------------------------------------------------------------------------------------- */

static int note_output(struct batch *b, const struct item *item, char *relative,
		       enum journal_state state, const char *message, const json_t *reply,
		       const char *stamp)
{
	const struct journal_entry *last = journal_find(&b->journal, relative);
	const int64_t now = clock_date();
	struct journal_entry e = {
		.path = relative,
		/* The last entry counts, also after the clock was set back. */
		.time = last && last->time >= now ? last->time + 1 : now,
		.state = state,
		.message = (char *)(uintptr_t)message,
		.doubts = item->doubts,
	};

	memcpy(e.key, item->plan->key, sizeof e.key);
	if (state == JOURNAL_DONE) {
		stamp_from_json(json_object_get(reply, "input"), &e.input);
		stamp_from_json(json_object_get(reply, stamp), &e.output);
	}
	return journal_add(&b->writer, &e, NULL);
}

/* Writes a line for each output. */
static int note(struct batch *b, const struct item *item, enum journal_state state,
		const char *message, const json_t *reply)
{
	int status = note_output(b, item, item->relative, state, message, reply, "output");

	if (!status && item->deviation)
		status = note_output(b, item, item->deviation, state, message, reply, "deviation");
	return status;
}

static int finish_item(struct loop *l, struct item *item, const char *message, const json_t *reply)
{
	struct batch *b = l->b;
	const int failed = message != NULL;
	int status;

	item->state = failed ? ITEM_FAILED : ITEM_DONE;
	item->doubts = (int)json_integer_value(json_object_get(reply, "doubts"));
	b->failed += failed;
	b->done += !failed;
	b->doubtful += !failed && item->doubts > 0;
	/* An item not begun leaves no trace: the journal decides which outputs belong to the batch. */
	status = item->begun ? note(b, item, failed ? JOURNAL_FAILED : JOURNAL_DONE, message, reply)
			     : LACUNA_OK;
	l->held[l->held_count++] = (size_t)(item - b->items);
	sheet_keep(&b->cards, json_object_get(reply, "card"));
	batch_show_item(b, item, message, reply);
	if (failed && b->values->fail_fast)
		b->stopped = 1;
	return status;
}

/* Says what happened to a worker that did not answer. */
static const char *describe_end(const struct pool_event *e, char *text, size_t size)
{
	const int late = e->end == POOL_TIMED_OUT || (e->end == POOL_DIED && e->number == SIGALRM);

	if (late)
		snprintf(text, size, "took longer than allowed; raise --timeout");
	else if (e->end == POOL_ANSWERED)
		snprintf(text, size, "its process sent an answer that cannot be read");
	else if (e->end == POOL_EXITED)
		snprintf(text, size, "a plugin ended its process (exit status %d)", e->number);
	else
		snprintf(text, size, "crashed (signal %d, %s)%s", e->number, strsignal(e->number),
			 e->number == SIGKILL ? ": the machine may be out of memory" : "");
	return text;
}

/* For a dead worker; a live one cleans up after itself. */
static void clean_after(const struct batch *b, const struct item *item, pid_t worker)
{
	char *directory = directory_of(b, item);

	if (directory)
		share_clean(directory, (long)worker);
	memory_release(directory);
}

/* ---- items in units ---------------------------------------------------------------------------------- */

static struct divided *find_divided(const struct loop *l, const struct item *item)
{
	size_t i = 0;

	while (i < l->divided_count && l->divided[i]->item != item)
		i++;
	return i < l->divided_count ? l->divided[i] : NULL;
}

static void forget_divided(struct loop *l, struct divided *d)
{
	size_t i = 0;

	while (l->divided[i] != d)
		i++;
	memmove(&l->divided[i], &l->divided[i + 1], (--l->divided_count - i) * sizeof d);
	divided_free(l->b, d);
}

/* *found is 0 when the item has no plan. */
static int add_divided(struct loop *l, struct item *item, int mine, int *found)
{
	struct divided **room;
	int status;

	room = memory_grow(l->divided, l->divided_count, 1, &l->divided_room, sizeof *room);
	if (!room)
		return LACUNA_ENOMEM;
	l->divided = room;
	l->divided[l->divided_count] = divided_create(l->b, item, mine, &status);
	*found = l->divided[l->divided_count] != NULL;
	l->divided_count += *found;
	return status;
}

/* A worker has made a plan: its units may begin. */
static int begin_units(struct loop *l, struct item *item)
{
	int found, status = add_divided(l, item, 1, &found);

	if (!status && !found)
		status = finish_item(l, item, "its parts were removed during the run", NULL);
	if (found)
		batch_show_divided(l->b, item, find_divided(l, item)->division.units);
	item->divided = 1;
	return status;
}

/* Decides what to do with the item once no unit of it is at work here. */
static int end_units(struct loop *l, struct divided *d)
{
	int status = LACUNA_OK;

	if (d->busy)
		return LACUNA_OK;
	if (d->message) {
		if (d->mine)
			status = finish_item(l, d->item, d->message, NULL);
		forget_divided(l, d);
	} else if (!d->mine && divided_is_done(d)) {
		forget_divided(l, d);
	}
	return status;
}

static int give(struct loop *l, const struct item *item, size_t unit);

/* Gives the next unit of items claimed here (mine) or by other runs.  *given: there was one. */
static int give_unit(struct loop *l, int mine, int *given)
{
	struct batch *b = l->b;
	size_t unit;

	*given = 0;
	for (size_t i = 0; i < l->divided_count; i++) {
		struct divided *d = l->divided[i];

		if (d->mine != mine || d->joining || d->message)
			continue;
		*given = 1;
		if (divided_take(b, d, &unit))
			return give(l, d->item, UNIT_FIRST + unit);
		if (mine && divided_is_done(d)) {
			d->joining = 1;
			return give(l, d->item, UNIT_JOIN);
		}
		*given = 0;
	}
	return LACUNA_OK;
}

/* Other runs may have finished parts, or died; they may also have divided their items. */
static int look_at_units(struct loop *l)
{
	struct batch *b = l->b;
	int found, status = LACUNA_OK;

	for (size_t i = l->divided_count; !status && i-- > 0;) {
		divided_look(b, l->divided[i]);
		status = end_units(l, l->divided[i]);
	}
	for (size_t i = 0; !status && i < b->count && l->waiting; i++) {
		struct item *item = &b->items[i];

		if (item->state == ITEM_WAITING && !item->helpless && !find_divided(l, item))
			status = add_divided(l, item, 0, &found);
	}
	return status;
}

static int handle_unit(struct loop *l, struct item *item, size_t unit, const char *message)
{
	struct divided *d = find_divided(l, item);

	if (!d)
		return LACUNA_OK;
	divided_finish(l->b, d, unit - UNIT_FIRST, message);
	/* A failure on another run's item does not fail it here. */
	item->helpless |= message && !d->mine;
	return end_units(l, d);
}

static int handle(struct loop *l, struct pool_event *e)
{
	struct item *item = &l->b->items[batch_item(e->item)];
	const size_t unit = batch_unit(e->item);
	json_t *reply = e->text ? json_loads(e->text, 0, NULL) : NULL;
	const char *message = NULL;
	char text[256];
	int status;

	if (!reply) {
		clean_after(l->b, item, e->worker);
		message = describe_end(e, text, sizeof text);
	} else if (json_integer_value(json_object_get(reply, "status"))) {
		message = json_string_value(json_object_get(reply, "message"));
		message = message ? message : "failed without a message";
	}
	if (unit >= UNIT_FIRST) {
		status = handle_unit(l, item, unit, message);
	} else if (unit == UNIT_WHOLE && !message && json_object_get(reply, "units")) {
		status = begin_units(l, item);
	} else {
		if (unit == UNIT_JOIN)
			forget_divided(l, find_divided(l, item));
		status = finish_item(l, item, message, reply);
	}
	json_decref(reply);
	free(e->text);
	return status;
}

/* Writes the journal to the disk, then releases claims: only then may other runs look for what it says. */
static int flush(struct loop *l)
{
	struct batch *b = l->b;
	const int status = journal_flush(&b->writer);

	if (status)
		return status;
	while (l->held_count) {
		struct item *item = &b->items[l->held[--l->held_count]];

		if (item->divided && item->state == ITEM_DONE)
			division_remove(b, item);
		share_release(&b->share, item->relative);
	}
	return LACUNA_OK;
}

/* ---- work -------------------------------------------------------------------------------------------- */

/* Claims an item.  *mine: it is to be restored here. */
static int claim(struct loop *l, struct item *item, int *mine)
{
	struct batch *b = l->b;
	int done = 0, status;

	*mine = 0;
	switch (share_claim(&b->share, item->relative)) {
	case CLAIM_FAILED:
		return LACUNA_EIO;
	case CLAIM_THEIRS:
		l->waiting += item->state != ITEM_WAITING;
		item->state = ITEM_WAITING;
		return LACUNA_OK;
	default:
		break;
	}
	if (item->state == ITEM_WAITING && find_divided(l, item))
		forget_divided(l, find_divided(l, item));
	status = batch_look_again(b, item, &done);
	l->waiting -= item->state == ITEM_WAITING;
	item->state = ITEM_BUSY;
	if (!status && done)
		batch_count_before(b, item);
	if (status || done)
		share_release(&b->share, item->relative);
	else
		*mine = 1;
	return status;
}

/* True when the file exists and no batch has begun it. */
static int is_foreign(const struct batch *b, const char *relative)
{
	char *output = batch_path(b, relative);
	const int foreign = output && !journal_find(&b->journal, relative) && !access(output, F_OK);

	memory_release(output);
	return foreign;
}

/* Moves an output that somebody has changed out of the way: it may hold work. */
static int set_aside(const struct batch *b, const char *relative)
{
	const struct journal_entry *e = journal_find(&b->journal, relative);
	const char *dot = strrchr(relative, '.'), *slash = strrchr(relative, '/');
	const int stem =
		dot && (!slash || dot > slash + 1) ? (int)(dot - relative) : (int)strlen(relative);
	char *output = batch_path(b, relative), *away = NULL;
	int status = output ? LACUNA_OK : LACUNA_ENOMEM;

	if (!status && (!e || e->state != JOURNAL_DONE || access(output, F_OK) ||
			stamp_holds(output, &e->output))) {
		memory_release(output);
		return LACUNA_OK;
	}
	for (int i = 1; !status && (!away || !access(away, F_OK)); i++) {
		memory_release(away);
		away = text_format("%s/%.*s.changed-%d%s", b->output, stem, relative, i,
				   relative + stem);
		status = away ? LACUNA_OK : LACUNA_ENOMEM;
	}
	if (!status && rename(output, away))
		status = error_file_errno(output);
	if (!status)
		log_message(LACUNA_LOG_WARN,
			    "%s: was changed since a batch wrote it; now called %s", output, away);
	memory_release(output);
	memory_release(away);
	return status;
}

static int refuse_foreign(const struct batch *b, const char *relative)
{
	return error_set(LACUNA_EIO,
			 "%s/%s: exists, and no batch has written it; --force replaces it",
			 b->output, relative);
}

/* Makes the directories, and refuses outputs that no batch has begun. */
static int prepare_item(const struct batch *b, const struct item *item)
{
	char *output = batch_path(b, item->relative);
	int status = output ? make_directories(output) : LACUNA_ENOMEM;

	memory_release(output);
	if (!status && batch_is_contested(b, item))
		return error_set(LACUNA_EIO,
				 "%s/%s: another run has restored it with other options; wait "
				 "until that run has ended, or choose another OUT",
				 b->output, item->relative);
	if (status || b->values->force)
		return status;
	if (is_foreign(b, item->relative))
		return refuse_foreign(b, item->relative);
	if (item->deviation && is_foreign(b, item->deviation))
		return refuse_foreign(b, item->deviation);
	status = set_aside(b, item->relative);
	return status || !item->deviation ? status : set_aside(b, item->deviation);
}

/* From now on the outputs of the item belong to the batch; the journal says so. */
static int begin_item(struct loop *l, struct item *item)
{
	if (prepare_item(l->b, item))
		return finish_item(l, item, error_text(), NULL);
	item->begun = 1;
	l->queue[l->queued++] = (size_t)(item - l->b->items);
	return note(l->b, item, JOURNAL_BEGUN, NULL, NULL);
}

static int fill_queue(struct loop *l)
{
	struct batch *b = l->b;
	const size_t most = (size_t)b->workers * AHEAD;
	int mine, status = LACUNA_OK;

	while (!status && !b->stopped && l->queued < most && l->next < b->count) {
		struct item *item = &b->items[l->next++];

		if (item->state != ITEM_TODO)
			continue;
		status = claim(l, item, &mine);
		if (!status && mine)
			status = begin_item(l, item);
	}
	return status;
}

/* Looks at items that others have claimed: they may be done, or their owners dead. */
static int look_at_others(struct loop *l)
{
	struct batch *b = l->b;
	const size_t most = (size_t)b->workers * AHEAD;
	int mine, status = LACUNA_OK;

	if ((!l->waiting && !l->divided_count) || clock_seconds() - l->waited < 1)
		return LACUNA_OK;
	l->waited = clock_seconds();
	status = look_at_units(l);
	for (size_t i = 0; !status && i < b->count && l->waiting && l->queued < most; i++) {
		const struct divided *d;

		if (b->items[i].state != ITEM_WAITING)
			continue;
		d = find_divided(l, &b->items[i]);
		if (d && d->busy)
			continue;
		status = claim(l, &b->items[i], &mine);
		if (!status && mine)
			status = begin_item(l, &b->items[i]);
	}
	return status;
}

/* Divides the processors among the images that will be at work together. */
static int threads_each(const struct loop *l)
{
	const struct batch *b = l->b;
	const int more = l->next < b->count;
	const int at_work = pool_busy(l->pool) + (int)l->queued;
	const int together = more || at_work > b->workers ? b->workers : at_work;
	const int each = b->processors / (together > 0 ? together : 1);

	if (b->values->threads)
		return (int)b->values->threads;
	return each < 1 ? 1 : each < ORDER_THREADS ? each : ORDER_THREADS - 1;
}

static int give(struct loop *l, const struct item *item, size_t unit)
{
	const uint64_t order = batch_order((size_t)(item - l->b->items), unit, threads_each(l));

	return pool_give(l->pool, order, l->b->values->timeout);
}

/* Order: windows of items begun here, queued items, windows of other runs. */
static int give_work(struct loop *l)
{
	int status = LACUNA_OK, given = 1;

	while (!status && given && !l->b->stopped && pool_is_free(l->pool)) {
		status = give_unit(l, 1, &given);
		if (!status && !given && l->queued) {
			given = 1;
			status = give(l, &l->b->items[l->queue[0]], UNIT_WHOLE);
			memmove(l->queue, l->queue + 1, --l->queued * sizeof *l->queue);
		} else if (!status && !given) {
			status = give_unit(l, 0, &given);
		}
	}
	return status;
}

static void beat(struct loop *l)
{
	if (clock_seconds() - l->beat > 10) {
		share_beat(&l->b->share);
		l->beat = clock_seconds();
	}
}

/* Waits for the first event, then takes those already there. */
static int take_events(struct loop *l)
{
	struct pool_event e;
	double patience = 0.2;
	int status = LACUNA_OK;

	while (!status && pool_wait(l->pool, patience, &e)) {
		patience = 0;
		status = handle(l, &e);
		if (!status)
			status = give_work(l);
	}
	return status;
}

static int is_over(const struct loop *l)
{
	const struct batch *b = l->b;
	const int more = l->next < b->count || l->queued || l->waiting || l->divided_count;

	return b->stopped || (!more && !pool_busy(l->pool));
}

static int work(struct loop *l)
{
	struct batch *b = l->b;
	int status = LACUNA_OK;

	while (!status && !is_over(l)) {
		if (cancel_requested()) {
			b->stopped = 1;
			break;
		}
		status = fill_queue(l);
		if (!status)
			status = look_at_others(l);
		if (!status)
			status = flush(l);
		if (!status)
			status = give_work(l);
		if (!status)
			status = take_events(l);
		beat(l);
		batch_show_progress(b, pool_busy(l->pool));
	}
	return status;
}

static void forget(void *context, pid_t worker)
{
	const struct batch *b = context;

	for (size_t i = 0; i < b->count; i++)
		if (b->items[i].state == ITEM_BUSY)
			clean_after(b, &b->items[i], worker);
}

/* Releases claims of unfinished items, so that nobody has to wait until they expire. */
static void release_claims(const struct batch *b)
{
	for (size_t i = 0; i < b->count; i++)
		if (b->items[i].state == ITEM_BUSY)
			share_release(&b->share, b->items[i].relative);
}

/* ---- what all workers need --------------------------------------------------------------------------- */

/* Only a prior that ships with Lacuna is made here: it does not crash.  Workers make the others. */
static void prepare_prior(struct batch *b, const json_t *unknown)
{
	const size_t i = (size_t)json_integer_value(json_array_get(unknown, 0));
	const struct lacuna_shape x = { { json_integer_value(json_array_get(unknown, 1)),
					  json_integer_value(json_array_get(unknown, 2)),
					  json_integer_value(json_array_get(unknown, 3)), 1 } };
	const struct method *method;
	const struct plugin_use *prior;

	if (json_array_size(unknown) != 4 || i >= b->count || lacuna_count(&x) > PREPARED_MOST)
		return;
	method = &b->items[i].plan->restoration.method;
	prior = &method->prior;
	if (prior->plugin && prior->spec && !strchr(prior->spec, '/') &&
	    prior_prepare(&b->plans.stock, prior, &x,
			  prior_flags(&method->guidance, &method->sampler)))
		error_clear();
}

/* Makes weights and primitives before forking, so that workers share their memory.  A separate process finds out for which
 * shapes, because files are not to be trusted. */
static void prepare_priors(struct batch *b)
{
	static const double patience = 5;
	const struct pool_work w = {
		.begin = batch_worker_begin,
		.work = batch_worker_scout,
		.context = b,
	};
	struct pool_event e = { 0 };
	struct pool *scout = NULL;
	json_t *answer = NULL, *unknown;
	size_t i;

	if (b->workers < 2 || pool_create(1, &w, &scout) || pool_give(scout, 0, patience)) {
		error_clear();
	} else if (pool_wait(scout, patience, &e) && e.text) {
		answer = json_loads(e.text, 0, NULL);
		json_array_foreach(answer, i, unknown) prepare_prior(b, unknown);
	}
	json_decref(answer);
	free(e.text);
	pool_destroy(scout);
}

int batch_run(struct batch *b)
{
	const struct pool_work w = {
		.begin = batch_worker_begin,
		.work = batch_worker_restore,
		.context = b,
		/* Memory that the host does not count: codecs, tables of the C library, the program itself. */
		.memory = b->plans.budget ? b->plans.budget + ((size_t)1 << 30) : 0,
	};
	struct loop l = { .b = b };
	int status = batch_look_at_all(b);

	if (!status)
		status = journal_create(b->state, b->share.run, &b->writer);
	if (!status && !b->values->no_html)
		status = sheet_open(b->state, b->share.run, &b->cards);
	l.queue = memory_alloc_array((size_t)b->workers * AHEAD + 1, sizeof *l.queue);
	l.held = memory_alloc_array(b->count, sizeof *l.held);
	if (!status)
		status = l.queue && l.held ? pool_create(b->workers, &w, &l.pool) : LACUNA_ENOMEM;
	if (!status) {
		clean_all(b);
		division_clean(b);
		batch_show_begin(b);
		prepare_priors(b);
		status = work(&l);
	}
	/* The last worker of a killed run may have left files after this run began. */
	if (!status && !b->stopped)
		clean_all(b);
	if (l.pool)
		pool_stop(l.pool, 1.5, forget, b);
	if (!status)
		status = flush(&l);
	while (l.divided_count)
		forget_divided(&l, l.divided[0]);
	division_end(b);
	release_claims(b);
	while (l.held_count)
		share_release(&b->share, b->items[l.held[--l.held_count]].relative);
	batch_show_clear();
	pool_destroy(l.pool);
	memory_release(l.divided);
	memory_release(l.queue);
	memory_release(l.held);
	return status;
}
