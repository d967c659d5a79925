/* SPDX-License-Identifier: MIT */
/* Operator "smear": the camera moved sideways while the shutter was open.  EDIT: say what yours does.
 *
 * y = A x, where each pixel of y is the mean of `length' neighbours of x in its row; the last pixel of a row is repeated.
 * A class does the work.  The functions of the table call it and catch all exceptions, because the host is written in C.
 * lacuna-plugin(7) explains each part, <lacuna/plugin.h> defines the interface, and "make check" reports rules that the
 * plugin breaks. */
#include <lacuna/plugin.h>

#include <algorithm>
#include <exception>
#include <new>
#include <vector>

namespace
{

/* One member for each parameter, of type int64_t, double or const char *. */
struct config {
	int64_t length;
};

class Smear
{
      public:
	Smear(const config &c, const lacuna_shape &x)
	    : width_(x.extent[0]), rows_(x.extent[1] * x.extent[2] * x.extent[3]),
	      weights_(static_cast<size_t>(c.length), 1.0 / static_cast<double>(c.length))
	{
	}

	/* y = A x.  Every value of y is written. */
	void apply(const float *x, float *y) const
	{
		for (int64_t row = 0; row < rows_; row++, x += width_, y += width_)
			for (int64_t i = 0; i < width_; i++) {
				double sum = 0;

				for (int64_t k = 0; k < length(); k++)
					sum += weights_[static_cast<size_t>(k)] *
					       x[neighbour(i, k)];
				y[i] = static_cast<float>(sum);
			}
	}

	/* x = A' y, the transpose: where apply() reads x[i] for y[j], this adds y[j] to x[i]. */
	void adjoint(const float *y, float *x) const
	{
		std::fill_n(x, width_ * rows_, 0.0f);
		for (int64_t row = 0; row < rows_; row++, x += width_, y += width_)
			for (int64_t i = 0; i < width_; i++)
				for (int64_t k = 0; k < length(); k++)
					x[neighbour(i, k)] += static_cast<float>(
						weights_[static_cast<size_t>(k)] * y[i]);
	}

      private:
	int64_t length() const
	{
		return static_cast<int64_t>(weights_.size());
	}
	int64_t neighbour(int64_t i, int64_t k) const
	{
		return std::clamp<int64_t>(i + k - length() / 2, 0, width_ - 1);
	}

	int64_t width_, rows_; /* rows: of all channels and frames */
	std::vector<double> weights_;
};

/* The shape of y from that of x or, if from_y != 0, of x from that of y.  Here both are equal. */
int shape(const lacuna_host *, const void *, int, const lacuna_shape *known, lacuna_shape *wanted)
{
	*wanted = *known;
	return LACUNA_OK;
}

/* Take memory as large as a picture from host->alloc(), which counts it against the user's limit.  Small objects may come
 * from the library. */
int create(const lacuna_host *host, const void *config_, const lacuna_shape *x,
	   const lacuna_shape *, void **self)
{
	try {
		*self = new Smear(*static_cast<const config *>(config_), *x);
		return LACUNA_OK;
	} catch (const std::bad_alloc &) {
		return host->fail(host, LACUNA_ENOMEM, "out of memory");
	} catch (const std::exception &e) {
		return host->fail(host, LACUNA_EINTERNAL, "%s", e.what());
	}
}

void destroy(void *self)
{
	delete static_cast<Smear *>(self);
}

/* Several calls may run at once on one instance, so it is const. */
int apply(const void *self, void *, const float *x, float *y)
{
	static_cast<const Smear *>(self)->apply(x, y);
	return LACUNA_OK;
}

int adjoint(const void *self, void *, const float *, const float *y, float *x)
{
	static_cast<const Smear *>(self)->adjoint(y, x);
	return LACUNA_OK;
}

/* Member, unit, smallest, largest, default, and a line of help. */
const lacuna_param params[] = {
	LACUNA_PARAM_INT(config, length, "px", 1, 1000, 9, "how far the camera moved"),
};

lacuna_operator make_family()
{
	lacuna_operator f = {};

	f.size = sizeof f;
	f.flags = LACUNA_LINEAR | LACUNA_PICTURE;
	f.shape = shape;
	f.create = create;
	f.destroy = destroy;
	f.apply = apply;
	f.adjoint = adjoint;
	return f;
}

const lacuna_operator family = make_family();

const lacuna_plugin plugin = {
	LACUNA_PLUGIN_HEAD(LACUNA_OPERATOR),
	/* EDIT: the name (also the file's); a short description; when to use it, when not, and its source. */
	"smear",
	"motion blur along the rows",
	"Each pixel is the mean of `length' pixels of its row.\n\n"
	"Use it for pictures that are smeared sideways.  "
	"Not for blur in all directions.",
	/* EDIT: version, author, licence. */
	"1.0",
	"you",
	"MIT",
	LACUNA_PLUGIN_PARAMS(params, config),
	&family,
};

} // namespace

const lacuna_plugin *lacuna_plugin_v1(void)
{
	return &plugin;
}
