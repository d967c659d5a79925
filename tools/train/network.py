# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 The Lacuna authors
"""The network of the `unet` prior, and its input, computed from a noisy image and a map of sigma.

plugins/common/neural/precondition.c and network.c compute the same.  Change both together; the reference values in
tests/golden show differences.
"""

import gzip
import json
import math
import struct

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

SIGMA_MIN, SIGMA_MAX = 0.002, 50.0
SIGMA_DATA = 0.25
WINDOWS = (0.8, 3.0)  # pixels, standard deviations of the local averages
# Per channel: log sigma, scaled state, shrunken state; average and log precision per window; deviation
# from the average per window; differences of averages.
FEATURES = 3 + 2 * len(WINDOWS) + len(WINDOWS) + len(WINDOWS) - 1


class Block(nn.Module):
    def __init__(self, c, leak):
        super().__init__()
        self.leak = leak
        self.a = nn.Conv2d(c, c, 3, padding=1, bias=False)
        self.b = nn.Conv2d(c, c, 3, padding=1, bias=False)

    def forward(self, x):
        return x + self.b(F.leaky_relu(self.a(x), self.leak))


class Unet(nn.Module):
    """widths: channels at 1/2, 1/4, ... of the resolution.  blocks: for each level and side; one number, or one for each level.
    leak: slope of the rectifiers for negative values; if it is 0, hundreds of filters die in training: no image changes their
    output any more."""

    def __init__(self, channels=1, widths=(64, 128, 256), blocks=(2,), leak=0.1):
        super().__init__()
        self.channels, self.widths, self.leak = channels, tuple(widths), leak
        self.blocks = tuple(blocks) * (len(widths) if len(blocks) == 1 else 1)
        self.features = channels * FEATURES
        self.experts = []  # ("LO,HI" or "map", network): see choose()
        self.head = nn.Conv2d(4 * self.features, widths[0], 3, padding=1, bias=False)
        self.enc, self.dec = nn.ModuleList(), nn.ModuleList()
        self.down, self.up = nn.ModuleList(), nn.ModuleList()
        for c, d, n in zip(widths[:-1], widths[1:], self.blocks):
            self.enc.append(nn.Sequential(*[Block(c, leak) for _ in range(n)]))
            self.dec.append(nn.Sequential(*[Block(c, leak) for _ in range(n)]))
            self.down.append(nn.Conv2d(c, d, 2, stride=2, bias=False))
            self.up.append(nn.ConvTranspose2d(d, c, 2, stride=2, bias=False))
        self.mid = nn.Sequential(*[Block(widths[-1], leak) for _ in range(self.blocks[-1])])
        self.tail = nn.Conv2d(widths[0], 4 * channels, 3, padding=1, bias=False)
        for m in self.modules():
            if isinstance(m, nn.Conv2d):
                nn.init.kaiming_normal_(m.weight, nonlinearity="linear")
            elif isinstance(m, nn.ConvTranspose2d):
                nn.init.normal_(m.weight, std=m.in_channels**-0.5)
        for m in self.modules():  # after its own convolutions have been filled
            if isinstance(m, Block):  # residual branches start at 0, which allows high learning rates
                m.b.weight.data.zero_()
        self.tail.weight.data.mul_(0.1)

    @property
    def multiple(self):
        return 2 ** len(self.widths)

    def forward(self, f):
        x = self.head(F.pixel_unshuffle(f, 2))
        skips = []
        for enc, down in zip(self.enc, self.down):
            x = enc(x)
            skips.append(x)
            x = down(x)
        x = self.mid(x)
        for dec, up in zip(reversed(self.dec), reversed(self.up)):
            x = dec(up(x) + skips.pop())
        return F.pixel_shuffle(self.tail(x), 2)


def window(s):
    r = math.ceil(3 * s)
    t = torch.arange(-r, r + 1, dtype=torch.float64)
    g = torch.exp(-t * t / (2 * s * s))
    return (g / g.sum()).float()


def smooth(x, g):
    """Separable, zero outside: pixels outside the image have no precision."""
    b, c, h, w = x.shape
    r = len(g) // 2
    x = x.reshape(b * c, 1, h, w)
    x = F.conv2d(x, g.view(1, 1, 1, -1), padding=(0, r))
    x = F.conv2d(x, g.view(1, 1, -1, 1), padding=(r, 0))
    return x.reshape(b, c, h, w)


def features(u, sigma):
    """u, sigma: (batch, channels, h, w), float32."""
    v = u - 0.5
    sd2 = SIGMA_DATA**2
    s2 = sigma * sigma
    f = [
        torch.log(sigma) / 4,
        v / torch.sqrt(s2 + sd2),
        v * (SIGMA_DATA / (s2 + sd2)),
    ]
    precision = 1 / s2
    weighted = v * precision
    means, precisions = [], []
    for s in WINDOWS:
        g = window(s).to(u.device)
        p = smooth(precision, g) + 1 / sd2
        m = smooth(weighted, g) / p
        f.append(m / SIGMA_DATA)
        f.append(-torch.log(p) / 8)
        means.append(m)
        precisions.append(p)
    # The network's answer is in units of the noise, and it cannot multiply.  This is detail in these units.
    f += [bounded((v - m) / sigma) for m in means]
    f += [bounded((a - b) * torch.sqrt(p)) for a, b, p in zip(means, means[1:], precisions)]
    return torch.cat(f, 1)


def bounded(r):
    return r / torch.sqrt(1 + r * r / 16)


def choose(net, sigma, inside=False):
    """Chooses a network: an expert for a range of sigma, for maps, or for the rounds of a restoration is better there than the
    general network, which is used where there is no expert."""
    lo, hi = sigma.min().item(), sigma.max().item()
    question = "map" if lo < hi else "rounds" if inside else ""
    for what, expert in net.experts:
        if question == what or question == is_about(what) and sigma_range(what)[0] <= lo < sigma_range(what)[1]:
            return expert
    return choose(net, sigma) if inside else net


