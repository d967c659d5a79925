/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* The parts of a batch: the journal, cut at any byte; claims of runs that have died; file stamps, patterns, configurations
 * and workers. */
#include <config.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/temporary.h"
#include "batch/conf.h"
#include "batch/digest.h"
#include "batch/journal.h"
#include "batch/pool.h"
#include "batch/share.h"
#include "batch/tree.h"
#include "tests/tap.h"

#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char place[64] = "/tmp/lacuna-batch.XXXXXX";

static void put(const char *path, const char *text, size_t n)
{
	FILE *f = fopen(path, "w");

	if (!f || fwrite(text, 1, n, f) != n || fclose(f))
		tap_bail("%s", path);
}

static size_t get(const char *path, char *text, size_t size)
{
	FILE *f = fopen(path, "r");
	size_t n = f ? fread(text, 1, size, f) : 0;

	if (f)
		fclose(f);
	return n;
}

/* ---- the journal */

static const char *const paths[] = { "a.tif", "b%20\xff.tif", "c \"quoted\".tif" };

static void write_journal(const char *run, int64_t time, enum journal_state state)
{
	struct journal_writer w;

	ok(!journal_create(place, run, &w), "journal %s", run);
	for (int i = 0; i < 3; i++) {
		struct journal_entry e = { .path = (char *)(uintptr_t)paths[i],
					   .time = time + i,
					   .state = state,
					   .key = "0123",
					   .input = { 1, 2, 3, "abc" },
					   .output = { 4, 5, 6, "def" } };

		if (journal_add(&w, &e, json_pack("{s:s}", "note", "sum\":\"")))
			diag("%s", error_text());
	}
	ok(!journal_flush(&w), "is written");
	journal_close(&w);
}

static int count_done(void)
{
	struct journal j;
	int done = 0;

	if (journal_load(place, &j))
		return -1;
	for (int i = 0; i < 3; i++) {
		const struct journal_entry *e = journal_find(&j, paths[i]);

		done += e && e->state == JOURNAL_DONE && !strcmp(e->key, "0123") &&
			e->output.changed == 6 && !strcmp(e->input.digest, "abc");
	}
	journal_free(&j);
	return done;
}

static void test_journal(void)
{
	char text[4096], path[128];
	size_t n, lines = 0, wrong = 0;

	write_journal("one", 100, JOURNAL_DONE);
	ok(count_done() == 3, "three entries, whatever their names");
	snprintf(path, sizeof(path), "%s/journal-one.jsonl", place);
	n = get(path, text, sizeof(text));

	/* Wherever the journal is cut, its complete lines count. */
	for (size_t cut = 0; cut <= n; cut++) {
		lines += cut && text[cut - 1] == '\n';
		put(path, text, cut);
		/* a line that lacks only its newline is complete */
		wrong += count_done() != (int)(lines + (cut < n && text[cut] == '\n'));
	}
	ok(!wrong, "cut at any of %zu bytes, what is whole counts (%zu wrong)", n, wrong);

	for (size_t at = 0; at < n; at++) {
		const char was = text[at];

		text[at] = (char)(was ^ 4);
		put(path, text, n);
		wrong += count_done() > 2;
		text[at] = was;
	}
	ok(!wrong, "with any byte changed, its line does not count (%zu wrong)", wrong);

	put(path, text, n);
	write_journal("two", 200, JOURNAL_FAILED);
	ok(count_done() == 0, "the later one of two journals counts");
	write_journal("three", 150, JOURNAL_DONE);
	ok(count_done() == 0, "later by its time");
}

/* ---- claims */

static int count_files(const char *path)
{
	DIR *d = opendir(path);
	struct dirent *entry;
	int n = 0;

	while (d && (entry = readdir(d)))
		n += *entry->d_name != '.';
	if (d)
		closedir(d);
	return n;
}

