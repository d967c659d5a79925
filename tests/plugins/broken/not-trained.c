/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* A prior that says that it was learnt from images, and makes negatives of them. */
#include <lacuna/plugin.h>
#define NAME "not-trained"
#define FLAGS LACUNA_TRAINED
#include "not-gaussian.c"
