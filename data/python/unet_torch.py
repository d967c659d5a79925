# SPDX-License-Identifier: MIT
# Copyright 2026 The Lacuna authors
"""Lacuna's own prior "unet" on PyTorch: the same networks, from the same files, on a processor or a graphics card.

    lacuna restore in.tif -o out.tif -A identity -p process-map:command="python3 -m unet_torch"
    ... -p process-map:command="python3 -m unet_torch --weights mine.safetensors --device cuda"

The network and its input are those of tools/train/network.py in Lacuna's source, which explains the formulas. This file has
only what is needed to run the network, not to train it.
"""

import argparse
import gzip
import json
import math
import os
import struct

import numpy as np
import torch
import torch.nn.functional as F
from lacuna_process import Prior, serve

PRIORS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "priors")
DTYPES = {"F32": np.float32, "F16": np.float16}


def read_safetensors(path):
    """Metadata and tensors."""
    with open(path, "rb") as f:
        data = f.read()
    if data[:2] == b"\x1f\x8b":
        data = gzip.decompress(data)
    (n,) = struct.unpack("<Q", data[:8])
    head = json.loads(data[8 : 8 + n])
    meta, tensors = head.pop("__metadata__"), {}
    for name, t in head.items():
        a, b = t["data_offsets"]
        values = np.frombuffer(data[8 + n + a : 8 + n + b], DTYPES[t["dtype"]])
        tensors[name] = torch.from_numpy(values.astype(np.float32).reshape(t["shape"]))
    return meta, tensors


class Network:
    """A bias-free residual U-Net; `prefix` is "" for the general network, "expert.N." for an expert."""

    def __init__(self, meta, tensors, prefix, device):
        blocks = [int(n) for n in meta["blocks"].split(",")]
        self.levels = len(meta["widths"].split(",")) - 1
        self.blocks = blocks * (self.levels + 1) if len(blocks) == 1 else blocks
        self.leak = float(meta.get("leak", 0))
        self.w = {k[len(prefix) :]: v.to(device) for k, v in tensors.items() if k.startswith(prefix)}

    def residual(self, x, name, count):
        for i in range(count):
            a = F.conv2d(x, self.w[f"{name}.{i}.a.weight"], padding=1)
            x = x + F.conv2d(F.leaky_relu(a, self.leak), self.w[f"{name}.{i}.b.weight"], padding=1)
        return x

    def __call__(self, f):
        x, skips = F.conv2d(F.pixel_unshuffle(f, 2), self.w["head.weight"], padding=1), []
        for i in range(self.levels):
            x = self.residual(x, f"enc.{i}", self.blocks[i])
            skips.append(x)
            x = F.conv2d(x, self.w[f"down.{i}.weight"], stride=2)
        x = self.residual(x, "mid", self.blocks[self.levels])
        for i in reversed(range(self.levels)):
            x = F.conv_transpose2d(x, self.w[f"up.{i}.weight"], stride=2) + skips.pop()
            x = self.residual(x, f"dec.{i}", self.blocks[i])
        return F.pixel_shuffle(F.conv2d(x, self.w["tail.weight"], padding=1), 2)


def window(s, device):
    r = math.ceil(3 * s)
    t = torch.arange(-r, r + 1, dtype=torch.float64)
    g = torch.exp(-t * t / (2 * s * s))
    return (g / g.sum()).float().to(device)


def smooth(x, g):
    """Separable, zero outside."""
    b, c, h, w = x.shape
    r, x = len(g) // 2, x.reshape(b * c, 1, h, w)
    x = F.conv2d(x, g.view(1, 1, 1, -1), padding=(0, r))
    return F.conv2d(x, g.view(1, 1, -1, 1), padding=(r, 0)).reshape(b, c, h, w)


def bounded(r):
    return r / torch.sqrt(1 + r * r / 16)


