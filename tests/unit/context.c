/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Contexts do not see each other: two in one thread, and several restorations in one process, each in its own thread.
 * tools/test.sh also runs this test with ThreadSanitizer. */
#include <config.h>

#include "base/context.h"
#include "base/error.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/random.h"
#include "base/temporary.h"
#include "base/threads.h"
#include "plugin/host.h"
#include "restore/restore.h"
#include "tests/tap.h"

#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- two contexts, one thread ------------------------------------------------------------------------ */

static void count_messages(void *context, int level, const char *text)
{
	(void)level, (void)text;
	++*(int *)context;
}

static void keep_message(void *context, int level, const char *text)
{
	(void)level;
	snprintf(context, 64, "%s", text);
}

static void test_apart(void)
{
	char kept[64] = "";
	struct context *a = context_create(), *b = context_create(), *before;
	int messages = 0;
	void *block;

	error_set(LACUNA_EIO, "mine");
	before = context_enter(a);
	ok(!*error_text(), "a new context has no message");
	error_file_set(LACUNA_EIO, "a.tif", "is broken");
	log_install(count_messages, &messages);
	memory_set_budget(1 << 20);
	threads_set(3);
	block = memory_alloc(1000);
	context_enter(b);
	ok(!*error_text() && !*error_file(), "nor what another has");
	log_message(LACUNA_LOG_WARN, "to nobody");
	ok(messages == 0, "what is logged in one is not in another's log");
	ok(memory_budget() == 0 && memory_live_blocks() == 0, "budget and blocks are its own");
	memory_release(block);
	memory_fail_after(0);
	ok(!memory_alloc(10), "memory fails here");
	cancel_request(a);
	ok(!cancel_requested(), "work here goes on");
	context_enter(a);
	block = memory_alloc(10);
	ok(block != NULL, "but not there");
	memory_release(block);
	ok(cancel_requested() && threads_count() == 3, "and there it was to stop");
	is_text(error_text(), "a.tif: is broken", "the message is still there");
	is_text(error_reason(), "is broken", "and its parts");
	ok(memory_live_blocks() == 0, "a block counts where it was taken, wherever it is released");
	ok(host_first_time(a) && !host_first_time(a), "once is once");
	log_message(LACUNA_LOG_WARN, "to the log");
	ok(messages == 1, "the log is there");
	log_install(keep_message, kept);
	log_message(LACUNA_LOG_WARN, "red: \033[31m, two\nlines");
	is_text(kept, "red: ?[31m, two?lines", "it gets no control characters");
	log_install(count_messages, &messages);
	context_enter(b);
	ok(host_first_time(a), "once in each");
	context_leave(before);
	is_text(error_text(), "mine", "what was before is as it was");
	ok(!cancel_requested() && memory_live_blocks() == 0, "in all");
	context_destroy(a);
	context_destroy(b);
}

/* ---- workers, and threads of plugins ----------------------------------------------------------------- */

static int fail_late(void *arg, size_t i, void *scratch)
{
	atomic_int *elsewhere = arg;

	(void)scratch;
	memory_release(memory_alloc(100));
	if (!cancel_requested())
		++*elsewhere;
	return i >= 700 ? error_set(LACUNA_EIO, "number %zu", i) : LACUNA_OK;
}

static void *call_host(void *arg)
{
	const struct lacuna_host *host = arg;
	void *block;

	host->fail(host, LACUNA_EIO, "from afar");
	host->log(host, LACUNA_LOG_WARN, "from afar");
	block = host->alloc(host, 1 << 20);
	host->release(host, block);
	return block || !host->cancelled(host) || *error_text() ? NULL : arg;
}

