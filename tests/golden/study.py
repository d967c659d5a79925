#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 The Lacuna authors
"""The laws of samplers on Gaussian targets, for tests/cli/oracle.sh: an oracle of lacuna-study(1) that shares no code with it.

Usage: tests/golden/study.py > tests/golden/study.tsv	(numpy)

Every step is u' = F u + g + L z with matrices from the papers' formulas, so mean and covariance are computed exactly, in
double precision.  Output: a line "@ OPTIONS" for each study, then its rows: curve, steps, KL(truth || sampler), errors of mean
and covariance, W_bias ("-": the sampler uses no guidance)."""

import numpy as np


def target(d, mean=0.0, variance=1.0, correlation=0.5):
    return np.full(d, mean), variance * (correlation + (1 - correlation) * np.eye(d))


def condition(m, s, h, y, n):
    k = s @ h.T @ np.linalg.inv(h @ s @ h.T + n * n * np.eye(len(h)))
    return m + k @ (y - h @ m), s - k @ h @ s


def kl(mq, cq, mp, cp):
    e = mp - mq
    return 0.5 * (np.trace(np.linalg.solve(cp, cq)) + e @ np.linalg.solve(cp, e) - len(e)
                  + np.linalg.slogdet(cp)[1] - np.linalg.slogdet(cq)[1])


def etc(steps, c, delta):
    r, product, levels = c * np.log(steps) / steps, 1.0, []
    for t in range(1, steps + 1):
        product *= 1 - (delta if t == 1 else r * min(delta * (1 + r) ** t, 1))
        levels.append(np.sqrt((1 - product) / product))
    return levels[::-1]


def edm(steps, hi=20.0, lo=0.002, rho=7.0):
    a, b = hi ** (1 / rho), lo ** (1 / rho)
    return [(a + k / (steps - 1) * (b - a)) ** rho for k in range(steps)]


