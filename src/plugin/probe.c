/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
#include <config.h>

#include "plugin/probe.h"

#include "base/child.h"
#include "base/error.h"
#include "plugin/loader.h"

#include <stdio.h>

/* Seconds.  Constructors of large libraries take a tenth. */
static const double limit = 10;

struct probe {
	int kind;
	const char *name;
	int status;
	char message[1024];
};

static void load(void *context)
{
	struct probe *p = context;
	const struct plugin *plugin;

	p->status = plugin_load(p->kind, p->name, &plugin);
	snprintf(p->message, sizeof p->message, "%s", p->status ? error_text() : "");
}

static unsigned long no_progress(const void *unused)
{
	(void)unused;
	return 0;
}

int plugin_probe(int kind, const char *name)
{
	struct probe *p = child_share(sizeof *p);
	struct child_end end;
	char told[128];
	int status;

	if (!p)
		return LACUNA_ENOMEM;
	p->kind = kind;
	p->name = name;
	status = child_run(load, p, no_progress, limit, &end);
	child_tell(&end, limit, told, sizeof told);
	if (!status && end.way == CHILD_CANCELLED)
		status = error_set(LACUNA_ECANCELLED, "stopped");
	else if (!status && end.way != CHILD_RETURNED)
		status = error_set(LACUNA_EINVAL, "%s: %s when it is loaded", name, told);
	else if (!status && p->status)
		status = error_set(p->status, "%s", p->message);
	else if (!status && *end.printed)
		status = error_set(LACUNA_EINVAL, "%s: prints when it is loaded (\"%s\")", name,
				   end.printed);
	child_unshare(p, sizeof *p);
	return status;
}
