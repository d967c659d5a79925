/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* The parts of a batch: the journal, cut at any byte; claims of runs that have died; file stamps, patterns, configurations,
 * parts of results, contact sheets and workers. */
#include <config.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/temporary.h"
#include "batch/conf.h"
#include "batch/digest.h"
#include "batch/journal.h"
#include "batch/part.h"
#include "batch/pool.h"
#include "batch/share.h"
#include "batch/sheet.h"
#include "batch/tree.h"
#include "image/png.h"
#include "tests/tap.h"

#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
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
	snprintf(path, sizeof path, "%s/journal-one.jsonl", place);
	n = get(path, text, sizeof text);

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

/* Begun and done within one tick of the clock, whichever journal is read first. */
static void test_equal_times(void)
{
	write_journal("same-a", 300, JOURNAL_BEGUN);
	write_journal("same-b", 300, JOURNAL_DONE);
	ok(count_done() == 3, "of two entries of one time the end counts");
	write_journal("same-c", 400, JOURNAL_DONE);
	write_journal("same-d", 400, JOURNAL_BEGUN);
	ok(count_done() == 3, "in either order");
}

/* A write that fails half-way: the entry that is written again later is whole, and so are those before it. */
static void test_full_disk(void)
{
	struct rlimit old, few;
	struct journal_writer w;
	struct journal_entry e = { .path = (char *)(uintptr_t)paths[0],
				   .time = 500,
				   .state = JOURNAL_DONE,
				   .key = "0123",
				   .input = { 1, 2, 3, "abc" },
				   .output = { 4, 5, 6, "def" } };
	int64_t size;

	ok(!journal_create(place, "full", &w) && !journal_add(&w, &e, NULL) && !journal_flush(&w),
	   "a journal");
	size = journal_size(place, NULL);
	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &old);
	few = old;
	few.rlim_cur = (rlim_t)lseek(w.fd, 0, SEEK_END) + 20;
	e.path = (char *)(uintptr_t)paths[1];
	journal_add(&w, &e, NULL);
	setrlimit(RLIMIT_FSIZE, &few);
	ok(journal_flush(&w) == LACUNA_EIO, "on a full disk: %s", error_text());
	setrlimit(RLIMIT_FSIZE, &old);
	ok(journal_size(place, NULL) == size, "nothing torn stays");
	e.path = (char *)(uintptr_t)paths[2];
	ok(!journal_add(&w, &e, NULL) && !journal_flush(&w), "when there is room again");
	journal_close(&w);
	ok(count_done() == 3, "all entries are whole");
}

/* What an entry says comes back; a line counts only in a journal; what cannot be synchronised is not written. */
static void test_entries(void)
{
	struct journal_writer w;
	struct journal_entry e = { .path = (char *)(uintptr_t) "doubtful.tif",
				   .time = 700,
				   .state = JOURNAL_DONE,
				   .key = "0123",
				   .input = { 1, 2, 3, "abc" },
				   .output = { 4, 5, 6, "def" },
				   .doubts = 3 };
	const struct journal_entry *found;
	struct journal j = { 0 };
	char text[1024], path[128];
	int ends[2], file;
	size_t n;

	if (journal_create(place, "entries", &w) || journal_add(&w, &e, NULL) || journal_flush(&w))
		tap_bail("%s", error_text());
	e.time++;
	if (pipe(ends))
		tap_bail("no pipe");
	file = w.fd;
	w.fd = ends[1]; /* takes what is written, and cannot keep it */
	ok(!journal_add(&w, &e, NULL) && journal_flush(&w) == LACUNA_EIO,
	   "a line that is not on the disk is not written");
	w.fd = file;
	close(ends[0]);
	close(ends[1]);
	journal_close(&w);
	snprintf(path, sizeof path, "%s/journal-entries.jsonl", place);
	n = get(path, text, sizeof text);
	unlink(path);
	for (int i = 0; i < 3; i++) {
		static const char *const names[] = { "journal-entries.jsonl~", "entries.jsonl",
						     "journal-entries.json" };

		snprintf(path, sizeof path, "%s/%s", place, names[i]);
		put(path, text, n);
	}
	ok(!journal_load(place, &j) && !journal_find(&j, e.path), "other files are no journals");
	journal_free(&j);
	snprintf(path, sizeof path, "%s/journal-entries.jsonl", place);
	put(path, text, n);
	found = journal_load(place, &j) ? NULL : journal_find(&j, e.path);
	ok(found && found->doubts == 3 && found->time == 700 && found->input.size == 1 &&
		   found->output.size == 4 && !strcmp(found->output.digest, "def") &&
		   !strcmp(found->run, "entries"),
	   "an entry says what was written");
	journal_free(&j);
}

