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
	struct lacuna_list list;
};

static const char *const modes[] = { "soft", "hard", NULL };
static const struct lacuna_param rows[] = {
	LACUNA_PARAM_REAL(struct config, sigma, "px", 0, 100, 1.5, "width"),
	LACUNA_PARAM_INT(struct config, count, NULL, 1, 10, 3, "how many"),
	LACUNA_PARAM_BOOL(struct config, fast, 1, "hurry"),
	LACUNA_PARAM_CHOICE(struct config, mode, modes, 1, "how"),
	LACUNA_PARAM_PATH(struct config, file, LACUNA_REQUIRED, NULL, "what to read"),
	LACUNA_PARAM_TEXT(struct config, label, 0, "none", "a word"),
	LACUNA_PARAM_LIST(struct config, list, "px", -10, 10, 0, "1 2", "some numbers"),
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
	ok(!param_parse(&head, c, "sigma=1/100,count=7,fast=no,mode=soft,file=a b.tif"), "parsed");
	ok(fabs(c->sigma - 0.01) < 1e-15 && c->count == 7 && !c->fast && !c->mode, "values");
	is_text(c->file, "a b.tif", "a path");
	ok(!param_complete(&head, c), "complete");
	ok(!param_parse(&head, c, "label=\"x,y=z\",count=2"), "quotes");
	is_text(c->label, "x,y=z", "hold commas");
	ok(c->count == 2, "and what follows them");
	ok(!param_parse(&head, c, "label=\"a \\\"b\\\", c:\\\\d\\e\",count=4"), "quotes in quotes");
	is_text(c->label, "a \"b\", c:\\d\\e", "after a backslash");
	ok(param_pair_length("label=\"a,\\\",b\",count=4") == 14 &&
		   param_pair_length("a=b,c") == 3 && param_pair_length("a,b=c") == 1,
	   "where a pair ends");
	ok(!param_parse(&head, c, "label=a:b,count=2"), "a colon");
	is_text(c->label, "a:b", "needs no quotes");
	refuse(c, "label=\"x\\\"", "does not end");
	ok(!param_parse(&head, c, NULL) && !param_parse(&head, c, ""), "nothing is fine");
	refuse(c, "sigma=101", "0 to 100 px");
	refuse(c, "sigma=nan", "0 to 100 px");
	refuse(c, "count=0", "1 to 10");
	refuse(c, "count=1.5", "1 to 10");
	refuse(c, "fast=perhaps", "yes|no");
	refuse(c, "mode=sof", "soft|hard");
	refuse(c, "sigm=1", "did you mean \"sigma\"");
	refuse(c, "sigma", "key=value");
	refuse(c, "sigma,count=1", "\"sigma\" must have the form");
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

static void test_lists(void)
{
	const size_t before = memory_live_blocks();
	struct config *c = param_create(&head), *other = param_create(&head);
	char text[40];

	ok(c->list.count == 2 && c->list.values[1] == 2 && c->list.columns == 2,
	   "the default of a list");
	ok(param_same(&head, c, other), "two lists say the same");
	ok(!param_parse(&head, c, "list= 1 0 -1/4;0 1e0 .5 ; ,count=2") && c->list.count == 6 &&
		   c->list.columns == 3 && c->list.values[2] == -0.25 && c->list.values[4] == 1 &&
		   c->count == 2,
	   "rows, fractions, exponents");
	param_value(&rows[6], c, text, sizeof text);
	is_text(text, "1 0 -0.25;0 1 0.5", "a list as text");
	ok(param_value(&rows[6], c, text, 4) == 17 && !strcmp(text, "1 0"), "cut, its length told");
	ok(!param_same(&head, c, other) && !param_set(&head, other, "list", "1 0;-.25 0;1 .5") &&
		   !param_same(&head, c, other),
	   "other numbers, or other rows, are another list");
	param_set(&head, other, "count", "2");
	ok(!param_set(&head, c, "list", "1 2 3 4") && !param_set(&head, other, "list", "1 2 3 5") &&
		   !param_same(&head, c, other) && !param_set(&head, other, "list", "1 2 3 4") &&
		   param_same(&head, c, other),
	   "every number counts, and the last one, too");
	refuse(c, "list=1;2 3", "list=1;2 3: its rows have different lengths");
	refuse(c, "list=1 2;;3", "different lengths");
	ok(!param_set(&head, c, "list", "1 2 3"), "one row");
	refuse(c, "list=1 x", "(numbers -10 to 10 px) [1 2]");
	refuse(c, "list=1 11", "list=1 11 is not allowed");
	refuse(c, "list=11 1", "list=11 1 is not allowed");
	refuse(c, "list=1 -11;1 1", "is not allowed");
	refuse(c, "list=1-2", "is not allowed");
	refuse(c, "list=nan", "is not allowed");
	refuse(c, "list=\"1,2\"", "is not allowed");
	ok(c->list.count == 3, "what is refused changes nothing");
	ok(!param_set(&head, c, "list", " ; ") && !c->list.count && !c->list.values, "no number");
	param_release(&head, other);
	param_release(&head, c);
	ok(memory_live_blocks() == before, "nothing is left");
}

/* A configuration written out and read again is the same, to the bit. */
static void test_round_trip(void)
{
	static const double values[] = { 1.0 / 3,    2.55 / 255,	 0.1 + 0.2,
					 1e-300 / 7, 99.999999999999986, M_PI,
					 5e-324,     1 + 0x1p-52,	 0,
					 -0.0 };
	struct config *c = param_create(&head), *other = param_create(&head);
	char text[400];

	for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
		c->sigma = values[i];
		param_value(&rows[0], c, text, sizeof text);
		ok(!param_set(&head, other, "sigma", text) && param_same(&head, c, other), "%s",
		   text);
	}
	ok(!param_parse(&head, c, "sigma=0.1,list=1/3 -2/3;0.7 1/7"), "fractions");
	param_value(&rows[0], c, text, sizeof text);
	is_text(text, "0.1", "no more digits than it takes");
	param_value(&rows[6], c, text, sizeof text);
	ok(!param_set(&head, other, "list", text) && !param_set(&head, other, "sigma", "0.1") &&
		   param_same(&head, c, other),
	   "list %s", text);
	param_release(&head, other);
	param_release(&head, c);
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
		char later[24]; /* what a newer header may append */
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
	refuse_table(&r, 1, "needs a help text, and a name");
	r = rows[3];
	r.dflt = 2;
	refuse_table(&r, 1, "default out of range");
	refuse_table(two, 2, "twice");
	r = rows[6];
	r.text = "1 11";
	refuse_table(&r, 1, "not a list, or out of range");
	r.text = "one";
	refuse_table(&r, 1, "not a list, or out of range");
	memset(longer, 0x55, sizeof longer);
	longer[0].row = rows[0];
	longer[1].row = rows[1];
	p.params = &longer[0].row;
	p.param_count = 2;
	p.param_size = sizeof longer[0];
	ok(!param_check_table(&p) && param_find(&p, "count") == &longer[1].row,
	   "longer rows are stepped over");
}

