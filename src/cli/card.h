/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* A picture's card on the contact sheet: views and facts. */
#ifndef CLI_CARD_H
#define CLI_CARD_H

#include "cli/restoration.h"

/* A path as text for the sheet and the journal; it may hold any bytes. */
json_t *card_path(const char *);
/* Adds views of the first page. */
void card_look(json_t *card, const struct look *);
/* Adds size, noise, seconds and the like from the report of a run. */
void card_add_facts(json_t *card, const json_t *report);

#endif
