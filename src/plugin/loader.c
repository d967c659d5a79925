/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Finds and opens plugins, and parses their configuration. */
#include <config.h>

#include "plugin/loader-private.h"

#include "base/error.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"
#include "plugin/host.h"
#include "plugin/object.h"
#include "plugin/param.h"

#include <lacuna/fit.h>

#include <dlfcn.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- opening; as with dlopen(), what is open stays open for the whole process */

static pthread_mutex_t gate = PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP;

void plugin_gate_enter(void)
{
	pthread_mutex_lock(&gate);
}

void plugin_gate_leave(void)
{
	pthread_mutex_unlock(&gate);
}

static struct loaded {
	struct plugin plugin;
	struct loaded *next;
} * all_loaded; /* guarded by gate */

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
	if (size > plugin_table_size((int)head->kind))
		size = (uint32_t)plugin_table_size((int)head->kind);
	memcpy(&l->plugin.u, head->family, size);
	l->plugin.head = head;
	l->plugin.path = copy;
	l->next = all_loaded;
	all_loaded = l;
	return &l->plugin;
}

/* real: the path with links resolved. */
static int open_object(const char *path, const char *real, const struct plugin **plugin)
{
	const struct lacuna_plugin *(*entry)(void);
	const struct lacuna_plugin *head;
	void *handle, *symbol;
	int status = object_examine(path);

	if (status)
		return status;
	handle = dlopen(real, RTLD_NOW | RTLD_LOCAL);
	if (!handle)
		return error_file_set(LACUNA_EINVAL, path, "cannot be loaded: %s", dlerror());
	if (!host_check_fp(path))
		return LACUNA_EINVAL;
	symbol = dlsym(handle, "lacuna_plugin_v1");
	if (!symbol)
		return error_file_set(LACUNA_EINVAL, path,
				      "not a Lacuna plugin (it does not export lacuna_plugin_v1)");
	memcpy(&entry, &symbol, sizeof entry);
	head = entry();
	status = plugin_examine(path, head);
	if (status)
		return status;
	*plugin = keep(real, head);
	return *plugin ? LACUNA_OK : LACUNA_ENOMEM;
}

static int open_file(int kind, const char *path, const struct plugin **plugin)
{
	char real[PATH_MAX];
	int status = LACUNA_OK;

	if (!realpath(path, real))
		return error_file_set(LACUNA_EIO, path, "cannot be found");
	plugin_gate_enter();
	*plugin = already_loaded(real);
	if (!*plugin)
		status = open_object(path, real, plugin);
	plugin_gate_leave();
	if (status)
		return status;
	if (kind && (int)(*plugin)->head->kind != kind)
		return error_file_set(LACUNA_EINVAL, path, "its family is %s, not %s",
				      plugin_kind_name((int)(*plugin)->head->kind),
				      plugin_kind_name(kind));
	return LACUNA_OK;
}

const void *plugin_extension(const struct plugin *plugin, const char *name)
{
	lacuna_extension *const extensions[] = {
		[LACUNA_OPERATOR] = plugin->u.op.extension,
		[LACUNA_PRIOR] = plugin->u.prior.extension,
		[LACUNA_GUIDANCE] = plugin->u.guidance.extension,
		[LACUNA_SAMPLER] = plugin->u.sampler.extension,
	};
	lacuna_extension *const extension = extensions[plugin->head->kind];

	return extension ? extension(name) : NULL;
}

int plugin_may_fit(const struct plugin *plugin, const void *config, const struct lacuna_param *row)
{
	const struct lacuna_operator_fit *table = plugin_extension(plugin, LACUNA_FIT);

	return table && row->type == LACUNA_REAL && table->is_free(config, row->name);
}

/* ---- searching */

const char *const plugin_folders[PLUGIN_FOLDERS] = { "", ".libs/" };

struct search {
	int kind;
	const char *name;
	int others; /* search all places but lacuna's own */
	char path[PATH_MAX];
	char refused[PATH_MAX + 128]; /* why a matching file is not used */
};

static int find_in(void *context, const struct place *place)
{
	struct search *s = context;
	char reason[sizeof s->refused];

	if (s->others && place->kind == PLACE_OWN)
		return 0;
	for (size_t i = 0; i < PLUGIN_FOLDERS; i++) {
		const int n = snprintf(s->path, sizeof s->path, "%s/%ss/%s%s.so", place->directory,
				       plugin_kind_name(s->kind), plugin_folders[i], s->name);

		if (n >= (int)sizeof s->path || access(s->path, R_OK))
			continue;
		snprintf(reason, sizeof reason, "%s", place->refused);
		if (!*reason && !place_unsafe(place->kind, s->path, reason, sizeof reason))
			return 1;
		if (!*s->refused)
			snprintf(s->refused, sizeof s->refused, "%s", reason);
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

/* True if the current directory has this file, with or without ".so": a bare name does not find it. */
static int is_here(const char *name, char *file, size_t size)
{
	const size_t n = strlen(name);

	snprintf(file, size, "%s%s", name, n > 3 && !strcmp(name + n - 3, ".so") ? "" : ".so");
	return !access(file, R_OK);
}

static int unknown(const struct search *s)
{
	const char *name = s->name, *family = plugin_kind_name(s->kind), *near;
	struct names known = { { NULL }, 0 };
	char text[PATH_MAX];
	size_t i;
	int status;

	plugin_each(s->kind, collect, &known);
	near = text_nearest(name, known.list);
	if (*s->refused)
		status = error_set(LACUNA_EINVAL, "%s \"%s\" is not used: %s", family, name,
				   s->refused);
	else if (is_here(name, text, sizeof text))
		status = error_set(
			LACUNA_EINVAL,
			"there is no %s \"%s\"; for the file in this directory write ./%s", family,
			name, text);
	else if (near)
		status = error_set(LACUNA_EINVAL, "there is no %s \"%s\"; did you mean \"%s\"?",
				   family, name, near);
	else if (known.count)
		status = error_set(LACUNA_EINVAL, "there is no %s \"%s\"; see 'lacuna list %ss'",
				   family, name, family);
	else {
		places_text(text, sizeof text);
		status = error_set(LACUNA_EINVAL, "there is no %s \"%s\", and no other, in %s",
				   family, name, text);
	}
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
		return error_set(LACUNA_EINVAL,
				 "%s: for a file give a path (./%s); for a plugin by name give its "
				 "family first (operator %s)",
				 name, name, name);
	if (!plugin_name_is_valid(name) || !places_each(find_in, &s))
		return unknown(&s);
	return open_file(kind, s.path, plugin);
}

/* Warns that the name means lacuna's own plugin although another of that name exists: the user may have meant the other. */
static void tell_hidden(const struct plugin *plugin, const char *name)
{
	struct search own = { .kind = (int)plugin->head->kind, .name = name }, other = own;

	other.others = 1;
	if (strchr(name, '/') || !places_each(find_in, &other) || !places_each(find_in, &own) ||
	    !strcmp(own.path, other.path) || !host_first_time(plugin))
		return;
	log_message(
		LACUNA_LOG_WARN,
		"%s \"%s\" is taken from %s; %s has the same name: to use that one, give its path",
		plugin_kind_name(own.kind), name, own.path, other.path);
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
	tell_hidden(use->plugin, name);
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
