/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Draws tables as SVG, one panel each, side by side; curves remain distinct in black and white and for colour-blind
 * readers. */
#ifndef STUDY_PLOT_H
#define STUDY_PLOT_H

#include "study/table.h"

struct plot_style {
	const char *measure; /* one of table_measures */
	int bound;	     /* draws W_bias of each curve, dashed */
	int slopes;	     /* puts fitted slopes into the legend */
	int evaluations;     /* x is the number of evaluations */
};

/* Returns the SVG text (memory_release() it); NULL, with an error message, if there is nothing to draw. */
char *plot_svg(const struct table *tables, size_t count, const struct plot_style *);

#endif
