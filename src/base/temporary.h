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
	int force, replaces; /* replaces: a file of this name exists */
	unsigned mode;	     /* of the complete file; until then only its owner has access */
	char *target;
	struct temporary_name *name; /* NULL: target is a special file, written directly */
};

/* Refuses an existing regular file unless force is set.  The temporary is in the target's directory. */
int temporary_open(struct temporary *, const char *path, int force);
/* Restricts a new file's readers to those whom this mode allows; a replaced file keeps its mode. */
void temporary_restrict(struct temporary *, unsigned mode);
/* Does fsync and close, the steps that can fail for lack of space.  After a failure t is empty. */
int temporary_seal(struct temporary *);
/* Renames the file to its target.  Without force, a file that has appeared there meanwhile stays, and this one is
 * removed. */
int temporary_commit(struct temporary *);
void temporary_abandon(struct temporary *); /* accepts an empty one */
/* Removes all temporaries that are neither committed nor abandoned.  Safe in a signal handler. */
void temporary_remove_all(void);

/* Temporaries are named .lacuna-HOST-PID-NUMBER.tmp, so that leftovers of a dead process can be recognised.  HOST is the
 * machine's name and a number that changes with each boot and between containers: processes with the same HOST share
 * their PIDs. */
void temporary_host(char *host, size_t size);
/* False if the name is not that of a temporary. */
int temporary_parse(const char *name, char *host, size_t size, long *pid);

#endif
