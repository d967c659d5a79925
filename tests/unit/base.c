/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Messages, memory, noise, threads, sums, numbers in text, files, child processes. */
#include "base/child.h"
#include "base/error.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/numbers.h"
#include "base/random.h"
#include "base/temporary.h"
#include "base/text.h"
#include "base/threads.h"
#include "base/vector.h"
#include "tests/tap.h"

#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static void test_error(void)
{
	char text[2000];

	error_set(LACUNA_EIO, "%s", "cause");
	error_context(LACUNA_EIO, "file %d", 3);
	is_text(error_text(), "file 3: cause", "context comes first");
	error_set(LACUNA_EIO, "again: %s", error_text());
	is_text(error_text(), "again: file 3: cause",
		"the old message may be an argument of the new");
	error_clear();
	is_text(error_text(), "", "cleared");
	error_context(LACUNA_ENOMEM, "here");
	is_text(error_text(), "here: out of memory", "a status speaks where no message was kept");
	is_text(error_file(), "", "a message that names no file");
	is_text(error_reason(), "here: out of memory", "... is all reason");

	error_file_set(LACUNA_EIO, "a: b.tif", "gone (%d)", 2);
	is_text(error_text(), "a: b.tif: gone (2)", "a message about a file begins with its path");
	is_text(error_file(), "a: b.tif", "which is kept");
	is_text(error_reason(), "gone (2)", "apart from the reason");
	error_context(LACUNA_EIO, "page 2");
	is_text(error_text(), "page 2: a: b.tif: gone (2)", "context comes before the file");
	is_text(error_file(), "a: b.tif", "which is kept all the same");
	is_text(error_reason(), "gone (2)", "and the reason, too");
	error_set(LACUNA_EIO, "cause");
	is_text(error_file(), "", "the next message is not about that file");
	error_file_context(LACUNA_EIO, "c.tif");
	is_text(error_text(), "c.tif: cause", "a file may be named later");
	is_text(error_reason(), "cause", "with the reason that was there");
	memset(text, 'x', sizeof text - 1);
	text[sizeof text - 1] = 0;
	error_file_set(LACUNA_EIO, text, "reason");
	is_text(error_reason(), "", "a path that fills the message leaves no room for a reason");
}

static void test_memory(void)
{
	size_t before = memory_live_blocks(), product;
	char *p = memory_alloc(1000);
	int i, zero = 1;

	for (i = 0; i < 1000; i++)
		zero &= p[i] == 0;
	ok(p && (uintptr_t)p % 64 == 0 && zero, "aligned and zeroed");
	ok(memory_live_blocks() == before + 1, "counted");
	memory_set_budget(memory_live_bytes() + 2000);
	ok(!memory_alloc(4000), "the budget holds");
	ok(strstr(error_text(), "--memory") != NULL, "and the message says how to raise it");
	memory_set_budget(0);
	memory_fail_after(1);
	memory_release(p);
	p = memory_alloc(1);
	ok(p && !memory_alloc(1), "the injected failure comes when it should");
	memory_fail_after(-1);
	memory_release(p);
	ok(memory_live_blocks() == before, "nothing is left");
	ok(!memory_alloc(SIZE_MAX - 3) && !memory_alloc_array(SIZE_MAX / 2, 3),
	   "impossible sizes are refused");
	ok(!size_multiply(SIZE_MAX / 2, 3, &product) && size_multiply(6, 7, &product) &&
		   product == 42,
	   "size_multiply() knows overflow");
}

/* Only allocators that do not stop the program can refuse. */
static void test_refused_memory(void)
{
	const size_t bytes = memory_live_bytes(), blocks = memory_live_blocks();

	if (getenv("LACUNA_SANITIZED")) {
		skip("AddressSanitizer stops the program", "memory that the system refuses");
		return;
	}
	ok(!memory_alloc(SIZE_MAX / 4) && memory_live_bytes() == bytes &&
		   memory_live_blocks() == blocks,
	   "memory that the system refuses does not count");
}

