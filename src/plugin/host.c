/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
#include <config.h>

#include "plugin/host.h"

#include "base/context.h"
#include "base/error.h"
#include "base/install.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/threads.h"
#include "plugin/fft.h"

#include <fenv.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void host_install_reader(host_reader *reader)
{
	struct context *c = context_current();

	pthread_mutex_lock(&c->host.lock);
	c->host.reader = reader;
	pthread_mutex_unlock(&c->host.lock);
}

/* ---- services of every plugin: they run in the host's context, even on a plugin's own thread ---- */

static struct context *enter(const struct lacuna_host *host)
{
	return context_enter(host_context(host)->context);
}

static void log_in(const struct lacuna_host *host, int level, const char *fmt, va_list args)
{
	struct context *before = enter(host);

	log_vmessage(level, fmt, args);
	context_leave(before);
}

static void service_log(const struct lacuna_host *host, int level, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	log_in(host, level, fmt, args);
	va_end(args);
}

static int service_fail(const struct lacuna_host *host, int status, const char *fmt, ...)
{
	struct context *before = enter(host);
	va_list args;

	va_start(args, fmt);
	error_vset(status, fmt, args);
	va_end(args);
	context_leave(before);
	/* `return host->fail(host, 0, ...)' must not mean success */
	return status < 0 ? status : LACUNA_EINTERNAL;
}

static void service_log_text(const struct lacuna_host *host, int level, const char *text)
{
	service_log(host, level, "%s", text);
}

static int service_fail_text(const struct lacuna_host *host, int status, const char *text)
{
	return service_fail(host, status, "%s", text);
}

static void *service_alloc(const struct lacuna_host *host, size_t bytes)
{
	struct context *before = enter(host);
	void *block = memory_alloc(bytes);

	context_leave(before);
	return block;
}

static void service_release(const struct lacuna_host *host, void *block)
{
	(void)host; /* a block knows its context */
	memory_release(block);
}

static int service_parallel(const struct lacuna_host *host, size_t n, size_t scratch,
			    lacuna_body *body, void *arg)
{
	struct context *before = enter(host);
	const int status = threads_try(n, scratch, body, arg);

	context_leave(before);
	return status;
}

static void service_gaussian(const struct lacuna_host *host, uint64_t stream, uint64_t position,
			     float *out, size_t n)
{
	struct context *before = enter(host);

	random_gaussian(host_context(host)->key, stream, position, out, n);
	context_leave(before);
}

/* SplitMix64: Steele, Lea, Flood, OOPSLA 2014 */
static double service_random(const struct lacuna_host *host, uint64_t key, uint64_t position)
{
	uint64_t z = key;

	(void)host;
	for (int round = 0; round < 2; round++) {
		z += UINT64_C(0x9e3779b97f4a7c15) * (position + 1);
		z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
		z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
		z ^= z >> 31;
	}
	return (double)(z >> 11) * 0x1p-53;
}

static int service_cancelled(const struct lacuna_host *host)
{
	struct context *before = enter(host);
	const int cancelled = cancel_requested();

	context_leave(before);
	return cancelled;
}

static int read_image(const char *path, struct lacuna_shape *shape, float **values)
{
	struct context *c = context_current();
	host_reader *reader;

	pthread_mutex_lock(&c->host.lock);
	reader = c->host.reader;
	pthread_mutex_unlock(&c->host.lock);
	if (!reader)
		return error_set(LACUNA_EUNSUPPORTED, "%s: this program cannot read images", path);
	return reader(path, shape, values);
}

static int service_read_image(const struct lacuna_host *host, const char *path,
			      struct lacuna_shape *shape, float **values)
{
	struct context *before = enter(host);
	const int status = read_image(path, shape, values);

	context_leave(before);
	return status;
}

/* ---- what a context remembers ---- */

/* Remembers found data files for reports.  When the list is full, further files are found but not listed.  Not from
 * memory_alloc(): the list lives as long as the context and is no leak of the plugin. */
