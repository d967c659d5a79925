/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Prior "unet": agrees with PyTorch (tools/train/golden.py made the files); tiles and threads do not change the result;
 * damaged weights are refused; its vjp is the transposed derivative. */
#include <config.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/threads.h"
#include "common/neural/weights.h"
#include "plugin/host.h"
#include "plugin/loader.h"
#include "../tap.h"

#include <lacuna/deviation.h>
#include <lacuna/progress.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct host_context context;
static struct lacuna_host host;

struct sample {
	struct lacuna_shape shape;
	float *u, *sigma, *map, *plain, *round;
};

static _Noreturn void bail(const char *what)
{
	tap_bail("%s: %s", what, error_text());
}

static float *array(size_t n)
{
	float *p = memory_alloc_array(n, sizeof *p);

	if (!p)
		bail("memory");
	return p;
}

static const char *golden(const char *name)
{
	static char path[2][1024];
	static int k;

	k = !k;
	snprintf(path[k], sizeof path[k], "%s/tests/golden/%s", getenv("abs_top_srcdir"), name);
	return path[k];
}

static void read_sample(const char *name, int channels, struct sample *s)
{
	const int64_t shape[3] = { channels, 37, 45 };
	const size_t n = (size_t)channels * 37 * 45;
	struct weights *w;

	s->shape = (struct lacuna_shape){ { 45, 37, channels, 1 } };
	s->u = array(n);
	s->sigma = array(n);
	s->map = array(n);
	s->plain = array(n);
	s->round = array(n);
	if (weights_open(&host, golden(name), &w) || weights_tensor(w, "u", 3, shape, s->u) ||
	    weights_tensor(w, "sigma", 3, shape, s->sigma) ||
	    weights_tensor(w, "map", 3, shape, s->map) ||
	    weights_tensor(w, "plain", 3, shape, s->plain) ||
	    weights_tensor(w, "round", 3, shape, s->round))
		bail(name);
	weights_close(w);
}

static void free_sample(struct sample *s)
{
	memory_release(s->u);
	memory_release(s->sigma);
	memory_release(s->map);
	memory_release(s->plain);
	memory_release(s->round);
}

struct question {
	double sigma;
	const float *map; /* one sigma per value, or NULL */
	const float *v;	  /* if not NULL, asks for vjp() of this */
	const float *w;	  /* the same for jvp() */
	int round;	  /* of a plug-and-play iteration */
};

static int ask(const char *spec, const struct lacuna_shape *shape, const struct question *q,
	       const float *u, float *x0)
{
	struct lacuna_problem problem = { .size = sizeof problem,
					  .flags = q->v	  ? LACUNA_DERIVATIVE
						   : q->w ? LACUNA_TANGENT
							  : 0,
					  .x = *shape,
					  .y = *shape };
	struct plugin_use use;
	const struct lacuna_prior *p;
	void *self, *scratch;
	int status;

	if (use_parse(LACUNA_PRIOR, spec, &use))
		bail(spec);
	p = &use.plugin->u.prior;
	status = p->create(&host, use.config, &problem, &self);
	if (!status) {
		scratch = memory_alloc(p->scratch(self));
		if (!scratch)
			bail("memory");
		status = q->v	    ? p->vjp(self, scratch, q->sigma, u, q->v, x0)
			 : q->w	    ? p->jvp(self, scratch, q->sigma, u, q->w, x0)
			 : q->map   ? p->denoise_map(self, scratch, q->map, u, x0)
			 : q->round ? p->denoise_round(self, scratch, q->sigma, u, x0)
				    : p->denoise(self, scratch, q->sigma, u, x0);
		memory_release(scratch);
		p->destroy(self);
	}
	use_free(&use);
	return status;
}

static int run(const char *spec, const struct lacuna_shape *shape, const float *map, const float *u,
	       float *x0)
{
	const struct question q = { .sigma = 0.1, .map = map };

	return ask(spec, shape, &q, u, x0);
}

static double distance(size_t n, const float *a, const float *b)
{
	double most = 0;

	for (size_t i = 0; i < n; i++) {
		double d = fabs((double)a[i] - b[i]);

		most = d > most || isnan(d) ? d : most;
	}
	return most;
}

