#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 The Lacuna authors
"""Train a prior for `unet`: a denoiser of known noise, E[x | x + sigma n = u], sigma given per pixel.

    train.py --images DIR --out RUN [--channels 1] [--minutes 60]
    train.py --out RUN --resume                     continues a run that was stopped
    train.py --images DIR --out RUN --init W        starts from weights in safetensors
    train.py ... --init W --blocks 4                  ... of a smaller network, and enlarges it

It writes RUN/checkpoint.pt, log.tsv and weights.safetensors (the averaged weights) every --save minutes.
"""

import argparse
import json
import math
import os
import sys
import time

import numpy as np
import torch
import torch.nn.functional as F

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import photos
import synthetic
from network import SIGMA_MAX, SIGMA_MIN, Unet, denoise, is_about, load_weights, save_weights, sigma_range
from restoration import KINDS, Rounds, log_uniform, scratch

SCALES = (1, 0.8, 0.62, 0.47, 0.35)
SCALE_WEIGHTS = (0.15, 0.2, 0.25, 0.25, 0.15)
CHROMA_WEIGHTS = (0.02, 0.04, 0.14, 0.45, 0.35)  # JPEG stores colour at half the resolution: shrink until colour is sharp, too


# ---- clean patches --------------------------------------------------------------------------


def detail(a):
    return np.abs(np.diff(a[::4, :, 1].astype(np.int16), axis=1)).sum()


def ripples(r, n):
    """A bent field of stripes or checks, in [-1, 1], of varying strength: cloth, facades, gratings."""

    def smooth(k):
        g = torch.from_numpy(r.normal(size=(1, 1, k, k)))
        return F.interpolate(g, (n, n), mode="bicubic", align_corners=True)[0, 0].numpy()

    yy, xx = np.mgrid[:n, :n]
    turn, period = r.uniform(0, 2 * math.pi), log_uniform(r, 2.2, 14)
    out = 1
    for k in range(1 if r.random() < 0.7 else 2):
        angle = turn + k * math.pi / 2
        phase = (xx * math.cos(angle) + yy * math.sin(angle)) * (2 * math.pi / period) + smooth(3) * r.uniform(0, 4)
        sharp = log_uniform(r, 0.3, 4)
        out = out * np.tanh(sharp * np.sin(phase)) / math.tanh(sharp)
    return out / (1 + np.exp(-4 * (smooth(r.integers(2, 5)) + r.uniform(-0.5, 1.5))))


def recoloured(r, a):
    """Another hue and saturation at the same brightness: photographs are paler than the objects they show."""
    gray = a @ np.float32([0.299, 0.587, 0.114])[:, None]
    q = np.eye(3) - 1 / 3  # rotation about the gray axis
    k = np.array([[0, -1, 1], [1, 0, -1], [-1, 1, 0]]) / math.sqrt(3)
    t = r.normal(0, 0.3) if r.random() < 0.7 else r.uniform(0, 2 * math.pi)
    turned = (a - gray) @ (math.cos(t) * q + math.sin(t) * k).T.astype(np.float32)
    return np.clip(gray + turned * np.float32(log_uniform(r, 0.7, 3)), 0, 1)