class Study:
    def __init__(self, m, s, h, y, n):
        self.m, self.s, self.h, self.y, self.n = m, s, np.array(h, float), np.array(y, float), n
        self.d = len(m)
        self.eye = np.eye(self.d)
        self.post = condition(m, s, self.h, self.y, n)

    # every estimate is a pair G, a: E(u) = G u + a

    def denoise(self, sigma):
        g = self.s @ np.linalg.inv(self.s + sigma ** 2 * self.eye)
        return g, self.m - g @ self.m

    def exact(self, sigma, s):
        m, c = self.post
        g = c @ np.linalg.inv(c + sigma ** 2 * self.eye)
        return g, m - g @ m

    def none(self, sigma, s):
        return self.denoise(sigma)

    def measured(self, least):
        """The singular values for which least() is true, and their right singular vectors."""
        value = np.zeros(self.d)
        _, sv, vt = np.linalg.svd(self.h)
        value[:len(sv)] = sv
        seen = np.array([v > 1e-3 * sv[0] and least(v, sv[0]) for v in value])
        return vt[seen], value[seen]

    def ddnm(self, sigma, s):
        g, a = self.denoise(sigma)
        v, sv = self.measured(lambda s_, top: True)
        pinv = v.T @ np.diag(sv ** -2) @ v @ self.h.T
        p = v.T @ v
        return (self.eye - p) @ g, (self.eye - p) @ a + pinv @ self.y

    def ccdf(self, sigma, s):
        g, a = self.ddnm(sigma, s)
        v, sv = self.measured(lambda s_, top: True)
        pinv_y = v.T @ np.diag(sv ** -2) @ v @ self.h.T @ self.y
        w = (s / sigma) ** 2
        return g - w / (1 - w) * v.T @ v, a + w / (1 - w) * pinv_y

    def bo(self, sigma, s, threshold=1e6, spread=0.25):
        g, a = self.denoise(sigma)
        v, sv = self.measured(lambda s_, top: self.n / s_ < threshold * spread * s_ / top)
        p = v.T @ v
        w = v.T @ np.diag(sigma ** 2 * sv ** 2 / (sigma ** 2 * sv ** 2 + self.n ** 2)) @ v
        pinv_y = v.T @ np.diag(sv ** -2) @ v @ self.h.T @ self.y
        return g - p @ g + p - w, a - p @ a + w @ pinv_y

    def prox(self, sigma, s, spread=0.25):
        g, a = self.denoise(sigma)
        rho = max(self.n ** 2 * (1 / sigma ** 2 + 1 / spread ** 2), 1e-5)
        q = np.linalg.inv(self.h.T @ self.h + rho * self.eye)
        return rho * q @ g, q @ (self.h.T @ self.y + rho * a)

    def dmps(self, sigma, s):
        g, a = self.denoise(sigma)
        k = sigma ** 2 * self.h.T @ np.linalg.inv(sigma ** 2 * self.h @ self.h.T + self.n ** 2 * np.eye(len(self.h)))
        return g - k @ self.h, a + k @ self.y

    def pigdm(self, sigma, s, spread=1.0):
        g, a = self.denoise(sigma)
        r2 = 1 / (1 / sigma ** 2 + 1 / spread ** 2)
        k = sigma ** 2 * g.T @ self.h.T @ np.linalg.inv(r2 * self.h @ self.h.T + self.n ** 2 * np.eye(len(self.h)))
        return g - k @ self.h @ g, a + k @ (self.y - self.h @ a)

    # samplers: mean and covariance of the result, and W_bias

    def ddpm(self, guidance, levels, variance, smear, **options):
        m, c, bias = np.zeros(self.d), (1 + levels[0] ** 2) * self.eye, 0.0
        path = levels + ([] if smear else [0.0])
        for sigma, s in zip(path, path[1:]):
            g, a = getattr(self, guidance)(sigma, s, **options)
            w = (s / sigma) ** 2
            f = (1 - w) * g + w * self.eye
            sd2 = {"theory": sigma ** 2 - s ** 2, "small": s ** 2 * (1 - w)}[variance] if s > 0 else 0
            m, c = f @ m + (1 - w) * a, f @ c @ f.T + sd2 * self.eye
            gt, at = self.exact(sigma, s)
            e = (gt - g) @ self.post[0] + at - a
            square = np.trace((gt - g) @ (self.post[1] + sigma ** 2 * self.eye) @ (gt - g).T) + e @ e
            bias += (sigma ** 2 - s ** 2) / (2 * sigma ** 4) * square
        return m, c, bias

    def ddnm_plus(self, levels, smear):
        v, sv = self.measured(lambda s_, top: True)
        pinv_y = v.T @ np.diag(sv ** -2) @ v @ self.h.T @ self.y
        m, c = np.zeros(self.d), (1 + levels[0] ** 2) * self.eye
        path = levels + ([] if smear else [0.0])
        for sigma, s in zip(path, path[1:]):
            g, a = self.denoise(sigma)
            w, sd = (s / sigma) ** 2, np.sqrt(sigma ** 2 - s ** 2) if s > 0 else 0.0
            noise = self.n / sv
            move = np.minimum(1, sd / ((1 - w) * noise))
            if s == 0:
                move = 0 * move
            l = v.T @ np.diag(move) @ v
            f = (1 - w) * (g - l @ g) + w * self.eye
            b = (1 - w) * (a - l @ a + l @ pinv_y)
            fresh = sd ** 2 * self.eye - v.T @ np.diag(((1 - w) * move * noise) ** 2) @ v
            m, c = f @ m + b, f @ c @ f.T + fresh
        return m, c, None

    def gibbs(self, steps, rho_max=1.0, rho_min=0.02, part=1.0):
        hth, n = self.h.T @ self.h, max(self.n, 1e-3)
        ones = np.ones(self.d)
        seen = self.h @ ones
        middle = (self.y @ seen) / (seen @ seen)
        left = self.y - middle * seen
        rho = max(n * n / ((left @ left) / (seen @ seen)), 1e-4)
        m = middle * ones + np.linalg.solve(hth + rho * self.eye, self.h.T @ left)
        c = np.zeros((self.d, self.d))
        for k in range(steps):
            rho = rho_max * (rho_min / rho_max) ** (k / (steps - 1))
            q = np.linalg.inv(hth / n ** 2 + self.eye / rho ** 2)
            m, c = q @ (self.h.T @ self.y / n ** 2 + m / rho ** 2), q @ c @ q.T / rho ** 4 + q
            g, a = self.denoise(rho)
            half = part * rho ** 2 / 2 if k + 1 < steps else 0.0
            m, c = g @ m + a, g @ (c + half * self.eye) @ g.T + half * self.eye
        return m, c, None

    def bridge(self, levels, smear):
        _, sv, vt = np.linalg.svd(self.h)
        value = np.zeros(self.d)
        value[:len(sv)] = sv
        seen = value > 1e-3 * sv[0]
        noise = np.where(seen, self.n / np.where(seen, value, 1), np.inf)
        ybar = np.where(seen, vt @ self.h.T @ self.y / np.where(seen, value, 1) ** 2, 0)
        top = levels[0]
        begin = noise < top
        m = vt.T @ np.where(begin, ybar, 0)
        c = vt.T @ np.diag(np.where(begin, top ** 2 - np.where(begin, noise, 0) ** 2, top ** 2)) @ vt
        path = levels + ([] if smear else [0.0])
        for sigma, s in zip(path, path[1:]):
            state, take, var = np.zeros(self.d), np.zeros(self.d), np.zeros(self.d)
            for i, n in enumerate(noise):
                if n >= sigma:
                    state[i], take[i], var[i] = (s / sigma) ** 2, 0, s * s * (1 - (s / sigma) ** 2)
                elif n > s:
                    state[i], take[i], var[i] = 0, (s / n) ** 2, s * s * (1 - (s / n) ** 2)
                else:
                    keep = (s * s - n * n) / (sigma ** 2 - n * n)
                    state[i], take[i], var[i] = keep, 1 - keep, keep * (sigma ** 2 - s * s)
            g, a = self.denoise(sigma)
            keep, move = vt.T @ np.diag(state) @ vt, vt.T @ np.diag(take) @ vt
            rest = self.eye - keep - move
            f = rest @ g + keep
            m, c = f @ m + rest @ a + move @ (vt.T @ ybar), f @ c @ f.T + vt.T @ np.diag(var) @ vt
        return m, c, None