static void test_workers(void)
{
	struct context *c = context_create(), *before = context_enter(c);
	struct host_context context = { .owner = NULL };
	atomic_int elsewhere = 0;
	struct lacuna_host host;
	int messages = 0;
	pthread_t thread;
	void *right = NULL;

	threads_set(4);
	memory_set_budget(1 << 16);
	log_install(count_messages, &messages);
	cancel_request(c);
	ok(threads_try(1000, 64, fail_late, &elsewhere) == LACUNA_EIO && elsewhere == 0,
	   "workers work in their caller's context");
	is_text(error_text(), "number 700", "and the message of the first failure is kept there");
	host_init(&host, &context);
	ok(!pthread_create(&thread, NULL, call_host, &host) && !pthread_join(thread, &right),
	   "a thread of a plugin");
	ok(right == &host, "is served in its host's context");
	ok(strstr(error_text(), "MiB more are needed") && messages == 1,
	   "where its messages go (%s)", error_text());
	context_leave(before);
	ok(!*error_text(), "and nowhere else");
	context_destroy(c);
}

/* ---- restorations side by side ----------------------------------------------------------------------- */

enum { W = 48, H = 40, N = W * H, ROUNDS = 6 };
enum what { PLAIN, POOR, CANCELLED, FAILING, JOBS };

struct config {
	enum what what;
};

/* x ~ N(1/2, 0.2^2), value by value. */
struct gauss {
	const struct lacuna_host *host;
	enum what what;
	float *spare;
};

static int being_made; /* no lock: lacuna/plugin.h promises one create() at a time */
static int made_at_once;

static int create(const struct lacuna_host *host, const void *config,
		  const struct lacuna_problem *problem, void **self)
{
	struct gauss *g = host->alloc(host, sizeof *g);

	made_at_once |= being_made++;
	sched_yield();
	being_made--;
	if (!g)
		return LACUNA_ENOMEM;
	*g = (struct gauss){ host, ((const struct config *)config)->what, NULL };
	host->log(host, LACUNA_LOG_INFO, "job %d", g->what);
	g->spare = host->alloc(host, lacuna_count(&problem->x) * sizeof(float));
	if (!g->spare) {
		host->release(host, g);
		return LACUNA_ENOMEM;
	}
	*self = g;
	return LACUNA_OK;
}

static void destroy(void *self)
{
	struct gauss *g = self;

	made_at_once |= being_made;
	if (g)
		g->host->release(g->host, g->spare);
	if (g)
		g->host->release(g->host, g);
}

static void info(const void *self, struct lacuna_prior_info *i)
{
	(void)self;
	i->sigma_min = 1e-4;
	i->sigma_max = 1e6;
}

struct rows {
	const struct gauss *g;
	double sigma;
	const float *u;
	float *x0;
};

static int denoise_row(void *arg, size_t row, void *scratch)
{
	const struct rows *r = arg;
	const double s2 = r->sigma * r->sigma;

	(void)scratch;
	if (r->g->what == FAILING && row == H / 2)
		return r->g->host->fail(r->g->host, LACUNA_EIO, "broken on purpose");
	for (size_t i = row * W; i < (row + 1) * W; i++)
		r->x0[i] = (float)((r->u[i] * 0.04 + 0.5 * s2) / (0.04 + s2));
	return LACUNA_OK;
}

static int denoise(const void *self, void *scratch, double sigma, const float *u, float *x0)
{
	const struct gauss *g = self;
	struct rows rows = { g, sigma, u, x0 };

	(void)scratch;
	return g->host->parallel(g->host, H, 0, denoise_row, &rows);
}

struct task {
	enum what what;
	struct context *context;
	float y[N], *x; /* x: result of the last round */
	int status, wrong_logs, own_logs, leaks, rounds;
	char message[256];
};

static void take_log(void *context, int level, const char *text)
{
	struct task *t = context;
	int number;

	(void)level;
	if (sscanf(text, "job %d", &number) != 1)
		return;
	t->own_logs += number == (int)t->what;
	t->wrong_logs += number != (int)t->what;
}

static void progress(void *context, int64_t step, int64_t steps)
{
	const struct task *t = context;

	(void)steps;
	if (t->what == CANCELLED && step == 2)
		cancel_request(t->context);
}