/* Root mean square of a - b relative to that of b - 1/2. */
static double relative(size_t n, const float *a, const float *b)
{
	double difference = 0, size = 0;

	for (size_t i = 0; i < n; i++) {
		difference += ((double)a[i] - b[i]) * ((double)a[i] - b[i]);
		size += (b[i] - 0.5) * (b[i] - 0.5);
	}
	return sqrt(difference / size);
}

static void agrees_with_pytorch(const char *weights, const char *values, int channels)
{
	struct sample s;
	size_t n;
	float *x0;
	char spec[1200];

	read_sample(values, channels, &s);
	n = lacuna_count(&s.shape);
	x0 = array(n);
	snprintf(spec, sizeof spec, "unet:precision=f32,weights=%s", golden(weights));
	if (run(spec, &s.shape, NULL, s.u, x0))
		bail(spec);
	near(distance(n, x0, s.plain), 0, 1e-4, "one sigma, f32");
	if (run(spec, &s.shape, s.sigma, s.u, x0))
		bail(spec);
	near(distance(n, x0, s.map), 0, 1e-4, "map of sigma, f32");
	if (ask(spec, &s.shape, &(struct question){ .sigma = 0.1, .round = 1 }, s.u, x0))
		bail(spec);
	near(distance(n, x0, s.round), 0, 1e-4, "a round, f32");
	snprintf(spec, sizeof spec, "unet:precision=bf16,weights=%s", golden(weights));
	if (run(spec, &s.shape, NULL, s.u, x0))
		skip("no bf16 on this processor", "one sigma, bf16");
	else /* 8 bits of mantissa; the random network does not damp errors */
		near(relative(n, x0, s.plain), 0, 0.02, "one sigma, bf16");
	memory_release(x0);
	free_sample(&s);
}

static int ask_deviation(const char *spec, const struct lacuna_shape *shape,
			 const struct lacuna_estimate *e, float *out)
{
	const struct lacuna_problem problem = { .size = sizeof problem, .x = *shape, .y = *shape };
	const struct lacuna_prior_deviation *table;
	struct plugin_use use;
	void *self;
	int status;

	if (use_parse(LACUNA_PRIOR, spec, &use))
		bail(spec);
	table = plugin_extension(use.plugin, LACUNA_DEVIATION);
	if (use.plugin->u.prior.create(&host, use.config, &problem, &self))
		bail(spec);
	status = table->deviation(self, e, out);
	use.plugin->u.prior.destroy(self);
	use_free(&use);
	return status;
}

/* Checks that create() fails with this text. */
static void refused(const char *spec, const struct lacuna_shape *shape, const char *why)
{
	const struct lacuna_problem problem = { .size = sizeof problem, .x = *shape, .y = *shape };
	struct plugin_use use;
	void *self;

	if (use_parse(LACUNA_PRIOR, spec, &use))
		bail(spec);
	ok(use.plugin->u.prior.create(&host, use.config, &problem, &self) < 0 &&
		   strstr(error_text(), why),
	   "refused before any work: %s", error_text());
	use_free(&use);
}

static void deviation_agrees_with_pytorch(void)
{
	static const char *const names[] = { "mixed", "pixelwise" };
	const int64_t extent[3] = { 3, 37, 45 };
	const struct lacuna_shape shape = { { 45, 37, 3, 1 } };
	const size_t n = lacuna_count(&shape);
	float *x = array(n), *guess = array(n), *want = array(n), *got = array(n);
	const struct lacuna_estimate mixed = { sizeof mixed, 0, x, guess, 0.05 };
	struct weights *file;
	char spec[2600];

	if (weights_open(&host, golden("unet-deviation-values.safetensors"), &file) ||
	    weights_tensor(file, "x", 3, extent, x) ||
	    weights_tensor(file, "guess", 3, extent, guess))
		bail("values of the deviation");
	snprintf(spec, sizeof spec, "unet:precision=f32,weights=%s,deviation=%s",
		 golden("unet-color.safetensors.gz"), golden("unet-deviation.safetensors"));
	for (int i = 0; i < 2; i++) {
		const struct lacuna_estimate e = { sizeof e, i, x, guess, 0.05 };
		double most = 0;

		if (weights_tensor(file, names[i], 3, extent, want) ||
		    ask_deviation(spec, &shape, &e, got))
			bail(names[i]);
		for (size_t k = 0; k < n; k++)
			most = fmax(most, fabs(log((double)got[k] / (double)want[k])));
		near(most, 0, 1e-4, names[i]);
	}
	snprintf(spec, sizeof spec, "unet:weights=%s", golden("unet-color.safetensors.gz"));
	ok(ask_deviation(spec, &shape, &mixed, got) == LACUNA_EUNSUPPORTED,
	   "own weights without a network for the deviation have none");
	snprintf(spec, sizeof spec, "unet:weights=%s,deviation=%s",
		 golden("unet-color.safetensors.gz"), golden("unet-color.safetensors.gz"));
	refused(spec, &shape, "not a network for the deviation");
	snprintf(spec, sizeof spec, "unet:deviation=absent.safetensors");
	refused(spec, &shape, "absent.safetensors");
	weights_close(file);
	memory_release(x);
	memory_release(guess);
	memory_release(want);
	memory_release(got);
}

