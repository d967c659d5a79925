#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 The Lacuna authors
#
# Runs conformance.c.  With several jobs, make starts scripts before programs; this test takes long and must not be the last.
# LOG_COMPILER runs programs that are tests: valgrind, for make check-valgrind.
exec $LOG_COMPILER "$abs_top_builddir/tests/plugins/conformance"
