# SPDX-License-Identifier: MIT
# Copyright 2026 The Lacuna authors
"""An operator in numpy: a Gaussian blur with a periodic border, by FFT.

    lacuna check operator process:command="python3 -m blur_numpy 2.5"
    lacuna try operator process:command="python3 -m blur_numpy 2.5"
"""

import sys

import numpy as np
from lacuna_process import Operator, serve

SIGMA = float(sys.argv[1]) if len(sys.argv) > 1 else 1.5


class Blur(Operator):
    def __init__(self, x, y):
        super().__init__(x, y)
        fy, fx = np.fft.fftfreq(x[-2])[:, None], np.fft.rfftfreq(x[-1])[None, :]
        self.transfer = np.exp(-2 * (np.pi * SIGMA) ** 2 * (fx**2 + fy**2))

    def apply(self, x):
        return np.fft.irfft2(self.transfer * np.fft.rfft2(x), s=x.shape[-2:]).astype(np.float32)

    def adjoint(self, y, at):
        return self.apply(y)  # the transfer function is real: A is symmetric


if __name__ == "__main__":
    serve(Blur)
