/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* A batch: declarations shared by batch.c (the command), batch-plan.c (how each file is restored), batch-done.c (what is
 * done), batch-work.c (the workers), batch-run.c (the loop around the workers) and batch-show.c (what is printed). */
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
	struct recipe recipe; /* must be first: its rows are shared */
	const char *output, *list, *table, *suffix, *shard, *html;
	struct option_list include, exclude;
	int64_t workers, threads;
	double timeout;
	uint64_t memory;
	int follow, deviation, force, fail_fast, dry_run, strict, no_html;
	int json, progress, quiet, verbose;
};

/* One way to restore: the options of the command line, overridden by those of configurations. */
struct plan {
	struct recipe recipe;
	char **texts; /* owned: texts the recipe points to */
	size_t text_count;
	char *overrides; /* options from configurations, "name=value" lines */
	struct restoration restoration;
	char key[DIGEST_SIZE]; /* fingerprint of all that determines the result, except the input */
};

struct used_file {
	dev_t device;
	ino_t inode;
};

struct plans {
	const struct recipe *base;
	struct plan **list;
	size_t count, room;
	size_t *table; /* hash table of list: index + 1, 0 is empty */
	size_t table_size;
	char priors[DIGEST_SIZE]; /* fingerprint of the weights that ship */
	size_t budget;		  /* of a worker, bytes */
	int deviation;		  /* --std */
	struct prior_stock stock; /* shared by all plans, which often use the same prior */
	struct used_file *used;	  /* files that operators and noise come from, sorted */
	size_t used_count, used_room;
};

void plans_create(struct plans *, const struct recipe *base);
void plans_free(struct plans *);
/* True if a plan reads the file: a mask, a kernel, a map of noise.  Call plans_gather() once all plans are found. */
int plans_use(const struct plans *, const char *path);
int plans_gather(struct plans *);
/* Finds or makes the plan of a file; files with the same options share a plan.  LACUNA_EINVAL: the options are wrong. */
int plans_find(struct plans *, struct conf *, const struct tree_file *, struct plan **);

enum item_state {
	ITEM_TODO,
	ITEM_WAITING, /* claimed by another run */
	ITEM_BUSY,    /* claimed by this run */
	ITEM_BEFORE,  /* done by an earlier run or another one */
	ITEM_DONE,
	ITEM_FAILED,
	ITEM_ELSEWHERE /* belongs to another shard */
};

struct item {
	const struct tree_file *file;
	struct plan *plan;
	char *relative;	 /* output, below the output directory, with the suffix */
	char *deviation; /* the same for --std; or NULL */
	enum item_state state;
	int begun;    /* the journal lists its outputs: they belong to the batch */
	int divided;  /* into units, see batch-divide.h */
	int helpless; /* another run restores it, and a unit of it failed here */
	int doubts;
	int64_t seen; /* time of the journal's entry when this run began; 0: none */
};

struct batch {
	const struct batch_values *values;
	const char *output; /* output directory */
	char *state;	    /* directory of the journals, below the output */
	char *sheet;	    /* path of the contact sheet; NULL: none */
	struct tree tree;
	struct conf *conf;
	struct plans plans;
	struct item *items;
	size_t count;
	int workers, processors;
	size_t memory; /* of all workers together, bytes */
	struct share share;
	struct journal journal;
	int64_t journal_time; /* when the journal was read, nanoseconds since 1970 */
	int64_t journal_size; /* bytes of the other runs' journals at that time */
	struct journal_writer writer;
	struct sheet_writer cards;
	json_t *rows; /* for the contact sheet: failures and results of this run */
	size_t done, before, failed, elsewhere;
	size_t doubtful; /* among `done' and `before' */
	int stopped;	 /* by the user or --fail-fast */
};

/* The path of an output.  For memory_release(). */
char *batch_path(const struct batch *, const char *relative);

/* Orders to workers.  An order holds an item's number, the unit wanted, and how many threads to use: the last images may use
 * processors that would otherwise be idle. */
enum { ORDER_THREADS = 1 << 10, ORDER_UNITS = 1 << 22 };
enum {
	UNIT_WHOLE, /* the whole item; the answer may be that it must be divided */
	UNIT_JOIN,  /* the whole item, joined from existing parts */
	UNIT_FIRST, /* the first window; the others follow */
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
/* Finds the shapes of the unknowns of some images.  Answers [[item, width, height, channels], ...]. */
char *batch_worker_scout(void *batch, uint64_t order);

/* What has been done (batch-done.c).  The journal is read where it must be. */

/* Marks the items that are done. */
int batch_look_at_all(struct batch *);
/* True when input and parameters are the same and the outputs are unchanged, as the journal was last read. */
int batch_is_done(const struct batch *, const struct item *);
/* After claiming an item: another run may have done it since the journal was read. */
int batch_look_again(struct batch *, const struct item *, int *done);
/* Counts an item that an earlier run or another one has done, and its doubts. */
void batch_count_before(struct batch *, struct item *);
/* True if a run that is at work, or was since this one began, has restored the item with other options. */
int batch_is_contested(const struct batch *, const struct item *);

/* Restores all remaining items. */
int batch_run(struct batch *);

/* Messages and progress during the run. */
void batch_show_begin(const struct batch *);
/* reply: the worker's, or NULL */
void batch_show_item(struct batch *, const struct item *, const char *message, const json_t *reply);
void batch_show_divided(const struct batch *, const struct item *, size_t units);
void batch_show_progress(const struct batch *, int busy);
void batch_show_clear(void);
/* With --json; takes the event. */
void batch_show_event(const struct batch *, json_t *event);

#endif
