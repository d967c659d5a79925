/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Instances of a prior, and the stock that keeps one between sessions. */
#ifndef ENGINE_PRIOR_H
#define ENGINE_PRIOR_H

#include "plugin/host.h"
#include "plugin/loader.h"

/* What a prior's create() made for one shape of image, with the memory that its calls need. */
struct prior_instance {
	const struct plugin_use *use;
	struct lacuna_shape x;
	uint32_t flags;		 /* of prior_flags() */
	struct lacuna_host host; /* of a lasting prior; others are served by their session */
	struct host_context host_context; /* its owner is the instance */
	void *self, *scratch;
	struct lacuna_prior_info info;
	/* Who uses it hears how far its call is, from any thread; or NULL */
	void (*listen)(void *listener, double share);
	void *listener;
	size_t bytes;		     /* that its making took, about */
	struct prior_instance *next; /* in the stock: used before this one */
};

/* Keeps instances of lasting priors (LACUNA_LASTING), whose weights and primitives may take as long to make as a small image
 * takes to restore: one for each shape and configuration, as many as an eighth of the memory's budget holds, the last used
 * first.  Used by one thread at a time, and in one context (base/context.h); whoever used an instance must outlive the stock, or
 * clear it. */
struct prior_stock {
	struct prior_instance *kept;
};

/* What a prior is told of what will be asked of it: LACUNA_DERIVATIVE, or nothing.  guidance may be NULL, and without a plugin. */
uint32_t prior_flags(const struct plugin_use *guidance, const struct plugin_use *sampler);

/* An instance for the description's x and flags, from the stock where it has one.  stock may be NULL.  host: serves a prior that is
 * not lasting, and must outlive it then. */
int prior_take(struct prior_stock *, const struct plugin_use *, const struct lacuna_host *host,
	       const struct lacuna_problem *, struct prior_instance **);
/* Back into the stock, or to its end.  Accepts NULL. */
void prior_return(struct prior_stock *, struct prior_instance *);
/* Makes the instance of a lasting prior for images of shape x before it is asked for; of others nothing. */
int prior_prepare(struct prior_stock *, const struct plugin_use *, const struct lacuna_shape *x,
		  uint32_t flags);
/* Again, after the instance came to need more. */
int prior_renew_scratch(struct prior_instance *);
void prior_stock_clear(struct prior_stock *);

#endif