static void test_noise_moments(void)
{
	enum { N = 1 << 20 };
	static float z[N];
	double m2 = 0, m3 = 0, m4 = 0, neighbours = 0, mean;
	int i, inside = 0;

	random_gaussian((struct random_key){ 7, 0, 0 }, 3, 0, z, N);
	mean = vector_sum(N, z) / N;
	for (i = 0; i < N; i++) {
		double v = z[i];

		m2 += v * v / N;
		m3 += v * v * v / N;
		m4 += v * v * v * v / N;
		neighbours += v * (double)z[(i + 1) % N] / N;
		inside += fabs(v) < 1;
	}
	/* five standard deviations of each statistic */
	near(mean, 0, 5 * sqrt(1.0 / N), "mean 0");
	near(m2, 1, 5 * sqrt(2.0 / N), "variance 1");
	near(m3, 0, 5 * sqrt(15.0 / N), "skewness 0");
	near(m4, 3, 5 * sqrt(96.0 / N), "kurtosis 3");
	near(neighbours, 0, 5 * sqrt(1.0 / N), "neighbours are uncorrelated");
	near((double)inside / N, 0.6826895, 5 * sqrt(0.217 / N), "68.27 % within one sigma");
}

static void test_noise_streams(void)
{
	enum { N = 70000 };
	static float a[N], b[N];
	const struct random_key key = { 1, 2, 3 };
	struct random_key others[3] = { { 2, 2, 3 }, { 1, 3, 3 }, { 1, 2, 4 } };
	double dot;
	int i, differ;

	threads_set(4);
	random_gaussian(key, 5, 0, a, N);
	threads_set(1);
	random_gaussian(key, 5, 0, b, N);
	ok(!memcmp(a, b, sizeof a), "the same bits with 1 and 4 threads");
	random_gaussian(key, 5, 12345, b, 777);
	ok(!memcmp(a + 12345, b, 777 * sizeof *b), "position is where it says");
	for (i = 0; i < 3; i++) {
		random_gaussian(others[i], 5, 0, b, N);
		dot = vector_dot(N, a, b) / N;
		near(dot, 0, 5 / sqrt(N), "another seed, image or sample is another noise");
	}
	random_gaussian(key, 6, 0, b, N);
	near(vector_dot(N, a, b) / N, 0, 5 / sqrt(N), "another stream is another noise");
	random_uniform(key, 5, 0, b, N);
	for (i = differ = 0; i < N; i++)
		differ += b[i] < 0 || b[i] >= 1;
	ok(!differ, "uniform numbers lie in [0, 1)");
	near(vector_sum(N, b) / N, 0.5, 5 * sqrt(1 / 12.0 / N), "with mean 1/2");
	threads_set(0);
}

static int by_value(const void *a, const void *b)
{
	const float x = *(const float *)a, y = *(const float *)b;

	return (x > y) - (x < y);
}

/* Numbers that differ in one bit, wherever it is, give different noise: nothing is cut off or folded. */
static void test_noise_bits(void)
{
	static const uint32_t numbers[] = { 0, 1, 1 << 8, 1 << 15, 1 << 16, 1u << 31 };
	enum { N = sizeof numbers / sizeof *numbers };
	/* positions have 54 bits: 48 for the block of 64 numbers */
	float keys[N * N], places[54], uniforms[54];
	int different = 1;

	for (int i = 0; i < N; i++)
		for (int k = 0; k < N; k++)
			random_gaussian((struct random_key){ 1, numbers[i], numbers[k] }, 0, 0,
					&keys[N * i + k], 1);
	for (int bit = 0; bit < 54; bit++) {
		random_gaussian((struct random_key){ 1, 0, 0 }, 0, UINT64_C(1) << bit, &places[bit],
				1);
		random_uniform((struct random_key){ 1, 0, 0 }, 0, UINT64_C(1) << bit,
			       &uniforms[bit], 1);
	}
	qsort(keys, N * N, sizeof *keys, by_value);
	qsort(places, 54, sizeof *places, by_value);
	qsort(uniforms, 54, sizeof *uniforms, by_value);
	for (int i = 1; i < N * N; i++)
		different &= keys[i] > keys[i - 1];
	ok(different, "each pair of image and sample has its own noise");
	for (int i = 1; i < 54; i++)
		different &= places[i] > places[i - 1] && uniforms[i] > uniforms[i - 1];
	ok(different, "numbers far apart in a stream differ");
}

