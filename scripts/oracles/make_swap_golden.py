#!/usr/bin/env python3
"""Writes tests/golden/swap.json: a toy UNet whose attention follows that of another prompt.

Needs torch 2.13 and diffusers 0.42.1. Two passes as the legacy engine of 2.3.0 made them: the original
prompt's maps are stored, then put into the pass of the edited prompt. Weights and inputs follow the
formula of make_nn_golden.py. Each row holds which maps were used and the edited pass's output.
"""

import json
import pathlib

import torch
from diffusers import UNet2DConditionModel
from make_nn_golden import fill, uniform, unet_config

TARGET = pathlib.Path(__file__).resolve().parents[2] / "tests/golden/swap.json"
KEEP = [1, 1, 0, 0, 1, 1, 0, 0]
SOURCE = [0, 1, 2, 3, 3, 4, 6, 7]


class Processor:
    """Attention with its maps in the open."""

    store, use = [], None

    def __init__(self, cross):
        self.cross = cross

    def __call__(self, attn, hidden_states, encoder_hidden_states=None, attention_mask=None, temb=None, **_):
        context = hidden_states if encoder_hidden_states is None else encoder_hidden_states
        q, k, v = (attn.head_to_batch_dim(f(x)) for f, x in
                   ((attn.to_q, hidden_states), (attn.to_k, context), (attn.to_v, context)))
        maps = torch.softmax(q @ k.transpose(1, 2) / q.shape[-1] ** 0.5, -1)
        if Processor.use is None:
            Processor.store.append(maps)
        else:
            original = Processor.store.pop(0)
            if self.cross and "cross" in Processor.use:
                keep = torch.tensor(KEEP)
                maps = keep * original[:, :, torch.tensor(SOURCE)] + (1 - keep) * maps
            elif not self.cross and "self" in Processor.use:
                maps = original
        return attn.to_out[0](attn.batch_to_head_dim(maps @ v))


def main():
    torch.set_num_threads(1)
    torch.manual_seed(0)
    config = unet_config()
    unet = fill(UNet2DConditionModel(**config))
    unet.set_attn_processor({n: Processor("attn2" in n) for n in unet.attn_processors})
    sample, original, edited = uniform("sample", [1, 4, 8, 6]), uniform("original", [1, 8, 24]), uniform("edited", [1, 8, 24])
    cases = []
    with torch.no_grad():
        for use in ("", "self", "cross", "self cross"):
            Processor.store, Processor.use = [], None
            unet(sample, 481.0, original)
            Processor.use = use
            out = unet(sample, 481.0, edited).sample
            assert not Processor.store
            cases.append(dict(use=use, output=[float(f"{v:.7g}") for v in out.flatten().tolist()]))
            print(f"{use:12} std {out.std():.3f}")
    TARGET.write_text(json.dumps(dict(config=config, keep=KEEP, source=SOURCE, timestep=481.0, cases=cases),
                                 separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
