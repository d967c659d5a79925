/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* What the fuzz targets share.  Each defines LLVMFuzzerTestOneInput(): data are read or refused with one line, and nothing
 * leaks.
 *
 * As a test (make check) it damages small complete files in many reproducible ways.  With paths as arguments it replays
 * these files.  With "--seconds N [SEED]" it runs for N seconds and keeps the file that broke it.  With -DFUZZING_ENGINE it
 * is a libFuzzer target; tests/fuzz/tiff.c shows how to build one. */
#ifndef TESTS_FUZZ_H
#define TESTS_FUZZ_H

#include "base/error.h"
#include "base/memory.h"
#include "tests/tap.h"

#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char directory[256], input[300];

static inline void set_up(const char *name)
{
	const char *base = getenv("TMPDIR");

	if (!base)
		base = access("/dev/shm", W_OK) ? "/tmp" : "/dev/shm";
	snprintf(directory, sizeof directory, "%s/lacuna-fuzz-XXXXXX", base);
	if (!mkdtemp(directory))
		abort();
	snprintf(input, sizeof input, "%s/%s", directory, name);
	memory_set_budget(8 << 20);
}

static inline void store(const char *path, const uint8_t *data, size_t n)
{
	const int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0666);

	if (fd < 0 || write(fd, data, n) != (ssize_t)n)
		abort();
	close(fd);
}

static inline size_t load(const char *path, uint8_t *data, size_t size)
{
	const int fd = open(path, O_RDONLY);
	const ssize_t n = fd < 0 ? 0 : read(fd, data, size);

	if (fd >= 0)
		close(fd);
	return n > 0 ? (size_t)n : 0;
}

/* A refusal gives its reason in one line and leaks nothing. */
static inline void judge(int refused)
{
	if (refused && (!error_text()[0] || strchr(error_text(), '\n')))
		abort();
	if (memory_live_blocks())
		abort();
}

#ifndef FUZZING_ENGINE

enum { LIMIT = 1 << 16, ROUNDS = 250 };

static inline uint64_t next(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

/* Changes a few bytes, mostly to values that break arithmetic or a grammar; sometimes cuts the end off or repeats a piece.
 * data has room for LIMIT bytes. */
static inline size_t damage(uint8_t *data, size_t n, uint64_t *state)
{
	static const uint8_t favourites[] = { 0,   1,	2,   3,	  4,	7,    8,   16,	127,
					      128, 254, 255, '"', '[',	']',  '{', '}', ',',
					      '-', '9', 'e', '%', '\\', '\n', ':' };
	const int changes = 1 + (int)(next(state) % 4);

	for (int i = 0; i < changes; i++) {
		/* Headers and directories are at the ends of a file, so most changes go there. */
		size_t at = next(state) % n;

		if (next(state) % 3)
			at = next(state) % 2 ? at % 64 % n : n - 1 - at % (n < 300 ? n : 300);
		data[at] = next(state) % 4 ? favourites[next(state) % sizeof favourites]
					   : (uint8_t)next(state);
	}
	if (next(state) % 16 == 0) {
		const size_t at = next(state) % n, most = n - at < 64 ? n - at : 64;
		const size_t length = 1 + next(state) % most;

		if (n + length <= LIMIT) {
			memmove(data + at + length, data + at, n - at);
			n += length;
		}
	}
	return next(state) % 8 ? n : 1 + next(state) % n;
}

/* Returns 1 if the data were read, 0 if they were refused. */
static inline int try_data(const uint8_t *data, size_t n)
{
	error_clear();
	LLVMFuzzerTestOneInput(data, n);
	return !error_text()[0];
}

/* The complete file must be read; damaged copies may be read or refused. */
static inline void try_seed(const char *name, const uint8_t *whole, size_t n, uint64_t seed,
			    int rounds)
{
	static uint8_t data[LIMIT];
	uint64_t state = UINT64_C(0x9e3779b97f4a7c15) + seed;
	int read = 0;

	if (!ok(n && try_data(whole, n), "%s: the whole file", name))
		diag("%s", error_text());
	for (int i = 0; i < rounds; i++) {
		memcpy(data, whole, n);
		read += try_data(data, damage(data, n, &state));
	}
	ok(1, "%s: %d damaged files, %d of them readable", name, rounds, read);
}

/* tests(seed, rounds) calls try_seed() for each of its seeds. */
static inline int fuzz_main(int argc, char **argv, void (*tests)(uint64_t seed, int rounds))
{
	static uint8_t data[LIMIT];

	if (argc > 2 && !strcmp(argv[1], "--seconds")) {
		const time_t end = time(NULL) + atol(argv[2]);
		uint64_t seed = argc > 3 ? strtoull(argv[3], NULL, 10) : 1;

		while (time(NULL) < end)
			tests(1000 * seed++, 20 * ROUNDS);
	} else {
		for (int i = 1; i < argc; i++)
			ok(try_data(data, load(argv[i], data, LIMIT)) || error_text()[0], "%s: %s",
			   argv[i], error_text());
		if (argc == 1)
			tests(0, ROUNDS);
	}
	return tap_done();
}

#endif

#endif
