/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Code that is not trusted to come back, run in a process of its own. */
#ifndef BASE_CHILD_H
#define BASE_CHILD_H

#include <stddef.h>

enum child_way {
	CHILD_RETURNED, /* the body did */
	CHILD_EXITED,	/* the process ended before: code is its exit status */
	CHILD_KILLED,	/* by the signal `code' */
	CHILD_HUNG,	/* stopped for want of progress */
	CHILD_CANCELLED /* cancel_requested() */
};

struct child_end {
	enum child_way way;
	int code;
	int descendants; /* processes that it had started were still there; they have been stopped */
	char printed[161]; /* how that begins which went to standard output and error */
};

/* Runs body(context) in a child of this process, which must have no threads (threads_stop() is called), and waits for it.
 * What the body leaves in shared memory (child_share) stays; all else is lost.  progress(context) is a number that changes
 * as the body gets on: it may stay the same for `limit' seconds, and all may take 20 times as long.  LACUNA_OK whatever the
 * end, a negative status when there can be no child. */
int child_run(void (*body)(void *), void *context, unsigned long (*progress)(const void *),
	      double limit, struct child_end *);

/* "crashes (Segmentation fault)", "calls exit(0)", "does not return within 60 s" */
void child_tell(const struct child_end *, double limit, char *text, size_t size);

/* In a child: bytes that it has printed.  The text from there on. */
size_t child_printed(void);
void child_read_printed(size_t from, char *text, size_t size);

/* Zeroed memory that a child and its parent see alike; NULL, with the message kept. */
void *child_share(size_t bytes);
void child_unshare(void *, size_t bytes); /* accepts NULL */

#endif