static int restore_once(struct task *t)
{
	static const struct lacuna_plugin head = { .name = "gauss", .kind = LACUNA_PRIOR };
	const struct plugin prior = { .head = &head,
				      .u.prior = { .size = sizeof prior.u.prior,
						   .create = create,
						   .destroy = destroy,
						   .info = info,
						   .denoise = denoise } };
	struct config config = { t->what };
	struct method method = { .name = "best",
				 .prior = { .plugin = &prior, .config = &config },
				 .wish.prior = "gauss" };
	struct plugin_use op;
	struct restore_job job = { .operators = &op,
				   .operator_count = 1,
				   .method = &method,
				   .noise = { .sigma = 0.05 },
				   .samples = 1,
				   .progress = progress,
				   .context = t };
	const struct measurement m = {
		.name = "page 1", .y = t->y, .shape = { { W, H, 1, 1 } }, .hi = 1
	};
	struct restore_record record = { 0 };
	float *std = NULL;
	int status = use_parse(LACUNA_OPERATOR, "blur:sigma=1.2", &op);

	if (status)
		return status;
	status = use_parse(LACUNA_SAMPLER, "hqs:steps=5", &method.sampler);
	if (t->what == POOR)
		memory_set_budget(memory_live_bytes() + 30000);
	memory_release(t->x);
	t->x = NULL;
	if (!status)
		status = restore_image(&job, &m, &t->x, &std, &record);
	memory_release(std);
	restore_record_free(&record);
	memory_set_budget(0);
	use_free(&op);
	use_free(&method.sampler);
	return status;
}

static void *run_task(void *arg)
{
	struct task *t = arg;

	t->context = context_create();
	context_enter(t->context);
	log_install(take_log, t);
	threads_set(2 + (int)t->what % 2);
	for (t->rounds = 0; t->rounds < ROUNDS; t->rounds++)
		t->status = restore_once(t);
	if (t->status)
		snprintf(t->message, sizeof t->message, "%s", error_text());
	t->leaks = memory_live_blocks() != (t->x != NULL);
	context_leave(NULL);
	return NULL;
}

static void test_restorations(void)
{
	static struct task alone = { .what = PLAIN }, tasks[JOBS];
	pthread_t threads[JOBS];

	for (int k = 0; k < JOBS; k++) {
		tasks[k].what = (enum what)k;
		random_gaussian((struct random_key){ 7, 0, 0 }, 0, 0, tasks[k].y, N);
		for (int i = 0; i < N; i++)
			tasks[k].y[i] = 0.5f + 0.1f * tasks[k].y[i];
	}
	memcpy(alone.y, tasks[PLAIN].y, sizeof alone.y);
	run_task(&alone);
	ok(!alone.status && alone.x, "one restoration: %s", alone.message);
	for (int k = 0; k < JOBS; k++)
		ok(!pthread_create(&threads[k], NULL, run_task, &tasks[k]), "another");
	for (int k = 0; k < JOBS; k++)
		pthread_join(threads[k], NULL);

	ok(tasks[PLAIN].status == LACUNA_OK && !*tasks[PLAIN].message,
	   "beside one that is poor, one that is stopped and one that fails, it goes well (%s)",
	   tasks[PLAIN].message);
	ok(tasks[PLAIN].x && alone.x && !memcmp(tasks[PLAIN].x, alone.x, N * sizeof(float)),
	   "and gives the same bits");
	ok(tasks[POOR].status == LACUNA_ENOMEM && strstr(tasks[POOR].message, "memory limit"),
	   "the poor one has no memory (%s)", tasks[POOR].message);
	ok(tasks[CANCELLED].status == LACUNA_ECANCELLED, "the stopped one is stopped");
	ok(strstr(tasks[CANCELLED].message, "cancelled") != NULL, "as it says (%s)",
	   tasks[CANCELLED].message);
	ok(tasks[FAILING].status == LACUNA_EIO &&
		   strstr(tasks[FAILING].message, "prior \"gauss\": broken on purpose"),
	   "the failing one says why (%s)", tasks[FAILING].message);
	for (int k = 0; k < JOBS; k++)
		ok(!tasks[k].wrong_logs && tasks[k].rounds == ROUNDS &&
			   (k == POOR || tasks[k].own_logs == ROUNDS),
		   "job %d: its log is its own (%d, %d of others)", k, tasks[k].own_logs,
		   tasks[k].wrong_logs);
	for (int k = 0; k < JOBS; k++) {
		ok(!tasks[k].leaks, "nothing leaks");
		memory_release(tasks[k].x);
		context_destroy(tasks[k].context);
	}
	memory_release(alone.x);
	context_destroy(alone.context);
	ok(!made_at_once, "no two plugins are made at once");
}

