"""A model's networks for OpenVINO.

  openvino_model.py MODEL

Makes MODEL/openvino, where it is not there yet: the networks traced from diffusers with fixed shapes
(half-precision weights, as OpenVINO's own converter stores them).
"""

import pathlib
import sys


def core(precision, threads):
    """OpenVINO on so many threads, computing in `precision`: float32 or bfloat16."""
    import openvino

    core = openvino.Core()
    core.set_property("CPU", {
        "INFERENCE_PRECISION_HINT": {"bfloat16": "bf16", "float32": "f32"}[precision],
        "INFERENCE_NUM_THREADS": int(threads),
        "NUM_STREAMS": 1,
        "PERFORMANCE_HINT": "LATENCY",
    })
    return core


def trace(model):
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


if __name__ == "__main__":
    folder = pathlib.Path(sys.argv[1])
    if not (folder / "openvino/complete").exists():
        trace(folder)
