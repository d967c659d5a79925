/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
#include "common/neural/pipeline.h"

#include <lacuna/progress.h>
#include <stdatomic.h>
#include <string.h>

enum {
	UNITS_MOST = 32,	/* at least as many as threads */
	HEIGHT = 2 * CALL_ROWS, /* rows of a piece: small pieces balance the threads better */
	LINE = 64		/* bytes of a cache line; all buffers are aligned to it */
};

static size_t aligned(size_t bytes)
{
	return (bytes + LINE - 1) / LINE * LINE;
}

/* ---- layout of the scratch ----------------------------------------------------------------------------- */

static size_t planes_bytes(const struct network *n, int planes)
{
	return (size_t)planes * sizeof(float) << 2 * n->levels;
}

static size_t block_bytes(const struct precondition *p, const struct network *n, enum pass pass,
			  int buffer)
{
	const size_t values = network_block_bytes(n, buffer);
	const size_t averages = planes_bytes(n, precondition_planes(p));

	return pass == PASS_PLAIN && buffer == BUFFER_T && averages > values ? averages : values;
}

size_t pipeline_block_bytes(const struct precondition *p, const struct network *n, enum pass pass)
{
	size_t all = 0;

	for (int b = 0; b < BUFFERS; b++)
		all += block_bytes(p, n, pass, b);
	if (pass != PASS_PLAIN)
		all += planes_bytes(n, precondition_planes(p) + precondition_gradient_planes(p)) +
		       network_sign_bytes(n);
	return all;
}

/* Places the memory shared by both passes first, at the same offsets for both. Returns its end. */
static size_t plan_shared(struct pipeline *self, size_t blocks)
{
	const struct precondition *p = self->precondition;
	const struct network *n = self->network;
	size_t at = 0;

	self->averages = at;
	at += aligned(planes_bytes(n, precondition_planes(p)) * blocks);
	self->gradients = at;
	at += aligned(planes_bytes(n, precondition_gradient_planes(p)) * blocks);
	for (int i = 0; i < n->stages; i++)
		for (int k = 0; k < n->stage[i].count; k++) {
			const struct layer *l = &n->layer[n->stage[i].first + k];
			const int level = n->stage[i].level;

			if (l->relu)
				self->signs[l->rectifier] =
					(size_t)(network_level_width(n, level) *
						 network_level_height(n, level)) *
					(size_t)l->outputs / 8;
		}
	for (int i = 0; i < n->rectifiers; i++) {
		const size_t bytes = self->signs[i];

		self->signs[i] = at;
		at += bytes;
	}
	return aligned(at);
}

/* Bytes of a pixel of the input of layer k of a stage (-1: its entrance), or for k = count of its result. */
static size_t pixel_bytes(const struct network *n, const struct stage *s, int k)
{
	const struct layer *l = &n->layer[s->first];
	const size_t value = network_value_size(n);

	if (k < s->count)
		return (size_t)l[k].inputs * value;
	return (size_t)l[k - 1].outputs * (l[k - 1].single ? sizeof(float) : value);
}

/* Scratch that the convolutions of a stage need. */
static size_t conv_scratch(const struct network *n, const struct stage *s)
{
	size_t most = 0;

	for (int k = s->entrance == ENTER_FEATURES ? 0 : -1; k < s->count; k++)
		for (int half = 0; half < 2; half++) {
			const size_t one = n->layer[s->first + k].conv[half].scratch;

			most = one > most ? one : most;
		}
	return most;
}

/* Plans the pieces of a stage and its buffers in a unit's scratch; returns the size of that. */
static size_t plan_stage(const struct pipeline *self, const struct stage *s,
			 struct stage_plan *plan)
{
	const struct precondition *p = self->precondition;
	const struct network *n = self->network;
	const struct layer *l = &n->layer[s->first];
	size_t at = 0;

