#!/usr/bin/env python3
"""Writes tests/golden/samplers_extra.json: runs of unipc, lcm and dpmpp_sde by their references.

Needs torch, numpy, scipy, diffusers 0.42.1 (with huggingface_hub 1.33) and the file sampling.py of
k-diffusion 0.1.1; no model files, no network access, no GPU. Takes a few seconds.
The stand-in network, noise and latents are those of samplers.json (see tests/golden/README.md).
"""

import importlib.util
import json
import math
import pathlib
import sys
import types

import diffusers
import numpy as np
import torch

TARGET = pathlib.Path(__file__).resolve().parents[2] / "tests/golden/samplers_extra.json"
J = torch.arange(16, dtype=torch.float64)
BETAS = np.linspace(0.00085**0.5, 0.012**0.5, 1000) ** 2
ALPHAS = np.cumprod(1 - BETAS)
SIGMAS = np.sqrt((1 - ALPHAS) / ALPHAS)
CONFIG = dict(
    num_train_timesteps=1000, beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear"
)


def noise(c):
    return math.sqrt(2) * torch.cos(1 + 0.7 * c + 0.3 * J)


def network(x, t):
    return 0.5 * x + 0.25 * torch.sin(2 * x + J) + 0.1 * torch.cos(t / 100 + J / 2)


def rounded(values, digits=6):
    return [round(float(v), digits) for v in values]


def entry(sampler, prediction, steps, timesteps, xs, **more):
    return {
        "sampler": sampler,
        "prediction": prediction,
        "steps": steps,
        **more,
        "timesteps": rounded(timesteps, 4),
        "x_start": rounded(xs[0]),
        "trajectory_0": rounded(x[0] for x in xs),
        "trajectory_5": rounded(x[5] for x in xs),
        "final": rounded(xs[-1]),
    }


def run_diffusers(sampler, scheduler, prediction, steps, clean, first, **more):
    """Runs the timesteps from index `first` on, as the current image-to-image pipeline does."""
    timesteps = scheduler.timesteps[first:]
    scheduler.set_begin_index(first)
    x = scheduler.add_noise(clean[None], noise(-1)[None], timesteps[:1])[0]
    xs = [x]
    for t in timesteps:
        out = network(x, t.double())
        x = scheduler.step(out[None], t, x[None]).prev_sample[0]
        xs.append(x)
    return entry(sampler, prediction, steps, timesteps, xs, start_step=first, **more)


def unipc(prediction, steps, karras=False, clean=0 * J, first=0):
    scheduler = diffusers.UniPCMultistepScheduler(
        **CONFIG,
        prediction_type={"v": "v_prediction"}.get(prediction, prediction),
        use_karras_sigmas=karras,
        final_sigmas_type="zero",
    )
    scheduler.set_timesteps(steps)
    if karras:  # the reference rounds these timesteps to whole numbers; ours stay fractional
        scheduler.timesteps = torch.tensor([float(t_of(s)) for s in scheduler.sigmas[:-1].double()])
        scheduler.index_for_timestep = lambda t, s=None: int((scheduler.timesteps == t).nonzero()[0])
    return run_diffusers(
        "unipc", scheduler, prediction, steps, clean, first, schedule="karras" if karras else "rounded"
    )


def lcm(prediction, steps):
    scheduler = diffusers.LCMScheduler(
        **CONFIG, prediction_type={"v": "v_prediction"}.get(prediction, prediction), clip_sample=False
    )
    scheduler.set_timesteps(steps)
    calls = iter(range(10**6))
    module = sys.modules[diffusers.LCMScheduler.__module__]
    module.randn_tensor = lambda shape, **_: noise(next(calls)).reshape(shape)
    return run_diffusers("lcm", scheduler, prediction, steps, 0 * J, 0, schedule="lcm")


def t_of(sigma):
    return np.interp(math.log(sigma), np.log(SIGMAS), np.arange(1000))


def load_k_diffusion_sampling():
    """sampling.py alone, with the packages it imports but does not use here replaced by stubs."""
    sys.modules["torchsde"] = types.ModuleType("torchsde")
    sys.modules["torchdiffeq"] = types.ModuleType("torchdiffeq")
    sys.modules["torchdiffeq"].odeint = None
    root = pathlib.Path(importlib.util.find_spec("k_diffusion").origin).parent
    package = types.ModuleType("k_diffusion")
    package.__path__ = [str(root)]
    utils = types.ModuleType("k_diffusion.utils")
    utils.append_dims = lambda x, n: x[(...,) + (None,) * (n - x.ndim)]
    package.utils = utils
    sys.modules.update({"k_diffusion": package, "k_diffusion.utils": utils})
    return importlib.import_module("k_diffusion.sampling")


class BrownianPath:
    """noise_sampler over one path, whose pieces sigma..middle and middle..next are z_2k and z_2k+1."""

    def __init__(self):
        self.calls = 0

    def __call__(self, sigma, to):
        step, second = divmod(self.calls, 2)
        self.calls += 1
        if not second:
            self.middle = to
            return noise(2 * step)[None]
        pieces = (sigma - self.middle).sqrt() * noise(2 * step)
        pieces = pieces + (self.middle - to).sqrt() * noise(2 * step + 1)
        return pieces[None] / (sigma - to).sqrt()


def dpmpp_sde(sampling, prediction, steps, karras):
    if karras:
        ramp = np.linspace(SIGMAS[-1] ** (1 / 7), SIGMAS[0] ** (1 / 7), steps)
        sigmas = ramp**7
    else:
        sigmas = np.interp(np.linspace(999, 0, steps), np.arange(1000), SIGMAS)
    timesteps, xs = [], []

    def denoise(x, sigma):
        s = float(sigma[0])
        t = float(t_of(s))
        out = network(x / math.sqrt(s * s + 1), torch.tensor(t, dtype=torch.float64))
        timesteps.append(t)
        xs.append(x[0])
        if prediction == "epsilon":
            return x - s * out
        return x / (s * s + 1) - out * s / math.sqrt(s * s + 1)

    x = sigmas[0] * noise(-1)[None]
    levels = torch.tensor([*sigmas, 0.0], dtype=torch.float64)
    x = sampling.sample_dpmpp_sde(denoise, x, levels, disable=True, noise_sampler=BrownianPath())
    return entry(
        "dpmpp_sde", prediction, steps, timesteps, [*xs, x[0]], start_step=0,
        schedule="karras" if karras else "linspace_t",
    )


def main():
    runs = []
    for prediction in ("epsilon", "v"):
        for steps in (1, 2, 10, 20):
            runs.append(unipc(prediction, steps))
        runs.append(unipc(prediction, 10, karras=True))
        runs.append(unipc(prediction, 10, clean=torch.sin(0.4 * J), first=3))
        runs.append(unipc("sample", 10)) if prediction == "v" else None
        for steps in (1, 2, 4, 8):
            runs.append(lcm(prediction, steps))
    sampling = load_k_diffusion_sampling()
    for prediction in ("epsilon", "v"):
        for steps in (10, 20):
            for karras in (False, True):
                runs.append(dpmpp_sde(sampling, prediction, steps, karras))
    oracle = {"diffusers": diffusers.__version__, "k_diffusion": "0.1.1", "torch": torch.__version__}
    lines = ",\n".join(json.dumps(run) for run in runs)
    TARGET.write_text(f'{{"oracle": {json.dumps(oracle)}, "runs": [\n{lines}\n]}}\n')
    print(f"{TARGET}: {len(runs)} runs")


if __name__ == "__main__":
    main()
