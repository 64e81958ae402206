#!/usr/bin/env python3
"""Writes tests/golden/formats/: model files as torch.save and safetensors make them, and
expected.json with what each holds. Run with a Python that has torch, numpy and safetensors:

    python3 scripts/oracles/make_format_golden.py

Files of the older torch layout name their storages by memory address, so their bytes differ from
run to run; everything else is reproducible.
"""
import io
import json
import sys
import types
import zipfile
from collections import OrderedDict
from pathlib import Path

import numpy
import torch
from safetensors.torch import save_file

FOLDER = Path(__file__).resolve().parents[2] / "tests/golden/formats"
expected = {}


def values(shape, dtype, start=0):
    """Small whole numbers that every element type holds exactly."""
    count = 1
    for size in shape:
        count *= size
    numbers = (torch.arange(count) * 7 + start) % 23
    if dtype == torch.bool:
        return (numbers % 2 == 0).reshape(shape)
    return numbers.to(torch.float32).to(dtype).reshape(shape)


def describe(tensor):
    dense = tensor.detach().clone(memory_format=torch.contiguous_format).reshape(-1)
    raw = bytes(dense.view(torch.uint8).tolist()) if dense.numel() else b""
    return {"dtype": str(tensor.dtype).removeprefix("torch."), "shape": list(tensor.shape), "bytes": raw.hex()}


def expect(name, tensors, metadata=None):
    expected[name] = {
        "tensors": {key: describe(tensor) for key, tensor in tensors.items()},
        "order": list(tensors),
        "metadata": metadata or {},
    }


def class_of(module, name):
    """A class that the reader must not need: its module exists only here."""
    cls = type(name, (), {"__module__": module})
    parts = module.split(".")
    for count in range(1, len(parts) + 1):
        sys.modules.setdefault(".".join(parts[:count]), types.ModuleType(parts[count - 1]))
    setattr(sys.modules[module], name, cls)
    return cls


def checkpoint():
    callback = class_of("pytorch_lightning.callbacks.model_checkpoint", "ModelCheckpoint")()
    callback.best_model_score = values([1], torch.float32)
    weights = OrderedDict()
    weights["model.diffusion_model.weight"] = values([2, 3], torch.float16)
    weights["model.diffusion_model.bias"] = values([3], torch.float32, 2)
    weights["first_stage_model.scale"] = values([], torch.float64, 5)
    weights["cond_stage_model.position_ids"] = values([1, 4], torch.int64)
    weights["empty"] = values([0, 4], torch.float32)
    weights._metadata = OrderedDict({"": {"version": 1}})
    whole = {
        "epoch": 3,
        "global_step": 840000,
        "pytorch-lightning_version": "1.7.7",
        "state_dict": weights,
        "callbacks": {type(callback): {"callback": callback}},
        "optimizer_states": [{"state": {0: {"exp_avg": values([3], torch.float32)}}}],
        "lr": 0.5,
        "use_ema": True,
        "hparams_name": None,
    }
    metadata = {
        "epoch": "3", "global_step": "840000", "pytorch-lightning_version": "1.7.7", "lr": "0.5",
        "use_ema": "true",
    }  # fmt: skip
    return whole, dict(weights), metadata


def save_checkpoints():
    whole, tensors, metadata = checkpoint()
    torch.save(whole, FOLDER / "checkpoint.ckpt")
    torch.save(whole, FOLDER / "checkpoint-legacy.ckpt", _use_new_zipfile_serialization=False)
    torch.save(whole, FOLDER / "checkpoint-protocol4.ckpt", pickle_protocol=4)
    torch.save({"state_dict": whole}, FOLDER / "checkpoint-nested-twice.ckpt")
    with zipfile.ZipFile(FOLDER / "checkpoint.ckpt") as stored:
        with zipfile.ZipFile(FOLDER / "checkpoint-deflated.ckpt", "w", zipfile.ZIP_DEFLATED) as packed:
            for name in stored.namelist():
                packed.writestr(zipfile.ZipInfo(name), stored.read(name), zipfile.ZIP_DEFLATED)
    for name in ("", "-legacy", "-protocol4", "-nested-twice", "-deflated"):
        expect(f"checkpoint{name}.ckpt", tensors, metadata)


