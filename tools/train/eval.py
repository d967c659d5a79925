#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 The Lacuna authors
"""Measure a prior: Gaussian denoising and one-evaluation inpainting.

    eval.py WEIGHTS DIR [--sigma 15,25,50] [--missing 0.5,0.8]

Protocol: 8-bit images (gray: Pillow's "L"; deeper ones are stretched to 8 bits, as for training); the first page of files
with several pages; noise from numpy RandomState(0), one generator for each level, through the sorted files; the result is
clipped and rounded to 8 bits; the figure is the mean PSNR of the images.  Inpainting: without noise; one mask for each image
from RandomState(0), all channels of a pixel missing together; one evaluation, with sigma at the ends of the range; known pixels
are put back.
"""

import argparse
import os
import sys
import time

import numpy as np
import torch
from PIL import Image

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from network import SIGMA_MAX, SIGMA_MIN, denoise, load_weights
from photos import find, pages


def load(path, channels):
    a = np.asarray(Image.fromarray(next(pages(path))).convert("L" if channels == 1 else "RGB"), np.float32) / 255
    return a.reshape(a.shape[:2] + (channels,))


def tensor(a):
    return torch.from_numpy(np.ascontiguousarray(a.transpose(2, 0, 1))[None].astype(np.float32))


def psnr(a, b):
    a = np.rint(np.clip(a, 0, 1) * 255)
    return 10 * np.log10(255**2 / np.mean((a - np.rint(b * 255)) ** 2))


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("weights")
    ap.add_argument("images")
    ap.add_argument("--sigma", default="15,25,50", help="of 255")
    ap.add_argument("--missing", default="", help="fractions, e.g. 0.5,0.8")
    ap.add_argument("--bf16", action="store_true")
    ap.add_argument("--each", action="store_true", help="a line per image")
    a = ap.parse_args()
    net, _ = load_weights(a.weights)
    net = net.eval().to(memory_format=torch.channels_last)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    net = net.to(device)
    images = [(f, load(f, net.channels)) for f in find(a.images)]

    def run(u, s):
        with torch.no_grad():
            return denoise(net, tensor(u).to(device), tensor(s).to(device), a.bf16)[0].cpu().numpy().transpose(1, 2, 0)

    def report(name, each, seconds):
        pixels = sum(x.shape[0] * x.shape[1] for _, x in images)
        for (f, _), p in zip(images, each):
            if a.each:
                print(f"{name}\t{os.path.basename(f)}\t{p:.2f}")
        print(f"{name}\tmean\t{np.mean(each):.2f} dB\t{seconds / pixels * 1e6:.2f} s/Mpx", flush=True)

    for sigma in filter(None, a.sigma.split(",")):
        rng, each, seconds = np.random.RandomState(0), [], 0.0
        for _, x in images:
            u = x + rng.normal(0, float(sigma) / 255, x.shape).astype(np.float32)
            t = time.time()
            d = run(u, np.full_like(x, float(sigma) / 255))
            seconds += time.time() - t
            each.append(psnr(d, x))
        report(f"sigma {sigma}", each, seconds)
    for missing in filter(None, a.missing.split(",")):
        rng, each, seconds = np.random.RandomState(0), [], 0.0
        for _, x in images:
            known = np.broadcast_to(rng.random_sample(x.shape[:2])[:, :, None] >= float(missing), x.shape)
            u = np.where(known, x, 0.5)  # at sigma 50 the value does not matter
            t = time.time()
            d = run(u, np.where(known, SIGMA_MIN, SIGMA_MAX).astype(np.float32))
            seconds += time.time() - t
            each.append(psnr(np.where(known, x, d), x))
        report(f"missing {missing}", each, seconds)


if __name__ == "__main__":
    main()
