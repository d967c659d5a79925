/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Runs code that may crash or hang in a process of its own. */
#ifndef BASE_CHILD_H
#define BASE_CHILD_H

#include <stddef.h>

enum child_way {
	CHILD_RETURNED, /* the body returned */
	CHILD_EXITED,	/* the process ended before that; code: its exit status */
	CHILD_KILLED,	/* by signal number `code' */
	CHILD_HUNG,	/* stopped for lack of progress */
	CHILD_CANCELLED /* stopped after cancel_requested() */
};

struct child_end {
	enum child_way way;
	int code;
	int descendants;   /* the child left processes of its own running; they have been stopped */
	char printed[161]; /* the beginning of its standard output and error */
};

/* Runs body(context) in a child process and waits for it.  Stops this process's threads first (threads_stop()): a forking
 * process must have none.  Results that the body leaves in shared memory (child_share()) stay, all else is lost.
 * progress(context) is a number that changes as the body proceeds: the child is stopped if it does not change for `limit'
 * seconds, or after 20 `limit' in all.  LACUNA_OK however the child ended, a negative status if no child could be
 * started. */
int child_run(void (*body)(void *), void *context, unsigned long (*progress)(const void *),
	      double limit, struct child_end *);

/* Describes the end: "crashes (Segmentation fault)", "calls exit(0)", "does not return within 60 s". */
void child_tell(const struct child_end *, double limit, char *text, size_t size);

/* For use in the child: the number of bytes printed so far, and the printed text from byte `from' on. */
size_t child_printed(void);
void child_read_printed(size_t from, char *text, size_t size);

/* Zeroed memory shared by child and parent; NULL, with an error message, on failure. */
void *child_share(size_t bytes);
void child_unshare(void *, size_t bytes); /* accepts NULL */

#endif
