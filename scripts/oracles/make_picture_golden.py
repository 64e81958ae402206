#!/usr/bin/env python3
"""Writes tests/golden/pictures/: small files as Pillow and OpenCV write them, in every kind that
init images come in, and expected.json with the pixels that Pillow sees.

    pip install Pillow==12.0.0 numpy opencv-python-headless
    python scripts/oracles/make_picture_golden.py tests/golden/pictures
"""

import json
import pathlib
import sys

import cv2
import numpy as np
from PIL import Image, ImageOps

SIZE = (12, 8)


def ramps(channels, top=255):
    y, x = np.mgrid[0 : SIZE[1], 0 : SIZE[0]]
    planes = [x / (SIZE[0] - 1), y / (SIZE[1] - 1), (x + y) % 5 / 4, (x * y) % 7 / 6]
    return np.stack([(plane * top).round() for plane in planes[:channels]], axis=-1)


def write_files(folder):
    rgb = Image.fromarray(ramps(3).astype(np.uint8))
    rgba = Image.fromarray(ramps(4).astype(np.uint8))
    grey = rgb.convert("L")
    one = rgb.crop((3, 3, 4, 4))
    palette = rgb.quantize(8)
    for name, image, options in (
        ("one-pixel.png", one, {}),
        ("one-pixel.jpg", one, {"quality": 95}),
        ("one-pixel.webp", one, {"lossless": True}),
        ("palette.png", palette, {}),
        ("palette-transparent.png", palette, {"transparency": 2}),
        ("one-bit.png", grey.convert("1"), {}),
        ("grey-alpha.png", rgba.convert("LA"), {}),
        ("grey.jpg", grey, {"quality": 95}),
        ("progressive.jpg", rgb, {"quality": 95, "progressive": True}),
        ("cmyk.jpg", rgb.convert("CMYK"), {"quality": 95}),
        ("alpha-lossless.webp", rgba, {"lossless": True, "exact": True}),
        ("animated.webp", rgb, {"save_all": True, "append_images": [ImageOps.invert(rgb)], "lossless": True}),
    ):
        image.save(folder / name, **options)
    exif = Image.Exif()
    exif[0x0112] = 6
    rgb.save(folder / "lying.jpg", quality=95, exif=exif)
    deep = ramps(4, top=65535).astype(np.uint16)
    cv2.imwrite(str(folder / "grey-16-bit.png"), deep[..., 0])
    cv2.imwrite(str(folder / "rgb-16-bit.png"), deep[..., 2::-1])
    cv2.imwrite(str(folder / "rgba-16-bit.png"), deep[..., [2, 1, 0, 3]])
    for source in ("palette.png", "progressive.jpg", "alpha-lossless.webp"):
        data = (folder / source).read_bytes()
        (folder / ("truncated" + pathlib.Path(source).suffix)).write_bytes(data[: len(data) * 3 // 5])
    (folder / "text.png").write_text("This is no picture.\n")
    (folder / "empty.png").write_bytes(b"")
    rgb.save(folder / "other-kind.bmp")


def seen(path):
    """What Pillow makes of a file, as RGBA; 16 bits come from the formula, since Pillow clips them."""
    if path.stem.endswith("16-bit"):
        channels = {"grey": 1, "rgb": 3, "rgba": 4}[path.stem.split("-")[0]]
        pixels = (ramps(4, top=65535)[..., :channels] / 65535 * 255).round().astype(np.uint8)
        return Image.fromarray(pixels[..., 0] if channels == 1 else pixels).convert("RGBA")
    return ImageOps.exif_transpose(Image.open(path)).convert("RGBA")


def main():
    folder = pathlib.Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    write_files(folder)
    expected = {}
    for path in sorted(folder.iterdir()):
        if path.stem in ("expected", "truncated", "text", "empty", "other-kind"):
            continue
        image = seen(path)
        expected[path.name] = {"size": image.size, "lossy": path.suffix == ".jpg",
                               "rgba": image.tobytes().hex()}
    rows = ",\n".join(f"{json.dumps(name)}: {json.dumps(case)}" for name, case in expected.items())
    (folder / "expected.json").write_text("{" + rows + "}\n")


if __name__ == "__main__":
    main()