/* c applies if b says yes, as it does by default; b applies if a says yes, which it does not. */
static void test_chains(void)
{
	struct chain {
		int64_t a, b, c;
	};
	static const struct lacuna_param chain[] = {
		{ "a", NULL, "first", LACUNA_BOOL, 0, 0, 1, 0, NULL, NULL,
		  LACUNA_OFFSET(struct chain, a, int64_t) },
		{ "b", NULL, "second", LACUNA_BOOL, 0, 0, 1, 1, "a=yes", NULL,
		  LACUNA_OFFSET(struct chain, b, int64_t) },
		{ "c", NULL, "third", LACUNA_INT, 0, 0, 9, 0, "b=yes", NULL,
		  LACUNA_OFFSET(struct chain, c, int64_t) },
	};
	struct lacuna_plugin p = head;
	struct chain *values;

	p.params = chain;
	p.param_count = 3;
	p.config_size = sizeof *values;
	ok(!param_check_table(&p), "rows that depend on one another");
	values = param_create(&p);
	ok(param_parse(&p, values, "c=1") == LACUNA_EINVAL && strstr(error_text(), "a=yes"),
	   "a row applies only if those do that it depends on: %s", error_text());
	ok(!param_parse(&p, values, "c=1,a=yes") && values->c == 1, "then it does");
	ok(param_parse(&p, values, "c=1,a=yes,b=no") == LACUNA_EINVAL, "and not where one says no");
	param_release(&p, values);
}

int main(void)
{
	test_chains();
	test_parsing();
	test_lists();
	test_round_trip();
	test_tables();
	return tap_done();
}