/* A run asks how much the others have written. */
static void test_size(void)
{
	struct stat st;
	char path[128];

	write_journal("mine", 600, JOURNAL_DONE);
	write_journal("theirs", 600, JOURNAL_DONE);
	snprintf(path, sizeof path, "%s/journal-mine.jsonl", place);
	ok(!stat(path, &st) && st.st_size > 0 &&
		   journal_size(place, "mine") == journal_size(place, NULL) - st.st_size,
	   "the journals of others, without one's own");
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
	snprintf(directory, sizeof directory, "%s/share", place);
	ok(!share_join(directory, &a) && a.others == 0, "a run");
	ok(share_claim(&a, "x") == CLAIM_MINE, "claims");
	ok(!share_join(directory, &b) && b.others == 1, "another run sees it");
	ok(share_claim(&b, "x") == CLAIM_THEIRS, "and cannot claim the same");
	share_release(&b, "x");
	ok(share_claim(&b, "x") == CLAIM_THEIRS, "nor release it");
	share_release(&a, "x");
	ok(share_claim(&b, "x") == CLAIM_MINE, "after it was released, it can");

	/* A run on this machine whose process has ended. */
	temporary_host(path, sizeof path);
	snprintf(b.run, sizeof b.run, "%.60s-%ld-1", path, (long)dead);
	snprintf(name, sizeof name, "%s/run-%s", directory, b.run);
	put(name, "", 0);
	ok(share_claim(&b, "y") == CLAIM_MINE, "a run");
	ok(share_claim(&a, "y") == CLAIM_MINE, "that is dead loses its claim");

	/* A run on another machine of the same host name: its process ids mean nothing here. */
	strrchr(path, '.')[0] = 0;
	snprintf(b.run, sizeof b.run, "%.50s.00000000-%ld-1", path, (long)dead);
	snprintf(name, sizeof name, "%s/run-%s", directory, b.run);
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
	snprintf(b.run, sizeof b.run, "elsewhere-%ld-1", (long)dead);
	snprintf(name, sizeof name, "%s/run-%s", directory, b.run);
	put(name, "", 0);
	share_claim(&b, "z");
	ok(share_claim(&a, "z") == CLAIM_THEIRS, "a run of another machine is alive");
	{
		const struct timespec then[2] = { { .tv_sec = 1000 }, { .tv_sec = 1000 } };

		utimensat(AT_FDCWD, name, then, 0);
	}
	share_beat(&a);
	ok(share_claim(&a, "z") == CLAIM_MINE, "until its heart stops");

	/* A run that died while it made a claim has left no name. */
	{
		const struct timespec then[2] = { { .tv_sec = 1000 }, { .tv_sec = 1000 } };
		char digest[DIGEST_SIZE];

		digest_text("n", 1, digest);
		snprintf(name, sizeof name, "%s/claims/%s", directory, digest);
		put(name, "", 0);
		ok(share_claim(&a, "n") == CLAIM_THEIRS, "a new claim of nobody may get its owner");
		utimensat(AT_FDCWD, name, then, 0);
		ok(share_claim(&a, "n") == CLAIM_MINE, "an old one is nobody's");
		share_release(&a, "n");
	}

	/* A name without a process id belongs to no run, however new its file is. */
	snprintf(b.run, sizeof b.run, "elsewhere-x-1");
	snprintf(name, sizeof name, "%s/run-%s", directory, b.run);
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
	snprintf(name, sizeof name, "%s/claims", directory);
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
	temporary_host(here, sizeof here);
	snprintf(name, sizeof name, ".lacuna-%s-%ld-0.tmp", here, (long)dead);
	ok(temporary_parse(name, host, sizeof host, &pid) && pid == dead && !strcmp(host, here),
	   "a temporary says whose it is");
	ok(!temporary_parse(".lacuna-1-0.tmp", host, sizeof host, &pid),
	   "one without a host is none");
	snprintf(path, sizeof path, "%s/%s", place, name);
	put(path, "x", 1);
	snprintf(mine, sizeof mine, "%s/.lacuna-%s-%ld-0.tmp", place, here, (long)getpid());
	put(mine, "x", 1);
	share_clean(place, 0);
	ok(access(path, F_OK) && !access(mine, F_OK), "those of the dead are removed");
	share_clean(place, (long)getpid());
	ok(access(mine, F_OK) != 0, "and those of a process that is named");
	snprintf(path, sizeof path, "%s/.lacuna-elsewhere-%ld-0.tmp", place, (long)dead);
	put(path, "x", 1);
	share_clean(place, 0);
	ok(!access(path, F_OK), "those of other machines stay");
	for (int hours = 23; hours <= 25; hours += 2) {
		const time_t then = time(NULL) - 3600 * hours;

		utimensat(AT_FDCWD, path,
			  (struct timespec[2]){ { .tv_sec = then }, { .tv_sec = then } }, 0);
		share_clean(place, 0);
		ok((access(path, F_OK) == 0) == (hours < 24), "%s",
		   hours < 24 ? "for a day" : "and no longer");
	}
}

