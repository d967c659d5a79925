/* SPDX-License-Identifier: MIT
 * Copyright 2026 The Lacuna authors
 *
 * lacuna/progress.h -- an extension of hosts, for priors whose calls take minutes: reports progress. */
#ifndef LACUNA_PROGRESS_H
#define LACUNA_PROGRESS_H

#include <lacuna/plugin.h>

#ifdef __cplusplus
extern "C" {
#endif

#define LACUNA_PROGRESS "lacuna.progress/1"

/* What host->extension(host, LACUNA_PROGRESS) returns. */
struct lacuna_progress {
	/* [any thread] Reports that the current call has done this share, 0 to 1, of its work. */
	void (*tell)(const struct lacuna_host *, double share);
};

#ifdef __cplusplus
}
#endif
#endif
