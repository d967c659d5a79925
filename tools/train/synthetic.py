#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 The Lacuna authors
"""Random drawn pictures of things that photographs do not show: pages, charts, line art, stars, cells.

    synthetic.py OUT [--kinds page,chart,art,stars,cells] [--count 8] [--size 256] [--seed 0] [--fonts DIR]

writes some as colour PNG, to look at or to measure with.  train.py --synthetic draws each patch anew.  Every function takes a
numpy Generator and a size, and returns (n, n, 3), float32, in [0, 1].
"""

import argparse
import functools
import math
import os
import sys

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from restoration import log_uniform

FONTS = "/usr/share/fonts"
ALPHABETS = (
    ("eeeetttaaaooinnshrrdlluccmfwygpbvkxqzj", "ETAOINSHRDLUCMFWYGPBVK", 10),
    ("αεεηιικνοοπρσςττυωλμθδγφχψξζβ", "ΑΒΓΔΕΘΛΞΠΣΦΨΩ", 1),
    ("ооееааиинтслрвкдмпуяыьгзбчйхжшюцщэф", "АБВГДЕЖЗИКЛМНОПРСТУФЦЧШЭЮЯ", 1),
    ("0123456789", "0123456789", 2),
)


# ---- for all kinds --------------------------------------------------------------------------


@functools.lru_cache
def fonts(directory):
    found = []
    for base, _, names in sorted(os.walk(directory)):
        found += [os.path.join(base, n) for n in sorted(names) if n.lower().endswith((".ttf", ".otf"))]
    if not found:
        raise SystemExit(f"{directory}: no fonts (apt-get install fonts-dejavu fonts-liberation2 fonts-freefont-ttf fonts-lato)")
    return found


@functools.lru_cache(4096)
def font(path, size):
    return ImageFont.truetype(path, size, layout_engine=ImageFont.Layout.BASIC)


@functools.lru_cache(4096)
def has(path, letters):
    """A font draws the same box for every letter that it does not have."""
    f = font(path, 24)
    lacking = bytes(f.getmask("\U0010ffff"))
    return all(bytes(f.getmask(c)) != lacking for c in set(letters))


def blur(a, s):
    """Gaussian filter along the first two axes; outside, the edge is repeated."""
    if s < 0.15:
        return a
    k = math.ceil(3.5 * s)
    t = np.arange(-k, k + 1)
    g = np.exp(-t * t / (2 * s * s))
    g = (g / g.sum()).astype(np.float32)
    for axis in (0, 1):
        pad = np.pad(a, [(k, k) if i == axis else (0, 0) for i in range(a.ndim)], "edge")
        a = np.lib.stride_tricks.sliding_window_view(pad, 2 * k + 1, axis) @ g
    return a


def smooth_field(r, n, period):
    """Smooth noise with mean 0, deviation 1 and hills about `period` apart."""
    k = max(2, int(n / period) + 2)
    g = Image.fromarray(r.normal(size=(k, k)).astype(np.float32))
    return np.asarray(g.resize((n, n), Image.BICUBIC))


def colour(r, vivid=0.5):
    """Mostly gray, otherwise any colour."""
    c = r.random(3) if r.random() < vivid else np.full(3, r.random())
    return c.astype(np.float32)


def inks(r):
    """Colours of paper and ink, different enough to be legible."""
    light, dark = 1 - 0.3 * r.random() ** 2, 0.6 * r.random() ** 2
    if r.random() < 0.1:
        light, dark = dark, light
    paper = np.clip(light + (0.06 * r.normal(size=3) if r.random() < 0.4 else 0), 0, 1)
    ink = np.clip(dark + (0.3 * r.normal(size=3) if r.random() < 0.3 else 0), 0, 1)
    return paper.astype(np.float32), ink.astype(np.float32)


def words(r, count, face):
    p = np.array([a[2] * has(face, a[0] + a[1]) for a in ALPHABETS], float)
    small, capitals, _ = ALPHABETS[r.choice(len(ALPHABETS), p=p / p.sum())]
    shout, out = r.random() < 0.1, []
    for _ in range(count):
        w = "".join(small[i] for i in r.integers(len(small), size=min(1 + r.geometric(0.22), 12)))
        v = r.random()
        w = w.upper() if shout else capitals[r.integers(len(capitals))] + w[1:] if v < 0.15 else w
        v = r.random()
        out.append(w + ",.;:-)!?"[r.integers(8)] if v < 0.12 else f"{r.integers(10 ** r.integers(1, 5))}" if v < 0.17 else w)
    return " ".join(out)


