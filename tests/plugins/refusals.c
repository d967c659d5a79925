/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Each plugin of tests/plugins/broken is refused for its own fault: by the loader, with the message given here, or by the
 * conformance checks, because of the property given here.  Argument: the directory of the built plugins. */
#include <config.h>

#include "tests/tap.h"

#include "base/error.h"
#include "base/memory.h"
#include "base/threads.h"
#include "check/check.h"
#include "plugin/host.h"
#include "plugin/param.h"

#include <fenv.h>
#include <link.h>
#include <math.h>
#include <stdlib.h>
#include <unistd.h>

static const char *directory;

/* The file of NAME or NAME:PARAMETERS, and the parameters. */
static const char *path_of(const char *name)
{
	static char path[1024];
	const int length = (int)strcspn(name, ":");

	snprintf(path, sizeof path, "%s/%.*s.so%s", directory, length, name, name + length);
	return path;
}

/* ---- refused by the loader */

static const struct {
	const char *name, *message;
} at_load[] = {
	{ "wrong-magic", "not a Lacuna plugin (wrong magic number)" },
	{ "no-entry", "does not export lacuna_plugin_v1" },
	{ "newer-minor", "built for a newer Lacuna (plugin ABI 1.1" },
	{ "other-major", "built for plugin ABI 2" },
	{ "older-major", "built for plugin ABI 0" },
	{ "short-head", "its plugin structure is shorter" },
	{ "short-family", "its table of functions is shorter" },
	{ "missing-function", "has no function adjoint()" },
	{ "wrong-kind", "has an unknown family" },
	{ "wrong-name", "contains a plugin named \"another-name\"" },
	{ "bad-default", "parameter \"strength\" has a default out of range" },
	{ "outside-config", "parameter \"count\" lies outside the configuration" },
	{ "twice", "parameter \"strength\" appears twice" },
	{ "overlapping-rows", "parameter \"count\" overlaps another" },
	{ "nan-default", "parameter \"count\" has a default out of range" },
	{ "control-characters", "parameter \"count\" has control characters" },
	{ "unknown-flags", "sets flags that the family operator does not have (0x100000)" },
	{ "reserved-word", "the reserved word of its table is not 0" },
	{ "unknown-needs", "asks for needs that the family guidance does not have (0x200)" },
	{ "needs-itself", "asks for needs that the family guidance does not have (0x10)" },
	{ "wrong-table", "or its family is not sampler" },
	{ "guidance-as-operator", "has no function shape()" },
	{ "fast-math", "build it without -ffast-math" },
	{ "9-lives", "its name must have the form [a-z][a-z0-9-]*" },
	{ "no-license", "has no summary, manual, version, author or license" },
	{ "wrong-manual", "has control characters in its texts" },
	{ "is-not-there", "cannot be found" },
};

static void test_loader(void)
{
	size_t i;

	for (i = 0; i < sizeof at_load / sizeof at_load[0]; i++) {
		const struct plugin *plugin;
		int status;

		error_clear();
		status = plugin_load(0, path_of(at_load[i].name), &plugin);
		ok(status == LACUNA_EINVAL || status == LACUNA_EIO, "%s is refused",
		   at_load[i].name);
		ok(strstr(error_text(), at_load[i].message), "%s: \"%s\"", at_load[i].name,
		   at_load[i].message);
		ok(strstr(error_text(), at_load[i].name), "%s: the message names the file",
		   at_load[i].name);
		diag("%s", error_text());
	}
	ok(fegetround() == FE_TONEAREST && host_check_fp("test"),
	   "the floating-point environment is restored");
}

static void test_wrong_family(void)
{
	const struct plugin *plugin;

	error_clear();
	ok(plugin_load(LACUNA_PRIOR, path_of("good"), &plugin) == LACUNA_EINVAL,
	   "an operator is not loaded as a prior");
	ok(strstr(error_text(), "its family is operator, not prior"), "the message says so");
}

