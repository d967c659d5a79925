/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Talks to a program that computes for a plugin: lines of JSON on its standard input and output, arrays in shared memory
 * (its file descriptor 3). lacuna-plugin(7), "Programs", describes the protocol.
 *
 * A program serves one instance at a time, one call after the other. When an instance is destroyed, its program is kept
 * for the next one with the same command, because starting Python takes longer than restoring an image.
 *
 * The program ends when the host ends for any reason: it is killed with its parent (PR_SET_PDEATHSIG), and its standard
 * input ends. The memory has no name and is freed when both have ended. */
#ifndef COMMON_PROCESS_H
#define COMMON_PROCESS_H

#include <jansson.h>
#include <lacuna/plugin.h>
#include <sys/types.h>

/* Configuration of the plugins that use a program. */
struct process_config {
	const char *command;
	double timeout; /* seconds for one answer */
};

struct process {
	const struct lacuna_host *host;
	pid_t pid, owner; /* owner: the process that started it; no other may talk to it */
	int socket, errors, shared;
	unsigned char *memory;
	size_t bytes; /* of the memory */
	double timeout;
	int ended;
	char command[2048], family[16];
	char line[1024],
		last[256]; /* of its standard error: the unfinished line, the last line with text */
	size_t line_used;
	char reply[1 << 16];
	size_t reply_used;
};

/* Takes the idle program for this command, or starts a new one. On failure there is nothing to close. */
int process_open(const struct lacuna_host *, const struct process_config *, const char *family,
		 struct process *);
/* Makes the shared memory at least this large. Its content and address may change. */
int process_share(struct process *, size_t bytes);
/* Makes one call. request is a line of JSON whose member "call" is `name'. *reply is a JSON object that the caller frees
 * with json_decref(); pass NULL if it is not needed. */
int process_ask(struct process *, const char *name, const char *request, json_t **reply);
/* Starts a new program for an instance inherited through fork(), because the old one belongs to the parent. Returns 1 if
 * it did (calls such as open must then be repeated), 0 if not needed, < 0 on failure. */
int process_renew(struct process *);
void process_close(struct process *);

/* "[width, height, channels, frames]" */
void process_write_shape(const struct lacuna_shape *, char *text, size_t size);
int process_read_shape(struct process *, const json_t *reply, struct lacuna_shape *);
/* Rounds up to the offset at which the next array may begin. */
size_t process_align(size_t bytes);

#endif