static double inner(size_t n, const float *a, const float *b)
{
	double sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += (double)a[i] * b[i];
	return sum;
}

/* Against PyTorch's gradient of v . x0, and jvp() against that: (J'v, J'v) = (v, J J'v).  Some pixels of u lie far outside of the network's range. */
static void derivative_agrees_with_pytorch(const char *weights, const char *values, int channels,
					   int levels)
{
	static const double sigma[] = { 0.1, 0.01, 3 };
	static const char *const names[] = { "vjp.0.1", "vjp.0.01", "vjp.3" };
	const int64_t extent[3] = { channels, 37, 45 };
	const struct lacuna_shape shape = { { 45, 37, channels, 1 } };
	const size_t n = lacuna_count(&shape);
	float *u = array(n), *v = array(n), *want = array(n), *got = array(n);
	struct weights *file;
	char spec[1200];

	if (weights_open(&host, golden(values), &file) || weights_tensor(file, "u", 3, extent, u) ||
	    weights_tensor(file, "v", 3, extent, v))
		bail(values);
	snprintf(spec, sizeof spec, "unet:weights=%s", golden(weights));
	for (int i = 0; i < levels; i++) {
		const struct question q = { .sigma = sigma[i], .v = v };
		double difference = 0, size = 0;

		if (weights_tensor(file, names[i], 3, extent, want) ||
		    ask(spec, &shape, &q, u, got))
			bail(names[i]);
		for (size_t k = 0; k < n; k++) {
			difference += ((double)got[k] - want[k]) * ((double)got[k] - want[k]);
			size += (double)want[k] * want[k];
		}
		near(sqrt(difference / size), 0, 1e-4, names[i]);
		if (ask(spec, &shape, &(struct question){ .sigma = sigma[i], .w = want }, u, got))
			bail("jvp");
		near(inner(n, v, got) / size, 1, 1e-4, "and the derivative along it");
	}
	weights_close(file);
	memory_release(u);
	memory_release(v);
	memory_release(want);
	memory_release(got);
}

/* (J'v, J'v) = (v, J J'v), the right side by central differences, for a trained network.  The shape takes several tiles. */
static void is_the_transposed_derivative(int channels)
{
	static const double levels[] = { 0.01, 0.1, 1, 20 };
	const struct lacuna_shape shape = { { 301, 37, channels, 1 } };
	const size_t n = lacuna_count(&shape);
	float *u = array(n), *v = array(n), *jv = array(n), *a = array(n), *b = array(n);
	const char *spec = "unet:precision=f32,model=photo-small,tile=32";
	char name[80];

	for (size_t i = 0; i < sizeof levels / sizeof *levels; i++) {
		const double sigma = levels[i];
		const struct question q = { .sigma = sigma, .v = v }, plain = { .sigma = sigma };
		double square, step;

		host.gaussian(&host, 0, 0, u, n);
		host.gaussian(&host, 1, 0, v, n);
		for (size_t k = 0; k < n; k++)
			u[k] = (float)(0.5 + 0.2 * sin(0.1 * (double)k) + sigma * u[k]);
		if (ask(spec, &shape, &q, u, jv))
			bail(spec);
		square = inner(n, jv, jv);
		step = 0.001 * sigma / sqrt(square / (double)n);
		for (size_t k = 0; k < n; k++)
			u[k] += (float)step * jv[k];
		if (ask(spec, &shape, &plain, u, a))
			bail(spec);
		for (size_t k = 0; k < n; k++)
			u[k] -= 2 * (float)step * jv[k];
		if (ask(spec, &shape, &plain, u, b))
			bail(spec);
		snprintf(name, sizeof name, "%d channels, sigma %g: J'v is the derivative's",
			 channels, sigma);
		near((inner(n, v, a) - inner(n, v, b)) / (2 * step * square), 1, 1e-2, name);
	}
	memory_release(u);
	memory_release(v);
	memory_release(jv);
	memory_release(a);
	memory_release(b);
}

