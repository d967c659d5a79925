/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* A restoration in steps, for callers that keep something between them; restore/restore.h does it in one call.  It uses no
 * files and no terminal.
 *
 * A restorer keeps what is expensive to make from one image to the next: operators and plans while the shape stays the same,
 * and a prior that lasts.  Only one thread may use it at a time; several restorers may work in parallel. */
#ifndef RESTORE_RESTORER_H
#define RESTORE_RESTORER_H

#include "engine/run.h"
#include "restore/describe.h"
#include "restore/method.h"

struct measurement;
struct restored;

/* Lets the windows of a picture (restore/windows.h) be restored separately and put together later. */
struct restore_parts {
	/* Called before window `window' is restored.  PART_TAKEN: *part has the result of windows_part(), wherever it was
	 * made; PART_HERE: restore it here; else an error. */
	int (*take)(void *context, const struct measurement *, int64_t window,
		    struct restored *part);
	/* Called before the noise is estimated in windows: 1 if it was known and has been recalled.  Or NULL. */
	int (*recall)(void *context, const struct measurement *);
	/* Called after that estimate; or NULL. */
	void (*heard)(void *context, const struct measurement *);
	/* Called after a warning that only one part of a picture gives for all, and after the doubt that comes with it was
	 * counted.  kind: the same for warnings of the same kind.  Or NULL. */
	void (*told)(void *context, unsigned kind);
	void *context;
};
enum { PART_HERE, PART_TAKEN };

/* What to do with every image.  It must outlive the restorer. */
struct restore_job {
	const struct plugin_use *operators;
	size_t operator_count;
	int masks; /* an operator says which values of y are missing; they are NaN in y */
	struct method *method; /* its prior may be replaced, see method_fall_back() */
	struct stated_noise noise;
	double reject; /* eagerness of reject_lone(); 0: reject nothing */
	uint64_t seed;
	int64_t samples;
	int deviation; /* wanted for one sample too: that of the posterior, see method_deviation() */
	int pairs;     /* samples in pairs of opposite noise: an even number, four at least */
	size_t budget; /* bytes; 0: not limited */
	/* For solvers, where an operator has no closed form (engine/solve.h); NULL: the default. */
	const struct solve_accuracy *accuracy;
	struct prior_stock
		*stock; /* shared with other restorers of the same thread; NULL: its own */

	/* Each may be NULL.  sample: gets each sample once it is drawn, in the values of y; if it returns other than 0, the
	 * run ends with that.  With it no image is restored twice. */
	int (*sample)(void *context, int64_t sample, const float *picture);
	void (*begin)(void *context); /* called before a sample is drawn */
	void (*progress)(void *context, int64_t step, int64_t steps);
	void (*within)(void *context, double share); /* session_options.within; or NULL */
	void *context;
	/* The restorer, made for this job, that restore_image() keeps from one image to the next; NULL: none. */
	struct restorer *kept;
	const struct restore_parts
		*parts; /* or NULL; with them the estimated noise is not forgotten */
};

/* One image, in its file's values. */
struct measurement {
	const char *name; /* for messages, such as "page 3" */
	uint32_t number;  /* selects the random numbers */
	const float *y;	  /* NaN: missing */
	/* Shape of y; wish: of the picture, where y does not tell it (0: none).  restorer_run() has both from
	 * restorer_shape(). */
	struct lacuna_shape shape, wish;
	double lo, hi; /* the range: 0 and 1 for noise.sigma, and for results */
	int stated;    /* the user stated the range; for messages */
	const struct scale
		*seen;	    /* the range that the scene fills (scale_measure()); NULL: lo..hi */
	double unit;	    /* full scale of the file's type, for lacuna_operator.offset(); 0: 1 */
	double step;	    /* the smallest difference of two values; 0: none, float */
	const float *start; /* x-shaped start image, or NULL */
	const float *deviation; /* y-shaped: standard deviation of the noise, above 0; or NULL */
	/* If y is a window of a larger picture: the shape of that, as y, and where the window begins, (x, y0).  Random
	 * numbers belong to places in the larger picture.  No extent: y is the whole. */
	struct lacuna_shape whole;
	int64_t x, y0;
	/* The part of y whose missing and rejected values the record counts, since windows overlap.  extent[3] 0: all. */
	struct lacuna_region counted;
	/* This is part number `part' of `parts' that are restored one by one; parts = 0: the only one.  Messages that hold
	 * for all parts come with the first. */
	int64_t part, parts;
};

