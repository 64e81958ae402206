"""Pictures by diffusers from a pipeline that is held, answering like stage_bench with STEPS.

  diffusers_drawing.py MODEL float32|bfloat16|float16 THREADS DEVICE STEPS [compile]

As its manual makes it fast on a GPU: half precision, channels-last, the UNet compiled and launched as a
CUDA graph, the decoder compiled.
"""

import sys
import time

from protocol import serve

model, precision, threads, device, steps, *rest = sys.argv[1:]
start = time.perf_counter()
import torch
from diffusers_pipeline import open_pipeline

torch.backends.cudnn.benchmark = True
pipeline = open_pipeline(model, precision, threads, device)
if "compile" in rest:
    pipeline.unet = torch.compile(pipeline.unet, mode="default" if device == "cpu" else "reduce-overhead")
    pipeline.vae.decode = torch.compile(pipeline.vae.decode)


def drawing():
    pipeline("a lighthouse at dusk", num_inference_steps=int(steps), guidance_scale=7.5,
             generator=torch.Generator().manual_seed(1))


serve(time.perf_counter() - start, device, drawing=drawing)
