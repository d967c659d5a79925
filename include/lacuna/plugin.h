/* SPDX-License-Identifier: MIT
 * Copyright 2026 The Lacuna authors
 *
 * lacuna/plugin.h -- the whole contract between the host and its plugins, ABI 1.
 *
 * A plugin is one shared object that exports one symbol, lacuna_plugin_v1().  It does not link to the host: everything it
 * may call is in struct lacuna_host.  plugins/operators/mask.c is a commented example.
 *
 * Notation:
 *   x, x0    the unknown image                     y      the measurement, y = A x0 + sigma_y n
 *   sigma    noise level of a diffusion state in the variance-exploding scale, u = x0 + sigma n
 *   A, A'    the forward operator, its adjoint     lambda an eigenvalue of A'A, >= 0
 *
 * Arrays are planar float, x fastest: index = x + w*(y + h*(c + C*t)).  Black is 0 and full scale is 1.  Arrays start at a
 * multiple of 64 bytes, except those of a prior that takes groups of planes: these point into a larger array.  An output
 * never overlaps an input.  The callee writes every value of it.
 *
 * Threads.  Every function has a tag.
 *	[any thread]  Several threads may call it at once, with the same instance or table, each with its own scratch.
 *		Functions of the host with this tag may be called from inside parallel().
 *	[serial]  Functions of the host: call them only from the thread that called the plugin, one at a time.  Functions of
 *		plugins: only one runs at a time, across all plugins.  FFTW may plan there (no lock) and only there.
 *	[one at a time per instance]  Never two calls at once with the same self; calls with different self may overlap.
 * A plugin leaves no thread running when a call returns.
 *
 * Conduct.  A plugin never prints, exits, raises or handles signals, or changes locale, directory or the
 * floating-point environment.  Its result depends on its arguments only, not on the number of threads.
 *
 * Growth.  Within one MAJOR, structures grow at their ends only, and MINOR rises.  Zero in a new member means "not there".
 * Each structure that one side fills in for the other holds its size as compiled; for rows of parameters this is param_size.
 *	A host with an older plugin copies as many bytes as the plugin has.  The rest is zero.
 *	A host with a plugin compiled with a newer header copies the bytes it knows and ignores the rest.  It refuses the
 *	plugin if flags or needs have unknown bits, or if the plugin's LACUNA_ABI_MINOR is higher than its own.  A plugin
 *	that cannot work without something newer than 1.0 defines LACUNA_ABI_MINOR before it includes this header.
 *	A plugin that can work without it asks: LACUNA_HAS() for a member, host->extension() for an extension.
 * The tables of extensions never grow: a new version gets a new number.
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
	LACUNA_ENOMEM = -2,	  /* out of memory, or over the user's limit */
	LACUNA_EUNSUPPORTED = -3, /* this combination of plugins cannot do that */
	LACUNA_ENUMERIC = -4,	  /* NaN, overflow, divergence */
	LACUNA_EIO = -5,	  /* an error of the file system */
	LACUNA_ECANCELLED = -6,	  /* cancelled() was true */
	LACUNA_EINTERNAL = -7	  /* a bug in the host or the plugin */
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

/* Numbers separated by blanks, each written as a LACUNA_REAL; semicolons separate rows: "1 0; 0 1".  All rows have one
 * length: the host refuses others.  It owns the values, as it owns texts. */
struct lacuna_list {
	const double *values; /* NULL when there are none */
	int64_t count;
	int64_t columns; /* numbers in each row; 0: there are none */
};

enum {
	LACUNA_REQUIRED = 1u << 0, /* TEXT, PATH, LIST: no default */
	LACUNA_ADVANCED = 1u << 1, /* help shows it last */
	/* PATH, operators only.  Page k of this file belongs to page k of the picture: read_image() reads only that page,
	 * but extent[3] is the number of pages in the file. */
	LACUNA_PAGED = 1u << 2,
	/* PATH, operators only.  Its pixels have the size of those of x.  The host checks this if both files state it. */
	LACUNA_SAMPLED = 1u << 3,
	/* TEXT, operators only.  A number in units of the file: pixels of the measurement with this value are missing. */
	LACUNA_ABSENT = 1u << 4
};