static void count(void *arg, size_t i)
{
	int *seen = arg;

	seen[i]++;
}

static void nested(void *arg, size_t i)
{
	threads_parallel(10, count, (int *)arg + 10 * i);
}

/* Some indices fail.  Later ones take less time, so that they fail first. */
struct failing {
	atomic_int runs[200];
	size_t slow;
	int alone; /* cleared when two bodies share their scratch memory */
};

static int fail_some(void *arg, size_t i, void *scratch)
{
	struct failing *f = arg;
	atomic_size_t *own = scratch;
	/* Body 55 starts while body 41 runs; f->slow decides which of the two ends first. */
	const struct timespec pause = { 0, i == f->slow		? 30000000
					   : i == 41 || i == 55 ? 10000000
					   : i > 60		? 0
								: 20000 };

	f->runs[i]++;
	atomic_store(own, i);
	nanosleep(&pause, NULL);
	if (atomic_load(own) != i || (uintptr_t)scratch % 64)
		f->alone = 0;
	if (i == 41 || i == 55 || i == 120)
		return error_file_set(LACUNA_ENUMERIC - (int)i, "file", "part %zu", i);
	return i == 199 ? LACUNA_EIO : LACUNA_OK; /* fails without a message */
}

static int fail_within(void *arg, size_t i, void *scratch)
{
	(void)scratch;
	return i == 3 ? threads_try(200, 8, fail_some, arg) : LACUNA_OK;
}

static int fail_late(void *arg, size_t i, void *scratch)
{
	(void)arg, (void)scratch;
	return i == 6 ? LACUNA_EIO : LACUNA_OK;
}

static int enough(void *arg, size_t i, void *scratch)
{
	(void)arg, (void)i, (void)scratch;
	return error_set(LACUNA_OK, "of a part");
}

/* The reported failure does not depend on which body failed first. */
static void test_failures(void)
{
	for (int threads = 1; threads <= 4; threads++) {
		struct failing f = { .alone = 1, .slow = threads % 2 ? 41 : 55 };
		int before = 1;

		threads_set(threads);
		ok(threads_try(200, sizeof(size_t), fail_some, &f) == LACUNA_ENUMERIC - 41 &&
			   !strcmp(error_text(), "file: part 41") && !strcmp(error_file(), "file"),
		   "%d threads: the first failure, and its message (%s)", threads, error_text());
		for (int i = 0; i <= 41; i++)
			before &= f.runs[i] == 1;
		ok(before && f.alone, "all before it have run, each with memory of its own");
		ok(threads_try(5, 0, fail_within, &f) == LACUNA_ENUMERIC - 41 &&
			   !strcmp(error_text(), "file: part 41"),
		   "of nested calls, too");
		ok(threads_try(9, 0, fail_late, NULL) == LACUNA_EIO && !*error_text(),
		   "a failure without a message gets none that is older");
		error_set(LACUNA_EINVAL, "kept");
		ok(!threads_try(20, 8, enough, NULL) && !strcmp(error_text(), "kept"),
		   "success leaves the message that was there");
	}
	memory_fail_after(0);
	ok(threads_try(3, 64, enough, NULL) == LACUNA_ENOMEM, "no memory for one");
	memory_fail_after(-1);
	threads_stop();
	threads_set(0);
}

