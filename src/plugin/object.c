/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
#include <config.h>

#include "plugin/object.h"

#include "base/error.h"

#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *machine_name(unsigned machine)
{
	static const struct {
		unsigned machine;
		const char *name;
	} names[] = {
		{ EM_386, "i386" },	   { EM_X86_64, "x86-64" },
		{ EM_ARM, "arm" },	   { EM_AARCH64, "aarch64" },
		{ EM_RISCV, "riscv" },	   { EM_PPC64, "ppc64" },
		{ EM_S390, "s390" },	   { EM_MIPS, "mips" },
		{ EM_SPARCV9, "sparc64" }, { EM_LOONGARCH, "loongarch" },
	};

	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (names[i].machine == machine)
			return names[i].name;
	return "an unknown machine";
}

static int read_at(int fd, off_t place, void *data, size_t size)
{
	return pread(fd, data, size, place) == (ssize_t)size;
}

/* This program's own ELF header, which a plugin's must match. */
static int read_own(ElfW(Ehdr) * own)
{
	const int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	const int read = fd >= 0 && read_at(fd, 0, own, sizeof *own);

	if (fd >= 0)
		close(fd);
	return read;
}

/* True if the file contains every segment that would be mapped. */
static int is_whole(int fd, const ElfW(Ehdr) * head, off_t size)
{
	for (unsigned i = 0; i < head->e_phnum; i++) {
		const off_t place = (off_t)(head->e_phoff + (size_t)i * head->e_phentsize);
		ElfW(Phdr) segment;

		if (!read_at(fd, place, &segment, sizeof segment) ||
		    segment.p_filesz > (size_t)size ||
		    segment.p_offset > (size_t)size - segment.p_filesz)
			return 0;
	}
	return 1;
}

static int examine(const char *path, int fd, off_t size)
{
	ElfW(Ehdr) head, own;

	if (!read_at(fd, 0, &head, sizeof head) || memcmp(head.e_ident, ELFMAG, SELFMAG) != 0)
		return error_file_set(LACUNA_EINVAL, path, "is not a shared object");
	if (read_own(&own) && (head.e_machine != own.e_machine ||
			       memcmp(head.e_ident, own.e_ident, EI_DATA + 1) != 0))
		return error_file_set(LACUNA_EINVAL, path,
				      "is made for %s (%s), but this Lacuna is for %s",
				      machine_name(head.e_machine),
				      head.e_ident[EI_CLASS] == ELFCLASS32 ? "32 bits" : "64 bits",
				      machine_name(own.e_machine));
	if (head.e_type != ET_DYN)
		return error_file_set(LACUNA_EINVAL, path, "is not a shared object");
	if (!is_whole(fd, &head, size))
		return error_file_set(LACUNA_EINVAL, path, "is cut short");
	return LACUNA_OK;
}

int object_examine(const char *path)
{
	const int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC); /* does not block on a FIFO */
	struct stat st;
	int status;

	if (fd < 0 || fstat(fd, &st))
		status = error_file_errno(path);
	else if (!S_ISREG(st.st_mode))
		status = error_file_set(LACUNA_EINVAL, path, "is not a regular file");
	else
		status = examine(path, fd, st.st_size);
	if (fd >= 0)
		close(fd);
	return status;
}
