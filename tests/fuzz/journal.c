/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Fuzz target of a batch's journal: a line with a correct checksum gives an entry or is ignored, whatever it holds; torn
 * lines are ignored; entries that were read can be written and read again. */
#include <config.h>

#include "batch/journal.h"
#include "tests/fuzz/fuzz.h"

#include <stdio.h>

enum { LINES = 1 << 17 };

static void check_again(const struct journal *j)
{
	char *place = NULL, path[320];
	struct journal_writer w;
	struct journal again;

	snprintf(path, sizeof path, "%s/again", directory);
	place = mkdtemp(strcat(path, "-XXXXXX"));
	if (!place || journal_create(place, "again", &w))
		abort();
	for (size_t i = 0; i < j->count; i++)
		if (journal_add(&w, &j->entries[i], NULL))
			abort();
	if (journal_flush(&w) || journal_load(place, &again) || again.count != j->count)
		abort();
	for (size_t i = 0; i < j->count; i++)
		if (strcmp(j->entries[i].path, again.entries[i].path) != 0 ||
		    !journal_find(&again, j->entries[i].path))
			abort();
	journal_free(&again);
	unlink(w.path);
	journal_close(&w);
	rmdir(place);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char text[LINES];
	struct journal j;
	size_t n = 0;

	if (!directory[0])
		set_up("journal-run.jsonl");
	/* Adds a checksum to each line that has none. */
	for (size_t at = 0; at < size && n + (size - at) + 80 < LINES;) {
		const uint8_t *end = memchr(data + at, '\n', size - at);
		const size_t length = end ? (size_t)(end - data) - at : size - at;
		char digest[DIGEST_SIZE];

		memcpy(text + n, data + at, length);
		digest_text(text + n, length, digest);
		n += length;
		if (!length || text[n - 1] != '}')
			n += (size_t)sprintf(text + n, ",\"sum\":\"%s\"}", digest);
		text[n++] = '\n';
		at += length + 1;
	}
	store(input, (const uint8_t *)text, n);
	if (journal_load(directory, &j))
		judge(1);
	else if (j.count)
		check_again(&j);
	else
		error_set(LACUNA_EINVAL, "no entry");
	journal_free(&j);
	judge(0);
	return 0;
}

#ifndef FUZZING_ENGINE

static void test_seeds(uint64_t seed, int rounds)
{
	static const char *const seeds[] = {
		"{\"time\":17,\"path\":\"a%20b%FF.tif\",\"state\":\"done\",\"key\":\"0123456789\","
		"\"input\":[1,2,3,"
		"\"abc\"],\"output\":[4,5,6,\"def\"],\"doubts\":0",
		"{\"time\":9,\"path\":\"a.tif\",\"state\":\"begun\",\"key\":\"01\"\n"
		"{\"time\":9,\"path\":\"a.tif\",\"state\":\"failed\",\"key\":\"01\",\"message\":"
		"\"a.tif: no\"",
	};

	for (size_t i = 0; i < sizeof seeds / sizeof *seeds; i++)
		try_seed(i ? "failed" : "done", (const uint8_t *)seeds[i], strlen(seeds[i]),
			 seed + i, rounds);
}

int main(int argc, char **argv)
{
	const int status = fuzz_main(argc, argv, test_seeds);

	unlink(input);
	return rmdir(directory) || status;
}

#endif
