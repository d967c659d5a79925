/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
#include "common/process-operator.h"

#include "common/process.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

/* Shared memory: x (or the point of the derivative), y, and x as the result of the adjoint. */
struct remote {
	const struct lacuna_host *host;
	struct process process;
	pthread_mutex_t lock; /* the program answers one call at a time */
	size_t x_bytes, y_bytes, y_place, x_place;
	int linear;
};

int process_operator_shape(const struct lacuna_host *host, const void *config, int from_y,
			   const struct lacuna_shape *known, struct lacuna_shape *wanted)
{
	char shape[128], request[256];
	struct process *p = host->alloc(host, sizeof *p);
	json_t *reply = NULL;
	int status;

	if (!p)
		return LACUNA_ENOMEM;
	status = process_open(host, config, "operator", p);
	if (!status) {
		process_write_shape(known, shape, sizeof shape);
		snprintf(request, sizeof request,
			 "{\"call\": \"shape\", \"from_y\": %s, \"shape\": %s}\n",
			 from_y ? "true" : "false", shape);
		status = process_ask(p, "shape", request, &reply);
		if (!status)
			status = process_read_shape(p, reply, wanted);
		process_close(p);
	}
	json_decref(reply);
	host->release(host, p);
	return status;
}

void process_operator_destroy(void *self)
{
	struct remote *r = self;

	if (!r)
		return;
	process_close(&r->process);
	pthread_mutex_destroy(&r->lock);
	r->host->release(r->host, r);
}

static int open_shapes(struct remote *r, const struct lacuna_shape *x, const struct lacuna_shape *y)
{
	char xs[128], ys[128], request[512];
	json_t *reply;
	int status = process_share(&r->process, r->x_place + r->x_bytes);

	if (status)
		return status;
	process_write_shape(x, xs, sizeof xs);
	process_write_shape(y, ys, sizeof ys);
	snprintf(request, sizeof request,
		 "{\"call\": \"open\", \"x\": %s, \"y\": %s, \"memory\": %zu}\n", xs, ys,
		 r->process.bytes);
	status = process_ask(&r->process, "open", request, &reply);
	if (status)
		return status;
	if (json_is_false(json_object_get(reply, "linear")) && r->linear)
		status = r->host->fail(r->host, LACUNA_EUNSUPPORTED,
				       "\"%s\" is not linear; use process-nonlinear:command=...",
				       r->process.command);
	json_decref(reply);
	return status;
}

int process_operator_create(const struct lacuna_host *host, const void *config, int linear,
			    const struct lacuna_shape *x, const struct lacuna_shape *y, void **self)
{
	struct remote *r = host->alloc(host, sizeof *r);
	int status;

	if (!r)
		return LACUNA_ENOMEM;
	r->host = host;
	r->linear = linear;
	r->x_bytes = sizeof(float) * lacuna_count(x);
	r->y_bytes = sizeof(float) * lacuna_count(y);
	r->y_place = process_align(r->x_bytes);
	r->x_place = r->y_place + process_align(r->y_bytes);
	pthread_mutex_init(&r->lock, NULL);
	status = process_open(host, config, "operator", &r->process);
	if (!status)
		status = open_shapes(r, x, y);
	if (status) {
		process_operator_destroy(r);
		return status;
	}
	*self = r;
	return LACUNA_OK;
}

int process_operator_apply(const void *self, void *scratch, const float *x, float *y)
{
	struct remote *r = (struct remote *)(uintptr_t)self; /* only written under the lock */
	char request[128];
	int status;

	(void)scratch;
	pthread_mutex_lock(&r->lock);
	snprintf(request, sizeof request, "{\"call\": \"apply\", \"x\": 0, \"y\": %zu}\n",
		 r->y_place);
	memcpy(r->process.memory, x, r->x_bytes);
	status = process_ask(&r->process, "apply", request, NULL);
	if (!status)
		memcpy(y, r->process.memory + r->y_place, r->y_bytes);
	pthread_mutex_unlock(&r->lock);
	return status;
}

int process_operator_adjoint(const void *self, void *scratch, const float *at, const float *y,
			     float *x)
{
	struct remote *r = (struct remote *)(uintptr_t)self; /* only written under the lock */
	char request[160];
	int status;

	(void)scratch;
	pthread_mutex_lock(&r->lock);
	snprintf(request, sizeof request,
		 "{\"call\": \"adjoint\", \"at\": %s, \"y\": %zu, \"x\": %zu}\n",
		 r->linear ? "null" : "0", r->y_place, r->x_place);
	if (!r->linear)
		memcpy(r->process.memory, at, r->x_bytes);
	memcpy(r->process.memory + r->y_place, y, r->y_bytes);
	status = process_ask(&r->process, "adjoint", request, NULL);
	if (!status)
		memcpy(x, r->process.memory + r->x_place, r->x_bytes);
	pthread_mutex_unlock(&r->lock);
	return status;
}
