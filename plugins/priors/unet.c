/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Prior "unet": a convolutional network that was trained to remove white noise of known, per-pixel strength.
 *
 * This file handles the parameters, the file of weights, the memory budget and the tiles. The image is cut into
 * overlapping tiles only if it does not fit the budget; the overlap is as wide as the network's receptive field. A tile
 * is processed by:
 *
 *	common/neural/precondition.c	the network's input, and the image from its output
 *	common/neural/network.c	the layers, made from the weights
 *	common/neural/pipeline.c	the order of the work, memory, threads
 *
 * tools/train makes the weights; the header of the file describes the architecture.
 *
 * Derivatives have their own networks and tiles, in single precision: see common/neural/pipeline.h. The transposed
 * derivative of the image is the sum of those of the tiles, each for its own part of the image. */
#include "common/neural/network.h"
#include "common/neural/pipeline.h"
#include "common/neural/precondition.h"
#include "common/neural/tiles.h"
#include "common/neural/weights.h"

#include <lacuna/deviation.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

struct config {
	const char *model, *weights, *deviation;
	int64_t precision, memory, tile;
};

enum { AUTO, F32, BF16 };

enum { EXPERTS_MOST = 8 };

/* The kinds of evaluation: one sigma, a sigma map, a round of a plug-and-play iteration. */
enum question { LEVEL, MAP, ROUND };

/* One of the file's networks. The first is general; each of the others, an expert, replaces it for one question, and
 * unless that is MAP for sigma from lo to hi. */
struct expert {
	enum question question;
	double lo, hi;
	struct network network;
	struct pipeline pipeline;
	/* for jvp() and vjp(); only made where question is LEVEL */
	struct network linear, adjoint;
	struct pipeline forward, tangent, reverse;
};

/* The tiles of an image. */
struct cut {
	struct tiles across, down;
};

struct unet {
	const struct lacuna_host *host;
	struct precondition precondition;
	struct expert expert[1 + EXPERTS_MOST];
	int experts;	      /* number of networks, including the general one */
	int bf16;	      /* computes in bf16, otherwise in single precision */
	int symmetric;	      /* trained on photographs in all orientations */
	uint32_t derivatives; /* flags of the problem: which of vjp() and jvp() will be called */
	int64_t w, h;	      /* of the image */
	struct cut cut, derivative_cut;
	int ships;	      /* the weights are of those that ship */
	char deviation[4096]; /* path of the user's network for the deviation; empty: none */
};

/* ---- create -------------------------------------------------------------------------------------------- */

/* Finds the file of weights: the user's, else the one that ships for gray or colour. */
static int find_weights(const struct lacuna_host *host, const struct config *c, int64_t channels,
			char *path, size_t size)
{
	char name[256];

	if (c->weights) {
		if ((size_t)snprintf(path, size, "%s", c->weights) >= size)
			return host->fail(host, LACUNA_EINVAL, "%s: the path is too long",
					  c->weights);
		return LACUNA_OK;
	}
	if (channels == 3) {
		snprintf(name, sizeof name, "priors/%s-color.safetensors", c->model);
		if (!host->data_path(host, name, path, size))
			return LACUNA_OK;
	}
	snprintf(name, sizeof name, "priors/%s-gray.safetensors", c->model);
	return host->data_path(host, name, path, size);
}

/* The network for the deviation has two channels: see below. */
enum { DEVIATION_CHANNELS = 2 };

static int open_deviation(const struct lacuna_host *host, const char *path, struct weights **file)
{
	double channels;
	const int status = weights_open(host, path, file);

	if (status)
		return status;
	if (weights_numbers(*file, "channels", 1, &channels) == 1 && channels == DEVIATION_CHANNELS)
		return LACUNA_OK;
	weights_close(*file);
	*file = NULL;
	return host->fail(host, LACUNA_EINVAL, "%s: not a network for the deviation of estimates",
			  path);
}

/* Opens the user's network: it is needed late, and should not spoil hours of work then. */
static int try_deviation(const struct unet *n, const char *path)
{
	struct weights *file = NULL;
	int status;

	if (strlen(path) >= sizeof n->deviation)
		return n->host->fail(n->host, LACUNA_EINVAL, "%s: the path is too long", path);
	status = open_deviation(n->host, path, &file);
	weights_close(file);
	return status;
}