/* A larger image; each value is a hash of its position. */
static void make_image(const struct lacuna_shape *shape, float *u, float *sigma)
{
	for (size_t i = 0; i < lacuna_count(shape); i++) {
		uint32_t z = (uint32_t)i * UINT32_C(2654435761);

		z = (z ^ z >> 15) * UINT32_C(0x85ebca6b);
		u[i] = (float)(z >> 8) * 0x1p-24F;
		sigma[i] = z & 1 ? 0.002F : 50;
	}
}

static void tiles_and_threads(int64_t w, int64_t h)
{
	const struct lacuna_shape shape = { { w, h, 1, 1 } };
	const size_t n = lacuna_count(&shape);
	float *u = array(n), *sigma = array(n), *whole = array(n), *other = array(n);
	const struct question q[2] = { { .sigma = 0.2, .v = sigma }, { .sigma = 0.2, .w = sigma } };
	char spec[2][1200];

	make_image(&shape, u, sigma);
	snprintf(spec[0], sizeof *spec, "unet:precision=f32,weights=%s",
		 golden("unet-gray.safetensors"));
	snprintf(spec[1], sizeof spec[1], "unet:precision=f32,tile=32,weights=%s",
		 golden("unet-gray.safetensors"));
	if (run(spec[0], &shape, sigma, u, whole))
		bail(spec[0]);
	threads_set(3);
	if (run(spec[0], &shape, sigma, u, other))
		bail(spec[0]);
	ok(!memcmp(whole, other, n * sizeof *u), "%d x %d: three threads give the bits of one",
	   (int)w, (int)h);
	threads_set(1);
	if (run(spec[1], &shape, sigma, u, other))
		bail(spec[1]);
	near(distance(n, whole, other), 0, 1e-5, "tiled equals untiled");

	host.gaussian(&host, 0, 0, sigma, n);
	for (int i = 0; i < 2; i++) {
		if (ask(spec[1], &shape, &q[i], u, other) || ask(spec[0], &shape, &q[i], u, whole))
			bail(spec[1]);
		near(distance(n, whole, other), 0, 2e-5,
		     i ? "so is that along a direction" : "so is the transposed derivative");
		threads_set(3);
		if (ask(spec[0], &shape, &q[i], u, other))
			bail(spec[0]);
		ok(!memcmp(whole, other, n * sizeof *u),
		   "of which three threads give the bits of one");
		threads_set(1);
	}
	memory_release(u);
	memory_release(sigma);
	memory_release(whole);
	memory_release(other);
}

/* The work space for a large image stays within `memory' MB and uses most of them. */
static void budget(int memory, uint32_t flags)
{
	struct lacuna_problem problem = { .size = sizeof problem,
					  .flags = flags,
					  .x = { { 6000, 4000, 1, 1 } },
					  .y = { { 6000, 4000, 1, 1 } } };
	struct plugin_use use;
	size_t bytes;
	void *self;
	char spec[1200];

	snprintf(spec, sizeof spec, "unet:precision=f32,memory=%d,weights=%s", memory,
		 golden("unet-gray.safetensors"));
	if (use_parse(LACUNA_PRIOR, spec, &use) ||
	    use.plugin->u.prior.create(&host, use.config, &problem, &self))
		bail(spec);
	bytes = use.plugin->u.prior.scratch(self) >> 20;
	ok(bytes < (size_t)memory && bytes > (size_t)memory / 2, "%d MB: %d in use", memory,
	   (int)bytes);
	use.plugin->u.prior.destroy(self);
	use_free(&use);
}

static size_t instance_bytes(uint32_t flags)
{
	const struct lacuna_problem problem = { .size = sizeof problem,
						.flags = flags,
						.x = { { 64, 64, 1, 1 } },
						.y = { { 64, 64, 1, 1 } } };
	const size_t before = memory_live_bytes();
	struct plugin_use use;
	size_t bytes;
	void *self;
	char spec[1200];

	snprintf(spec, sizeof spec, "unet:precision=f32,weights=%s",
		 golden("unet-gray.safetensors"));
	if (use_parse(LACUNA_PRIOR, spec, &use) ||
	    use.plugin->u.prior.create(&host, use.config, &problem, &self))
		bail(spec);
	bytes = memory_live_bytes() - before;
	use.plugin->u.prior.destroy(self);
	use_free(&use);
	return bytes;
}

