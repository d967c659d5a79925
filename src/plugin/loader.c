/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
#include <config.h>

#include "plugin/loader.h"

#include "base/error.h"
#include "base/memory.h"
#include "base/text.h"
#include "plugin/host.h"
#include "plugin/object.h"
#include "plugin/param.h"

#include <ctype.h>
#include <dirent.h>
#include <dlfcn.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- families */

#define END_OF(T, member) (offsetof(T, member) + sizeof(((T *)0)->member))
#define REQUIRED(T, member)                  \
	{                                    \
#member, offsetof(T, member) \
	}

struct required {
	const char *name;
	size_t offset; /* of a function pointer */
};

/* What the loader must know of a family.  least: where 1.0's required functions end; optional ones may be missing. */
static const struct family {
	const char *name;
	size_t size, least;
	struct required required[6];
} families[] = {
	[LACUNA_OPERATOR] = { "operator",
			      sizeof(struct lacuna_operator),
			      END_OF(struct lacuna_operator, adjoint),
			      { REQUIRED(struct lacuna_operator, shape),
				REQUIRED(struct lacuna_operator, create),
				REQUIRED(struct lacuna_operator, destroy),
				REQUIRED(struct lacuna_operator, apply),
				REQUIRED(struct lacuna_operator, adjoint) } },
	[LACUNA_PRIOR] = { "prior",
			   sizeof(struct lacuna_prior),
			   END_OF(struct lacuna_prior, denoise),
			   { REQUIRED(struct lacuna_prior, create),
			     REQUIRED(struct lacuna_prior, destroy),
			     REQUIRED(struct lacuna_prior, info),
			     REQUIRED(struct lacuna_prior, denoise) } },
	[LACUNA_GUIDANCE] = { "guidance",
			      sizeof(struct lacuna_guidance),
			      END_OF(struct lacuna_guidance, estimate),
			      { REQUIRED(struct lacuna_guidance, create),
				REQUIRED(struct lacuna_guidance, destroy),
				REQUIRED(struct lacuna_guidance, estimate) } },
	[LACUNA_SAMPLER] = { "sampler",
			     sizeof(struct lacuna_sampler),
			     END_OF(struct lacuna_sampler, step),
			     { REQUIRED(struct lacuna_sampler, create),
			       REQUIRED(struct lacuna_sampler, destroy),
			       REQUIRED(struct lacuna_sampler, steps),
			       REQUIRED(struct lacuna_sampler, start),
			       REQUIRED(struct lacuna_sampler, step) } },
};

enum { KINDS = LACUNA_SAMPLER };

const char *plugin_kind_name(int kind)
{
	return kind >= 1 && kind <= KINDS ? families[kind].name : NULL;
}

int plugin_kind(const char *name)
{
	int kind;

	for (kind = 1; kind <= KINDS; kind++) {
		size_t n = strlen(families[kind].name);

		if (!strncmp(name, families[kind].name, n) && (!name[n] || !strcmp(name + n, "s")))
			return kind;
	}
	return 0;
}

/* ---- examination, before anything but the entry point runs */

static int valid_name(const char *name)
{
	const char *p;

	if (!islower((unsigned char)name[0]))
		return 0;
	for (p = name; *p; p++)
		if (!islower((unsigned char)*p) && !isdigit((unsigned char)*p) && *p != '-')
			return 0;
	return 1;
}

/* The file's name without directory and ".so". */
static void stem(const char *path, char *name, size_t size)
{
	const char *slash = strrchr(path, '/'), *dot;

	path = slash ? slash + 1 : path;
	dot = strrchr(path, '.');
	snprintf(name, size, "%.*s", (int)(dot ? dot - path : (ptrdiff_t)strlen(path)), path);
}

static int refuse(const char *path, const char *reason)
{
	return error_file_set(LACUNA_EINVAL, path, "%s", reason);
}

