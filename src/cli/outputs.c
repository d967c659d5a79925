/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Output files: names, temporaries, and the final rename. */
#include <config.h>

#include "cli/outputs.h"
#include "base/error.h"
#include "base/memory.h"
#include "base/temporary.h"

#include <errno.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

/* Two names are of the same file if they lead to one existing file, or to the same name in one directory. */
struct identity {
	dev_t device;
	ino_t number;	  /* of the file, or of its directory */
	const char *base; /* name in the directory, part of the path; NULL: the file exists */
};

struct source {
	char *path, *what; /* what NULL: the input */
	struct identity identity;
};

struct output {
	char *path;
	int flags;
	struct identity identity;
	int is_input;		   /* replaces the input, and needs no other permission */
	struct image_writer *tiff; /* or NULL */
	struct temporary other;	   /* for files other than TIFF */
};

/* ---- names ------------------------------------------------------------------------------------------- */

static void identify(const char *path, struct identity *id)
{
	const char *slash = strrchr(path, '/');
	char *directory;
	struct stat st;

	*id = (struct identity){ .base = NULL };
	if (stat(path, &st)) {
		id->base = slash ? slash + 1 : path;
		directory = slash ? memory_strdup(path) : NULL;
		if (directory)
			directory[slash == path ? 1 : slash - path] = 0;
		if (stat(directory ? directory : ".", &st))
			st.st_dev = 0, st.st_ino = 0;
		memory_release(directory);
	}
	id->device = st.st_dev;
	id->number = st.st_ino;
}

static int same(const struct identity *a, const struct identity *b)
{
	return a->device == b->device && a->number == b->number && !a->base == !b->base &&
	       (!a->base || !strcmp(a->base, b->base));
}

static int add_source(struct outputs *o, const char *path, const char *what)
{
	struct source *list = memory_grow(o->sources, o->source_count, 1, &o->source_room,
					  sizeof *o->sources),
		      *s;

	if (!list)
		return LACUNA_ENOMEM;
	o->sources = list;
	s = &list[o->source_count++];
	*s = (struct source){ .path = memory_strdup(path) };
	s->what = what ? memory_strdup(what) : NULL;
	if (!s->path || (what && !s->what))
		return LACUNA_ENOMEM;
	identify(s->path, &s->identity);
	return LACUNA_OK;
}

int outputs_input(struct outputs *o, const char *path)
{
	return add_source(o, path, NULL);
}

int outputs_read(struct outputs *o, const char *path, const char *what)
{
	return add_source(o, path, what);
}

static int check_parent(const char *path)
{
	const char *slash = strrchr(path, '/');
	char *directory;
	struct stat st;
	int status = LACUNA_OK;

	if (!slash)
		return access(".", W_OK)
			       ? error_file_set(LACUNA_EIO, path,
						"cannot write to the current directory: %s",
						strerror(errno))
			       : LACUNA_OK;
	directory = memory_strdup(path);
	if (!directory)
		return LACUNA_ENOMEM;
	directory[slash == path ? 1 : slash - path] = 0;
	if (stat(directory, &st))
		status = error_file_set(LACUNA_EIO, path, "directory %s: %s", directory,
					strerror(errno));
	else if (!S_ISDIR(st.st_mode))
		status = error_file_set(LACUNA_EIO, path, "%s is not a directory", directory);
	else if (access(directory, W_OK | X_OK))
		status = error_file_set(LACUNA_EIO, path, "cannot write to directory %s: %s",
					directory, strerror(errno));
	memory_release(directory);
	return status;
}

static int check_against(const struct outputs *o, const struct output *added)
{
	for (size_t i = 0; i < o->source_count; i++) {
		const struct source *s = &o->sources[i];

		if (!same(&s->identity, &added->identity))
			continue;
		if (s->what)
			return error_file_set(
				LACUNA_EIO, added->path,
				"is also an input (%s); choose another name for the output",
				s->what);
		if (!(added->flags & OUTPUT_IN_PLACE))
			return error_file_set(
				LACUNA_EIO, added->path,
				"output and input are the same file; --in-place replaces it");
	}
	for (size_t i = 0; i < o->count; i++)
		if (same(&o->list[i].identity, &added->identity))
			return error_file_set(LACUNA_EIO, added->path,
					      "two outputs have this name");
	return LACUNA_OK;
}

static int find_input(const struct outputs *o, const struct output *added)
{
	for (size_t i = 0; i < o->source_count; i++)
		if (!o->sources[i].what && same(&o->sources[i].identity, &added->identity))
			return 1;
	return 0;
}

static int may_replace(const struct output *output)
{
	return output->flags & OUTPUT_FORCE || output->is_input;
}

static int check_ending(const struct output *added)
{
	static const char *const others[] = { ".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif",
					      ".jp2", ".exr", ".fits", ".npy",	".pdf" };
	const char *dot = strrchr(added->path, '.');

	if (!(added->flags & OUTPUT_TIFF) || added->is_input)
		return LACUNA_OK;
	for (size_t i = 0; dot && i < sizeof others / sizeof *others; i++)
		if (!strcasecmp(dot, others[i]))
			return error_file_set(LACUNA_EINVAL, added->path,
					      "Lacuna writes TIFF; name it %.*s.tif",
					      (int)(dot - added->path), added->path);
	return LACUNA_OK;
}

