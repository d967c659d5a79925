/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Tables drawn as SVG, a panel for each, side by side; made to be told apart in print and by the colour-blind. */
#ifndef STUDY_PLOT_H
#define STUDY_PLOT_H

#include "study/table.h"

struct plot_style {
	const char *measure; /* of table_measures */
	int bound;	     /* W_bias of each curve, dashed */
	int slopes;	     /* fitted slopes in the legend */
	int evaluations;     /* x is the number of evaluations */
};

/* The SVG text, for memory_release(); NULL, with the message kept, when there is nothing to draw. */
char *plot_svg(const struct table *tables, size_t count, const struct plot_style *);

#endif
