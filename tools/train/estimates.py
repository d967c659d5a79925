#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 The Lacuna authors
"""Makes estimates with known errors, to train the network for their deviation (deviation.py).

Clean patches are degraded by random operators and restored by the program, with its defaults.  For each channel of each patch a
record is kept: the clean patch, the estimate, a first guess of the deviation, and the noise.

	KIND pixels	noise and missing pixels; the first guess is the deviation of a pixel's noise
	KIND mixed	blur and lost resolution; the first guess is that of lacuna restore --std:...

Records are added to OUT/KIND-N.npz until --minutes have passed.  The program is $LACUNA, or lacuna on the path."""

import argparse
import math
import os
import subprocess
import tempfile
import time

import numpy as np
import tifffile

import synthetic
from restoration import holes, log_uniform, shaken
from train import Patches

LACUNA = os.environ.get("LACUNA", "lacuna")
UNKNOWN = 0.5  # first guess for missing pixels
more = []  # options of lacuna restore


def lacuna(*args):
    subprocess.run([LACUNA, *args, "--range", "0:1", "--force", "--quiet"], check=True, stderr=subprocess.PIPE)


def write(path, pages):
    """pages: (pages, channels, h, w)."""
    with tifffile.TiffWriter(path) as f:
        for p in pages:
            p = p.astype(np.float32)
            if len(p) == 1:
                f.write(p[0], contiguous=False)
            else:
                f.write(p.transpose(1, 2, 0), photometric="rgb", contiguous=False)


def read(path):
    with tifffile.TiffFile(path) as f:
        pages = [p.asarray() for p in f.pages]
    return np.stack([p[None] if p.ndim == 2 else p.transpose(2, 0, 1) for p in pages]).astype(np.float32)


def options(r):
    return ["-m", "fast"] * (r.random() < 0.15) + more


def pixels(r, clean, work):
    """Noise, missing pixels, noise of its own at each pixel."""
    n, shape = clean.shape[-1], clean.shape
    t = r.random()
    noise = log_uniform(r, 0.5, 50 if t < 0.4 else 25) / 255
    sigma = np.full(shape, noise)
    told = ["-n", repr(noise)]
    if 0.4 <= t < 0.9:
        for page in sigma:
            page[:, holes(r, n)] = UNKNOWN
    y = clean + sigma * r.normal(size=shape)
    if t >= 0.9:
        yy, xx = np.mgrid[:n, :n] / n
        for page in sigma:
            u = np.cos(r.uniform(1, 8) * xx + r.uniform(0, 6)) * np.cos(r.uniform(1, 8) * yy + r.uniform(0, 6))
            page *= np.exp(r.uniform(0.2, 1) * u)
        y = clean + sigma * r.normal(size=shape)
        write(work + "/noise.tif", sigma)
        told = ["-n", work + "/noise.tif"]
    else:
        y[sigma == UNKNOWN] = np.nan
    write(work + "/y.tif", y)
    lacuna("restore", work + "/y.tif", "-o", work + "/x.tif", "-A", "identity", *told, *options(r))
    return clean, read(work + "/x.tif"), sigma, noise


def blur(r, work):
    t = r.random()
    if t < 0.35:
        f = np.fft.fftfreq(33) * 33
        k = shaken(r, 33, *np.meshgrid(f, f))
        k = np.maximum(np.fft.fftshift(k), 0)
        np.savetxt(work + "/k.txt", k / k.sum())
        return f"blur:psf={work}/k.txt"
    if t < 0.65:
        return f"blur:sigma={log_uniform(r, 0.6, 3.5):.3f}"
    if t < 0.85:
        return f"blur:kind=disk,radius={log_uniform(r, 1, 6):.3f}"
    if t < 0.95:
        return f"blur:kind=motion,length={log_uniform(r, 3, 20):.2f},angle={r.uniform(0, 180):.1f}"
    return f"blur:kind=box,width={r.integers(2, 9)},height={r.integers(2, 9)}"


def mixed(r, clean, work):
    t = r.random()
    noise = log_uniform(r, 0.5, 15) / 255
    if t < 0.55:
        operators = [blur(r, work)]
    elif t < 0.9:
        factor = (2, 2, 3, 4)[r.integers(4)]
        kernel = ("box", "bicubic", "lanczos", "bilinear")[r.integers(4)]
        n = clean.shape[-1] // factor * factor
        clean = clean[:, :, :n, :n]
        operators = [f"downsample:factor={factor},kernel={kernel}"]
    else:
        operators = [blur(r, work), f"mask:keep={r.uniform(0.2, 0.9):.2f},seed={r.integers(1000000)}"]
    how = [w for o in operators for w in ("-A", o)] + ["-n", repr(noise)]
    write(work + "/clean.tif", clean)
    lacuna("simulate", work + "/clean.tif", "-o", work + "/y.tif", "--seed", str(r.integers(1 << 30)), *how)
    lacuna("restore", work + "/y.tif", "-o", work + "/x.tif", "--std", work + "/s.tif", *how, *options(r))
    x, s = read(work + "/x.tif"), read(work + "/s.tif")
    h, w = x.shape[-2:]
    top, left = ((a - b) // 2 for a, b in zip(clean.shape[-2:], (h, w)))
    return clean[:, :, top : top + h, left : left + w], x, s, noise


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--cache", required=True, help="that of train.py")
    ap.add_argument("--out", required=True)
    ap.add_argument("--size", type=int, default=128)
    ap.add_argument("--pages", type=int, default=6)
    ap.add_argument("--colour", type=float, default=0.2, metavar="PART")
    ap.add_argument("--synthetic", type=float, default=0.15, metavar="PART")
    ap.add_argument("--minutes", type=float, default=30)
    ap.add_argument("--seed", type=int, default=0)
    ap.add_argument("options", nargs="*", help="options of lacuna restore, after --")
    a = ap.parse_args()
    more.extend(a.options)
    os.makedirs(a.out, exist_ok=True)
    r = np.random.default_rng(a.seed)
    synthetic.begin(synthetic.FONTS, ())
    # Mostly small scales, as sharp as pictures from the web; no added ripples, which a blur may remove without a trace.
    draw = {c: Patches(a.cache, c, a.size, r, a.synthetic, True, 0) for c in (1, 3)}
    end, count = time.time() + 60 * a.minutes, 0
    with tempfile.TemporaryDirectory() as work:
        while time.time() < end:
            kind = mixed if count % 4 else pixels
            colour = 3 if r.random() < a.colour else 1
            clean = np.clip(np.stack([draw[colour].draw() for _ in range(a.pages)]), 0, 1)
            count += 1
            try:
                x, estimate, guess, noise = kind(r, clean, work)
            except subprocess.CalledProcessError as e:  # an operator that the patch is too small for
                print(e.stderr.decode().strip(), flush=True)
                continue
            planes = [v.reshape(-1, *v.shape[-2:]).astype(np.float32) for v in (x, estimate, guess)]
            np.savez(f"{a.out}/{kind.__name__}-{a.seed}-{count:05d}.npz", x=planes[0], estimate=planes[1], guess=planes[2],
                     noise=np.float32(noise), colour=colour)
    print(count)


if __name__ == "__main__":
    main()
