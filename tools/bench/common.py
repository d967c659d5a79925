# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 The Lacuna authors
"""Functions that the benchmarks in this directory share.  Needs numpy, pillow and tifffile.  The program is $LACUNA, or lacuna on the
path."""
import argparse
import glob
import os
import re
import subprocess

import numpy as np
import tifffile
from PIL import Image


def psnr(a, b):
    return 10 * np.log10(1 / np.mean((a - b) ** 2))


def round8(x):
    return np.round(np.clip(x, 0, 1) * 255) / 255


def inside(image, margin_y, margin_x):
    return image[margin_y:image.shape[0] - margin_y, margin_x:image.shape[1] - margin_x]


def read_kernel(path):
    kernel = np.loadtxt(path)
    return kernel / kernel.sum()


def read_gray(path):
    return np.asarray(Image.open(path).convert("L"), dtype=np.float64) / 255


def read_color(path):
    return np.asarray(Image.open(path).convert("RGB"), dtype=np.float64) / 255


def picture_paths(directory):
    return sorted(sum((glob.glob(os.path.join(directory, "*" + e)) for e in (".png", ".tif")), []))


def crops(directory, count, size, read=read_gray):
    """The middles of `count' pictures, chosen evenly from the directory."""
    paths = picture_paths(directory)
    if not paths:
        raise SystemExit(f"{directory}: no pictures")
    images = []
    for i in range(min(count, len(paths))):
        image = read(paths[i * len(paths) // min(count, len(paths))])
        y, x = ((extent - size) // 2 for extent in image.shape[:2])
        if y < 0 or x < 0:
            raise SystemExit(f"{directory}: has pictures smaller than {size} by {size}")
        images.append(image[y:y + size, x:x + size])
    return images


def lacuna(*arguments):
    subprocess.run([os.environ.get("LACUNA", "lacuna"), *arguments], check=True)


def write(path, image):
    tifffile.imwrite(path, image.astype(np.float32))
    return path


def keep(image, directory, *labels):
    """Saves a picture to look at; does nothing without a directory."""
    if directory:
        write(os.path.join(directory, re.sub("[^0-9A-Za-z.%]+", "-", "-".join(map(str, labels))) + ".tif"), image)


def restore(measurement, operators, noise, options, work):
    """operators: a list of specifications, as for -A"""
    source, target = write(os.path.join(work, "y.tif"), measurement), os.path.join(work, "x.tif")
    lacuna("restore", source, "-o", target, "--force", "--quiet", "-n", repr(noise), "--range", "0:1",
           *sum((["-A", o] for o in operators), []), *options)
    return tifffile.imread(target).astype(np.float64)


def table(header, rows):
    lines = [header, ["---"] + ["---:"] * (len(header) - 1)] + rows
    return "".join("| " + " | ".join(line) + " |\n" for line in lines)


def parser(text):
    return argparse.ArgumentParser(description=text, formatter_class=argparse.RawDescriptionHelpFormatter)


def add_images(result, count, size):
    result.add_argument("--images", required=True, help="directory of pictures")
    result.add_argument("--count", type=int, default=count, help="pictures to take [%(default)s]")
    result.add_argument("--size", type=int, default=size, help="of the part in their middle [%(default)s]")


def add_publishing(result):
    result.add_argument("--save", help="write pictures to this directory")
    result.add_argument("--into", help="put the table in this file too, between <!-- NAME --> and <!-- /NAME -->")


def publish(text, name, into):
    print(text, end="", flush=True)
    if not into:
        return
    begin, end = f"<!-- {name} -->\n", f"<!-- /{name} -->"
    with open(into, encoding="utf-8") as file:
        old = file.read()
    pattern = re.escape(begin) + ".*?" + re.escape(end)
    new, count = re.subn(pattern, lambda _: begin + text + end, old, flags=re.DOTALL)
    if count != 1:
        raise SystemExit(f"{into}: has no place for {name}")
    with open(into, "w", encoding="utf-8") as file:
        file.write(new)