/* ---- correct plugins, which are loaded */

/* brief: a plugin that hangs on purpose must not take a minute.  request: correct plugins may be slow on a busy machine. */
static const struct check_request brief = { .seed = 1, .limit = 1 }, request = { .seed = 1 };

static const struct lacuna_shape forty = { { 40, 30, 1, 1 } }, square = { { 13, 13, 1, 1 } };
static const struct check_request of_forty = { .shapes = &forty, .shape_count = 1, .seed = 2 };
static const struct check_request of_x = { .x_shapes = &square, .x_shape_count = 1, .seed = 2 };

static void ignore(void *context, const struct check_finding *f)
{
	(void)context;
	if (!f->passed)
		diag("%s: %s", f->property, f->detail);
}

static void test_right(const char *name, const struct check_request *r)
{
	struct check_measures measures;
	struct plugin_use use;
	const int status = use_parse(LACUNA_OPERATOR, path_of(name), &use);

	ok(!status, "%s loads", name);
	if (status) {
		diag("%s", error_text());
		return;
	}
	ok(!check_plugin(&use, r, ignore, NULL, &measures), "%s passes", name);
	ok(!use.plugin->u.op.spectral && !use.plugin->u.op.diagonal && !use.plugin->u.op.window,
	   "%s: optional functions that it lacks are NULL", name);
	use_free(&use);
}

/* Of any family, and with optional functions: a deviation that the prior does not know, channels one at a time, services of
 * the checks that are what they should be. */
static void test_others(void)
{
	static const char *const names[] = { "bad-deviation:how=none", "wrong-forms:count=0",
					     "wrong-prior:how=right", "wrong-prior:how=one-channel",
					     "wrong-guidance:how=right" };

	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		struct check_measures measures;
		struct plugin_use use;

		if (!ok(!use_parse(0, path_of(names[i]), &use), "%s loads", names[i]))
			continue;
		ok(!check_plugin(&use, &request, ignore, NULL, &measures), "%s passes", names[i]);
		use_free(&use);
	}
}

/* The reported measures of an operator whose singular values are known. */
static void test_measures(void)
{
	static const struct lacuna_shape shape = { { 16, 1, 1, 1 } };
	const struct check_request r = { .shapes = &shape, .shape_count = 1, .seed = 1 };
	struct check_measures m;
	struct plugin_use use;

	if (!ok(!use_parse(LACUNA_OPERATOR, path_of("scaled:strength=3"), &use) &&
			!check_plugin(&use, &r, ignore, NULL, &m),
		"scaled:strength=3 passes"))
		return;
	/* A = 3 (1 + shift): A'A is 9 times the tridiagonal matrix with diagonal 1, 2, ..., 2 and 1 beside it. */
	ok(m.spectrum.exact && m.spectrum.count == 16 && m.spectrum.rank == 16,
	   "its singular values are known");
	ok(m.spectrum.largest < 6 && m.spectrum.largest > 5.96, "the largest: %g",
	   m.spectrum.largest);
	/* 2 - 2 cos(pi / (2 n + 1)). */
	ok(fabs(m.spectrum.smallest - 6 * sin(3.141592653589793 / 66)) < 1e-6, "the smallest: %g",
	   m.spectrum.smallest);
	ok(m.tried == 1 && m.accepted == 1, "one shape was asked for, and tried");
	use_free(&use);
}

