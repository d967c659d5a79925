#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 The Lacuna authors
"""Write tests/golden/unet-*.safetensors: small random networks, and their output in PyTorch for random input.

    golden.py tests/golden
"""

import json
import os
import struct
import sys

import numpy as np
import torch

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from network import Unet, denoise, load_weights, log_deviation, save_weights


def save_arrays(path, arrays):
    head, at = {"__metadata__": {"format": "arrays"}}, 0
    for k, a in arrays.items():
        head[k] = {"dtype": "F32", "shape": list(a.shape), "data_offsets": [at, at + a.nbytes]}
        at += a.nbytes
    j = json.dumps(head, separators=(",", ":")).encode()
    j += b" " * (-len(j) % 8)
    with open(path, "wb") as f:
        f.write(struct.pack("<Q", len(j)) + j + b"".join(a.tobytes() for a in arrays.values()))


def derivative(net, channels):
    """Gradient of v . x0 with respect to u, for three levels or for the level of an expert.  Some pixels are far outside of the
    network's range."""
    own = torch.Generator().manual_seed(1)
    arrays = {"u": torch.rand(1, channels, 37, 45, generator=own), "v": torch.randn(1, channels, 37, 45, generator=own)}
    arrays["u"][:, :, ::9, ::11] = 9
    for sigma in (0.1,) if net.experts else (0.01, 0.1, 3):
        u = arrays["u"].clone().requires_grad_()
        (denoise(net, u, torch.full_like(u, sigma)) * arrays["v"]).sum().backward()
        arrays[f"vjp.{sigma}"] = u.grad
    return arrays


def deviation(out):
    """A network for the deviation of estimates, and its answers for operators that mix pixels and for those that do not."""
    net = Unet(2, (8, 12), (1,), 0.1)
    net.experts = [("map", Unet(2, (8, 12), (1,), 0.1))]
    for each in (net, net.experts[0][1]):
        for p in each.parameters():
            p.data.normal_(std=p[0].numel() ** -0.5)
    weights = os.path.join(out, "unet-deviation.safetensors")
    save_weights(weights, net, net.state_dict(), {"name": "golden", "licence": "CC0-1.0"})
    net, _ = load_weights(weights)
    x = torch.rand(3, 1, 37, 45)
    guess = torch.exp(torch.empty_like(x).uniform_(np.log(0.001), np.log(0.5)))
    with torch.no_grad():
        of = {name: torch.exp(log_deviation(n, x, guess, torch.full_like(x, 0.05)))
              for name, n in (("mixed", net), ("pixelwise", net.experts[0][1]))}
    arrays = {"x": x, "guess": guess, **of}
    save_arrays(os.path.join(out, "unet-deviation-values.safetensors"), {k: v[:, 0].numpy() for k, v in arrays.items()})


def main():
    out = sys.argv[1]
    torch.manual_seed(0)
    torch.set_num_threads(1)
    # Unusual widths, sizes that are not multiples, one compressed file, one network without a leak.  The last
    # network has experts for every question.
    for name, channels, widths, blocks, leak, experts, dtype, end in (
        ("gray", 1, (16, 24), (1,), 0.05, (), "F16", ""),
        ("color", 3, (12, 20, 16), (1,), 0, (), "F32", ".gz"),
        ("experts", 1, (8, 12), (2, 1), 0.1, ("0.05,0.2", "map", "rounds:0.05,0.2"), "F16", ""),
    ):
        net = Unet(channels, widths, blocks, leak)
        net.experts = [(what, Unet(channels, widths, blocks, leak)) for what in experts]
        for each in (net, *(e for _, e in net.experts)):
            for p in each.parameters():  # some are 0 when training starts
                p.data.normal_(std=p[0].numel() ** -0.5)
        weights = os.path.join(out, f"unet-{name}.safetensors{end}")
        save_weights(weights, net, net.state_dict(), {"name": "golden", "licence": "CC0-1.0"}, dtype)
        net, _ = load_weights(weights)
        x = torch.rand(1, channels, 37, 45)
        s = torch.exp(torch.empty_like(x).uniform_(np.log(0.002), np.log(50)))
        s[:, :, 10:20] = 50
        s[:, :, :, 20:30] = 0.002
        u = x + s * torch.randn_like(x)
        with torch.no_grad():
            mapped = denoise(net, u, s)
            plain, inside = (denoise(net, u, torch.full_like(u, 0.1), inside=i) for i in (False, True))
        arrays = {"u": u, "sigma": s, "map": mapped, "plain": plain, "round": inside}
        for part, a in (("values", arrays), ("derivative", derivative(net, channels))):
            save_arrays(os.path.join(out, f"unet-{name}-{part}.safetensors"), {k: v[0].numpy() for k, v in a.items()})
    deviation(out)


if __name__ == "__main__":
    main()
