# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 The Lacuna authors
"""Makes one cache of uint8 images for patches from any directory of images (TIFF, PNG, WebP, JPEG ...)."""

import os
import shutil
import sys

import numpy as np
from PIL import Image

Image.MAX_IMAGE_PIXELS = None
EXTENSIONS = (".tif", ".tiff", ".png", ".webp", ".jpg", ".jpeg", ".bmp", ".ppm", ".pgm")


def find(directory):
    out = []
    for base, _, names in sorted(os.walk(directory, followlinks=True)):
        out += [os.path.join(base, n) for n in sorted(names) if n.lower().endswith(EXTENSIONS)]
    return out


def stretch(a, low, high):
    """For samples of more than 8 bits full scale is [low, high] of the file, because most cameras use only a part of theirs."""
    return np.clip((a.astype(np.float32) - low) * (255.0 / max(high - low, 1e-12)) + 0.5, 0, 255).astype(np.uint8)


def pages(path):
    """8-bit arrays (h, w, 3) or (h, w), one per page."""
    if path.lower().endswith((".tif", ".tiff")):
        try:
            import tifffile
        except ImportError:
            tifffile = None
        if tifffile is not None:
            a = tifffile.imread(path)
            if a.ndim < 2:
                return
            colour = a.ndim > 2 and a.shape[-1] in (3, 4)
            if a.dtype != np.uint8:
                a = stretch(a, *np.percentile(a, (0.01, 99.99)))
            a = a[..., :3] if colour else a
            yield from a.reshape((-1,) + a.shape[-3:] if colour else (-1,) + a.shape[-2:])
            return
    with Image.open(path) as im:
        for k in range(getattr(im, "n_frames", 1)):
            im.seek(k)
            if im.mode in ("I", "F") or im.mode.startswith("I;"):
                a = np.asarray(im)
                yield stretch(a, *np.percentile(a, (0.01, 99.99)))
            elif im.mode in ("L", "1", "LA"):
                yield np.asarray(im.convert("L"))
            else:
                yield np.asarray(im.convert("RGB"))


def build(directory, cache, channels, scales, shrink=0):
    """Each image at each scale (Lanczos: shrinking suppresses JPEG's artefacts and sharpens), kept as
    one flat uint8 .npy beside a table of (offset, height, width, scale).  Images of more than `shrink`
    megapixels are shrunk to that first."""
    table, at, used = [], 0, 0
    part = cache + ".part"
    with open(part, "wb") as flat:
        for path in find(directory):
            try:
                found = list(pages(path))
            except (OSError, ValueError) as e:
                print(f"{path}: left out: {e} (tifffile reads more kinds of TIFF than Pillow)", file=sys.stderr)
                continue
            used += 1
            for a in found:
                im = Image.fromarray(a).convert("RGB" if channels == 3 else "L" if a.ndim == 2 else "RGB")
                first = min(1, (shrink * 1e6 / (im.width * im.height)) ** 0.5) if shrink else 1
                for s in scales:
                    w, h = round(im.width * first * s), round(im.height * first * s)
                    if min(w, h) < 96 and s < 1:
                        continue
                    b = np.asarray(im if (w, h) == im.size else im.resize((w, h), Image.LANCZOS))
                    if b.ndim == 2:  # all images in the cache have the same number of channels: gray images get three equal ones
                        b = np.repeat(b[:, :, None], 3, 2)
                    flat.write(b.tobytes())
                    table.append((at, b.shape[0], b.shape[1], s))
                    at += b.size
    if not table:
        os.remove(part)
        raise SystemExit(f"{directory}: no images")
    np.save(cache + ".table.npy", np.array(table, np.float64))
    with open(part, "r+b") as flat, open(cache + ".npy.part", "wb") as out:
        np.lib.format.write_array_header_1_0(out, {"descr": "|u1", "fortran_order": False, "shape": (at,)})
        shutil.copyfileobj(flat, out)
    os.remove(part)
    os.replace(cache + ".npy.part", cache + ".npy")  # written last: train.py considers a cache with this file complete
    return used