struct restore_record {
	struct lacuna_shape shape;	      /* of the result */
	int constant;			      /* all values of y are alike: it was passed through */
	struct scale inner;		      /* the values that were 0..1 for the engine */
	double noise;			      /* of y, root mean square, in units of lo..hi */
	int estimated;			      /* the noise was estimated */
	struct noise_description description; /* where the job's noise.sigma is < 0 */
	double places[2]; /* least and most noise of a place, relative to noise; 0: it is alike */
	const char *dealt_with;	       /* how the noise was handled; static */
	const char *precision;	       /* of the prior; static; NULL: unknown */
	const char *deviation;	       /* how it was found; static; NULL: there is none */
	size_t missing, rejected;      /* numbers of values of y */
	double residual;	       /* mean over the samples, in units of lo..hi */
	int doubts;		       /* number of warnings not to trust the result */
	struct session_stats *samples; /* of each sample, residuals in units of lo..hi; owned */
	int64_t sample_count;	       /* 0 for a constant image */
	/* 1 for each value that is as it was in y; owned.  NULL: all are if constant, else none, or the shapes differ. */
	unsigned char *unchanged;
};

struct restored {
	float *picture;	  /* the mean of the samples, in the values of y; owned */
	float *deviation; /* likewise; NULL with one sample, unless the job asks for it */
	struct restore_record record;
};

struct restorer;

int restorer_create(const struct restore_job *, struct restorer **);
void restorer_destroy(struct restorer *); /* accepts NULL */

/* Uses other operators than the job's from now on, by the same method; they must outlive that use.  NULL: the job's. */
void restorer_operators(struct restorer *, const struct plugin_use *, size_t count);
/* Call it before images of another shape.  wish: that of the picture where y does not tell it, or NULL. */
int restorer_shape(struct restorer *, const struct lacuna_shape *y,
		   const struct lacuna_shape *wish);
const struct lacuna_shape *restorer_x(const struct restorer *);
/* The part of x that is the result. */
const struct lacuna_region *restorer_window(const struct restorer *);

/* restorer_listen() estimates the noise of an image, as restorer_run() would.  restorer_settle() uses the median of these
 * estimates for every image until restorer_forget().  No more than RESTORER_HEARD are kept. */
enum { RESTORER_HEARD = 9 };
int restorer_listen(struct restorer *, const struct measurement *);
void restorer_settle(struct restorer *, const struct measurement *);
/* The least and the most of these estimates before they are settled, in values of the file, and not less than `least' of the
 * scene's range each.  Only those of plain white noise count: others depend on the scene.  Returns their number. */
int restorer_heard_range(const struct restorer *, double least, double range[2]);
void restorer_forget(struct restorer *);
int restorer_has_settled(const struct restorer *);
/* The settled noise, on the inner scale of the image that it comes from; NULL: none. */
struct heard_noise {
	struct noise_description description;
	struct scale inner;
};
const struct heard_noise *restorer_heard(const struct restorer *);
/* Settles this noise. */
void restorer_recall(struct restorer *, const struct heard_noise *);
/* True when the noise is not stated, so that it must be estimated. */
int restorer_estimates(const struct restorer *, const struct measurement *);

/* False when restorer_shape() is certain to refuse the shape for its size. */
int restorer_fits(const struct restorer *, const struct lacuna_shape *y);
/* True after restorer_shape() of this shape, until restorer_rest(). */
int restorer_has_shape(const struct restorer *, const struct lacuna_shape *y);
const struct restore_job *restorer_job(const struct restorer *);

/* Frees what is kept for the next image of this shape, so operators read their files again.  The stock of priors stays. */
void restorer_rest(struct restorer *);

/* Restores one image.  The caller frees *result with restored_free(), also after a failure.  Errors: LACUNA_ECANCELLED, and
 * those of plugins. */
int restorer_run(struct restorer *, const struct measurement *, struct restored *result);
void restored_free(struct restored *);		   /* leaves an empty one */
void restore_record_free(struct restore_record *); /* likewise */

#endif
