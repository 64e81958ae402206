#!/usr/bin/env python3
"""Writes tests/golden/nn/clipseg.json: outputs of a toy CLIPSeg by transformers.

Needs torch 2.13 and transformers 5.23; no model files, no GPU. Takes a second. Weights and inputs follow
the formula of make_nn_golden.py. The network is trained on a grid of 2 x 2 patches; the second case is
larger, so its learned positions are interpolated.
"""

import json
import pathlib

import numpy as np
import torch
from transformers import CLIPSegConfig, CLIPSegForImageSegmentation

from make_nn_golden import fill, hashes, uniform

TARGET = pathlib.Path(__file__).resolve().parents[2] / "tests/golden/nn/clipseg.json"
CONFIG = dict(
    text_config=dict(
        vocab_size=99, hidden_size=32, intermediate_size=64, num_hidden_layers=3, num_attention_heads=4,
        max_position_embeddings=20, bos_token_id=97, eos_token_id=98, pad_token_id=98,
    ),
    vision_config=dict(
        hidden_size=48, intermediate_size=96, num_hidden_layers=6, num_attention_heads=4, image_size=32, patch_size=16,
    ),
    projection_dim=24, extract_layers=[1, 2, 4], reduce_dim=16, decoder_num_attention_heads=4,
    decoder_intermediate_size=40, conditional_layer=0, use_complex_transposed_convolution=True,
)


def numbers(tensor):
    return [float(f"{v:.7g}") for v in tensor.flatten().tolist()]


def main():
    torch.set_num_threads(1)
    model = fill(CLIPSegForImageSegmentation(CLIPSegConfig(**CONFIG)))
    ids = (hashes("ids", 9) % 97).astype(np.int64).tolist()
    ids[6:] = [98, 98, 98]  # the end marker, and padding behind it
    cases = []
    for side in (32, 48):
        with torch.no_grad():
            out = model(input_ids=torch.tensor([ids]), pixel_values=uniform("pixels", [1, 3, side, side]))
        logits = out.logits.reshape(side, side)
        cases.append(dict(side=side, ids=ids, end=6, text=numbers(out.conditional_embeddings), logits=numbers(logits)))
        print(f"{side} x {side}: mean {logits.mean():.3f}, std {logits.std():.3f}")
    TARGET.write_text(json.dumps(dict(config=CONFIG, cases=cases), separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
