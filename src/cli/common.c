/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Operators and resources. */
#include <config.h>

#include "cli/common.h"
#include "base/error.h"
#include "base/memory.h"
#include "base/threads.h"

#include <string.h>
#include <unistd.h>

int operators_parse(const struct option_list *list, struct plugin_use **uses)
{
	int status = LACUNA_OK;

	*uses = memory_alloc_array(list->count ? list->count : 1, sizeof **uses);
	if (!*uses)
		return LACUNA_ENOMEM;
	for (size_t i = 0; !status && i < list->count; i++)
		status = use_parse(LACUNA_OPERATOR, list->items[i], &(*uses)[i]);
	if (status) {
		operators_free(*uses, list->count);
		*uses = NULL;
	}
	return status;
}

void operators_free(struct plugin_use *uses, size_t count)
{
	for (size_t i = 0; uses && i < count; i++)
		use_free(&uses[i]);
	memory_release(uses);
}

int plugin_refused(const struct command *c, int status)
{
	/* A file that exists but cannot be used is not misuse. */
	return status == LACUNA_EINVAL && !*error_file() ? misuse(c, "%s", error_text())
							 : failure(NULL, status);
}

size_t resources_set(int64_t threads, uint64_t memory)
{
	const long pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGESIZE);
	size_t budget = (size_t)memory;

	threads_set((int)threads);
	if (!memory && pages > 0 && page > 0)
		budget = (size_t)pages / 4 * 3 * (size_t)page;
	memory_set_budget(budget);
	return budget;
}

int resources_check(size_t needed, size_t budget)
{
	if (!budget || needed <= budget)
		return LACUNA_OK;
	return error_set(LACUNA_ENOMEM,
			 "needs about %.1f MiB of memory, but only %.1f MiB are allowed; raise "
			 "--memory or restore the picture in parts",
			 (double)needed / 0x1p20, (double)budget / 0x1p20);
}
