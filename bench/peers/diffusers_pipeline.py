"""The pipeline of diffusers as its manual makes it fast, for the peers that draw whole pictures."""

import torch
from diffusers import EulerDiscreteScheduler, StableDiffusionPipeline


def open_pipeline(model, precision, threads, device):
    torch.set_num_threads(int(threads))
    pipeline = StableDiffusionPipeline.from_pretrained(model, torch_dtype=getattr(torch, precision), safety_checker=None)
    pipeline.scheduler = EulerDiscreteScheduler.from_config(pipeline.scheduler.config)
    pipeline.unet.to(memory_format=torch.channels_last)
    pipeline.vae.to(memory_format=torch.channels_last)
    pipeline.to(device)
    pipeline.set_progress_bar_config(disable=True)
    return pipeline