static int check_format(const struct lacuna_host *host, const struct weights *file,
			const char *path)
{
	const char *format = weights_text(file, "format");

	if (format && strcmp(format, "lacuna-unet-1") == 0)
		return LACUNA_OK;
	return host->fail(host, LACUNA_EINVAL,
			  "%s: its format is \"%s\"; this prior reads only lacuna-unet-1", path,
			  format ? format : "unknown");
}

/* All tiles have the same size, because each size needs its own oneDNN primitives. Sides are rounded up to blocks of
 * 2^levels pixels, one pixel of the lowest level. */
static int plan_tiles(const struct unet *n, const struct config *c, const struct network *network,
		      enum pass pass, struct cut *cut)
{
	const int64_t block = (int64_t)1 << network->levels;
	const int64_t w = round_up(n->w, block), h = round_up(n->h, block);
	const int64_t per = (int64_t)pipeline_block_bytes(&n->precondition, network, pass);
	const int64_t halo =
		round_up(network_reach(network) + precondition_reach(&n->precondition), block);
	const int64_t smallest = least(w, 2 * halo + block) * least(h, 2 * halo + block);
	const int64_t blocks = ((c->memory << 20) / 8 * 7) / per; /* the rest is for the units */
	const int64_t tile = round_up(c->tile, block) + 2 * halo;

	if (c->tile) {
		cut->across = tiles_of(w, least(w, tile), halo);
		cut->down = tiles_of(h, least(h, tile), halo);
		return LACUNA_OK;
	}
	if (!tiles_plan(w, h, block, halo, blocks * block * block, &cut->across, &cut->down))
		return LACUNA_OK;
	return n->host->fail(
		n->host, LACUNA_EINVAL,
		"memory=%lld (MB) is too little for this network; give memory=%lld or more",
		(long long)c->memory,
		(long long)((smallest / block / block * per / 7 * 8 >> 20) + 1));
}

/* Sets *range to the range of sigma in text. */
static enum question question_of(const char *text, const char **range)
{
	static const char rounds[] = "rounds:";

	*range = text;
	if (strcmp(text, "map") == 0)
		return MAP;
	if (strncmp(text, rounds, sizeof rounds - 1) != 0)
		return LEVEL;
	*range += sizeof rounds - 1;
	return ROUND;
}

/* Reads from the header what expert k is for. Returns 1, 0 if there is no expert k, or an error. */
static int find_expert(struct unet *n, const struct weights *file, const char *path, int k)
{
	struct expert *e = &n->expert[1 + k];
	double range[2];
	char name[32];
	const char *text, *list;

	snprintf(name, sizeof name, "expert.%d", k);
	text = weights_text(file, name);
	if (!text)
		return 0;
	e->question = question_of(text, &list);
	if (e->question != MAP) {
		const int count = weights_list(file, name, list, 2, range);

		if (count < 0)
			return count;
		if (count != 2 || range[0] >= range[1])
			return n->host->fail(n->host, LACUNA_EINVAL,
					     "%s: %s=\"%s\" is not a valid range of sigma", path,
					     name, text);
		e->lo = range[0];
		e->hi = range[1];
	}
	return 1;
}

/* Makes the networks for jvp() and vjp(); the general network (k < 0) plans the tiles. */
static int create_derivative(struct unet *n, const struct config *c, const struct weights *file,
			     const char *path, int k)
{
	const struct precondition *p = &n->precondition;
	const size_t budget = (size_t)c->memory << 20;
	struct expert *e = &n->expert[1 + k];
	const struct cut *cut = &n->derivative_cut;
	int status = network_create(n->host, file, path, 4 * p->features, 4 * p->channels, 0, k,
				    NETWORK_LINEAR, &e->linear);

	if (!status && k < 0)
		status = plan_tiles(n, c, &e->linear, PASS_FORWARD, &n->derivative_cut);
	if (!status)
		status = network_load(&e->linear, file, &e->network, cut->across.tile,
				      cut->down.tile);
	if (status)
		return status;
	pipeline_plan(p, &e->linear, PASS_FORWARD, budget, &e->forward);
	if (n->derivatives & LACUNA_TANGENT)
		pipeline_plan(p, &e->linear, PASS_TANGENT, budget, &e->tangent);
	if (!(n->derivatives & LACUNA_DERIVATIVE))
		return LACUNA_OK;
	status = network_create(n->host, file, path, 4 * p->channels, 4 * p->features, 0, k,
				NETWORK_ADJOINT, &e->adjoint);
	if (!status)
		status = network_load(&e->adjoint, file, NULL, cut->across.tile, cut->down.tile);
	if (!status)
		pipeline_plan(p, &e->adjoint, PASS_REVERSE, budget, &e->reverse);
	return status;
}