class Patches:
    def __init__(self, cache, channels, size, rng, synthetic_part=0, chroma=False, ripples_part=0.04):
        self.flat = np.load(cache + ".npy", mmap_mode="r")
        self.table = np.load(cache + ".table.npy")
        self.table = self.table[(self.table[:, 1] >= size) & (self.table[:, 2] >= size)]
        if not len(self.table):
            raise SystemExit(f"no image is as large as a patch ({size} px)")
        # Within a scale, proportional to the root of the area: large images show more, but not in proportion, and
        # a few of them must not displace the rest.  Between scales, by SCALE_WEIGHTS.
        side = np.sqrt(self.table[:, 1] * self.table[:, 2])
        p = np.zeros(len(side))
        for s, w in zip(SCALES, CHROMA_WEIGHTS if chroma else SCALE_WEIGHTS):
            m = self.table[:, 3] == s
            if m.any():
                p[m] = w * side[m] / side[m].sum()
        self.p = np.cumsum(p / p.sum())
        self.channels, self.size, self.rng = channels, size, rng
        self.synthetic_part, self.chroma, self.ripples_part = synthetic_part, chroma, ripples_part

    def photograph(self):
        """(size, size, 3) in [0, 1]."""
        r, n = self.rng, self.size
        at, h, w, _ = self.table[min(np.searchsorted(self.p, r.random()), len(self.p) - 1)]
        at, h, w = int(at), int(h), int(w)
        a = self.flat[at : at + 3 * h * w].reshape(h, w, 3)
        # Half of the time, the one of two places with more detail: photographs are mostly sky and blur, which are soon learnt.
        places = [(r.integers(h - n + 1), r.integers(w - n + 1)) for _ in range(r.integers(1, 3))]
        a = max((a[y : y + n, x : x + n] for y, x in places), key=detail).astype(np.float32)
        a = np.rot90(a, r.integers(4))
        if r.random() < 0.5:
            a = a[:, ::-1]
        # Photographs have only 256 levels; random fractions fill the gaps.
        a = (a + r.random(a.shape, np.float32) - 0.5) / 255
        return recoloured(r, a) if self.chroma and r.random() < 0.5 else a

    def draw(self):
        return self.draw_kind()[0]

    def draw_kind(self):
        """A clean patch and its kind: one of synthetic.py, or "" for a photograph."""
        r, n = self.rng, self.size
        if r.random() < self.synthetic_part:
            a, kind = synthetic.draw(r, n)
        else:
            a, kind = self.photograph(), ""
        if self.channels == 1:
            if r.random() < 0.75:
                mix = np.float32([0.299, 0.587, 0.114])
            else:
                mix = r.dirichlet((1, 1, 1)).astype(np.float32)
            a = (a @ mix)[:, :, None]
        elif r.random() < 0.1:  # false colours, and gray images in colour files
            a = a[:, :, r.permutation(3)] if r.random() < 0.6 else np.repeat(a.mean(2, keepdims=True), 3, 2)
        if r.random() < self.ripples_part:  # regular texture, which is rare in photographs of landscapes
            texture = log_uniform(r, 0.02, 0.3) * ripples(r, n)[:, :, None] * r.uniform(0.6, 1, a.shape[2])
            a = np.clip(a + texture, 0, 1).astype(np.float32)
        t = r.random()
        if t < 0.15:  # dark fields, faint contrast, strong pedestals
            gain = math.exp(r.uniform(math.log(0.08), 0))
            a = a * gain + r.uniform(0, 1 - gain)
        elif t < 0.3:
            a = np.clip(a * r.uniform(0.8, 1.4) + r.uniform(-0.15, 0.1), 0, 1)
        if r.random() < 0.05:
            a = 1 - a
        return np.ascontiguousarray(a.transpose(2, 0, 1)), kind


# ---- maps of sigma --------------------------------------------------------------------------


EMPHASIS = {"smooth": 0.5, "box": 0.25, "lines": 0.4, "random 0": 0.25}  # other random ones: 0.5


def emphasis(kind):
    """True if the image must be guessed.  Errors are then coherent over many pixels, and their gradient is several times larger
    than at moderate noise, where it would only disturb."""
    if kind.split()[0] in KINDS:
        return 1
    if kind.startswith("uniform"):
        return 1 / (1 + 2.5 * min(2 ** (int(kind.split()[1]) / 2), 4))
    return EMPHASIS.get(kind, 0.5)


def is_fine(kind):
    """True if errors are local: see Levels."""
    if kind.startswith("uniform"):
        return int(kind.split()[1]) <= -3  # sigma below 0.4
    return kind in ("random 0", "random 1", "random 2", "random 3", "lines")