def rows_text(h):
    return ";".join(" ".join("%g" % v for v in row) for row in h)


def show(study, options, smear, cases):
    print("@ " + options)
    m, c = study.post
    c = c + smear ** 2 * study.eye
    for curve, steps, (mean, cov, bias) in cases:
        print("\t".join([curve, str(steps), "%.8g" % kl(m, c, mean, cov), "%.8g" % np.linalg.norm(mean - m),
                         "%.8g" % np.linalg.norm(cov - c), "-" if bias is None else "%.8g" % bias]))


def main():
    papers = "schedule=etc,from=noise,finish=none"
    operators = [
        ([[1, 0, 0, 0], [0, 1, 0, 0]], [0.4, -0.7]),
        ([[0.5, 0.25, 0, 0.25], [0.25, 0.5, 0.25, 0], [0, 0.25, 0.5, 0.25], [0.25, 0, 0.25, 0.5]], [0.3, 0.1, -0.2, 0]),
        ([[0.5, 0.5, 0, 0], [0, 0, 0.5, 0.5]], [0.8, -0.1]),
        # one row more than columns
        ([[1, 0, 0, 0], [0, 0.8, 0, 0], [0, 0, 0.6, 0], [0, 0, 0, 0.4], [0.5, 0.5, 0.5, 0.5]], [0.2, -0.3, 0.5, 0.1, 0.3]),
    ]
    steps = [50, 200]
    for h, y in operators:
        study = Study(*target(4), h, y, 0.05)
        head = "-A 'matrix:rows=%s' -n 0.05 -y '%s'" % (rows_text(h), " ".join("%g" % v for v in y))
        tail = " --steps %s --chains 16" % ",".join(map(str, steps))
        smear = etc(50, 3, 1e-4)[-1]
        guidances = ["ddnm", "ccdf", "bo", "prox", "dmps", "pigdm", "exact"]
        cases = [(g, t, study.ddpm(g, etc(t, 3, 1e-4), "theory", smear)) for g in guidances for t in steps]
        cases += [("ddnm-plus", t, study.ddnm_plus(etc(t, 3, 1e-4), smear)) for t in steps]
        cases += [("bridge", t, study.bridge(etc(t, 3, 1e-4), smear)) for t in steps]
        show(study, head + " -g ddnm -g ccdf -g bo=bo:threshold=1e6 -g prox -g dmps -g pigdm=pigdm:spread=1 -g exact"
             " -s ddpm:%s,variance=theory -s ddnm-plus:%s,variance=theory -s bridge:%s --smear %.15g"
             % (papers, papers, papers, smear) + tail, smear, cases)
        cases = [("ddpm", t, study.ddpm("exact", edm(t), "small", 0)) for t in steps]
        cases += [("gibbs", t, study.gibbs(t)) for t in steps]
        cases += [("halved", t, study.gibbs(t, part=0.5)) for t in steps]
        show(study, head + " -g exact -s ddpm:from=noise -s gibbs:rho_max=1,rho_min=0.02"
             " -s halved=gibbs:rho_max=1,rho_min=0.02,noise_first=0.5,noise_last=0.5" + tail, 0, cases)
    # a target with a mean that is not 0, and bo with its threshold
    study = Study(*target(3, 0.3, 0.5, 0.2), [[1, 0.5, 0], [0, 0.2, 0.1]], [0.6, 0.1], 0.1)
    cases = [(g, t, study.ddpm(g, edm(t), "small", 0)) for g in ("none", "bo", "exact") for t in steps]
    cases[2:4] = [("bo", t, study.ddpm("bo", edm(t), "small", 0, threshold=3)) for t in steps]
    show(study, "-t gaussian:dim=3,mean=0.3,variance=0.5,correlation=0.2 -A 'matrix:rows=1 0.5 0;0 0.2 0.1' -n 0.1"
         " -y '0.6 0.1' -g none -g bo -g exact -s ddpm:from=noise --steps 50,200 --chains 16", 0, cases)
    # a white target: pigdm is exact if its spread is right
    study = Study(*target(3, 0.3, 0.25, 0), [[1, 0.5, 0], [0, 0.2, 0.1]], [0.6, 0.1], 0.1)
    cases = [("pigdm", t, study.ddpm("exact", edm(t), "small", 0)) for t in steps]
    cases += [("wide", t, study.ddpm("pigdm", edm(t), "small", 0)) for t in steps]
    show(study, "-t gaussian:dim=3,mean=0.3,variance=0.25,correlation=0 -A 'matrix:rows=1 0.5 0;0 0.2 0.1' -n 0.1"
         " -y '0.6 0.1' -g pigdm -g wide=pigdm:spread=1 -s ddpm:from=noise --steps 50,200 --chains 16", 0, cases)


main()