static void test_threads(void)
{
	static int seen[1000];
	int i, round, running, good = 1;

	threads_set(3);
	for (round = 0; round < 50; round++)
		threads_parallel(1000, count, seen);
	for (i = 0; i < 1000; i++)
		good &= seen[i] == 50;
	ok(good, "each index once per call");
	memset(seen, 0, sizeof seen);
	threads_parallel(100, nested, seen);
	for (i = 0, good = 1; i < 1000; i++)
		good &= seen[i] == 1;
	ok(good, "nested calls run too");
	running = threads_running();
	threads_set(1);
	ok(running >= 2 && threads_running() == running,
	   "who wants fewer leaves the others theirs");
	threads_stop();
	ok(threads_running() == 0, "all are ended at once");
	threads_set(0);
	ok(threads_count() >= 1, "at least one thread");
}

static void test_vectors(void)
{
	enum { N = 5000001 };
	float *a = malloc(N * sizeof *a);
	double one, four;
	size_t i;

	for (i = 0; i < N; i++)
		a[i] = 1e-3f * (float)((i * 7919) % 1000);
	threads_set(1);
	one = vector_dot(N, a, a);
	threads_set(4);
	four = vector_dot(N, a, a);
	ok(one == four, "sums do not depend on the number of threads");
	for (i = 0; i < N; i++)
		a[i] = 0.1f;
	near(vector_sum(N, a), (double)0.1f * N, 1e-6, "sums are accumulated in double");
	ok(vector_finite(N, a), "finite");
	a[N - 1] = INFINITY;
	ok(!vector_finite(N, a), "infinity is found");
	ok(vector_exceeds(N, a, 1e30), "and exceeds all limits");
	a[N - 1] = -INFINITY;
	ok(!vector_finite(N, a) && vector_exceeds(N, a, 1e30), "so does -infinity");
	ok(!vector_exceeds(N - 1, a, 0.1) && vector_exceeds(N - 1, a, 0.09), "a limit is a limit");
	a[N - 1] = 0;
	a[5] = NAN;
	ok(!vector_finite(N, a), "NaN is found");
	free(a);
	threads_set(0);
}

static void test_text(void)
{
	static const char *const bad[] = { "",	  "x",	"1x", "nan", "inf",  "0x10",
					   "1/0", "1/", "/2", " 1",  "1e999" };
	static const char *const names[] = { "blur", "mask", "identity", NULL };
	double v = 0;
	int64_t n = 0;
	size_t i;

	ok(text_real("2.55/255", &v) && fabs(v - 0.01) < 1e-15, "a fraction");
	ok(text_real("-1e-3", &v) && v == -1e-3, "a real");
	for (i = 0; i < sizeof bad / sizeof *bad; i++)
		ok(!text_real(bad[i], &v), "\"%s\" is no number", bad[i]);
	ok(text_integer("-42", &n) && n == -42, "an integer");
	ok(!text_integer("4.2", &n) && !text_integer("99999999999999999999", &n), "not integers");
	ok(!text_integer("9223372036854775808", &n) && text_integer("9223372036854775807", &n) &&
		   n == INT64_MAX,
	   "the largest integer is one, and a larger one is none");
	is_text(text_nearest("blru", names), "blur", "two letters swapped");
	ok(!text_nearest("zzzzzz", names), "nothing near");
}

/* Unicode's category Cc: U+0000 to U+001F, U+007F to U+009F; above U+007F UTF-8 has two bytes. */
static void test_control_characters(void)
{
	int right = 1;

	for (int c = 1; c < 0x100; c++) {
		const int control = c < 0x20 || (c >= 0x7f && c < 0xa0);
		char text[] = { 'a', (char)c, 'b', 0 };
		char wide[] = { 'a', (char)(0xc0 | c >> 6), (char)(0x80 | (c & 63)), 'b', 0 };
		char *const form = c < 0x80 ? text : wide;

		right &= text_plain(form, "") == !control;
		text_make_plain(form);
		right &= text_plain(form, "") &&
			 (strchr(form, '?') != NULL) == (control || c == '?');
	}
	ok(right, "control characters, those of UTF-8 included, and no others");
}