/* The network for jvp() uses the weights of the other in single precision; only that for vjp() has its own. */
static void weights_are_packed_once(void)
{
	const size_t plain = instance_bytes(0), forward = instance_bytes(LACUNA_TANGENT);
	const size_t transposed = instance_bytes(LACUNA_DERIVATIVE);

	ok(forward == plain, "%zu bytes, with jvp() %zu", plain, forward);
	ok(transposed > plain && transposed < 2 * plain, "with vjp() %zu", transposed);
}

/* The derivative's networks are created on request only. */
static void derivative_needs_a_word(void)
{
	struct lacuna_problem problem = { .size = sizeof problem,
					  .x = { { 20, 20, 1, 1 } },
					  .y = { { 20, 20, 1, 1 } } };
	float u[400] = { 0 }, v[400] = { 0 }, out[400];
	struct plugin_use use;
	void *self, *scratch;
	char spec[1200];

	snprintf(spec, sizeof spec, "unet:weights=%s", golden("unet-gray.safetensors"));
	if (use_parse(LACUNA_PRIOR, spec, &use) ||
	    use.plugin->u.prior.create(&host, use.config, &problem, &self))
		bail(spec);
	scratch = memory_alloc(use.plugin->u.prior.scratch(self));
	ok(use.plugin->u.prior.vjp(self, scratch, 0.1, u, v, out) == LACUNA_EUNSUPPORTED &&
		   use.plugin->u.prior.jvp(self, scratch, 0.1, u, v, out) == LACUNA_EUNSUPPORTED,
	   "no derivative where none was announced");
	memory_release(scratch);
	use.plugin->u.prior.destroy(self);
	problem.flags = LACUNA_DERIVATIVE;
	if (use.plugin->u.prior.create(&host, use.config, &problem, &self))
		bail(spec);
	scratch = memory_alloc(use.plugin->u.prior.scratch(self));
	ok(use.plugin->u.prior.vjp(self, scratch, 0.1, u, v, out) == LACUNA_OK &&
		   use.plugin->u.prior.jvp(self, scratch, 0.1, u, v, out) == LACUNA_EUNSUPPORTED,
	   "a derivative where one was announced, and not the other");
	memory_release(scratch);
	use.plugin->u.prior.destroy(self);
	use_free(&use);
}

/* A disc on a slope plus noise of sigma 0.1: the shipped network removes at least three quarters of it, in gray and in
 * colour, and its errors are as large as it says, and largest at the edge. */
static void shipped(int channels)
{
	const struct lacuna_shape shape = { { 96, 80, channels, 1 } };
	const size_t n = lacuna_count(&shape);
	float *clean = array(n), *u = array(n), *x0 = array(n), *guess = array(n);
	const struct lacuna_estimate e = { sizeof e, 1, x0, guess, 0.1 };
	double error = 0, said = 0, edge = 0, edge_said = 0, edges = 0;

	host.gaussian(&host, 0, 0, u, n);
	for (size_t i = 0; i < n; i++) {
		const int x = (int)(i % 96), y = (int)(i / 96 % 80);
		const int inside = (x - 50) * (x - 50) + (y - 40) * (y - 40) < 700;

		clean[i] = (float)(0.2 + 0.003 * x + 0.3 * inside);
		u[i] = clean[i] + 0.1F * u[i];
	}
	if (run("unet", &shape, NULL, u, x0))
		bail("unet");
	for (size_t i = 0; i < n; i++)
		error += ((double)x0[i] - clean[i]) * ((double)x0[i] - clean[i]);
	error = sqrt(error / (double)n);
	ok(error < 0.025, "shipped weights, %d channels: error %.4f", channels, error);

	for (size_t i = 0; i < n; i++)
		guess[i] = 0.1F;
	if (ask_deviation("unet", &shape, &e, u))
		bail("unet");
	for (size_t i = 0; i < n; i++) {
		const int x = (int)(i % 96), y = (int)(i / 96 % 80);
		const double r = hypot(x - 50, y - 40), d = (double)x0[i] - (double)clean[i];

		said += (double)u[i] * (double)u[i] / (double)n;
		if (fabs(r - sqrt(700)) > 1.5)
			continue;
		edges++;
		edge += d * d;
		edge_said += (double)u[i] * (double)u[i];
	}
	ok(fabs(log(error / sqrt(said))) < log(2), "its deviation is %.4f", sqrt(said));
	ok(fabs(log(edge / edge_said)) < 2 * log(1.4),
	   "at the edge the error is %.4f, the deviation %.4f", sqrt(edge / edges),
	   sqrt(edge_said / edges));
	memory_release(guess);
	memory_release(clean);
	memory_release(u);
	memory_release(x0);
}

