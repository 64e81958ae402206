#!/usr/bin/env python3
"""Looks for words in pictures with build/release/bin/invokeai and with transformers, and compares.

  PYTHON scripts/oracles/check_clipseg.py [--full] [--program FILE]

PYTHON needs torch 2.13, transformers 5.23, pillow and numpy. Writes a CLIPSeg of random weights (narrow;
with --full of the published size, 600 MB) as transformers saves it, once as safetensors and once as a
pickle, and lets `!mask` write its masks. The other side scales and pads with Pillow as 2.3.0 did. The heat
may differ by 1 level of 255 at most; the masks are equal but for pixels within a level of the threshold.
"""

import argparse
import os
import pathlib
import subprocess
import sys
import tempfile

os.environ.update(GOMP_SPINCOUNT="0", OMP_NUM_THREADS="1", HF_HUB_OFFLINE="1", TRANSFORMERS_VERBOSITY="error")

import numpy as np
import torch
from PIL import Image, ImageDraw
from transformers import CLIPSegConfig, CLIPSegForImageSegmentation

ROOT = pathlib.Path(__file__).resolve().parents[2]
SIDE = 352
WORDS = [49406, 736, 2225, 49407]  # <start> red hair <end>: "red" and "hair" of CLIP's vocabulary
NARROW = dict(
    text_config=dict(hidden_size=32, intermediate_size=64, num_hidden_layers=3, num_attention_heads=4),
    vision_config=dict(hidden_size=48, intermediate_size=96, num_hidden_layers=11, num_attention_heads=4, patch_size=16),
    projection_dim=24, reduce_dim=16, decoder_intermediate_size=40, use_complex_transposed_convolution=True,
)
FULL = dict(vision_config=dict(patch_size=16), reduce_dim=64, use_complex_transposed_convolution=True)


def picture(width, height):
    image = Image.new("RGB", (width, height), (40, 80, 160))
    draw = ImageDraw.Draw(image)
    draw.ellipse([width * 0.2, height * 0.1, width * 0.7, height * 0.8], fill=(220, 60, 30))
    draw.rectangle([width * 0.6, height * 0.5, width * 0.95, height * 0.9], fill=(240, 240, 90))
    return image


def heat_of(model, image):
    scale = SIDE / max(image.size)
    square = Image.new("RGB", (SIDE, SIDE))
    square.paste(image.resize((int(image.width * scale), int(image.height * scale)), Image.Resampling.LANCZOS))
    pixels = torch.from_numpy(np.asarray(square).copy()).float().permute(2, 0, 1) / 255
    mean, spread = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
    pixels = (pixels - mean[:, None, None]) / spread[:, None, None]
    with torch.no_grad():
        logits = model(input_ids=torch.tensor([WORDS]), pixel_values=pixels[None]).logits.reshape(SIDE, SIDE)
    return logits


def over(heat, image):
    side = max(image.size)
    return heat.resize((side, side), Image.Resampling.LANCZOS).crop((0, 0, *image.size))


def check(program, folder, model, image, name, scratch):
    file = scratch / f"{name}.png"
    image.save(file)
    heat = Image.fromarray((torch.sigmoid(heat_of(model, image)) * 255).round().byte().numpy())
    threshold = float(np.median(np.asarray(heat))) / 255
    root = scratch / "root"
    line = f'!mask {file} -tm "red hair" {threshold}\n'
    done = subprocess.run(
        [program, "--root_dir", root, "--clipseg_path", folder, "-o", scratch / "out"], input=line, text=True,
        capture_output=True)
    written = done.stdout.split("\n")[:3]
    if done.returncode != 0 or not written[-1].endswith("masked.png"):
        sys.exit(done.stdout + done.stderr)
    ours = np.asarray(Image.open(written[1]).getchannel("A")).astype(int)
    wanted = np.asarray(over(heat, image)).astype(int)
    mask = np.asarray(Image.open(written[2])).astype(int)
    grey = Image.fromarray(np.where(np.asarray(heat) >= threshold * 255, 0, 255).astype(np.uint8))
    wrong = float((np.abs(mask - np.asarray(over(grey, image)).astype(int)) > 1).mean())
    largest, spread = int(np.abs(ours - wanted).max()), int(wanted.max() - wanted.min())
    good = largest <= 1 and wrong < 0.02 and spread > 3
    print(f"  {folder.name}, {name}: heat differs by {largest} of 255 (its spread {spread}), "
          f"{100 * wrong:.2f} % of the mask's pixels differ: {'good' if good else 'BAD'}")
    return 0 if good else 1


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--full", action="store_true", help="the published size")
    parser.add_argument("--program", type=pathlib.Path, default=ROOT / "build/release/bin/invokeai")
    options = parser.parse_args()
    torch.manual_seed(1)
    model = CLIPSegForImageSegmentation(CLIPSegConfig(**(FULL if options.full else NARROW))).eval()
    with torch.no_grad():  # as drawn, the weights of the last layers give a map of one colour
        for p in model.decoder.transposed_convolution.parameters():
            p.mul_(3)
    with tempfile.TemporaryDirectory() as scratch:
        scratch = pathlib.Path(scratch)
        model.save_pretrained(scratch / "safetensors")
        pickled = scratch / "pickle"
        pickled.mkdir()
        (pickled / "config.json").write_text((scratch / "safetensors/config.json").read_text())
        torch.save(model.state_dict(), pickled / "pytorch_model.bin")
        failures = 0
        for folder in (scratch / "safetensors", pickled):
            for name, size in (("wide", (640, 300)), ("tall", (200, 500)), ("square", (352, 352))):
                failures += check(options.program.resolve(), folder, model, picture(*size), name, scratch)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