static void remember(const char *path)
{
	struct context *c = context_current();
	const size_t room = sizeof c->host.found / sizeof c->host.found[0];
	size_t i = 0;

	pthread_mutex_lock(&c->host.lock);
	while (i < room && c->host.found[i] && strcmp(c->host.found[i], path) != 0)
		i++;
	if (i < room && !c->host.found[i])
		c->host.found[i] = strdup(path);
	pthread_mutex_unlock(&c->host.lock);
}

const char *host_data_file(size_t i)
{
	struct context *c = context_current();
	const char *path = NULL;

	pthread_mutex_lock(&c->host.lock);
	if (i < sizeof c->host.found / sizeof c->host.found[0])
		path = c->host.found[i];
	pthread_mutex_unlock(&c->host.lock);
	return path;
}

int host_first_time(const void *thing)
{
	struct context *c = context_current();
	const size_t room = sizeof c->host.told / sizeof c->host.told[0];
	size_t i = 0;
	int first;

	pthread_mutex_lock(&c->host.lock);
	while (i < room && c->host.told[i] && c->host.told[i] != thing)
		i++;
	first = i < room && !c->host.told[i];
	if (first)
		c->host.told[i] = thing;
	pthread_mutex_unlock(&c->host.lock);
	return first;
}

static int find_data(const char *name, char *path, size_t size)
{
	const char *list = secure_getenv("LACUNA_DATA_PATH");
	const char *entry = list ? list : "", *end;
	char installed[PATH_MAX];

	install_path(LACUNA_DATA_DIR, installed, sizeof installed);
	/* An empty entry means the installed directory, as in LACUNA_PLUGIN_PATH. */
	for (;; entry = end + 1) {
		int n;

		end = strchrnul(entry, ':');
		n = end == entry ? snprintf(path, size, "%s/%s", installed, name)
				 : snprintf(path, size, "%.*s/%s", (int)(end - entry), entry, name);
		if (n > 0 && (size_t)n < size && !access(path, R_OK)) {
			remember(path);
			return LACUNA_OK;
		}
		if (!*end)
			break;
	}
	return error_set(LACUNA_EIO, "%s was not found in %s (set LACUNA_DATA_PATH)", name,
			 list && *list ? list : installed);
}

static int service_data_path(const struct lacuna_host *host, const char *name, char *path,
			     size_t size)
{
	struct context *before = enter(host);
	const int status = find_data(name, path, size);

	context_leave(before);
	return status;
}

const void *host_extension(const struct lacuna_host *host, const char *name)
{
	(void)host;
	return strcmp(name, LACUNA_FFT) ? NULL : &fft_services;
}

/* Size and version keep their offsets in every version of the table: a plugin reads them before it relies on the rest. */
_Static_assert(offsetof(struct lacuna_host, size) == 0 && offsetof(struct lacuna_host, abi) == 4,
	       "a table of services must begin with its size and version");
_Static_assert(_Generic(((struct context *)0)->host.reader, host_reader * : 1, default : 0),
	       "a context keeps a host_reader");

void host_init(struct lacuna_host *table, struct host_context *context)
{
	static const struct lacuna_host plain = {
		.size = sizeof plain,
		.abi = LACUNA_ABI,
		.log = service_log,
		.fail = service_fail,
		.alloc = service_alloc,
		.release = service_release,
		.parallel = service_parallel,
		.gaussian = service_gaussian,
		.cancelled = service_cancelled,
		.read_image = service_read_image,
		.data_path = service_data_path,
		.random = service_random,
		.log_text = service_log_text,
		.fail_text = service_fail_text,
		.extension = host_extension,
		.version = PACKAGE_VERSION,
	};

	*table = plain;
	table->data = context;
	context->context = context_current();
}

int host_check_fp(const char *culprit)
{
	volatile float tiny = 1e-40f, one = 1.0f;
	const int exact = tiny * one != 0.0f && fegetround() == FE_TONEAREST;

	if (exact && !fegetexcept())
		return 1;
	fesetenv(FE_DFL_ENV);
	if (exact)
		error_set(LACUNA_EINVAL,
			  "%s makes floating-point exceptions stop the whole process "
			  "(feenableexcept)",
			  culprit);
	else
		error_set(LACUNA_EINVAL,
			  "%s changes the floating-point arithmetic of the whole process; build it "
			  "without -ffast-math",
			  culprit);
	return 0;
}