/* Makes the file's networks. All have the same architecture, so one plan of tiles serves all. */
static int create_networks(struct unet *n, const struct config *c, const struct weights *file,
			   const char *path)
{
	const struct precondition *p = &n->precondition;
	char beyond[32];
	int found = 1;

	n->bf16 = c->precision == BF16 || (c->precision == AUTO && onednn_has_bf16());
	snprintf(beyond, sizeof beyond, "expert.%d", EXPERTS_MOST);
	if (weights_text(file, beyond))
		return n->host->fail(n->host, LACUNA_EINVAL, "%s: more than %d experts", path,
				     EXPERTS_MOST);
	for (int k = -1; found > 0; k++) {
		struct expert *e = &n->expert[1 + k];
		/* a pixel of the network stands for 2x2 of the image */
		int status = network_create(n->host, file, path, 4 * p->features, 4 * p->channels,
					    n->bf16, k, NETWORK_PLAIN, &e->network);
		n->experts++;
		if (!status && k < 0)
			status = plan_tiles(n, c, &e->network, PASS_PLAIN, &n->cut);
		if (!status)
			status = network_load(&e->network, file, NULL, n->cut.across.tile,
					      n->cut.down.tile);
		if (!status && n->derivatives && e->question == LEVEL)
			status = create_derivative(n, c, file, path, k);
		if (status)
			return status;
		pipeline_plan(p, &e->network, PASS_PLAIN, (size_t)c->memory << 20, &e->pipeline);
		found = find_expert(n, file, path, k + 1);
	}
	return found;
}

static int read_weights(struct unet *n, const struct config *c, const struct lacuna_shape *x,
			const struct weights *file, const char *path)
{
	const struct lacuna_host *host = n->host;
	const struct precondition *p = &n->precondition;
	const char *symmetric = weights_text(file, "symmetric");
	int status = check_format(host, file, path);

	n->symmetric = symmetric && strcmp(symmetric, "yes") == 0;
	if (!status)
		status = precondition_read(host, file, path, &n->precondition);
	if (!status && x->extent[2] % p->channels)
		status = host->fail(host, LACUNA_EINVAL,
				    "%s takes %d channels at a time, and the image has %lld", path,
				    p->channels, (long long)x->extent[2]);
	return status ? status : create_networks(n, c, file, path);
}

static void destroy(void *self)
{
	struct unet *n = self;

	if (!n)
		return;
	for (int i = 0; i < n->experts; i++) {
		network_destroy(&n->expert[i].network);
		network_destroy(&n->expert[i].linear);
		network_destroy(&n->expert[i].adjoint);
	}
	n->host->release(n->host, n);
}

static int create(const struct lacuna_host *host, const void *config,
		  const struct lacuna_problem *problem, void **self)
{
	const struct config *c = config;
	const struct lacuna_shape *x = &problem->x;
	struct unet *n = host->alloc(host, sizeof *n);
	struct weights *file = NULL;
	char path[4096];
	int status;

	if (!n)
		return LACUNA_ENOMEM;
	n->host = host;
	n->derivatives = problem->flags & (LACUNA_DERIVATIVE | LACUNA_TANGENT);
	n->w = x->extent[0];
	n->h = x->extent[1];
	n->ships = !c->weights;
	if (c->deviation)
		snprintf(n->deviation, sizeof n->deviation, "%s", c->deviation);
	status = find_weights(host, c, x->extent[2], path, sizeof path);
	if (!status && c->deviation)
		status = try_deviation(n, c->deviation);
	if (!status)
		status = weights_open(host, path, &file);
	if (!status)
		status = read_weights(n, c, x, file, path);
	weights_close(file);
	if (status) {
		destroy(n);
		return status;
	}
	*self = n;
	return LACUNA_OK;
}

