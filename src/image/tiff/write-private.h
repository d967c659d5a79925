/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Inside the TIFF writer: the page being written, and the stages that the files write-*.c hold. */
#ifndef IMAGE_TIFF_WRITE_PRIVATE_H
#define IMAGE_TIFF_WRITE_PRIVATE_H

#include "image/tiff/private.h"

#include "base/temporary.h"

/* The page being written. */
struct page {
	struct tiff_layout layout;
	int unnamed; /* colour samples beyond what the photometric interpretation names */
	uint16_t predictor;
	int copy;   /* all samples are the old page's */
	int sparse; /* the old page leaves out empty tiles */
	int keeps;  /* the old page's values may stay: they mean the same in the new one */
	/* The page declares a value as missing that float cannot hold (-9999.9 in 64 bits, 99999999 in 32): where values have
	 * the nearest float, `nodata' is written, so that it stays nodata. */
	int rounds_nodata;
	float near_nodata;
	uint64_t nodata;
	/* Size of the old page, and its first pixel that the new page shows */
	uint32_t old_width, old_height, old_x, old_y;
	struct image_rows rows; /* being written */
};

struct tiff_writer {
	struct image_writer common;
	struct temporary file;
	struct tiff_handle handle; /* opened with the first page, which sets the byte order */
	struct image_write_options options;
	char *path, *software;
	char *contents; /* the first page's description if it states what the file holds; or NULL */
	int values_differ;
	double value_scale, value_offset;
	int pages;
	struct page page;
};

static inline struct tiff_writer *tiff_writer(struct image_writer *w)
{
	_Static_assert(offsetof(struct tiff_writer, common) == 0, "the common part comes first");
	return (struct tiff_writer *)w;
}

/* write.c: sets the disk's reason as the error if there is one, else libtiff's; returns the status. */
int writer_failed(const struct tiff_handle *);
/* write-plan.c: decides on the layout of the page; like: the reader of the part, if it is one of TIFF. */
int page_plan(const struct tiff_writer *, const struct image_part *, const struct tiff_reader *like,
	      struct page *);
/* write-plan.c: counts the colour samples that the photometric interpretation does not name. */
void page_name_samples(struct page *);
/* write-plan.c: the predictor of the page's compression. */
uint16_t page_predictor(TIFF *, struct tiff_reader *like, const struct tiff_layout *);
/* write-tags.c: reads the description that states what the old file holds, before the first page. */
int writer_read_contents(struct tiff_writer *, struct tiff_reader *like);
/* write-tags.c: sets all tags; like: the page that the picture came from, or NULL. */
int page_set_tags(struct tiff_writer *, struct tiff_reader *like, const struct page *,
		  const struct tag_directories *);
/* write-samples.c: writes the rows that the page has been given. */
int page_write_samples(struct tiff_handle *, const struct page *);

static inline int same_type(struct sample_type a, struct sample_type b)
{
	return a.kind == b.kind && a.bits == b.bits;
}

static inline int is_same_size(const struct page *p, const struct tiff_reader *like)
{
	return p->layout.width == like->layout.width && p->layout.height == like->layout.height;
}

#endif