/* ---- files */

static void test_stamps(void)
{
	const struct timespec then[2] = { { .tv_sec = 5 }, { .tv_sec = 5 } };
	struct stamp s;
	char path[128];

	snprintf(path, sizeof path, "%s/file", place);
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
	ok(stamp_take("/dev/null", &s) == LACUNA_EIO, "nor has a device");
}

static void test_patterns(void)
{
	ok(tree_matches("*.tif", "a/b.tif") && !tree_matches("a*", "a/b.tif"),
	   "a pattern without a slash is for names");
	ok(tree_matches("a/*.tif", "a/b.tif") && !tree_matches("a/*.tif", "a/c/b.tif"),
	   "one with a slash for paths");
}

static void touch(const char *directory, const char *name)
{
	char path[256];

	snprintf(path, sizeof path, "%s/%s", directory, name);
	put(path, "x", 1);
}

static int finds(const char *directory, const char *below, const struct tree_options *o)
{
	struct tree t = { 0 };
	const int count = tree_add(&t, directory, below, o) || tree_finish(&t) ? -1 : (int)t.count;

	tree_free(&t);
	return count;
}

static void test_tree(void)
{
	static const char *const some[] = { "a*", "*.png" }, *const not_b[] = { "b*" };
	struct tree_options o = { 0 };
	char root[128], path[256];

	snprintf(root, sizeof root, "%s/tree", place);
	mkdir(root, 0777);
	snprintf(path, sizeof path, "%s/inner", root);
	mkdir(path, 0777);
	touch(root, "a.tif");
	touch(root, "b.TIFF");
	touch(root, "c.tf8");
	touch(root, "d.btf");
	touch(root, "e.png");
	touch(root, ".hidden.tif");
	touch(path, "b.tif");
	ok(finds(root, "", &o) == 5, "all names of TIFF, and no others");
	o.exclude = not_b;
	o.exclude_count = 1;
	ok(finds(root, "", &o) == 3, "without those that are excluded");
	o.include = some;
	o.include_count = 2;
	ok(finds(root, "", &o) == 2, "of those that are included");
	{
		static const char *const all[] = { "*" };

		o.include = all;
		o.include_count = 1;
		ok(finds(root, "", &o) == 4, "of all names without those that are excluded");
	}
	o = (struct tree_options){ .follow = 1 };
	for (int i = 0; i < 2; i++) {
		snprintf(path, sizeof path, "%s/inner/round-%d", root, i);
		if (symlink(i ? ".." : ".", path))
			diag("%s cannot be made", path);
	}
	ok(finds(root, "", &o) == 5, "links that lead in a circle are not followed");
	o.follow = 0;
	snprintf(path, sizeof path, "%s/inner", root);
	o.except = path;
	ok(finds(root, "", &o) == 4, "nor is the output walked");
}

/* The same file twice is restored once; two files of one name are refused. */
static void test_twice(void)
{
	const struct tree_options o = { 0 };
	char one[128], again[160], other[128];
	struct tree t = { 0 };

	snprintf(one, sizeof one, "%s/one", place);
	snprintf(again, sizeof again, "%s/../one", one);
	snprintf(other, sizeof other, "%s/other", place);
	mkdir(one, 0777);
	mkdir(other, 0777);
	touch(one, "a.tif");
	touch(other, "a.tif");
	ok(!tree_add(&t, one, "", &o) && !tree_add(&t, again, "", &o) && t.count == 2 &&
		   !tree_finish(&t) && t.count == 1,
	   "a file by two paths is one");
	tree_free(&t);
	ok(!tree_add(&t, one, "", &o) && !tree_add(&t, other, "", &o) &&
		   tree_finish(&t) == LACUNA_EINVAL && strstr(error_text(), "the same output"),
	   "two of one name are refused");
	tree_free(&t);
}

