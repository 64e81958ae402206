#include <chrono>
#include <cmath>

#include "demo_model/captions.h"
#include "demo_model/checkpoint.h"
#include "demo_model/configs.h"
#include "demo_model/data.h"
#include "drawer/random.h"
#include "models/load_model.h"
#include "models/tensors.h"
#include "nn/clip_text.h"
#include "nn/unet.h"
#include "nn/vae.h"

namespace invokeai::demo {
namespace {

constexpr auto kType = at::kBFloat16;

/// Painted, encoded and held in memory; captions are said anew each time a picture is drawn.
struct LatentCache {
  at::Tensor moments;  // [N,2*latent,h,w] bf16: mean, log-variance
  std::vector<drawer::Scene> scenes;
};

LatentCache fill_cache(const nn::Vae& vae, const TrainOptions& options, std::uint64_t first) {
  at::NoGradGuard no_grad;
  LatentCache cache;
  std::vector<at::Tensor> moments;
  for (int i = 0; i < options.cache; i += 32) {
    const auto scenes = random_scenes(first + i, 32);
    const at::Tensor pixels = paint_batch(scenes, options.size).to(at::Device(options.device), kType);
    const auto latent = vae.encode(pixels);
    moments.push_back(at::cat({latent.mean, latent.log_variance}, 1).contiguous());
    cache.scenes.insert(cache.scenes.end(), scenes.begin(), scenes.end());
  }
  cache.moments = at::cat(moments);
  return cache;
}

/// alpha-bar of Stable Diffusion's scaled-linear schedule, f32 [1000].
at::Tensor alphas_cumprod() {
  const at::Tensor roots = at::linspace(std::sqrt(0.00085), std::sqrt(0.012), 1000, at::kDouble);
  return at::cumprod(1 - roots.square(), 0).to(at::kFloat);
}

struct Losses {
  double sum = 0;
  int count = 0;
  void add(double value) { sum += value, ++count; }
  double take() {
    const double mean = sum / std::max(count, 1);
    sum = count = 0;
    return mean;
  }
};

}  // namespace

Result<> train_unet(const TrainOptions& options) {
  const at::Device device(options.device);
  TRY_ASSIGN(const text::ClipTokenizer tokenizer,
             text::ClipTokenizer::from_folder(options.folder / "tokenizer"));
  TRY_ASSIGN(const auto vae_json, read_json(options.folder / "vae/config.json"));
  TRY_ASSIGN(const nn::VaeConfig vae_config, nn::parse_vae_config(vae_json));
  nn::Vae vae(vae_config);
  TRY_ASSIGN(const auto vae_file, models::open_tensor_file(options.folder / "vae/diffusion_pytorch_model.safetensors"));
  TRY_VOID(models::load_parameters(vae, vae_file, "vae", device, kType));

  const auto text_json = text_config(tokenizer.vocab_size());
  const auto unet_json = unet_config(options.size);
  TRY_ASSIGN(const nn::ClipTextConfig encoder_config, nn::parse_clip_text_config(text_json));
  TRY_ASSIGN(const nn::UNetConfig network_config, nn::parse_unet_config(unet_json));
  nn::ClipText encoder(encoder_config);
  TRY_ASSIGN(const auto text_file, models::open_tensor_file(options.folder / "text_encoder/model.safetensors"));
  TRY_VOID(models::load_parameters(encoder, text_file, "text encoder", device, kType));
  nn::UNet unet(network_config);
  // The published weights are the small checkpoint: a sitting without the optimizer's state goes on
  // from them.
  const auto published = models::open_component(options.folder / "unet", {"diffusion_pytorch_model"}, true);
  if (published) {
    TRY_VOID(models::load_parameters(unet, *published, "unet", device, kType));
  } else {
    nn::initialise(unet, options.seed + 1);
    nn::convert(unet, device, kType);
  }
  nn::AdamW unet_optimizer(unet, {.beta2 = 0.99, .ema_decay = 0.9995});
  nn::AdamW text_optimizer(encoder, {.beta2 = 0.99, .ema_decay = 0.9995});

  const fs::path file = options.training / "unet.safetensors";
  TRY_ASSIGN(std::int64_t done, restore_checkpoint(file, unet_optimizer, "unet."));
  TRY_ASSIGN(std::int64_t same, restore_checkpoint(file, text_optimizer, "text."));
  (void)same;
  log_line(options, fmt::format("unet: {} parameters, text encoder: {}, {} pictures done",
                                nn::parameter_count(unet), nn::parameter_count(encoder), done));
  const auto start = std::chrono::steady_clock::now();
  const auto elapsed = [&] {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  };
  const LatentCache cache = fill_cache(vae, options, options.seed * 1'000'000'000 + 500'000'000 + done);
  log_line(options, fmt::format("unet: {} pictures encoded in {:.0f} s", cache.scenes.size(), elapsed()));

  const auto save = [&]() -> Result<> {
    auto state = prefixed("unet.", unet_optimizer.state());
    state.merge(prefixed("text.", text_optimizer.state()));
    TRY_VOID(save_checkpoint(file, state, done));
    TRY_VOID(save_network(options.folder / "unet", "diffusion_pytorch_model",
                          unet_optimizer.averaged(), unet_json.dump(2) + "\n"));
    return save_network(options.folder / "text_encoder", "model",
                        text_optimizer.averaged(), text_json.dump(2) + "\n");
  };

  const at::Tensor alphas = alphas_cumprod().to(device);
  at::manual_seed(options.seed + done);
  drawer::Random random(options.seed * 31 + done);
  Losses losses, gradient;
  double shown = 0, saved = 0;
  const std::int64_t first = done;
  while (done < options.pictures && elapsed() < options.minutes * 60) {
    std::vector<std::int64_t> picks(options.batch);
    std::vector<std::string> captions(options.batch);
    for (int i = 0; i < options.batch; ++i) {
      picks[i] = random.below(static_cast<int>(cache.scenes.size()));
      if (!random.chance(0.1)) captions[i] = drawer::caption(cache.scenes[picks[i]], random.next());
    }
    const at::Tensor ids = encode_captions(tokenizer, captions).to(device);
    const auto moments = cache.moments.index_select(0, at::tensor(picks).to(device)).to(at::kFloat).chunk(2, 1);
    const at::Tensor latents = (moments[0] + (moments[1] * 0.5).exp() * at::randn_like(moments[0])) *
                               vae_config.scaling_factor;
    const at::Tensor timesteps = at::randint(1000, {options.batch}, at::TensorOptions().dtype(at::kLong).device(device));
    const at::Tensor alpha = alphas.index_select(0, timesteps).reshape({-1, 1, 1, 1});
    const at::Tensor noise = at::randn_like(latents);
    const at::Tensor noisy = alpha.sqrt() * latents + (1 - alpha).sqrt() * noise;

    const at::Tensor context = encoder.forward(ids);
    const at::Tensor predicted =
        unet.forward(noisy.to(kType), timesteps.to(at::kFloat), context).to(at::kFloat);
    const at::Tensor error = (predicted - noise).square().mean({1, 2, 3});
    const at::Tensor snr = (alpha / (1 - alpha)).reshape({-1});
    const at::Tensor loss = (error * (5.0 / snr).clamp_max(1.0)).mean();
    loss.backward();
    const double rate = learning_rate(options, done);
    gradient.add(unet_optimizer.step(rate));
    text_optimizer.step(rate * 0.3);
    losses.add(loss.item<double>());
    done += options.batch;
    if (elapsed() - shown > 20) {
      shown = elapsed();
      log_line(options, fmt::format("unet: {:7d} pictures  loss {:.4f}  gradient {:.2f}  {:.1f} pictures/s",
                                    done, losses.take(), gradient.take(), (done - first) / shown));
    }
    if (elapsed() - saved > 120) {
      saved = elapsed();
      TRY_VOID(save());
    }
  }
  return save();
}

}  // namespace invokeai::demo
