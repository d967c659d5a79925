/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* A page being restored, in stages, which page.c runs.  If page-plan.c decides so, page-parts.c restores it in windows instead,
 * row by row. */
#ifndef CLI_PAGE_H
#define CLI_PAGE_H

#include "cli/restoration.h"
#include "engine/metrics.h"
#include "restore/windows.h"

/* All data of the current page.  page_free() releases it in any state. */
struct page {
	struct restoration *r;
	int number; /* from 0 */
	char name[32];
	struct image_page info;
	int listening;		     /* only estimate the noise; log nothing else */
	struct lacuna_shape y_shape; /* of the page, or of all pages */
	struct lacuna_shape wish;    /* page_wish() */
	struct lacuna_shape x,
		window;		  /* of the unknown, and of the part of it that is the result */
	struct image_range range; /* file values that are 0..1 in options, metrics and report */
	struct image_band *band;  /* the page as stored: all rows; for windows some */
	struct image y, start, reference;
	struct image noise; /* standard deviation of each value, from --noise FILE */
	int lumps; /* values that look like nodata, beside the one that the page declares */
	double lump[LUMPS_MOST];
	int lacks;	      /* y has missing values that may be put back */
	struct image picture; /* the result; shares the values of `result' */
	struct restored result;
	unsigned char *unchanged; /* of a copied page: one flag per value */
	struct metrics before, after;
	int has_before, has_after;

	int windowed;		     /* too large for the memory, or only a part is wanted */
	int held;		     /* the band still holds all rows: small as stored */
	struct lacuna_region part;   /* of the page, to be restored: all, or --crop and a margin */
	struct lacuna_region wanted; /* of the page, to be written */
	struct windows windows;	     /* of `part' */
	struct restore_job job; /* for the windows: without the mask, if it is the last operator */
	unsigned char *
		known; /* replaces that mask: one bit per value of the page, 1: known, 0: missing; or NULL */
	struct plugin_use plain; /* stands in when the mask was the only operator */
};

/* ---- page.c */

void page_free(struct page *);
/* True when the file has one page only. */
int page_is_single(const struct restoration *);
/* True when the operator measures a picture, not a spectrum. */
int page_makes_picture(const struct page *);
struct measurement page_measurement(const struct page *);
/* Runs stages until one fails, and names the page in its message. */
int page_run_stages(struct page *, int (*const *stages)(struct page *), size_t count);

/* ---- page-measurement.c */

/* A stage: reads y, and sets the range of its values. */
int page_read(struct page *);

/* ---- page-survey.c */

/* Warns of dead lines, and of areas that are no scene. */
int page_survey(struct page *);

/* ---- page-missing.c */

struct missing_rule page_missing_rule(const struct page *);
/* Sets missing values of y to NaN, which the engine knows. */
int page_mark_missing(struct page *);
/* Logs the missing values of a page. */
void page_tell_missing(const struct page *, const struct missing_count *);
/* Logs how many pixels have value number i of operands.absent. */
void page_tell_absent(const struct page *, size_t i, size_t pixels);
/* LACUNA_EINVAL: the output's type cannot hold the values to put back. */
int page_check_put_back(const struct page *, const struct missing_count *);
/* Puts missing values back, from the band, into rows of the result; they start at row `top' of the written page. */
int page_put_missing_back(const struct page *, int64_t top, struct image *rows);

/* ---- page-companions.c */

/* Stages: read what the user gives beside the page, if anything; page_compare() prints how near the result is to the
 * reference. */
int page_read_noise(struct page *);
int page_read_reference(struct page *);
int page_read_start(struct page *);
int page_compare(struct page *);
/* Infinite or NaN sigma means not measured: sets y to NaN and sigma to 1 there.  n: values.  LACUNA_EINVAL: sigma <= 0. */
int page_mark_unmeasured(const struct page *, size_t n, float *sigma, float *y);
/* LACUNA_EINVAL: a file has another shape than `what', the picture. */
int page_wrong_shape(const char *path, const struct lacuna_shape *got, const char *what,
		     const struct lacuna_shape *wanted);

/* ---- page-write.c */

/* Converts file values to those of the output's type.  page_tell_values() tells the writer, before the page is written. */
void page_convert(const struct page *, struct image *picture);
void page_tell_values(const struct page *, struct image_writer *);
/* A stage: shows the result, and writes it and its deviation. */
int page_write(struct page *);

/* ---- page-record.c */

/* The page's part of the report. */
json_t *page_record(const struct page *);

/* ---- page-plan.c: which part of a page is read, and in which windows */

/* True when at most holes need restoring: there is no noise, and nothing else is asked for. */
int page_may_have_holes(const struct page *);
/* *needed: 1 when the page must be restored in windows, because it is too large for the memory. */
int page_needs_parts(struct page *, int *needed);
/* Sets `windowed'. */
int page_plan_parts(struct page *);
/* As page_plan_parts(), where the part is known: sets the windows. */
int page_plan_part(struct page *);
/* Decodes the page if it is to be held. */
int page_hold(struct page *);
/* The number, from 0, of the noise map's page for this one. */
int page_of_noise(const struct page *);
void page_free_parts(struct page *);

/* ---- page-parts.c: a page in windows */

/* Reads y of a part of the part that was planned. */
void page_read_part(const struct page *, const struct lacuna_region *in_part, float *y);
int page_restore_parts(struct page *);
/* Restores window number `window' alone; < 0: only estimates the noise. */
int page_restore_window(struct page *, int64_t window, struct restored *part);

#endif