/* One row describes one parameter: a field of the same name in the plugin's configuration structure.  Parsing, range
 * check, help, completion and manual page all use this row and nothing else.  Write it with the macros below: they do
 * not compile with a field of the wrong C type. */
struct lacuna_param {
	const char *name;
	const char *unit; /* "px", or NULL */
	const char *help; /* one line, no full stop */
	int32_t type;
	uint32_t flags;
	/* CHOICE: dflt is an index; LIST: lo and hi hold for each number; TEXT, PATH: unused */
	double lo, hi, dflt;
	/* TEXT, PATH and LIST: the default, or NULL.  Others: NULL, or the condition under which the user may give this
	 * parameter: "kind=disk", or "psf=" if psf must be left out. */
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

/* Iteration i of host->parallel().  Returns LACUNA_OK, or a negative status after fail().  [any thread] */
typedef int lacuna_body(void *arg, size_t i, void *scratch);

struct lacuna_prior_info;
struct lacuna_host;

/* True if a table of the host, or another structure with a member `size', has this member.  Members that are newer than the
 * plugin's LACUNA_ABI_MINOR may be missing. */
#define LACUNA_HAS(table, member) \
	((const char *)(&(table)->member + 1) <= (const char *)(table) + (table)->size)

/* The problem at hand.  x-shaped: x, at, b, d; y-shaped: y. */
struct lacuna_host_problem {
	uint32_t size, reserved;
	/* [serial] y = A x */
	int (*apply)(const struct lacuna_host *, const float *x, float *y);
	/* [serial] x = A' y, or J(at)' y for an operator that is not linear */
	int (*adjoint)(const struct lacuna_host *, const float *at, const float *y, float *x);
	/* [serial] x = gain(A'A) b in closed form if the operator has one, else by Lanczos iterations: to 0.1 % if the gain
	 * is smooth, with a warning if it jumps. */
	int (*spectral)(const struct lacuna_host *, lacuna_gain *, const void *context,
			const float *b, float *x);
	/* [serial] Solves (A'A + rho I) x = b, rho > 0, in closed form or by conjugate gradients, which start from x. */
	int (*solve)(const struct lacuna_host *, double rho, const float *b, float *x);
	/* [serial] A'A = diag(d) in pixels, or LACUNA_EUNSUPPORTED. */
	int (*diagonal)(const struct lacuna_host *, float *d);
};

/* The prior: x0 = E[x0 | x0 + sigma n = u].  The host clamps sigma to the prior's range.  x-shaped: u, x0, v, out, and
 * sigma in denoise_map(). */
struct lacuna_host_prior {
	uint32_t size, reserved;
	/* [any thread] Fills in *info, up to info->size bytes.  The caller sets info->size to sizeof *info first; an older
	 * host sets it to the bytes that it fills in. */
	int (*info)(const struct lacuna_host *, struct lacuna_prior_info *);
	/* [serial] */
	int (*denoise)(const struct lacuna_host *, double sigma, const float *u, float *x0);
	/* [serial] a sigma for each value */
	int (*denoise_map)(const struct lacuna_host *, const float *sigma, const float *u,
			   float *x0);
	/* [serial] out = (dD/du)' v */
	int (*denoise_vjp)(const struct lacuna_host *, double sigma, const float *u, const float *v,
			   float *out);
	/* [serial] out = (dD/du) v.  Calls the prior's jvp() if it has one, else takes the central difference of two
	 * denoise(), whose step moves the pixel where v is largest by a tenth of sigma.  The derivative of the exact E[x0 |
	 * u] is symmetric, that of a network only nearly. */
	int (*denoise_jvp)(const struct lacuna_host *, double sigma, const float *u, const float *v,
			   float *out);
	/* [serial] For methods that denoise their own results again, such as plug-and-play iterations and short Gibbs
	 * chains.  Their u has errors beside white noise of level sigma: what the operator lets through, and mistakes of the
	 * prior.  Calls the prior's denoise_round() if it has one, else denoise().  If the prior is symmetric, the host
	 * turns the image in another way in each round = 0, 1, ..., and turns the result back, so that the prior's mistakes
	 * do not add up (Zhang et al. 2021, DPIR, section 4.2).  There are eight ways for a square image and four (mirrors)
	 * for others; round 0 leaves the image as it is. */
	int (*denoise_round)(const struct lacuna_host *, uint32_t round, double sigma,
			     const float *u, float *x0);
};

/* The guidance: x0 ~ E[x0 | u, y], u and x0 x-shaped. */
struct lacuna_host_guidance {
	uint32_t size, reserved;
	/* [serial] */
	int (*estimate)(const struct lacuna_host *, double sigma, const float *u, float *x0);
	/* [serial] The same for a step from level sigma to level s (0: the last step).  Some guidances depend on s. */
	int (*estimate_step)(const struct lacuna_host *, double sigma, double s, const float *u,
			     float *x0);
};

/* Valid from before create() until destroy() returns.  Every function takes this table as first argument, those of the
 * three smaller tables too.  Functions that return int return LACUNA_OK or a negative status.  They have kept the message
 * already: the plugin only returns the status.  The head of this file explains the thread tags. */
struct lacuna_host {
	uint32_t size, abi;
	void *data; /* the host's own */
	/* The host's version, such as "1.0.2": for messages and records, not for decisions. */
	const char *version;

