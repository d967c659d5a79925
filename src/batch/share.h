/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Shares work among runs, on one machine or on many that see the same directory.
 *
 * Each run keeps a file whose time it renews (its heartbeat).  A run claims an image by creating a file, which succeeds for
 * one run only, also on network file systems; neither locks nor mapped memory are used.  A claim of a dead run is taken
 * over. */
#ifndef BATCH_SHARE_H
#define BATCH_SHARE_H

#include <stddef.h>
#include <stdint.h>

struct share {
	char *directory;
	char run[128];	/* name of this run: HOST-PID-TIME */
	char *file;	/* the heartbeat file */
	int64_t others; /* runs alive when this one began */
};

/* Makes the directory if absent.  Removes what dead runs left. */
int share_join(const char *directory, struct share *);
/* Removes claims of runs that died meanwhile.  Leaves *share empty. */
void share_leave(struct share *);
/* True for another run that is at work now. */
int share_is_other(const struct share *, const char *run);
/* Renews the heartbeat.  Call it every few seconds. */
void share_beat(const struct share *);

enum claim {
	CLAIM_MINE,
	CLAIM_THEIRS,
	CLAIM_FAILED /* the message is kept */
};

/* name: of the output, below the output directory. */
enum claim share_claim(const struct share *, const char *name);
void share_release(const struct share *, const char *name);

/* Removes, in one directory, temporary files of a process of this machine; pid 0: of all dead ones. */
void share_clean(const char *directory, long pid);

#endif
