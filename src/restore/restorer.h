/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* A restoration in steps, for whoever keeps something between them; restore/restore.h is the whole in one.  It knows no file and
 * no terminal.
 *
 * A restorer keeps what is dear from one image to the next: operators and plans as long as the shape is the same, a
 * lasting prior likewise.  It is used by one thread at a time; several restorers may work side by side. */
#ifndef RESTORE_RESTORER_H
#define RESTORE_RESTORER_H

#include "engine/run.h"
#include "restore/describe.h"
#include "restore/method.h"

struct measurement;
struct restored;

/* Windows of a picture (restore/windows.h) may be restored apart from each other, and put together later. */
struct restore_parts {
	/* Before window number `window' is restored: PART_TAKEN when *part is what windows_part() made of it, by whomever; else
	 * PART_HERE, or a failure. */
	int (*take)(void *context, const struct measurement *, int64_t window,
		    struct restored *part);
	/* Before the noise is listened to in windows all over the picture: 1 when it was known, and recalled.  Or NULL. */
	int (*recall)(void *context, const struct measurement *);
	/* After it was listened to; or NULL. */
	void (*heard)(void *context, const struct measurement *);
	void *context;
};
enum { PART_HERE, PART_TAKEN };

/* What is done to every image.  It must outlive the restorer. */
struct restore_job {
	const struct plugin_use *operators;
	size_t operator_count;
	struct method *method; /* another prior may take its place, see method_fall_back() */
	struct stated_noise noise;
	double reject; /* eagerness of reject_lone(); 0: reject nothing */
	uint64_t seed;
	int64_t samples;
	int deviation; /* of one sample too: the posterior's, by tweedie_deviation() */
	int pairs;     /* of opposite noise: an even number of samples, four at least */
	size_t budget; /* bytes; 0: not limited */
	/* Of the solvers, where an operator has no closed form (engine/solve.h); NULL: as usual. */
	const struct solve_accuracy *accuracy;
	struct prior_stock
		*stock; /* shared with other restorers of the same thread; NULL: of its own */

	/* Each may be NULL.  sample: one sample when it is drawn, in the values of y; what it returns, if not 0, ends the
	 * run.  With it no image is restored twice. */
	int (*sample)(void *context, int64_t sample, const float *picture);
	void (*begin)(void *context); /* before a sample is drawn */
	void (*progress)(void *context, int64_t step, int64_t steps);
	void (*within)(void *context, double share); /* session_options.within; or NULL */
	void *context;
	/* What restore_image() keeps from one image to the next, made for this job; NULL: nothing. */
	struct restorer *kept;
	const struct restore_parts
		*parts; /* or NULL; with them the noise that was heard is not forgotten */
};

/* One image, in its file's values. */
struct measurement {
	const char *name; /* for messages, such as "page 3" */
	uint32_t number;  /* another number, other random numbers */
	const float *y;	  /* NaN: missing */
	/* Of y, and of the picture where y does not tell it (0: no wish).  restorer_run() knows them from restorer_shape(). */
	struct lacuna_shape shape, wish;
	double lo, hi;		  /* are 0 and 1 for noise.sigma, and for results */
	int stated;		  /* ... because the user says so, for messages */
	const struct scale *seen; /* what the scene fills (scale_measure()), or NULL: lo..hi */
	double unit;	    /* full scale of the file's type, for lacuna_operator.offset(); 0: 1 */
	double step;	    /* the smallest difference of two values; 0: none, float */
	const float *start; /* x-shaped start image, or NULL */
	const float *deviation; /* y-shaped: standard deviation of the noise, above 0; or NULL */
	/* Of a larger picture, this shape as y, it begins at (x, y): random numbers belong to places in that.  No extent: this is
	 * the whole. */
	struct lacuna_shape whole;
	int64_t x, y0;
	/* It is part number `part' of `parts' that are restored one by one, 0: the only one.  What holds for all is said with the
	 * first. */
	int64_t part, parts;
};

struct restore_record {
	struct lacuna_shape shape;	      /* of the result */
	int constant;			      /* all values of y are alike: it was passed through */
	struct scale inner;		      /* what was 0..1 for the engine */
	double noise;			      /* of y, root mean square, in units of lo..hi */
	int estimated;			      /* the noise is not as stated */
	struct noise_description description; /* where noise.sigma is < 0 */
	const char *dealt_with;		      /* how the noise was; static */
	const char *precision;		      /* of the prior; static; NULL: not said */
	size_t missing, rejected;	      /* values of y */
	double residual;		      /* mean over the samples, in units of lo..hi */
	int doubts;			      /* warnings that the result is not to be trusted */
	struct session_stats *samples;	      /* of each, residuals in units of lo..hi; owned */
	int64_t sample_count;		      /* 0 for a constant image */
	/* Values that are as they were in y; NULL where shapes differ; owned. */
	unsigned char *unchanged;
};

struct restored {
	float *picture;	  /* the mean of the samples, in the values of y; owned */
	float *deviation; /* likewise; NULL with one sample, unless the job says so */
	struct restore_record record;
};

struct restorer;

int restorer_create(const struct restore_job *, struct restorer **);
void restorer_destroy(struct restorer *); /* accepts NULL */

/* Other operators than the job's for what follows, by the same method; they must outlive that.  NULL: the job's again. */
void restorer_operators(struct restorer *, const struct plugin_use *, size_t count);
/* Before images of another shape.  wish: of the picture where y does not tell it, or NULL. */
int restorer_shape(struct restorer *, const struct lacuna_shape *y,
		   const struct lacuna_shape *wish);
const struct lacuna_shape *restorer_x(const struct restorer *);
/* The part of x that is the result. */
const struct lacuna_region *restorer_window(const struct restorer *);

/* Listens to the noise of an image, as restorer_run() would; of all that were heard, the median is used for every image
 * from restorer_settle() on, until restorer_forget().  No more than RESTORER_HEARD are kept. */
enum { RESTORER_HEARD = 9 };
int restorer_listen(struct restorer *, const struct measurement *);
void restorer_settle(struct restorer *, const struct measurement *);
void restorer_forget(struct restorer *);
int restorer_has_settled(const struct restorer *);
/* What was settled, on the inner scale of the image that it is of; NULL: nothing. */
struct heard_noise {
	struct noise_description description;
	struct scale inner;
};
const struct heard_noise *restorer_heard(const struct restorer *);
/* As if it had been heard and settled. */
void restorer_recall(struct restorer *, const struct heard_noise *);
/* True when there is noise to listen to: it is not stated. */
int restorer_estimates(const struct restorer *, const struct measurement *);

/* True when an image of this shape takes no more than the budget. */
int restorer_fits(const struct restorer *, const struct lacuna_shape *y);
const struct restore_job *restorer_job(const struct restorer *);

/* Gives back what is kept for the next image of this shape: operators look at their files again.  The stock of priors stays. */
void restorer_rest(struct restorer *);

/* Restores one image.  *result is for restored_free(), also after a failure.  LACUNA_ECANCELLED, and what plugins
 * return. */
int restorer_run(struct restorer *, const struct measurement *, struct restored *result);
void restored_free(struct restored *);		   /* leaves an empty one */
void restore_record_free(struct restore_record *); /* likewise */

#endif