	/* ---- for every plugin ---- */

	/* [any thread] */
	void (*log)(const struct lacuna_host *, int level, const char *fmt, ...)
		LACUNA_PRINTF(3, 4);
	/* [any thread] Keeps the message of this failure and returns status:
	 * return host->fail(host, LACUNA_EINVAL, ...); */
	int (*fail)(const struct lacuna_host *, int status, const char *fmt, ...)
		LACUNA_PRINTF(3, 4);
	/* [any thread] log() and fail() for languages without C's variable arguments: `text' is no format. */
	void (*log_text)(const struct lacuna_host *, int level, const char *text);
	/* [any thread] */
	int (*fail_text)(const struct lacuna_host *, int status, const char *text);

	/* [any thread] Zeroed memory, 64-byte aligned.  NULL if there is not enough; the message is kept then, so return
	 * LACUNA_ENOMEM. */
	void *(*alloc)(const struct lacuna_host *, size_t bytes);
	/* [any thread] accepts NULL */
	void (*release)(const struct lacuna_host *, void *);

	/* [any thread] Runs body(arg, i, memory) once for each i = 0..n-1, in any order on any thread, and returns when all
	 * are done.  A nested call runs serially.  memory: `scratch' bytes of the worker's own, 64-byte aligned, NULL for 0
	 * bytes; it holds what the worker's previous body left there.  Returns LACUNA_OK, LACUNA_ENOMEM, or the status of
	 * the smallest i that failed, with its message, whatever the number of threads.  After a failure, bodies of larger
	 * i may not have run. */
	int (*parallel)(const struct lacuna_host *, size_t n, size_t scratch, lacuna_body *body,
			void *arg);

	/* [any thread] n standard normal numbers, which depend on (seed, image, sample; stream, position) only: out[i] is
	 * number position + i of the stream.  Samplers use the number of the step as stream. */
	void (*gaussian)(const struct lacuna_host *, uint64_t stream, uint64_t position, float *out,
			 size_t n);
	/* [any thread] A number in [0, 1) that depends on key and position only.  For what must be the same for all
	 * samples: random masks, sensing matrices. */
	double (*random)(const struct lacuna_host *, uint64_t key, uint64_t position);