/* ---- services that need no context of their own */

static int by_value(const void *a, const void *b)
{
	const double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* SplitMix64: Steele, Lea, Flood 2014 */
static uint64_t split_mix(uint64_t state)
{
	uint64_t z = state + UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

static void test_services(void)
{
	enum { DRAWS = 100000 };
	struct host_context context = { .key = { 1, 0, 0 } };
	struct lacuna_host host;
	double values[129], sum = 0;
	int failed = 1, different = 1;

	host_init(&host, &context);
	for (int status = -9; status < 4; status++) {
		const int result = host.fail(&host, status, "because of %d", status);

		failed &= status < 0 ? result == status : result < 0;
	}
	ok(failed, "fail() never means success");
	error_clear();

	values[128] = host.random(&host, 0, 0);
	for (int bit = 0; bit < 64; bit++) {
		values[bit] = host.random(&host, UINT64_C(1) << bit, 0);
		values[64 + bit] = host.random(&host, 0, UINT64_C(1) << bit);
	}
	qsort(values, 129, sizeof *values, by_value);
	for (int i = 1; i < 129; i++)
		different &= values[i] > values[i - 1];
	ok(different && values[0] >= 0 && values[128] < 1, "each bit of key and position counts");
	/* A mask keeps its pixels in later versions: SplitMix64's first output for 0, and again. */
	near(host.random(&host, 0, 0), (double)(split_mix(split_mix(0)) >> 11) * 0x1p-53, 0,
	     "random() of the first key and position");
	ok(split_mix(0) == UINT64_C(0xe220a8397b1dcdaf), "the authors' known answer");
	for (uint64_t i = 0; i < DRAWS; i++)
		sum += host.random(&host, 7, i) / DRAWS;
	near(sum, 0.5, 5 * sqrt(1 / 12.0 / DRAWS), "random() has mean 1/2");
}

/* ---- what the process shares ------------------------------------------------------------------------- */

enum { SIDES = 4, FILES = 40 };

static char folder[] = "/tmp/lacuna-context-XXXXXX";

/* What each of several threads does; body() returns the number of things that were wrong. */
struct side {
	int number;
	int (*body)(const struct side *);
	struct context *context; /* NULL: one of its own */
	int wrong;
};

static void *run_side(void *arg)
{
	struct side *s = arg;
	struct context *c = s->context ? s->context : context_create();

	context_enter(c);
	s->wrong = s->body(s);
	context_leave(NULL);
	if (!s->context)
		context_destroy(c);
	return NULL;
}

static int side_by_side(int (*body)(const struct side *), struct context *context)
{
	struct side sides[SIDES];
	pthread_t threads[SIDES];
	int wrong = 0;

	for (int k = 0; k < SIDES; k++) {
		sides[k] = (struct side){ k, body, context, 0 };
		if (pthread_create(&threads[k], NULL, run_side, &sides[k]))
			exit(99);
	}
	for (int k = 0; k < SIDES; k++) {
		pthread_join(threads[k], NULL);
		wrong += sides[k].wrong;
	}
	return wrong;
}

static void count_one(void *arg, size_t i)
{
	((int *)arg)[i]++;
}

/* Some threads change their mind about how many help them; the workers of the others stay. */
static int use_pool(const struct side *s)
{
	int seen[50] = { 0 }, wrong = 0;

	threads_set(4);
	for (int round = 1; round <= 200; round++) {
		if (s->number % 2)
			threads_set(2 + round % 3);
		threads_parallel(50, count_one, seen);
		if (s->number % 2 == 0)
			wrong += threads_running() < 3;
		for (int i = 0; i < 50; i++)
			wrong += seen[i] != round;
	}
	return wrong;
}

static void name_file(char *path, size_t size, int side, int i)
{
	snprintf(path, size, "%s/%d-%d", folder, side, i);
}

static int write_files(const struct side *s)
{
	struct temporary t;
	char path[64];
	int wrong = 0;

	for (int i = 0; i < FILES; i++) {
		name_file(path, sizeof path, s->number, i);
		if (temporary_open(&t, path, 0) || write(t.fd, path, sizeof path) < 0) {
			wrong++;
			continue;
		}
		if (i % 2)
			wrong += temporary_commit(&t) != 0;
		else
			temporary_abandon(&t);
	}
	return wrong;
}

static int is_written(int side, int i)
{
	char path[64], text[64] = "";
	int fd;

	name_file(path, sizeof path, side, i);
	fd = open(path, O_RDONLY);
	if (fd < 0)
		return 0;
	if (read(fd, text, sizeof text) < 0)
		*text = '\0';
	close(fd);
	unlink(path);
	return !strcmp(text, path);
}

static pthread_barrier_t meeting;

/* One thread removes the files of all.  Their memory belongs to the threads' contexts. */
static int leave_file(const struct side *s)
{
	struct temporary t;
	char path[64];
	int wrong;

	name_file(path, sizeof path, s->number, 0);
	wrong = temporary_open(&t, path, 0);
	pthread_barrier_wait(&meeting);
	if (s->number == 0) {
		temporary_remove_all();
		wrong |= rmdir(folder);
	}
	pthread_barrier_wait(&meeting);
	temporary_abandon(&t);
	return wrong;
}

/* One thread removes what the others create.  They meet at names that exist, so ThreadSanitizer sees who changes a name. */
static int create_amid_removal(const struct side *s)
{
	struct temporary t;
	char path[64];

	for (int i = 0; i < FILES; i++) {
		name_file(path, sizeof path, s->number, i);
		if (s->number == 0)
			temporary_remove_all();
		else if (!temporary_open(&t, path, 0))
			temporary_abandon(&t);
	}
	error_clear();
	return 0;
}

static int find_files(const struct side *s)
{
	struct host_context context = { .owner = NULL };
	struct lacuna_host host;
	char path[64], name[16];
	int wrong = 0;

	host_init(&host, &context);
	for (int i = 0; i < FILES; i++) {
		snprintf(name, sizeof name, "%d-%d", s->number, i % 3);
		wrong += host.data_path(&host, name, path, sizeof path) != 0;
		for (size_t j = 0; host_data_file(j); j++)
			wrong += access(host_data_file(j), R_OK) != 0;
	}
	return wrong;
}

static void test_shared(void)
{
	struct context *together = context_create();
	int right = 1, listed = 0;
	char path[64];

	if (!mkdtemp(folder))
		exit(99);
	ok(!side_by_side(use_pool, NULL), "threads that use the pool do not stop each other");
	ok(!side_by_side(write_files, NULL), "files written side by side");
	for (int side = 0; side < SIDES; side++)
		for (int i = 0; i < FILES; i++)
			right &= is_written(side, i) == i % 2;
	ok(right, "hold what was written to them");
	pthread_barrier_init(&meeting, NULL, SIDES);
	ok(!side_by_side(leave_file, NULL),
	   "temporaries of several threads are removed together; nothing else is left");
	pthread_barrier_destroy(&meeting);
	mkdir(folder, 0700);
	ok(!side_by_side(create_amid_removal, NULL) && !rmdir(folder),
	   "temporaries that are removed while others are created leave nothing");

	mkdir(folder, 0700);
	setenv("LACUNA_DATA_PATH", folder, 1);
	for (int k = 0; k < SIDES * 3; k++) {
		name_file(path, sizeof path, k / 3, k % 3);
		close(open(path, O_WRONLY | O_CREAT, 0600));
	}
	ok(!side_by_side(find_files, together), "data files are found by several threads");
	context_enter(together);
	while (host_data_file((size_t)listed))
		unlink(host_data_file((size_t)listed++));
	context_leave(NULL);
	ok(listed == SIDES * 3 && !rmdir(folder), "each is listed once");
	context_destroy(together);
}

int main(void)
{
	test_services();
	test_apart();
	error_clear();
	test_workers();
	test_restorations();
	test_shared();
	ok(!*error_text() && !cancel_requested() && memory_live_blocks() == 0,
	   "of all that nothing was here");
	threads_stop();
	return tap_done();
}
