"""A picture by stable-diffusion.cpp, from nothing to a file.

  sdcpp_picture.py MODEL f16|q8_0 THREADS STEPS SIDE FILE
"""

import sys

from protocol import say_ready, say_step

model, precision, threads, steps, side, file = sys.argv[1:7]
from stable_diffusion_cpp import StableDiffusion

engine = StableDiffusion(model_path=model, wtype=precision, n_threads=int(threads), verbose=False)
say_ready()
engine.generate_image(prompt="a lighthouse at dusk", width=int(side), height=int(side), cfg_scale=7.5, sample_method="euler",
                      sample_steps=int(steps), progress_callback=lambda step, of, _: say_step(step, of))[0].save(file)
