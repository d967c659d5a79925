/* SPDX-License-Identifier: MIT
 * Copyright 2026 The Lacuna authors
 *
 * lacuna/plugin.h -- the whole contract between the host and its plugins, ABI 1.
 *
 * A plugin is one shared object that exports one symbol, lacuna_plugin_v1().  It links to nothing of the
 * host: everything it may call is in struct lacuna_host.  Read plugins/operators/mask.c beside this file.
 *
 * Notation, used throughout:
 *   x, x0    the unknown image                     y      the measurement, y = A x0 + sigma_y n
 *   sigma    noise level of a diffusion state in the variance-exploding scale, u = x0 + sigma n
 *   A, A'    the forward operator, its adjoint     lambda an eigenvalue of A'A, >= 0
 *
 * Arrays are planar float, x fastest: index = x + w*(y + h*(c + C*t)).  Values of a picture's full scale lie
 * in 0..1.  An array starts at a multiple of 64 bytes (a prior that takes the planes of x in groups gets them where they
 * stand, though); an output never overlaps an input, and is written entirely.
 *
 * Threads.  Every function has a tag.
 *	[any thread]  Several threads may be in it at once, with the same instance or table, each with its own scratch; a
 *		function of the host may be called from inside parallel().
 *	[serial]  Of the host: from the thread that the host has called the plugin on, by one call of the plugin at a time.  Of
 *		plugins: never two at once, in whichever plugins, so FFTW may plan there without a lock, and only there.
 *	[one at a time per instance]  Never two at once with one self; with two, at any time.
 * A plugin leaves no thread running when a call returns.
 *
 * Conduct.  A plugin never prints, exits, raises or handles signals, or changes locale, directory or the
 * floating-point environment.  Its result depends on its arguments only, not on the number of threads.
 *
 * Growth.  Within one MAJOR structures grow at their ends only, by members that mean "not there" when they are zero, and MINOR
 * rises.  Each structure that one side fills in for the other says its size, that of the header it was compiled with; a
 * parameter's row, param_size.
 *	A host of minor n with an older plugin: takes as many bytes as the plugin has, the rest is zero.
 *	A host of minor n with a plugin compiled with the header of minor n + 1: takes as many bytes as it knows, and calls
 *	nothing behind them.  What it would have to know is refused by name: bits that it does not know in flags or needs, and
 *	LACUNA_ABI_MINOR n + 1, which a plugin defines before it includes this when it cannot do without something newer
 *	than 1.0.
 *	A plugin that can do without asks: LACUNA_HAS() whether a table has a member, host->extension() for an extension.
 * The tables of extensions do not grow; what is new in one gets another number.
 *
 * Compiles as C99, C11 and C++11.
 */
#ifndef LACUNA_PLUGIN_H
#define LACUNA_PLUGIN_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A change of MAJOR breaks every plugin and renames the entry point. */
#define LACUNA_ABI_MAJOR 1
#ifndef LACUNA_ABI_MINOR
#define LACUNA_ABI_MINOR 0
#endif
#define LACUNA_ABI ((uint32_t)LACUNA_ABI_MAJOR << 16 | (uint32_t)LACUNA_ABI_MINOR)
#define LACUNA_MAGIC UINT32_C(0x414e434c) /* "LCNA" */

#if defined __GNUC__
#define LACUNA_EXPORT __attribute__((visibility("default")))
#define LACUNA_PRINTF(f, a) __attribute__((format(printf, f, a)))
#else
#define LACUNA_EXPORT
#define LACUNA_PRINTF(f, a)
#endif

/* ---- status, data ---------------------------------------------------------------------------------- */

enum {
	LACUNA_OK = 0,
	LACUNA_DONE = 1,	  /* step() only: nothing left to do */
	LACUNA_EINVAL = -1,	  /* a parameter, a shape or a file's content is unusable */
	LACUNA_ENOMEM = -2,	  /* memory, or the stated budget */
	LACUNA_EUNSUPPORTED = -3, /* this combination of plugins cannot do that */
	LACUNA_ENUMERIC = -4,	  /* NaN, overflow, divergence */
	LACUNA_EIO = -5,	  /* the file system said no */
	LACUNA_ECANCELLED = -6,	  /* cancelled() was true */
	LACUNA_EINTERNAL = -7	  /* a defect of the host or the plugin */
};

