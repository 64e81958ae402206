"""The networks of a model in OpenVINO, answering like stage_bench.

  openvino_stages.py MODEL float32|bfloat16 THREADS

The networks are traced from diffusers with fixed shapes once and kept as OpenVINO files in
MODEL/openvino (half-precision weights, as its own converter stores them).
"""

import pathlib
import sys
import time

from protocol import serve

model, precision, threads = pathlib.Path(sys.argv[1]), sys.argv[2], sys.argv[3]


def trace():
    """Makes the OpenVINO files."""
    import openvino
    import torch
    from diffusers import AutoencoderKL, UNet2DConditionModel
    from transformers import CLIPTextModel

    torch.set_grad_enabled(False)
    folder = model / "openvino"
    folder.mkdir(exist_ok=True)
    unet = UNet2DConditionModel.from_pretrained(model, subfolder="unet").eval()
    side, width = unet.config.sample_size, unet.config.cross_attention_dim

    class Text(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.model = CLIPTextModel.from_pretrained(model, subfolder="text_encoder").eval()

        def forward(self, ids):
            return self.model(ids)[0]

    class Unet(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.model = unet

        def forward(self, sample, timesteps, context):
            return self.model(sample, timesteps, encoder_hidden_states=context, return_dict=False)[0]

    class Decoder(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.model = AutoencoderKL.from_pretrained(model, subfolder="vae").eval()

        def forward(self, latents):
            return self.model.decode(latents, return_dict=False)[0]

    inputs = {
        "text": (Text, (torch.ones(2, 77, dtype=torch.long),)),
        "unet": (Unet, (torch.randn(2, unet.config.in_channels, side, side), torch.full((2,), 501.0), torch.randn(2, 77, width))),
        "decode": (Decoder, (torch.randn(1, 4, side, side),)),
    }
    for name, (network, example) in inputs.items():
        converted = openvino.convert_model(network(), example_input=example, input=[tuple(x.shape) for x in example])
        openvino.save_model(converted, folder / f"{name}.xml", compress_to_fp16=True)
    (folder / "complete").touch()


if not (model / "openvino/complete").exists():
    import os

    if os.fork() == 0:  # so that what tracing needs is not counted here
        trace()
        os._exit(0)
    if os.wait()[1]:
        sys.exit("error: tracing the networks failed")

start = time.perf_counter()
import numpy
import openvino

core = openvino.Core()
core.set_property("CPU", {
    "INFERENCE_PRECISION_HINT": {"bfloat16": "bf16", "float32": "f32"}[precision],
    "INFERENCE_NUM_THREADS": int(threads),
    "NUM_STREAMS": 1,
    "PERFORMANCE_HINT": "LATENCY",
})


def load(name):
    compiled = core.compile_model(model / "openvino" / f"{name}.xml", "CPU")
    request = compiled.create_infer_request()
    random = numpy.random.default_rng(1)
    inputs = []
    for port in compiled.inputs:
        integers = port.element_type.is_integral()
        values = random.integers(0, 49000, port.shape) if integers else random.standard_normal(port.shape)
        inputs.append(openvino.Tensor(values.astype(port.element_type.to_dtype())))
    return lambda: request.infer(inputs, share_inputs=True, share_outputs=True)


stages = {name: load(name) for name in ("text", "unet", "decode")}
serve(time.perf_counter() - start, **stages)
