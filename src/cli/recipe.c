/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
#include <config.h>

#include "cli/recipe.h"
#include "base/error.h"
#include "base/text.h"
#include "cli/picture.h"
#include "restore/method.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#define AT(field) .offset = offsetof(struct recipe, field)
const struct option_row recipe_rows[] = {
	{ "operator", 'A', OPTION_PLUGINS, "OPERATOR",
	  "how the picture was degraded, NAME[:key=value,...]; several apply from left to right",
	  AT(operators), .kind = LACUNA_OPERATOR },
	{ "noise", 'n', OPTION_TEXT, "SIGMA",
	  "standard deviation of the noise: a part of full scale, such as 0.01 or 2.55/255; "
	  "poisson:gain=G,offset=O,read=R: photon noise, in counts of the file; NOISE.tif: one "
	  "value for each pixel, in units of the file; auto: estimated [auto]",
	  AT(noise) },
	{ "same-noise", 0, OPTION_FLAG, NULL,
	  "estimate one noise level for all pages [if they have the same size and type]",
	  AT(same_noise) },
	{ "own-noise", 0, OPTION_FLAG, NULL, "estimate the noise of each page separately",
	  AT(own_noise) },
	{ "method", 'm', OPTION_CHOICE, "METHOD",
	  "preset of prior, guidance and sampler: fast, best or sample [best; sample with "
	  "--samples or --guidance]",
	  AT(method), .choices = method_names },
	{ "prior", 'p', OPTION_PLUGIN, "PRIOR", "model of clean images [set by --method]",
	  AT(prior), .kind = LACUNA_PRIOR },
	{ "guidance", 'g', OPTION_PLUGIN, "GUIDANCE",
	  "how the measurement is used [set by --method]", AT(guidance), .kind = LACUNA_GUIDANCE },
	{ "sampler", 's', OPTION_PLUGIN, "SAMPLER",
	  "the algorithm that draws or estimates the image [set by --method]", AT(sampler),
	  .kind = LACUNA_SAMPLER },
	{ "steps", 0, OPTION_INTEGER, "N", "number of steps of the sampler [its default]",
	  AT(steps), .lo = 1, .hi = 1e6 },
	{ "samples", 'k', OPTION_INTEGER, "K", "draw K samples and write their mean [1]",
	  AT(samples), .lo = 1, .hi = 1e5 },
	{ "independent", 0, OPTION_FLAG, NULL,
	  "draw independent samples. Otherwise an even number of at least four samples comes in "
	  "pairs with opposite noise, whose mean is closer to the posterior mean",
	  AT(independent) },
	{ "seed", 0, OPTION_INTEGER, "N", "seed of all random numbers [0]", AT(seed), .lo = 0,
	  .hi = 0x1p53 },
	{ "range", 0, OPTION_TEXT, "LO:HI",
	  "values of black and white, for -n, --reference and --type [full scale of integers; 0:1 "
	  "or the measured range of floats]; full: full scale of the type, so that dark scenes are "
	  "not stretched",
	  AT(range) },
	{ "reject", 0, OPTION_TEXT, "K",
	  "treat a lone value (a hot pixel) as missing if it differs from its neighbours by K "
	  "times their spread and the blur could not have made it; it is written unchanged; no: "
	  "keep all [8]",
	  AT(reject) },
	{ "fill", 0, OPTION_FLAG, NULL,
	  "fill values that the file declares missing (GDAL's nodata) [they stay nodata]",
	  AT(fill) },
	{ "keep-missing", 0, OPTION_FLAG, NULL, "keep NaN in the output [NaN is filled]",
	  AT(keep_missing) },
	{ "size", 0, OPTION_TEXT, "WxH",
	  "size of the restored picture in pixels, such as 512x384. Needed if it does not follow "
	  "from the measurement, as with radon [the size of --start or --reference]",
	  AT(size) },
	{ "type", 't', OPTION_CHOICE, "TYPE",
	  "sample type of the output: uint8, uint16, float32, ... [the input's]", AT(type),
	  .choices = picture_types },
	{ "pages", 0, OPTION_TEXT, "LIST",
	  "restore these pages, such as 1,3-5, and copy the others [all; masks "
	  "and pages of one bit are copied, overviews left out]",
	  AT(pages) },
	{ "only", 0, OPTION_FLAG, NULL, "do not write the pages that --pages leaves out",
	  AT(only) },
};
const size_t recipe_row_count = sizeof recipe_rows / sizeof *recipe_rows;

/* Parses poisson:gain=G[,offset=O][,read=R]. */
static int parse_photons(const char *text, struct stated_noise *noise)
{
	static const char *const names[] = { "gain=", "offset=", "read=" };
	double *const values[] = { &noise->gain, &noise->offset, &noise->read };
	char copy[256], *rest = copy, *word;
	int good = (size_t)snprintf(copy, sizeof copy, "%s", text) < sizeof copy;

	while (good && (word = strtok_r(rest, ",", &rest))) {
		good = 0;
		for (int i = 0; i < 3 && !good; i++)
			good = !strncmp(word, names[i], strlen(names[i])) &&
			       text_real(word + strlen(names[i]), values[i]);
	}
	if (good && noise->gain > 0 && noise->read >= 0)
		return LACUNA_OK;
	return error_set(LACUNA_EINVAL,
			 "--noise poisson:gain=G,offset=O,read=R takes counts per photon (above "
			 "0), offset and read noise of the camera in counts, not '%s'",
			 text);
}

int recipe_noise_is_file(const char *text)
{
	const char *dot = strrchr(text, '.');

	return dot && (!strcasecmp(dot, ".tif") || !strcasecmp(dot, ".tiff"));
}

int recipe_noise(const char *text, struct stated_noise *noise, const char **file)
{
	static const char photons[] = "poisson:";

	*file = NULL;
	*noise = (struct stated_noise){ .sigma = -1 };
	if (!strcmp(text, "auto"))
		return LACUNA_OK;
	if (recipe_noise_is_file(text)) {
		*file = text;
		return LACUNA_OK;
	}
	if (!strncmp(text, photons, sizeof photons - 1))
		return parse_photons(text + sizeof photons - 1, noise);
	if (!text_real(text, &noise->sigma) || noise->sigma < 0)
		return error_set(LACUNA_EINVAL,
				 "--noise takes a number from 0, a fraction such as 2.55/255, "
				 "poisson:gain=G,offset=O,read=R, NOISE.tif or auto, not '%s'",
				 text);
	return LACUNA_OK;
}
