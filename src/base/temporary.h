/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Files that appear under their name only when they are complete.
 *
 *	if (temporary_open(&t, path, force)) return failure;
 *	... write to t.fd; on failure temporary_abandon(&t) ...
 *	status = temporary_commit(&t);		seal, put in place; t is empty afterwards, whatever the status
 *
 * Of several files that belong together, all are sealed before the first is put in place.
 */
#ifndef BASE_TEMPORARY_H
#define BASE_TEMPORARY_H

#include <stddef.h>

struct temporary_name;

struct temporary {
	int fd;		     /* open for reading and writing; -1: none, or sealed */
	int force, replaces; /* replaces: there is a file of this name */
	unsigned mode; /* of the file when it is complete; until then it is its owner's alone */
	char *target;
	struct temporary_name *name; /* NULL: target is a special file, written directly */
};

/* Refuses an existing regular file without force.  The temporary lies in the target's directory. */
int temporary_open(struct temporary *, const char *path, int force);
/* A new file shall be readable for no one who cannot read one with this mode. */
void temporary_restrict(struct temporary *, unsigned mode);
/* fsync and close: all that may fail for want of room.  After a failure t is empty. */
int temporary_seal(struct temporary *);
/* Gives the file its name.  Without force, a file that has appeared there meanwhile stays and this one is removed. */
int temporary_commit(struct temporary *);
void temporary_abandon(struct temporary *); /* accepts an empty one */
/* Removes what is neither committed nor abandoned.  May be called from a signal handler. */
void temporary_remove_all(void);

/* Temporaries are named .lacuna-HOST-PID-NUMBER.tmp: what a dead process has left can be told.  HOST is the machine's name and
 * a number that is another after it was started again, and in another container: where it is the same, so are processes. */
void temporary_host(char *host, size_t size);
/* False when the name is none of a temporary. */
int temporary_parse(const char *name, char *host, size_t size, long *pid);

#endif
