/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Convolution kernels: see kernel.h. A sensor's pixel collects light over its area, so a value is the integral of the
 * formula over the pixel's square, not a sample at its centre. This also keeps narrow kernels right. */
#include "common/kernel.h"
#include "common/points.h"

#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

enum { LARGEST = 4097 }; /* side of a kernel, px */

static int kernel_create(const struct lacuna_host *host, int64_t width, int64_t height,
			 struct kernel *k)
{
	memset(k, 0, sizeof *k);
	if (width > LARGEST || height > LARGEST)
		return host->fail(
			host, LACUNA_EINVAL,
			"a kernel of %lldx%lld px is too large (at most %dx%d); reduce its width",
			(long long)width, (long long)height, LARGEST, LARGEST);
	k->host = host;
	k->width = (int)width;
	k->height = (int)height;
	k->centre_x = k->width / 2;
	k->centre_y = k->height / 2;
	k->values = host->alloc(host, (size_t)width * (size_t)height * sizeof *k->values);
	return k->values ? LACUNA_OK : LACUNA_ENOMEM;
}

void kernel_release(struct kernel *k)
{
	if (k->values)
		k->host->release(k->host, k->values);
	k->values = NULL;
}

int kernel_normalize(struct kernel *k, const char *name)
{
	size_t n = (size_t)k->width * (size_t)k->height;
	double sum = 0, size = 0;

	for (size_t i = 0; i < n; i++) {
		sum += k->values[i];
		size += fabs(k->values[i]);
	}
	if (!(fabs(sum) > 1e-6 * size))
		return k->host->fail(
			k->host, LACUNA_EINVAL,
			"%s: the sum of the kernel is zero; use normalize=no to keep its values",
			name);
	for (size_t i = 0; i < n; i++)
		k->values[i] /= sum;
	return LACUNA_OK;
}

/* Makes a kernel from one page of a file. */
static int kernel_take(const struct lacuna_host *host, const char *path,
		       const struct lacuna_shape *s, const float *values, struct kernel *k)
{
	const size_t n = (size_t)(s->extent[0] * s->extent[1]);
	int status = kernel_create(host, s->extent[0], s->extent[1], k);

	for (size_t i = 0; !status && i < n; i++) {
		k->values[i] = values[i];
		if (!isfinite(values[i]))
			status = host->fail(host, LACUNA_EINVAL,
					    "%s: the kernel holds NaN or infinite values; "
					    "write finite numbers",
					    path);
	}
	if (status)
		kernel_release(k);
	return status;
}

static int read_gray(const struct lacuna_host *host, const char *path, struct lacuna_shape *s,
		     float **values)
{
	const int status = host->read_image(host, path, s, values);

	if (status || s->extent[2] == 1)
		return status;
	host->release(host, *values);
	return host->fail(host, LACUNA_EINVAL,
			  "%s: the kernel has %lld channels; give a gray image or a text matrix",
			  path, (long long)s->extent[2]);
}

int kernel_read(const struct lacuna_host *host, const char *path, struct kernel *k)
{
	struct lacuna_shape s;
	float *values = NULL;
	int status = read_gray(host, path, &s, &values);

	memset(k, 0, sizeof *k);
	if (status)
		return status;
	if (s.extent[3] != 1)
		status = host->fail(host, LACUNA_EINVAL,
				    "%s: the kernel has %lld pages, but pictures are restored page "
				    "by page; save the page that is in focus as a file of its own",
				    path, (long long)s.extent[3]);
	else
		status = kernel_take(host, path, &s, values, k);
	host->release(host, values);
	return status;
}

int kernel_read_pages(const struct lacuna_host *host, const char *path, struct kernel **kernels,
		      int64_t *count)
{
	struct lacuna_shape s;
	float *values = NULL;
	int status = read_gray(host, path, &s, &values);

	*kernels = NULL;
	*count = 0;
	if (status)
		return status;
	*kernels = host->alloc(host, (size_t)s.extent[3] * sizeof **kernels);
	if (!*kernels)
		status = LACUNA_ENOMEM;
	for (; !status && *count < s.extent[3]; ++*count)
		status = kernel_take(host, path, &s, values + *count * s.extent[0] * s.extent[1],
				     *kernels + *count);
	host->release(host, values);
	if (status)
		kernel_release_pages(host, kernels, *count);
	return status;
}