static void test_long_words(void)
{
	static const char *const names[] = { "blur", "a-name-of-forty-letters-which-nobody-would",
					     NULL };
	char word[1000] = "";
	int near_one = 0;

	for (size_t n = 0; n + 1 < sizeof word; n++) {
		word[n] = 'z';
		near_one |= text_nearest(word, names) != NULL;
	}
	ok(!near_one, "however long a word is, it is not near a name that it does not resemble");
}

static void test_numbers(void)
{
	double v[3] = { 0 };
	int right = 1;

	ok(numbers_read("1 2 3", v, 3) == 3 && v[2] == 3, "as many numbers as fit");
	ok(numbers_read("1 2 3 4", v, 3) == -1, "more than fit are refused");
	ok(numbers_read("1 2;3", v, 3) == -1, "rows, too, where one is wanted");
	/* three rows of one to three numbers */
	for (int k = 0; k < 27; k++) {
		static const char *const rows[] = { "1", "1 2", "1 2 3" };
		const int a = k % 3, b = k / 3 % 3, c = k / 9;
		struct lacuna_list list;
		char text[32];

		snprintf(text, sizeof text, "%s; %s;%s", rows[a], rows[b], rows[c]);
		if (numbers_parse(text, &list)) {
			right = 0;
			continue;
		}
		right &= list.count == a + b + c + 3;
		right &= list.columns == (a == b && b == c ? a + 1 : 0);
		numbers_free(&list);
	}
	ok(right, "a list has columns if all its rows have one length");
}

/* Philox-4x32-10 as in Salmon, Moraes, Dror, Shaw 2011. */
static void philox(const uint32_t counter[4], uint32_t k0, uint32_t k1, uint32_t out[4])
{
	uint32_t c[4];

	memcpy(c, counter, sizeof c);
	for (int round = 0; round < 10; round++) {
		const uint64_t p = (uint64_t)c[0] * 0xD2511F53u, q = (uint64_t)c[2] * 0xCD9E8D57u;
		const uint32_t next[4] = { (uint32_t)(q >> 32) ^ c[1] ^ k0, (uint32_t)q,
					   (uint32_t)(p >> 32) ^ c[3] ^ k1, (uint32_t)p };

		memcpy(c, next, sizeof c);
		k0 += 0x9E3779B9u;
		k1 += 0xBB67AE85u;
	}
	memcpy(out, c, sizeof c);
}

static void test_philox(void)
{
	/* the seed for which the cipher's key is 0 */
	const struct random_key zero = { (uint64_t)0 - UINT64_C(0x9e3779b97f4a7c15), 0, 0 };
	const uint32_t nothing[4] = { 0 };
	uint32_t words[4];
	float u[8], z[200], some[60];
	int right = 1;

	philox(nothing, 0, 0, words);
	ok(words[0] == 0x6627e8d5 && words[1] == 0xe169c58d && words[2] == 0xbc57ac4c &&
		   words[3] == 0x9b00dbd8,
	   "the authors' known answer");
	random_uniform(zero, 5, 0, u, 8);
	for (uint32_t i = 0; i < 8; i++) { /* one block of uniforms, sequence 1, stream 5 */
		const uint32_t counter[4] = { i / 4, 1u << 16, 5, 0 };

		philox(counter, 0, 0, words);
		right &= u[i] == (float)(words[i % 4] >> 8) * 0x1p-24f;
	}
	ok(right, "uniform numbers are its words");
	random_gaussian(zero, 5, 0, z, 200);
	for (size_t at = 0; at < 140; at += 7) {
		random_gaussian(zero, 5, at, some, 60);
		right &= !memcmp(z + at, some, sizeof some);
	}
	ok(right, "normals begin anywhere");
	/* Box-Muller: each pair of words gives an angle and a radius. */
	for (uint32_t i = 0; i < 50; i++) {
		const uint32_t counter[4] = { i, 0, 5, 0 };
		double radius;

		philox(counter, 0, 0, words);
		radius = sqrt(-2 * log(((double)(words[0] >> 8) + 0.5) * 0x1p-24));
		right &= fabs(hypot((double)z[4 * i], (double)z[4 * i + 1]) - radius) < 1e-5;
	}
	ok(right, "their radii are those of its words");
}

