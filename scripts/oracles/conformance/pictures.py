"""Whole pictures: the program's against the reference's."""

import dataclasses
import pathlib
import subprocess
import sys
import tempfile

import numpy as np
from PIL import Image

from . import reference

BAR = 65.0  # dB; there one value in 49 is off by one of 255


@dataclasses.dataclass
class Case:
    sampler: str
    prompt: str
    negative: str
    seed: int
    steps: int
    width: int
    height: int
    guidance: float = 7.5


def draw_ours(bin_folder, model, case):
    """The same case by our program, [H,W,3] u8."""
    words = f"{case.prompt} [{case.negative}]" if case.negative else case.prompt
    with tempfile.TemporaryDirectory() as folder:
        command = [
            bin_folder / "invokeai", words, "--root_dir", folder, "--model", model.resolve(),
            "--device", "cpu", "--precision", "float32", "-A", case.sampler, "-s", case.steps,
            "-S", case.seed, "-C", case.guidance, "-W", case.width, "-H", case.height,
            "--outdir", folder]
        done = subprocess.run(
            [str(word) for word in command], capture_output=True, text=True, stdin=subprocess.DEVNULL)
        pictures = sorted(pathlib.Path(folder).glob("*.png"))
        if done.returncode != 0 or not pictures:
            sys.exit(f"[conformance] invokeai failed with status {done.returncode}:\n{done.stdout}{done.stderr}")
        return np.asarray(Image.open(pictures[-1]).convert("RGB"))


def save(keep, name, ours, expected):
    keep.mkdir(parents=True, exist_ok=True)
    Image.fromarray(expected).save(keep / f"{name}.reference.png")
    Image.fromarray(ours).save(keep / f"{name}.ours.png")


def compare(bin_folder, model, cases, keep=None):
    """Prints one line a case; gives how many are at or under the bar.

    Our pictures come first, so that only one side's networks are in memory at a time.
    """
    drawn = [draw_ours(bin_folder, model, case) for case in cases]
    painter = reference.Painter(model)
    failures = 0
    print(f"  {'picture':10} {'seed':>4} {'size':>9} {'steps':>5}  {'PSNR dB':>8}  {'values off':>10}  {'largest':>7}")
    for case, ours in zip(cases, drawn):
        expected = painter.draw(case)
        if ours.shape != expected.shape:
            sys.exit(f"[conformance] {case.sampler}: ours is {ours.shape}, the reference {expected.shape}")
        if keep:
            save(keep, f"{model.name}.{case.sampler}.{case.seed}", ours, expected)
        gap = np.abs(ours.astype(np.int64) - expected.astype(np.int64))
        mean_square = float((gap**2).mean())
        psnr = 10 * np.log10(255**2 / mean_square) if mean_square else float("inf")
        failures += psnr <= BAR
        size = f"{case.width}x{case.height}"
        print(f"  {case.sampler:10} {case.seed:4} {size:>9} {case.steps:5}  {psnr:8.2f}  {100 * (gap > 0).mean():9.3f}%  "
              f"{gap.max():7}{'' if psnr > BAR else '  under the bar'}", flush=True)
    return failures
