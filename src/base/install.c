/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
#include <config.h>

#include "base/install.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* The part of a path after the prefix, from its slash on; NULL if it is not below the prefix. */
static const char *below_prefix(const char *path)
{
	const size_t n = strlen(LACUNA_PREFIX);

	return !strncmp(path, LACUNA_PREFIX, n) && path[n] == '/' ? path + n : NULL;
}

/* The prefix of the running program: its path without /bin/lacuna. */
static int find_prefix(char prefix[PATH_MAX])
{
	const char *bin = below_prefix(LACUNA_BIN_DIR);
	const ssize_t n = readlink("/proc/self/exe", prefix, PATH_MAX - 1);
	size_t length;
	char *slash;

	if (!bin || n <= 0)
		return 0;
	prefix[n] = '\0';
	slash = strrchr(prefix, '/');
	if (!slash)
		return 0;
	*slash = '\0';
	length = (size_t)(slash - prefix);
	if (length < strlen(bin) || strcmp(slash - strlen(bin), bin) != 0)
		return 0;
	slash[-(ptrdiff_t)strlen(bin)] = '\0';
	return 1;
}

void install_path(const char *configured, char *path, size_t size)
{
	const char *rest = below_prefix(configured);
	char prefix[PATH_MAX];

	if (rest && find_prefix(prefix)) {
		const int n = snprintf(path, size, "%s%s", prefix, rest);

		if (n > 0 && (size_t)n < size && !access(path, F_OK))
			return;
	}
	snprintf(path, size, "%s", configured);
}