/* A copy of good.so without the last byte that would be mapped, and with it. */
static int load_cut(const char *directory_of_copy, int missing)
{
	static char whole[1 << 20];
	const struct plugin *plugin;
	char file[1100];
	ElfW(Ehdr) head;
	size_t end = 0, n;
	FILE *f = fopen(path_of("good"), "rb");

	n = f ? fread(whole, 1, sizeof whole, f) : 0;
	if (f)
		fclose(f);
	if (n < sizeof head || n == sizeof whole)
		tap_bail("no good.so");
	memcpy(&head, whole, sizeof head);
	for (unsigned i = 0; i < head.e_phnum; i++) {
		ElfW(Phdr) segment;

		memcpy(&segment, whole + head.e_phoff + i * head.e_phentsize, sizeof segment);
		if (segment.p_type == PT_LOAD && segment.p_offset + segment.p_filesz > end)
			end = segment.p_offset + segment.p_filesz;
	}
	snprintf(file, sizeof file, "%s/good.so", directory_of_copy);
	f = fopen(file, "wb");
	if (!f || fwrite(whole, 1, end - (size_t)missing, f) != end - (size_t)missing || fclose(f))
		tap_bail("no copy");
	error_clear();
	return plugin_load(0, file, &plugin);
}

static void test_cut(void)
{
	char name[] = "/tmp/lacuna-cut-XXXXXX", file[64];

	if (!mkdtemp(name))
		tap_bail("no directory");
	ok(load_cut(name, 1) == LACUNA_EINVAL && strstr(error_text(), "is cut short"),
	   "a file that lacks a byte: %s", error_text());
	ok(!load_cut(name, 0), "one that lacks nothing which is mapped");
	snprintf(file, sizeof file, "%s/good.so", name);
	unlink(file);
	rmdir(name);
}

/* A file under two names is one plugin. */
static void test_link(void)
{
	const struct plugin *first = NULL, *second = NULL;
	char name[] = "/tmp/lacuna-link-XXXXXX", target[1024], file[64];

	if (!mkdtemp(name))
		tap_bail("no directory");
	snprintf(file, sizeof file, "%s/good.so", name);
	snprintf(target, sizeof target, "%s", path_of("good"));
	if (symlink(target, file))
		tap_bail("no link");
	ok(!plugin_load(0, target, &first) && !plugin_load(0, file, &second) && first == second,
	   "a link is the plugin that it leads to");
	unlink(file);
	rmdir(name);
}

static void test_longer_rows(void)
{
	const struct plugin *plugin;
	void *config;

	if (!ok(!plugin_load(0, path_of("longer-rows"), &plugin), "longer rows load"))
		return;
	config = param_create(plugin->head);
	ok(!param_parse(plugin->head, config, "strength=0.25,count=7"), "longer rows are parsed");
	ok(*(double *)config == 0.25, "the first");
	ok(((int64_t *)config)[1] == 7, "the second");
	param_release(plugin->head, config);
}

/* ---- refused by the conformance checks */