	plan->columns = tiles_of(network_level_width(n, s->level), s->width, s->count);
	plan->rows = (network_level_height(n, s->level) + HEIGHT - 1) / HEIGHT;
	for (int k = 0; k <= s->count; k++) {
		const size_t row = (size_t)s->width * pixel_bytes(n, s, k);

		if (k > 1 && l[k - 1].sum) { /* in place, two rows earlier */
			plan->at[k] = plan->at[k - 2] - (k < s->count ? 2 * row : 0);
			continue;
		}
		for (int i = k; i < s->count && (i == k || l[i - 1].sum); i += 2)
			plan->keep[k] += 2;
		at += (size_t)plan->keep[k] * row;
		plan->at[k] = at - (k < s->count ? 2 * row : 0);
		at = aligned(at + CALL_ROWS * row);
	}
	plan->enter = at;
	if (s->entrance == ENTER_FEATURES)
		at += self->pass == PASS_TANGENT ? precondition_tangent_scratch(p, s->width)
						 : precondition_input_scratch(p, s->width);
	else if (s->entrance == ENTER_DOWN)
		at += 4 * (size_t)s->width * pixel_bytes(n, s, -1);
	if (self->pass == PASS_REVERSE && s->to == BUFFER_IMAGE) {
		at = aligned(at);
		plan->leave = at;
		at += precondition_gradient_scratch(p, s->width);
	}
	plan->scratch = aligned(at);
	return plan->scratch + conv_scratch(n, s);
}

void pipeline_plan(const struct precondition *p, const struct network *n, enum pass pass,
		   size_t budget, struct pipeline *self)
{
	const size_t blocks = (size_t)(n->w * n->h) >> 2 * n->levels;
	int64_t pieces = 1;
	size_t at = 0;

	*self = (struct pipeline){ .precondition = p, .network = n, .pass = pass };
	if (pass != PASS_PLAIN)
		at = plan_shared(self, blocks);
	for (int b = 0; b < BUFFERS; b++) {
		self->at[b] = at;
		at += aligned(block_bytes(p, n, pass, b) * blocks);
	}
	if (pass == PASS_PLAIN)
		self->averages = self->at[BUFFER_T];
	self->unit_bytes = precondition_average_scratch(n->w);
	for (int i = 0; i < n->stages; i++) {
		struct stage_plan *plan = &self->plan[i];
		const size_t own = plan_stage(self, &n->stage[i], plan);
		const int64_t count = plan->columns.count * plan->rows;

		self->unit_bytes = own > self->unit_bytes ? own : self->unit_bytes;
		pieces = count > pieces ? count : pieces;
	}
	self->unit_bytes = aligned(self->unit_bytes);
	self->taken = at;
	self->unit = at + aligned((size_t)pieces * sizeof(atomic_char));
	self->units = (int)least((pieces + 1) / 2, UNITS_MOST);
	while (self->units > 1 && self->unit + (size_t)self->units * self->unit_bytes > budget)
		self->units--;
	self->bytes = self->unit + (size_t)self->units * self->unit_bytes;
}

/* ---- running a piece of a stage ---------------------------------------------------------------------- */

/* Number of a stage's layers that run. The forward pass ends with the last rectifier: nothing reads the second convolution
 * of the last block, nor the layer after it. */
static int layers_run(const struct pipeline *self, const struct stage *s)
{
	return s->count - (self->pass == PASS_FORWARD && s->to == BUFFER_IMAGE ? 2 : 0);
}

struct job {
	const struct pipeline *pipeline;
	char *scratch;
	struct tile tile;
	int stage;
	const struct lacuna_progress *progress;
	double before, all; /* work of the finished stages, of all */
	atomic_int done;    /* finished pieces of the current stage */
};

struct piece {
	const struct job *job;
	const struct network *network;
	const struct stage *stage;
	const struct stage_plan *plan;
	int64_t x, left, right; /* columns: the first of the input, those of the result */
	int64_t top, bottom;	/* rows of the result */
	char *own;		/* scratch */
	struct conv_call calls[CHAIN_MOST + 2]; /* of the layers, then of the entrance */
};

