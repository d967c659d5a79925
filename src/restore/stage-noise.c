/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* How noisy y is: stated, recalled or estimated.  And how the problem hears of it: one level, weights for the values, or
 * values transformed so that their noise is even. */
#include <config.h>

#include "base/error.h"
#include "base/log.h"
#include "base/memory.h"
#include "restore/stages.h"

#include <math.h>
#include <string.h>

/* ---- its level ---------------------------------------------------------------------------------------- */

/* True when the noise differs from value to value. */
static int varies(const struct run *run)
{
	const struct noise *noise = &run->record->description.noise;

	/* Where the measured values stay, their noise need not be known so well. */
	return !run->spared &&
	       (run->m->deviation || run->places ||
		(run->job->noise.sigma < 0 && (noise->slope > 0 || noise->channel[0] > 0)));
}

static void average_deviation(struct run *run)
{
	const float *deviation = run->m->deviation;
	double sum = 0, count = 0;

	for (size_t i = 0; i < run->r->y_count; i++)
		if (!isnan(run->y[i])) {
			sum += (double)deviation[i] * (double)deviation[i];
			count++;
		}
	run->record->description.noise.sigma =
		count > 0 ? sqrt(sum / count) / run_inner_span(run) : 0;
	run->record->description.how = "as stated";
}

/* Takes the settled noise. */
static void recall_noise(struct run *run)
{
	struct noise_description *d = &run->record->description;
	const struct restorer *r = run->r;
	const double span = r->heard[0].inner.white - r->heard[0].inner.black;

	*d = r->heard[0].description;
	run->record->doubts += d->doubts; /* the warnings came with the estimate */
	d->noise = noise_rescale(&d->noise, &r->heard[0].inner, &run->record->inner);
	d->wide *= span / run_inner_span(run);
	d->wider *= span / run_inner_span(run);
	run->record->noise = d->noise.sigma * run_inner_unit(run);
}

/* A warning of stated noise may come from any part of a picture.  Of many parts some are enough. */
static int may_doubt_stated(const struct run *run)
{
	const int64_t stride = run->m->parts / RESTORER_HEARD + 1;

	return run->record->noise > 0 && run_is_picture(run) && run_may_tell(run, TOLD_NOISE) &&
	       run->m->part % stride == 0;
}

/* y: with even noise of standard deviation sigma, if what was stated is right. */
static int compare_stated(struct run *run, const float *y, double sigma)
{
	struct restore_record *record = run->record;
	const int status = noise_compare(run->r->problem, y, sigma, record->noise / sigma,
					 run->m->name, &record->description);

	if (record->description.doubts)
		run_told(run, TOLD_NOISE);
	return status;
}

/* Noise stated as 0 means that the values shall stay, whatever they are. */
static int doubt_stated(struct run *run)
{
	if (!may_doubt_stated(run))
		return LACUNA_OK;
	return compare_stated(run, run->y, run->record->noise / run_inner_unit(run));
}

/* With few photons the transform does not make noise even. */
static const double most_even = 0.4;

/* A law that is wrong does not lead to noise of the expected level where it should be even. */
static int doubt_photons(struct run *run)
{
	const size_t n = run->r->y_count;
	struct stabiliser *even = NULL;
	float *y = NULL;
	int keeps = 1, status = LACUNA_OK;

	if (!may_doubt_stated(run))
		return LACUNA_OK;
	if (problem_flags(run->r->problem) & LACUNA_PIXELWISE)
		status = noise_keeps_values(run->r->problem, &keeps);
	if (!status && keeps)
		status = stabiliser_create(&run->record->description.noise, &even);
	if (even && stabiliser_sigma(even) <= most_even) {
		y = memory_alloc_array(n, sizeof *y);
		status = y ? LACUNA_OK : LACUNA_ENOMEM;
	}
	if (y) {
		memcpy(y, run->y, n * sizeof *y);
		stabiliser_enter(even, n, y);
		status = compare_stated(run, y, stabiliser_sigma(even));
	}
	memory_release(y);
	stabiliser_destroy(even);
	return status;
}

int stage_find_noise(struct run *run)
{
	struct restore_record *record = run->record;
	struct noise_description *d = &record->description;
	const struct stated_noise *stated = &run->job->noise;
	const char *how;
	int status = LACUNA_OK;

	record->estimated = restorer_estimates(run->r, run->m);
	record->noise = stated->sigma;
	if (record->estimated && run->r->settled) {
		recall_noise(run);
		return LACUNA_OK;
	}
	if (run->m->deviation)
		average_deviation(run);
	else if (stated->sigma >= 0)
		return doubt_stated(run);
	else if (!run_is_picture(run))
		return error_set(LACUNA_EINVAL,
				 "noise cannot be estimated, because this operator does not "
				 "measure a picture; state it: -n SIGMA (0: none) or -n NOISE.tif");
	else if (stated->gain > 0)
		noise_of_photons(stated, &record->inner, run->r->y_count, run->y, d);
	else
		status =
			noise_estimate(run->r->problem, run->y, run->m->step / run_inner_span(run),
				       -record->inner.black / run_inner_span(run), run->m->name, d);
	if (status)
		return status;
	record->doubts += d->doubts;
	record->noise = d->noise.sigma * run_inner_unit(run);
	if (!record->estimated && stated->gain > 0 && !run->m->deviation)
		status = doubt_photons(run);
	if (status || run_is_silent(run))
		return status;
	how = d->how ? d->how : d->noise.slope > 0 ? "growing with brightness" : NULL;
	log_message(LACUNA_LOG_INFO, "%s: noise %s: %.3g of full scale (%.3g/255)%s%s",
		    run->m->name,
		    record->estimated	? "estimated"
		    : run->m->deviation ? "of each pixel"
					: "of photons",
		    record->noise, record->noise * 255, how ? ", " : "", how ? how : "");
	return status;
}