def any_font(r, size):
    """A font and its file, which says what letters the font has."""
    face = FACES[r.integers(len(FACES))]
    return face, font(face, max(4, round(size)))


class Canvas:
    """A gray mask to draw on, `fine` times as fine as the result, and larger by a margin, so that it can be rotated."""

    def __init__(self, r, n, fine):
        self.r, self.n, self.fine = r, n, fine
        self.size = math.ceil(n * 1.3) * fine
        self.image = Image.new("L", (self.size, self.size), 0)
        self.draw = ImageDraw.Draw(self.image)

    def done(self):
        """(n, n) in [0, 1]."""
        r, image = self.r, self.image
        v = r.random()
        angle = 0 if v < 0.5 else r.normal(0, 1.5) if v < 0.85 else r.uniform(-20, 20)  # the sheet lies askew
        if angle:
            image = image.rotate(angle, Image.BICUBIC)
        side = self.n * self.fine
        # A shift by part of a pixel: letters seldom fall on the grid, unless they were drawn for a screen.
        at = [int(v) for v in r.integers(0, self.fine, 2) + (self.size - side) // (2 * self.fine) * self.fine]
        image = image.crop((at[0], at[1], at[0] + side, at[1] + side))
        image = image.resize((self.n, self.n), Image.BOX if r.random() < 0.7 else Image.LANCZOS) if self.fine > 1 else image
        a = np.asarray(image, np.float32) / 255
        v = r.random()
        return a if v < 0.4 else np.clip(blur(a, log_uniform(r, 0.25, 0.8) if v < 0.8 else log_uniform(r, 0.5, 2)), 0, 1)


def laid(mask, under, ink):
    return under + mask[:, :, None] * (ink - under)


# ---- pages ----------------------------------------------------------------------------------


def write(r, c, box, size):
    """Lines of words into a box of the canvas."""
    x0, y0, x1, y1 = box
    (face, f), lead = any_font(r, size), size * r.uniform(1.05, 1.7)
    y = y0 - r.random() * lead
    while y < y1:
        if r.random() < 0.08:  # a paragraph ends
            y += lead * r.uniform(0.3, 1)
        count = int((x1 - x0) / (2.2 * size)) + 2
        v = r.random()
        if v < 0.9:
            c.draw.text((x0 + (r.uniform(0, 3) * size if v < 0.1 else 0), y), words(r, count, face), 255, font=f)
        if r.random() < 0.04:
            c.draw.line((x0, y + 1.1 * size, x1, y + 1.1 * size), 255, max(1, round(size / 14)))
        y += lead


def page(r, n):
    paper, ink = inks(r)
    fine = int(r.choice((1, 2, 3, 4), p=(0.25, 0.3, 0.25, 0.2)))
    out = np.broadcast_to(paper, (n, n, 3))
    if r.random() < 0.25:  # uneven light, a shadow, stains
        out = np.clip(out + (smooth_field(r, n, n * log_uniform(r, 0.3, 2)) * log_uniform(r, 0.005, 0.08))[:, :, None], 0, 1)
    if r.random() < 0.1:
        grain = blur(r.normal(size=(n, n)).astype(np.float32), r.uniform(0.5, 2))
        out = np.clip(out + (grain * log_uniform(r, 0.003, 0.05))[:, :, None], 0, 1)
    c = Canvas(r, n, fine)
    if fine == 1 and r.random() < 0.3:
        c.draw.fontmode = "1"  # as fax machines and old screens show it
    size, w = log_uniform(r, 6.5, 42) * fine, c.size
    columns = int(r.choice((1, 2, 3), p=(0.75, 0.17, 0.08)))
    gap = size * r.uniform(0.8, 3)
    start = -r.random() * w * 0.3 if r.random() < 0.7 else r.random() * w * 0.4
    for k in range(columns):
        x0 = start + k * (w - start) / columns
        x1 = max(start + (k + 1) * (w - start) / columns - gap, x0 + size)
        if columns > 1 and r.random() < 0.3:
            c.draw.line((x1 + gap / 2, 0, x1 + gap / 2, w), 255, max(1, fine))
        y = 0.0
        while y < w:
            end = y + w * r.uniform(0.2, 1.5)
            s = size * (1 if r.random() < 0.75 else r.uniform(0.7, 2.5))
            c.draw.rectangle((x0, y, x1, w), 0)
            write(r, c, (x0, y, x1, end), s)
            y = end
        if k + 1 < columns and x1 < w:
            c.draw.rectangle((x1, 0, w, w), 0)  # parts beyond the margin
    if r.random() < 0.12:  # lines of a table
        step = size * r.uniform(1.2, 2), size * r.uniform(3, 8)
        for k, s in enumerate(step):
            for v in np.arange(r.random() * s, w, s):
                c.draw.line((0, v, w, v) if k == 0 else (v, 0, v, w), 255, max(1, round(fine * r.uniform(0.5, 1.5))))
    m = c.done()
    out = laid(m, out, ink)
    if r.random() < 0.08:  # a second ink
        c = Canvas(r, n, fine)
        write(r, c, (0, 0, w, w), size * r.uniform(0.5, 3))
        out = laid(c.done() * log_uniform(r, 0.1, 1), out, colour(r))
    return out


# ---- charts and line art --------------------------------------------------------------------


def chart(r, n):
    fine = int(r.integers(1, 4))
    paper, ink = inks(r)
    out = np.broadcast_to(paper, (n, n, 3))
    w = math.ceil(n * 1.3) * fine
    x = np.linspace(0, w, 60)

    def thick():
        return max(1, round(fine * log_uniform(r, 0.7, 3)))

    if r.random() < 0.6:  # a grid
        c = Canvas(r, n, fine)
        for k in range(2):
            s = fine * log_uniform(r, 5, 50)
            for v in np.arange(r.random() * s, w, s):
                c.draw.line((0, v, w, v) if k else (v, 0, v, w), 255, max(1, fine // 2))
        out = laid(c.done() * r.uniform(0.1, 1), out, ink)
    for _ in range(r.integers(1, 6)):
        c, v, t = Canvas(r, n, fine), r.random(), thick()
        y = w / 2 + w * 0.3 * (r.normal() + np.interp(x, np.linspace(0, w, 8), r.normal(size=8)))
        if v < 0.35:  # a curve, or a noisy one
            y = y + (r.normal(size=60) * w * 0.05 if r.random() < 0.4 else 0)
            c.draw.line(list(zip(x, y)), 255, t, joint="curve")
        elif v < 0.6:  # bars
            s = fine * log_uniform(r, 3, 25)
            for a in np.arange(0, w, s):
                top = w * r.random()
                c.draw.rectangle((a, top, a + s * 0.7, w), int(r.choice((255, 255, 160))), 255)
        elif v < 0.85:  # points
            q = fine * log_uniform(r, 1, 5)
            for a, b in w * r.random((r.integers(5, 80), 2)):
                if r.random() < 0.8:
                    c.draw.ellipse((a - q, b - q, a + q, b + q), 255)
                else:
                    c.draw.line((a - q, b, a + q, b), 255, t)
                    c.draw.line((a, b - q, a, b + q), 255, t)
        else:  # an area
            c.draw.polygon([*zip(x, y), (w, w), (0, w)], int(r.integers(60, 256)))
        out = laid(c.done(), out, colour(r, 0.7) if r.random() < 0.7 else ink)
    c = Canvas(r, n, fine)
    _, f = any_font(r, fine * log_uniform(r, 7, 16))
    for k in range(2):  # axes, ticks, labels
        if r.random() < 0.7:
            at, s = w * r.uniform(0.1, 0.9), fine * log_uniform(r, 10, 50)
            c.draw.line((0, at, w, at) if k else (at, 0, at, w), 255, thick())
            for v in np.arange(0, w, s):
                c.draw.line((v, at, v, at + 4 * fine) if k else (at - 4 * fine, v, at, v), 255, max(1, fine))
                if r.random() < 0.6:
                    label = f"{r.uniform(0, 100):.{r.integers(3)}f}"
                    c.draw.text((v, at + 5 * fine) if k else (at - 20 * fine, v), label, 255, font=f)
    return laid(c.done(), out, ink)


def art(r, n):
    """Drawings: strokes, hatching, plans, maps of contours, flat colours with sharp or soft outlines."""
    fine = int(r.integers(1, 5))
    paper, ink = inks(r)
    out = np.broadcast_to(paper if r.random() < 0.6 else colour(r), (n, n, 3))
    w = math.ceil(n * 1.3) * fine
    v = r.random()
    if v < 0.2:  # contours of a surface, or areas between them
        f = smooth_field(r, n * fine, n * fine * log_uniform(r, 0.15, 1))
        levels = f * log_uniform(r, 1, 8)
        if r.random() < 0.6:
            gy, gx = np.gradient(levels)
            width = np.hypot(gx, gy) * log_uniform(r, 0.5, 1.2) * fine + 1e-6
            m = np.clip(1.2 - np.abs(levels - np.rint(levels)) / width, 0, 1)
        else:
            m = (np.floor(levels) % int(r.integers(2, 5))) / 3
        m = np.asarray(Image.fromarray(m.astype(np.float32)).resize((n, n), Image.BOX))
        return laid(np.clip(m, 0, 1), out, ink)
    for _ in range(r.integers(1, 9)):
        c, v = Canvas(r, n, fine), r.random()
        t = max(1, round(fine * log_uniform(r, 0.7, 4)))
        strength = 1 if r.random() < 0.7 else log_uniform(r, 0.05, 1)
        p = w * r.random((r.integers(3, 8), 2))
        if v < 0.25:  # a bent stroke
            k = np.linspace(0, len(p) - 1, 80)
            q = np.stack([np.interp(k, range(len(p)), p[:, i]) for i in (0, 1)], 1)
            q = blur(q[:, None, :].astype(np.float32), 5)[:, 0]
            c.draw.line([tuple(a) for a in q], 255, t, joint="curve")
        elif v < 0.4:  # flat shapes
            c.draw.polygon([tuple(a) for a in p], 255)
        elif v < 0.55:
            (a, b), q, s = w * r.random(2), w * log_uniform(r, 0.03, 0.6), log_uniform(r, 0.3, 1)
            c.draw.ellipse((a - q, b - q * s, a + q, b + q * s), 255 if r.random() < 0.5 else None, 255, t)
        elif v < 0.75:  # windows, tiles, plans: straight edges in rows
            sx, sy, q = fine * log_uniform(r, 4, 40), fine * log_uniform(r, 4, 40), r.uniform(0.15, 0.9)
            shift, fill = r.random(), 255 if t < 2 * fine or q < 0.5 else None
            for a in np.arange(-r.random() * sx, w, sx):
                for b in np.arange(-shift * sy, w, sy):
                    c.draw.rectangle((a, b, a + q * sx, b + q * sy), fill, 255, min(t, max(1, int(sx / 4))))
        elif v < 0.9:  # hatching
            s, turn = fine * log_uniform(r, 2.2, 16), math.tan(r.uniform(-1.2, 1.2))
            for a in np.arange(-2 * w, 2 * w, s):
                c.draw.line((a, 0, a + turn * w, w), 255, min(t, max(1, int(s / 2))))
        else:
            write(r, c, (0, 0, w, w), fine * log_uniform(r, 10, 80))
        out = laid(c.done() * strength, out, ink if r.random() < 0.4 else colour(r))
    if r.random() < 0.2:
        out = np.clip(out + (smooth_field(r, n, n * log_uniform(r, 0.2, 2)) * log_uniform(r, 0.01, 0.2))[:, :, None], 0, 1)
    return out


# ---- stars and cells ------------------------------------------------------------------------


def hue(r):
    """A factor for each channel."""
    return (1 + r.uniform(0, 0.6) * r.uniform(-1, 1, 3)).astype(np.float32)


def stars(r, n):
    yy, xx = np.mgrid[:n, :n].astype(np.float32)
    out = np.zeros((n, n, 3), np.float32)
    fwhm, beta, exact = log_uniform(r, 1.3, 6), r.uniform(2, 5), r.random() < 0.5
    ratio, turn = r.uniform(0.85, 1), r.uniform(0, math.pi)
    alpha = fwhm / (2 * math.sqrt(2 ** (1 / beta) - 1))
    count = r.poisson(n * n * log_uniform(r, 0.0004, 0.02))
    for x, y in r.uniform(-4, n + 4, (count, 2)):
        flux = min(log_uniform(r, 0.004, 0.02) / r.random() ** log_uniform(r, 0.7, 1.3), 30)
        k = int(min(max(fwhm * 3 * (1 + math.log1p(flux)), 6), n))
        y0, y1, x0, x1 = (int(np.clip(v, 0, n)) for v in (y - k, y + k + 1, x - k, x + k + 1))
        if y0 < y1 and x0 < x1:
            a, b = xx[y0:y1, x0:x1] - x, yy[y0:y1, x0:x1] - y
            q = (a * math.cos(turn) + b * math.sin(turn)) ** 2 + ((b * math.cos(turn) - a * math.sin(turn)) / ratio) ** 2
            psf = np.exp(-2.77 * q / fwhm**2) if exact else (1 + q / alpha**2) ** -beta
            out[y0:y1, x0:x1] += psf[:, :, None] * hue(r) * flux
    for _ in range(r.poisson(0.7)):  # galaxies
        (x, y), turn, ratio = r.uniform(0, n, 2), r.uniform(0, math.pi), r.uniform(0.2, 1)
        size, a, b = n * log_uniform(r, 0.01, 0.3), xx - x, yy - y
        q = np.hypot(a * math.cos(turn) + b * math.sin(turn), (b * math.cos(turn) - a * math.sin(turn)) / ratio)
        out += np.exp(-((q / size) ** r.uniform(0.5, 1.3)))[:, :, None] * hue(r) * log_uniform(r, 0.02, 0.8)
    if r.random() < 0.5:  # nebulae, the sky's own light
        f = sum(smooth_field(r, n, n * p) * p for p in (1.0, 0.5, 0.25, 0.12)) * r.uniform(0.3, 1)
        out += np.exp(f)[:, :, None] * hue(r) * log_uniform(r, 0.005, 0.2)
    out = out * log_uniform(r, 0.3, 3) + log_uniform(r, 0.002, 0.15)
    if r.random() < 0.4:  # stretched, as astronomers show them
        k = log_uniform(r, 2, 100)
        out = np.arcsinh(out * k) / math.asinh(k)
    return np.clip(out, 0, 1)


def stain(r, n):
    """The picture of one dye, in [0, 1]."""
    yy, xx = np.mgrid[:n, :n].astype(np.float32)
    a, v = np.zeros((n, n), np.float32), r.random()
    if v < 0.45:  # bodies and nuclei, bent ellipses
        size = n * log_uniform(r, 0.03, 0.5)
        bend = smooth_field(r, n, size * 1.5), smooth_field(r, n, size * 1.5)
        k, edge, grain = r.uniform(0, 0.25) * size, log_uniform(r, 0.02, 0.6), r.uniform(0, 0.6)
        for x, y in r.uniform(-size, n + size, (r.poisson(1 + r.uniform(0.2, 1.2) * ((n + 2 * size) / (3 * size)) ** 2), 2)):
            turn, s, ratio = r.uniform(0, math.pi), size * log_uniform(r, 0.6, 1.4), r.uniform(0.5, 1)
            p, q = xx - x + k * bend[0], yy - y + k * bend[1]
            d = np.hypot(p * math.cos(turn) + q * math.sin(turn), (q * math.cos(turn) - p * math.sin(turn)) / ratio) / s
            if r.random() < 0.8:  # in front of the others
                a = np.maximum(a, r.uniform(0.3, 1) / (1 + np.exp(np.clip((d - 1) / edge * 4, -30, 30))))
            else:
                a = a + np.exp(-2 * d * d)
        a = a * (1 + grain * smooth_field(r, n, log_uniform(r, 2, 20)) * 0.4)
    elif v < 0.65:  # filaments
        fine = 2
        c = Image.new("L", (n * fine, n * fine))
        d = ImageDraw.Draw(c)
        turn, spread = r.uniform(0, 2 * math.pi), r.uniform(0.1, 3)
        for _ in range(r.integers(3, 60)):
            angle = turn + spread * r.normal() + np.cumsum(r.normal(size=60)) * r.uniform(0, 0.2)
            step = n * fine / 25
            p = np.cumsum(np.stack([np.cos(angle), np.sin(angle)], 1) * step, 0) + r.uniform(-0.5, 1, 2) * n * fine
            d.line([tuple(q) for q in p], int(r.integers(80, 256)), int(r.integers(1, 4)))
        a = np.asarray(c.resize((n, n), Image.BOX), np.float32) / 255
    elif v < 0.8:  # spots
        s = log_uniform(r, 0.7, 3)
        for x, y in r.uniform(0, n, (r.poisson(n * n * log_uniform(r, 0.0005, 0.01)), 2)):
            k = int(4 * s) + 1
            y0, y1, x0, x1 = (int(np.clip(t, 0, n)) for t in (y - k, y + k + 1, x - k, x + k + 1))
            d2 = (xx[y0:y1, x0:x1] - x) ** 2 + (yy[y0:y1, x0:x1] - y) ** 2
            a[y0:y1, x0:x1] += r.uniform(0.2, 1) * np.exp(-d2 / (2 * s * s))
    elif v < 0.9:  # membranes: between cells
        p = r.uniform(-0.2 * n, 1.2 * n, (r.integers(4, 40), 2))
        d = np.hypot(xx[:, :, None] - p[:, 0], yy[:, :, None] - p[:, 1])
        d = np.partition(d, 1, 2)
        a = np.exp(-(((d[:, :, 1] - d[:, :, 0]) / log_uniform(r, 1, 6)) ** 2)).astype(np.float32)
    else:  # haze
        a = np.exp(smooth_field(r, n, log_uniform(r, 4, n)) * r.uniform(0.2, 1))
    a = blur(a, log_uniform(r, 0.5, 4))
    top = a.max()
    return a / top if top > 1e-3 else a


def cells(r, n):
    out = np.full((n, n, 3), log_uniform(r, 0.001, 0.2), np.float32)
    if r.random() < 0.5:
        out += (np.exp(smooth_field(r, n, n * log_uniform(r, 0.2, 1))) * log_uniform(r, 0.003, 0.1))[:, :, None]
    for _ in range(r.integers(1, 4)):
        dye = np.eye(3, dtype=np.float32)[r.integers(3)] if r.random() < 0.5 else colour(r)
        out += stain(r, n)[:, :, None] * dye * log_uniform(r, 0.1, 1.2)
    if r.random() < 0.4:  # a camera of one channel
        out[:] = out.max(2, keepdims=True)
    return np.clip(out * log_uniform(r, 0.5, 1.5), 0, 1)


KINDS = {"page": (page, 0.34), "chart": (chart, 0.12), "art": (art, 0.18), "stars": (stars, 0.12), "cells": (cells, 0.24)}
FACES = []


def begin(directory=FONTS, without=()):
    """The fonts for pages: all below `directory` that can draw text."""
    odd = ("symbol", "math", "initial", *without)
    FACES[:] = [f for f in fonts(directory) if not any(w and w in f.lower() for w in odd) and has(f, ALPHABETS[0][0])]


def draw(r, n):
    """A picture and the name of its kind."""
    kind = list(KINDS)[r.choice(len(KINDS), p=[p for _, p in KINDS.values()])]
    return np.asarray(KINDS[kind][0](r, n), np.float32), kind


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("out")
    ap.add_argument("--kinds", default=",".join(KINDS))
    ap.add_argument("--count", type=int, default=8, help="of each kind")
    ap.add_argument("--size", type=int, default=256)
    ap.add_argument("--seed", type=int, default=0)
    ap.add_argument("--fonts", default=FONTS, metavar="DIR", help=f"searched recursively (default: {FONTS})")
    ap.add_argument("--without", default="", metavar="WORDS", help="fonts whose path has one of these words are left out")
    a = ap.parse_args()
    begin(a.fonts, tuple(a.without.lower().split(",")))
    os.makedirs(a.out, exist_ok=True)
    for kind in a.kinds.split(","):
        for k in range(a.count):
            r = np.random.default_rng((a.seed, list(KINDS).index(kind), k))
            picture = Image.fromarray(np.rint(KINDS[kind][0](r, a.size) * 255).astype(np.uint8))
            picture.save(os.path.join(a.out, f"{kind}-{k}.png"))


if __name__ == "__main__":
    sys.exit(main())
