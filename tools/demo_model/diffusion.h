#pragma once
// What the UNet is asked and how its answer is judged, for every kind of model.

#include <memory>
#include <vector>

#include "demo_model/trainer.h"
#include "drawer/random.h"
#include "nn/clip_text.h"
#include "nn/unet.h"

namespace invokeai::demo {

/// Standard deviation of the latents that a UNet of this size of pictures works on. Noise hides
/// what is large less than what is small: the more cells a thing covers, the better its mean shows
/// through. So latents shrink as pictures grow (Chen 2023, "On the importance of noise scheduling
/// for diffusion models"): 0.75 at 256x256. Less is worse: at 0.375 the details are settled in the
/// last three of twenty steps and become mosaics.
double latent_deviation(int size);

/// What a step computes for one share of its pictures, on any thread.
struct Example {
  at::Tensor ids;           // [b,S] i64
  at::Tensor latents;       // [b,4,h,w] f32, of latent_deviation
  at::Tensor noise;         // the same shape; normal, each channel with a mean of its own, see below
  at::Tensor timesteps;     // [b] i64
  at::Tensor overshoot;     // [b,1,1,1] f32, 0 or more
  at::Tensor surroundings;  // [b,5,h,w] f32: mask and masked latents; undefined without inpainting
};

/// Encoder and UNet, once a thread.
struct DiffusionNetworks {
  std::unique_ptr<nn::ClipText> encoder;
  std::unique_ptr<nn::UNet> unet;

  /// All of the UNet and the encoder, or, where the rest is shared, the UNet but for its depths.
  std::vector<at::Tensor> learning(bool shared) const;
};

/// Whether a parameter of this name belongs to the UNet's deepest level. Most weights do: a map of
/// 4x4 costs little time, whatever its width.
bool is_deep(const std::string& name, const nn::UNetConfig& config);

/// alpha-bar of Stable Diffusion's scaled-linear schedule, f32 [1000].
at::Tensor alphas_cumprod();

/// `count` timesteps below 1000 for latents of the given deviation, i64 [count]. A quarter is drawn
/// evenly. Of the rest the noise level, as a multiple of the deviation, is log-normal with median
/// 0.67 and deviation 1 (as Karras 2022 draws it, "Elucidating the design space", table 1):
/// outlines are settled between 0.3 and 2, and of even timesteps half lie beyond. Each part is
/// spread, one timestep from each of as many equal shares: much of the error's variance lies
/// between timesteps, so the mean of a batch is steadier (Kingma 2021, "Variational diffusion
/// models", I.1).
at::Tensor spread_timesteps(int count, double deviation, drawer::Random& random);

/// Error of the prediction, weighted by w(snr) = min(1, 20/snr) sqrt(1 + 1/snr) where noise is
/// predicted; snr is that of latents of the given deviation. The first factor is min-SNR's (Hang
/// 2023, with 5; that leaves plain grounds mottled). The second lies half way to the weights of
/// velocity prediction (Salimans & Ho 2022): what a caption decides, layout and colour, is settled
/// where noise prevails, and there the plain error of the noise is small whatever the network has
/// understood. Errors of the velocity get the same weights, times alpha-bar, as they are larger by
/// its inverse.
///
/// Offset: the noise of each channel has a mean, itself normal with deviation
/// `TrainOptions::offset` (Guttenberg 2023, "Diffusion with offset noise"). Without it a map of
/// 32x32 cells shows the mean of the latents through the noise of nearly every step, the network
/// reads the ground's colour there, and captions stay unheard: at 256x256 after 150,000 pictures
/// they hardly changed a colour. With 0.1 the ground was right in 40 of 40 pictures after 58,000 of
/// 128x128.
///
/// Overshoot o: the network sees sqrt(a) (1 + o') x + sqrt(1-a) n and is to find x all the same,
/// with o' = o min(1, 2 sqrt((1-a)/a)) so that the answer stays small where noise is low. Guidance
/// pushes latents beyond all pictures; so the network learns the way back.
at::Tensor weighted_error(const DiffusionNetworks& networks, const Example& example,
                          const at::Tensor& alphas, Prediction prediction, double deviation);

}  // namespace invokeai::demo