static int examine_head(const char *path, const struct lacuna_plugin *head)
{
	char file[256];

	if (!head || head->magic != LACUNA_MAGIC)
		return refuse(path, "not a Lacuna plugin (wrong magic number)");
	if (head->abi >> 16 != LACUNA_ABI_MAJOR)
		return error_file_set(LACUNA_EINVAL, path,
				      "built for plugin ABI %u, this lacuna has %u",
				      head->abi >> 16, (unsigned)LACUNA_ABI_MAJOR);
	if (head->abi > LACUNA_ABI)
		return error_file_set(
			LACUNA_EINVAL, path,
			"built for a newer lacuna (plugin ABI %u.%u, this one has %u.%u)",
			head->abi >> 16, head->abi & 0xffff, (unsigned)LACUNA_ABI_MAJOR,
			(unsigned)LACUNA_ABI_MINOR);
	if (head->size < sizeof *head)
		return refuse(path, "its plugin structure is shorter than that of ABI 1.0");
	if (head->kind < 1 || head->kind > KINDS)
		return refuse(path, "belongs to no known family");
	if (!head->name || !valid_name(head->name))
		return refuse(path, "its name is not of the form [a-z][a-z0-9-]*");
	stem(path, file, sizeof file);
	if (strcmp(file, head->name))
		return error_file_set(LACUNA_EINVAL, path,
				      "holds a plugin named \"%s\"; name and file must agree",
				      head->name);
	if (!head->summary || !head->manual || !head->version || !head->author || !head->license)
		return refuse(path, "lacks summary, manual, version, author or license");
	if (!text_plain(head->summary, "") || !text_plain(head->manual, "\n\t") ||
	    !text_plain(head->version, "") || !text_plain(head->author, "") ||
	    !text_plain(head->license, ""))
		return refuse(path, "has control characters in its texts");
	return LACUNA_OK;
}

static int examine_family(const char *path, const struct lacuna_plugin *head)
{
	const struct family *family = &families[head->kind];
	const struct required *r;
	uint32_t size;

	if (!head->family)
		return refuse(path, "lacks its table of functions");
	memcpy(&size, head->family, sizeof size);
	if (size < family->least)
		return refuse(path, "its table of functions is shorter than that of ABI 1.0");
	for (r = family->required; r->name; r++) {
		void (*function)(void);

		memcpy(&function, (const char *)head->family + r->offset, sizeof function);
		if (!function)
			return error_file_set(LACUNA_EINVAL, path,
					      "lacks the required function %s()", r->name);
	}
	return LACUNA_OK;
}

static int examine(const char *path, const struct lacuna_plugin *head)
{
	int status = examine_head(path, head);

	if (!status)
		status = examine_family(path, head);
	if (!status && (status = param_check_table(head)))
		error_file_context(status, path);
	return status;
}

/* ---- opening; what is open stays open */

static struct loaded {
	struct plugin plugin;
	struct loaded *next;
} * all_loaded;

static const struct plugin *already_loaded(const char *path)
{
	struct loaded *l;

	for (l = all_loaded; l; l = l->next)
		if (!strcmp(l->plugin.path, path))
			return &l->plugin;
	return NULL;
}

static const struct plugin *keep(const char *path, const struct lacuna_plugin *head)
{
	/* Not from memory_alloc(): plugins live as long as the process and are no leak. */
	struct loaded *l = calloc(1, sizeof *l);
	char *copy = strdup(path);
	uint32_t size;

	if (!l || !copy) {
		free(l);
		free(copy);
		error_set(LACUNA_ENOMEM, "out of memory");
		return NULL;
	}
	memcpy(&size, head->family, sizeof size);
	if (size > families[head->kind].size)
		size = (uint32_t)families[head->kind].size;
	memcpy(&l->plugin.u, head->family, size);
	l->plugin.head = head;
	l->plugin.path = copy;
	l->next = all_loaded;
	all_loaded = l;
	return &l->plugin;
}

