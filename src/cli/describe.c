/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Help pages of plugins. */
#include <config.h>

#include "cli/describe.h"
#include "cli/options.h"
#include "plugin/param.h"

#include <ctype.h>
#include <string.h>

/* The option of restore that names a plugin of the family. */
static const char *option_of(int kind)
{
	static const char *const options[] = {
		[LACUNA_OPERATOR] = "A",
		[LACUNA_PRIOR] = "p",
		[LACUNA_GUIDANCE] = "g",
		[LACUNA_SAMPLER] = "s",
	};

	return options[kind];
}

/* Calls print for each row: the usual ones first, then the advanced ones. */
static void each_row(const struct lacuna_plugin *head,
		     void (*print)(const struct lacuna_param *, FILE *), FILE *f)
{
	for (unsigned advanced = 0; advanced < 2; advanced++)
		for (uint32_t i = 0; i < head->param_count; i++) {
			const struct lacuna_param *row = param_row(head, i);

			if (!(row->flags & LACUNA_ADVANCED) == !advanced)
				print(row, f);
		}
}

/* ---- plain text -------------------------------------------------------------------------------------- */

static void print_row(const struct lacuna_param *row, FILE *f)
{
	enum { COLUMN = 16 };
	char range[512], text[1024];
	int column = fprintf(f, "  %s", row->name);

	param_range(row, range, sizeof range);
	snprintf(text, sizeof text, "%s %s", row->help, range);
	if (column > COLUMN - 2) {
		fputc('\n', f);
		column = 0;
	}
	options_wrap(f, text, COLUMN, column);
}

void describe_text(const struct plugin *p, FILE *f)
{
	const struct lacuna_plugin *head = p->head;
	const int kind = (int)head->kind;

	fprintf(f, "%s %s: %s\n\n", plugin_kind_name(kind), head->name, head->summary);
	fprintf(f, "Usage: -%s %s%s\n\n", option_of(kind), head->name,
		head->param_count ? "[:key=value[,key=value]...]" : "");
	if (head->param_count) {
		fputs("Parameters: meaning (range) [default]\n", f);
		each_row(head, print_row, f);
		fputc('\n', f);
	}
	options_wrap(f, head->manual, 0, 0);
	fprintf(f, "\nVersion %s, %s, %s\n%s\n", head->version, head->author, head->license,
		p->path);
}

/* ---- mdoc -------------------------------------------------------------------------------------------- */

static void print_man_row(const struct lacuna_param *row, FILE *f)
{
	char range[512];

	param_range(row, range, sizeof range);
	fprintf(f, ".It Cm %s\n", row->name);
	options_roff(row->help, f);
	options_roff(range, f);
}

static void print_upper(const char *text, FILE *f)
{
	for (; *text; text++)
		fputc(toupper((unsigned char)*text), f);
}

void describe_man(const struct plugin *p, FILE *f)
{
	const struct lacuna_plugin *head = p->head;
	const char *family = plugin_kind_name((int)head->kind);

	fputs(".Dd November 22, 2026\n.Dt LACUNA-", f);
	print_upper(family, f);
	fputc('-', f);
	print_upper(head->name, f);
	fprintf(f, " 7\n.Os\n.Sh NAME\n.Nm lacuna-%s-%s\n.Nd ", family, head->name);
	options_roff(head->summary, f);
	fprintf(f, ".Sh SYNOPSIS\n.Fl %s Cm %s%s\n.Sh DESCRIPTION\n", option_of((int)head->kind),
		head->name,
		head->param_count ? " Ns Op : Ns Ar key Ns = Ns Ar value , Ns ..." : "");
	options_roff(head->manual, f);
	if (head->param_count) {
		fputs(".Sh PARAMETERS\n.Bl -tag -width Ds\n", f);
		each_row(head, print_man_row, f);
		fputs(".El\n", f);
	}
	fprintf(f, ".Sh SEE ALSO\n.Xr lacuna 1 ,\n.Xr lacuna-restore 1\n.Sh AUTHORS\n.An ");
	options_roff(head->author, f);
}