static void *unit_scratch(const struct job *j, size_t i)
{
	return j->scratch + j->pipeline->unit + i * j->pipeline->unit_bytes;
}

/* Address of a pixel of a buffer; a pixel has `bytes' bytes. */
static char *pixel(const struct piece *p, int buffer, int level, int64_t x, int64_t y, size_t bytes)
{
	const int64_t w = network_level_width(p->network, level);

	return p->job->scratch + p->job->pipeline->at[buffer] + (size_t)(y * w + x) * bytes;
}

static void enter_features(const struct piece *p, int64_t y, char *to)
{
	const struct strip strip = { .x = p->x,
				     .y = y,
				     .width = p->stage->width,
				     .values = to,
				     .channels = p->network->layer[p->stage->first].inputs,
				     .bf16 = p->network->onednn.bf16 };
	const struct pipeline *pipeline = p->job->pipeline;
	float *scratch = (float *)(void *)(p->own + p->plan->enter);

	if (pipeline->pass == PASS_REVERSE)
		precondition_direction(pipeline->precondition, &p->job->tile, &strip);
	else if (pipeline->pass == PASS_TANGENT)
		precondition_tangent(pipeline->precondition, &p->job->tile, scratch, &strip);
	else
		precondition_input(pipeline->precondition, &p->job->tile, scratch, &strip);
}

static int enter_down(const struct piece *p, int64_t y, char *to)
{
	const struct stage *s = p->stage;
	const size_t bytes = pixel_bytes(p->network, s, -1), row = 2 * (size_t)s->width * bytes;
	char *rows = p->own + p->plan->enter;

	for (int odd = 0; odd < 2; odd++)
		memcpy(rows + (size_t)odd * row,
		       pixel(p, s->from, s->level - 1, 2 * p->x, 2 * y + odd, bytes), row);
	return conv_run(&p->network->onednn, &p->calls[s->count], rows, to);
}

static int enter_up(const struct piece *p, int64_t y, char *to)
{
	const struct stage *s = p->stage;
	const size_t above = pixel_bytes(p->network, s, 0), below = pixel_bytes(p->network, s, -1);

	memcpy(to, pixel(p, s->level, s->level, p->x, y, above), (size_t)s->width * above);
	return conv_run(&p->network->onednn, &p->calls[s->count + (y & 1)],
			pixel(p, s->from, s->level + 1, p->x / 2, y / 2, below), to);
}

/* Makes CALL_ROWS rows of the first layer's input, from y on. */
static int enter(const struct piece *p, int64_t y, char *to)
{
	const struct stage *s = p->stage;
	const size_t row = (size_t)s->width * pixel_bytes(p->network, s, 0);
	int status = LACUNA_OK;

	for (int64_t end = y + CALL_ROWS; y < end && !status; y++, to += row)
		if (y < 0 || y >= network_level_height(p->network, s->level))
			continue;
		else if (s->entrance == ENTER_FEATURES)
			enter_features(p, y, to);
		else if (s->entrance == ENTER_DOWN)
			status = enter_down(p, y, to);
		else
			status = enter_up(p, y, to);
	return status;
}

static void leave_image(const struct piece *p, const struct strip *strip)
{
	const struct pipeline *pipeline = p->job->pipeline;

	if (pipeline->pass == PASS_PLAIN)
		precondition_output(pipeline->precondition, &p->job->tile, strip);
	else if (pipeline->pass == PASS_TANGENT)
		precondition_tangent_output(pipeline->precondition, &p->job->tile, strip);
	else
		precondition_gradient(pipeline->precondition, &p->job->tile,
				      (float *)(void *)(p->own + p->plan->leave), strip);
}

