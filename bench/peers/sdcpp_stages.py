"""The networks of a model in stable-diffusion.cpp, answering like stage_bench.

  sdcpp_stages.py MODEL f16|q8_0 THREADS

It draws whole pictures only: a step is the time between the reports of the first and second step of
a picture, decoding the time from the last report to the picture.
"""

import sys
import time

from protocol import serve

model, precision, threads = sys.argv[1:4]
start = time.perf_counter()
from stable_diffusion_cpp import StableDiffusion

engine = StableDiffusion(model_path=model, wtype=precision, n_threads=int(threads), verbose=False)
side = 768 if "768" in model else 512


def draw(steps):
    """[clock after each step..., clock at the end]"""
    clocks = []
    engine.generate_image(prompt="a lighthouse at dusk", width=side, height=side, cfg_scale=7.5, sample_method="euler",
                          sample_steps=steps, progress_callback=lambda *_: clocks.append(time.perf_counter()))
    return [*clocks, time.perf_counter()]


def unet():
    clocks = draw(2)
    return clocks[-2] - clocks[-3]


def decode():
    clocks = draw(1)
    return clocks[-1] - clocks[-2]


serve(time.perf_counter() - start, unet=unet, decode=decode)
