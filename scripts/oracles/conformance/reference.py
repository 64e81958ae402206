"""Generation spec 2 written with diffusers' and transformers' parts, in float32 on the CPU."""

import diffusers
import torch
import transformers

transformers.utils.logging.disable_progress_bar()
diffusers.utils.logging.set_verbosity_error()


def text_encoder(folder):
    return transformers.CLIPTextModel.from_pretrained(folder / "text_encoder", dtype=torch.float32)


def unet(folder):
    return diffusers.UNet2DConditionModel.from_pretrained(
        folder / "unet", torch_dtype=torch.float32, low_cpu_mem_usage=False)


def vae(folder):
    return diffusers.AutoencoderKL.from_pretrained(
        folder / "vae", torch_dtype=torch.float32, low_cpu_mem_usage=False)


def token_ids(folder, texts):
    """[texts, 77] i64."""
    tokenizer = transformers.CLIPTokenizer.from_pretrained(folder / "tokenizer")
    padding = dict(padding="max_length", max_length=77, truncation=True)
    return tokenizer(texts, **padding, return_tensors="pt").input_ids


def schedulers(config):
    """The schedulers whose arithmetic is that of generation spec 5, by our name for the sampler."""
    linspace = config | dict(timestep_spacing="linspace")
    leading = config | dict(timestep_spacing="leading")
    last = linspace | dict(final_sigmas_type="sigma_min")
    return {
        "ddim": lambda: diffusers.DDIMScheduler.from_config(leading),
        "plms": lambda: diffusers.PNDMScheduler.from_config(leading),
        "k_lms": lambda: diffusers.LMSDiscreteScheduler.from_config(linspace),
        "k_euler": lambda: diffusers.EulerDiscreteScheduler.from_config(linspace),
        "k_heun": lambda: diffusers.HeunDiscreteScheduler.from_config(linspace),
        "k_dpm_2": lambda: diffusers.KDPM2DiscreteScheduler.from_config(linspace),
        "k_dpmpp_2": lambda: diffusers.DPMSolverMultistepScheduler.from_config(last),
        "k_euler_a": lambda: diffusers.EulerAncestralDiscreteScheduler.from_config(linspace),
        "k_dpm_2_a": lambda: diffusers.KDPM2AncestralDiscreteScheduler.from_config(linspace),
    }


def schedulers_of(folder):
    config = diffusers.DDIMScheduler.load_config(folder / "scheduler")
    return schedulers({k: v for k, v in config.items() if not k.startswith("_")})


class Painter:
    """Draws pictures with the networks of a folder."""

    def __init__(self, folder):
        self.folder = folder
        self.text_encoder = text_encoder(folder)
        self.unet = unet(folder)
        self.vae = vae(folder)
        self.schedulers = schedulers_of(folder)

    def predict(self, x, t, context, guidance):
        pair = torch.cat([x] * 2)
        if self.unet.config.in_channels == 9:  # an inpainting model without a picture repaints all
            pair = torch.cat([pair, torch.ones_like(pair[:, :1]), torch.zeros_like(pair)], dim=1)
        plain, guided = self.unet(pair, t, encoder_hidden_states=context).sample.chunk(2)
        return plain + guidance * (guided - plain)

    @torch.no_grad()
    def draw(self, case):
        """One picture, [H,W,3] u8."""
        ids = token_ids(self.folder, [case.negative, case.prompt])
        context = self.text_encoder(ids).last_hidden_state
        generator = torch.manual_seed(case.seed)
        noise = torch.randn([1, 4, case.height // 8, case.width // 8])
        scheduler = self.schedulers[case.sampler]()
        scheduler.set_timesteps(case.steps)
        x = scheduler.add_noise(torch.zeros_like(noise), noise, scheduler.timesteps[:1])
        draws = {"generator": generator} if case.sampler.endswith("_a") else {}
        for t in scheduler.timesteps:
            e = self.predict(scheduler.scale_model_input(x, t), t, context, case.guidance)
            # diffusers 0.12, which 2.3.0 ran on, drew noise at half-way points too, without using it.
            if case.sampler == "k_dpm_2_a" and scheduler.state_in_first_order:
                torch.randn(x.shape, generator=generator)
            x = scheduler.step(e, t, x, **draws).prev_sample
        pixels = self.vae.decode(x / self.vae.config.scaling_factor).sample
        return ((pixels / 2 + 0.5).clamp(0, 1) * 255).round().to(torch.uint8)[0].permute(1, 2, 0).numpy()
