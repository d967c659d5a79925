/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
#include <config.h>

#include "plugin/loader.h"

#include "base/error.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"
#include "plugin/host.h"
#include "plugin/object.h"
#include "plugin/param.h"

#include <lacuna/fit.h>

#include <ctype.h>
#include <dirent.h>
#include <dlfcn.h>
#include <limits.h>
#include <pthread.h>
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

enum {
	ALL_NEEDS = LACUNA_NEEDS_LINEAR | LACUNA_NEEDS_DIAGONAL | LACUNA_NEEDS_MAP |
		    LACUNA_NEEDS_VJP | LACUNA_NEEDS_GUIDANCE | LACUNA_NEEDS_JVP
};

/* The loader reads the first words of a table before it knows the family. */
#define BEGINS_WITH_SIZE_AND_FLAGS(T)                                                     \
	_Static_assert(offsetof(struct T, size) == 0 && offsetof(struct T, flags) == 4 && \
			       sizeof(((struct T *)0)->size) == 4 &&                      \
			       sizeof(((struct T *)0)->flags) == 4,                       \
		       "a table begins with its size and flags")
#define GOES_ON_WITH_NEEDS(T)                                                                  \
	_Static_assert(offsetof(struct T, needs) == 8 && offsetof(struct T, reserved) == 12 && \
			       sizeof(((struct T *)0)->needs) == 4 &&                          \
			       sizeof(((struct T *)0)->reserved) == 4,                         \
		       "and goes on with what it needs, and a word that is 0")
BEGINS_WITH_SIZE_AND_FLAGS(lacuna_operator);
BEGINS_WITH_SIZE_AND_FLAGS(lacuna_prior);
BEGINS_WITH_SIZE_AND_FLAGS(lacuna_guidance);
BEGINS_WITH_SIZE_AND_FLAGS(lacuna_sampler);
GOES_ON_WITH_NEEDS(lacuna_guidance);
GOES_ON_WITH_NEEDS(lacuna_sampler);

struct required {
	const char *name;
	size_t offset; /* of a function pointer */
};

/* What the loader knows of each family.  least: end of the required functions of ABI 1.0; later entries are optional. */
static const struct family {
	const char *name;
	uint32_t flags, needs; /* known bits of both; needs: only in families that have them */
	int has_needs;
	size_t size, least;
	struct required required[6];
} families[] = {
	[LACUNA_OPERATOR] = { "operator",
			      LACUNA_LINEAR | LACUNA_PIXELWISE | LACUNA_PICTURE | LACUNA_FRAMES |
				      LACUNA_COMPLEX | LACUNA_PARTIAL | LACUNA_COLORLESS |
				      LACUNA_PROJECTION,
			      0,
			      0,
			      sizeof(struct lacuna_operator),
			      END_OF(struct lacuna_operator, adjoint),
			      { REQUIRED(struct lacuna_operator, shape),
				REQUIRED(struct lacuna_operator, create),
				REQUIRED(struct lacuna_operator, destroy),
				REQUIRED(struct lacuna_operator, apply),
				REQUIRED(struct lacuna_operator, adjoint) } },
	[LACUNA_PRIOR] = { "prior",
			   LACUNA_LASTING | LACUNA_TRAINED | LACUNA_GAUSSIAN,
			   0,
			   0,
			   sizeof(struct lacuna_prior),
			   END_OF(struct lacuna_prior, denoise),
			   { REQUIRED(struct lacuna_prior, create),
			     REQUIRED(struct lacuna_prior, destroy),
			     REQUIRED(struct lacuna_prior, info),
			     REQUIRED(struct lacuna_prior, denoise) } },
	[LACUNA_GUIDANCE] = { "guidance",
			      0,
			      ALL_NEEDS & ~(uint32_t)LACUNA_NEEDS_GUIDANCE,
			      1,
			      sizeof(struct lacuna_guidance),
			      END_OF(struct lacuna_guidance, estimate),
			      { REQUIRED(struct lacuna_guidance, create),
				REQUIRED(struct lacuna_guidance, destroy),
				REQUIRED(struct lacuna_guidance, estimate) } },
	[LACUNA_SAMPLER] = { "sampler",
			     0,
			     ALL_NEEDS,
			     1,
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
				      "built for plugin ABI %u; this Lacuna has ABI %u",
				      head->abi >> 16, (unsigned)LACUNA_ABI_MAJOR);
	if (head->abi > LACUNA_ABI)
		return error_file_set(
			LACUNA_EINVAL, path,
			"built for a newer Lacuna (plugin ABI %u.%u, this one has %u.%u)",
			head->abi >> 16, head->abi & 0xffff, (unsigned)LACUNA_ABI_MAJOR,
			(unsigned)LACUNA_ABI_MINOR);
	if (head->size < sizeof *head)
		return refuse(path, "its plugin structure is shorter than in ABI 1.0");
	if (head->kind < 1 || head->kind > KINDS)
		return refuse(path, "has an unknown family");
	if (!head->name || !valid_name(head->name))
		return refuse(path, "its name must have the form [a-z][a-z0-9-]*");
	stem(path, file, sizeof file);
	if (strcmp(file, head->name))
		return error_file_set(
			LACUNA_EINVAL, path,
			"contains a plugin named \"%s\"; file and plugin must have the same name",
			head->name);
	if (!head->summary || !head->manual || !head->version || !head->author || !head->license)
		return refuse(path, "has no summary, manual, version, author or license");
	if (!text_plain(head->summary, "") || !text_plain(head->manual, "\n\t") ||
	    !text_plain(head->version, "") || !text_plain(head->author, "") ||
	    !text_plain(head->license, ""))
		return refuse(path, "has control characters in its texts");
	return LACUNA_OK;
}