static void test_list(void)
{
	static const char lines[] = "a.tif\n\n./b.tif\n././in/c.tif\nx../d.tif\n/far/e.tif\n"
				    "../f.tif\nin/../g.tif\n...tif\nlast.tif";
	static const char *const relative[] = { "a.tif", "b.tif", "in/c.tif", "x../d.tif", "e.tif",
						"f.tif", "g.tif", "...tif",   "last.tif" };
	const size_t count = sizeof relative / sizeof *relative;
	char path[128];
	struct tree t = { 0 };
	size_t right = 0;

	snprintf(path, sizeof path, "%s/list", place);
	put(path, lines, sizeof lines - 1);
	ok(!tree_add_list(&t, path) && t.count == count, "a list of %zu files", t.count);
	for (size_t i = 0; i < t.count && i < count; i++) {
		right += !strcmp(t.files[i].relative, relative[i]);
		if (strcmp(t.files[i].relative, relative[i]) != 0)
			diag("%s, not %s", t.files[i].relative, relative[i]);
	}
	ok(right == count, "outputs lie beside each other, never above (%zu of %zu)", right, count);
	tree_free(&t);
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

	snprintf(root, sizeof root, "%s/conf", place);
	mkdir(root, 0777);
	snprintf(path, sizeof path, "%s/lacuna.conf", root);
	put(path, outer, sizeof outer - 1);
	snprintf(path, sizeof path, "%s/in", root);
	mkdir(path, 0777);
	snprintf(path, sizeof path, "%s/in/lacuna.conf", root);
	put(path, inner, sizeof inner - 1);
	snprintf(file, sizeof file, "%s/in/b.x.tif", root);
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

struct groups {
	int group[4];
	size_t count;
};

static int collect_group(void *context, const struct conf_option *o)
{
	struct groups *g = context;

	if (g->count < 4)
		g->group[g->count++] = o->group;
	return 0;
}

/* Operators of one group apply one after the other; those of the next group replace them. */
static void test_groups(void)
{
	static const char text[] =
		"operator = a\noperator = b\n[x*]\noperator = c\n[*]\noperator = d\n";
	struct groups g = { .count = 0 };
	struct conf *conf = NULL;
	char root[128], path[256];
	struct tree_file f = { path, (char *)(uintptr_t) "x.tif", root, 1 };

	snprintf(root, sizeof root, "%s/groups", place);
	mkdir(root, 0777);
	snprintf(path, sizeof path, "%s/lacuna.conf", root);
	put(path, text, sizeof text - 1);
	snprintf(path, sizeof path, "%s/x.tif", root);
	conf_create(NULL, &conf);
	ok(!conf_visit(conf, &f, collect_group, &g) && g.count == 4, "four operators");
	ok(g.group[0] > 0 && g.group[0] == g.group[1] && g.group[1] < g.group[2] &&
		   g.group[2] < g.group[3],
	   "each section is a group: %d %d %d %d", g.group[0], g.group[1], g.group[2], g.group[3]);
	conf_destroy(conf);
}

static void options_of(struct conf *conf, const char *name, char *text)
{
	struct tree_file f = { (char *)(uintptr_t)name, (char *)(uintptr_t)name,
			       (char *)(uintptr_t) "", 1 };

	*text = 0;
	if (conf_visit(conf, &f, collect, text))
		strcpy(text, error_text());
}

/* {stem} is the name without its last ending, {name} all of it. */
static void test_stems(void)
{
	static const char *const names[] = { "a.tif", "a.b.tif", "a", ".hidden" };
	static const char *const wanted[] = { "p=a/a.tif;", "p=a.b/a.b.tif;", "p=a/a;",
					      "p=.hidden/.hidden;" };
	char path[128], text[512];
	struct conf *conf = NULL;
	FILE *f;

	snprintf(path, sizeof path, "%s/stems.tsv", place);
	f = fopen(path, "w");
	fprintf(f, "file\tp\n");
	for (int i = 0; i < 4; i++)
		fprintf(f, "%s\t{stem}/{name}\n", names[i]);
	fclose(f);
	if (!ok(!conf_create(path, &conf), "a table with names"))
		return;
	for (int i = 0; i < 4; i++) {
		options_of(conf, names[i], text);
		is_text(text, wanted[i], names[i]);
	}
	conf_destroy(conf);
	put(path, "file\tp\na.tif\t1\t2\n", 17);
	ok(conf_create(path, &conf) == LACUNA_EINVAL &&
		   strstr(error_text(), "line 2 has 3 columns"),
	   "a row has no more columns than their names");
}

static void test_sections(void)
{
	static const char *const bad[] = { "[]\n", "[a\n", "[\n" };
	char path[128], text[512];
	int refused = 1;

	snprintf(path, sizeof path, "%s/sections", place);
	mkdir(path, 0777);
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		struct tree_file f = { path, path, path, 1 };
		struct conf *conf = NULL;
		char file[256];

		snprintf(file, sizeof file, "%s/lacuna.conf", path);
		put(file, bad[i], strlen(bad[i]));
		f.root = path;
		snprintf(file, sizeof file, "%s/a.tif", path);
		f.path = file;
		conf_create(NULL, &conf);
		*text = 0;
		refused &= conf_visit(conf, &f, collect, text) == LACUNA_EINVAL &&
			   strstr(error_text(), "a section must be a pattern") != NULL;
		conf_destroy(conf);
	}
	ok(refused, "a section needs a pattern and its bracket");
}