static void info(const void *self, struct lacuna_prior_info *i)
{
	const struct unet *n = self;

	i->channels = n->precondition.channels;
	i->blind = 0;
	i->sigma_min = n->precondition.sigma_min;
	i->sigma_max = n->precondition.sigma_max;
	i->symmetric = n->symmetric;
	i->precision = n->bf16 ? "bf16" : "f32";
	i->rounds = 0;
	for (int k = 1; k < n->experts; k++)
		i->rounds |= n->expert[k].question == ROUND;
}

static size_t scratch_size(const void *self)
{
	const struct expert *e = ((const struct unet *)self)->expert;
	size_t most = e->pipeline.bytes; /* the others are 0 without a derivative */

	most = e->forward.bytes > most ? e->forward.bytes : most;
	most = e->tangent.bytes > most ? e->tangent.bytes : most;
	return e->reverse.bytes > most ? e->reverse.bytes : most;
}

/* ---- denoise: one tile at a time ----------------------------------------------------------------------- */

static const struct expert *choose(const struct unet *n, enum question question, double sigma)
{
	for (int i = 1; i < n->experts; i++) {
		const struct expert *e = &n->expert[i];

		if (e->question == question &&
		    (question == MAP || (sigma >= e->lo && sigma < e->hi)))
			return e;
	}
	return question == ROUND ? choose(n, LEVEL, sigma) : &n->expert[0];
}

/* Runs `first', and `then' unless it is NULL, on each tile. */
static int run(const struct unet *n, const struct cut *cut, const struct pipeline *first,
	       const struct pipeline *then, void *scratch, struct tile t)
{
	const double share = 1 / (double)(cut->down.count * cut->across.count * (then ? 2 : 1));
	double done = 0;
	int status = LACUNA_OK;

	t.width = n->w;
	t.height = n->h;
	for (int64_t r = 0; r < cut->down.count && !status; r++) {
		const struct tile_span row = tile_span(&cut->down, r);

		t.y = row.origin;
		t.h = least(cut->down.tile, n->h - t.y);
		t.top = row.from - t.y;
		t.bottom = least(row.to, n->h) - t.y;
		for (int64_t c = 0; c < cut->across.count && !status; c++) {
			const struct tile_span column = tile_span(&cut->across, c);

			t.x = column.origin;
			t.w = least(cut->across.tile, n->w - t.x);
			t.left = column.from - t.x;
			t.right = least(column.to, n->w) - t.x;
			t.begin = done;
			t.end = done += share;
			status = pipeline_run(first, scratch, &t);
			if (!then || status)
				continue;
			t.begin = done;
			t.end = done += share;
			status = pipeline_run(then, scratch, &t);
		}
	}
	return status;
}

static int denoise(const void *self, void *scratch, double sigma, const float *u, float *x0)
{
	const struct unet *n = self;
	const struct tile t = { .u = u, .x0 = x0, .sigma = (float)sigma };

	return run(n, &n->cut, &choose(n, LEVEL, sigma)->pipeline, NULL, scratch, t);
}

static int denoise_map(const void *self, void *scratch, const float *sigma, const float *u,
		       float *x0)
{
	const struct unet *n = self;
	const int64_t count = n->w * n->h * n->precondition.channels;
	const struct tile t = { .u = u, .x0 = x0, .map = sigma };
	int64_t i = 1;

	while (i < count && !(sigma[i] < sigma[0]) && !(sigma[i] > sigma[0]))
		i++;
	return run(n, &n->cut, &choose(n, i < count ? MAP : LEVEL, (double)sigma[0])->pipeline,
		   NULL, scratch, t);
}

static int denoise_round(const void *self, void *scratch, double sigma, const float *u, float *x0)
{
	const struct unet *n = self;
	const struct tile t = { .u = u, .x0 = x0, .sigma = (float)sigma };

	return run(n, &n->cut, &choose(n, ROUND, sigma)->pipeline, NULL, scratch, t);
}

static int unprepared(const struct unet *n, const char *flag)
{
	return n->host->fail(n->host, LACUNA_EUNSUPPORTED,
			     "unet: the host did not say %s in create(), and asks for it", flag);
}