	/* [any thread] True once the user wants to stop: return LACUNA_ECANCELLED soon. */
	int (*cancelled)(const struct lacuna_host *);

	/* [any thread] Reads a TIFF (integers scaled by their full scale to 0..1, floats as they are) or a text file with a
	 * matrix (one row a line; '#' starts a comment).  The caller releases *values with release(). */
	int (*read_image)(const struct lacuna_host *, const char *path, struct lacuna_shape *,
			  float **values);
	/* [any thread] The path of a file that ships with Lacuna, such as "priors/NAME". */
	int (*data_path)(const struct lacuna_host *, const char *name, char *path, size_t size);

	/* [any thread] The extension of this name and number, "lacuna.NAME/1": a table of functions that the header
	 * lacuna/NAME.h declares.  NULL if this host does not have it, or not for this family.  Valid as long as the host
	 * is.  Extensions are for what only few plugins need. */
	const void *(*extension)(const struct lacuna_host *, const char *name);

	/* ---- for some families; NULL for the others ---- */

	/* for guidances, samplers, and priors without LACUNA_LASTING: such a prior may use it in create(), if the problem
	 * has a measurement, and in conditional() */
	const struct lacuna_host_problem *problem;
	/* for guidances and samplers */
	const struct lacuna_host_prior *prior;
	/* for samplers; NULL if the user named no guidance, see LACUNA_NEEDS_GUIDANCE */
	const struct lacuna_host_guidance *guidance;
};

/* The counterpart of host->extension(): returns the plugin's extension of this name and number, a constant table of
 * functions, or NULL.  [any thread] */
typedef const void *lacuna_extension(const char *name);

/* ---- the measurement ------------------------------------------------------------------------------- */

/* What create() gets stays valid and unchanged until destroy() returns. */
struct lacuna_problem {
	uint32_t size,
		flags; /* of the operator, LACUNA_LINEAR, LACUNA_PIXELWISE, LACUNA_PICTURE, ...; LACUNA_CLOSED,
			* LACUNA_DERIVATIVE, LACUNA_TANGENT */
	struct lacuna_shape x, y;
	const float *measurement; /* y-shaped; NULL when there is none */
	const float *start;	  /* x-shaped start image, or NULL */
	double noise;		  /* sigma_y, standard deviation in the units of y */
};

/* ---- operators: y = A(x) --------------------------------------------------------------------------- */

enum {
	LACUNA_LINEAR = 1u << 0,    /* A(ax + bz) = aA(x) + bA(z); adjoint() ignores `at' */
	LACUNA_PIXELWISE = 1u << 1, /* each value of y depends on one value of x, or on none */
	/* flag of a problem: host->problem->spectral() is in closed form, with any gain */
	LACUNA_CLOSED = 1u << 2,
	/* y has the grey scale of x, as a blurred or masked picture has: black is black in both.  The host then estimates
	 * black, white and the noise from y.  Without this flag (a spectrum, sums along lines, coefficients) it takes the
	 * numbers of y as they are: x is 0..1 unless --range says otherwise, the result is in the units of x, and the user
	 * must state the noise.  The flag is not the default because forgetting it is harmless: the user gets a message.
	 * If it were the default, a forgotten exception would give a wrong scale that nobody notices. */
	LACUNA_PICTURE = 1u << 3,
	/* the frames of y are the pages of a file; all pages are one measurement */
	LACUNA_FRAMES = 1u << 4,
	/* the channels of y are pairs of real and imaginary part; a file holds them as complex numbers */
	LACUNA_COMPLEX = 1u << 5,
	/* for the choice of --method: y lacks a part of the picture (pixels or resolution) */
	LACUNA_PARTIAL = 1u << 6,
	/* for the choice of --method: y lacks all colour */
	LACUNA_COLORLESS = 1u << 7,
	/* A is an orthogonal projection, A A = A = A', and the part of a measurement that it removes, such as unknown
	 * offsets of rows, tells nothing about x.  The host replaces y by A y first.  Such an operator must come last, and
	 * y must be complete. */
	LACUNA_PROJECTION = 1u << 8,
	/* flag of a problem, for create() of a prior: vjp() will be called.  Without it the prior need not prepare for
	 * vjp(). */
	LACUNA_DERIVATIVE = 1u << 16,
	LACUNA_TANGENT = 1u << 17 /* the same for jvp() */
};

/* (A' diag(weights) A + rho) x = b */
struct lacuna_system {
	uint32_t size;
	int32_t iterations;   /* maximum */
	const float *weights; /* y-shaped, >= 0, 0 where nothing is measured; NULL: 1 */
	double rho;	      /* > 0 */
	double tolerance;     /* stop when |b - (A' diag(weights) A + rho) x| <= tolerance |b| */
};

/* Required: shape, create, destroy, apply, adjoint.  If create() of any family fails, it releases all it allocated and
 * leaves *self as it was; destroy() is not called.  spectral() and diagonal() return LACUNA_EUNSUPPORTED, without a
 * message, if the configuration has no such form; the host then iterates instead. */
struct lacuna_operator {
	uint32_t size, flags;
	/* [serial] Called before create().  Computes the shape of y from that of x or, if from_y != 0, of x from that of y.
	 * On entry *wanted holds the shape that the user wants (--size, or the picture of --start or --reference), 0 where
	 * unknown.  Use it for what `known' does not determine, such as the size of the picture of a sinogram. */
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
	/* [any thread] optional: which region of x shows the scene of the region `in_y' of y.  Without this function it is
	 * the same region, and all of x along axes where x and y differ in size.  The host crops a result to the window of
	 * all of y. */
	int (*window)(const void *self, const struct lacuna_region *in_y,
		      struct lacuna_region *in_x);
	/* [any thread] optional, linear: a cheap symmetric approximation of gain(A'A) b, positive for a positive gain.  The
	 * host preconditions conjugate gradients with it if there is no closed form. */
	int (*approximate)(const void *self, void *scratch, lacuna_gain *, const void *context,
			   const float *b, float *x);
	/* [any thread] optional, linear: solves the system to its tolerance, starting from x.  For operators that are
	 * faster than the host's conjugate gradients, which use apply(), adjoint() and approximate().  LACUNA_EUNSUPPORTED
	 * if it cannot with these parameters. */
	int (*solve)(const void *self, void *scratch, const struct lacuna_system *, const float *b,
		     float *x);
	/* [any thread] optional, linear: the y-shaped b of y = A x + b (dark current, a background).  The host subtracts b
	 * from a measurement and adds it to a simulated one.  All other functions, apply() too, leave b out.  b has the
	 * units of read_image(): a part of full scale for files of integers, the file's own values for floats. */
	int (*offset)(const void *self, float *b);
	lacuna_extension *extension; /* optional */
};

/* ---- priors: x0 = E[x0 | x0 + sigma n = u] ---------------------------------------------------------- */

struct lacuna_prior_info {
	uint32_t size;
	int32_t channels; /* number it takes at once; 0: all of x; fewer: called for groups of planes */
	int32_t blind;		     /* ignores sigma */
	double sigma_min, sigma_max; /* range of sigma that it accepts */
	int32_t symmetric; /* an image is as probable after mirroring it or exchanging x and y */
	/* precision of its arithmetic, "f32" or "bf16", for reports; a constant text, or NULL */
	const char *precision;
	int32_t rounds; /* denoise_round() was trained on images between the rounds of a method */
	int32_t reserved;
};

enum {
	/* An instance depends on the shape of x and the configuration only, so the host may reuse it for other
	 * measurements.  create() gets a problem without a measurement, and host->problem is NULL. */
	LACUNA_LASTING = 1u << 0,
	/* for the choice of --method: the prior was learnt from images, so it is good but has errors */
	LACUNA_TRAINED = 1u << 1,
	/* for the choice of --method: denoise() is affine in u, every posterior is Gaussian, and its mean is its mode */
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
	/* [any thread] the host fills in size */
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
	/* [any thread] optional: out = (dD/du) v, exactly (forward mode).  Without it the host takes differences. */
	int (*jvp)(const void *self, void *scratch, double sigma, const float *u, const float *v,
		   float *out);
	/* [any thread] optional: replaces denoise() in calls made through host->prior->denoise_round() */
	int (*denoise_round)(const void *self, void *scratch, double sigma, const float *u,
			     float *x0);
	lacuna_extension *extension; /* optional */
};

/* ---- guidances: x0 ~ E[x0 | u, y] ------------------------------------------------------------------ */

/* What a guidance or sampler calls: the host refuses a combination that lacks it before the run. */
enum {
	LACUNA_NEEDS_LINEAR = 1u << 0,	 /* spectral(), solve(), adjoint() without `at' */
	LACUNA_NEEDS_DIAGONAL = 1u << 1, /* diagonal() */
	LACUNA_NEEDS_MAP = 1u << 2,	 /* denoise_map() */
	LACUNA_NEEDS_VJP = 1u << 3,	 /* denoise_vjp() */
	LACUNA_NEEDS_GUIDANCE = 1u << 4, /* samplers: estimate() */
	LACUNA_NEEDS_JVP = 1u << 5	 /* denoise_jvp(); every prior has it */
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
	/* [one at a time per instance], because it calls host->problem */
	int (*estimate)(const void *self, void *scratch, double sigma, const float *u, float *x0);
	/* [one at a time per instance] optional: the estimate for a step from level sigma to level s (0: the last step) */
	int (*estimate_step)(const void *self, void *scratch, double sigma, double s,
			     const float *u, float *x0);
	lacuna_extension *extension; /* optional */
};

/* ---- samplers: the reverse process in time ---------------------------------------------------------- */

/* Required: create, destroy, steps, start, step.  The host runs
 *	start(self, u);  for (k = 0; k < steps(self); k++) step(self, k, u);
 * Then u, x-shaped, is the result: an image, not a noisy state. */
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

/* Everything is constant.  The host copies the smaller of both sizes of `family': what an older plugin lacks is NULL. */
struct lacuna_plugin {
	uint32_t magic, abi, size, kind;
	const char *name;    /* [a-z][a-z0-9-]*, same as the file's name */
	const char *summary; /* one line, no full stop */
	const char *manual;  /* paragraphs: what, when, when not, source (paper, equation) */
	const char *version, *author, *license;
	const struct lacuna_param *params;
	uint32_t param_count, param_size; /* param_size: size of a row, so that rows can grow */
	size_t config_size;
	const void *family; /* struct lacuna_operator, _prior, _guidance or _sampler */
};

/* The first members: { LACUNA_PLUGIN_HEAD(LACUNA_OPERATOR), "mask", ... */
#define LACUNA_PLUGIN_HEAD(kind) LACUNA_MAGIC, LACUNA_ABI, sizeof(struct lacuna_plugin), kind
/* The members params to config_size for the table `rows' and the structure `T'; without parameters LACUNA_NO_PARAMS. */
#define LACUNA_PLUGIN_PARAMS(rows, T) \
	rows, sizeof(rows) / sizeof(rows)[0], sizeof(struct lacuna_param), sizeof(T)
#define LACUNA_NO_PARAMS NULL, 0, sizeof(struct lacuna_param), 0

/* [serial] Returns constant data; allocates nothing, never fails. */
LACUNA_EXPORT const struct lacuna_plugin *lacuna_plugin_v1(void);

#ifdef __cplusplus
}
#endif
#endif
