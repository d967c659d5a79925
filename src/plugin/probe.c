/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
#include <config.h>

#include "plugin/probe.h"

#include "base/child.h"
#include "base/error.h"
#include "plugin/loader.h"

#include <stdio.h>

/* Seconds.  The constructors of large libraries take about 0.1 s. */
static const double limit = 10;

struct probe {
	int kind;
	const char *name;
	int status;
	char file[1024], reason[1024]; /* about the failure; file "" if there is none */
};

static void load(void *context)
{
	struct probe *p = context;
	const struct plugin *plugin;

	p->status = plugin_load(p->kind, p->name, &plugin);
	if (!p->status)
		return;
	snprintf(p->file, sizeof p->file, "%s", error_file());
	snprintf(p->reason, sizeof p->reason, "%s", error_reason());
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
		status = error_file_set(LACUNA_EINVAL, name, "%s while it is loaded", told);
	else if (!status && p->status)
		status = *p->file ? error_file_set(p->status, p->file, "%s", p->reason)
				  : error_set(p->status, "%s", p->reason);
	else if (!status && *end.printed)
		status = error_file_set(LACUNA_EINVAL, name, "prints while it is loaded (\"%s\")",
					end.printed);
	child_unshare(p, sizeof *p);
	return status;
}
