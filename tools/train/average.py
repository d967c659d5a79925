#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 The Lacuna authors
"""The mean of the weights of networks that started from the same ones.

    average.py WEIGHTS[@EXPERT] ... OUT
    average.py -OLD@0.008,0.4 NEW OLD@rounds:0.008,0.4 OUT      adds to an expert of OLD what another has learnt since

Files with a minus are subtracted.  The sum is divided by the number of files added minus the number subtracted.  EXPERT names
an expert in WEIGHTS, such as 0.008,0.4; without it the general network is used.  OUT gets the header of the last file.  Networks
that were trained from the same start for different purposes can be averaged, and the mean is good for both (Wortsman et al.,
Model soups, ICML 2022).  What one of them learns later is useful for the others, too (Ilharco et al., Task arithmetic, ICLR 2023).
"""

import json
import sys

from network import alike, load_weights, save_weights


def load(name):
    path, _, expert = name.partition("@")
    net, meta = load_weights(path)
    if expert and expert not in dict(net.experts):
        raise SystemExit(f"{path} has no expert for {expert}")
    if expert:  # join.py takes the purpose of a network from its last run
        net = dict(net.experts)[expert]
        runs = sorted(json.loads(meta.get("training", "[]")), key=lambda run: run.get("only") == expert)
        meta = {**meta, "training": json.dumps(runs)}
    net.experts = []
    return net, meta


def main():
    if len(sys.argv) < 4:
        raise SystemExit(__doc__)
    *names, out = sys.argv[1:]
    signs = [-1 if n.startswith("-") else 1 for n in names]
    if sum(signs) < 1 or signs[-1] < 0:
        raise SystemExit("more networks must be added than subtracted, the last one among them")
    nets = [load(n[1:] if s < 0 else n) for s, n in zip(signs, names)]
    net, meta = nets[-1]
    for n, (other, _) in zip(names, nets):
        if not alike(other, net):
            raise SystemExit(f"{n}: of another architecture than {names[-1]}")
    states = [n.state_dict() for n, _ in nets]
    records = json.loads(meta.get("training", "[]"))
    if records:
        if sum(signs) > 1:
            records[-1]["mean_of"] = sum(signs)
        if min(signs) < 0:
            records[-1]["carried"] = records[-1].get("carried", 0) + signs.count(-1)
    mean = {k: sum(sign * s[k] for sign, s in zip(signs, states)) / sum(signs) for k in states[0]}
    save_weights(out, net, mean, {**meta, "training": json.dumps(records)})


if __name__ == "__main__":
    main()
