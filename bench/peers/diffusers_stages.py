"""The networks of a model in diffusers, answering like stage_bench.

  diffusers_stages.py MODEL float32|bfloat16|float16 THREADS [compile] [DEVICE]

On a GPU a compiled UNet is launched as a CUDA graph and its convolutions are tuned, as ours is.
"""

import sys
import time

from protocol import serve

model, precision, threads, *rest = sys.argv[1:]
compiled = "compile" in rest
device = next((word for word in rest if word != "compile"), "cpu")

start = time.perf_counter()
import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from transformers import CLIPTextModel

torch.set_num_threads(int(threads))
torch.set_grad_enabled(False)
torch.backends.cudnn.benchmark = True
dtype = getattr(torch, precision)
text = CLIPTextModel.from_pretrained(model, subfolder="text_encoder", dtype=dtype).eval().to(device)
unet = UNet2DConditionModel.from_pretrained(model, subfolder="unet", torch_dtype=dtype).eval().to(device)
vae = AutoencoderKL.from_pretrained(model, subfolder="vae", torch_dtype=dtype).eval().to(device)
unet = unet.to(memory_format=torch.channels_last)
vae = vae.to(memory_format=torch.channels_last)
side = unet.config.sample_size
ids = torch.randint(0, text.config.vocab_size, (2, 77)).to(device)
sample = torch.randn(2, unet.config.in_channels, side, side).to(device, dtype).contiguous(memory_format=torch.channels_last)
timesteps = torch.full((2,), 501.0, device=device)
context = torch.randn(2, 77, unet.config.cross_attention_dim).to(device, dtype)
latents = torch.randn(1, 4, side, side).to(device, dtype)
if compiled:
    unet = torch.compile(unet, mode="default" if device == "cpu" else "reduce-overhead")
    vae.decode = torch.compile(vae.decode)

serve(
    time.perf_counter() - start,
    device,
    text=lambda: text(ids),
    unet=lambda: unet(sample, timesteps, encoder_hidden_states=context, return_dict=False),
    decode=lambda: vae.decode(latents, return_dict=False),
)