static char bytes[1 << 20];

static size_t read_golden(const char *name)
{
	FILE *in = fopen(golden(name), "rb");
	const size_t have = in ? fread(bytes, 1, sizeof bytes, in) : 0;

	if (!have)
		bail(name);
	fclose(in);
	return have;
}

static const char *write_bytes(size_t have)
{
	static char path[] = "/tmp/lacuna-test-unet-XXXXXX";
	FILE *out;
	int fd;

	strcpy(path + strlen(path) - 6, "XXXXXX");
	fd = mkstemp(path);
	out = fd < 0 ? NULL : fdopen(fd, "wb");
	if (!out || fwrite(bytes, 1, have, out) != have || fclose(out))
		bail(path);
	return path;
}

/* The first `size' bytes of the weights, with byte `at' changed. */
static const char *damaged(size_t size, size_t at)
{
	size_t have = read_golden("unet-gray.safetensors");

	have = have < size ? have : size;
	if (at < have)
		bytes[at] ^= 1;
	return write_bytes(have);
}

/* Weights with experts; the first occurrence of `what' is replaced by `by', of the same length. */
static const char *altered(const char *what, const char *by)
{
	const size_t have = read_golden("unet-experts.safetensors"), n = strlen(what);
	size_t at = 0;

	while (at + n < have && memcmp(bytes + at, what, n) != 0)
		at++;
	if (at + n >= have || strlen(by) != n)
		bail(what);
	memcpy(bytes + at, by, n);
	return write_bytes(have);
}

/* The same weights, the first expert and the third in each other's place. */
static const char *swapped(void)
{
	const size_t have = read_golden("unet-experts.safetensors");
	static const char name[] = "\"expert.";
	int seen = 0;

	for (size_t at = 0; at + sizeof name + 1 < have; at++)
		if (!memcmp(bytes + at, name, sizeof name - 1) && bytes[at + sizeof name] == '"') {
			char *number = bytes + at + sizeof name - 1;

			*number = *number == '0' ? '2' : *number == '2' ? '0' : *number;
			seen++;
		}
	if (seen != 3)
		bail("experts");
	return write_bytes(have);
}

/* Several questions to one instance: which network answers, and within which bounds. */
static void questions(const char *path, int symmetric)
{
	const struct lacuna_shape shape = { { 24, 20, 1, 1 } };
	struct lacuna_problem problem = { .size = sizeof problem, .x = shape, .y = shape };
	struct lacuna_prior_info info = { .size = sizeof info };
	const size_t n = lacuna_count(&shape), size = n * sizeof(float);
	float *u = array(n), *map = array(n), *a = array(n), *b = array(n);
	const struct lacuna_prior *p;
	struct plugin_use use;
	void *self, *scratch;
	char spec[1200];

	make_image(&shape, u, map);
	snprintf(spec, sizeof spec, "unet:precision=f32,weights=%s", path);
	if (use_parse(LACUNA_PRIOR, spec, &use))
		bail(spec);
	p = &use.plugin->u.prior;
	if (p->create(&host, use.config, &problem, &self))
		bail(spec);
	scratch = memory_alloc(p->scratch(self));
	p->info(self, &info);
	is_text(info.precision, "f32", "it says what precision it has taken");
	ok(info.symmetric == symmetric, "symmetric as the file says: %d", symmetric);
	ok(info.rounds == 1, "and that it has a network for rounds");

	p->denoise_round(self, scratch, 0.1, u, a);
	p->denoise(self, scratch, 0.1, u, b);
	ok(memcmp(a, b, size) != 0, "rounds have a network of their own");
	p->denoise_round(self, scratch, 0.5, u, a);
	p->denoise(self, scratch, 0.5, u, b);
	ok(!memcmp(a, b, size), "not above its levels");
	p->denoise_round(self, scratch, 0.02, u, a);
	p->denoise(self, scratch, 0.02, u, b);
	ok(!memcmp(a, b, size), "nor below");

	for (size_t i = 0; i < n; i++)
		map[i] = 0.1F;
	p->denoise_map(self, scratch, map, u, a);
	p->denoise(self, scratch, 0.1, u, b);
	ok(!memcmp(a, b, size), "a map of one value is that level");
	for (size_t k = 0; k < 2; k++) {
		const size_t at = k ? n - 1 : 7;

		map[at] = 0.3F;
		p->denoise_map(self, scratch, map, u, b);
		ok(distance(n, a, b) > 1e-3, "a map of two has its network");
		map[at] = 0.1F;
	}

	for (size_t i = 0; i < n; i++)
		map[i] = i % 2 ? (float)info.sigma_min : (float)info.sigma_max;
	p->denoise_map(self, scratch, map, u, a);
	for (size_t i = 0; i < n; i++)
		map[i] = i % 2 ? 1e-5F : 4000;
	p->denoise_map(self, scratch, map, u, b);
	ok(!memcmp(a, b, size), "levels of a map are kept within the network's");

	p->destroy(self);
	use_free(&use);
	memory_release(scratch);
	memory_release(u);
	memory_release(map);
	memory_release(a);
	memory_release(b);
}

