/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Noise levels and first state of diffusion samplers, and the parameters that all of them have. */
#ifndef COMMON_SCHEDULE_H
#define COMMON_SCHEDULE_H

#include <lacuna/plugin.h>

/* Must be the first member of a sampler's configuration. */
struct schedule_config {
	int64_t steps, schedule, from, finish;
	double sigma_max, sigma_min, rho, c, delta, start;
	double horizon, stop, beta;
};

enum { SCHEDULE_EDM, SCHEDULE_ETC, SCHEDULE_LINEAR_BETA, SCHEDULE_GEOMETRIC, SCHEDULE_OU };
enum { SCHEDULE_FROM_IMAGE, SCHEDULE_FROM_NOISE };
enum { SCHEDULE_FINISH_DENOISE, SCHEDULE_FINISH_NONE };

extern const char *const schedule_kinds[], *const schedule_origins[], *const schedule_ends[];

/* Rows for the parameter table of a sampler. */
#define SCHEDULE_PARAMS(default_steps)                                                         \
	LACUNA_PARAM_INT(struct schedule_config, steps, NULL, 1, 1000000, default_steps,       \
			 "noise levels; each costs one evaluation of the prior"),              \
		LACUNA_PARAM_CHOICE(struct schedule_config, schedule, schedule_kinds,          \
				    SCHEDULE_EDM, "how the noise levels are spaced"),          \
		LACUNA_PARAM_REAL(struct schedule_config, sigma_max, NULL, 1e-4, 1e5, 20,      \
				  "highest noise level (edm, geometric)"),                     \
		LACUNA_PARAM_REAL(struct schedule_config, sigma_min, NULL, 1e-6, 1e4, 0.002,   \
				  "lowest noise level (edm, geometric)"),                      \
		LACUNA_PARAM_REAL(struct schedule_config, rho, NULL, 1, 100, 7,                \
				  "curvature of edm spacing: larger puts more levels near 0"), \
		LACUNA_PARAM_REAL(struct schedule_config, c, NULL, 0.1, 100, 3,                \
				  "learning rate of etc is c log(steps)/steps"),               \
		LACUNA_PARAM_REAL(struct schedule_config, delta, NULL, 1e-12, 0.5, 1e-4,       \
				  "variance of the first forward step of etc"),                \
		LACUNA_PARAM_REAL(struct schedule_config, horizon, NULL, 1e-3, 50, 5,          \
				  "time of the highest level (ou)"),                           \
		LACUNA_PARAM_REAL(struct schedule_config, stop, NULL, 1e-9, 10, 1e-5,          \
				  "time of the lowest level, early stopping (ou)"),            \
		LACUNA_PARAM_REAL(struct schedule_config, beta, NULL, 1e-4, 1e4, 1,            \
				  "rate of the clock at the horizon; at time 0 it is 1 (ou)"), \
		LACUNA_PARAM_REAL(                                                             \
			struct schedule_config, start, NULL, 0, 1e5, 0,                        \
			"begin at this noise level, at the start image (0: at the top)"),      \
		LACUNA_PARAM_CHOICE(struct schedule_config, from, schedule_origins,            \
				    SCHEDULE_FROM_IMAGE,                                       \
				    "first state: the start image with noise, or only noise"), \
		LACUNA_PARAM_CHOICE(struct schedule_config, finish, schedule_ends,             \
				    SCHEDULE_FINISH_DENOISE,                                   \
				    "end: denoise the last state, or leave it noisy (none)")

/* Text for manuals on these parameters. */
#define SCHEDULE_MANUAL                                                                     \
	"Noise levels are standard deviations on the 0..1 scale of the image. N steps "     \
	"have N levels and N evaluations of the prior. finish=none stops at the last "      \
	"level without denoising it (N - 1 evaluations); it is for studies. edm spaces "    \
	"the levels evenly in sigma^(1/rho) (Karras et al. 2022, equation 5), geometric "   \
	"evenly in log(sigma); both run from sigma_max to sigma_min. linear-beta takes "    \
	"them from the 1000 levels of DDPM (Ho et al. 2020: beta from 0.0001 to 0.02). "    \
	"etc (exponential, then constant) is beta_t = r min(delta (1 + r)^t, 1), r = c "    \
	"log(N)/N, beta_1 = delta (Liang et al. 2025). ou spaces them evenly in the time "  \
	"t of an Ornstein-Uhlenbeck process, from horizon to stop: alpha_bar = exp(-2 B), " \
	"B = t + (beta - 1) t^2/(2 horizon) (De Bortoli 2022).\n\n"                         \
	"start=S begins at noise level S, at the start image (come closer, diffuse "        \
	"faster). Without a start image it begins at a regularised inversion of the "       \
	"measurement. edm and geometric then place all their levels below S; the others "   \
	"leave out the levels above S.\n\n"

struct schedule {
	int64_t steps;
	double *sigma; /* step k is from sigma[k] to sigma[k + 1]; strictly decreasing; ends with 0 unless finish=none */
};

int schedule_create(const struct lacuna_host *, const struct schedule_config *, struct schedule *);
void schedule_free(const struct lacuna_host *, struct schedule *);
/* Sets u to the first state, at level sigma[0]. */
int schedule_start(const struct lacuna_host *, const struct schedule_config *,
		   const struct schedule *, const struct lacuna_problem *, float *u);

#endif