static void test_claims(void)
{
	struct share a, b, c;
	char directory[128], path[256], name[512];
	pid_t dead = fork();

	if (!dead)
		_exit(0);
	waitpid(dead, NULL, 0);
	snprintf(directory, sizeof(directory), "%s/share", place);
	ok(!share_join(directory, &a) && a.others == 0, "a run");
	ok(share_claim(&a, "x") == CLAIM_MINE, "claims");
	ok(!share_join(directory, &b) && b.others == 1, "another run sees it");
	ok(share_claim(&b, "x") == CLAIM_THEIRS, "and cannot claim the same");
	share_release(&b, "x");
	ok(share_claim(&b, "x") == CLAIM_THEIRS, "nor release it");
	share_release(&a, "x");
	ok(share_claim(&b, "x") == CLAIM_MINE, "after it was released, it can");

	/* A run on this machine whose process has ended. */
	temporary_host(path, sizeof(path));
	snprintf(b.run, sizeof(b.run), "%.60s-%ld-1", path, (long)dead);
	snprintf(name, sizeof(name), "%s/run-%s", directory, b.run);
	put(name, "", 0);
	ok(share_claim(&b, "y") == CLAIM_MINE, "a run");
	ok(share_claim(&a, "y") == CLAIM_MINE, "that is dead loses its claim");

	/* A run on another machine of the same host name: its process ids mean nothing here. */
	strrchr(path, '.')[0] = 0;
	snprintf(b.run, sizeof(b.run), "%.50s.00000000-%ld-1", path, (long)dead);
	snprintf(name, sizeof(name), "%s/run-%s", directory, b.run);
	put(name, "", 0);
	ok(share_claim(&b, "v") == CLAIM_MINE && share_claim(&a, "v") == CLAIM_THEIRS,
	   "a number that is no process here may be one there");
	{
		const struct timespec then[2] = { { .tv_sec = 1000 }, { .tv_sec = 1000 } };

		utimensat(AT_FDCWD, name, then, 0);
	}
	ok(share_claim(&a, "v") == CLAIM_MINE, "but not since before the machine was started");
	share_release(&a, "v");

	/* A run on another machine, whose file is no longer touched. */
	snprintf(b.run, sizeof(b.run), "elsewhere-%ld-1", (long)dead);
	snprintf(name, sizeof(name), "%s/run-%s", directory, b.run);
	put(name, "", 0);
	share_claim(&b, "z");
	ok(share_claim(&a, "z") == CLAIM_THEIRS, "a run of another machine is alive");
	{
		const struct timespec then[2] = { { .tv_sec = 1000 }, { .tv_sec = 1000 } };

		utimensat(AT_FDCWD, name, then, 0);
	}
	share_beat(&a);
	ok(share_claim(&a, "z") == CLAIM_MINE, "until its heart stops");

	/* A name without a process id belongs to no run, however new its file is. */
	snprintf(b.run, sizeof(b.run), "elsewhere-x-1");
	snprintf(name, sizeof(name), "%s/run-%s", directory, b.run);
	put(name, "", 0);
	share_claim(&b, "v");
	ok(share_claim(&a, "v") == CLAIM_MINE, "what is no run claims nothing");
	unlink(name);
	share_release(&a, "v");
	share_leave(&b);

	/* A run that dies while it holds a claim: the next run to join removes the claim. */
	ok(!share_join(directory, &b) && share_claim(&b, "w") == CLAIM_MINE, "a claim");
	unlink(b.file);
	ok(!share_join(directory, &c), "after its run has died");
	snprintf(name, sizeof(name), "%s/claims", directory);
	ok(count_files(name) == 2, "is cleared away, and those of the living are not");
	ok(share_claim(&b, "w") == CLAIM_MINE,
	   "a claim of a run that dies while another is at work");
	share_leave(&c);
	ok(count_files(name) == 2, "is cleared away when that one leaves");
	share_leave(&a);
	share_leave(&b);
}

static void test_temporaries(void)
{
	char host[64], here[64], name[256], path[512], mine[512];
	long pid;
	pid_t dead = fork();

	if (!dead)
		_exit(0);
	waitpid(dead, NULL, 0);
	temporary_host(here, sizeof(here));
	snprintf(name, sizeof(name), ".lacuna-%s-%ld-0.tmp", here, (long)dead);
	ok(temporary_parse(name, host, sizeof(host), &pid) && pid == dead && !strcmp(host, here),
	   "a temporary says whose it is");
	ok(!temporary_parse(".lacuna-1-0.tmp", host, sizeof(host), &pid),
	   "one without a host is none");
	snprintf(path, sizeof(path), "%s/%s", place, name);
	put(path, "x", 1);
	snprintf(mine, sizeof(mine), "%s/.lacuna-%s-%ld-0.tmp", place, here, (long)getpid());
	put(mine, "x", 1);
	share_clean(place, 0);
	ok(access(path, F_OK) && !access(mine, F_OK), "those of the dead are removed");
	share_clean(place, (long)getpid());
	ok(access(mine, F_OK) != 0, "and those of a process that is named");
}

/* ---- files */

static void test_stamps(void)
{
	const struct timespec then[2] = { { .tv_sec = 5 }, { .tv_sec = 5 } };
	struct stamp s;
	char path[128];

	snprintf(path, sizeof(path), "%s/file", place);
	put(path, "content", 7);
	ok(!stamp_take(path, &s) && stamp_holds(path, &s), "a file");
	utimensat(AT_FDCWD, path, then, 0);
	ok(stamp_holds(path, &s), "that was touched is the same");
	put(path, "contend", 7);
	ok(!stamp_holds(path, &s), "with other content it is another");
	utimensat(
		AT_FDCWD, path,
		(struct timespec[2]){
			{ .tv_sec = s.modified / 1000000000, .tv_nsec = s.modified % 1000000000 },
			{ .tv_sec = s.modified / 1000000000, .tv_nsec = s.modified % 1000000000 } },
		0);
	ok(!stamp_holds(path, &s), "even with the old time");
	ok(!stamp_holds("/nowhere", &s), "one that is gone does not hold");
	ok(stamp_take(place, &s) == LACUNA_EIO, "a directory has no stamp");
}