static void leave(const struct piece *p, int64_t y, char *from)
{
	const struct stage *s = p->stage;
	const size_t bytes = pixel_bytes(p->network, s, s->count);
	struct strip strip = { .x = p->left,
			       .width = p->right - p->left,
			       .channels = p->network->layer[s->first + s->count - 1].outputs };

	from += (size_t)(p->left - p->x) * bytes;
	for (int64_t end = least(y + CALL_ROWS, p->bottom); y < end; y++) {
		strip.y = y;
		strip.values = from;
		if (s->to == BUFFER_IMAGE)
			leave_image(p, &strip);
		else
			memcpy(pixel(p, s->to, s->level, p->left, y, bytes), from,
			       (size_t)(p->right - p->left) * bytes);
		from += (size_t)s->width * bytes;
	}
}

static uint16_t *signs(const struct piece *p, const struct layer *l, int64_t x, int64_t y)
{
	const int64_t w = network_level_width(p->network, p->stage->level);
	char *plane = p->job->scratch + p->job->pipeline->signs[l->rectifier];

	return (uint16_t *)(void *)plane + (y * w + x) * (l->outputs / 16);
}

/* Keeps the signs of a rectifier's input, for the columns of the piece. */
static void keep_signs(const struct piece *p, const struct layer *l, int64_t y, const float *row)
{
	uint16_t *to = signs(p, l, p->left, y);

	row += (p->left - p->x) * l->outputs;
	for (int64_t i = 0; i < (p->right - p->left) * (l->outputs / 16); i++, row += 16) {
		unsigned bits = 0;

		for (int c = 0; c < 16; c++)
			bits |= (unsigned)(row[c] > 0) << c;
		to[i] = (uint16_t)bits;
	}
}

/* Applies the derivative of a rectifier, given by the signs. */
static void apply_signs(const struct piece *p, const struct layer *l, int64_t y, float *row)
{
	const uint16_t *from = signs(p, l, p->x, y);
	const float leak = (float)p->network->leak;

	for (int64_t i = 0; i < p->stage->width * (l->outputs / 16); i++, row += 16)
		for (int c = 0; c < 16; c++)
			row[c] *= from[i] >> c & 1 ? 1 : leak;
}

static void apply_leak(const struct piece *p, const struct layer *l, float *row)
{
	const float leak = (float)p->network->leak;

	for (int64_t i = 0; i < p->stage->width * l->outputs; i++)
		row[i] *= row[i] > 0 ? 1 : leak;
}

/* What a network without rectifiers leaves to the pipeline, for CALL_ROWS rows of a rectifier's layer, from y on. Several
 * pieces may compute the same rows; `new' is true in the one that keeps their signs. */
static void rectify(const struct piece *p, const struct layer *l, int64_t y, int new, float *row)
{
	const int64_t height = network_level_height(p->network, p->stage->level);
	const int forward = p->job->pipeline->pass == PASS_FORWARD;

	for (int64_t end = y + CALL_ROWS; y < end; y++, row += p->stage->width * l->outputs) {
		if (y < 0 || y >= height)
			continue;
		if (forward && new)
			keep_signs(p, l, y, row);
		if (forward)
			apply_leak(p, l, row);
		else
			apply_signs(p, l, y, row);
	}
}

/* Computes CALL_ROWS rows of the result, from y on. Buffer k is the input of layer k: CALL_ROWS new rows, and above them
 * the last two of the call before. So each layer is one row ahead of the next. */
