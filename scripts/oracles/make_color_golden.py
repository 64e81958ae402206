#!/usr/bin/env python3
"""Writes tests/golden/color.json: OpenCV's 8-bit LAB, scikit-image's histogram matching in it, and
mean and spread matching written down with NumPy, on pictures of make_resize_golden.py's formula.

    pip install Pillow==12.0.0 numpy opencv-python-headless scikit-image
    python scripts/oracles/make_color_golden.py > tests/golden/color.json
"""

import json
import sys

import cv2
import numpy as np
import skimage
from skimage.exposure import match_histograms

from make_resize_golden import picture

SIZE = (40, 24)


def ramps(width, height):
    """Two pictures without clipped colours and without gaps in their histograms: sums of ramps."""
    y, x = np.mgrid[0:height, 0:width]
    first = [40 + 3 * x + 3 * y, 200 - 4 * x, 90 + 5 * y + x]
    second = [220 - 2 * x - y, 60 + x + 2 * y, 180 - 4 * y + x]
    return [np.stack(channels, axis=-1).astype(np.uint8) for channels in (first, second)]


def hexed(array):
    return np.ascontiguousarray(array.astype(np.uint8)).tobytes().hex()


def matched_mean_and_spread(generated, original, kept):
    result = generated.astype(np.float64)
    for c in range(3):
        g, o = generated[..., c][kept].astype(np.float64), original[..., c][kept].astype(np.float64)
        result[..., c] = (result[..., c] - g.mean()) / g.std() * o.std() + o.mean()
    return result.clip(0, 255).round()


def main():
    noise = np.asarray(picture(*SIZE, 3))
    first, second = ramps(*SIZE)
    mask = np.asarray(picture(*SIZE, 1))
    kept = mask > 0
    lab = [cv2.cvtColor(image, cv2.COLOR_RGB2LAB) for image in (noise, first, second)]
    golden = {
        "opencv": cv2.__version__,
        "scikit-image": skimage.__version__,
        "size": SIZE,
        "ramps": hexed(first),
        "other_ramps": hexed(second),
        "lab_of_noise": hexed(lab[0]),
        "lab_of_ramps": hexed(lab[1]),
        "rgb_of_ramps_lab": hexed(cv2.cvtColor(lab[1], cv2.COLOR_LAB2RGB)),
    }
    matched = match_histograms(lab[1], lab[2], channel_axis=2).astype(np.uint8)
    golden["ramps_like_others"] = hexed(cv2.cvtColor(matched, cv2.COLOR_LAB2RGB))
    golden["mean_and_spread"] = hexed(matched_mean_and_spread(noise, first, kept))
    rows = ",\n".join(f"{json.dumps(key)}: {json.dumps(value)}" for key, value in golden.items())
    sys.stdout.write("{" + rows + "}\n")


if __name__ == "__main__":
    main()