def sigma_map(r, c, n, only=None, left=None):
    """One map (c, n, n), and the bin that counts its loss.  only: kind and range of an expert that is trained; left: range of
    sigma that has an expert of its own, so more samples have maps."""

    def uniform(s):
        return np.full((c, n, n), s, np.float32), f"uniform {round(2 * math.log2(s)):+03d}"

    if only and only != "map":
        return uniform(log_uniform(r, *sigma_range(only)))
    t = 0.55 + 0.45 * r.random() if only or left and r.random() < 0.5 else r.random()
    if t < 0.55:  # one level everywhere; mostly in the range that restoration uses
        v = r.random()
        s = log_uniform(r, *((0.02, 0.3) if v < 0.5 else (0.004, 0.6) if v < 0.8 else (SIGMA_MIN, SIGMA_MAX)))
        while left and sigma_range(left)[0] <= s < sigma_range(left)[1]:
            s = log_uniform(r, SIGMA_MIN, SIGMA_MAX)
        return uniform(s)
    if t < 0.59:  # levels that change slowly, over up to three decades
        k = r.integers(2, 6)
        g = torch.from_numpy(r.normal(size=(1, 1, k, k)).astype(np.float32))
        g = F.interpolate(g, (n, n), mode="bicubic", align_corners=True)[0]
        s = log_uniform(r, 0.01, 0.5) * torch.exp(g * r.uniform(0.2, 1.5)).numpy()
        return np.repeat(np.clip(s, SIGMA_MIN, SIGMA_MAX), c, 0).astype(np.float32), "smooth"
    # Known and missing pixels.
    known = SIGMA_MIN if r.random() < 0.5 else log_uniform(r, SIGMA_MIN, 0.2)
    missing = SIGMA_MAX if r.random() < 0.6 else log_uniform(r, max(2 * known, 0.02), SIGMA_MAX)
    shared = c == 1 or r.random() < 0.6
    planes = 1 if shared else c
    if t < 0.83:
        f = r.uniform(0.1, 0.95)
        hole = r.random((planes, n, n)) < f
        kind = f"random {int(f * 5)}"
    elif t < 0.94:
        hole = np.zeros((planes, n, n), bool)
        for _ in range(r.integers(1, 4)):
            h, w = (int(log_uniform(r, 3, n * 0.6)) for _ in range(2))
            y, x = r.integers(-h // 2, n - h // 2), r.integers(-w // 2, n - w // 2)
            hole[:, max(y, 0) : y + h, max(x, 0) : x + w] = True
        kind = "box"
    else:
        yy, xx = np.mgrid[:n, :n]
        if r.random() < 0.5:  # scratches
            hole = np.zeros((n, n), bool)
            for _ in range(r.integers(1, 12)):
                hole |= scratch(r, n)
            hole = np.repeat(hole[None], planes, 0)
        else:  # lattices: one pixel of k by l is known; per channel this is a colour filter array
            k, l = r.integers(1, 5), r.integers(1, 5)
            hole = np.stack([((yy + r.integers(k)) % k != 0) | ((xx + r.integers(l)) % l != 0) for _ in range(planes)])
        kind = "lines"
    s = np.where(hole, np.float32(missing), np.float32(known))
    return np.repeat(s, c // planes, 0).astype(np.float32), kind


class Batches:
    def __init__(self, patches, batch, rng, only=None, left=None):
        self.patches, self.batch, self.rng, self.only, self.left = patches, batch, rng, only, left

    def draw(self):
        p = self.patches
        drawn = [p.draw_kind() for _ in range(self.batch)]
        x = torch.from_numpy(np.stack([a for a, _ in drawn]))
        maps = [sigma_map(self.rng, p.channels, p.size, self.only, self.left) for _ in range(self.batch)]
        s = torch.from_numpy(np.stack([m[0] for m in maps]))
        return x, s, [f"{m[1]}@{kind}" if kind else m[1] for m, (_, kind) in zip(maps, drawn)]


# ---- loss -----------------------------------------------------------------------------------


class Levels:
    """Every kind of sample is weighted by the inverse of its own running squared error.  So each level and mask learns at its
    own scale (the gradient of a mean of PSNRs), and the target remains the posterior mean.

    If the error of a patch is an average over thousands of pixels, half of the weight comes from the patch's own error.  Then
    textures do not dominate.  Noise hardly changes such an average, so the target remains the mean.  Experts do without this:
    they have the capacity for textures."""

    def __init__(self, expert, mse=None):
        self.expert, self.mse = expert, mse or {}

    def weights(self, kinds, mse):
        for k, m in zip(kinds, mse.tolist()):
            known = self.mse.get(k, self.mse.get(k.partition("@")[0], m))  # a single empty sky must not set the scale of stars
            self.mse[k] = 0.98 * known + 0.02 * m
        maps = [k.partition("@")[0] for k in kinds]  # only the kind of a patch has a scale of its own
        fine = torch.tensor([is_fine(k) and not self.expert for k in maps], device=mse.device)
        own = torch.tensor([self.mse[k] for k in kinds], device=mse.device)
        e = torch.tensor([emphasis(k) for k in maps], device=mse.device)
        return e / torch.where(fine, (own * mse).sqrt(), own)


# ---- optimiser ------------------------------------------------------------------------------


class Muon(torch.optim.Optimizer):
    """Momentum, orthogonalised by Newton-Schulz (K. Jordan, 2024); kernels are treated as matrices.  The iteration uses the Gram
    matrix, which is several times cheaper for the wide matrices of convolutions."""

    def __init__(self, params, lr):
        super().__init__(params, dict(lr=lr, momentum=0.95))

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is None:
                    continue
                m = self.state[p].setdefault("m", torch.zeros_like(p))
                m.lerp_(p.grad, 1 - group["momentum"])
                x = p.grad.lerp(m, group["momentum"]).reshape(len(p), -1)
                wide = x.shape[0] <= x.shape[1]
                x = x if wide else x.T
                x = x / (x.norm() + 1e-12)
                a = x @ x.T
                q = eye = torch.eye(len(a), device=a.device)
                for _ in range(5):
                    z = 3.4445 * eye - 4.7750 * a + 2.0315 * (a @ a)
                    q = z @ q
                    a = z @ a @ z
                x = q @ x
                x = x if wide else x.T
                p.add_(x.reshape(p.shape), alpha=-group["lr"] * max(1, x.shape[0] / x.shape[1]) ** 0.5)


def optimisers(net, name, lr):
    if name == "adamw":
        return [torch.optim.AdamW(net.parameters(), lr=lr, betas=(0.9, 0.99), weight_decay=0)]
    ends = [net.head.weight, net.tail.weight]
    body = [p for p in net.parameters() if all(p is not e for e in ends)]
    return [Muon(body, lr=10 * lr), torch.optim.AdamW(ends, lr=lr, betas=(0.9, 0.99), weight_decay=0)]


def schedule(progress, step, floor=0.01):
    """Warm-up, plateau, then a cosine that falls to almost 0 at the end of the budget."""
    warm = min(1, (step + 1) / 200)
    t = max(0, (progress - 0.15) / 0.85)
    return warm * (floor + (1 - floor) * 0.5 * (1 + math.cos(math.pi * min(t, 1))))


# ---- the run --------------------------------------------------------------------------------


def validation(channels, files, device):
    """Fixed crops and noise: a curve, not a benchmark (eval.py has those)."""
    rng = np.random.RandomState(1)
    x = []
    for f in files:
        a = next(photos.pages(f)).astype(np.float32) / 255
        a = a if a.ndim == 3 else np.repeat(a[:, :, None], 3, 2)
        y, xx = (a.shape[0] - 160) // 2, (a.shape[1] - 160) // 2
        a = a[max(y, 0) :][:160, max(xx, 0) :][:, :160]
        x.append((a if channels == 3 else a @ np.float32([[0.299], [0.587], [0.114]])).transpose(2, 0, 1))
    shape = min(a.shape[1] for a in x), min(a.shape[2] for a in x)
    x = torch.from_numpy(np.stack([a[:, : shape[0], : shape[1]] for a in x]).astype(np.float32))
    n = torch.from_numpy(rng.normal(size=x.shape).astype(np.float32))
    hole = torch.from_numpy(rng.random_sample((len(x), 1) + shape) < 0.5).expand_as(x)
    maps = [torch.full_like(x, s / 255) for s in (15, 25, 50)]
    maps.append(torch.where(hole, SIGMA_MAX, SIGMA_MIN))
    return [(x.to(device), (x + n * s).to(device), s.to(device)) for s in maps]


@torch.no_grad()
def validate(net, sets, autocast):
    out = []
    for x, u, s in sets:
        d = torch.cat([denoise(net, a, b, autocast) for a, b in zip(u.split(4), s.split(4))])
        mse = ((d.clamp(0, 1) - x) ** 2).mean((1, 2, 3))
        out.append((-10 * torch.log10(mse)).mean().item())
    return out


def filler(a, net):
    """The network that fills in the holes of restorations: the general one of --init, otherwise `net`, which is being trained."""
    if a.init and os.path.exists(a.init):
        general, _ = load_weights(a.init)
        if general.channels == a.channels:
            general.experts = []
            return general.to(next(net.parameters()).device)
    return net


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--images", help="directory of training images, searched recursively")
    ap.add_argument("--cache", help="where the decoded images are kept (default: RUN/cache)")
    ap.add_argument("--shrink", type=float, default=0, metavar="MP", help="images of more megapixels are shrunk first")
    ap.add_argument("--validate", help="directory of images that are only looked at")
    ap.add_argument("--out", required=True, metavar="RUN")
    ap.add_argument("--init", help="weights to start from (safetensors); from one channel to three as well")
    ap.add_argument("--resume", action="store_true", help="go on with RUN/checkpoint.pt")
    ap.add_argument("--channels", type=int, default=1, choices=(1, 3))
    ap.add_argument("--widths", help="channels at 1/2, 1/4, ... (multiples of 32 are fast); default: INIT's, or 64,128,256")
    ap.add_argument("--blocks", help="per level and side, one number or one a level; default: INIT's, or 2")
    ap.add_argument("--synthetic", type=float, default=0, metavar="PART",
                    help="of the patches, 0 to 1, that are drawn instead: pages, charts, line art, stars, cells (synthetic.py)")
    ap.add_argument("--fonts", default=synthetic.FONTS, metavar="DIR", help=f"fonts for these pages (default: {synthetic.FONTS})")
    ap.add_argument("--without", default="", metavar="WORDS", help="fonts whose path has one of these words, with commas, are left out")
    ap.add_argument("--chroma", action="store_true",
                    help="colour: photographs mostly at half their size or less, with stronger and other colours")
    ap.add_argument("--only", metavar="LO,HI|map|rounds:LO,HI",
                    help="train an expert for this range of sigma, for maps, or for the rounds of a restoration (see join.py)")
    ap.add_argument("--left", metavar="LO,HI", help="train the general network for what is left to it by an expert for this range")
    ap.add_argument("--patch", type=int, default=64)
    ap.add_argument("--batch", type=int, default=32)
    ap.add_argument("--minutes", type=float, default=60, help="of training: the learning rate ends at 0 there")
    ap.add_argument("--optimiser", choices=("muon", "adamw"), default="muon")
    ap.add_argument("--rate", type=float, default=1e-3)
    ap.add_argument("--save", type=float, default=5, help="minutes between checkpoints")
    ap.add_argument("--seed", type=int, default=0)
    ap.add_argument("--f32", action="store_true", help="no bfloat16")
    ap.add_argument("--name", default="", help="goes into the weights' header")
    ap.add_argument("--licence", default="unspecified", help="goes into the weights' header")
    a = ap.parse_args()

    os.makedirs(a.out, exist_ok=True)
    file = os.path.join(a.out, "checkpoint.pt")
    state = None
    if a.resume:
        state = torch.load(file, map_location="cpu", weights_only=False)
        a = argparse.Namespace(**{**vars(a), **state["args"], "out": a.out, "resume": True})
    device = "cuda" if torch.cuda.is_available() else "cpu"
    autocast = not a.f32
    cache = a.cache or os.path.join(a.out, "cache")
    if not os.path.exists(cache + ".npy"):
        print("images:", photos.build(a.images, cache, a.channels, SCALES, a.shrink), flush=True)

    history = []
    widths, blocks = (s and tuple(int(n) for n in s.split(",")) for s in (a.widths, a.blocks))
    if state:
        net, history = Unet(**state["architecture"]), json.loads(state["meta"]["training"])[:-1]
    elif a.init:
        net, meta = load_weights(a.init)
        experts = dict(net.experts)  # an expert for rounds starts as the expert for white noise of the same range
        net = experts.get(a.only) or experts.get((a.only or "").rpartition(":")[2]) or net
        net.experts = []  # join.py puts them back
        history = json.loads(meta.get("training", "[]"))
        if net.channels != a.channels:
            net = recolour(net, a.channels)
        if widths or blocks:
            net = enlarge(net, widths or net.widths, blocks or net.blocks)
    else:
        net = Unet(a.channels, widths or (64, 128, 256), blocks or (2,))
    net = net.to(device)
    net = net.to(memory_format=torch.channels_last)
    ema = {k: v.detach().clone() for k, v in net.state_dict().items()}
    opts = optimisers(net, a.optimiser, a.rate)
    levels, step, elapsed = Levels(a.only), 0, 0.0
    if state:
        net.load_state_dict(state["net"])
        ema = {k: v.to(device) for k, v in state["ema"].items()}
        for o, s in zip(opts, state["optimisers"]):
            o.load_state_dict(s)
        levels, step, elapsed = Levels(a.only, state["levels"]), state["step"], state["elapsed"]
    rng = np.random.default_rng((a.seed, step))
    torch.manual_seed(a.seed * 1000003 + step)
    if a.synthetic:
        synthetic.begin(a.fonts, tuple(a.without.lower().split(",")))
    patches = Patches(cache, a.channels, a.patch, rng, a.synthetic, a.chroma)
    inside = a.batch - a.batch // 6 if a.only and is_about(a.only) == "rounds" else 0  # the others have white noise
    batches = Batches(patches, a.batch - inside, rng, a.only, a.left)
    rounds = Rounds(inside, patches.draw, rng, sigma_range(a.only), filler(a, net), device, autocast) if inside else None
    sets = validation(a.channels, photos.find(a.validate), device) if a.validate else []

    log = open(os.path.join(a.out, "log.tsv"), "a" if state else "w")
    if not state:
        print("step\tminutes\tpatches\trate\tloss\tnorm\t15\t25\t50\tmask50\tlevels", file=log, flush=True)

    def save():
        record = history + [{
            "patches": step * a.batch, "patch": a.patch, "minutes": round(elapsed / 60, 1), "optimiser": a.optimiser,
            "rate": a.rate, "of_minutes": a.minutes, "widths": net.widths, "blocks": net.blocks,
            "images": os.path.basename(os.path.normpath(a.images or "cache")),
        }]
        record[-1].update({k: getattr(a, k) for k in ("only", "left", "synthetic", "chroma") if getattr(a, k)})
        meta = {"name": a.name, "licence": a.licence, "symmetric": "yes", "training": json.dumps(record)}
        save_weights(os.path.join(a.out, "weights.safetensors"), net, ema, meta)
        torch.save({
            "architecture": {"channels": net.channels, "widths": net.widths, "blocks": net.blocks, "leak": net.leak}, "meta": meta,
            "args": vars(a), "net": net.state_dict(), "ema": ema, "optimisers": [o.state_dict() for o in opts],
            "levels": levels.mse, "step": step, "elapsed": elapsed,
        }, file + ".part")
        os.replace(file + ".part", file)
        psnr = []
        if sets:
            live = {k: v.clone() for k, v in net.state_dict().items()}
            net.load_state_dict(ema)
            psnr = validate(net, sets, autocast)
            net.load_state_dict(live)
        return psnr

    total, norms, count, saved = 0.0, 0.0, 0, elapsed
    while elapsed < 60 * a.minutes:
        t = time.time()
        rate = schedule(elapsed / (60 * a.minutes), step)
        for o in opts:
            for g in o.param_groups:
                g.setdefault("initial", g["lr"])
                g["lr"] = g["initial"] * rate
        x, s, kinds = batches.draw()
        x, s = x.to(device), s.to(device)
        if not rounds:
            x, s = cut_to_odd_size(net, rng, x, s)
        u = x + s * torch.randn_like(x)
        if rounds:
            more_x, more_u, more_s, more_kinds = rounds.batch()
            x, u, s = torch.cat([x, more_x]), torch.cat([u, more_u]), torch.cat([s, more_s])
            kinds = kinds + more_kinds
        d = denoise(net, u, s, autocast)
        if rounds:
            rounds.go_on(d.detach()[-inside:])
        mse = ((d - x) ** 2).mean((1, 2, 3))
        loss = (mse * levels.weights(kinds, mse.detach())).mean()
        for o in opts:
            o.zero_grad(set_to_none=True)
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(net.parameters(), 2.0)
        if math.isfinite(norm.item()):
            for o in opts:
                o.step()
            k = min(0.999, (1 + step) / (10 + step))
            with torch.no_grad():
                for name, v in net.state_dict().items():
                    ema[name].lerp_(v, 1 - k)
        total, norms, count, step = total + loss.item(), norms + norm.item(), count + 1, step + 1
        elapsed += time.time() - t
        last = elapsed >= 60 * a.minutes
        if count == 200 or last or elapsed - saved > 60 * a.save:
            psnr = []
            if last or elapsed - saved > 60 * a.save:
                psnr, saved = save(), elapsed
            table = " ".join(f"{k}:{-10 * math.log10(v):.2f}" for k, v in sorted(levels.mse.items())) if psnr else ""
            row = [step, f"{elapsed / 60:.2f}", step * a.batch, f"{rate * a.rate:.2e}", f"{total / count:.4f}",
                   f"{norms / count:.3f}"]
            row += [f"{p:.3f}" for p in psnr] or [""] * 4
            print(*row, table, sep="\t", file=log, flush=True)
            total, norms, count = 0.0, 0.0, 0


def cut_to_odd_size(net, rng, x, s):
    """Half of the time a few rows and columns less, so that the network learns the padding of denoise(): without this, one had
    errors of 0.07 in the last hundred columns of pictures of 500 pixels."""
    if rng.random() < 0.5:
        return x, s
    h, w = (int(n - rng.integers(net.multiple)) for n in x.shape[-2:])
    return x[..., :h, :w], s[..., :h, :w]


def recolour(gray, channels):
    """A network for `channels` that treats each channel as `gray` does, to start from."""
    net = Unet(channels, gray.widths, gray.blocks, gray.leak)
    state = gray.state_dict()
    f = gray.features
    # pixel_unshuffle: input (feature * 4 + position); features are kind-major, channel-minor.
    h = state["head.weight"].reshape(-1, f, 1, 4, 3, 3).repeat(1, 1, channels, 1, 1, 1) / channels
    state["head.weight"] = h.reshape(h.shape[0], -1, 3, 3)
    state["tail.weight"] = state["tail.weight"].repeat(channels, 1, 1, 1)
    net.load_state_dict(state)
    return net


def enlarge(small, widths, blocks):
    """A network with more channels or blocks that gives the same answers as `small`.  New parts are initialised as usual, but
    have no effect on old ones: new blocks end in zeros, and old channels take new ones with weight 0."""
    net = Unet(small.channels, widths, blocks, small.leak)
    pairs = [*zip(widths, small.widths), *zip(net.blocks, small.blocks)]
    if len(widths) != len(small.widths) or any(new < old for new, old in pairs):
        raise SystemExit(f"--init has widths {small.widths} and {small.blocks} blocks: neither can shrink, nor levels be added")
    state = net.state_dict()
    for name, v in small.state_dict().items():
        w = state[name]
        o, i = (1, 0) if name.startswith("up") else (0, 1)  # transposed convolutions: inputs first
        w.narrow(o, 0, v.shape[o]).zero_()
        w.narrow(o, 0, v.shape[o]).narrow(i, 0, v.shape[i]).copy_(v)
    net.load_state_dict(state)
    x = torch.rand(1, net.channels, 64, 64)
    s = 0.1 * torch.ones_like(x)
    with torch.no_grad():
        difference = (denoise(net, x, s) - denoise(small, x, s)).abs().max().item()
    assert difference < 1e-5, f"the enlarged network differs by {difference}"
    return net


if __name__ == "__main__":
    # The momentum of dead filters halves every 14 steps, until it is denormal and products with it cost a hundred times more.
    torch.set_flush_denormal(True)
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", torch.get_num_threads())))
    main()
