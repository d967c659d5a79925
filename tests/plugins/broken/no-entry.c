/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* A shared object that is no plugin. */
int not_a_plugin(void);

int not_a_plugin(void)
{
	return 1;
}