/* Answers of a file's networks: to a round, or not. */
static void answer(const char *path, double sigma, int round, float *u, float *x0)
{
	const struct lacuna_shape shape = { { 24, 20, 1, 1 } };
	float map[24 * 20];
	char spec[1200];

	make_image(&shape, u, map);
	snprintf(spec, sizeof spec, "unet:precision=f32,weights=%s", path);
	if (ask(spec, &shape, &(struct question){ .sigma = sigma, .round = round }, u, x0))
		bail(spec);
}

/* Where no expert for rounds is, that for the level answers, from the first level of its range up to the last, but not at it. */
static void ranges(void)
{
	enum { N = 24 * 20 };
	const char *file = altered("rounds:0.05,0.2", "rounds:2.00,9.0");
	float u[N], a[N], b[N], inside[N];

	answer(file, 0.1, 1, u, a);
	answer(file, 0.1, 0, u, b);
	ok(!memcmp(a, b, sizeof a), "a round without a network of its own is asked as a level");
	answer(file, 0.2, 0, u, a);
	answer(file, 0.05, 0, u, inside);
	unlink(file);
	file = altered("0.05,0.2", "0.06,0.1"); /* the first is that of an expert for levels */
	answer(file, 0.2, 0, u, b);
	ok(!memcmp(a, b, sizeof a), "a range ends below its end");
	answer(file, 0.05, 0, u, b);
	ok(memcmp(inside, b, sizeof b) != 0, "and begins at its beginning");
	unlink(file);
}

/* A map counts as one if any of its values differs, of whatever channel: the shipped network for levels does not answer. */
static void colour_map(void)
{
	enum { N = 32 * 24 * 3 };
	const struct lacuna_shape shape = { { 32, 24, 3, 1 } };
	static const char spec[] = "unet:precision=f32";
	float u[N], map[N], x0[3][N];

	make_image(&shape, u, map);
	for (size_t i = 0; i < N; i++)
		map[i] = 0.1F;
	if (run(spec, &shape, map, u, x0[0]))
		bail(spec);
	for (int k = 1; k < 3; k++) {
		const size_t at = k == 1 ? 0 : N - 1;

		map[at] = 0.1000001F;
		if (run(spec, &shape, map, u, x0[k]))
			bail(spec);
		map[at] = 0.1F;
	}
	ok(distance(N, x0[1], x0[2]) < 1e-4 && distance(N, x0[0], x0[2]) > 1e-3,
	   "a map that differs in its last channel has the network for maps (%.0e, %.0e)",
	   distance(N, x0[1], x0[2]), distance(N, x0[0], x0[2]));
}

static void refuses(const char *path, const char *name)
{
	const struct lacuna_shape shape = { { 16, 16, 1, 1 } };
	float u[256] = { 0 }, x0[256];
	char spec[1200];

	snprintf(spec, sizeof spec, "unet:weights=%s", path);
	ok(run(spec, &shape, NULL, u, x0) < 0, "%s", name);
	diag("%s", error_text());
	unlink(path);
}

/* ---- progress ---------------------------------------------------------------------------------------- */

