#!/usr/bin/env python3
"""Writes tests/golden/resize.json: what Pillow's Image.resize makes of pictures drawn by a formula.

Needs Pillow older than 13, which reproduces the 9.4 of InvokeAI 2.3.0 (same bytes from 9.4, 11.3 and
12.0). Pillow 13.0 filters the height first when the width grows and the height shrinks, which rounds
differently. Small results are stored
in full as hex, so that a failing test can say by how much; of the others only the SHA-256.

    python scripts/oracles/make_resize_golden.py > tests/golden/resize.json
"""

import hashlib
import json
import sys

import PIL
from PIL import Image

FILTERS = {
    "nearest": Image.Resampling.NEAREST,
    "box": Image.Resampling.BOX,
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
    "lanczos": Image.Resampling.LANCZOS,
}
MODES = {1: "L", 3: "RGB", 4: "RGBA"}
FULL = [((13, 9), (7, 5)), ((13, 9), (20, 4)), ((5, 4), (13, 9))]
HASHED = [((64, 48), (17, 48)), ((64, 48), (64, 100)), ((1, 1), (8, 8)), ((200, 3), (1, 1)),
          ((200, 150), (512, 384)), ((333, 250), (96, 72)), ((31, 97), (97, 31)), ((7, 300), (3, 299))]


def picture(width, height, channels):
    """Bytes of a linear congruential generator; every fifth one is 0 or 255, for the clipping and for
    alpha at both ends."""
    state, data = width * 1009 + height * 31 + channels, bytearray()
    for i in range(width * height * channels):
        state = (state * 1664525 + 1013904223) & 0xFFFFFFFF
        data.append(state >> 24 if i % 5 else 255 * (state >> 31))
    return Image.frombytes(MODES[channels], (width, height), bytes(data))


def main():
    if int(PIL.__version__.split(".")[0]) >= 13:
        sys.exit(f"Pillow {PIL.__version__} orders its passes differently; install 12.0.0")
    cases = []
    for channels in MODES:
        for name, resample in FILTERS.items():
            for full, sizes in ((True, FULL), (False, HASHED)):
                for source, target in sizes:
                    pixels = picture(*source, channels).resize(target, resample).tobytes()
                    case = {"channels": channels, "filter": name, "from": source, "to": target}
                    case["pixels" if full else "sha256"] = (
                        pixels.hex() if full else hashlib.sha256(pixels).hexdigest())
                    cases.append(case)
    rows = ",\n".join(json.dumps(case) for case in cases)
    sys.stdout.write(f'{{"pillow": "{PIL.__version__}", "cases": [\n{rows}\n]}}\n')


if __name__ == "__main__":
    main()
