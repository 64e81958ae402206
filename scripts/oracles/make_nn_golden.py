#!/usr/bin/env python3
"""Writes tests/golden/nn/networks.json: outputs of toy networks by diffusers and transformers.

Needs torch, diffusers 0.42.1 and transformers 5.23; no model files, no GPU. Takes a few seconds.
Weights and inputs follow the formula below, which tests/nn/formula_weights.h computes as well, so
the file holds configs, input shapes and outputs only.
"""

import json
import math
import pathlib
import zlib

import numpy as np
import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from transformers import CLIPTextConfig, CLIPTextModel

TARGET = pathlib.Path(__file__).resolve().parents[2] / "tests/golden/nn/networks.json"
SD_DOWN = ["CrossAttnDownBlock2D", "CrossAttnDownBlock2D", "DownBlock2D"]
SD_UP = ["UpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D"]


def hashes(name, count):
    """32 well-mixed bits for each index; the seed is the CRC-32 of the name."""
    mask = np.uint64(0xFFFFFFFF)
    h = (np.arange(count, dtype=np.uint64) * np.uint64(2654435761) + np.uint64(zlib.crc32(name.encode()))) & mask
    for shift, factor in ((16, 0x85EBCA6B), (13, 0xC2B2AE35)):
        h = ((h ^ (h >> np.uint64(shift))) * np.uint64(factor)) & mask
    return h ^ (h >> np.uint64(16))


def uniform(name, shape):
    """Numbers in [-1,1)."""
    values = hashes(name, math.prod(shape)).astype(np.float64) / 2.0**31 - 1
    return torch.from_numpy(values.astype(np.float32)).reshape(shape)


def weight(name, shape):
    u = uniform(name, shape)
    if len(shape) == 1:  # biases about 0, norm weights about 1
        return 0.1 * u + (1.0 if name.endswith("weight") else 0.0)
    if "embedding.weight" in name and "linear" not in name:
        return u
    return u * float(np.float32(math.sqrt(3 / math.prod(shape[1:]))))  # keeps the variance


def fill(module, prefix=""):
    with torch.no_grad():
        for name, p in module.named_parameters():
            name = name if name.startswith(prefix) else prefix + name
            p.copy_(weight(name, tuple(p.shape)))
    return module.eval()


def unet_config(**changes):
    return dict(
        sample_size=8, in_channels=4, out_channels=4, block_out_channels=[16, 32, 48],
        down_block_types=SD_DOWN, up_block_types=SD_UP, layers_per_block=2, attention_head_dim=4,
        cross_attention_dim=24, norm_num_groups=8, norm_eps=1e-5, act_fn="silu",
        mid_block_scale_factor=1, downsample_padding=1, flip_sin_to_cos=True, freq_shift=0,
    ) | changes


def record(name, network, config, shapes, output, **more):
    return dict(
        name=name, network=network, config=config, inputs=shapes, **more,
        output_shape=list(output.shape), output=[float(f"{v:.7g}") for v in output.flatten().tolist()],
    )


def unet_case(name, config, height, width, timesteps):
    unet = fill(UNet2DConditionModel(**config))
    shapes = dict(sample=[2, config["in_channels"], height, width], context=[2, 7, config["cross_attention_dim"]])
    extra = None
    if config.get("addition_embed_type") == "text_time":
        pooled = config["projection_class_embeddings_input_dim"] - 6 * config["addition_time_embed_dim"]
        shapes |= dict(pooled_text=[2, pooled], time_ids=[2, 6])
        extra = dict(text_embeds=uniform("pooled_text", [2, pooled]), time_ids=512 + 512 * uniform("time_ids", [2, 6]))
    output = unet(
        uniform("sample", shapes["sample"]), torch.tensor(timesteps), uniform("context", shapes["context"]),
        added_cond_kwargs=extra,
    ).sample
    return record(name, "unet", config, shapes, output, timesteps=timesteps)


def vae_cases():
    config = dict(
        in_channels=3, out_channels=3, latent_channels=4, block_out_channels=[8, 16, 24], layers_per_block=2,
        norm_num_groups=4, down_block_types=["DownEncoderBlock2D"] * 3, up_block_types=["UpDecoderBlock2D"] * 3,
        sample_size=16, scaling_factor=0.18215, act_fn="silu",
    )
    vae = fill(AutoencoderKL(**config))
    latents, pixels = [2, 4, 5, 3], [2, 3, 20, 28]
    moments = vae.encode(uniform("pixels", pixels)).latent_dist
    encoded = torch.stack([moments.mean, moments.logvar])
    return [
        record("decode", "vae", config, dict(latents=latents), vae.decode(uniform("latents", latents)).sample),
        record("encode: mean, log-variance", "vae", config, dict(pixels=pixels), encoded),
    ]


def clip_cases(activation):
    config = dict(
        vocab_size=99, hidden_size=32, intermediate_size=64, num_hidden_layers=3, num_attention_heads=4,
        max_position_embeddings=20, hidden_act=activation, layer_norm_eps=1e-5,
        bos_token_id=97, eos_token_id=98, pad_token_id=98,
    )
    model = fill(CLIPTextModel(CLIPTextConfig(**config)), "text_model.")
    shape = [2, 13]
    ids = torch.from_numpy((hashes("ids", math.prod(shape)) % 99).astype(np.int64)).reshape(shape)
    ids[:, -1] = 98
    out = model(ids, output_hidden_states=True)
    more = dict(ids=ids.tolist())
    return [
        record(f"{activation}, last layer", "clip", config, {}, out.last_hidden_state, **more),
        record(f"{activation}, penultimate", "clip", config, {}, out.hidden_states[-2], **more),
    ]


def main():
    torch.set_num_threads(1)
    torch.manual_seed(0)  # only the constructors draw; `fill` overwrites what they drew
    v2 = dict(use_linear_projection=True, attention_head_dim=[2, 4, 6])
    sdxl = v2 | dict(
        down_block_types=["DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"],
        up_block_types=["CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"],
        transformer_layers_per_block=[1, 2, 3], addition_embed_type="text_time",
        addition_time_embed_dim=8, projection_class_embeddings_input_dim=68,
    )
    with torch.no_grad():
        cases = [
            unet_case("SD 1", unet_config(), 8, 8, [981.0, 1.0]),
            unet_case("SD 1, 11x7 latents, fractional timesteps", unet_config(), 11, 7, [500.5, 32.25]),
            unet_case("SD 1 inpainting, 9 channels", unet_config(in_channels=9), 8, 6, [741.0, 21.0]),
            unet_case("SD 2, linear projections, heads by level", unet_config(**v2), 8, 10, [999.0, 0.0]),
            unet_case("SD 2, 9x13 latents", unet_config(**v2, upcast_attention=True), 9, 13, [300.0, 301.0]),
            unet_case("SDXL, size conditioning, depth by level", unet_config(**sdxl), 8, 8, [801.0, 401.0]),
            unet_case("SDXL, 5x11 latents", unet_config(**sdxl), 5, 11, [61.0, 981.0]),
            *vae_cases(), *clip_cases("quick_gelu"), *clip_cases("gelu"),
        ]
    for case in cases:
        v = torch.tensor(case["output"])
        print(f"{case['network']:5} {case['name']:45} {case['output_shape']}  mean {v.mean():.3f}  std {v.std():.3f}")
    TARGET.parent.mkdir(parents=True, exist_ok=True)
    TARGET.write_text("[\n" + ",\n".join(json.dumps(c, separators=(",", ":")) for c in cases) + "\n]\n")


if __name__ == "__main__":
    main()
