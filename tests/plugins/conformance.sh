#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 The Lacuna authors
#
# Runs conformance.c.  With several jobs, make starts scripts before programs; this test takes long and must not be the last.
exec "$abs_top_builddir/tests/plugins/conformance"
