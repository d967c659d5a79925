/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* A conversation with a program that computes for a plugin: lines of JSON on its standard input and output, arrays in memory
 * that both see (its file descriptor 3).  lacuna-plugin(7), "Programs", is the protocol.
 *
 * One program serves one instance at a time, one call after the other.  When an instance is destroyed its program waits for
 * the next one with the same command: Python and its libraries take longer to start than an image to restore.
 *
 * Whatever ends the host ends the program: it dies with its parent (PR_SET_PDEATHSIG), and its standard input ends.  The
 * memory has no name, and goes with the last of the two. */
#ifndef COMMON_PROCESS_H
#define COMMON_PROCESS_H

#include <jansson.h>
#include <lacuna/plugin.h>
#include <sys/types.h>

/* Of each plugin that is served by a program. */
struct process_config {
	const char *command;
	double timeout; /* seconds for one answer */
};

struct process {
	const struct lacuna_host *host;
	pid_t pid, owner; /* owner: who has started it; no other process may talk to it */
	int socket, errors, shared;
	unsigned char *memory;
	size_t bytes; /* of the memory */
	double timeout;
	int ended;
	char command[2048], family[16];
	char line[1024],
		last[256]; /* of its standard error: an unfinished line, the last one that said something */
	size_t line_used;
	char reply[1 << 16];
	size_t reply_used;
};

/* A program for this command, one that waits or a new one.  On failure there is nothing to close. */
int process_open(const struct lacuna_host *, const struct process_config *, const char *family,
		 struct process *);
/* So many bytes of common memory, at least; what was there is void. */
int process_share(struct process *, size_t bytes);
/* One call: its request, a line of JSON whose member "call" is `name', and its reply, an object, which is released with
 * json_decref(); or NULL where the answer counts for nothing. */
int process_ask(struct process *, const char *name, const char *request, json_t **reply);
/* Gives an instance that has come through a fork() a program of its own: that of the parent is the parent's.  True where
 * that was needed; then whatever had been asked of the old one must be asked again.  < 0: failed. */
int process_renew(struct process *);
void process_close(struct process *);

/* "[width, height, channels, frames]" */
void process_write_shape(const struct lacuna_shape *, char *text, size_t size);
int process_read_shape(struct process *, const json_t *reply, struct lacuna_shape *);
/* Where the next array may begin. */
size_t process_align(size_t bytes);

#endif