enum { LACUNA_LOG_ERROR, LACUNA_LOG_WARN, LACUNA_LOG_INFO, LACUNA_LOG_DEBUG };

/* width, height, channels, frames; all >= 1 */
struct lacuna_shape {
	int64_t extent[4];
};

/* A box of pixels: first corner and size, in the order of lacuna_shape. */
struct lacuna_region {
	int64_t origin[4];
	int64_t extent[4];
};

static inline size_t lacuna_count(const struct lacuna_shape *s)
{
	return (size_t)s->extent[0] * (size_t)s->extent[1] * (size_t)s->extent[2] *
	       (size_t)s->extent[3];
}

/* ---- parameters ------------------------------------------------------------------------------------ */

enum {
	LACUNA_BOOL,   /* int64_t, 0 or 1; written yes/no */
	LACUNA_INT,    /* int64_t */
	LACUNA_REAL,   /* double; may be written as a fraction, 2.55/255 */
	LACUNA_CHOICE, /* int64_t, index into choices */
	LACUNA_TEXT,   /* const char * */
	LACUNA_PATH,   /* const char *: a file to read */
	LACUNA_LIST    /* struct lacuna_list */
};

/* Numbers in blanks, each as a LACUNA_REAL is written; a semicolon may end a row, "1 0; 0 1".  The values are the host's, as
 * texts are. */
struct lacuna_list {
	const double *values; /* NULL when there are none */
	int64_t count;
	int64_t columns; /* numbers in each row; 0: rows of different lengths, or none */
};

enum {
	LACUNA_REQUIRED = 1u << 0, /* TEXT, PATH, LIST: no default */
	LACUNA_ADVANCED = 1u << 1, /* help shows it last */
	/* PATH, of operators.  A file whose page k goes with page k of the picture: read_image() gives that one alone;
	 * extent[3] still says how many the file has. */
	LACUNA_PAGED = 1u << 2,
	/* PATH, of operators.  Its pixels are as large as those of x: the host compares, where both files state it. */
	LACUNA_SAMPLED = 1u << 3,
	/* TEXT, of operators.  A number; pixels of the measurement that have it, as the file counts, are missing. */
	LACUNA_ABSENT = 1u << 4
};

/* One row describes one field of the plugin's configuration structure, whose name is the parameter's.  Parsing,
 * range check, help, completion and manual page all read this row and nothing else.  Write it with the macros
 * below: they refuse a field of the wrong C type. */
struct lacuna_param {
	const char *name;
	const char *unit; /* "px", or NULL */
	const char *help; /* one line, no full stop */
	int32_t type;
	uint32_t flags;
	/* CHOICE: dflt is an index; LIST: lo and hi of each number; TEXT, PATH: unused */
	double lo, hi, dflt;
	/* TEXT, PATH and LIST: the default, or NULL.  Others: NULL, or what another row must say for this one to apply:
	 * "kind=disk"; "psf=" when psf must be left out.  Given otherwise, the row is refused. */
	const char *text;
	const char *const *choices; /* CHOICE: NULL-terminated */
	size_t offset;
};

/* clang-format off */
#define LACUNA_OFFSET(T, field, ctype) \
	(offsetof(T, field) + 0 * sizeof(&((T *)0)->field == (ctype *)0))