/* Rows of one file keep their order, however many there are between them, and an empty cell states nothing. */
static void test_table(void)
{
	char path[128], text[8192], wanted[4096] = "";
	struct conf *conf = NULL;
	FILE *f;

	snprintf(path, sizeof path, "%s/table.tsv", place);
	f = fopen(path, "w");
	fprintf(f, "file\toperator\tnoise\n");
	for (int i = 0; i < 100; i++) {
		fprintf(f, "%c.tif\t%s\t%d\n", 'a' + i % 3, i % 2 ? "mask" : "", i);
		if (i % 3 == 1)
			sprintf(wanted + strlen(wanted), "%snoise=%d;",
				i % 2 ? "operator=mask;" : "", i);
	}
	fclose(f);
	if (!ok(!conf_create(path, &conf), "a table"))
		return;
	options_of(conf, "b.tif", text);
	is_text(text, wanted, "gives the options of a file in the order of its rows");
	options_of(conf, "d.tif", text);
	is_text(text, "", "and none of a file that it does not name");
	conf_destroy(conf);
}

/* ---- parts */

static int finds_part(const char *path, const char *key)
{
	struct part p;
	int found = 0;

	if (part_read(path, key, &p, &found))
		diag("%s", error_text());
	if (found)
		part_free(&p);
	return found;
}

static void test_parts(void)
{
	double numbers[] = { 1, -2.5 };
	float values[] = { 3, 4, 5 };
	unsigned char flags[] = { 1, 0, 1, 1, 0 };
	struct part p = { json_pack("{s:i}", "a", 1), numbers, values, flags, 2, 3, 5 };
	char path[128], text[2048];
	size_t n, head = 0, wrong = 0;
	struct stat st;

	snprintf(path, sizeof path, "%s/part", place);
	ok(!part_write(path, "key", 0600, &p) && !stat(path, &st) && (st.st_mode & 0777) == 0600,
	   "a part is as private as it should be");
	ok(!part_write(path, "key", 0666, &p) && finds_part(path, "key"), "a part");
	ok(!finds_part(path, "other"), "of another whole is none");
	json_decref(p.about);
	n = get(path, text, sizeof text);
	for (size_t cut = 0; cut < n; cut++) {
		put(path, text, cut);
		wrong += finds_part(path, "key");
	}
	ok(!wrong, "cut at any of %zu bytes it is none (%zu wrong)", n, wrong);
	text[n] = 0;
	put(path, text, n + 1);
	ok(!finds_part(path, "key"), "nor is what is longer");
	while (text[head++] != '\n')
		;
	for (size_t at = head; at < n; at++) {
		text[at] ^= 4;
		put(path, text, n);
		wrong += finds_part(path, "key");
		text[at] ^= 4;
	}
	ok(n - head == 33 && !wrong, "nor with any of its %zu bytes changed (%zu wrong)", n - head,
	   wrong);
	unlink(path);
}

/* ---- the contact sheet */

static int digit_of(char c)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const char *at = strchr(digits, c);

	return at ? (int)(at - digits) : -1;
}

/* RFC 4648; returns the number of bytes, or 0 if the text is none of base 64. */
static size_t decode_base64(const char *text, char *bytes)
{
	size_t n = 0;

	for (; *text; text += 4) {
		const int a = digit_of(text[0]), b = digit_of(text[1]);
		const int c = digit_of(text[2]), d = digit_of(text[3]);

		if (a < 0 || b < 0 || (c < 0 && text[2] != '=') || (d < 0 && text[3] != '=') ||
		    (c < 0 && d >= 0) || ((c < 0 || d < 0) && text[4]))
			return 0;
		bytes[n++] = (char)(a << 2 | b >> 4);
		if (c >= 0)
			bytes[n++] = (char)(b << 4 | c >> 2);
		if (d >= 0)
			bytes[n++] = (char)(c << 6 | d);
	}
	return n;
}