static struct {
	int count, falls;
	double first, last;
} heard;

static void tell(const struct lacuna_host *h, double share)
{
	(void)h;
	heard.first = heard.count++ ? heard.first : share;
	heard.falls += share < heard.last;
	heard.last = share;
}

static const void *listen(const struct lacuna_host *h, const char *name)
{
	static const struct lacuna_progress progress = { tell };

	(void)h;
	return strcmp(name, LACUNA_PROGRESS) ? NULL : &progress;
}

/* On one thread the reported share rises, from the first piece of the first tile to the last piece of the last. */
static void tells_progress(const char *how)
{
	const struct lacuna_shape shape = { { 213, 150, 1, 1 } };
	const struct lacuna_host plain = host;
	const size_t n = lacuna_count(&shape);
	float *u = array(n), *sigma = array(n), *x0 = array(n);
	char spec[1200];

	host.extension = listen;
	memset(&heard, 0, sizeof heard);
	make_image(&shape, u, sigma);
	snprintf(spec, sizeof spec, "unet:%sprecision=f32,weights=%s", how,
		 golden("unet-gray.safetensors"));
	if (run(spec, &shape, sigma, u, x0))
		bail(spec);
	ok(heard.count > 10 && heard.first > 0 && heard.first < 0.2 && !heard.falls,
	   "%sprogress: %d shares from %.3f on", how, heard.count, heard.first);
	near(heard.last, 1, 1e-9, "up to 1");
	host = plain;
	memory_release(u);
	memory_release(sigma);
	memory_release(x0);
}

int main(void)
{
	const struct plugin *plugin;

	host_init(&host, &context);
	threads_set(1);
	if (plugin_load(LACUNA_PRIOR, "unet", &plugin)) {
		skip("built without oneDNN", "unet");
		return tap_done();
	}
	agrees_with_pytorch("unet-gray.safetensors", "unet-gray-values.safetensors", 1);
	agrees_with_pytorch("unet-color.safetensors.gz", "unet-color-values.safetensors", 3);
	agrees_with_pytorch("unet-experts.safetensors", "unet-experts-values.safetensors", 1);
	derivative_agrees_with_pytorch("unet-gray.safetensors", "unet-gray-derivative.safetensors",
				       1, 3);
	derivative_agrees_with_pytorch("unet-color.safetensors.gz",
				       "unet-color-derivative.safetensors", 3, 3);
	deviation_agrees_with_pytorch();
	derivative_agrees_with_pytorch("unet-experts.safetensors",
				       "unet-experts-derivative.safetensors", 1, 1);
	is_the_transposed_derivative(1);
	is_the_transposed_derivative(3);
	tiles_and_threads(213, 150);
	tiles_and_threads(1093, 70); /* wider than one piece of work */
	tells_progress("");
	tells_progress("tile=32,");
	budget(16, 0);
	budget(200, 0);
	budget(24, LACUNA_DERIVATIVE);
	budget(200, LACUNA_DERIVATIVE);
	budget(24, LACUNA_TANGENT);
	derivative_needs_a_word();
	weights_are_packed_once();
	questions(golden("unet-experts.safetensors"), 0);
	{
		const char *path = swapped();

		questions(path, 0);
		unlink(path);
		path = altered("\"licence\":\"CC0-1.0\"", "\"symmetric\":  \"yes\"");
		questions(path, 1);
		unlink(path);
	}
	shipped(1);
	shipped(3);
	refuses(damaged(7, SIZE_MAX), "an almost empty file");
	refuses(damaged(100, SIZE_MAX), "a truncated header");
	refuses(damaged(20000, SIZE_MAX), "truncated weights");
	refuses(damaged(SIZE_MAX, 7), "a header of impossible length");
	refuses(damaged(SIZE_MAX, 8), "a header that is no JSON");
	refuses(altered("\"expert.0\"", "\"expert.8\""), "a ninth expert");
	refuses(altered("\"rounds:", "\"sounds:"), "an expert for nobody knows what");
	refuses(altered("rounds:0.05,0.2", "rounds:0.25,0.2"), "an expert for no sigma at all");
	refuses(altered("rounds:0.05,0.2", "rounds:0.20,0.2"), "an expert for one sigma");
	refuses(altered("rounds:0.05,0.2", "rounds:0.0500.2"), "an expert for no range");
	ranges();
	colour_map();
	threads_stop();
	return tap_done();
}
