/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
#include "common/process-prior.h"

#include "common/process.h"

#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

/* Shared memory: u, x0, sigma. */
struct remote {
	const struct lacuna_host *host;
	struct process process;
	pthread_mutex_t lock; /* the program answers one call at a time */
	struct lacuna_prior_info info;
	struct lacuna_shape x;
	int map;    /* the program must take maps */
	int rounds; /* the program answers denoise_round */
	size_t bytes, x0_place, map_place;
};

void process_prior_destroy(void *self)
{
	struct remote *r = self;

	if (!r)
		return;
	process_close(&r->process);
	pthread_mutex_destroy(&r->lock);
	r->host->release(r->host, r);
}

static double number(const json_t *reply, const char *name, double otherwise)
{
	const json_t *value = json_object_get(reply, name);

	return json_is_number(value) ? json_number_value(value) : otherwise;
}

static int read_info(struct remote *r, const json_t *reply)
{
	struct lacuna_prior_info *i = &r->info;
	const int64_t channels = r->x.extent[2];

	i->channels = (int32_t)number(reply, "channels", 0);
	i->blind = json_is_true(json_object_get(reply, "blind"));
	i->symmetric = json_is_true(json_object_get(reply, "symmetric"));
	i->sigma_min = number(reply, "sigma_min", 0.002);
	i->sigma_max = number(reply, "sigma_max", 50);
	r->rounds = json_is_true(json_object_get(reply, "round"));
	if (i->channels < 0 || (i->channels && channels % i->channels))
		return r->host->fail(r->host, LACUNA_EINVAL,
				     "\"%s\" takes %d channels at a time, and the image has "
				     "%lld",
				     r->process.command, (int)i->channels, (long long)channels);
	if (!(i->sigma_min >= 0) || !(i->sigma_max > i->sigma_min) || isinf(i->sigma_max))
		return r->host->fail(
			r->host, LACUNA_EINVAL,
			"\"%s\" gives an invalid range of sigma: sigma_min %g, sigma_max %g",
			r->process.command, i->sigma_min, i->sigma_max);
	if (r->map && !json_is_true(json_object_get(reply, "map")))
		return r->host->fail(r->host, LACUNA_EUNSUPPORTED,
				     "\"%s\" does not take a map of sigma; use process:command=...",
				     r->process.command);
	return LACUNA_OK;
}

static int open_shape(struct remote *r)
{
	const struct lacuna_shape *x = &r->x;
	char shape[128], request[256];
	json_t *reply;
	int status = process_share(&r->process, 3 * process_align(sizeof(float) * lacuna_count(x)));

	if (status)
		return status;
	process_write_shape(x, shape, sizeof shape);
	snprintf(request, sizeof request, "{\"call\": \"open\", \"x\": %s, \"memory\": %zu}\n",
		 shape, r->process.bytes);
	status = process_ask(&r->process, "open", request, &reply);
	if (status)
		return status;
	status = read_info(r, reply);
	json_decref(reply);
	r->bytes = sizeof(float) * lacuna_count(x);
	if (r->info.channels)
		r->bytes = r->bytes / (size_t)x->extent[2] * (size_t)r->info.channels;
	r->x0_place = process_align(r->bytes);
	r->map_place = 2 * r->x0_place;
	return status;
}

int process_prior_create(const struct lacuna_host *host, const void *config, int map,
			 const struct lacuna_problem *problem, void **self)
{
	struct remote *r = host->alloc(host, sizeof *r);
	int status;

	if (!r)
		return LACUNA_ENOMEM;
	r->host = host;
	r->x = problem->x;
	r->map = map;
	pthread_mutex_init(&r->lock, NULL);
	status = process_open(host, config, "prior", &r->process);
	if (!status)
		status = open_shape(r);
	if (status) {
		process_prior_destroy(r);
		return status;
	}
	*self = r;
	return LACUNA_OK;
}

void process_prior_info(const void *self, struct lacuna_prior_info *i)
{
	const struct remote *r = self;
	const uint32_t size = i->size;

	*i = r->info;
	i->size = size;
}

/* One call of the program. map is NULL for a single sigma. */
static int ask(const void *self, const char *call, double sigma, const float *map, const float *u,
	       float *x0)
{
	struct remote *r = (struct remote *)(uintptr_t)self; /* only written under the lock */
	char level[64], request[256];
	int status;

	pthread_mutex_lock(&r->lock);
	status = process_renew(&r->process);
	if (status > 0)
		status = open_shape(r);
	if (status) {
		pthread_mutex_unlock(&r->lock);
		return status;
	}
	if (map)
		snprintf(level, sizeof level, "%zu", r->map_place);
	else
		snprintf(level, sizeof level, "%.17g", sigma);
	snprintf(request, sizeof request,
		 "{\"call\": \"%s\", \"sigma\": %s, \"u\": 0, \"x0\": %zu}\n", call, level,
		 r->x0_place);
	memcpy(r->process.memory, u, r->bytes);
	if (map)
		memcpy(r->process.memory + r->map_place, map, r->bytes);
	status = process_ask(&r->process, call, request, NULL);
	if (!status)
		memcpy(x0, r->process.memory + r->x0_place, r->bytes);
	pthread_mutex_unlock(&r->lock);
	return status;
}

int process_prior_denoise(const void *self, void *scratch, double sigma, const float *u, float *x0)
{
	(void)scratch;
	return ask(self, "denoise", sigma, NULL, u, x0);
}

int process_prior_round(const void *self, void *scratch, double sigma, const float *u, float *x0)
{
	const struct remote *r = self;

	(void)scratch;
	return ask(self, r->rounds ? "denoise_round" : "denoise", sigma, NULL, u, x0);
}

int process_prior_map(const void *self, void *scratch, const float *sigma, const float *u,
		      float *x0)
{
	(void)scratch;
	return ask(self, "denoise_map", 0, sigma, u, x0);
}
