# SPDX-License-Identifier: MIT
# Copyright 2026 The Lacuna authors
"""Operators and priors for Lacuna in Python: a server for its plugins "process". It needs only numpy.

    import numpy as np
    from lacuna_process import Operator, serve

    class Ghost(Operator):
        "Each picture has a fainter copy of itself beside it."
        def apply(self, x):
            return x + 0.3 * np.roll(x, 5, axis=-1)
        def adjoint(self, y, at):
            return y + 0.3 * np.roll(y, -5, axis=-1)

    serve(Ghost)

Then

    lacuna check operator process:command="python3 ghost.py"
    lacuna restore photo.tif -o better.tif -A process:command="python3 ghost.py"

Lacuna starts the program and puts this file where Python finds it.  Lacuna shows what the program prints, and its
tracebacks.  An exception becomes the error of the call.  Arrays are float32 of shape (frames, channels, height, width), with
values of a picture from 0 to 1.  The arguments of a method are read-only and valid only until it returns.  lacuna-plugin(7)
describes the protocol, for other languages.
"""

import json
import mmap
import os
import sys
import traceback

import numpy as np

PROTOCOL = 1


class Operator:
    """y = A(x).  One instance serves one shape of x and y, (frames, channels, height, width).

    linear = False is for the plugin process-nonlinear."""

    linear = True

    def __init__(self, x, y):
        self.x, self.y = x, y

    @classmethod
    def shape(cls, known, from_y):
        """The shape of y from that of x or, if from_y is true, of x from that of y."""
        return known

    def apply(self, x):
        """A x"""
        raise NotImplementedError

    def adjoint(self, y, at):
        """A' y, the transpose. If A is not linear: the transpose of its derivative at the point `at`; otherwise `at` is None."""
        raise NotImplementedError


class Prior:
    """E[x | x + sigma n = u].  One instance serves one shape of x, (frames, channels, height, width).

    channels: number of channels that it takes at once; 0: all.
    map = True: sigma may also be an array shaped like u, for the plugin process-map.
    symmetric: mirrored and turned images are equally probable.  blind: it ignores sigma."""

    channels, map, symmetric, blind = 0, False, False, False
    sigma_min, sigma_max = 0.002, 50.0

    def __init__(self, x):
        self.x = x

    def denoise(self, u, sigma):
        raise NotImplementedError

    # def denoise_round(self, u, sigma): optional, for rounds of a plug-and-play iteration


class _Server:
    def __init__(self, kind):
        self.kind, self.memory, self.size, self.object = kind, None, 0, None

    def array(self, place, shape, writable=False):
        if place is None:
            return None
        a = np.frombuffer(self.memory, np.float32, int(np.prod(shape)), place).reshape(shape)
        a.flags.writeable = writable
        return a

    def put(self, result, place, shape):
        result = np.asarray(result)
        if result.shape != tuple(shape):
            raise ValueError(f"the result has the shape {result.shape}, not {tuple(shape)}")
        np.copyto(self.array(place, shape, True), result, casting="same_kind")

    def hello(self, r):
        family = "operator" if issubclass(self.kind, Operator) else "prior"
        if r["family"] != family:
            raise ValueError(f"this program is of the family {family}, not {r['family']}")
        if r["protocol"] != PROTOCOL:
            raise ValueError(f"this lacuna_process.py speaks protocol {PROTOCOL}, lacuna speaks {r['protocol']}")
        return {"protocol": PROTOCOL}

    def shape(self, r):
        known = tuple(reversed(r["shape"]))
        return {"shape": [int(n) for n in reversed(self.kind.shape(known, r["from_y"]))]}

    def open(self, r):
        x = tuple(reversed(r["x"]))
        if r["memory"] != self.size:
            self.memory, self.size = mmap.mmap(3, r["memory"]), r["memory"]
        self.object = None  # release the old one before making the new one
        if issubclass(self.kind, Operator):
            self.object = self.kind(x, tuple(reversed(r["y"])))
            return {"linear": bool(self.object.linear)}
        self.object = o = self.kind(x)
        self.part = (x[0], o.channels or x[1]) + x[2:]
        return {
            "channels": int(o.channels),
            "map": bool(o.map),
            "symmetric": bool(o.symmetric),
            "blind": bool(o.blind),
            "round": hasattr(o, "denoise_round"),
            "sigma_min": float(o.sigma_min),
            "sigma_max": float(o.sigma_max),
        }

    def apply(self, r):
        o = self.object
        self.put(o.apply(self.array(r["x"], o.x)), r["y"], o.y)
        return {}

    def adjoint(self, r):
        o = self.object
        self.put(o.adjoint(self.array(r["y"], o.y), self.array(r["at"], o.x)), r["x"], o.x)
        return {}

    def denoise(self, r, method="denoise"):
        self.put(getattr(self.object, method)(self.array(r["u"], self.part), r["sigma"]), r["x0"], self.part)
        return {}

    def denoise_round(self, r):
        return self.denoise(r, "denoise_round")

    def denoise_map(self, r):
        return self.denoise({**r, "sigma": self.array(r["sigma"], self.part)})

    def answer(self, line):
        r = json.loads(line)
        if r["call"] not in ("hello", "shape", "open", "apply", "adjoint", "denoise", "denoise_map", "denoise_round"):
            raise ValueError(f"there is no call {r['call']!r}")
        return getattr(self, r["call"])(r)


def _place(e):
    """The place of an exception in the caller's own file: " (ghost.py:7)"."""
    for frame in traceback.extract_tb(e.__traceback__):
        if frame.filename != __file__:
            return f" ({os.path.basename(frame.filename)}:{frame.lineno})"
    return ""


def serve(kind):
    """Answers the calls of lacuna with a subclass of Operator or Prior, until lacuna ends."""
    # Standard output is the connection to lacuna, so print() goes to standard error.
    lines, out = os.fdopen(os.dup(0), "rb"), os.dup(1)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    server = _Server(kind)
    for line in lines:
        try:
            reply = server.answer(line)
        except Exception as e:
            traceback.print_exc()
            reply = {"error": f"{type(e).__name__}: {e}{_place(e)}"}
        text = (json.dumps(reply) + "\n").encode()
        while text:
            text = text[os.write(out, text) :]
