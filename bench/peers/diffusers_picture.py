"""A picture by diffusers, from nothing to a file, as its manual shows it.

  diffusers_picture.py MODEL float32|bfloat16|float16 THREADS STEPS SIDE FILE [DEVICE]
"""

import sys

from protocol import say_ready, say_step

model, precision, threads, steps, side, file = sys.argv[1:7]
device = sys.argv[7] if len(sys.argv) > 7 else "cpu"
from diffusers_pipeline import open_pipeline

pipeline = open_pipeline(model, precision, threads, device)
say_ready()


def after_step(_, number, __, inputs):
    say_step(number + 1, steps)
    return inputs


pipeline("a lighthouse at dusk", num_inference_steps=int(steps), width=int(side), height=int(side),
         guidance_scale=7.5, callback_on_step_end=after_step).images[0].save(file)
