#!/usr/bin/env python3
"""Opens the files that models_formats_tests left in BUILD/written-formats with torch.load, in its
restricted mode, and with safetensors, and compares every tensor with the golden file it came from.

    python3 scripts/oracles/check_written_files.py BUILD
"""
import sys
from pathlib import Path

import torch
from safetensors.torch import load_file

GOLDEN = Path(__file__).resolve().parents[2] / "tests/golden/formats"


def load(path):
    if path.suffix == ".safetensors":
        return load_file(path)
    # The golden checkpoint holds a trainer's callback of a class that does not exist here.
    class Callback:
        pass

    Callback.__module__, Callback.__qualname__ = "pytorch_lightning.callbacks.model_checkpoint", "ModelCheckpoint"
    with torch.serialization.safe_globals(
        [(Callback, "pytorch_lightning.callbacks.model_checkpoint.ModelCheckpoint")]
    ):
        return torch.load(path, weights_only=True)


def same(a, b):
    a, b = a.detach().contiguous().reshape(-1), b.detach().contiguous().reshape(-1)
    return a.dtype == b.dtype and bytes(a.view(torch.uint8).tolist()) == bytes(b.view(torch.uint8).tolist())


def main():
    compared = 0
    for written in sorted((Path(sys.argv[1]) / "written-formats").iterdir()):
        golden, copy = load(GOLDEN / written.stem), load(written)
        if written.suffix == ".ckpt":
            assert copy["global_step"] == 840000, written
            copy = copy["state_dict"]
        golden = golden.get("state_dict", golden)
        assert set(golden) == set(copy), (written, set(golden) ^ set(copy))
        for name, tensor in golden.items():
            assert tensor.shape == copy[name].shape, (written, name)
            assert same(tensor, copy[name]), (written, name)
            compared += 1
        print(f"{written.name}: {len(copy)} tensors equal")
    assert compared > 0


if __name__ == "__main__":
    main()
