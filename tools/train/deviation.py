#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 The Lacuna authors
"""Trains a network for the deviation of estimates, on those that estimates.py made.

    deviation.py --estimates DIR --kind mixed --out mixed.safetensors --minutes 30
    deviation.py --estimates DIR --kind pixels --out pixels.safetensors --minutes 30
    join.py mixed.safetensors pixels.safetensors photo-deviation.safetensors

The loss is the negative logarithm of a Gaussian's density, log s + e^2/(2 s^2) for the error e.  Given all that the network sees,
it is least where s^2 is the mean of e^2.  The first files of DIR are held out.  A line is printed every few minutes: the loss on
them; rms error over rms deviation in eighths of their values, sorted by deviation; the deviation from picture to picture of the
logarithm of this ratio; the rank correlation of deviation and error."""

import argparse
import glob
import json
import math
import os
import time

import numpy as np
import torch

from network import Unet, load_weights, log_deviation, save_weights

UNKNOWN = 0.5  # first guess for missing pixels


def read(files):
    """A list of (x, estimate, guess, noise), planes and a number."""
    out = []
    for f in files:
        z = np.load(f)
        out += [(*planes, float(z["noise"])) for planes in zip(z["x"], z["estimate"], z["guess"])]
    return out


def cut(r, record, n):
    """n x n pixels, turned, with other contrast: (4, n, n); None if the record is smaller."""
    *planes, noise = record
    h, w = planes[0].shape
    if h < n or w < n:
        return None
    y, x = r.integers(h - n + 1), r.integers(w - n + 1)
    t = np.stack([p[y : y + n, x : x + n] for p in planes] + [np.full((n, n), noise, np.float32)])
    t = np.rot90(t, r.integers(4), (1, 2))
    t = (t[:, :, ::-1] if r.random() < 0.5 else t).copy()
    if r.random() < 0.3:
        t[:2] = 1 - t[:2]
    if r.random() < 0.6:
        lo, hi = t[0].min(), t[0].max()
        gain = min(math.exp(r.uniform(-1, 0.2)), 1 / max(hi - lo, 1e-3))
        missing = t[2] >= UNKNOWN
        t *= gain
        t[:2] += r.random() * max(1 - gain * (hi - lo), 0) - gain * lo
        t[2][missing] = UNKNOWN
    return t


def batch(r, records, count, n):
    found = []
    while len(found) < count:
        t = cut(r, records[r.integers(len(records))], n)
        if t is not None:
            found.append(t)
    return torch.from_numpy(np.stack(found)).split(1, 1)


def loss_of(log_s, error):
    return log_s + 0.5 * (error * torch.exp(-log_s)) ** 2


def ranks(v):
    return v.argsort().argsort()


@torch.no_grad()
def judge(net, held):
    s, e, loss, ratio = [], [], [], []
    for x, estimate, guess, noise in held:
        x, estimate, guess = (torch.from_numpy(p)[None, None] for p in (x, estimate, guess))
        log_s = log_deviation(net, estimate, guess, torch.full_like(x, noise), True)
        loss.append(loss_of(log_s, estimate - x).mean().item())
        s.append(log_s.exp().numpy().ravel())
        e.append((estimate - x).abs().numpy().ravel())
        ratio.append(0.5 * math.log((e[-1] ** 2).mean() / (s[-1] ** 2).mean()))
    s, e = np.concatenate(s), np.concatenate(e)
    eighths = np.array_split(np.argsort(s), 8)
    factors = " ".join(f"{math.sqrt((e[i] ** 2).mean() / (s[i] ** 2).mean()):.2f}" for i in eighths)
    return f"{np.mean(loss):.4f}\t{factors}\t{np.std(ratio):.2f}\t{np.corrcoef(ranks(s), ranks(e))[0, 1]:.2f}"


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--estimates", required=True, metavar="DIR")
    ap.add_argument("--kind", required=True, choices=("pixels", "mixed"))
    ap.add_argument("--out", required=True, help="weights (safetensors)")
    ap.add_argument("--init", help="weights to start from, of the same architecture")
    ap.add_argument("--held", type=int, default=16, metavar="N", help="files that are only looked at")
    ap.add_argument("--widths", default="32,64")
    ap.add_argument("--blocks", default="1")
    ap.add_argument("--patch", type=int, default=64)
    ap.add_argument("--batch", type=int, default=16)
    ap.add_argument("--rate", type=float, default=3e-3)
    ap.add_argument("--minutes", type=float, default=30)
    ap.add_argument("--licence", default="unspecified")
    a = ap.parse_args()
    torch.manual_seed(0)
    r = np.random.default_rng(0)
    files = sorted(glob.glob(os.path.join(a.estimates, f"{a.kind}-*.npz")))
    held, records = read(files[: a.held]), read(files[a.held :])
    net = Unet(2, *(tuple(int(n) for n in s.split(",")) for s in (a.widths, a.blocks)))
    if a.init:
        net = load_weights(a.init)[0]
    average = Unet(2, net.widths, net.blocks)
    average.load_state_dict(net.state_dict())
    optimiser = torch.optim.AdamW(net.parameters(), lr=a.rate, betas=(0.9, 0.99), weight_decay=0)
    begin, step, told = time.time(), 0, 0
    while (part := (time.time() - begin) / 60 / a.minutes) < 1:
        for g in optimiser.param_groups:
            g["lr"] = a.rate * min(1, (step + 1) / 100) * (1 - part)
        x, estimate, guess, noise = batch(r, records, a.batch, a.patch)
        loss = loss_of(log_deviation(net, estimate, guess, noise, True), estimate - x).clamp(max=60).mean()
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimiser.step()
        step += 1
        with torch.no_grad():
            for old, new in zip(average.parameters(), net.parameters()):
                old.lerp_(new, 1 - min(0.998, step / (9 + step)))
        if time.time() - told > 150:
            told = time.time()
            print(f"{part * a.minutes:.1f}\t{step}\t{judge(average, held)}", flush=True)
    record = {"estimates": len(records), "patches": step * a.batch, "minutes": a.minutes, "rate": a.rate}
    if a.kind == "pixels":
        record["only"] = "map"  # the expert for pixelwise operators
    meta = {"name": "photo-deviation", "licence": a.licence, "training": json.dumps([record])}
    save_weights(a.out, average, average.state_dict(), meta)
    print(f"{a.minutes:.1f}\t{step}\t{judge(average, held)}", flush=True)


if __name__ == "__main__":
    main()