#define LACUNA_PARAM_REAL(T, field, unit, lo, hi, dflt, help) \
	{ #field, unit, help, LACUNA_REAL, 0, lo, hi, dflt, NULL, NULL, LACUNA_OFFSET(T, field, double) }
#define LACUNA_PARAM_INT(T, field, unit, lo, hi, dflt, help) \
	{ #field, unit, help, LACUNA_INT, 0, lo, hi, dflt, NULL, NULL, LACUNA_OFFSET(T, field, int64_t) }
#define LACUNA_PARAM_BOOL(T, field, dflt, help) \
	{ #field, NULL, help, LACUNA_BOOL, 0, 0, 1, dflt, NULL, NULL, LACUNA_OFFSET(T, field, int64_t) }
#define LACUNA_PARAM_CHOICE(T, field, choices, dflt, help) \
	{ #field, NULL, help, LACUNA_CHOICE, 0, 0, 0, dflt, NULL, choices, LACUNA_OFFSET(T, field, int64_t) }
#define LACUNA_PARAM_REAL_IF(T, when, field, unit, lo, hi, dflt, help) \
	{ #field, unit, help, LACUNA_REAL, 0, lo, hi, dflt, when, NULL, LACUNA_OFFSET(T, field, double) }
#define LACUNA_PARAM_CHOICE_IF(T, when, field, choices, dflt, help) \
	{ #field, NULL, help, LACUNA_CHOICE, 0, 0, 0, dflt, when, choices, LACUNA_OFFSET(T, field, int64_t) }
#define LACUNA_PARAM_TEXT(T, field, flags, dflt, help) \
	{ #field, NULL, help, LACUNA_TEXT, flags, 0, 0, 0, dflt, NULL, LACUNA_OFFSET(T, field, const char *) }
#define LACUNA_PARAM_PATH(T, field, flags, dflt, help) \
	{ #field, NULL, help, LACUNA_PATH, flags, 0, 0, 0, dflt, NULL, LACUNA_OFFSET(T, field, const char *) }
#define LACUNA_PARAM_LIST(T, field, unit, lo, hi, flags, dflt, help) \
	{ #field, unit, help, LACUNA_LIST, flags, lo, hi, 0, dflt, NULL, LACUNA_OFFSET(T, field, struct lacuna_list) }
/* clang-format on */

/* ---- host services --------------------------------------------------------------------------------- */

/* A function of one eigenvalue of A'A.  Pure.  [any thread] */
typedef double lacuna_gain(double lambda, const void *context);

/* A part of the work of host->parallel(): LACUNA_OK or a negative status, with the message kept by fail().  [any thread] */
typedef int lacuna_body(void *arg, size_t i, void *scratch);

struct lacuna_prior_info;
struct lacuna_host;

/* True when a table of the host, or a structure that begins with its size, has the member of this name: what is newer than the
 * minor that a plugin asks for may be missing. */
#define LACUNA_HAS(table, member) \
	((const char *)(&(table)->member + 1) <= (const char *)(table) + (table)->size)

/* The problem at hand.  x-shaped: x, at, b, d; y-shaped: y. */
struct lacuna_host_problem {
	uint32_t size, reserved;
	/* [serial] y = A x */
	int (*apply)(const struct lacuna_host *, const float *x, float *y);
	/* [serial] x = A' y, or J(at)' y for an operator that is not linear */
	int (*adjoint)(const struct lacuna_host *, const float *at, const float *y, float *x);
	/* [serial] x = gain(A'A) b: closed form where the operator has one; else Lanczos, to 0.1 % where the gain is smooth,
	 * with a warning where it jumps. */
	int (*spectral)(const struct lacuna_host *, lacuna_gain *, const void *context,
			const float *b, float *x);
	/* [serial] (A'A + rho I) x = b, rho > 0: closed form or conjugate gradients, for which x is the first guess. */
	int (*solve)(const struct lacuna_host *, double rho, const float *b, float *x);
	/* [serial] A'A = diag(d) in pixels, or LACUNA_EUNSUPPORTED. */
	int (*diagonal)(const struct lacuna_host *, float *d);
};

/* The prior.  x0 = E[x0 | x0 + sigma n = u]; sigma is clamped to the range that the prior declares.  x-shaped: u, x0, v, out,
 * and sigma in denoise_map(). */
struct lacuna_host_prior {
	uint32_t size, reserved;
	/* [any thread] What the prior says of itself: as many bytes as info->size says, which the caller sets to
	 * sizeof *info. */
	int (*info)(const struct lacuna_host *, struct lacuna_prior_info *);
	/* [serial] */
	int (*denoise)(const struct lacuna_host *, double sigma, const float *u, float *x0);
	/* [serial] a sigma for each value */
	int (*denoise_map)(const struct lacuna_host *, const float *sigma, const float *u,
			   float *x0);
	/* [serial] out = (dD/du)' v */
	int (*denoise_vjp)(const struct lacuna_host *, double sigma, const float *u, const float *v,
			   float *out);
	/* [serial] For those that denoise again and again what they have denoised before, such as plug-and-play iterations
	 * and short Gibbs chains: what is wrong with their u is not white noise of level sigma alone, but what the operator
	 * lets through and what the prior has guessed wrong.  The prior's denoise_round(), or else its denoise(), is asked.
	 * Where the prior is symmetric, round = 0, 1, ... turns the image, and the answer back, one way after the other (eight
	 * for a square image, four mirrors for another; round 0 as it is), lest the prior's mistakes add up (Zhang et al. 2021,
	 * DPIR, section 4.2). */
	int (*denoise_round)(const struct lacuna_host *, uint32_t round, double sigma,
			     const float *u, float *x0);
};

/* The guidance: x0 ~ E[x0 | u, y], u and x0 x-shaped. */
struct lacuna_host_guidance {
	uint32_t size, reserved;
	/* [serial] */
	int (*estimate)(const struct lacuna_host *, double sigma, const float *u, float *x0);
	/* [serial] The same for a step from level sigma to level s, 0 for the last: some guidances depend on its length. */
	int (*estimate_step)(const struct lacuna_host *, double sigma, double s, const float *u,
			     float *x0);
};

/* Valid from before create() until destroy() returns.  Every function takes this table, those of the three smaller tables,
 * too.  Functions that return int return LACUNA_OK or a negative status, with the message already kept: pass it on.  Tags of
 * threads: see the head of this file. */
struct lacuna_host {
	uint32_t size, abi;
	void *data; /* the host's own */
	/* Of the host, such as "1.0.2": for messages and records, not for decisions. */
	const char *version;

	/* ---- for every plugin ---- */

	/* [any thread] */
	void (*log)(const struct lacuna_host *, int level, const char *fmt, ...)
		LACUNA_PRINTF(3, 4);
	/* [any thread] Keeps the message of this failure and returns status:
	 * return host->fail(host, LACUNA_EINVAL, ...); */
	int (*fail)(const struct lacuna_host *, int status, const char *fmt, ...)
		LACUNA_PRINTF(3, 4);
	/* [any thread] log() and fail() for languages that do not know C's variable arguments: the text as it is. */
	void (*log_text)(const struct lacuna_host *, int level, const char *text);
	/* [any thread] */
	int (*fail_text)(const struct lacuna_host *, int status, const char *text);

	/* [any thread] Zeroed, 64-byte aligned; NULL when there is no more, with the message kept (return LACUNA_ENOMEM). */
	void *(*alloc)(const struct lacuna_host *, size_t bytes);
	/* [any thread] accepts NULL */
	void (*release)(const struct lacuna_host *, void *);

	/* [any thread] Runs body(arg, i, memory) for i = 0..n-1, each once, in any order on any thread; returns when all are
	 * done.  May be nested (then it runs serially).  memory: `scratch' bytes of a worker's own, 64-byte aligned, NULL for
	 * 0; what is in it is what the worker's last body has left.  The result is LACUNA_OK; or the status of the smallest i
	 * that has failed, and its message is kept, whatever the number of threads: bodies of larger i may then not have run;
	 * or LACUNA_ENOMEM. */
	int (*parallel)(const struct lacuna_host *, size_t n, size_t scratch, lacuna_body *body,
			void *arg);

	/* [any thread] n standard normals, a function of (seed, image, sample; stream, position) and of nothing else:
	 * element i is the normal number position + i of its stream.  Samplers use the step as stream. */
	void (*gaussian)(const struct lacuna_host *, uint64_t stream, uint64_t position, float *out,
			 size_t n);
	/* [any thread] A number in [0, 1) that depends on key and position alone, for what must stay the same from one sample
	 * to the next: random masks, sensing matrices. */
	double (*random)(const struct lacuna_host *, uint64_t key, uint64_t position);

	/* [any thread] True once the user wants to stop: return LACUNA_ECANCELLED soon. */
	int (*cancelled)(const struct lacuna_host *);

	/* [any thread] Reads a TIFF (integers scaled by their full scale to 0..1, floats as they are) or a text file holding a
	 * matrix, one row a line, '#' starts a comment.  *values is released with release(). */
	int (*read_image)(const struct lacuna_host *, const char *path, struct lacuna_shape *,
			  float **values);
	/* [any thread] The path of a file that ships with Lacuna, such as "priors/NAME". */
	int (*data_path)(const struct lacuna_host *, const char *name, char *path, size_t size);

	/* [any thread] The table of functions of this name and number, "lacuna.NAME/1", or NULL: this host has none, or none
	 * for this family.  What few plugins need stands in headers of its own, lacuna/NAME.h, until more do.  Valid as long
	 * as the host is. */
	const void *(*extension)(const struct lacuna_host *, const char *name);

	/* ---- for some families; NULL for the others ---- */

	/* for guidances, samplers, and priors that are not LACUNA_LASTING: these may ask in create() when the problem has a
	 * measurement, and in conditional() */
	const struct lacuna_host_problem *problem;
	/* for guidances and samplers */
	const struct lacuna_host_prior *prior;
	/* for samplers; NULL when the user has named no guidance, see LACUNA_NEEDS_GUIDANCE */
	const struct lacuna_host_guidance *guidance;
};

/* Of a plugin: its table of functions of this name and number, constant, or NULL: as host->extension(), the other way.
 * [any thread] */
typedef const void *lacuna_extension(const char *name);

/* ---- the measurement ------------------------------------------------------------------------------- */

/* What create() gets stays as it is until destroy() returns. */
struct lacuna_problem {
	uint32_t size,
		flags; /* of the operator, LACUNA_LINEAR, LACUNA_PIXELWISE, LACUNA_PICTURE, ...; LACUNA_CLOSED,
			* LACUNA_DERIVATIVE */
	struct lacuna_shape x, y;
	const float *measurement; /* y-shaped; NULL when there is none */
	const float *start;	  /* x-shaped start image, or NULL */
	double noise;		  /* sigma_y, standard deviation in the units of y */
};

/* ---- operators: y = A(x) --------------------------------------------------------------------------- */

enum {
	LACUNA_LINEAR = 1u << 0,    /* A(ax + bz) = aA(x) + bA(z); adjoint() ignores `at' */
	LACUNA_PIXELWISE = 1u << 1, /* each value of y depends on one value of x, or on none */
	/* of a problem: host->problem->spectral() is in closed form, with any gain */
	LACUNA_CLOSED = 1u << 2,
	/* y shows the scene in the values of x, as a blurred or a masked picture does: black is black in both.  The host then
	 * finds in y what is black and white, and how strong the noise is.  Without this flag the numbers of y are taken as
	 * they are (a spectrum, sums along lines, coefficients): x is 0..1 unless --range says otherwise, the result is in the
	 * units of x, and the user states the noise.  It is a promise like the others, and not the default, because one that
	 * is forgotten costs a line of advice; an exception that is forgotten would be a wrong scale that nobody sees. */
	LACUNA_PICTURE = 1u << 3,
	/* the frames of y are the pages of a file, all of them one measurement */
	LACUNA_FRAMES = 1u << 4,
	/* the channels of y are pairs, real and imaginary part: complex numbers in a file */
	LACUNA_COMPLEX = 1u << 5,
	/* Facts that --method goes by.  y leaves out a part of the picture: pixels, or resolution */
	LACUNA_PARTIAL = 1u << 6,
	/* ... or all that tells colours apart */
	LACUNA_COLORLESS = 1u << 7,
	/* A is an orthogonal projection, A A = A = A', and what of a measurement it takes away tells nothing, such as unknown
	 * offsets of rows: the host replaces y by A y before all else.  Such an operator is the last, and its y complete. */
	LACUNA_PROJECTION = 1u << 8,
	/* of a problem, for create() of a prior: its vjp() will be called; without it, a prior need not be ready for that */
	LACUNA_DERIVATIVE = 1u << 16
};

/* (A' diag(weights) A + rho) x = b */
struct lacuna_system {
	uint32_t size;
	int32_t iterations;   /* at most */
	const float *weights; /* y-shaped, >= 0, 0 where nothing is measured; NULL: 1 */
	double rho;	      /* > 0 */
	double tolerance; /* |b - (A' diag(weights) A + rho) x| is at most so many |b|, or iterations are used up */
};

/* Required: shape, create, destroy, apply, adjoint.  create() of any family: on failure it releases all it took and leaves
 * *self as it was, and destroy() is not called.  spectral, diagonal: an instance whose configuration has no such form
 * returns LACUNA_EUNSUPPORTED, which needs no message; the host then does without. */
struct lacuna_operator {
	uint32_t size, flags;
	/* [serial] Before create(): the missing shape from the known one.  from_y != 0: `known' is the measurement's.  *wanted
	 * comes with the wish of the user (--size, or the picture of --start or --reference), 0 where there is none: what
	 * `known' does not tell, such as the picture of a sinogram, is taken from there. */
	int (*shape)(const struct lacuna_host *, const void *config, int from_y,
		     const struct lacuna_shape *known, struct lacuna_shape *wanted);
	/* [serial] */
	int (*create)(const struct lacuna_host *, const void *config, const struct lacuna_shape *x,
		      const struct lacuna_shape *y, void **self);
	/* [serial] accepts NULL */
	void (*destroy)(void *self);
	/* [any thread] optional: bytes for one concurrent call */
	size_t (*scratch)(const void *self);
	/* [any thread] */
	int (*apply)(const void *self, void *scratch, const float *x, float *y);
	/* [any thread] x = J(at)' y, J the Jacobian of A; a linear operator ignores `at', which may then be NULL. */
	int (*adjoint)(const void *self, void *scratch, const float *at, const float *y, float *x);
	/* [any thread] optional, linear: x = gain(A'A) b in closed form */
	int (*spectral)(const void *self, void *scratch, lacuna_gain *, const void *context,
			const float *b, float *x);
	/* [any thread] optional, linear: A'A = diag(d), d x-shaped */
	int (*diagonal)(const void *self, float *d);
	/* [any thread] optional: which part of x shows the scene of the region `in_y' of y.  Without it: the same region, and
	 * all of x along axes where x and y differ in size.  The part of x outside the picture of all of y is cropped from a
	 * result. */
	int (*window)(const void *self, const struct lacuna_region *in_y,
		      struct lacuna_region *in_x);
	/* [any thread] optional, linear: a cheap symmetric approximation of gain(A'A) b, positive for a positive gain: it
	 * preconditions conjugate gradients where there is no closed form */
	int (*approximate)(const void *self, void *scratch, lacuna_gain *, const void *context,
			   const float *b, float *x);
	/* [any thread] optional, linear: solves a system to its tolerance, from the x that is given on; for operators that do
	 * it faster than conjugate gradients of the host, with apply(), adjoint() and approximate().  LACUNA_EUNSUPPORTED: not
	 * with these parameters. */
	int (*solve)(const void *self, void *scratch, const struct lacuna_system *, const float *b,
		     float *x);
	/* [any thread] optional, linear: y = A x + b, b y-shaped (dark current, a background).  The host takes b from a
	 * measurement, and adds it to a simulated one; all else, apply() too, is about A alone.  b counts as read_image()
	 * does: a part of full scale for files of integers, the file's own values for floats. */
	int (*offset)(const void *self, float *b);
	lacuna_extension *extension; /* optional */
};

/* ---- priors: x0 = E[x0 | x0 + sigma n = u] ---------------------------------------------------------- */

struct lacuna_prior_info {
	uint32_t size;
	int32_t channels; /* taken at once; 0: all of x; fewer: it is called for groups of planes */
	int32_t blind;	  /* ignores sigma */
	double sigma_min, sigma_max; /* where it may be asked */
	int32_t symmetric; /* mirrored, or with x and y exchanged, an image is as probable as before */
	/* Of the numbers that it computes with, as it chose: "f32", "bf16"; constant, for reports; NULL: not said */
	const char *precision;
};

enum {
	/* An instance depends on the shape of x and on the configuration alone: the host may use it for one measurement
	 * after the other.  create() sees a problem without a measurement, and no services of it. */
	LACUNA_LASTING = 1u << 0,
	/* Facts that --method goes by.  The prior was learnt from images: it knows them well, and not quite right */
	LACUNA_TRAINED = 1u << 1,
	/* it is Gaussian: denoise() is affine in u, every posterior is Gaussian, and its mean is its mode */
	LACUNA_GAUSSIAN = 1u << 2
};

/* Required: create, destroy, info, denoise. */
struct lacuna_prior {
	uint32_t size, flags; /* flags: LACUNA_LASTING, LACUNA_TRAINED, LACUNA_GAUSSIAN */
	/* [serial] */
	int (*create)(const struct lacuna_host *, const void *config, const struct lacuna_problem *,
		      void **self);
	/* [serial] accepts NULL */
	void (*destroy)(void *self);
	/* [any thread] size is filled in by the host */
	void (*info)(const void *self, struct lacuna_prior_info *);
	/* [any thread] optional: bytes for one concurrent call */
	size_t (*scratch)(const void *self);
	/* [any thread] */
	int (*denoise)(const void *self, void *scratch, double sigma, const float *u, float *x0);
	/* [any thread] optional: sigma per value, each > 0 */
	int (*denoise_map)(const void *self, void *scratch, const float *sigma, const float *u,
			   float *x0);
	/* [any thread] optional: out = (dD/du)' v */
	int (*vjp)(const void *self, void *scratch, double sigma, const float *u, const float *v,
		   float *out);
	/* [any thread] optional: replaces denoise() in calls made through host->prior->denoise_round() */
	int (*denoise_round)(const void *self, void *scratch, double sigma, const float *u,
			     float *x0);
	lacuna_extension *extension; /* optional */
};

/* ---- guidances: x0 ~ E[x0 | u, y] ------------------------------------------------------------------ */

/* What a guidance or sampler calls, so that a missing part is refused before hours of work. */
enum {
	LACUNA_NEEDS_LINEAR = 1u << 0,	 /* spectral(), solve(), adjoint() without `at' */
	LACUNA_NEEDS_DIAGONAL = 1u << 1, /* diagonal() */
	LACUNA_NEEDS_MAP = 1u << 2,	 /* denoise_map() */
	LACUNA_NEEDS_VJP = 1u << 3,	 /* denoise_vjp() */
	LACUNA_NEEDS_GUIDANCE = 1u << 4	 /* samplers: estimate() */
};

/* Required: create, destroy, estimate. */
struct lacuna_guidance {
	uint32_t size, flags, needs, reserved;
	/* [serial] */
	int (*create)(const struct lacuna_host *, const void *config, const struct lacuna_problem *,
		      void **self);
	/* [serial] accepts NULL */
	void (*destroy)(void *self);
	/* [any thread] optional: bytes for one concurrent call */
	size_t (*scratch)(const void *self);
	/* [one at a time per instance]: it asks the host about the problem */
	int (*estimate)(const void *self, void *scratch, double sigma, const float *u, float *x0);
	/* [one at a time per instance] optional, for what depends on the level s that the step from sigma leads to; 0: the
	 * last */
	int (*estimate_step)(const void *self, void *scratch, double sigma, double s,
			     const float *u, float *x0);
	lacuna_extension *extension; /* optional */
};

/* ---- samplers: the reverse process in time ---------------------------------------------------------- */

/* Required: create, destroy, steps, start, step.  The host runs
 *	start(self, u);  for (k = 0; k < steps(self); k++) step(self, k, u);
 * and u, x-shaped, is then the result: an image, not a noisy state. */
struct lacuna_sampler {
	uint32_t size, flags, needs, reserved;
	/* [serial] */
	int (*create)(const struct lacuna_host *, const void *config, const struct lacuna_problem *,
		      void **self);
	/* [serial] accepts NULL */
	void (*destroy)(void *self);
	/* [any thread] */
	int64_t (*steps)(const void *self);
	/* [one at a time per instance] */
	int (*start)(void *self, float *u);
	/* [one at a time per instance] LACUNA_OK, LACUNA_DONE, < 0 */
	int (*step)(void *self, int64_t k, float *u);
	lacuna_extension *extension; /* optional */
};

/* ---- the entry point ------------------------------------------------------------------------------- */

enum { LACUNA_OPERATOR = 1, LACUNA_PRIOR, LACUNA_GUIDANCE, LACUNA_SAMPLER };

/* Everything is constant.  The host copies min(size) bytes of `family', so that what an older plugin lacks is NULL. */
struct lacuna_plugin {
	uint32_t magic, abi, size, kind;
	const char *name;    /* [a-z][a-z0-9-]*, and the file's name */
	const char *summary; /* one line, no full stop */
	const char *manual;  /* paragraphs: what, when, when not, source (paper, equation) */
	const char *version, *author, *license;
	const struct lacuna_param *params;
	uint32_t param_count, param_size; /* param_size: stride, so that rows can grow too */
	size_t config_size;
	const void *family; /* struct lacuna_operator, _prior, _guidance or _sampler */
};

/* The first members: { LACUNA_PLUGIN_HEAD(LACUNA_OPERATOR), "mask", ... */
#define LACUNA_PLUGIN_HEAD(kind) LACUNA_MAGIC, LACUNA_ABI, sizeof(struct lacuna_plugin), kind
/* The members params .. config_size, for a table `rows' and a structure `T'; without parameters: LACUNA_NO_PARAMS. */
#define LACUNA_PLUGIN_PARAMS(rows, T) \
	rows, sizeof(rows) / sizeof(rows)[0], sizeof(struct lacuna_param), sizeof(T)
#define LACUNA_NO_PARAMS NULL, 0, sizeof(struct lacuna_param), 0

/* [serial] Returns constant data; allocates nothing, never fails. */
LACUNA_EXPORT const struct lacuna_plugin *lacuna_plugin_v1(void);

#ifdef __cplusplus
}
#endif
#endif
