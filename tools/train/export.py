#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 The Lacuna authors
"""Write a network for Lacuna: the averaged weights of a checkpoint, or weights with another header or number type.

    export.py RUN/checkpoint.pt OUT.safetensors[.gz] [--name N] [--licence L] [--dtype F16]
    export.py IN.safetensors    OUT.safetensors[.gz] ...
"""

import argparse
import os
import sys

import torch

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from network import DTYPES, Unet, load_weights, save_weights


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("source")
    ap.add_argument("target")
    ap.add_argument("--name")
    ap.add_argument("--licence")
    ap.add_argument("--dtype", default="F16", choices=sorted(DTYPES))
    a = ap.parse_args()
    if a.source.endswith(".pt"):
        c = torch.load(a.source, map_location="cpu", weights_only=False)
        net, meta = Unet(**c["architecture"]), c["meta"]
        net.load_state_dict(c["ema"])
    else:
        net, meta = load_weights(a.source)
    meta.update({k: v for k, v in (("name", a.name), ("licence", a.licence)) if v is not None})
    save_weights(a.target, net, net.state_dict(), meta, a.dtype)


if __name__ == "__main__":
    main()
