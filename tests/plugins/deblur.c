/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Deblurring of a synthetic scene with the Gaussian prior: hqs is better than the blurred picture, unknown pixels beyond the
 * border do not degrade the picture inside, and bo remains stable at frequencies that the kernel nearly removes. */
#include <config.h>

#include "lab.h"
#include "../tap.h"

#include <stdlib.h>

enum { SIDE = 128, N = SIDE * SIDE, LENGTH = 11, MARGIN = 2 * LENGTH };
static const double noise = 0.01;

/* Shapes with edges on a gradient; the picture is not periodic. */
static void paint(float *scene)
{
	for (int y = 0; y < SIDE; y++)
		for (int x = 0; x < SIDE; x++) {
			float v = 0.3f + 0.3f * (float)x / SIDE + 0.1f * (float)y / SIDE;

			if ((x / 16 + y / 24) % 3 == 0)
				v -= 0.2f;
			if ((x - 70) * (x - 70) + (y - 50) * (y - 50) < 500)
				v = 0.9f;
			if (abs(x - y) < 3)
				v = 0.15f;
			scene[y * SIDE + x] = v;
		}
}

/* PSNR over the part of the scene at least `margin' from its border; the image has the scene's size. */
static double psnr(const float *image, const float *scene, int margin)
{
	double sum = 0, count = 0;

	for (int y = margin; y < SIDE - margin; y++)
		for (int x = margin; x < SIDE - margin; x++) {
			sum += pow((double)image[y * SIDE + x] - scene[y * SIDE + x], 2);
			count++;
		}
	return 10 * log10(count / sum);
}

/* PSNR within the margin of the restoration and, if it has the scene's size, of the measurement. */
static double restore(const char *boundary, const char *guidance, const char *sampler,
		      const float *scene, int margin, double *blurred)
{
	char op[100];
	static float x[N];
	struct lab_plan plan = { .x = { { SIDE, SIDE, 1, 1 } },
				 .op = op,
				 .prior = "gaussian",
				 .guidance = guidance,
				 .sampler = sampler,
				 .scene = scene,
				 .noise = noise };
	struct lab lab;

	snprintf(op, sizeof op, "blur:kind=motion,length=%d,angle=25,boundary=%s", LENGTH,
		 boundary);
	lab_open(&lab, &plan);
	lab_run(&lab, 0, x);
	if (blurred)
		*blurred = psnr(lab.y, scene, margin);
	lab_close(&lab);
	return psnr(x, scene, margin);
}

int main(void)
{
	static const char wiener[] = "hqs:steps=30,falling=0,lambda=1,sigma_max=1,sigma_min=0.01";
	static float scene[N];
	double before, periodic, border, bo, prox, unlimited;

	paint(scene);
	periodic = restore("periodic", NULL, wiener, scene, MARGIN, &before);
	ok(periodic > before + 5, "hqs: %.2f dB, blurred %.2f", periodic, before);
	border = restore("valid", NULL, wiener, scene, MARGIN, NULL);
	ok(border > periodic - 1, "hqs, border unknown: %.2f dB inside, periodic %.2f", border,
	   periodic);
	/* The measurement is smaller than the scene by half a kernel on each side. */
	border = restore("valid", NULL, wiener, scene, LENGTH / 2 + 1, NULL);
	ok(border > periodic - 2, "hqs, border unknown: %.2f dB up to the border, no ringing",
	   border);
	bo = restore("periodic", "bo", "ddpm:steps=20", scene, 0, &before);
	ok(bo > before, "bo: %.2f dB, blurred %.2f", bo, before);
	unlimited = restore("periodic", "bo:threshold=1e6", "ddpm:steps=20", scene, 0, NULL);
	ok(unlimited < before - 10, "bo without its threshold blows up: %.2f dB", unlimited);
	prox = restore("periodic", "prox", "ddpm:steps=20", scene, 0, NULL);
	ok(prox > bo + 1, "prox: %.2f dB, better than bo", prox);
	return tap_done();
}