static int open_file(int kind, const char *path, const struct plugin **plugin)
{
	const struct lacuna_plugin *(*entry)(void);
	const struct lacuna_plugin *head;
	char real[PATH_MAX];
	void *handle, *symbol;
	int status;

	if (!realpath(path, real))
		return error_file_set(LACUNA_EIO, path, "cannot be found");
	*plugin = already_loaded(real);
	if (!*plugin) {
		status = object_examine(path);
		if (status)
			return status;
		handle = dlopen(real, RTLD_NOW | RTLD_LOCAL);
		if (!handle)
			return error_file_set(LACUNA_EINVAL, path, "cannot be loaded: %s",
					      dlerror());
		if (!host_check_fp(path))
			return LACUNA_EINVAL;
		symbol = dlsym(handle, "lacuna_plugin_v1");
		if (!symbol)
			return refuse(path,
				      "not a Lacuna plugin (it does not export lacuna_plugin_v1)");
		memcpy(&entry, &symbol, sizeof entry);
		head = entry();
		status = examine(path, head);
		if (status)
			return status;
		*plugin = keep(real, head);
		if (!*plugin)
			return LACUNA_ENOMEM;
	}
	if (kind && (int)(*plugin)->head->kind != kind)
		return error_file_set(LACUNA_EINVAL, path, "is a plugin of the family %s, not %s",
				      plugin_kind_name((int)(*plugin)->head->kind),
				      plugin_kind_name(kind));
	return LACUNA_OK;
}

/* ---- searching */

/* Calls visit(context, directory) for each entry of the search path, until it returns true. */
static int each_directory(int (*visit)(void *, const char *), void *context)
{
	const char *list = secure_getenv("LACUNA_PLUGIN_PATH");
	const char *entry = list ? list : "", *end;
	char directory[PATH_MAX];

	for (;; entry = end + 1) {
		end = strchrnul(entry, ':');
		if (end == entry)
			snprintf(directory, sizeof directory, "%s", LACUNA_PLUGIN_DIR);
		else
			snprintf(directory, sizeof directory, "%.*s", (int)(end - entry), entry);
		if (visit(context, directory))
			return 1;
		if (!*end)
			return 0;
	}
}

/* Installed plugins lie in the family's directory, those of a build tree in libtool's .libs below it. */
static const char *const places[] = { "", ".libs/" };

struct search {
	int kind;
	const char *name;
	char path[PATH_MAX];
};

static int find_in(void *context, const char *directory)
{
	struct search *s = context;
	size_t i;

	for (i = 0; i < sizeof places / sizeof *places; i++) {
		int n = snprintf(s->path, sizeof s->path, "%s/%ss/%s%s.so", directory,
				 families[s->kind].name, places[i], s->name);

		if (n < (int)sizeof s->path && !access(s->path, R_OK))
			return 1;
	}
	return 0;
}

struct names {
	const char *list[256];
	size_t count;
};

static void collect(void *context, const char *name, const char *path)
{
	struct names *n = context;

	(void)path;
	if (n->count + 1 < sizeof n->list / sizeof *n->list)
		n->list[n->count] = strdup(name);
	n->count += n->list[n->count] != NULL;
}

static int unknown(int kind, const char *name)
{
	struct names known = { { NULL }, 0 };
	const char *near;
	size_t i;
	int status;

	plugin_each(kind, collect, &known);
	near = text_nearest(name, known.list);
	if (near)
		status = error_set(LACUNA_EINVAL, "there is no %s \"%s\"; did you mean \"%s\"?",
				   families[kind].name, name, near);
	else if (known.count)
		status = error_set(LACUNA_EINVAL, "there is no %s \"%s\"; see 'lacuna list %ss'",
				   families[kind].name, name, families[kind].name);
	else
		status = error_set(
			LACUNA_EINVAL,
			"there is no %s \"%s\", nor any other, in %s (LACUNA_PLUGIN_PATH)",
			families[kind].name, name,
			getenv("LACUNA_PLUGIN_PATH") ? getenv("LACUNA_PLUGIN_PATH")
						     : LACUNA_PLUGIN_DIR);
	for (i = 0; i < known.count; i++)
		free((void *)(uintptr_t)known.list[i]);
	return status;
}

