/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* The four families, and the examination of a plugin before anything but its entry point runs. */
#include <config.h>

#include "plugin/loader-private.h"

#include "base/error.h"
#include "base/text.h"
#include "plugin/param.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

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

size_t plugin_table_size(int kind)
{
	return families[kind].size;
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

/* ---- examination */

int plugin_name_is_valid(const char *name)
{
	const char *p;

	if (!islower((unsigned char)name[0]))
		return 0;
	for (p = name; *p; p++)
		if (!islower((unsigned char)*p) && !isdigit((unsigned char)*p) && *p != '-')
			return 0;
	return 1;
}

void plugin_stem(const char *path, char *name, size_t size)
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
	if (!head->name || !plugin_name_is_valid(head->name))
		return refuse(path, "its name must have the form [a-z][a-z0-9-]*");
	plugin_stem(path, file, sizeof file);
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

int plugin_examine(const char *path, const struct lacuna_plugin *head)
{
	int status = examine_head(path, head);

	if (!status)
		status = examine_family(path, head);
	if (!status && (status = param_check_table(head)))
		error_file_context(status, path);
	return status;
}