/* Unknown bits must be 0, so that later versions can give them a meaning. */
static int examine_bits(const char *path, const struct lacuna_plugin *head)
{
	const struct family *family = &families[head->kind];
	uint32_t words[4]; /* size, flags, needs, reserved */

	memcpy(words, head->family, family->has_needs ? sizeof words : 2 * sizeof *words);
	if (words[1] & ~family->flags)
		return error_file_set(LACUNA_EINVAL, path,
				      "sets flags that the family %s does not have (0x%x); it was "
				      "built for another Lacuna, or its family is not %s",
				      family->name, (unsigned)(words[1] & ~family->flags),
				      family->name);
	if (family->has_needs && words[3])
		return error_file_set(LACUNA_EINVAL, path,
				      "the reserved word of its table is not 0; it was built for "
				      "another Lacuna, or its family is not %s",
				      family->name);
	if (family->has_needs && (words[2] & ~family->needs))
		return error_file_set(LACUNA_EINVAL, path,
				      "asks for needs that the family %s does not have (0x%x)",
				      family->name, (unsigned)(words[2] & ~family->needs));
	return LACUNA_OK;
}

static int examine_family(const char *path, const struct lacuna_plugin *head)
{
	const struct family *family = &families[head->kind];
	const struct required *r;
	uint32_t size;
	int status;

	if (!head->family)
		return refuse(path, "has no table of functions");
	memcpy(&size, head->family, sizeof size);
	if (size < family->least)
		return refuse(path, "its table of functions is shorter than in ABI 1.0");
	status = examine_bits(path, head);
	if (status)
		return status;
	for (r = family->required; r->name; r++) {
		void (*function)(void);

		memcpy(&function, (const char *)head->family + r->offset, sizeof function);
		if (!function || (uintptr_t)function < 4096) /* a number of another table */
			return error_file_set(LACUNA_EINVAL, path,
					      "has no function %s(), which is required", r->name);
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
	if (size > families[head->kind].size)
		size = (uint32_t)families[head->kind].size;
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
		return refuse(path, "not a Lacuna plugin (it does not export lacuna_plugin_v1)");
	memcpy(&entry, &symbol, sizeof entry);
	head = entry();
	status = examine(path, head);
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

/* Installed plugins are in the family's directory, those of a build tree in libtool's .libs below it. */
static const char *const folders[] = { "", ".libs/" };

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
	for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
		const int n = snprintf(s->path, sizeof s->path, "%s/%ss/%s%s.so", place->directory,
				       families[s->kind].name, folders[i], s->name);

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
	const char *name = s->name, *family = families[s->kind].name, *near;
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
	if (!valid_name(name) || !places_each(find_in, &s))
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
		families[own.kind].name, name, own.path, other.path);
}

