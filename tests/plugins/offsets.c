/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* The layout of the ABI's structures on LP64 systems.  No change may move a member; new members are added at the end.  The
 * test is that this file compiles. */
#include <config.h>

#include "tests/tap.h"

#include <lacuna/conditional.h>
#include <lacuna/deviation.h>
#include <lacuna/fft.h>
#include <lacuna/fit.h>
#include <lacuna/operations.h>
#include <lacuna/plugin.h>
#include <lacuna/progress.h>
#include <lacuna/turns.h>

#if defined __LP64__

#define OFFSET(T, member, value) \
	_Static_assert(offsetof(T, member) == (value), #T "." #member " has moved")
#define SIZE(T, value) _Static_assert(sizeof(T) >= (value), #T " has shrunk")

/* lacuna_shape */
OFFSET(struct lacuna_shape, extent, 0);
SIZE(struct lacuna_shape, 32);

/* lacuna_region */
OFFSET(struct lacuna_region, origin, 0);
OFFSET(struct lacuna_region, extent, 32);
SIZE(struct lacuna_region, 64);

/* lacuna_param */
OFFSET(struct lacuna_param, name, 0);
OFFSET(struct lacuna_param, unit, 8);
OFFSET(struct lacuna_param, help, 16);
OFFSET(struct lacuna_param, type, 24);
OFFSET(struct lacuna_param, flags, 28);
OFFSET(struct lacuna_param, lo, 32);
OFFSET(struct lacuna_param, hi, 40);
OFFSET(struct lacuna_param, dflt, 48);
OFFSET(struct lacuna_param, text, 56);
OFFSET(struct lacuna_param, choices, 64);
OFFSET(struct lacuna_param, offset, 72);
SIZE(struct lacuna_param, 80);

/* lacuna_host */
OFFSET(struct lacuna_host, size, 0);
OFFSET(struct lacuna_host, abi, 4);
OFFSET(struct lacuna_host, data, 8);
OFFSET(struct lacuna_host, version, 16);
OFFSET(struct lacuna_host, log, 24);
OFFSET(struct lacuna_host, fail, 32);
OFFSET(struct lacuna_host, log_text, 40);
OFFSET(struct lacuna_host, fail_text, 48);
OFFSET(struct lacuna_host, alloc, 56);
OFFSET(struct lacuna_host, release, 64);
OFFSET(struct lacuna_host, parallel, 72);
OFFSET(struct lacuna_host, gaussian, 80);
OFFSET(struct lacuna_host, random, 88);
OFFSET(struct lacuna_host, cancelled, 96);
OFFSET(struct lacuna_host, read_image, 104);
OFFSET(struct lacuna_host, data_path, 112);
OFFSET(struct lacuna_host, extension, 120);
OFFSET(struct lacuna_host, problem, 128);
OFFSET(struct lacuna_host, prior, 136);
OFFSET(struct lacuna_host, guidance, 144);
SIZE(struct lacuna_host, 152);

/* lacuna_host_problem */
OFFSET(struct lacuna_host_problem, size, 0);
OFFSET(struct lacuna_host_problem, apply, 8);
OFFSET(struct lacuna_host_problem, adjoint, 16);
OFFSET(struct lacuna_host_problem, spectral, 24);
OFFSET(struct lacuna_host_problem, solve, 32);
OFFSET(struct lacuna_host_problem, diagonal, 40);
SIZE(struct lacuna_host_problem, 48);

/* lacuna_host_prior */
OFFSET(struct lacuna_host_prior, size, 0);
OFFSET(struct lacuna_host_prior, info, 8);
OFFSET(struct lacuna_host_prior, denoise, 16);
OFFSET(struct lacuna_host_prior, denoise_map, 24);
OFFSET(struct lacuna_host_prior, denoise_vjp, 32);
OFFSET(struct lacuna_host_prior, denoise_jvp, 40);
OFFSET(struct lacuna_host_prior, denoise_round, 48);
SIZE(struct lacuna_host_prior, 56);

/* lacuna_host_guidance */
OFFSET(struct lacuna_host_guidance, size, 0);
OFFSET(struct lacuna_host_guidance, estimate, 8);
OFFSET(struct lacuna_host_guidance, estimate_step, 16);
SIZE(struct lacuna_host_guidance, 24);

/* lacuna_problem */
OFFSET(struct lacuna_problem, size, 0);
OFFSET(struct lacuna_problem, flags, 4);
OFFSET(struct lacuna_problem, x, 8);
OFFSET(struct lacuna_problem, y, 40);
OFFSET(struct lacuna_problem, measurement, 72);
OFFSET(struct lacuna_problem, start, 80);
OFFSET(struct lacuna_problem, noise, 88);
SIZE(struct lacuna_problem, 96);

/* lacuna_operator */
OFFSET(struct lacuna_operator, size, 0);
OFFSET(struct lacuna_operator, flags, 4);
OFFSET(struct lacuna_operator, shape, 8);
OFFSET(struct lacuna_operator, create, 16);
OFFSET(struct lacuna_operator, destroy, 24);
OFFSET(struct lacuna_operator, scratch, 32);
OFFSET(struct lacuna_operator, apply, 40);
OFFSET(struct lacuna_operator, adjoint, 48);
OFFSET(struct lacuna_operator, spectral, 56);
OFFSET(struct lacuna_operator, diagonal, 64);
OFFSET(struct lacuna_operator, window, 72);
OFFSET(struct lacuna_operator, approximate, 80);
OFFSET(struct lacuna_operator, solve, 88);
OFFSET(struct lacuna_operator, offset, 96);
OFFSET(struct lacuna_operator, extension, 104);
SIZE(struct lacuna_operator, 112);

/* lacuna_estimate */
OFFSET(struct lacuna_estimate, size, 0);
OFFSET(struct lacuna_estimate, pixelwise, 4);
OFFSET(struct lacuna_estimate, x, 8);
OFFSET(struct lacuna_estimate, guess, 16);
OFFSET(struct lacuna_estimate, noise, 24);
SIZE(struct lacuna_estimate, 32);

/* lacuna_system */
OFFSET(struct lacuna_system, size, 0);
OFFSET(struct lacuna_system, iterations, 4);
OFFSET(struct lacuna_system, weights, 8);
OFFSET(struct lacuna_system, rho, 16);
OFFSET(struct lacuna_system, tolerance, 24);
SIZE(struct lacuna_system, 32);

/* lacuna_prior_info */
OFFSET(struct lacuna_prior_info, size, 0);
OFFSET(struct lacuna_prior_info, channels, 4);
OFFSET(struct lacuna_prior_info, blind, 8);
OFFSET(struct lacuna_prior_info, sigma_min, 16);
OFFSET(struct lacuna_prior_info, sigma_max, 24);
OFFSET(struct lacuna_prior_info, symmetric, 32);
SIZE(struct lacuna_prior_info, 40);

/* lacuna_prior */
OFFSET(struct lacuna_prior, size, 0);
OFFSET(struct lacuna_prior, flags, 4);
OFFSET(struct lacuna_prior, create, 8);
OFFSET(struct lacuna_prior, destroy, 16);
OFFSET(struct lacuna_prior, info, 24);
OFFSET(struct lacuna_prior, scratch, 32);
OFFSET(struct lacuna_prior, denoise, 40);
OFFSET(struct lacuna_prior, denoise_map, 48);
OFFSET(struct lacuna_prior, vjp, 56);
OFFSET(struct lacuna_prior, jvp, 64);
OFFSET(struct lacuna_prior, denoise_round, 72);
OFFSET(struct lacuna_prior, extension, 80);
SIZE(struct lacuna_prior, 88);

/* lacuna_guidance */
OFFSET(struct lacuna_guidance, size, 0);
OFFSET(struct lacuna_guidance, flags, 4);
OFFSET(struct lacuna_guidance, needs, 8);
OFFSET(struct lacuna_guidance, reserved, 12);
OFFSET(struct lacuna_guidance, create, 16);
OFFSET(struct lacuna_guidance, destroy, 24);
OFFSET(struct lacuna_guidance, scratch, 32);
OFFSET(struct lacuna_guidance, estimate, 40);
OFFSET(struct lacuna_guidance, estimate_step, 48);
OFFSET(struct lacuna_guidance, extension, 56);
SIZE(struct lacuna_guidance, 64);

/* lacuna_sampler */
OFFSET(struct lacuna_sampler, size, 0);
OFFSET(struct lacuna_sampler, flags, 4);
OFFSET(struct lacuna_sampler, needs, 8);
OFFSET(struct lacuna_sampler, reserved, 12);
OFFSET(struct lacuna_sampler, create, 16);
OFFSET(struct lacuna_sampler, destroy, 24);
OFFSET(struct lacuna_sampler, steps, 32);
OFFSET(struct lacuna_sampler, start, 40);
OFFSET(struct lacuna_sampler, step, 48);
OFFSET(struct lacuna_sampler, extension, 56);
SIZE(struct lacuna_sampler, 64);

/* The extensions: their tables never grow; additions get a new extension number. */
OFFSET(struct lacuna_operations, operation_solve, 40);
_Static_assert(sizeof(struct lacuna_operations) == 48, "lacuna.operations/1 has changed");
_Static_assert(sizeof(struct lacuna_conditional) == 16, "lacuna.conditional/1 has changed");
_Static_assert(sizeof(struct lacuna_prior_conditional) == 16, "lacuna.conditional/1 has changed");
_Static_assert(sizeof(struct lacuna_prior_deviation) == 8, "lacuna.deviation/1 has changed");
OFFSET(struct lacuna_fft_plan, stride, 12);
OFFSET(struct lacuna_fft_plan, bytes, 16);
_Static_assert(sizeof(struct lacuna_fft_grid) == 12, "lacuna.fft/1 has changed");
_Static_assert(sizeof(struct lacuna_fft) == 56, "lacuna.fft/1 has changed");
_Static_assert(sizeof(struct lacuna_operator_fit) == 16, "lacuna.fit/1 has changed");
_Static_assert(sizeof(struct lacuna_progress) == 8, "lacuna.progress/1 has changed");
_Static_assert(sizeof(struct lacuna_turns) == 8, "lacuna.turns/1 has changed");

/* lacuna_plugin */
OFFSET(struct lacuna_plugin, magic, 0);
OFFSET(struct lacuna_plugin, abi, 4);
OFFSET(struct lacuna_plugin, size, 8);
OFFSET(struct lacuna_plugin, kind, 12);
OFFSET(struct lacuna_plugin, name, 16);
OFFSET(struct lacuna_plugin, summary, 24);
OFFSET(struct lacuna_plugin, manual, 32);
OFFSET(struct lacuna_plugin, version, 40);
OFFSET(struct lacuna_plugin, author, 48);
OFFSET(struct lacuna_plugin, license, 56);
OFFSET(struct lacuna_plugin, params, 64);
OFFSET(struct lacuna_plugin, param_count, 72);
OFFSET(struct lacuna_plugin, param_size, 76);
OFFSET(struct lacuna_plugin, config_size, 80);
OFFSET(struct lacuna_plugin, family, 88);
SIZE(struct lacuna_plugin, 96);

#endif

int main(void)
{
	ok(1, "offsets of the ABI's structures");
	return tap_done();
}