static void test_budget(void)
{
	void *a, *b, *c;

	memory_set_budget(memory_live_bytes() + 9000);
	a = memory_alloc(5000);
	b = memory_alloc(5000);
	c = memory_alloc(3000);
	ok(a && !b && c, "the budget is that of all blocks together");
	memory_set_budget(0);
	memory_reset_peak();
	b = memory_alloc(7000);
	memory_release(b);
	ok(memory_peak_bytes() >= 15000 && memory_peak_bytes() < 16000, "and so is the peak");
	memory_release(c);
	memory_release(a);
}

/* The value of each rank among few and many, many of which are equal, against those of the sorted list. */
static void test_select(void)
{
	double a[200], sorted[200];
	int wrong = 0;

	for (size_t n = 1; n <= 200; n += n < 12 ? 1 : 47)
		for (size_t different = 1; different <= 256; different *= 4)
			for (size_t rank = 0; rank < n; rank++) {
				for (size_t i = 0; i < n; i++)
					a[i] = sorted[i] = (double)(i * 7919 % 211 % different) - 3;
				vector_sort_doubles(n, sorted);
				wrong += fabs(vector_select(n, a, rank) - sorted[rank]) > 0 ||
					 fabs(a[rank] - sorted[rank]) > 0;
			}
	ok(!wrong, "the value of a rank is that of the sorted list");
}

static void test_rest(void)
{
	static const char *const names[] = { "abxy", "abcd", NULL };
	const float v[13] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13 };
	const float in_order[7] = { -INFINITY, -2, -1, 0.5f, 3, 3, INFINITY };
	const double close_in_order[5] = { -INFINITY, -2, 1, 1 + 1e-15, INFINITY };
	float mixed[7] = { 3, -1, INFINITY, 0.5f, -INFINITY, 3, -2 };
	double close[5] = { INFINITY, 1 + 1e-15, -2, 1, -INFINITY };

	vector_sort(7, mixed);
	ok(!memcmp(mixed, in_order, sizeof mixed), "sorted: least first, with infinities");
	vector_sort_doubles(5, close);
	ok(!memcmp(close, close_in_order, sizeof close), "so are doubles, with all their digits");
	near(vector_sum(13, v), 91, 0, "a sum whose number of terms is not a multiple of eight");
	near(vector_dot(13, v, v), 819, 0, "a product");
	is_text(text_nearest("abdc", names), "abcd", "two letters swapped are one mistake");
}

/* Opening a temporary file checks again whether the target exists. */
static void test_temporary(void)
{
	char name[] = "/tmp/lacuna-base-XXXXXX", there[64];
	struct temporary t;
	struct stat st;
	FILE *file;

	if (!mkdtemp(name))
		exit(99);
	snprintf(there, sizeof there, "%s/there", name);
	file = fopen(there, "w");
	if (!file || fclose(file))
		exit(99);
	ok(temporary_open(&t, there, 0) == LACUNA_EIO &&
		   strstr(error_text(), "--force replaces it"),
	   "a file that exists is not replaced without force");
	ok(temporary_open(&t, name, 1) == LACUNA_EIO && strstr(error_text(), "is a directory"),
	   "a directory never is");
	ok(!temporary_open(&t, there, 1) && !fstat(t.fd, &st) && (st.st_mode & 0777) == 0600,
	   "with force it is; nobody else may read it before it is complete");
	ok(!temporary_commit(&t), "complete");
	unlink(there);
	ok(!rmdir(name), "nothing else was left");
}

static mode_t mode_of(const char *path)
{
	struct stat st;

	return stat(path, &st) ? 0 : st.st_mode & 07777;
}