/* The picture that a browser shows: decoded, 0..1. */
static int shown(const struct image *picture, double lo, double hi, struct image *image, size_t *n)
{
	static const char head[] = "data:image/png;base64,";
	json_t *uri = sheet_thumbnail(picture, lo, hi);
	const char *text = json_string_value(uri);
	char path[128], *bytes = text ? malloc(strlen(text)) : NULL;
	int status = LACUNA_EINVAL;

	*n = bytes && !strncmp(text, head, strlen(head)) ? decode_base64(text + strlen(head), bytes)
							 : 0;
	snprintf(path, sizeof path, "%s/thumbnail.png", place);
	if (*n) {
		put(path, bytes, *n);
		status = png_read_file(path, image);
		unlink(path);
	}
	free(bytes);
	json_decref(uri);
	return status;
}

static void test_thumbnails(void)
{
	int ends[3] = { 0 }, right = 1;

	/* Small pictures are shown as they are; among their sizes are all ends of base 64. */
	for (int64_t w = 1; w <= 12; w++) {
		const struct lacuna_shape shape = { { w, 5, w % 2 ? 3 : 1, 1 } };
		struct image picture, seen = { 0 };
		size_t n;

		if (image_create(&picture, &shape))
			tap_bail("%s", error_text());
		for (size_t i = 0; i < lacuna_count(&shape); i++)
			picture.values[i] = (float)(100 + 37 * i % 200);
		if (shown(&picture, 100, 300, &seen, &n) ||
		    memcmp(seen.shape.extent, shape.extent, sizeof shape.extent) != 0)
			right = 0;
		for (size_t i = 0; seen.values && right && i < lacuna_count(&shape); i++)
			right &= fabsf(seen.values[i] - (picture.values[i] - 100) / 200) < 0.002f;
		ends[n % 3] = 1;
		image_free(&seen);
		image_free(&picture);
	}
	ok(right && ends[0] && ends[1] && ends[2], "a small picture is its own thumbnail");

	/* A large one keeps its form, and the mean of each quarter. */
	{
		const struct lacuna_shape shape = { { 800, 200, 1, 1 } };
		struct image picture, seen = { 0 };
		size_t n;

		if (image_create(&picture, &shape))
			tap_bail("%s", error_text());
		for (size_t i = 0; i < lacuna_count(&shape); i++)
			picture.values[i] = i % 5 == 0 ? NAN /* a missing value does not count */
						       : (i % 800 < 400 ? 0.25f : 0.75f) +
								 (i / 800 < 100 ? 0.2f : 0);
		ok(!shown(&picture, 0, 1, &seen, &n) && seen.shape.extent[0] == 192 &&
			   seen.shape.extent[1] == 48,
		   "a large one keeps its form");
		for (int q = 0; seen.values && q < 4; q++)
			near(seen.values[(q & 1 ? 144 : 48) + 192 * (q & 2 ? 36 : 12)],
			     (q & 1 ? 0.75 : 0.25) + (q & 2 ? 0 : 0.2), 0.004, "and its parts");
		image_free(&seen);
		image_free(&picture);
	}
}

/* Pictures of other forms, and what lies at their edges. */
static void test_edges(void)
{
	static const int64_t sizes[][2] = { { 384, 384 }, { 2000, 1 }, { 1, 2000 }, { 193, 3 } };
	size_t n;

	for (int k = 0; k < 4; k++) {
		const int64_t w = sizes[k][0], h = sizes[k][1];
		const struct lacuna_shape shape = { { w, h, 1, 1 } };
		struct image picture, seen = { 0 };

		if (image_create(&picture, &shape))
			tap_bail("%s", error_text());
		for (int64_t i = 0; i < w * h; i++)
			picture.values[i] = i % w == w - 1 || i / w == h - 1;
		ok(!shown(&picture, 0, 1, &seen, &n) && seen.shape.extent[0] >= 1 &&
			   seen.shape.extent[1] >= 1 &&
			   (seen.shape.extent[0] == 192 || seen.shape.extent[1] == 192),
		   "%dx%d has a thumbnail", (int)w, (int)h);
		if (k == 0 && seen.values) {
			near(seen.values[191 + 192 * 5], 0.5, 0.004, "its last column counts");
			near(seen.values[191 * 192 + 5], 0.5, 0.004, "and its last row");
			near(seen.values[191 * 192 + 191], 0.75, 0.004, "and the pixel of both");
			near(seen.values[190 * 192 + 190], 0, 0, "but in no others");
		}
		image_free(&seen);
		image_free(&picture);
	}
	{ /* black and white alike: a difference of 1 is shown as white */
		const struct lacuna_shape shape = { { 3, 1, 1, 1 } };
		struct image picture, seen = { 0 };

		if (image_create(&picture, &shape))
			tap_bail("%s", error_text());
		for (int i = 0; i < 3; i++)
			picture.values[i] = 5 + 0.5f * (float)i;
		ok(!shown(&picture, 5, 5, &seen, &n) && seen.values[0] == 0 &&
			   fabs((double)seen.values[1] - 0.5) < 0.004 && seen.values[2] == 1,
		   "a range of one value has a thumbnail");
		image_free(&seen);
		image_free(&picture);
	}
}

