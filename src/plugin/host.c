/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
#include <config.h>

#include "plugin/host.h"

#include "base/error.h"
#include "base/install.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/threads.h"

#include <fenv.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static host_reader *reader;

void host_install_reader(host_reader *new_reader)
{
	reader = new_reader;
}

/* ---- services of every plugin */

static void service_log(const struct lacuna_host *host, int level, const char *fmt, ...)
{
	va_list args;

	(void)host;
	va_start(args, fmt);
	log_vmessage(level, fmt, args);
	va_end(args);
}

static int service_fail(const struct lacuna_host *host, int status, const char *fmt, ...)
{
	va_list args;

	(void)host;
	va_start(args, fmt);
	error_vset(status, fmt, args);
	va_end(args);
	/* return host->fail(host, 0, ...) must not pass for success */
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
	(void)host;
	return memory_alloc(bytes);
}

static void service_release(const struct lacuna_host *host, void *block)
{
	(void)host;
	memory_release(block);
}

static int service_parallel(const struct lacuna_host *host, size_t n, size_t scratch,
			    lacuna_body *body, void *arg)
{
	(void)host;
	return threads_try(n, scratch, body, arg);
}

static void service_gaussian(const struct lacuna_host *host, uint64_t stream, uint64_t position,
			     float *out, size_t n)
{
	random_gaussian(*(const struct random_key *)host->data, stream, position, out, n);
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
	(void)host;
	return cancel_requested();
}

static int service_read_image(const struct lacuna_host *host, const char *path,
			      struct lacuna_shape *shape, float **values)
{
	(void)host;
	if (!reader)
		return error_set(LACUNA_EUNSUPPORTED, "%s: this program reads no images", path);
	return reader(path, shape, values);
}

/* ---- data files that were found, for reports */

static pthread_mutex_t found_lock = PTHREAD_MUTEX_INITIALIZER;
static char *found[16];

/* Beyond the room for them files are found all the same.  Not from memory_alloc(): what stays to the end of the process is no
 * leak of the plugin that has asked. */
static void remember(const char *path)
{
	size_t i = 0;

	pthread_mutex_lock(&found_lock);
	while (i < sizeof found / sizeof found[0] && found[i] && strcmp(found[i], path) != 0)
		i++;
	if (i < sizeof found / sizeof found[0] && !found[i])
		found[i] = strdup(path);
	pthread_mutex_unlock(&found_lock);
}

const char *host_data_file(size_t i)
{
	return i < sizeof found / sizeof found[0] ? found[i] : NULL;
}

static int service_data_path(const struct lacuna_host *host, const char *name, char *path,
			     size_t size)
{
	const char *list = secure_getenv("LACUNA_DATA_PATH");
	const char *entry = list ? list : "", *end;
	char installed[PATH_MAX];

	(void)host;
	install_path(LACUNA_DATA_DIR, installed, sizeof installed);
	/* An empty entry, as in LACUNA_PLUGIN_PATH, is the installed directory. */
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
	return error_set(LACUNA_EIO, "%s was not found in %s (LACUNA_DATA_PATH)", name,
			 list && *list ? list : installed);
}

static const void *no_extension(const struct lacuna_host *host, const char *name)
{
	(void)host, (void)name;
	return NULL;
}

void host_init(struct lacuna_host *table, const struct random_key *key)
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
		.extension = no_extension,
		.version = PACKAGE_VERSION,
	};

	*table = plain;
	table->data =
		(void *)(uintptr_t)key; /* the table hands it to gaussian(), which only reads */
}

int host_check_fp(const char *culprit)
{
	volatile float tiny = 1e-40f, one = 1.0f;
	const int exact = tiny * one != 0.0f && fegetround() == FE_TONEAREST;

	if (exact && !fegetexcept())
		return 1;
	fesetenv(FE_DFL_ENV);
	if (exact)
		error_set(
			LACUNA_EINVAL,
			"%s lets floating-point exceptions stop the whole process (feenableexcept)",
			culprit);
	else
		error_set(LACUNA_EINVAL,
			  "%s changes the floating-point arithmetic of the whole process; build it "
			  "without -ffast-math",
			  culprit);
	return 0;
}