static int run_rows(const struct piece *p, int64_t y)
{
	const struct stage *s = p->stage;
	const struct network *n = p->network;
	const int layers = layers_run(p->job->pipeline, s);
	int status = LACUNA_OK;

	for (int k = 0; k < s->count; k++) {
		const size_t row = (size_t)s->width * pixel_bytes(n, s, k);
		const size_t kept = (size_t)p->plan->keep[k] * row;
		char *end = p->own + p->plan->at[k] + 2 * row;

		if (kept)
			memmove(end - kept, end - kept + CALL_ROWS * row, kept);
	}
	for (int k = 0; k <= layers && !status; k++) {
		const size_t row = (size_t)s->width * pixel_bytes(n, s, k);
		const int64_t ahead = s->count - k, r = y + ahead;
		char *to = p->own + p->plan->at[k] + (ahead ? 2 * row : 0);

		if (r + CALL_ROWS <= p->top - ahead) /* rows that no layer reads */
			continue;
		status = k ? conv_run(&n->onednn, &p->calls[k - 1], p->own + p->plan->at[k - 1], to)
			   : enter(p, r, to);
		if (k && n->layer[s->first + k - 1].relu && n->kind != NETWORK_PLAIN && !status)
			rectify(p, &n->layer[s->first + k - 1], r, y >= p->top || !p->top,
				(float *)(void *)to);
		for (int64_t i = 0; i < CALL_ROWS; i++) /* rows outside the picture are zero */
			if (r + i < 0 || r + i >= network_level_height(n, s->level))
				memset(to + (size_t)i * row, 0, row);
	}
	if (y >= p->top && layers == s->count && !status)
		leave(p, y, p->own + p->plan->at[s->count]);
	return status;
}

static int bind(struct piece *p)
{
	const struct stage *s = p->stage;
	const struct onednn *onednn = &p->network->onednn;
	const struct layer *l = &p->network->layer[s->first];
	char *scratch = p->own + p->plan->scratch;
	int status = LACUNA_OK;

	for (int k = 0; k < layers_run(p->job->pipeline, s) && !status; k++)
		status = conv_bind(onednn, &l[k].conv[0], scratch, &p->calls[k]);
	for (int k = 0; k < (int)s->entrance && !status; k++)
		status = conv_bind(onednn, &l[-1].conv[k], scratch, &p->calls[s->count + k]);
	return status;
}

/* Sets the columns and rows of a piece; returns the row at which to start. `follows': the piece above has just been
 * computed. */
static int64_t place(struct piece *p, int64_t number, int follows)
{
	const struct stage *s = p->stage;
	const struct tile_span column = tile_span(&p->plan->columns, number / p->plan->rows);

	p->x = column.origin;
	p->left = column.from;
	p->right = column.to;
	p->top = number % p->plan->rows * HEIGHT;
	p->bottom = least(p->top + HEIGHT, network_level_height(p->network, s->level));
	return follows ? p->top : p->top - round_up(2 * s->count, CALL_ROWS);
}

/* ---- all pieces of all stages ------------------------------------------------------------------------ */

/* Takes a free piece, or returns -1. The piece below `last' is best, as the rows above it are there already. Otherwise it
 * takes one from the longest run of free pieces: its middle, or its first if that is piece 0. So each thread gets a long
 * run. */
static int64_t take(const struct job *j, int64_t last)
{
	const struct stage_plan *plan = &j->pipeline->plan[j->stage];
	atomic_char *taken = (atomic_char *)(void *)(j->scratch + j->pipeline->taken);
	int64_t end, longest;

	if (last >= 0 && (last + 1) % plan->rows && !atomic_exchange(&taken[last + 1], 1))
		return last + 1;
	do {
		end = longest = 0;
		for (int64_t i = 0, run = 0; i < plan->columns.count * plan->rows; i++) {
			run = atomic_load(&taken[i]) ? 0 : run + 1;
			if (run > longest) {
				longest = run;
				end = i + 1;
			}
		}
		if (!longest)
			return -1;
		end -= end == longest ? longest : (longest + 1) / 2;
	} while (atomic_exchange(&taken[end], 1));
	return end;
}

/* Number of multiplications in a stage. */
static double work_of(const struct pipeline *self, const struct stage *s)
{
	const struct network *n = self->network;
	const double pixels = (double)network_level_width(n, s->level) *
			      (double)network_level_height(n, s->level);
	double values = 0;

	for (int k = s->first; k < s->first + layers_run(self, s); k++)
		values += (double)n->layer[k].inputs * n->layer[k].outputs *
			  (n->layer[k].kernel * n->layer[k].kernel);
	return pixels * values;
}

