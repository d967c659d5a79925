/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Sharing the work among runs, on one machine or on many that see one directory.
 *
 * Each run keeps a file whose time it renews (its heartbeat).  An image is claimed by creating a file, which succeeds for
 * one run only, on network file systems as well; no lock and no mapping of memory is relied on.  A claim whose owner is dead is
 * taken over. */
#ifndef BATCH_SHARE_H
#define BATCH_SHARE_H

#include <stddef.h>
#include <stdint.h>

struct share {
	char *directory;
	char run[128];	/* the name of this run: HOST-PID-TIME */
	char *file;	/* its heartbeat */
	int64_t others; /* runs alive when this one began */
};

/* Makes the directory where it is absent.  Removes what dead runs have left. */
int share_join(const char *directory, struct share *);
/* Removes what runs have left that died meanwhile.  Leaves an empty one. */
void share_leave(struct share *);
/* Renews the heartbeat; to be called every few seconds. */
void share_beat(const struct share *);

enum claim {
	CLAIM_MINE,
	CLAIM_THEIRS,
	CLAIM_FAILED /* the message is kept */
};

/* name: of the output, below the directory of outputs. */
enum claim share_claim(const struct share *, const char *name);
void share_release(const struct share *, const char *name);

/* Removes the temporary files of a process of this machine, or (pid 0) of all that are dead, in one directory. */
void share_clean(const char *directory, long pid);

#endif