static int vjp(const void *self, void *scratch, double sigma, const float *u, const float *v,
	       float *out)
{
	const struct unet *n = self;
	const struct expert *e = choose(n, LEVEL, sigma);
	const struct tile t = { .u = u, .v = v, .x0 = out, .sigma = (float)sigma };

	if (!(n->derivatives & LACUNA_DERIVATIVE))
		return unprepared(n, "LACUNA_DERIVATIVE");
	memset(out, 0, (size_t)(n->w * n->h * n->precondition.channels) * sizeof *out);
	return run(n, &n->derivative_cut, &e->forward, &e->reverse, scratch, t);
}

static int jvp(const void *self, void *scratch, double sigma, const float *u, const float *v,
	       float *out)
{
	const struct unet *n = self;
	const struct expert *e = choose(n, LEVEL, sigma);
	const struct tile t = { .u = u, .v = v, .x0 = out, .sigma = (float)sigma };

	if (!(n->derivatives & LACUNA_TANGENT))
		return unprepared(n, "LACUNA_TANGENT");
	return run(n, &n->derivative_cut, &e->forward, &e->tangent, scratch, t);
}

/* ---- the deviation: another network -------------------------------------------------------------------- */

/* That network sees the estimate twice, as two channels: with the first guess and with the noise as sigma.  The first channel
 * of its output is a quarter of the logarithm of the deviation's ratio to the first guess.  Its expert for maps serves
 * pixelwise operators (tools/train/deviation.py). */
static int read_deviation(const struct unet *n, const char *path, struct unet *d)
{
	/* Little memory (MB), as the prior keeps its own meanwhile: small tiles cost this small network nothing. */
	const struct config c = { .precision = n->bf16 ? BF16 : F32, .memory = 8 };
	const struct lacuna_shape x = { { n->w, n->h, DEVIATION_CHANNELS, 1 } };
	struct weights *file = NULL;
	int status = open_deviation(n->host, path, &file);

	d->host = n->host;
	d->w = n->w;
	d->h = n->h;
	if (!status)
		status = read_weights(d, &c, &x, file, path);
	weights_close(file);
	return status;
}

/* The networks that ship share one for the deviation.  Without it the host uses a formula. */
static int find_deviation(const struct unet *n, char *path, size_t size)
{
	if (n->deviation[0])
		snprintf(path, size, "%s", n->deviation);
	else if (!n->ships ||
		 n->host->data_path(n->host, "priors/photo-deviation.safetensors", path, size))
		return LACUNA_EUNSUPPORTED;
	return LACUNA_OK;
}

/* One plane of the image.  work: 3 DEVIATION_CHANNELS planes. */
static int fill_deviation(const struct unet *d, const struct lacuna_estimate *e, size_t at,
			  float *work, void *scratch, float *deviation)
{
	const struct precondition *p = &d->precondition;
	const size_t n = (size_t)(d->w * d->h);
	float *u = work, *map = work + DEVIATION_CHANNELS * n, *out = map + DEVIATION_CHANNELS * n;
	const struct tile t = { .u = u, .map = map, .x0 = out, .plain = 1 };
	int status;

	for (size_t i = 0; i < n; i++) {
		u[i] = u[n + i] = e->x[at + i];
		map[i] = fmaxf(e->guess[at + i], (float)p->sigma_min);
		map[n + i] = fmaxf((float)e->noise, (float)p->sigma_min);
	}
	status = run(d, &d->cut, &choose(d, e->pixelwise ? MAP : LEVEL, -1)->pipeline, NULL,
		     scratch, t);
	for (size_t i = 0; !status && i < n; i++)
		deviation[at + i] = map[i] * expf(4 * fminf(fmaxf(out[i], -2), 2));
	return status;
}

static int deviation(const void *self, const struct lacuna_estimate *e, float *out)
{
	const struct unet *n = self;
	const struct lacuna_host *host = n->host;
	const size_t plane = (size_t)(n->w * n->h);
	struct unet *d = NULL;
	float *work = NULL;
	void *scratch = NULL;
	char path[sizeof n->deviation];
	int status = find_deviation(n, path, sizeof path);

	if (status)
		return status;
	status = LACUNA_ENOMEM;
	d = host->alloc(host, sizeof *d);
	if (d)
		status = read_deviation(n, path, d);
	if (!status) {
		work = host->alloc(host, 3 * DEVIATION_CHANNELS * plane * sizeof *work);
		scratch = host->alloc(host, scratch_size(d));
		status = work && scratch ? LACUNA_OK : LACUNA_ENOMEM;
	}
	for (int k = 0; !status && k < n->precondition.channels; k++)
		status = fill_deviation(d, e, (size_t)k * plane, work, scratch, out);
	host->release(host, scratch);
	host->release(host, work);
	destroy(d);
	return status;
}