int plugin_load(int kind, const char *name, const struct plugin **plugin)
{
	struct search s = { .kind = kind, .name = name };

	if (strchr(name, '/'))
		return open_file(kind, name, plugin);
	if (!kind)
		return error_set(LACUNA_EINVAL, "%s: a file needs a path (./%s)", name, name);
	if (!valid_name(name) || !each_directory(find_in, &s))
		return unknown(kind, name);
	return open_file(kind, s.path, plugin);
}

struct listing {
	int kind;
	char **names, **paths;
	size_t count;
	int failed;
};

static void add_name(struct listing *l, const char *name, const char *path)
{
	char **names, **paths;
	size_t i;

	for (i = 0; i < l->count; i++)
		if (!strcmp(l->names[i], name))
			return;
	names = realloc(l->names, (l->count + 1) * sizeof *names);
	if (names)
		l->names = names;
	paths = realloc(l->paths, (l->count + 1) * sizeof *paths);
	if (paths)
		l->paths = paths;
	if (!names || !paths || !(names[l->count] = strdup(name)) ||
	    !(paths[l->count] = strdup(path)))
		l->failed = 1;
	else
		l->count++;
}

static int list_directory(void *context, const char *directory)
{
	struct listing *l = context;
	size_t i;

	for (i = 0; i < sizeof places / sizeof *places; i++) {
		char folder[PATH_MAX], path[PATH_MAX + 256];
		const struct dirent *entry;
		DIR *d;

		snprintf(folder, sizeof folder, "%s/%ss/%s", directory, families[l->kind].name,
			 places[i]);
		d = opendir(folder);
		while (d && (entry = readdir(d))) {
			char name[256];
			size_t n = strlen(entry->d_name);

			if (n < 4 || strcmp(entry->d_name + n - 3, ".so"))
				continue;
			stem(entry->d_name, name, sizeof name);
			snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
			add_name(l, name, path);
		}
		if (d)
			closedir(d);
	}
	return 0;
}

int plugin_each(int kind, void (*visit)(void *context, const char *name, const char *path),
		void *context)
{
	struct listing l = { .kind = kind };
	size_t i, j;

	each_directory(list_directory, &l);
	for (i = 0; i < l.count; i++) {
		size_t first = i;

		for (j = i + 1; j < l.count; j++)
			if (strcmp(l.names[j], l.names[first]) < 0)
				first = j;
		if (first != i) {
			char *name = l.names[i], *path = l.paths[i];

			l.names[i] = l.names[first];
			l.paths[i] = l.paths[first];
			l.names[first] = name;
			l.paths[first] = path;
		}
		visit(context, l.names[i], l.paths[i]);
	}
	for (i = 0; i < l.count; i++) {
		free(l.names[i]);
		free(l.paths[i]);
	}
	free(l.names);
	free(l.paths);
	return l.failed ? error_set(LACUNA_ENOMEM, "out of memory") : LACUNA_OK;
}

/* ---- a plugin and its configuration */

int use_parse(int kind, const char *spec, struct plugin_use *use)
{
	const char *colon = strchrnul(spec, ':');
	char name[PATH_MAX];
	int status;

	memset(use, 0, sizeof *use);
	if (snprintf(name, sizeof name, "%.*s", (int)(colon - spec), spec) >= (int)sizeof name)
		return error_set(LACUNA_EINVAL, "%.40s...: the name is too long", spec);
	status = plugin_load(kind, name, &use->plugin);
	if (status)
		return status;
	use->spec = memory_strdup(spec);
	use->config = param_create(use->plugin->head);
	if (!use->spec || !use->config) {
		use_free(use);
		return LACUNA_ENOMEM;
	}
	status = param_parse(use->plugin->head, use->config, *colon ? colon + 1 : "");
	if (!status)
		status = param_complete(use->plugin->head, use->config);
	if (status) {
		error_context(status, "%s \"%s\"", plugin_kind_name((int)use->plugin->head->kind),
			      use->plugin->head->name);
		use_free(use);
	}
	return status;
}

void use_free(struct plugin_use *use)
{
	if (use->config)
		param_release(use->plugin->head, use->config);
	memory_release(use->spec);
	memset(use, 0, sizeof *use);
}