static int check_place(const struct output *added)
{
	struct stat st;

	if (!strcmp(added->path, "-"))
		return error_file_set(LACUNA_EIO, added->path,
				      "an output is a file; write ./- for one of this name");
	if (stat(added->path, &st)) {
		/* The rename at the end would find the link, and refuse. */
		if (!lstat(added->path, &st) && !may_replace(added))
			return error_file_set(LACUNA_EIO, added->path,
					      "is a symbolic link to nothing; --force replaces it");
		return check_parent(added->path);
	}
	if (S_ISDIR(st.st_mode))
		return error_file_set(LACUNA_EIO, added->path, "is a directory");
	if (!S_ISREG(st.st_mode))
		return LACUNA_OK;
	if (!may_replace(added))
		return error_file_set(LACUNA_EIO, added->path, "exists; --force replaces it");
	return check_parent(added->path);
}

/* The null device and terminals may be named twice. */
static int is_special(const char *path)
{
	struct stat st;

	return !stat(path, &st) && !S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode);
}

int outputs_name(struct outputs *o, const char *path, int flags)
{
	struct output *list = memory_grow(o->list, o->count, 1, &o->room, sizeof *o->list), *added;
	int status;

	if (!list)
		return LACUNA_ENOMEM;
	o->list = list;
	added = &list[o->count];
	*added = (struct output){ .path = memory_strdup(path), .flags = flags, .other.fd = -1 };
	if (!added->path)
		return LACUNA_ENOMEM;
	identify(added->path, &added->identity);
	added->is_input = find_input(o, added);
	status = check_ending(added);
	if (!status && !is_special(path))
		status = check_against(o, added);
	if (!status)
		status = check_place(added);
	if (status)
		memory_release(added->path);
	else
		o->count++;
	return status;
}

/* ---- files ------------------------------------------------------------------------------------------- */

static int is_closed(const struct output *output)
{
	return !output->tiff && !output->other.target;
}

static struct output *find(const struct outputs *o, const char *path)
{
	struct output *found = NULL;

	/* Several may go to one device, such as /dev/null: each is opened once. */
	for (size_t i = 0; i < o->count && !(found && is_closed(found)); i++)
		if (!strcmp(o->list[i].path, path))
			found = &o->list[i];
	return found;
}

int outputs_tiff(struct outputs *o, const char *path, const struct image_write_options *options,
		 struct image_writer **writer)
{
	struct output *output = find(o, path);
	struct image_write_options own = *options;
	int status;

	own.force = may_replace(output);
	status = image_writer_create(path, &own, &output->tiff);
	*writer = output->tiff;
	return status;
}

int outputs_open(struct outputs *o, const char *path, int *fd)
{
	struct output *output = find(o, path);
	const int status = temporary_open(&output->other, path, may_replace(output));

	*fd = output->other.fd;
	return status;
}

int outputs_text(struct outputs *o, const char *path, const char *text)
{
	size_t left = strlen(text);
	int fd, status = outputs_open(o, path, &fd);

	while (!status && left) {
		const ssize_t n = write(fd, text, left);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return error_file_errno(path);
		text += n;
		left -= (size_t)n;
	}
	return status;
}

static int seal(struct output *output)
{
	if (output->tiff)
		return image_writer_seal(output->tiff);
	return output->other.target ? temporary_seal(&output->other) : LACUNA_OK;
}

static int commit(struct output *output)
{
	struct image_writer *writer = output->tiff;

	output->tiff = NULL;
	if (writer)
		return image_writer_commit(writer);
	return output->other.target ? temporary_commit(&output->other) : LACUNA_OK;
}

int outputs_commit(struct outputs *o)
{
	int status = LACUNA_OK;

	for (size_t i = 0; !status && i < o->count; i++)
		status = seal(&o->list[i]);
	for (size_t i = o->count; !status && i-- > 0;)
		status = commit(&o->list[i]);
	return status;
}

void outputs_free(struct outputs *o)
{
	for (size_t i = 0; i < o->count; i++) {
		image_writer_abandon(o->list[i].tiff);
		if (o->list[i].other.target)
			temporary_abandon(&o->list[i].other);
		memory_release(o->list[i].path);
	}
	for (size_t i = 0; i < o->source_count; i++) {
		memory_release(o->sources[i].path);
		memory_release(o->sources[i].what);
	}
	memory_release(o->list);
	memory_release(o->sources);
	*o = (struct outputs){ 0 };
}

/* ---- directories ------------------------------------------------------------------------------------- */

int output_directory(const char *path)
{
	struct stat st;

	/* mkdir() first: it is no failure if another process makes the directory meanwhile. */
	if (!mkdir(path, 0777))
		return LACUNA_OK;
	if (errno != EEXIST)
		return error_file_set(LACUNA_EIO, path, "cannot be created: %s", strerror(errno));
	if (!stat(path, &st) && S_ISDIR(st.st_mode))
		return LACUNA_OK;
	return error_file_set(LACUNA_EIO, path, "is not a directory");
}