static const struct lacuna_prior_deviation deviation_family = { deviation };

static const void *extension(const char *name)
{
	return strcmp(name, LACUNA_DEVIATION) ? NULL : &deviation_family;
}

/* ---- the plugin's description -------------------------------------------------------------------------- */

static const char *const precisions[] = { "auto", "f32", "bf16", NULL };

static const struct lacuna_param params[] = {
	LACUNA_PARAM_TEXT(
		struct config, model, 0, "photo-large",
		"a network that ships with Lacuna; gray or colour is chosen by the image"),
	LACUNA_PARAM_PATH(struct config, weights, 0, NULL,
			  "a network of your own, made by tools/train (safetensors)"),
	LACUNA_PARAM_PATH(struct config, deviation, 0, NULL,
			  "its network for --std; without weights= the one that ships"),
	LACUNA_PARAM_CHOICE(struct config, precision, precisions, AUTO,
			    "number format; auto: bf16 if the processor has it, else f32"),
	LACUNA_PARAM_INT(struct config, memory, "MB", 16, 1 << 20, 768,
			 "work space; larger images are cut into overlapping tiles"),
	LACUNA_PARAM_INT(struct config, tile, "px", 0, 1 << 20, 0,
			 "side of the inner part of a tile; 0: as large as memory allows"),
};

static const char manual[] =
	"A convolutional network (U-Net) trained to remove white Gaussian noise of known strength "
	"from photographs.  It takes a sigma for each pixel, so guidance exact is exact for "
	"inpainting and for denoising of uneven noise.\n\n"
	"Use it for photographs and similar pictures: textures, edges, faces, landscapes.  It "
	"knows sigma from 0.002 to 50 in units of full scale.  For other kinds of image "
	"(microscopy, astronomy, documents) train a network on your own images, see "
	"tools/train/README.md, and give its file as weights=.  The architecture is read from the "
	"file's header; nothing needs compiling.  Beside the general network a file may hold "
	"experts: for a range of sigma, for maps of sigma, or for the rounds of samplers hqs and "
	"gibbs.  The experts for rounds that ship were trained inside restorations with random "
	"operators.\n\n"
	"A colour image uses the colour network.  With any other number of channels the gray "
	"network runs on each channel.  precision=bf16 is several times faster on processors with "
	"AVX-512 BF16 or AMX, and costs less than 0.01 dB on Set12; on others it is emulated and "
	"slow.\n\n"
	"Tiles overlap by as much as the network sees, so results do not depend on memory or tile, "
	"except for rounding.\n\n"
	"The derivative along a direction and its transpose, for guidances such as pigdm and dps, "
	"are always computed in single precision.  Each costs about two evaluations in single "
	"precision, and both have tiles of their own within the same memory.\n\n"
	"Source: Karras, Aittala, Aila, Laine, Elucidating the Design Space of Diffusion-Based "
	"Generative Models, NeurIPS 2022, section 5 (preconditioning, here per pixel); Zhang, Zuo, "
	"Zhang, FFDNet, IEEE TIP 2018 (noise map, pixel unshuffle); Zhang et al., Plug-and-Play "
	"Image Restoration with Deep Denoiser Prior, IEEE TPAMI 2021 (bias-free residual U-Net).";

static const struct lacuna_prior family = {
	.size = sizeof family,
	.flags = LACUNA_LASTING | LACUNA_TRAINED,
	.create = create,
	.destroy = destroy,
	.info = info,
	.scratch = scratch_size,
	.denoise = denoise,
	.denoise_map = denoise_map,
	.vjp = vjp,
	.jvp = jvp,
	.denoise_round = denoise_round,
	.extension = extension,
};

static const struct lacuna_plugin plugin = {
	LACUNA_PLUGIN_HEAD(LACUNA_PRIOR),
	"unet",
	"neural network trained on photographs",
	manual,
	"1.0",
	"The Lacuna authors",
	"GPL-3.0-or-later",
	LACUNA_PLUGIN_PARAMS(params, struct config),
	&family,
};

const struct lacuna_plugin *lacuna_plugin_v1(void)
{
	return &plugin;
}
