#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 The Lacuna authors
"""Draw the curves of one or more training logs, one after the other, as SVG (no library needed).

    plot.py RUN/log.tsv [RUN2/log.tsv ...] > curves.svg
"""

import sys

W, H, L, B, TOP = 640, 360, 52, 40, 16
COLUMNS = (("15", "#1b6ca8"), ("25", "#2a9d4e"), ("50", "#c7731e"), ("mask50", "#8e44ad"))
NAMES = {"15": "sigma 15/255", "25": "sigma 25/255", "50": "sigma 50/255", "mask50": "half missing"}


def read(paths):
    rows, offset = [], 0
    for path in paths:
        last = 0
        with open(path) as f:
            names = f.readline().rstrip("\n").split("\t")
            for line in f:
                r = dict(zip(names, line.rstrip("\n").split("\t")))
                last = int(r["patches"])
                if r.get("15"):
                    rows.append((offset + last, {k: float(r[k]) for k, _ in COLUMNS}))
        offset += last
    return rows


def main():
    rows = read(sys.argv[1:])
    if not rows:
        raise SystemExit("the logs hold no validation (train.py --validate)")
    xmax = rows[-1][0]
    values = [v for _, r in rows for v in r.values()]
    lo, hi = int(min(values)), int(max(values)) + 1

    def x(p):
        return L + (W - L - 16) * p / xmax

    def y(v):
        return H - B - (H - B - TOP) * (v - lo) / (hi - lo)

    out = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{W}" height="{H}" font-family="sans-serif" font-size="12">',
           f'<rect width="{W}" height="{H}" fill="white"/>']
    for v in range(lo, hi + 1):
        out.append(f'<path d="M{L} {y(v):.1f}H{W - 16}" stroke="#ddd"/><text x="{L - 6}" y="{y(v) + 4:.1f}" text-anchor="end">{v}</text>')
    for i in range(5):
        p = xmax * i / 4
        out.append(f'<text x="{x(p):.1f}" y="{H - B + 18}" text-anchor="middle">{p / 1000:.0f} k</text>')
    out.append(f'<text x="{(W + L) / 2}" y="{H - 6}" text-anchor="middle">patches</text>')
    out.append(f'<text x="14" y="{(H - B) / 2}" transform="rotate(-90 14 {(H - B) / 2})" text-anchor="middle">PSNR, dB</text>')
    for k, (name, colour) in enumerate(COLUMNS):
        d = "L".join(f"{x(p):.1f} {y(r[name]):.1f}" for p, r in rows)
        out.append(f'<path d="M{d}" fill="none" stroke="{colour}" stroke-width="2"/>')
        out.append(f'<text x="{L + 10 + 140 * k}" y="{TOP - 3}" fill="{colour}">{NAMES[name]}</text>')
    print("\n".join(out + ["</svg>"]))


if __name__ == "__main__":
    main()