/* Finds noise that differs from place to place in the picture itself, even if the level of the noise is settled: the places
 * differ between pages and windows. */
int stage_find_places(struct run *run)
{
	const size_t n = run->r->y_count;
	struct restore_record *record = run->record;
	const double unit = record->noise;
	double squares = 0, range[2];
	int status;

	if (!record->estimated || !run_is_picture(run))
		return LACUNA_OK;
	status = noise_estimate_places(run->r->problem, run->read, &record->description,
				       &run->places, range);
	if (status || !run->places)
		return status;
	for (size_t i = 0; i < n; i++)
		squares += (double)run->places[i] * (double)run->places[i] / (double)n;
	record->noise = unit * sqrt(squares);
	record->places[0] = range[0] / sqrt(squares);
	record->places[1] = range[1] / sqrt(squares);
	if (!run_is_silent(run))
		log_message(
			LACUNA_LOG_INFO,
			"%s: the noise differs from place to place, %.3g to %.3g of full scale; "
			"each place is restored with its own",
			run->m->name, unit * range[0], unit * range[1]);
	return LACUNA_OK;
}

/* ---- what is done about it ----------------------------------------------------------------------------- */

/* sigma: standard deviation at each value on the engine's scale, from the level of the scene.  *reference: that of the mean
 * precision. */
static int find_map(const struct run *run, const float *level, int radius, float *sigma,
		    double *reference)
{
	const size_t n = run->r->y_count;
	double precision = 0, count = 0;
	int status = LACUNA_OK;

	if (run->m->deviation)
		for (size_t i = 0; i < n; i++)
			sigma[i] = (float)((double)run->m->deviation[i] / run_inner_span(run));
	else if (run->stabiliser)
		for (size_t i = 0; i < n; i++)
			sigma[i] = (float)stabiliser_sigma(run->stabiliser);
	else
		status = noise_map(&run->r->y, &run->record->description.noise, level, radius,
				   sigma);
	for (size_t i = 0; !status && run->places && i < n; i++)
		sigma[i] *= run->places[i];
	for (size_t i = 0; !status && i < n; i++)
		if (!run->m->deviation || !isnan(run->read[i])) {
			precision += 1 / ((double)sigma[i] * (double)sigma[i]);
			count++;
		}
	*reference = sqrt(count / precision);
	return status;
}

/* Makes noise that grows with brightness even where the operator allows it and there is enough light.  With a few photons at
 * most the transform is curved within the noise of one value, and weights do better. */
int stage_choose_stabiliser(struct run *run)
{
	const struct noise *noise = &run->record->description.noise;
	int keeps, status;

	run->record->dealt_with = varies(run) ? "weights" : "one level";
	if (!varies(run) || run->m->deviation || !(noise->slope > 0))
		return LACUNA_OK;
	status = noise_keeps_values(run->r->problem, &keeps);
	if (status || !keeps)
		return status;
	status = stabiliser_create(noise, &run->stabiliser);
	if (status)
		return status;
	if (stabiliser_sigma(run->stabiliser) > most_even) {
		stabiliser_destroy(run->stabiliser);
		run->stabiliser = NULL;
		return LACUNA_OK;
	}
	run->record->dealt_with = run->places ? "transform, weights" : "transform";
	run->lowest = stabiliser_expect(run->stabiliser, run->lowest);
	run->highest = stabiliser_expect(run->stabiliser, run->highest);
	return LACUNA_OK;
}

int run_measure(struct run *run, const float *level)
{
	enum { RADIUS = 3 };
	struct problem *problem = run->r->problem;
	const size_t n = run->r->y_count;
	float *sigma = NULL;
	int status = LACUNA_OK;

	memcpy(run->y, run->read, n * sizeof *run->y);
	run->reference_noise = run->record->noise / run_inner_unit(run);
	if (run->stabiliser) {
		run->reference_noise = stabiliser_sigma(run->stabiliser);
		stabiliser_enter(run->stabiliser, n, run->y);
	}
	if (run->stabiliser ? run->places != NULL : varies(run)) {
		sigma = memory_alloc_array(n, sizeof *sigma);
		status = sigma ? find_map(run, level ? level : run->read, level ? 0 : RADIUS, sigma,
					  &run->reference_noise)
			       : LACUNA_ENOMEM;
	}
	if (!status)
		status = problem_measure(problem, run->y, run->reference_noise,
					 &run->record->missing);
	for (size_t i = 0; !status && sigma && i < n; i++)
		sigma[i] = (float)(run->reference_noise / (double)sigma[i]);
	if (!status && sigma)
		status = problem_weigh(problem, sigma);
	memory_release(sigma);
	return status;
}

int stage_measure(struct run *run)
{
	return run_measure(run, NULL);
}
