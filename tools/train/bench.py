#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 The Lacuna authors
"""Time PyTorch on the same network as tests/bench/unet, in processor time: bench.py WEIGHTS [SIZE ...]"""

import os
import sys
import time

import torch

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from network import denoise, load_weights


def main():
    net, _ = load_weights(sys.argv[1])
    net = net.eval().to(memory_format=torch.channels_last)
    for threads in (1, 2, 4, 8):
        if threads > len(os.sched_getaffinity(0)):
            break
        torch.set_num_threads(threads)
        for size in [int(a) for a in sys.argv[2:]] or [512, 1024]:
            u = torch.rand(1, net.channels, size, size)
            s = torch.full_like(u, 0.1)
            for autocast in (False, True):
                wall = best = 1e9
                with torch.inference_mode():
                    for _ in range(5):
                        w, t = time.perf_counter(), time.process_time()
                        denoise(net, u, s, autocast)
                        best = min(best, time.process_time() - t)
                        wall = min(wall, time.perf_counter() - w)
                print(f"torch {torch.__version__}  {size:5}^2  {'bf16' if autocast else 'f32 '}  {threads} threads"
                      f"  wall {wall:.3f} s  processor {best:.3f} s  {best / size**2 * 1e6:.3f} s/Mpx", flush=True)


if __name__ == "__main__":
    main()
