#!/usr/bin/env python3
"""Writes tests/golden/filters.json: what Pillow's blurs, Min- and MaxFilter, Image.composite and
ImageChops.multiply make of pictures drawn by a formula (the one of make_resize_golden.py).

Small results are stored in full as hex, so that a failing test can say by how much; of the others
only the SHA-256.

    python scripts/oracles/make_filter_golden.py > tests/golden/filters.json     # Pillow 12.0.0
"""

import hashlib
import json
import sys

import PIL
from PIL import Image, ImageChops, ImageFilter

from make_resize_golden import picture

SIZES = [(13, 9), (64, 48), (1, 1), (200, 3), (3, 97)]
BLURS = [0.3, 0.5, 1, 1.7, 2, 4, 7.25, 8, 16, 40]
REACHES = [1, 2, 4, 9, 48]


def stored(image, **case):
    pixels = image.tobytes()
    small = len(pixels) <= 400
    case["pixels" if small else "sha256"] = pixels.hex() if small else hashlib.sha256(pixels).hexdigest()
    return case


def filtered():
    for size in SIZES:
        for channels in (1, 3, 4):
            source = picture(*size, channels)
            for name, make in (("box", ImageFilter.BoxBlur), ("gaussian", ImageFilter.GaussianBlur)):
                for radius in BLURS:
                    yield stored(source.filter(make(radius)), filter=name, radius=radius, size=size,
                                 channels=channels)
            for name, make in (("erode", ImageFilter.MinFilter), ("dilate", ImageFilter.MaxFilter)):
                for reach in REACHES:
                    yield stored(source.filter(make(2 * reach + 1)), filter=name, radius=reach,
                                 size=size, channels=channels)


def mixed():
    """`below` and `above` are the picture and its mirror image, `mask` the grey picture of the size."""
    for size in SIZES[:2]:
        mask = picture(*size, 1)
        for channels in (1, 3, 4):
            source = picture(*size, channels)
            mirror = source.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
            yield stored(Image.composite(mirror, source, mask), operation="blend", size=size,
                         channels=channels)
        mirror = mask.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        yield stored(ImageChops.multiply(mask, mirror), operation="multiply", size=size, channels=1)


def main():
    parts = [json.dumps({"pillow": PIL.__version__})[1:-1]]
    for name, cases in (("filters", filtered()), ("mixes", mixed())):
        parts.append(f'"{name}": [\n' + ",\n".join(json.dumps(case) for case in cases) + "\n]")
    sys.stdout.write("{" + ",\n".join(parts) + "}\n")


if __name__ == "__main__":
    main()