class Unet(Prior):
    map = True

    def __init__(self, x):
        super().__init__(x)
        self.load(ARGUMENTS.weights or self.shipped(x[1]), ARGUMENTS.device)

    def shipped(self, channels):
        """The file of the gray or colour network, chosen by the number of channels."""
        names = [f"{ARGUMENTS.model}-{c}.safetensors" for c in ("color", "gray")][0 if channels == 3 else 1 :]
        return next(p for p in (os.path.join(PRIORS, n) for n in names) if os.path.exists(p))

    def load(self, path, device):
        meta, tensors = read_safetensors(path)
        self.device = torch.device(device)
        self.channels = int(meta["channels"])
        self.symmetric = meta.get("symmetric") == "yes"
        self.sigma_min, self.sigma_max = float(meta["sigma_min"]), float(meta["sigma_max"])
        self.sigma_data = float(meta["sigma_data"])
        self.windows = [window(float(s), self.device) for s in meta["windows"].split(",")]
        self.multiple = 2 ** len(meta["widths"].split(","))
        general = {k: v for k, v in tensors.items() if not k.startswith("expert.")}
        self.general = Network(meta, general, "", self.device)
        self.experts = []  # purpose ("", "map", "rounds"), lowest and highest sigma, network
        while f"expert.{len(self.experts)}" in meta:
            name = f"expert.{len(self.experts)}"
            question, _, span = meta[name].rpartition(":")
            lo, hi = (0, 0) if span == "map" else (float(v) for v in span.split(","))
            self.experts.append((span if span == "map" else question, lo, hi, Network(meta, tensors, name + ".", self.device)))

    def choose(self, question, sigma):
        for what, lo, hi, network in self.experts:
            if what == question and (what == "map" or lo <= sigma < hi):
                return network
        return self.choose("", sigma) if question == "rounds" else self.general

    def features(self, u, sigma):
        v, sd2, s2 = u - 0.5, self.sigma_data**2, sigma * sigma
        f = [torch.log(sigma) / 4, v / torch.sqrt(s2 + sd2), v * (self.sigma_data / (s2 + sd2))]
        means, precisions = [], []
        for g in self.windows:
            p = smooth(1 / s2, g) + 1 / sd2
            m = smooth(v / s2, g) / p
            f += [m / self.sigma_data, -torch.log(p) / 8]
            means.append(m)
            precisions.append(p)
        f += [bounded((v - m) / sigma) for m in means]
        f += [bounded((a - b) * torch.sqrt(p)) for a, b, p in zip(means, means[1:], precisions)]
        return torch.cat(f, 1)

    def run(self, question, u, sigma):
        given = torch.from_numpy(u.copy()).to(self.device)
        if np.ndim(sigma):
            level = float(sigma.flat[0])
            question = "map" if (sigma != sigma.flat[0]).any() else question
            sigma = torch.from_numpy(sigma.copy()).to(self.device)
        else:
            level, sigma = sigma, torch.full_like(given, sigma)
        network = self.choose(question, level)
        h, w = u.shape[-2:]
        with torch.no_grad():
            most = 0.75 + 6 * sigma
            u = torch.minimum(torch.maximum(given - 0.5, -most), most) + 0.5
            f = F.pad(self.features(u, sigma), (0, -w % self.multiple, 0, -h % self.multiple))
            out = network(f)[..., :h, :w]
            s2, sd2 = sigma * sigma, self.sigma_data**2
            x0 = given - u + 0.5 + (u - 0.5) * (sd2 / (s2 + sd2))
            x0 += out * (sigma * self.sigma_data / torch.sqrt(s2 + sd2))
        return x0.cpu().numpy()

    def denoise(self, u, sigma):
        return self.run("", u, sigma)

    def denoise_round(self, u, sigma):
        return self.run("rounds", u, sigma)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="photo-large", help="one of the networks that ship with Lacuna")
    parser.add_argument("--weights", help="a network of your own")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--threads", type=int, default=0, help="of the processor; 0: as PyTorch thinks")
    ARGUMENTS = parser.parse_args()
    if ARGUMENTS.threads:
        torch.set_num_threads(ARGUMENTS.threads)
    serve(Unet)
