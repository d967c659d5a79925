/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* What the report says about a restored page. */
#include <config.h>

#include "cli/page.h"
#include "cli/report.h"

static json_t *sample_records(const struct restored *result)
{
	json_t *list = json_array();

	for (int64_t k = 0; k < result->record.sample_count; k++) {
		const struct session_stats *s = &result->record.samples[k];

		json_array_append_new(list, json_pack("{s:I, s:I, s:o, s:o, s:o}", "steps",
						      (json_int_t)s->steps, "evaluations",
						      (json_int_t)s->evaluations, "seconds",
						      report_real(s->seconds), "prior_seconds",
						      report_real(s->prior_seconds), "residual",
						      report_real(s->residual)));
	}
	return list;
}

/* The noise that was assumed, how it was found, and what was done about it.  Figures are in file units: the variance of a
 * value v is slope v + offset. */
static json_t *noise_model(const struct page *p)
{
	const struct restore_record *r = &p->result.record;
	const struct scale file = { .black = 0, .white = 1 };
	const struct noise law = noise_rescale(&r->description.noise, &r->inner, &file);
	const double sigma = r->noise * (p->range.hi - p->range.lo);
	const int differs = p->r->job.noise.sigma < 0 && r->description.noise.channel[0] > 0;
	const int grows = p->r->job.noise.sigma < 0 && law.slope > 0;
	const char *how = r->description.how;
	json_t *model;

	model = json_pack("{s:s, s:o, s:o, s:o, s:s, s:s}", "model",
			  p->noise.values ? "of each pixel"
			  : grows	  ? "growing with brightness"
			  : differs	  ? "one level for each channel"
					  : "one level",
			  "slope", report_real(grows ? law.slope : 0), "offset",
			  report_real(grows ? law.offset : sigma * sigma), "sigma",
			  report_real(sigma), "found",
			  how		 ? how
			  : r->estimated ? "measured"
					 : "as stated",
			  "dealt_with", r->dealt_with ? r->dealt_with : "one level");
	if (r->places[1] > 0)
		json_object_set_new(
			model, "places",
			report_range((struct image_range){ r->places[0], r->places[1] }));
	return model;
}

json_t *page_record(const struct page *p)
{
	const struct restore_record *r = &p->result.record;
	json_t *record = json_pack(
		"{s:i, s:o, s:o, s:o, s:s, s:o, s:o, s:o, s:b, s:I, s:I, s:o}", "page",
		p->number + 1, "measurement", report_shape(&p->y_shape), "unknown",
		report_shape(&p->x), "result", report_shape(&p->window), "sample_type",
		picture_type_name(p->info.kind, p->info.bits), "range", report_range(p->range),
		"scale", report_range((struct image_range){ r->inner.black, r->inner.white }),
		"noise", report_real(r->noise), "noise_estimated", r->estimated, "missing_values",
		(json_int_t)r->missing, "rejected_values", (json_int_t)r->rejected, "samples",
		sample_records(&p->result));

	json_object_set_new(record, "residual", report_real(r->residual));
	json_object_set_new(record, "residual_expected", report_real(r->noise));
	if (!r->constant)
		json_object_set_new(record, "noise_model", noise_model(p));
	if (r->precision)
		json_object_set_new(record, "precision", report_string(r->precision));
	if (r->deviation)
		json_object_set_new(record, "std", json_string(r->deviation));
	json_object_set_new(record, "doubts", json_integer(r->doubts));
	if (p->has_before)
		json_object_set_new(record, "before", report_metrics(&p->before));
	if (p->has_after)
		json_object_set_new(record, "after", report_metrics(&p->after));
	return record;
}
