#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 The Lacuna authors
"""The images that a denoiser gets inside a restoration, for training.

Plug-and-play restoration (sampler hqs) hands the prior the solution of

	argmin_x ||y - A x||^2 + rho ||x - z||^2,	rho = lambda noise^2/sigma^2,

with z from the round before.  The error of this image is not white noise of level sigma.  It consists of the noise that the
operator passes and of wrong guesses of the prior itself.  Rounds() runs a number of such restorations, each with a random
operator.  Every training step advances them by one round, so the network learns from its own errors.
"""

import math

import numpy as np
import torch

from network import SIGMA_DATA, SIGMA_MAX, SIGMA_MIN, denoise

LEAST_NOISE = 0.255 / 255  # as in hqs


def log_uniform(r, a, b):
    return math.exp(r.uniform(math.log(a), math.log(b)))


# ---- operators: y = mask (kernel * x), periodic -----------------------------------------------


def motion(r, n):
    """The path of a shaken camera: a random walk with inertia, n points at unit steps in time."""
    v, p, path = r.normal(size=2), np.zeros(2), []
    inertia = r.uniform(0.6, 0.97)
    for _ in range(n):
        v = inertia * v + (1 - inertia) * 3 * r.normal(size=2)
        if r.random() < 0.02:
            v = -v
        p = p + v
        path.append(p)
    return np.array(path)


def shaken(r, n, xx, yy):
    size = r.uniform(5, min(28, n / 3))
    path = motion(r, 64)
    path = (path - path.mean(0)) * (size / max(np.ptp(path, axis=0).max(), 1e-6))
    fine = np.linspace(0, 63, 640)
    weight = np.exp(r.uniform(0, 0.7) * np.interp(fine, np.linspace(0, 63, 6), r.normal(size=6)))
    y, x = (np.interp(fine, np.arange(64), path[:, i]) for i in (0, 1))
    fy, fx = np.floor(y), np.floor(x)
    k = np.zeros((n, n))
    for dy in (0, 1):
        for dx in (0, 1):
            w = weight * np.abs(1 - dy - (y - fy)) * np.abs(1 - dx - (x - fx))
            np.add.at(k, ((fy + dy).astype(int) % n, (fx + dx).astype(int) % n), w)
    soft = np.exp(-(xx**2 + yy**2) / (2 * r.uniform(0.3, 0.8) ** 2))
    return np.real(np.fft.ifft2(np.fft.fft2(k) * np.fft.fft2(soft)))


def gaussian(r, n, xx, yy):
    a, s = r.uniform(0, math.pi), [log_uniform(r, 0.5, 3.5)] * 2
    if r.random() < 0.4:
        s[1] = log_uniform(r, 0.5, 3.5)
    u, v = xx * math.cos(a) + yy * math.sin(a), yy * math.cos(a) - xx * math.sin(a)
    return np.exp(-((u / s[0]) ** 2 + (v / s[1]) ** 2) / 2)


def disk(r, n, xx, yy):
    return np.clip(r.uniform(1, 6) + 0.5 - np.hypot(xx, yy), 0, 1)


def box(r, n, xx, yy):
    h, w = r.integers(1, 6, 2)
    return ((np.abs(yy) <= h) & (np.abs(xx) <= w)).astype(float)


def kernel(r, n):
    """A periodic kernel of sum 1 on n x n, centred at (0, 0)."""
    f = np.fft.fftfreq(n) * n
    yy, xx = np.meshgrid(f, f, indexing="ij")
    t = r.random()
    draw = shaken if t < 0.6 else gaussian if t < 0.8 else disk if t < 0.9 else box
    k = draw(r, n, xx, yy)
    return k / k.sum()


def scratch(r, n):
    a, w = r.uniform(0, math.pi), r.uniform(0.5, 3)
    yy, xx = np.mgrid[:n, :n]
    return np.abs((xx - r.uniform(0, n)) * math.cos(a) + (yy - r.uniform(0, n)) * math.sin(a)) < w


def holes(r, n):
    t = r.random()
    if t < 0.75:
        return r.random((n, n)) < r.uniform(0.2, 0.9)
    hole = np.zeros((n, n), bool)
    for _ in range(r.integers(1, 8)):
        if t < 0.9:
            h, w = (int(log_uniform(r, 3, n * 0.4)) for _ in range(2))
            y, x = r.integers(0, n - h), r.integers(0, n - w)
            hole[y : y + h, x : x + w] = True
        else:
            hole |= scratch(r, n)
    return hole