void kernel_release_pages(const struct lacuna_host *host, struct kernel **kernels, int64_t count)
{
	for (int64_t i = 0; *kernels && i < count; i++)
		kernel_release(*kernels + i);
	host->release(host, *kernels);
	*kernels = NULL;
}

static double lanczos(double factor, double d);

/* ---- measured kernels -------------------------------------------------------------------------------- */

const char *const kernel_backgrounds[] = { "auto", "rim", "keep", NULL };
const char *const kernel_centres[] = { "auto", "middle", "centroid", "peak", NULL };

static int by_value(const void *a, const void *b)
{
	const double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median(double *values, size_t n)
{
	qsort(values, n, sizeof *values, by_value);
	return values[n / 2];
}

struct rim {
	double level, sigma; /* median, and standard deviation from the median distance to it */
};

static int measure_rim(const struct kernel *k, struct rim *rim)
{
	const size_t n = 2 * ((size_t)k->width + (size_t)k->height) - 4;
	double *values = k->host->alloc(k->host, n * sizeof *values);
	size_t count = 0;

	if (!values)
		return LACUNA_ENOMEM;
	for (int j = 0; j < k->height; j++)
		for (int i = 0; i < k->width; i++)
			if (i == 0 || j == 0 || i == k->width - 1 || j == k->height - 1)
				values[count++] =
					k->values[(size_t)j * (size_t)k->width + (size_t)i];
	rim->level = median(values, count);
	for (size_t i = 0; i < count; i++)
		values[i] = fabs(values[i] - rim->level);
	rim->sigma = 1.4826 * median(values, count);
	k->host->release(k->host, values);
	return LACUNA_OK;
}

static double largest(const struct kernel *k)
{
	const size_t n = (size_t)k->width * (size_t)k->height;
	double most = k->values[0];

	for (size_t i = 1; i < n; i++)
		most = fmax(most, k->values[i]);
	return most;
}

static int remove_points(struct kernel *k, const char *name, const struct rim *rim, int tell)
{
	int count, x = 0, y = 0;
	const int status = points_remove(k, rim->level, rim->sigma, &count, &x, &y);

	if (!status && count && tell)
		k->host->log(k->host, LACUNA_LOG_WARN,
			     "%s: %d lone point%s, such as %s, %s removed from the kernel (column "
			     "%d, row %d%s), because the rest is not as sharp; background=keep "
			     "keeps %s",
			     name, count, count == 1 ? "" : "s",
			     count == 1 ? "a hot pixel" : "hot pixels", count == 1 ? "was" : "were",
			     x, y, count == 1 ? "" : " is the first", count == 1 ? "it" : "them");
	return status;
}

static int subtract_rim(struct kernel *k, const char *name, enum kernel_background background,
			int tell)
{
	enum { LEAST_SIDE = 7 }; /* a smaller kernel has no interior to speak of */
	const size_t n = (size_t)k->width * (size_t)k->height;
	struct rim rim;
	int status, level_found, flat;
	double sum = 0, peak;

	if (background == KERNEL_BACKGROUND_KEEP || k->width < LEAST_SIDE || k->height < LEAST_SIDE)
		return LACUNA_OK;
	status = measure_rim(k, &rim);
	if (!status)
		status = remove_points(k, name, &rim, tell);
	if (status)
		return status;
	peak = largest(k);
	level_found = fabs(rim.level) > 0.005 * (peak - rim.level) && peak > rim.level;
	flat = rim.sigma < 0.2 * fabs(rim.level) && peak - rim.level > fabs(rim.level);
	if (background == KERNEL_BACKGROUND_AUTO && level_found && !flat && tell)
		k->host->log(k->host, LACUNA_LOG_WARN,
			     "%s: the rim of the kernel is %.2g of its peak: the kernel may be cut "
			     "off; background=rim subtracts the rim, background=keep keeps it",
			     name, rim.level / peak);
	/* A faint background counts if there is much of it. */
	for (size_t i = 0; i < n; i++)
		sum += k->values[i];
	if (flat && fabs(rim.level) * (double)n > 0.02 * fabs(sum))
		level_found = 1;
	if (background == KERNEL_BACKGROUND_AUTO && !(level_found && flat))
		return LACUNA_OK;
	for (size_t i = 0; i < n; i++) {
		k->values[i] -= rim.level;
		if (k->values[i] < 3 * rim.sigma)
			k->values[i] = 0;
	}
	if (tell)
		k->host->log(k->host, LACUNA_LOG_INFO,
			     "%s: a background of %.4g of the peak was subtracted; background=keep "
			     "keeps it",
			     name, rim.level / peak);
	return LACUNA_OK;
}

/* Centroid of the positive values, in pixels from the first. */
static void centroid(const struct kernel *k, double *x, double *y)
{
	double sum = 0;

	*x = *y = 0;
	for (int j = 0; j < k->height; j++)
		for (int i = 0; i < k->width; i++) {
			const double v =
				fmax(k->values[(size_t)j * (size_t)k->width + (size_t)i], 0);

			sum += v;
			*x += v * i;
			*y += v * j;
		}
	*x = sum > 0 ? *x / sum : k->width / 2;
	*y = sum > 0 ? *y / sum : k->height / 2;
}

/* Correlation of the kernel with itself turned by 180 degrees about a point. */
static double symmetry(const struct kernel *k, double x, double y)
{
	const int twice_x = (int)floor(2 * x + 0.5), twice_y = (int)floor(2 * y + 0.5);
	double both = 0, self = 0;

	for (int j = 0; j < k->height; j++)
		for (int i = 0; i < k->width; i++) {
			const int a = twice_x - i, b = twice_y - j;
			const double v = k->values[(size_t)j * (size_t)k->width + (size_t)i];

			self += v * v;
			if (a >= 0 && b >= 0 && a < k->width && b < k->height)
				both += v * k->values[(size_t)b * (size_t)k->width + (size_t)a];
		}
	return self > 0 ? both / self : 0;
}

static void find_peak(const struct kernel *k, double *x, double *y)
{
	const size_t n = (size_t)k->width * (size_t)k->height;
	size_t peak = 0;

	for (size_t i = 1; i < n; i++)
		peak = k->values[i] > k->values[peak] ? i : peak;
	*x = (double)(peak % (size_t)k->width);
	*y = (double)(peak / (size_t)k->width);
}

static void move_centre(struct kernel *k, const char *name, enum kernel_centre centre, int tell)
{
	const double alike = 0.9;
	const int old_x = k->centre_x, old_y = k->centre_y;
	double x, y;

	if (centre == KERNEL_MIDDLE)
		return;
	centroid(k, &x, &y);
	if (centre == KERNEL_PEAK)
		find_peak(k, &x, &y);
	else if (centre == KERNEL_CENTRE_AUTO && symmetry(k, x, y) < alike)
		return;
	/* Between two pixels the old centre stays. */
	if (centre != KERNEL_CENTRE_AUTO || fabs(x - old_x) > 0.55)
		k->centre_x = (int)fmin(fmax(floor(x + 0.5), 0), k->width - 1);
	if (centre != KERNEL_CENTRE_AUTO || fabs(y - old_y) > 0.55)
		k->centre_y = (int)fmin(fmax(floor(y + 0.5), 0), k->height - 1);
	k->beside_x = x - k->centre_x;
	k->beside_y = y - k->centre_y;
	if (tell && (k->centre_x != old_x || k->centre_y != old_y))
		k->host->log(k->host, LACUNA_LOG_INFO,
			     "%s: the kernel is centred at column %d, row %d; "
			     "centre=middle uses its middle instead",
			     name, k->centre_x, k->centre_y);
}

/* Lanczos interpolation in one dimension: to[i] is from at i + beside - MARGIN.  The sum stays. */
enum { MARGIN = 3 };
static void interpolate(const double *from, int n, int step, double beside, double *to)
{
	double weight[2 * MARGIN + 1], sum = 0;

	for (int i = 0; i <= 2 * MARGIN; i++)
		sum += weight[i] = lanczos(1, i - MARGIN + beside);
	for (int j = 0; j < n; j++)
		for (int i = 0; i <= 2 * MARGIN; i++)
			to[(ptrdiff_t)(j + i) * step] +=
				from[(ptrdiff_t)j * step] * weight[i] / sum;
}

/* The values moved by a part of a pixel, in x or in y. */
static int move_values(struct kernel *k, int along_y, double beside)
{
	struct kernel new;
	int status = kernel_create(k->host, k->width + (along_y ? 0 : 2 * MARGIN),
				   k->height + (along_y ? 2 * MARGIN : 0), &new);

	if (status)
		return status;
	for (int line = 0; line < (along_y ? k->width : k->height); line++)
		interpolate(k->values + (along_y ? line : line * k->width),
			    along_y ? k->height : k->width, along_y ? k->width : 1, beside,
			    new.values + (along_y ? line : line * new.width));
	new.centre_x = k->centre_x + (along_y ? 0 : MARGIN);
	new.centre_y = k->centre_y + (along_y ? MARGIN : 0);
	new.beside_x = k->beside_x;
	new.beside_y = k->beside_y;
	kernel_release(k);
	*k = new;
	return LACUNA_OK;
}

/* True when interpolation along the axis is accurate: the spectrum is small near half the sampling frequency.  A box of 2x2
 * pixels with sharp sides is not smooth, and the result would be 2 dB worse. */
static int is_smooth(const struct kernel *k, int along_y)
{
	const double frequency = 0.8 * acos(-1), small = 0.15;
	double real = 0, imaginary = 0, sum = 0;

	for (int j = 0; j < k->height; j++)
		for (int i = 0; i < k->width; i++) {
			const double v = k->values[(size_t)j * (size_t)k->width + (size_t)i];
			const double angle = frequency * (along_y ? j : i);

			real += v * cos(angle);
			imaginary += v * sin(angle);
			sum += v;
		}
	return hypot(real, imaginary) < small * fabs(sum);
}

int kernel_settle(struct kernel *k, const char *name, int tell)
{
	/* A middle is hardly known better. */
	static const double least = 0.1;
	const int beside_x = fabs(k->beside_x) > least, beside_y = fabs(k->beside_y) > least;
	const int move_x = beside_x && is_smooth(k, 0), move_y = beside_y && is_smooth(k, 1);
	int status = LACUNA_OK;

	if (tell && (move_x < beside_x || move_y < beside_y))
		k->host->log(
			k->host, LACUNA_LOG_INFO,
			"%s: the middle of the kernel lies between pixels, at column %.2f, row "
			"%.2f; it is too sharp to be interpolated there, so the result may be "
			"shifted by half a pixel",
			name, k->centre_x + k->beside_x, k->centre_y + k->beside_y);
	else if (tell && (move_x || move_y))
		k->host->log(
			k->host, LACUNA_LOG_INFO,
			"%s: the middle of the kernel lies between pixels, at column %.2f, row "
			"%.2f; it is interpolated there, so that the result is not shifted; "
			"centre=middle uses column %d, row %d",
			name, k->centre_x + k->beside_x, k->centre_y + k->beside_y, k->width / 2,
			k->height / 2);
	if (move_x)
		status = move_values(k, 0, k->beside_x);
	if (!status && move_y)
		status = move_values(k, 1, k->beside_y);
	if (!status)
		k->beside_x = k->beside_y = 0;
	return status;
}

int kernel_clean(struct kernel *k, const char *name, enum kernel_background background,
		 enum kernel_centre centre, int tell)
{
	const int status = subtract_rim(k, name, background, tell);

	if (!status)
		move_centre(k, name, centre, tell);
	return status;
}

/* ---- formulas -------------------------------------------------------------------------------------- */

/* Length of [-half, half] within the pixel [d - 1/2, d + 1/2]. */
static double overlap(double half, double d)
{
	double lo = fmax(-half, d - 0.5), hi = fmin(half, d + 0.5);

	return fmax(hi - lo, 0);
}

/* The product of f(px, .) along x and f(py, .) along y at the distances from the kernel's centre, which are integers for
 * an odd size and half-integers for an even one. */
static int separable(const struct lacuna_host *host, int64_t width, int64_t height,
		     double (*f)(double, double), double px, double py, struct kernel *k)
{
	int status = kernel_create(host, width, height, k);

	if (status)
		return status;
	for (int j = 0; j < k->height; j++)
		for (int i = 0; i < k->width; i++)
			k->values[(size_t)j * (size_t)k->width + (size_t)i] =
				f(px, i - (k->width - 1) / 2.0) * f(py, j - (k->height - 1) / 2.0);
	return kernel_normalize(k, "kernel");
}

/* A kernel of width 0: 1 for the one or two pixels [d - 1/2, d + 1/2] that contain 0. */
static double delta_mass(double d)
{
	return fabs(d) <= 0.5;
}

static double normal_mass(double sigma, double d)
{
	double s = sigma * sqrt(2);

	return sigma > 0 ? erf((d + 0.5) / s) - erf((d - 0.5) / s) : delta_mass(d);
}

/* Cut off at 4 sigma; 6e-5 of the mass is beyond. */
int kernel_gaussian(const struct lacuna_host *host, double sigma, struct kernel *k)
{
	int64_t n = 2 * (int64_t)ceil(4 * sigma) + 1;

	return separable(host, n, n, normal_mass, sigma, sigma, k);
}

int kernel_block_gaussian(const struct lacuna_host *host, int factor, double sigma,
			  struct kernel *k)
{
	int64_t n = 2 * (int64_t)ceil(4 * sigma) + (factor % 2 ? 1 : 2);

	return separable(host, n, n, normal_mass, sigma, sigma, k);
}

static double box_mass(double width, double d)
{
	return width > 0 ? overlap(width / 2, d) : delta_mass(d);
}

int kernel_box(const struct lacuna_host *host, double width, double height, struct kernel *k)
{
	int64_t rx = (int64_t)fmax(ceil(width / 2 - 0.5), 0);
	int64_t ry = (int64_t)fmax(ceil(height / 2 - 0.5), 0);

	return separable(host, 2 * rx + 1, 2 * ry + 1, box_mass, width, height, k);
}

/* ---- resampling: f(d / factor), d from the centre of a block ------------------------------------------- */

static double bilinear(double factor, double d)
{
	return fmax(1 - fabs(d) / factor, 0);
}

/* Keys, Cubic convolution interpolation, IEEE Trans. ASSP 29 (1981), with a = -1/2 */
static double bicubic(double factor, double d)
{
	double t = fabs(d) / factor;

	if (t < 1)
		return (1.5 * t - 2.5) * t * t + 1;
	return t < 2 ? ((-0.5 * t + 2.5) * t - 4) * t + 2 : 0;
}

/* sinc(t) sinc(t / 3): Duchon, Lanczos filtering in one and two dimensions, J. Appl. Meteorology 18 (1979) */
static double lanczos(double factor, double d)
{
	double t = fabs(d) / factor * acos(-1);

	if (t >= 3 * acos(-1))
		return 0;
	return t > 1e-9 ? 3 * sin(t) * sin(t / 3) / (t * t) : 1;
}

static const struct {
	double (*f)(double, double);
	int width; /* of the support, in coarse pixels */
} formulas[] = { [KERNEL_BOX] = { box_mass, 1 },
		 [KERNEL_BILINEAR] = { bilinear, 2 },
		 [KERNEL_BICUBIC] = { bicubic, 4 },
		 [KERNEL_LANCZOS] = { lanczos, 6 } };

double (*kernel_resampling_weight(enum kernel_resampling kind))(double factor, double d)
{
	return formulas[kind].f;
}

/* The box reaches 1/2 further, because it includes parts of pixels. */
double kernel_resampling_reach(enum kernel_resampling kind, double factor)
{
	return factor * formulas[kind].width / 2 + (kind == KERNEL_BOX ? 0.5 : 0);
}

double kernel_gaussian_weight(double sigma, double d)
{
	return normal_mass(sigma, d);
}

int kernel_resampling(const struct lacuna_host *host, enum kernel_resampling kind, int factor,
		      struct kernel *k)
{
	int64_t n = (int64_t)factor * formulas[kind].width;

	if ((n - factor) % 2)
		n--; /* the first and last value would be 0 */
	return separable(host, n, n, formulas[kind].f, factor, factor, k);
}

/* ---- other formulas -------------------------------------------------------------------------------- */

/* Sums thin slices of the disk, 256 to a pixel row; the part of a slice in each pixel is exact. */
int kernel_disk(const struct lacuna_host *host, double radius, struct kernel *k)
{
	enum { SLICES = 256 };
	int r = (int)fmax(ceil(radius - 0.5), 0);
	int status = kernel_create(host, 2 * (int64_t)r + 1, 2 * (int64_t)r + 1, k);

	if (status)
		return status;
	for (int j = -r; j <= r; j++)
		for (int s = 0; s < SLICES; s++) {
			double y = j + (s + 0.5) / SLICES - 0.5;
			double half = sqrt(fmax(radius * radius - y * y, 0));

			for (int i = -r; i <= r && half > 0; i++)
				k->values[(size_t)(j + r) * (size_t)k->width + (size_t)(i + r)] +=
					overlap(half, i);
		}
	if (k->values[(size_t)r * (size_t)k->width + (size_t)r] == 0)
		k->values[(size_t)r * (size_t)k->width + (size_t)r] = 1; /* radius 0 */
	return kernel_normalize(k, "kernel");
}

/* A point moves evenly along the segment; each pixel collects the time spent in it. */
int kernel_motion(const struct lacuna_host *host, double length, double angle, struct kernel *k)
{
	enum { STEPS_PER_PIXEL = 256 };
	double dx = length * cos(angle * (acos(-1) / 180));
	double dy = -length * sin(angle * (acos(-1) / 180));
	int rx = (int)fmax(ceil(fabs(dx) / 2 - 0.5), 0);
	int ry = (int)fmax(ceil(fabs(dy) / 2 - 0.5), 0);
	int64_t n = (int64_t)fmax(ceil(length), 1) * STEPS_PER_PIXEL; /* for half of the path */
	int status = kernel_create(host, 2 * (int64_t)rx + 1, 2 * (int64_t)ry + 1, k);

	if (status)
		return status;
	/* Add step s and its mirror image together, so that rounding keeps the kernel symmetric. */
	for (int64_t s = 0; s < n; s++) {
		double t = ((double)s + 0.5) / (2.0 * (double)n);
		int i = (int)floor(t * dx + 0.5), j = (int)floor(t * dy + 0.5);

		k->values[(size_t)(ry + j) * (size_t)k->width + (size_t)(rx + i)] += 1;
		k->values[(size_t)(ry - j) * (size_t)k->width + (size_t)(rx - i)] += 1;
	}
	return kernel_normalize(k, "kernel");
}

/* Born and Wolf, Principles of Optics, 8.5.2: (2 J1(v) / v)^2, v = 3.8317 r / zero. */
static double airy(double r, double zero)
{
	double v = 3.8317059702075123 * r / zero, a = v > 1e-6 ? 2 * j1(v) / v : 1;

	return a * a;
}

/* The kernel ends at six times the radius of the first dark ring. It holds 97 % of the light and is normalised to 1. */
int kernel_airy(const struct lacuna_host *host, double zero, struct kernel *k)
{
	int r = (int)ceil(6 * zero);
	int n = (int)fmin(fmax(ceil(16 / zero), 8), 128); /* samples per pixel and dimension */
	int status;

	if (zero < 0.1)
		return kernel_gaussian(host, 0, k); /* far narrower than a pixel */
	status = kernel_create(host, 2 * (int64_t)r + 1, 2 * (int64_t)r + 1, k);
	for (int j = 0; !status && j <= r; j++)
		for (int i = 0; i <= j; i++) {
			double sum = 0;

			for (int s = 0; s < n * n; s++)
				sum += airy(hypot(i + (s % n + 0.5) / n - 0.5,
						  j + ((double)(s / n) + 0.5) / n - 0.5),
					    zero);
			/* all eight mirror images */
			for (int m = 0; m < 8; m++) {
				int a = m & 4 ? i : j, b = m & 4 ? j : i;

				a = m & 1 ? -a : a;
				b = m & 2 ? -b : b;
				k->values[(size_t)(b + r) * (size_t)k->width + (size_t)(a + r)] =
					sum;
			}
		}
	return status ? status : kernel_normalize(k, "kernel");
}