static void test_modes(void)
{
	static const mode_t modes[] = { 0600, 0644, 0444, 0660, 02660, 01644 };
	char name[] = "/tmp/lacuna-modes-XXXXXX", path[64];
	int kept = 1;

	if (!mkdtemp(name))
		exit(99);
	snprintf(path, sizeof path, "%s/file", name);
	for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
		FILE *file = fopen(path, "w");
		struct temporary t;

		if (!file || fclose(file) || chmod(path, modes[i]))
			exit(99);
		kept &= !temporary_open(&t, path, 1);
		temporary_restrict(&t, 0);
		kept &= !temporary_commit(&t) && mode_of(path) == modes[i];
		unlink(path);
	}
	ok(kept, "a file that is replaced keeps all bits of its mode");
	rmdir(name);
}

/* If opening waited for a writer, the alarm would end the test. */
static void test_files(void)
{
	char name[] = "/tmp/lacuna-files-XXXXXX", path[64];

	if (!mkdtemp(name))
		exit(99);
	snprintf(path, sizeof path, "%s/fifo", name);
	if (mkfifo(path, 0600))
		exit(99);
	alarm(20);
	ok(file_open(path, NULL) == LACUNA_EIO && strstr(error_text(), "is not a regular file"),
	   "a named pipe is refused, not waited for");
	alarm(0);
	unlink(path);
	rmdir(name);
}

struct said {
	char all[64], later[64];
};

static void speak(void *context)
{
	struct said *said = context;
	size_t first;

	printf("first");
	first = child_printed();
	printf(" then");
	child_read_printed(0, said->all, sizeof said->all);
	child_read_printed(first, said->later, sizeof said->later);
}

static unsigned long no_progress(const void *context)
{
	(void)context;
	return 0;
}

/* Moves on for five times as long as it may stand still. */
static void advance(void *context)
{
	const struct timespec nap = { 0, 25000000 };

	puts("two");
	puts("lines");
	for (int i = 0; i < 40; i++) {
		nanosleep(&nap, NULL);
		++*(volatile unsigned long *)context;
	}
}

static unsigned long progress_of(const void *context)
{
	return *(const volatile unsigned long *)context;
}

static void leave(void *context)
{
	_exit(*(const int *)context);
}

/* A body that ends its process has not returned, whatever the status. */
static void test_exits(void)
{
	for (int status = 0; status < 4; status += 3) {
		struct child_end end;

		ok(!child_run(leave, &status, no_progress, 20, &end) && end.way == CHILD_EXITED &&
			   end.code == status,
		   "exit(%d) is no return", status);
	}
}

static void test_patience(void)
{
	unsigned long *progress = child_share(sizeof *progress);
	struct child_end end;

	ok(progress && !child_run(advance, progress, progress_of, 0.2, &end) &&
		   end.way == CHILD_RETURNED && *progress == 40,
	   "a child process that goes on may take longer than one step");
	is_text(end.printed, "two|lines", "lines are quoted in one");
	child_unshare(progress, sizeof *progress);
}

static void test_child(void)
{
	struct said *said = child_share(sizeof *said);
	struct child_end end;

	if (!ok(said && !child_run(speak, said, no_progress, 20, &end), "a child process"))
		return;
	ok(end.way == CHILD_RETURNED, "returns");
	is_text(end.printed, "first then", "what it printed is kept");
	is_text(said->all, "first then", "it can read that itself");
	is_text(said->later, " then", "from any place on");
	child_unshare(said, sizeof *said);
	test_exits();
	test_patience();
}

int main(void)
{
	test_child();
	test_error();
	test_memory();
	test_refused_memory();
	test_noise_moments();
	test_noise_streams();
	test_noise_bits();
	test_threads();
	test_failures();
	test_vectors();
	test_text();
	test_control_characters();
	test_long_words();
	test_numbers();
	test_temporary();
	test_modes();
	test_files();
	test_philox();
	test_budget();
	test_rest();
	test_select();
	threads_stop();
	return tap_done();
}
