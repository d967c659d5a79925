#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 The Lacuna authors
"""Put a general network and its experts (train.py --only) into one file.

    join.py GENERAL EXPERT ... OUT

All files must have the same architecture.  The last run in the training record of an expert says what it is for.  Experts in
GENERAL are kept, unless a new one has the same purpose.
"""

import json
import sys

from network import alike, load_weights, save_weights


def main():
    if len(sys.argv) < 3:
        raise SystemExit(__doc__)
    general, *experts, out = sys.argv[1:]
    net, meta = load_weights(general)
    joined = dict(net.experts)
    records = json.loads(meta.get("training", "[]"))
    for path in experts:
        expert, header = load_weights(path)
        run = json.loads(header["training"])[-1]
        if "only" not in run:
            raise SystemExit(f"{path}: its last training was for everything, not with --only")
        if not alike(expert, net):
            raise SystemExit(f"{path}: of another architecture than {general}")
        joined[run["only"]] = expert
        records.append(run)
    net.experts = sorted(joined.items())
    save_weights(out, net, net.state_dict(), {**meta, "training": json.dumps(records)})


if __name__ == "__main__":
    main()
