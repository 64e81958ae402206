"""Outputs of the three networks: ours against the reference's, on the same inputs in float32."""

import subprocess
import sys
import tempfile

import safetensors.torch
import torch

from . import reference

LARGEST = 1e-3  # of the spread of the reference's output
COSINE = 0.99999
TEXTS = ["a big red star on a blue background", "it's naïve: 42 cats, a \"tree\" & 東京!"]


@torch.no_grad()
def reference_text(model):
    """ids [2,77] i64 and what the text encoder makes of them, [2,77,D]."""
    ids = reference.token_ids(model, TEXTS)
    return ids, reference.text_encoder(model)(ids).last_hidden_state


@torch.no_grad()
def reference_images(model, inputs):
    """Outputs of UNet and VAE; one network is in memory at a time."""
    unet = reference.unet(model)
    outputs = {"prediction": unet(
        inputs["sample"], inputs["timesteps"], encoder_hidden_states=inputs["context"]).sample}
    del unet
    vae = reference.vae(model)
    distribution = vae.encode(inputs["pixels"]).latent_dist
    outputs["mean"], outputs["log_variance"] = distribution.mean, distribution.logvar
    outputs["decoded"] = vae.decode(inputs["latents"]).sample
    return outputs


def make_inputs(model, context, batch, unet_side, vae_side):
    """Standard normal samples, latents of the size they have in use, noisy pixels."""
    draw = torch.Generator().manual_seed(1)
    config = reference.diffusers.UNet2DConditionModel.load_config(model / "unet")
    scaling = reference.diffusers.AutoencoderKL.load_config(model / "vae")["scaling_factor"]
    normal = lambda *shape: torch.randn(shape, generator=draw)
    return {
        "sample": normal(batch, config["in_channels"], unet_side, unet_side),
        "timesteps": torch.tensor([981.0, 21.0])[:batch],
        "context": context[:batch].contiguous(),
        "pixels": (0.5 * normal(1, 3, 8 * vae_side, 8 * vae_side)).clamp(-1, 1),
        "latents": normal(1, 4, vae_side, vae_side) / scaling,
    }


def our_outputs(bin_folder, model, inputs):
    with tempfile.TemporaryDirectory() as folder:
        given, made = f"{folder}/inputs.safetensors", f"{folder}/outputs.safetensors"
        safetensors.torch.save_file(inputs, given)
        done = subprocess.run([bin_folder / "run-networks", model, given, made], capture_output=True, text=True)
        if done.returncode != 0:
            sys.exit(f"[conformance] run-networks failed with status {done.returncode}:\n{done.stdout}{done.stderr}")
        return safetensors.torch.load_file(made)


def compare(bin_folder, model, batch=2, unet_side=None, vae_side=None):
    """Prints one line an output; gives how many break a bar. Sides are those of the latents."""
    ids, context = reference_text(model)
    inputs = make_inputs(model, context, batch, unet_side or 16, vae_side or 16)
    ours = our_outputs(bin_folder, model, inputs | {"ids": ids})
    expected = {"text": context} | reference_images(model, inputs)
    failures = 0
    print(f"  {'output':12} {'shape':>18}  {'spread':>7}  {'max abs':>8}  {'of spread':>9}  {'cosine':>12}")
    for name, wanted in expected.items():
        got, wanted = ours[name].double(), wanted.double()
        if got.shape != wanted.shape:
            sys.exit(f"[conformance] {name}: ours is {list(got.shape)}, the reference {list(wanted.shape)}")
        spread, gap = wanted.std().item(), (got - wanted).abs().max().item()
        cosine = torch.nn.functional.cosine_similarity(got.flatten(), wanted.flatten(), dim=0).item()
        good = gap <= LARGEST * spread and cosine > COSINE
        failures += not good
        shape = "x".join(str(side) for side in wanted.shape)
        print(f"  {name:12} {shape:>18}  {spread:7.3f}  {gap:8.1e}  {gap / spread:9.1e}  {cosine:12.10f}"
              f"{'' if good else '  breaks a bar'}", flush=True)
    return failures