/* ---- listing */

struct listing {
	int kind;
	enum place_kind place;
	const char *refused; /* of the place */
	struct plugin_file *files;
	size_t count, room;
	int failed;
};

static void add_file(struct listing *l, const char *name, const char *path)
{
	char reason[PATH_MAX + 128];
	struct plugin_file file = { .place = l->place }, *more;

	if (l->count == l->room) {
		more = realloc(l->files, (2 * l->room + 16) * sizeof *more);
		if (!more) {
			l->failed = 1;
			return;
		}
		l->files = more;
		l->room = 2 * l->room + 16;
	}
	snprintf(reason, sizeof reason, "%s", l->refused);
	if (*reason || place_unsafe(l->place, path, reason, sizeof reason))
		file.refused = strdup(reason);
	file.name = strdup(name);
	file.path = strdup(path);
	l->failed |= !file.name || !file.path;
	l->files[l->count++] = file;
}

static int list_place(void *context, const struct place *place)
{
	struct listing *l = context;

	l->place = place->kind;
	l->refused = place->refused;
	for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
		char folder[PATH_MAX + 32], path[PATH_MAX + 512];
		const struct dirent *entry;
		DIR *d;

		snprintf(folder, sizeof folder, "%s/%ss/%s", place->directory,
			 families[l->kind].name, folders[i]);
		d = opendir(folder);
		while (d && (entry = readdir(d))) {
			char name[256];
			const size_t n = strlen(entry->d_name);

			if (n < 4 || strcmp(entry->d_name + n - 3, ".so"))
				continue;
			stem(entry->d_name, name, sizeof name);
			snprintf(path, sizeof path, "%s%s", folder, entry->d_name);
			add_file(l, name, path);
		}
		if (d)
			closedir(d);
	}
	return 0;
}

/* Sorts by name; files of one name stay in the order of the places. */
static void sort_files(struct listing *l)
{
	for (size_t i = 1; i < l->count; i++) {
		const struct plugin_file file = l->files[i];
		size_t at = i;

		for (; at > 0 && strcmp(l->files[at - 1].name, file.name) > 0; at--)
			l->files[at] = l->files[at - 1];
		l->files[at] = file;
	}
}

/* A name means its first usable file; it hides the others. */
static void hide_files(struct listing *l)
{
	const struct plugin_file *first = NULL;

	for (size_t i = 0; i < l->count; i++) {
		struct plugin_file *file = &l->files[i];

		if (first && strcmp(first->name, file->name) != 0)
			first = NULL;
		if (file->refused)
			continue;
		if (first)
			file->hidden_by = first->path;
		else
			first = file;
	}
}

int plugin_each_file(int kind, void (*visit)(void *context, const struct plugin_file *),
		     void *context)
{
	struct listing l = { .kind = kind };

	places_each(list_place, &l);
	if (!l.failed) {
		sort_files(&l);
		hide_files(&l);
	}
	for (size_t i = 0; i < l.count && !l.failed; i++)
		visit(context, &l.files[i]);
	for (size_t i = 0; i < l.count; i++) {
		free((void *)(uintptr_t)l.files[i].name);
		free((void *)(uintptr_t)l.files[i].path);
		free((void *)(uintptr_t)l.files[i].refused);
	}
	free(l.files);
	return l.failed ? error_set(LACUNA_ENOMEM, "out of memory") : LACUNA_OK;
}

struct names_visitor {
	void (*visit)(void *, const char *, const char *);
	void *context;
};

static void visit_name(void *context, const struct plugin_file *file)
{
	const struct names_visitor *v = context;

	if (!file->hidden_by && !file->refused)
		v->visit(v->context, file->name, file->path);
}

int plugin_each(int kind, void (*visit)(void *context, const char *name, const char *path),
		void *context)
{
	struct names_visitor v = { visit, context };

	return plugin_each_file(kind, visit_name, &v);
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