static const struct {
	const char *name, *property, *detail;
} at_check[] = {
	{ "wrong-adjoint", "(Ax, y) = (x, A'y)", "relative error" },
	{ "not-linear", "A(ax + bz) = aA(x) + bA(z)", "relative error" },
	{ "wrong-jacobian", "adjoint is that of the derivative", "relative error" },
	{ "not-pixelwise", "flag PIXELWISE: A'A is diagonal", "relative error" },
	{ "wrong-spectral", "spectral: gain lambda is A'A", "relative error" },
	{ "wrong-diagonal", "diagonal() is A'A", "relative error" },
	{ "not-symmetric", "symmetric: a turned image is denoised alike", "relative error" },
	{ "not-symmetric:right=yes", "symmetric: a turned image is denoised alike",
	  "relative error" },
	{ "not-gaussian", "flag GAUSSIAN: denoise is the posterior mean of a Gaussian",
	  "relative error" },
	{ "not-gaussian:how=moves", "flag GAUSSIAN: denoise is the posterior mean of a Gaussian",
	  "relative error" },
	{ "not-gaussian:how=squared", "flag GAUSSIAN: denoise is the posterior mean of a Gaussian",
	  "relative error" },
	{ "not-trained:how=negative", "flag TRAINED: a picture with noise is not spoilt",
	  "from the clean one" },
	{ "bad-deviation:how=negative", "deviation(): no value is below 0", "values are below 0" },
	{ "bad-deviation:how=nan", "results are finite", "deviation() gives NaN" },
	{ "bad-deviation:how=mixed", "deviation(): no value is below 0", "values are below 0" },
	{ "not-projection", "flag PROJECTION: A is an orthogonal projection", "relative error" },
	{ "wrong-fit:count=1", "fit() finds what explains y as well, and changes nothing else",
	  "grows" },
	{ "wrong-fit:count=2", "fit() finds what explains y as well, and changes nothing else",
	  "strength = 2 is out of range" },
	{ "wrong-fit:count=3", "fit() finds what explains y as well, and changes nothing else",
	  "count is not free" },
	{ "wrong-fit:count=4", "fit() finds what explains y as well, and changes nothing else",
	  "changes what apply() of its instance gives" },
	{ "wrong-offset:count=0", "offset() is one and the same", "after apply()" },
	{ "wrong-offset:count=1", "writes every value of its output", "offset() does not write 1" },
	{ "wrong-offset:count=2", "results are finite", "offset() gives NaN" },
	{ "wrong-offset:count=4", "same arguments, same bits", "offset() gives a different" },
	{ "wrong-window", "window lies inside the image", "window() of all of y" },
	{ "wrong-shapes", "shapes agree in both directions", "but its y is" },
	{ "nan-output", "results are finite", "apply() gives NaN" },
	{ "unwritten", "writes every value of its output", "apply() does not write 1 of 1 values" },
	{ "overflow", "stays within its arrays and scratch", "apply() writes beyond" },
	{ "scratch-overflow", "stays within its arrays and scratch", "apply() writes beyond" },
	{ "dirty-scratch", "results are finite", "apply() gives NaN" },
	{ "changes-input", "leaves its inputs alone", "apply() changes its input" },
	{ "hidden-state", "same arguments, same bits",
	  "apply() gives a different result in a second call" },
	{ "thread-count", "same bits for any number of threads",
	  "apply() gives a different result" },
	{ "not-concurrent", "same bits in concurrent calls", "apply() gives a different result" },
	{ "rounding", "leaves the floating-point environment alone", "apply() changes it" },
	{ "silent", "explains its failures", "create() returns -1" },
	{ "leak", "releases its memory", "are not released by destroy()" },
	{ "leak-on-failure", "survives the failure of each allocation", "create() leaks" },
	{ "static-buffer", "same bits in concurrent calls", "apply() gives a different result" },
	{ "late-adjoint", "(Ax, y) = (x, A'y)", "520x516x1: relative error" },
	{ "forgets-weights", "solve() solves, whatever the start and the weights",
	  "relative error" },
	{ "one-pixel", "(Ax, y) = (x, A'y)", "520x516x1: relative error" },
	{ "hadamard:fault=scale", "(Ax, y) = (x, A'y)", "relative error" },
	{ "hadamard:fault=shift", "(Ax, y) = (x, A'y)", "relative error" },
	{ "affine", "A(0) = 0", "A(0) is 1e-06" },
	{ "clips", "A(ax + bz) = aA(x) + bA(z)", "relative error" },
	{ "wrong-derivative:how=vjp", "vjp agrees with differences of denoise", "relative error" },
	{ "wrong-derivative:how=jvp", "jvp agrees with differences of denoise",
	  "relative error 0.2" },
	{ "ignores-sigma", "not blind: sigma makes a difference", "are the same" },
	{ "absurd-shape", "shapes agree in both directions", "x is 1x0x1x1" },
	{ "fixed-shape", "accepts an image", "the check needs 3" },
	{ "bad-info:how=channels", "info is sane", "channels is -1" },
	{ "bad-info:how=nan", "info is sane", "sigma from 0.0001 to nan" },
	{ "no-steps", "steps() > 0", "steps() is 0" },
	{ "fails-with-zero", "accepts an image", "it is ?[31mbroken?" },
	{ "wrong-forms:count=1", "spectral: gain 1 is the identity", "relative error" },
	{ "wrong-forms:count=2", "spectral: gain sqrt(lambda) twice is A'A", "relative error" },
	{ "wrong-forms:count=2", "spectral: gain 1/(lambda + rho) solves", "relative error" },
	{ "wrong-forms:count=2", "spectral: closed form = iterations", "relative error" },
	{ "wrong-forms:count=2", "spectral: Moore-Penrose identities", "relative error" },
	{ "wrong-forms:count=3", "solve() solves, whatever the start and the weights",
	  "relative error" },
	{ "wrong-forms:count=4", "approximate() is symmetric and positive", "not positive" },
	{ "wrong-forms:count=5", "approximate() is symmetric and positive", "relative error" },
	{ "wrong-forms:count=6", "window lies inside the image", "from 0,-1" },
	{ "oblique", "flag PROJECTION: A is an orthogonal projection", "relative error" },
	{ "wrong-apply:count=0", "stays within its arrays and scratch", "apply() writes beyond" },
	{ "wrong-apply:count=1", "leaves its inputs alone", "apply() changes its input" },
	{ "wrong-apply:count=2", "releases its memory", "apply() does not release 1 blocks" },
	{ "wrong-apply:count=3", "every call returns", "apply() returns 5, which is not a status" },
	{ "wrong-apply:count=4", "same arguments, same bits",
	  "in a second call with other contents of its scratch memory" },
	{ "wrong-apply:count=5", "A(ax + bz) = aA(x) + bA(z)", "relative error nan" },
	{ "wrong-apply:count=6", "leaves locale and directory alone",
	  "apply() changes the locale" },
	{ "wrong-failure", "survives the failure of each allocation",
	  "instead of LACUNA_ENOMEM when allocation 0 fails" },
	{ "wrong-prior:how=blind", "blind: sigma makes no difference", "differ" },
	{ "wrong-prior:how=twice-blind", "info is sane", "blind is 2" },
	{ "wrong-prior:how=offset", "denoise tends to u for small sigma",
	  "differs from its input" },
	{ "wrong-prior:how=map", "constant sigma map = sigma", "relative error" },
	{ "wrong-prior:how=varied", "results are finite", "denoise_map() gives NaN" },
	{ "wrong-prior:how=condition", "accepts an image", "condition() fails" },
	{ "wrong-prior:how=measured", "results are finite", "denoise() gives NaN" },
	{ "wrong-prior:how=fussy", "accepts an image", "the check needs 3" },
	{ "bad-info:how=order", "info is sane", "sigma from 0.0001 to 1e-05" },
	{ "wrong-guidance:how=level", "results are finite", "estimate() gives NaN" },
	{ "wrong-guidance:how=step", "results are finite", "estimate_step() gives NaN" },
	{ "wrong-guidance:how=start", "results are finite", "estimate() gives NaN" },
	{ "wrong-guidance:how=noiseless", "results are finite", "estimate() gives NaN" },
	{ "wrong-guidance:how=leak", "releases its memory", "are not released by destroy()" },
	{ "late-failure", "accepts an image", "start() or step() fails: the third step" },
	{ "needs-memory", "survives the failure of each allocation", "instead of LACUNA_ENOMEM" },
	{ "misconduct:how=crash", "every call returns",
	  "1x1x1: apply() crashes (Segmentation fault)" },
	{ "misconduct:how=abort", "every call returns", "1x1x1: apply() aborts (Aborted)" },
	{ "misconduct:how=exit", "every call returns", "1x1x1: apply() ends the process: exit(0)" },
	{ "misconduct:how=quit", "every call returns", "1x1x1: apply() ends the process: exit(0)" },
	{ "misconduct:how=hang", "every call returns", "apply() does not return (1 s)" },
	{ "misconduct:how=endless", "every call returns",
	  "it printed \"once more" }, /* stopped by a limit on output or by the clock */
	{ "misconduct:how=unprepared", "every call returns",
	  "create(), allocation 0 failing, crashes" },
	{ "misconduct:how=print", "prints nothing", "1x1x1: apply() prints \"hello from apply\"" },
	{ "misconduct:how=thread", "leaves no thread or process running",
	  "1x1x1: apply() leaves 1 thread" },
	{ "misconduct:how=fork", "leaves no thread or process running",
	  "leaves a process running" },
	{ "misconduct:how=signal", "leaves signals alone", "apply() changes what happens" },
	{ "misconduct:how=block", "leaves signals alone", "apply() changes which signals" },
	{ "misconduct:how=traps", "leaves the floating-point environment alone",
	  "apply() changes it" },
	{ "misconduct:how=chdir", "leaves locale and directory alone",
	  "apply() changes the working directory" },
	{ "misconduct:how=locale", "leaves locale and directory alone",
	  "apply() changes the locale" },
};

