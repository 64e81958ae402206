"""The networks of a model in diffusers, answering like stage_bench.

  diffusers_stages.py MODEL float32|bfloat16 THREADS [compile]
"""

import sys
import time

from protocol import serve

model, precision, threads = sys.argv[1:4]
compiled = "compile" in sys.argv[4:]

start = time.perf_counter()
import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from transformers import CLIPTextModel

torch.set_num_threads(int(threads))
torch.set_grad_enabled(False)
dtype = getattr(torch, precision)
text = CLIPTextModel.from_pretrained(model, subfolder="text_encoder", dtype=dtype).eval()
unet = UNet2DConditionModel.from_pretrained(model, subfolder="unet", torch_dtype=dtype).eval()
vae = AutoencoderKL.from_pretrained(model, subfolder="vae", torch_dtype=dtype).eval()
unet = unet.to(memory_format=torch.channels_last)
vae = vae.to(memory_format=torch.channels_last)
side = unet.config.sample_size
ids = torch.randint(0, text.config.vocab_size, (2, 77))
sample = torch.randn(2, unet.config.in_channels, side, side, dtype=dtype).contiguous(memory_format=torch.channels_last)
timesteps = torch.full((2,), 501.0)
context = torch.randn(2, 77, unet.config.cross_attention_dim, dtype=dtype)
latents = torch.randn(1, 4, side, side, dtype=dtype)
if compiled:
    unet = torch.compile(unet)
    vae.decode = torch.compile(vae.decode)

serve(
    time.perf_counter() - start,
    text=lambda: text(ids),
    unet=lambda: unet(sample, timesteps, encoder_hidden_states=context, return_dict=False),
    decode=lambda: vae.decode(latents, return_dict=False),
)