def lattice(r, n):
    """Lost resolution: a blur, and the mask of the pixels that remain."""
    every = r.integers(2, 5)
    f = np.fft.fftfreq(n) * n
    g = np.exp(-((f / every) ** 2) * r.uniform(2, 5))
    mask = np.zeros((n, n), bool)
    mask[every // 2 :: every, every // 2 :: every] = True
    return np.outer(g, g) / g.sum() ** 2, mask


# Blurred; incomplete; both (lost resolution is an example of both).
KINDS = ("blur", "holes", "part")


class Restoration:
    """One patch x (c, n, n), its operator and its measurement.  levels: the least and the greatest sigma."""

    def __init__(self, r, x, levels, filler):
        n, t = x.shape[-1], r.random()
        blur = mask = None
        noise = log_uniform(r, 0.5, 14) / 255
        if t < 0.65:
            self.kind, blur = "blur", kernel(r, n)
        elif t < 0.83:
            noise = 0 if r.random() < 0.6 else noise
            self.kind, mask = "holes", ~holes(r, n)
        elif t < 0.93:
            self.kind, noise = "part", log_uniform(r, 0.2, 6) / 255
            blur, mask = lattice(r, n)
        else:
            self.kind, blur, mask = "part", kernel(r, n), ~holes(r, n)
        self.x = x
        self.otf = None if blur is None else torch.from_numpy(np.fft.rfft2(blur)).to(x.device, torch.complex64)
        self.mask = None if mask is None else torch.from_numpy(mask.astype(np.float32)).to(x.device)
        self.noise = max(noise, LEAST_NOISE)
        self.scale = log_uniform(r, 0.15, 0.5) * self.noise**2  # lambda noise^2
        y = self.apply(x) + noise * torch.randn_like(x)
        y = y if mask is None else y * self.mask
        self.b = self.adjoint(y)
        half = torch.full_like(x, 0.5)
        last, first = max(self.noise, 0.01), log_uniform(r, 0.15, 0.35)
        if self.kind == "holes":
            first = max(log_uniform(r, 0.04, 0.15), last)
            sigma = torch.where(self.mask > 0, max(self.noise, SIGMA_MIN), SIGMA_MAX)
            self.z = filler(torch.where(self.mask > 0, y, half), sigma.expand_as(x))
        else:
            rho = max((self.noise / SIGMA_DATA) ** 2, 1e-4)
            self.z = self.solve(rho, self.b + rho * half, half)
        self.sigmas = np.clip(np.geomspace(first, last, r.integers(3, 13)), *levels)
        self.at = 0

    def apply(self, x):
        if self.otf is not None:
            x = torch.fft.irfft2(torch.fft.rfft2(x) * self.otf, s=x.shape[-2:])
        return x if self.mask is None else x * self.mask

    def adjoint(self, y):
        y = y if self.mask is None else y * self.mask
        return y if self.otf is None else torch.fft.irfft2(torch.fft.rfft2(y) * self.otf.conj(), s=y.shape[-2:])

    def solve(self, rho, b, x):
        """(A'A + rho) x = b."""
        if self.mask is None:
            return torch.fft.irfft2(torch.fft.rfft2(b) / (self.otf.abs() ** 2 + rho), s=b.shape[-2:])
        if self.otf is None:
            return b / (self.mask + rho)
        r = b - self.adjoint(self.apply(x)) - rho * x
        p, rr = r, (r * r).sum()
        for _ in range(15):
            if rr < 1e-10:
                break
            q = self.adjoint(self.apply(p)) + rho * p
            a = rr / (p * q).sum()
            x, r = x + a * p, r - a * q
            new = (r * r).sum()
            p, rr = r + new / rr * p, new
        return x

    def seen(self):
        """The input of the denoiser and the sigma that it is told."""
        sigma = float(self.sigmas[self.at])
        rho = self.scale / sigma**2
        return self.solve(rho, self.b + rho * self.z, self.z), sigma

    def go_on(self, z):
        """Returns False after the last round."""
        self.z, self.at = z, self.at + 1
        return self.at < len(self.sigmas)


class Rounds:
    """`count` restorations, each at a different round.  draw(): a clean patch; levels: the least and the greatest sigma;
    general: the network that fills in holes."""

    def __init__(self, count, draw, rng, levels, general, device, autocast):
        self.draw_patch, self.rng, self.levels, self.device = draw, rng, levels, device

        @torch.no_grad()
        def filler(u, sigma):
            return denoise(general, u[None], sigma[None], autocast)[0]

        self.filler = filler
        self.all = [self.fresh() for _ in range(count)]

    def fresh(self):
        return Restoration(self.rng, torch.from_numpy(self.draw_patch()).to(self.device), self.levels, self.filler)

    def batch(self):
        """x, u, sigma as maps, kinds."""
        seen = [r.seen() for r in self.all]
        x = torch.stack([r.x for r in self.all])
        s = torch.stack([torch.full_like(r.x, sigma) for r, (_, sigma) in zip(self.all, seen)])
        kinds = [f"{r.kind} {round(2 * math.log2(sigma)):+03d}" for r, (_, sigma) in zip(self.all, seen)]
        return x, torch.stack([u for u, _ in seen]), s, kinds

    def go_on(self, d):
        self.all = [r if r.go_on(z) else self.fresh() for r, z in zip(self.all, d)]