static void test_patterns(void)
{
	ok(tree_matches("*.tif", "a/b.tif") && !tree_matches("a*", "a/b.tif"),
	   "a pattern without a slash is for names");
	ok(tree_matches("a/*.tif", "a/b.tif") && !tree_matches("a/*.tif", "a/c/b.tif"),
	   "one with a slash for paths");
}

static int collect(void *context, const struct conf_option *o)
{
	char *text = context;

	sprintf(text + strlen(text), "%s=%s;", o->name, o->value);
	return 0;
}

static void test_conf(void)
{
	static const char outer[] = "# all\nnoise = 0.1 \n\n[b*]\nprior=gaussian\n";
	static const char inner[] = "operator = mask:file={stem}-{name}\n";
	char path[256], root[128], file[256], text[512] = "";
	struct conf *conf = NULL;
	struct tree_file f = { file, (char *)(uintptr_t) "in/b.x.tif", root, 1 };

	snprintf(root, sizeof(root), "%s/conf", place);
	mkdir(root, 0777);
	snprintf(path, sizeof(path), "%s/lacuna.conf", root);
	put(path, outer, sizeof(outer) - 1);
	snprintf(path, sizeof(path), "%s/in", root);
	mkdir(path, 0777);
	snprintf(path, sizeof(path), "%s/in/lacuna.conf", root);
	put(path, inner, sizeof(inner) - 1);
	snprintf(file, sizeof(file), "%s/in/b.x.tif", root);
	conf_create(NULL, &conf);
	ok(!conf_visit(conf, &f, collect, text) &&
		   !strcmp(text, "noise=0.1;prior=gaussian;operator=mask:file=b.x-b.x.tif;"),
	   "options of a file: %s", text);
	conf_destroy(conf);

	put(path, "noise\n", 6);
	conf_create(NULL, &conf);
	ok(conf_visit(conf, &f, collect, text) == LACUNA_EINVAL &&
		   strstr(error_text(), "line 1: expected OPTION = VALUE"),
	   "a line that says nothing: %s", error_text());
	conf_destroy(conf);
}

/* ---- workers */

static void begin(void *context)
{
	(void)context;
}

static char *work(void *context, uint64_t item)
{
	char *text = malloc(300000);

	(void)context;
	if (item == 1)
		raise(SIGKILL);
	if (item == 2)
		exit(3);
	if (item == 3)
		pause();
	if (text) {
		memset(text, 'a' + (int)item, 299999);
		text[299999] = 0;
	}
	return text;
}

static void test_pool(void)
{
	const struct pool_work w = { .begin = begin, .work = work };
	struct pool_event e, seen[6] = { { 0 } };
	struct pool *p = NULL;
	size_t given = 0;
	int events = 0;

	ok(!pool_create(2, &w, &p), "two workers");
	while (events < 6) {
		while (given < 6 && pool_is_free(p)) {
			pool_give(p, given, given == 3 ? 0.2 : 0);
			given++;
		}
		if (pool_wait(p, 10, &e)) {
			seen[e.item] = e;
			events++;
		}
	}
	ok(seen[0].end == POOL_ANSWERED && seen[5].end == POOL_ANSWERED && seen[5].text &&
		   strlen(seen[5].text) == 299999 && seen[5].text[299998] == 'f',
	   "answer, however long");
	ok(seen[1].end == POOL_DIED && seen[1].number == SIGKILL, "one is killed");
	ok(seen[2].end == POOL_EXITED && seen[2].number == 3, "one leaves");
	ok(seen[3].end == POOL_TIMED_OUT, "one is late");
	ok(!pool_busy(p), "and the others go on");
	for (int i = 0; i < 6; i++)
		free(seen[i].text);
	pool_destroy(p);
}

static int remove_entry(const char *path, const struct stat *st, int kind, struct FTW *at)
{
	(void)st, (void)kind, (void)at;
	return remove(path);
}

int main(void)
{
	if (!mkdtemp(place))
		return 99;
	test_journal();
	test_claims();
	test_temporaries();
	test_stamps();
	test_patterns();
	test_conf();
	test_pool();
	nftw(place, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
	ok(memory_live_blocks() == 0, "nothing is left behind");
	return tap_done();
}
