# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 The Lacuna authors
"""y = x / 2, for tests/bench/process.c."""

from lacuna_process import Operator, serve


class Half(Operator):
    def apply(self, x):
        return x * 0.5

    def adjoint(self, y, at):
        return y * 0.5


serve(Half)
