"""A picture by OpenVINO, from nothing to a file: its networks, transformers' tokenizer, Euler steps.

  openvino_picture.py MODEL float32|bfloat16 THREADS STEPS SIDE FILE

openvino_model.py has made the files of the networks, of one size.
"""

import pathlib
import sys

from protocol import say_ready, say_step

model, precision, threads, steps, side, file = pathlib.Path(sys.argv[1]), *sys.argv[2:4], *map(int, sys.argv[4:6]), sys.argv[6]
import numpy
from openvino_model import core as make_core
from PIL import Image
from transformers import CLIPTokenizer

core = make_core(precision, threads)
tokenizer = CLIPTokenizer.from_pretrained(model / "tokenizer")
text, unet, decode = (core.compile_model(model / "openvino" / f"{name}.xml", "CPU") for name in ("text", "unet", "decode"))
say_ready()

ids = tokenizer(["", "a lighthouse at dusk"], padding="max_length", max_length=77, return_tensors="np").input_ids
context = text([ids])[0]
alphas = numpy.cumprod(1 - numpy.linspace(0.00085**0.5, 0.012**0.5, 1000) ** 2)
times = numpy.linspace(999, 0, steps)
sigmas = numpy.append(numpy.interp(times, numpy.arange(1000), ((1 - alphas) / alphas) ** 0.5), 0)
latents = numpy.random.default_rng(1).standard_normal((1, 4, side // 8, side // 8)) * sigmas[0]
for number, time in enumerate(times):
    sigma = sigmas[number]
    scaled = (latents / (sigma**2 + 1) ** 0.5).astype(numpy.float32)
    without, with_words = unet([numpy.repeat(scaled, 2, 0), numpy.full(2, time, numpy.float32), context])[0]
    latents = latents + (without + 7.5 * (with_words - without)) * (sigmas[number + 1] - sigma)
    say_step(number + 1, steps)
pixels = decode([(latents / 0.18215).astype(numpy.float32)])[0][0]
Image.fromarray((numpy.clip(pixels.transpose(1, 2, 0) / 2 + 0.5, 0, 1) * 255).astype(numpy.uint8)).save(file)