struct expectation {
	const char *property, *detail;
	int met;
};

/* The properties that were examined, and whether one of the plugins lacked them. */
static struct {
	const char *name;
	int failed;
} properties[80];

static void count_property(const struct check_finding *f)
{
	size_t i = 0;

	while (properties[i].name && strcmp(properties[i].name, f->property) != 0)
		i++;
	if (i + 1 == sizeof properties / sizeof *properties)
		tap_bail("more properties than there is room for");
	properties[i].name = f->property;
	properties[i].failed |= !f->passed;
}

static void collect(void *context, const struct check_finding *f)
{
	struct expectation *e = context;

	count_property(f);
	if (f->passed)
		return;
	diag("%s: %s", f->property, f->detail);
	e->met |= !strcmp(f->property, e->property) && strstr(f->detail, e->detail);
}

static void test_checks(void)
{
	size_t i;

	for (i = 0; i < sizeof at_check / sizeof at_check[0]; i++) {
		const int lasts =
			strstr(at_check[i].name, "=hang") || strstr(at_check[i].name, "=endless");
		struct expectation e = { at_check[i].property, at_check[i].detail, 0 };
		struct check_measures measures;
		struct plugin_use use;

		error_clear();
		if (!ok(!use_parse(0, path_of(at_check[i].name), &use), "%s loads",
			at_check[i].name)) {
			diag("%s", error_text());
			continue;
		}
		ok(check_plugin(&use, lasts ? &brief : &request, collect, &e, &measures) ==
			   LACUNA_EINVAL,
		   "%s does not pass", at_check[i].name);
		ok(e.met, "%s: \"%s\" does not hold", at_check[i].name, at_check[i].property);
		use_free(&use);
	}
}

/* A check that nothing fails may check nothing. */
static void test_properties(void)
{
	for (size_t i = 0; properties[i].name; i++)
		ok(properties[i].failed, "a plugin lacks \"%s\"", properties[i].name);
}

int main(int argc, char **argv)
{
	if (argc != 2) {
		printf("Bail out! usage: refusals DIRECTORY; tests/plugins/refusals.sh runs "
		       "this\n");
		return 99;
	}
	directory = argv[1];
	test_loader();
	test_wrong_family();
	test_right("good", &request);
	test_right("older-family:strength=1", &request);
	test_right("cubic", &request);
	test_right("wrong-fit:count=0", &request);
	test_right("hadamard", &request);
	test_right("fourier", &request);
	test_right("radon", &request);
	test_others();
	test_right("scaled:strength=1e12", &request);
	test_right("scaled:strength=1e-9", &request);
	test_right("fixed-shape", &of_forty);
	test_right("radon", &of_x);
	test_measures();
	test_longer_rows();
	test_link();
	test_cut();
	test_checks();
	test_properties();
	threads_stop();
	return tap_done();
}
