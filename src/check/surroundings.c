/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* What a plugin must not change: directory, locale, signals, standard output, the number of threads. */
#include <config.h>

#include "check/private.h"

#include "base/child.h"
#include "base/threads.h"

#include <dirent.h>
#include <dlfcn.h>
#include <locale.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum { SIGNALS_KNOWN = sizeof(((struct surroundings *)0)->actions) / sizeof(struct sigaction) };

/* Excludes the host's own workers. */
static int count_threads(void)
{
	DIR *d = opendir("/proc/self/task");
	const struct dirent *entry;
	int count = 0;

	while (d && (entry = readdir(d)))
		count += entry->d_name[0] != '.';
	if (d)
		closedir(d);
	return count - threads_running();
}

/* OpenMP's library keeps idle workers, which do not count: asks it to end them. */
static void end_openmp(void)
{
	static const char *const libraries[] = { "libgomp.so.1", "libomp.so.5", "libomp.so" };
	enum { HARD = 2 }; /* omp_pause_hard */
	int (*pause_all)(int);

	for (size_t i = 0; i < sizeof libraries / sizeof *libraries; i++) {
		void *handle = dlopen(libraries[i], RTLD_NOLOAD | RTLD_LAZY);
		void *symbol = handle ? dlsym(handle, "omp_pause_resource_all") : NULL;

		memcpy(&pause_all, &symbol, sizeof symbol);
		if (symbol)
			pause_all(HARD);
		if (handle)
			dlclose(handle);
	}
}

/* Number of threads beyond `before' that remain after ending threads have had time to vanish. */
static int extra_threads(int before)
{
	const struct timespec nap = { 0, 5000000 };
	int count = count_threads();

	if (count <= before)
		return 0;
	end_openmp();
	for (int i = 0; i < 40 && (count = count_threads()) > before; i++)
		nanosleep(&nap, NULL);
	return count > before ? count - before : 0;
}

static int same_action(const struct sigaction *a, const struct sigaction *b)
{
	/* sa_handler and sa_sigaction share memory. */
	return a->sa_handler == b->sa_handler;
}

void surroundings_note(struct surroundings *s)
{
	memset(s, 0, sizeof *s);
	stat(".", &s->directory);
	snprintf(s->locale, sizeof s->locale, "%s", setlocale(LC_ALL, NULL));
	for (int i = 1; i < SIGNALS_KNOWN; i++)
		sigaction(i, NULL, &s->actions[i]);
	sigprocmask(SIG_SETMASK, NULL, &s->mask);
	s->printed = child_printed();
	s->threads = count_threads();
}

static void examine_signals(struct check *c)
{
	const struct surroundings *s = &c->surroundings;
	struct sigaction action;
	sigset_t mask;
	int handled = 0, blocked = 0;

	sigprocmask(SIG_SETMASK, NULL, &mask);
	for (int i = 1; i < SIGNALS_KNOWN; i++) {
		if (!sigaction(i, NULL, &action) && !same_action(&action, &s->actions[i]))
			handled = i;
		if (sigismember(&mask, i) != sigismember(&s->mask, i))
			blocked = i;
	}
	check_expect(c, SIGNALS, !handled, "%s() changes what happens at a signal (%s)",
		     c->function, strsignal(handled));
	check_expect(c, SIGNALS, !blocked, "%s() changes which signals are blocked (%s)",
		     c->function, strsignal(blocked));
}

void surroundings_examine(struct check *c)
{
	struct surroundings *s = &c->surroundings;
	const size_t printed = child_printed();
	struct stat directory;
	char text[120] = "";
	int more;

	check_expect(c, SURROUNDINGS,
		     !stat(".", &directory) && directory.st_ino == s->directory.st_ino &&
			     directory.st_dev == s->directory.st_dev,
		     "%s() changes the working directory", c->function);
	check_expect(c, SURROUNDINGS,
		     !strncmp(s->locale, setlocale(LC_ALL, NULL), sizeof s->locale - 1) &&
			     uselocale((locale_t)0) == LC_GLOBAL_LOCALE,
		     "%s() changes the locale", c->function);
	examine_signals(c);
	if (printed > s->printed)
		child_read_printed(s->printed, text, sizeof text);
	check_expect(c, PRINTS, printed <= s->printed, "%s() prints \"%s\"", c->function, text);
	s->printed = printed;
	more = c->outcomes[THREADS].failed ? 0 : extra_threads(s->threads);
	check_expect(c, THREADS, !more, "%s() leaves %d %s running", c->function, more,
		     more == 1 ? "thread" : "threads");
	s->threads += more;
}