static size_t count_text(const char *text, const char *word)
{
	size_t n = 0;

	for (; (text = strstr(text, word)); text += strlen(word))
		n++;
	return n;
}

/* The size of the sheet of one file, and how often its script ends. */
static size_t script_ends(const char *name)
{
	static char text[1 << 20];
	json_t *summary = json_pack("{s:s}", "text", "One."),
	       *rows = json_pack("[{s:s}]", "path", name);
	char path[128];
	size_t n = 0;

	snprintf(path, sizeof path, "%s/sheet.html", place);
	if (!sheet_write(path, NULL, summary, rows))
		n = get(path, text, sizeof text - 1);
	text[n] = 0;
	json_decref(rows);
	json_decref(summary);
	unlink(path);
	return count_text(text, "</script>");
}

static void test_sheet(void)
{
	const size_t plain = script_ends("a.tif");

	ok(plain > 0 && script_ends("</script><script>alert(1)</script>.tif") == plain,
	   "a file's name does not end the script of a sheet");
}

/* What earlier runs have said of a picture completes what this run says; the last of them counts. */
static void test_cards(void)
{
	static const char *const runs[] = { "1", "2" };
	static char text[1 << 20];
	json_t *summary = json_pack("{s:s}", "text", "One."),
	       *rows = json_pack("[{s:s, s:s}, {s:s}]", "path", "a.tif", "state", "of-this-run",
				 "path", "b.tif");
	char directory[128], path[256];
	size_t n = 0;

	snprintf(directory, sizeof directory, "%s/cards", place);
	mkdir(directory, 0777);
	for (int i = 0; i < 2; i++) {
		struct sheet_writer w;
		json_t *card = json_pack("{s:s, s:s, s:s}", "path", "a.tif", "state", "of-a-card",
					 "before", i ? "seen-last" : "seen-first");

		ok(!sheet_open(directory, runs[i], &w), "cards of a run");
		sheet_keep(&w, card);
		json_decref(card);
		card = json_pack("{s:s, s:s}", "path", "b.tif", "before",
				 i ? "second-last" : "second-first");
		sheet_keep(&w, card);
		sheet_close(&w);
		json_decref(card);
	}
	snprintf(path, sizeof path, "%s/sheet.html", directory);
	ok(!sheet_check(path), "a sheet may be written where there is nothing");
	if (!sheet_write(path, directory, summary, rows))
		n = get(path, text, sizeof text - 1);
	text[n] = 0;
	ok(strstr(text, "seen-last") && !strstr(text, "seen-first"), "the last card counts");
	ok(strstr(text, "second-last") && !strstr(text, "second-first"), "of each picture");
	ok(strstr(text, "of-this-run") && !strstr(text, "of-a-card"), "but not against the run");
	ok(!sheet_check(path), "a sheet may replace a sheet");
	put(path, "<title>Recipes</title>", 22);
	ok(sheet_check(path) == LACUNA_EIO && strstr(error_text(), "is not a contact sheet"),
	   "and no other page");
	json_decref(rows);
	json_decref(summary);
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
	if (item >= 1000 && text) { /* an answer of this length */
		memset(text, 'x', item);
		text[item - 1] = '.';
		text[item] = 0;
		return text;
	}
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

/* Answers arrive in pieces, and buffers grow: no length is special. */
static void test_lengths(void)
{
	const struct pool_work w = { .begin = begin, .work = work };
	struct pool *p = NULL;
	int whole = 1;

	if (pool_create(1, &w, &p))
		tap_bail("%s", error_text());
	for (uint64_t n = 65536 - 20; n < 65536 + 20; n++) {
		struct pool_event e = { .item = 0 };

		whole &= !pool_give(p, n, 0) && pool_wait(p, 20, &e) && e.item == n && e.text &&
			 strlen(e.text) == n && e.text[n - 1] == '.';
		free(e.text);
	}
	ok(whole, "an answer is whole, whatever its length");
	pool_destroy(p);
}

/* A worker that has its weights loaded gets the next picture; one that dies while it waits is replaced in silence. */
static void test_idle(void)
{
	const struct pool_work w = { .begin = begin, .work = work };
	struct pool_event e = { .item = 0 };
	struct pool *p = NULL;
	pid_t first = 0;
	int same = 1;

	if (pool_create(3, &w, &p))
		tap_bail("%s", error_text());
	for (uint64_t i = 0; i < 4; i++) {
		same &= !pool_give(p, 2000 + i, 0) && pool_wait(p, 20, &e) &&
			(!first || e.worker == first);
		first = e.worker;
		free(e.text);
	}
	ok(same, "one picture at a time, one worker");
	kill(first, SIGKILL);
	ok(!pool_wait(p, 0.2, &e), "the death of a worker that waits is no event");
	ok(!pool_give(p, 2000, 0) && pool_wait(p, 20, &e) && e.end == POOL_ANSWERED &&
		   e.worker != first,
	   "another takes its place");
	free(e.text);
	pool_destroy(p);
}

static char sign[128];

static void leave_sign(int number)
{
	const int fd = open(sign, O_WRONLY | O_CREAT, 0666);

	(void)number;
	close(fd);
	_exit(0);
}

static void begin_signed(void *context)
{
	(void)context;
	signal(SIGTERM, leave_sign);
}

static char *wait_for_end(void *context, uint64_t item)
{
	const int ready = *(int *)context;

	if (item)
		signal(SIGTERM, SIG_IGN);
	if (write(ready, "x", 1) == 1)
		for (;;)
			pause();
	return NULL;
}

static pid_t gone_worker;

static void note_gone(void *context, pid_t worker)
{
	(void)context;
	gone_worker = worker;
}

/* A worker at work may end by itself; one that does not is killed, and its name told. */
static void test_stop(void)
{
	int ends[2];
	char byte;

	if (pipe(ends))
		tap_bail("no pipe");
	snprintf(sign, sizeof sign, "%s/sign", place);
	for (uint64_t deaf = 0; deaf < 2; deaf++) {
		const struct pool_work w = { .begin = begin_signed,
					     .work = wait_for_end,
					     .context = &ends[1] };
		struct pool *p = NULL;

		gone_worker = 0;
		unlink(sign);
		if (pool_create(1, &w, &p) || pool_give(p, deaf, 0) || read(ends[0], &byte, 1) != 1)
			tap_bail("%s", error_text());
		pool_stop(p, deaf ? 0.1 : 20, note_gone, NULL);
		ok((access(sign, F_OK) == 0) == !deaf && (gone_worker != 0) == (deaf != 0),
		   deaf ? "one that goes on is killed" : "a worker is asked to stop");
		pool_destroy(p);
	}
	close(ends[0]);
	close(ends[1]);
}

enum { ALLOWED = 64 << 20 };

static char *allocate(void *context, uint64_t item)
{
	char *block = malloc((size_t)item);

	(void)context;
	free(block);
	return strdup(block ? "granted" : "refused");
}

static void ask_for(struct pool *p, uint64_t bytes, const char *wanted, const char *name)
{
	struct pool_event e = { .item = 0 };

	if (pool_give(p, bytes, 0) || !pool_wait(p, 20, &e))
		diag("%s", error_text());
	is_text(e.text, wanted, name);
	free(e.text);
}

static void test_limit(void)
{
	const struct pool_work w = { .begin = begin, .work = allocate, .memory = ALLOWED };
	struct pool *p = NULL;

	if (getenv("LACUNA_SANITIZED")) {
		skip("sanitizers map more memory than any limit", "a worker's limit of memory");
		return;
	}
	if (pool_create(1, &w, &p))
		tap_bail("%s", error_text());
	ask_for(p, ALLOWED / 2, "granted", "a worker gets half of the memory that is allowed");
	ask_for(p, 2 * ALLOWED, "refused", "and not twice as much");
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
	test_equal_times();
	test_full_disk();
	test_entries();
	test_size();
	test_claims();
	test_temporaries();
	test_stamps();
	test_patterns();
	test_tree();
	test_twice();
	test_list();
	test_conf();
	test_groups();
	test_sections();
	test_stems();
	test_table();
	test_parts();
	test_thumbnails();
	test_edges();
	test_sheet();
	test_cards();
	test_pool();
	test_lengths();
	test_idle();
	test_stop();
	test_limit();
	nftw(place, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
	ok(memory_live_blocks() == 0, "nothing is left behind");
	return tap_done();
}
