/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* A prior that claims to be trained on images but inverts them. */
#include <lacuna/plugin.h>
#define NAME "not-trained"
#define FLAGS LACUNA_TRAINED
#include "not-gaussian.c"
