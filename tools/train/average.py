#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 The Lacuna authors
"""The mean of the weights of networks that started from the same ones.

    average.py WEIGHTS[@EXPERT] ... OUT

EXPERT names one of the experts that WEIGHTS holds, such as 0.008,0.4; without it the general network is taken.  OUT has the
header of the last.  Networks trained from one start for different ends do well at both there (Wortsman et al., Model soups,
ICML 2022).
"""

import json
import sys

from network import alike, load_weights, save_weights


def load(name):
    path, _, expert = name.partition("@")
    net, meta = load_weights(path)
    if expert and expert not in dict(net.experts):
        raise SystemExit(f"{path} has no expert for {expert}")
    net = dict(net.experts)[expert] if expert else net
    net.experts = []
    return net, meta


def main():
    if len(sys.argv) < 4:
        raise SystemExit(__doc__)
    *names, out = sys.argv[1:]
    nets = [load(n) for n in names]
    net, meta = nets[-1]
    for n, (other, _) in zip(names, nets):
        if not alike(other, net):
            raise SystemExit(f"{n}: of another architecture than {names[-1]}")
    states = [n.state_dict() for n, _ in nets]
    records = json.loads(meta.get("training", "[]"))
    if records:
        records[-1]["mean_of"] = len(nets)
    mean = {k: sum(s[k] for s in states) / len(states) for k in states[0]}
    save_weights(out, net, mean, {**meta, "training": json.dumps(records)})


if __name__ == "__main__":
    main()