/* Reports progress after a piece. */
static void tell(struct job *j)
{
	const struct network *n = j->pipeline->network;
	const struct stage_plan *plan = &j->pipeline->plan[j->stage];
	const double part =
		(atomic_fetch_add(&j->done, 1) + 1) / (double)(plan->columns.count * plan->rows);
	const double done = (j->before + part * work_of(j->pipeline, &n->stage[j->stage])) / j->all;

	if (j->progress)
		j->progress->tell(n->onednn.host,
				  j->tile.begin + done * (j->tile.end - j->tile.begin));
}

static int run_unit(void *arg, size_t i, void *scratch)
{
	struct job *j = arg;
	const struct network *n = j->pipeline->network;
	const struct lacuna_host *host = n->onednn.host;
	struct piece p = { .job = j,
			   .network = n,
			   .stage = &n->stage[j->stage],
			   .plan = &j->pipeline->plan[j->stage],
			   .own = unit_scratch(j, i) };
	int64_t last = -1, number = take(j, last);
	int status = number < 0 ? LACUNA_OK : bind(&p);

	(void)scratch;
	for (; number >= 0 && !status; last = number, number = take(j, last)) {
		const int follows = last >= 0 && number == last + 1 && number % p.plan->rows;
		int64_t y = place(&p, number, follows);

		if (host->cancelled(host))
			status = LACUNA_ECANCELLED;
		for (; y < p.bottom && !status; y += CALL_ROWS)
			status = run_rows(&p, y);
		tell(j);
	}
	for (int k = 0; k < p.stage->count + (int)p.stage->entrance; k++)
		conv_unbind(&p.calls[k]);
	return status;
}

/* Averages a share of the tile's rows: before the network the image or the direction, and after the adjoint network the
 * gradients. */
static int average_unit(void *arg, size_t i, void *scratch)
{
	const struct job *j = arg;
	const struct pipeline *pipeline = j->pipeline;
	const int64_t units = pipeline->units, unit = (int64_t)i;
	const int64_t from = j->tile.h * unit / units, to = j->tile.h * (unit + 1) / units;
	void (*average)(const struct precondition *, const struct tile *, int64_t, int64_t,
			float *) = pipeline->pass == PASS_REVERSE   ? precondition_gradient_average
				   : pipeline->pass == PASS_TANGENT ? precondition_tangent_average
								    : precondition_average;

	(void)scratch;
	average(pipeline->precondition, &j->tile, from, to, unit_scratch(j, i));
	return LACUNA_OK;
}

int pipeline_run(const struct pipeline *self, void *scratch, const struct tile *tile)
{
	const struct lacuna_host *host = self->network->onednn.host;
	struct job j = { .pipeline = self, .scratch = scratch, .tile = *tile };
	int status = LACUNA_OK;

	j.progress = host->extension(host, LACUNA_PROGRESS);
	for (int i = 0; i < self->network->stages; i++)
		j.all += work_of(self, &self->network->stage[i]);
	j.tile.averages = (float *)(void *)(j.scratch + self->averages);
	j.tile.gradients = (float *)(void *)(j.scratch + self->gradients);
	if (self->pass != PASS_REVERSE)
		status = host->parallel(host, (size_t)self->units, 0, average_unit, &j);
	for (; j.stage < self->network->stages && !status; j.stage++) {
		const struct stage_plan *plan = &self->plan[j.stage];

		memset(j.scratch + self->taken, 0, (size_t)(plan->columns.count * plan->rows));
		j.done = 0;
		status = host->parallel(host, (size_t)self->units, 0, run_unit, &j);
		j.before += work_of(self, &self->network->stage[j.stage]);
	}
	if (self->pass == PASS_REVERSE && !status)
		status = host->parallel(host, (size_t)self->units, 0, average_unit, &j);
	return status;
}