def save_views():
    base = values([4, 6], torch.float32)
    views = {
        "whole": base,
        "transposed": base.t(),
        "rows": base[1:3],
        "columns": base[:, 1:6:2],
        "repeated": base[0, :3].expand(2, 3),
        "permuted": values([2, 3, 4], torch.bfloat16).permute(2, 0, 1),
        "parameter": torch.nn.Parameter(values([3], torch.float16)),
    }
    attributed = values([2], torch.float32)
    attributed.note = "kept by torch as a Python attribute"
    views["attributed"] = attributed
    torch.save(views, FOLDER / "views.pt")
    torch.save(views, FOLDER / "views-legacy.pt", _use_new_zipfile_serialization=False)
    expect("views.pt", views)
    expect("views-legacy.pt", views)


def save_dtypes():
    names = "float64 float32 float16 bfloat16 int64 int32 int16 int8 uint8 bool float8_e4m3fn float8_e5m2 uint16 uint32 uint64"
    tensors = {name: values([5], getattr(torch, name)) for name in names.split()}
    torch.save(tensors, FOLDER / "dtypes.pt")
    expect("dtypes.pt", tensors)
    save_file(tensors, FOLDER / "dtypes.safetensors", metadata={"format": "pt"})
    order = sorted(tensors)  # the reference keeps its entries sorted by type; only the set is compared
    expect("dtypes.safetensors", {name: tensors[name] for name in order}, {"format": "pt"})


def save_embeddings():
    vectors = values([2, 8], torch.float32)
    hyper = class_of("some_trainer.settings", "Settings")()
    hyper.rate = 1
    embedding = {
        "string_to_token": {"*": 265},
        "string_to_param": torch.nn.ParameterDict({"*": torch.nn.Parameter(vectors)}),
        "name": "möbius",
        "step": 1500,
        "sd_checkpoint": None,
        "extra": hyper,
    }
    metadata = {"string_to_token.*": "265", "name": "möbius", "step": "1500",
                "unknown_objects": "some_trainer.settings.Settings"}  # fmt: skip
    torch.save(embedding, FOLDER / "embedding.pt")
    torch.save(embedding, FOLDER / "embedding-legacy.pt", _use_new_zipfile_serialization=False)
    expect("embedding.pt", {"string_to_param.*": vectors}, metadata)
    expect("embedding-legacy.pt", {"string_to_param.*": vectors}, metadata)


def save_others():
    network = torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.BatchNorm1d(2))
    with torch.no_grad():
        for index, tensor in enumerate(network.state_dict().values()):
            tensor.copy_(values(list(tensor.shape), tensor.dtype, index))
    torch.save(network, FOLDER / "module.pt")
    expect("module.pt", network.state_dict())
    weight = values([4], torch.float32)
    torch.save({"step": numpy.int64(5), "array": numpy.arange(3), "weight": weight, 7: weight}, FOLDER / "numpy.pt")
    expect("numpy.pt", {"weight": weight, "7": weight})
    torch.save([weight, {"inner": weight}], FOLDER / "list.pt")
    expect("list.pt", {"0": weight, "1.inner": weight})
    torch.save(weight, FOLDER / "single.pt")
    expect("single.pt", {"tensor": weight})


def save_big_endian():
    weight, count = values([4], torch.float32), values([2], torch.int64)
    stream = io.BytesIO()
    torch.save({"weight": weight, "count": count}, stream)
    with zipfile.ZipFile(stream) as little, zipfile.ZipFile(FOLDER / "big-endian.pt", "w") as big:
        for name in little.namelist():
            content = little.read(name)
            if name.endswith("/byteorder"):
                content = b"big"
            elif "/data/" in name:
                size = 4 if name.endswith("/0") else 8
                content = numpy.frombuffer(content, f"<u{size}").byteswap().tobytes()
            big.writestr(zipfile.ZipInfo(name), content)
    expect("big-endian.pt", {"weight": weight, "count": count})


if __name__ == "__main__":
    # The older layout embeds the source text of module classes; a stand-in is as good.
    torch.serialization.get_source_lines_and_file = lambda *_: (["class text\n"], 1, "container.py")
    FOLDER.mkdir(parents=True, exist_ok=True)
    save_checkpoints()
    save_views()
    save_dtypes()
    save_embeddings()
    save_others()
    save_big_endian()
    lines = [f"{json.dumps(name)}: {json.dumps(what, ensure_ascii=False)}" for name, what in expected.items()]
    (FOLDER / "expected.json").write_text("{\n" + ",\n".join(lines) + "\n}\n")
    print(f"{sum(f.stat().st_size for f in FOLDER.iterdir())} bytes in {FOLDER}")
