/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* A batch: what batch.c (the command), batch-plan.c (which file is restored how), batch-work.c (in a worker) and batch-run.c (the
 * loop around the workers) share. */
#ifndef CLI_BATCH_H
#define CLI_BATCH_H

#include "batch/digest.h"
#include "batch/journal.h"
#include "batch/sheet.h"
#include "batch/share.h"
#include "batch/tree.h"
#include "cli/restoration.h"

struct conf;

struct batch_values {
	struct recipe recipe; /* first: its rows are shared */
	const char *output, *list, *table, *suffix, *shard, *html;
	struct option_list include, exclude;
	int64_t workers, threads;
	double timeout;
	uint64_t memory;
	int follow, deviation, force, fail_fast, dry_run, strict, no_html;
	int json, progress, quiet, verbose;
};

/* One way to restore: the options of the command line with those of configurations put over them. */
struct plan {
	struct recipe recipe;
	char **texts; /* owned: what the recipe points to */
	size_t text_count;
	char *overrides; /* what makes it different, "name=value" lines */
	struct restoration restoration;
	char key[DIGEST_SIZE]; /* of all that determines the result but the input */
};

struct plans {
	const struct recipe *base;
	struct plan **list;
	size_t count, room;
	size_t *table; /* hash table of list: index + 1, 0 is empty */
	size_t table_size;
	char priors[DIGEST_SIZE]; /* of the weights that ship */
	size_t budget;		  /* bytes of memory of a worker */
	int deviation;		  /* --std */
	struct prior_stock stock; /* of all plans: theirs is often the same prior */
};

void plans_create(struct plans *, const struct recipe *base);
void plans_free(struct plans *);
/* The plan of a file: one that is there already if the options are the same.  LACUNA_EINVAL: the options are wrong. */
int plans_find(struct plans *, struct conf *, const struct tree_file *, struct plan **);

enum item_state {
	ITEM_TODO,
	ITEM_WAITING, /* another run has claimed it */
	ITEM_BUSY,    /* claimed here */
	ITEM_BEFORE,  /* done, before this run or by another one */
	ITEM_DONE,
	ITEM_FAILED,
	ITEM_ELSEWHERE /* another shard's */
};

struct item {
	const struct tree_file *file;
	struct plan *plan;
	char *relative;	 /* of the output: with the suffix */
	char *deviation; /* of --std, likewise; or NULL */
	enum item_state state;
	int begun;    /* its outputs are noted in the journal: they are the batch's own */
	int divided;  /* it was, see batch-divide.h */
	int helpless; /* another run is at it, and a unit of it failed here */
	int doubts;
};

struct batch {
	const struct batch_values *values;
	const char *output; /* directory of outputs */
	char *state;	    /* the directory of journals below it */
	char *sheet;	    /* the contact sheet; NULL: none */
	struct tree tree;
	struct conf *conf;
	struct plans plans;
	struct item *items;
	size_t count;
	int workers, processors;
	size_t memory; /* of all workers */
	struct share share;
	struct journal journal;
	int64_t journal_time; /* when it was read, nanoseconds since 1970 */
	int64_t journal_size; /* of the other runs, as it was then */
	struct journal_writer writer;
	struct sheet_writer cards;
	json_t *rows; /* of the contact sheet: failures and results of this run */
	size_t done, before, failed, elsewhere;
	size_t doubtful; /* of those done and those before */
	int stopped;	 /* by the user, or --fail-fast */
};

/* The path of an output.  For memory_release(). */
char *batch_path(const struct batch *, const char *relative);

/* In a worker.  An order is an item's number, which unit of it is wanted, and the threads to use: the last images need not be
 * restored on one processor each while the others rest. */
enum { ORDER_THREADS = 1 << 10, ORDER_UNITS = 1 << 22 };
enum {
	UNIT_WHOLE, /* all of it; the answer may be that it is to be divided */
	UNIT_JOIN,  /* all of it, from the parts that are there */
	UNIT_FIRST, /* a window, and so on */
	UNITS_MOST = ORDER_UNITS - UNIT_FIRST
};
static inline uint64_t batch_order(size_t item, size_t unit, int threads)
{
	return ((uint64_t)item * ORDER_UNITS + unit) * ORDER_THREADS + (uint64_t)threads;
}
static inline size_t batch_item(uint64_t order)
{
	return (size_t)(order / ORDER_THREADS / ORDER_UNITS);
}
static inline size_t batch_unit(uint64_t order)
{
	return (size_t)(order / ORDER_THREADS % ORDER_UNITS);
}
void batch_worker_begin(void *batch);
char *batch_worker_restore(void *batch, uint64_t order);
/* Looks at some images, and answers which unknowns they have: [[item, width, height, channels], ...]. */
char *batch_worker_scout(void *batch, uint64_t order);

/* Restores all items that are left. */
int batch_run(struct batch *);

/* What is shown while it goes on. */
void batch_show_begin(const struct batch *);
/* reply: of the worker, or NULL */
void batch_show_item(struct batch *, const struct item *, const char *message, const json_t *reply);
void batch_show_divided(const struct batch *, const struct item *, size_t units);
void batch_show_progress(const struct batch *, int busy);
void batch_show_clear(void);

#endif
