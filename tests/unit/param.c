/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Parameter tables and the text people write for them. */
#include "base/error.h"
#include "base/memory.h"
#include "plugin/param.h"
#include "tests/tap.h"

struct config {
	double sigma;
	int64_t count, fast, mode;
	const char *file, *label;
};

static const char *const modes[] = { "soft", "hard", NULL };
static const struct lacuna_param rows[] = {
	LACUNA_PARAM_REAL(struct config, sigma, "px", 0, 100, 1.5, "width"),
	LACUNA_PARAM_INT(struct config, count, NULL, 1, 10, 3, "how many"),
	LACUNA_PARAM_BOOL(struct config, fast, 1, "hurry"),
	LACUNA_PARAM_CHOICE(struct config, mode, modes, 1, "how"),
	LACUNA_PARAM_PATH(struct config, file, LACUNA_REQUIRED, NULL, "what to read"),
	LACUNA_PARAM_TEXT(struct config, label, 0, "none", "a word"),
};
static const struct lacuna_plugin head = {
	LACUNA_PLUGIN_HEAD(LACUNA_OPERATOR),	   "test", "", "", "", "", "",
	LACUNA_PLUGIN_PARAMS(rows, struct config), NULL
};

static void refuse(struct config *c, const char *text, const char *part)
{
	ok(param_parse(&head, c, text) == LACUNA_EINVAL && strstr(error_text(), part), "%s: %s",
	   text, error_text());
}

static void test_parsing(void)
{
	size_t before = memory_live_blocks();
	struct config *c = param_create(&head);
	char text[100];

	ok(c->sigma == 1.5 && c->count == 3 && c->fast == 1 && c->mode == 1 && !c->file,
	   "defaults");
	is_text(c->label, "none", "a text default");
	ok(param_complete(&head, c) == LACUNA_EINVAL && strstr(error_text(), "file=..."),
	   "required: %s", error_text());
	ok(!param_parse(&head, c, "sigma=2.55/255,count=7,fast=no,mode=soft,file=a b.tif"),
	   "parsed");
	ok(fabs(c->sigma - 0.01) < 1e-15 && c->count == 7 && !c->fast && !c->mode, "values");
	is_text(c->file, "a b.tif", "a path");
	ok(!param_complete(&head, c), "complete");
	ok(!param_parse(&head, c, "label=\"x,y=z\",count=2"), "quotes");
	is_text(c->label, "x,y=z", "hold commas");
	ok(c->count == 2, "and what follows them");
	ok(!param_parse(&head, c, NULL) && !param_parse(&head, c, ""), "nothing is fine");
	refuse(c, "sigma=101", "0 to 100 px");
	refuse(c, "sigma=nan", "0 to 100 px");
	refuse(c, "count=0", "1 to 10");
	refuse(c, "count=1.5", "1 to 10");
	refuse(c, "fast=perhaps", "yes|no");
	refuse(c, "mode=sof", "soft|hard");
	refuse(c, "sigm=1", "did you mean \"sigma\"");
	refuse(c, "sigma", "key=value");
	refuse(c, "sigma,count=1", "\"sigma\" is not of the form");
	refuse(c, "=1", "key=value");
	refuse(c, "label=\"x", "does not end");
	refuse(c, "label=\"x\"y", "does not end");
	param_value(&rows[0], c, text, sizeof text);
	is_text(text, "0.01", "a value as text");
	param_range(&rows[3], text, sizeof text);
	is_text(text, "(soft|hard) [hard]", "a range as text");
	param_release(&head, c);
	ok(memory_live_blocks() == before, "nothing is left");
}

static void refuse_table(const struct lacuna_param *row, size_t n, const char *part)
{
	struct lacuna_plugin p = head;

	p.params = row;
	p.param_count = (uint32_t)n;
	ok(param_check_table(&p) == LACUNA_EINVAL && strstr(error_text(), part), "refused: %s",
	   error_text());
}

static void test_tables(void)
{
	struct lacuna_param r = rows[0], two[2] = { rows[0], rows[0] };
	struct {
		struct lacuna_param row;
		char later[24]; /* what a newer header may add */
	} longer[2];
	struct lacuna_plugin p = head;

	ok(!param_check_table(&head), "a good table");
	r.dflt = 200;
	refuse_table(&r, 1, "default out of range");
	r = rows[0];
	r.offset = sizeof(struct config) - 4;
	refuse_table(&r, 1, "outside");
	r = rows[0];
	r.name = "Sigma";
	refuse_table(&r, 1, "lacks a name");
	r = rows[3];
	r.dflt = 2;
	refuse_table(&r, 1, "default out of range");
	refuse_table(two, 2, "twice");
	memset(longer, 0x55, sizeof longer);
	longer[0].row = rows[0];
	longer[1].row = rows[1];
	p.params = &longer[0].row;
	p.param_count = 2;
	p.param_size = sizeof longer[0];
	ok(!param_check_table(&p) && param_find(&p, "count") == &longer[1].row,
	   "longer rows are stepped over");
}

int main(void)
{
	test_parsing();
	test_tables();
	return tap_done();
}
