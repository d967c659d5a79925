/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Instances of a prior, and the stock that keeps them between sessions. */
#ifndef ENGINE_PRIOR_H
#define ENGINE_PRIOR_H

#include "plugin/host.h"
#include "plugin/loader.h"

/* The result of a prior's create() for one image shape, with the scratch memory that its calls need. */
struct prior_instance {
	const struct plugin_use *use;
	struct lacuna_shape x;
	uint32_t flags;		 /* from prior_flags() */
	struct lacuna_host host; /* for a lasting prior; other priors use their session's host */
	struct host_context host_context; /* its owner is the instance */
	void *self, *scratch;
	struct lacuna_prior_info info;
	/* Called with the progress of the prior's current call, from any thread; or NULL. */
	void (*listen)(void *listener, double share);
	void *listener;
	size_t bytes;		     /* allocated by create(), approximately */
	struct prior_instance *next; /* in the stock: the one used next most recently */
};

/* Keeps instances of lasting priors (LACUNA_LASTING): their weights and primitives may take as long to make as restoring
 * a small image takes.  One instance per shape and configuration, the most recently used first, in at most an eighth of
 * the memory budget.  Used by one thread at a time, in one context (base/context.h).  The plugin_use of an instance must
 * outlive the stock, unless the stock is cleared first. */
struct prior_stock {
	struct prior_instance *kept;
};

/* The flags that tell a prior how it will be used: LACUNA_DERIVATIVE, LACUNA_TANGENT.  guidance may be NULL or have no plugin. */
uint32_t prior_flags(const struct plugin_use *guidance, const struct plugin_use *sampler);

/* An instance for the description's x and flags, from the stock if it has one.  stock may be NULL.  host serves a prior
 * that is not lasting, and must outlive that instance. */
int prior_take(struct prior_stock *, const struct plugin_use *, const struct lacuna_host *host,
	       const struct lacuna_problem *, struct prior_instance **);
/* Puts a lasting instance into the stock, which may then drop others; destroys any other.  Accepts NULL instances and
 * stocks. */
void prior_return(struct prior_stock *, struct prior_instance *);
/* Creates the instance of a lasting prior for images of shape x in advance.  Does nothing for other priors. */
int prior_prepare(struct prior_stock *, const struct plugin_use *, const struct lacuna_shape *x,
		  uint32_t flags);
/* Allocates the scratch memory again, after the instance's needs have grown. */
int prior_renew_scratch(struct prior_instance *);
/* Serves lacuna_host_prior.info(): copies *from to *to, up to to->size bytes, and sets to->size to the bytes copied: the
 * structure of a newer plugin is longer. */
int prior_copy_info(const struct lacuna_prior_info *from, struct lacuna_prior_info *to);
void prior_stock_clear(struct prior_stock *);

#endif