def is_about(what):
    """The word before the range of sigma; none for white noise."""
    return what.rpartition(":")[0]


def sigma_range(what):
    lo, hi = (float(v) for v in what.rpartition(":")[2].split(","))
    return lo, hi


def denoise(net, u, sigma, autocast=None, inside=False):
    """E[x | x + sigma n = u].  sigma: a map like u.  Any size: padded to the network's multiple.  inside: of a restoration,
    see restoration.py."""
    net = choose(net, sigma, inside) if net.experts else net
    h, w = u.shape[-2:]
    m = net.multiple
    ph, pw = -h % m, -w % m
    most = 0.75 + 6 * sigma  # outside the network's range: its input is bounded, and what was cut off is added to its answer
    given, u = u, torch.minimum(torch.maximum(u - 0.5, -most), most) + 0.5
    f = features(u, sigma)
    if ph or pw:
        f = F.pad(f, (0, pw, 0, ph))
    f = f.contiguous(memory_format=torch.channels_last)
    with torch.autocast(u.device.type, torch.bfloat16, enabled=bool(autocast)):
        out = net(f)
    out = out.float()[..., :h, :w]
    s2, sd2 = sigma * sigma, SIGMA_DATA**2
    return given - u + 0.5 + (u - 0.5) * (sd2 / (s2 + sd2)) + out * (sigma * SIGMA_DATA / torch.sqrt(s2 + sd2))


def log_deviation(net, x, guess, noise, autocast=None):
    """The logarithm of the deviation of the error of an estimate x; all arguments are (batch, 1, h, w).  The network has two
    channels, x with the first guess and x with the noise as sigma; deviation.py trains it."""
    h, w = x.shape[-2:]
    m = net.multiple
    sigma = torch.cat([guess, noise], 1).clamp(SIGMA_MIN, SIGMA_MAX)
    f = F.pad(features(torch.cat([x, x], 1), sigma), (0, -w % m, 0, -h % m)).contiguous(memory_format=torch.channels_last)
    with torch.autocast(x.device.type, torch.bfloat16, enabled=bool(autocast)):
        out = net(f)
    return torch.log(sigma[:, :1]) + 4 * out.float()[:, :1, :h, :w].clamp(-2, 2)


# ---- safetensors ----------------------------------------------------------------------------
# 8 bytes length of the JSON header, header, data.  Metadata values must be strings.

ARCHITECTURE = ("format", "channels", "widths", "blocks", "leak", "sigma_min", "sigma_max", "sigma_data", "windows")
DTYPES = {"F32": np.float32, "F16": np.float16}


def alike(a, b):
    """True if both have the same architecture."""
    return (a.channels, a.widths, a.blocks, a.leak) == (b.channels, b.widths, b.blocks, b.leak)


def save_weights(path, net, state, meta, dtype="F16"):
    head = {
        "__metadata__": {
            "format": "lacuna-unet-1",
            "channels": str(net.channels),
            "widths": ",".join(map(str, net.widths)),
            "blocks": ",".join(map(str, net.blocks)),
            "leak": repr(net.leak),
            **{f"expert.{i}": what for i, (what, _) in enumerate(net.experts)},
            "sigma_min": repr(SIGMA_MIN),
            "sigma_max": repr(SIGMA_MAX),
            "sigma_data": repr(SIGMA_DATA),
            "windows": ",".join(map(str, WINDOWS)),
            **{k: str(v) for k, v in meta.items() if k not in ARCHITECTURE},
        }
    }
    blobs, at = [], 0
    tensors = dict(state)
    for i, (_, expert) in enumerate(net.experts):
        tensors.update({f"expert.{i}.{k}": v for k, v in expert.state_dict().items()})
    for name, t in tensors.items():
        a = t.detach().cpu().contiguous().numpy().astype(DTYPES[dtype])
        head[name] = {"dtype": dtype, "shape": list(a.shape), "data_offsets": [at, at + a.nbytes]}
        blobs.append(a.tobytes())
        at += a.nbytes
    j = json.dumps(head, separators=(",", ":")).encode()
    j += b" " * (-len(j) % 8)
    data = struct.pack("<Q", len(j)) + j + b"".join(blobs)
    if str(path).endswith(".gz"):
        data = gzip.compress(data, 9, mtime=0)
    with open(path, "wb") as f:
        f.write(data)


def load_weights(path):
    """The network and the metadata."""
    data = open(path, "rb").read()
    if data[:2] == b"\x1f\x8b":
        data = gzip.decompress(data)
    (n,) = struct.unpack("<Q", data[:8])
    head = json.loads(data[8 : 8 + n])
    meta = head.pop("__metadata__")
    widths, blocks = ([int(n) for n in meta[k].split(",")] for k in ("widths", "blocks"))
    net = Unet(int(meta["channels"]), widths, blocks, float(meta.get("leak", 0)))
    state = {}
    for name, t in head.items():
        a, b = t["data_offsets"]
        v = np.frombuffer(data[8 + n + a : 8 + n + b], DTYPES[t["dtype"]])
        state[name] = torch.from_numpy(v.astype(np.float32).reshape(t["shape"]))
    while f"expert.{len(net.experts)}" in meta:
        own = f"expert.{len(net.experts)}."
        what = meta.pop(own[:-1])
        expert = Unet(net.channels, widths, blocks, net.leak)
        expert.load_state_dict({k[len(own) :]: state.pop(k) for k in list(state) if k.startswith(own)})
        net.experts.append((what, expert))
    net.load_state_dict(state)
    return net, meta
