#include <ATen/Parallel.h>
#include <ATen/core/grad_mode.h>

#include <chrono>
#include <cmath>
#include <functional>
#include <memory>
#include <numeric>
#include <thread>

#include "demo_model/captions.h"
#include "demo_model/checkpoint.h"
#include "demo_model/configs.h"
#include "demo_model/data.h"
#include "demo_model/sitting.h"
#include "drawer/captions.h"
#include "drawer/random.h"
#include "models/formats/safetensors.h"
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

/// Encodes the scenes of this seed, or reads what an earlier sitting encoded.
Result<LatentCache> fill_cache(const nn::Vae& vae, const TrainOptions& options, int threads) {
  constexpr int kAtOnce = 32;
  const std::uint64_t first = options.seed * 1'000'000'000 + 500'000'000;
  LatentCache cache{.moments = {}, .scenes = random_scenes(first, options.cache)};
  const fs::path file =
      options.training / fmt::format("latents-{}-{}.safetensors", options.seed, options.cache);
  if (fs::exists(file)) {
    TRY_ASSIGN(const models::TensorSource source, models::open_tensor_file(file));
    if (const models::TensorView* view = source.find("moments")) {
      cache.moments = models::as_tensor(*view).clone().to(at::Device(options.device));
      return cache;
    }
  }
  std::vector<at::Tensor> moments((options.cache + kAtOnce - 1) / kAtOnce);
  on_threads(threads, [&](int thread) {
    at::NoGradGuard no_grad;
    for (std::size_t i = thread; i < moments.size(); i += threads) {
      const auto begin = cache.scenes.begin() + i * kAtOnce;
      const std::vector<drawer::Scene> scenes(
          begin, begin + std::min<std::ptrdiff_t>(kAtOnce, cache.scenes.end() - begin));
      const auto latent = vae.encode(paint_batch(scenes, options.size).to(at::Device(options.device), kType));
      moments[i] = at::cat({latent.mean, latent.log_variance}, 1).contiguous();
    }
  });
  cache.moments = at::cat(moments);
  fs::create_directories(options.training);
  TRY_VOID(models::write_safetensors(file, models::as_views({{"moments", cache.moments}}), {}));
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

/// What a step computes for one share of its pictures, on any thread.
struct Example {
  at::Tensor ids;      // [b,S] i64
  at::Tensor latents;  // [b,4,h,w] f32, unit variance
  at::Tensor noise;    // the same shape
  at::Tensor timesteps;  // [b] i64
};

/// Encoder and UNet, once a thread.
struct Networks {
  std::unique_ptr<nn::ClipText> encoder;
  std::unique_ptr<nn::UNet> unet;

  std::vector<at::Tensor> parameters() const {
    std::vector<at::Tensor> out;
    const auto take = [&](const std::string&, at::Tensor& p) { out.push_back(p); };
    unet->visit_parameters(take);
    encoder->visit_parameters(take);
    return out;
  }
};

/// Error of the predicted noise, weighted by w(snr) = min(1, 5/snr) sqrt(1 + 1/snr). The first factor
/// is min-SNR's (Hang 2023). The second lies half way to the weights of velocity prediction (Salimans
/// & Ho 2022): what a caption decides, layout and colour, is settled where noise prevails, and there
/// the plain error of the noise is small whatever the network has understood.
at::Tensor weighted_error(const Networks& networks, const Example& example, const at::Tensor& alphas) {
  const at::Tensor alpha = alphas.index_select(0, example.timesteps).reshape({-1, 1, 1, 1});
  const at::Tensor noisy = alpha.sqrt() * example.latents + (1 - alpha).sqrt() * example.noise;
  const at::Tensor predicted =
      networks.unet
          ->forward(noisy.to(kType), example.timesteps.to(at::kFloat), networks.encoder->forward(example.ids))
          .to(at::kFloat);
  const at::Tensor error = (predicted - example.noise).square().mean({1, 2, 3});
  const at::Tensor snr = (alpha / (1 - alpha)).reshape({-1});
  return (error * (5.0 / snr).clamp_max(1.0) * (1 + 1 / snr).sqrt()).mean();
}

/// Gradients of all shares, summed in the first one's networks. Returns the mean loss.
double backward(const std::vector<Networks>& replicas, const std::vector<Example>& shares,
                const at::Tensor& alphas) {
  std::vector<double> losses(shares.size());
  on_threads(static_cast<int>(shares.size()), [&](int i) {
    const at::Tensor loss = weighted_error(replicas[i], shares[i], alphas) / double(shares.size());
    loss.backward();
    losses[i] = loss.item<double>();
  });
  std::vector<at::Tensor> sums = replicas.front().parameters();
  for (std::size_t i = 1; i < shares.size(); ++i) {
    const std::vector<at::Tensor> others = replicas[i].parameters();
    for (std::size_t k = 0; k < sums.size(); ++k) {
      if (!others[k].grad().defined()) continue;
      if (sums[k].grad().defined()) sums[k].mutable_grad().add_(others[k].grad());
      else sums[k].mutable_grad() = others[k].grad();
      others[k].mutable_grad() = at::Tensor();
    }
  }
  return std::accumulate(losses.begin(), losses.end(), 0.0);
}

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
  TRY_ASSIGN(const auto text_file, models::open_tensor_file(options.folder / "text_encoder/model.safetensors"));
  // The published weights are the small checkpoint: a sitting without the optimizer's state goes on
  // from them.
  const auto published = models::open_component(options.folder / "unet", {"diffusion_pytorch_model"}, true);
  const int threads = device.is_cpu() ? at::get_num_threads() : 1;
  std::vector<Networks> replicas(threads);
  for (Networks& replica : replicas) {
    replica.encoder = std::make_unique<nn::ClipText>(encoder_config);
    TRY_VOID(models::load_parameters(*replica.encoder, text_file, "text encoder", device, kType));
    replica.unet = std::make_unique<nn::UNet>(network_config);
    if (published) {
      TRY_VOID(models::load_parameters(*replica.unet, *published, "unet", device, kType));
    } else {
      nn::initialise(*replica.unet, options.seed + 1);
      nn::convert(*replica.unet, device, kType);
    }
    for (const at::Tensor& p : replica.parameters()) p.set_requires_grad(true);
  }
  nn::UNet& unet = *replicas.front().unet;
  nn::ClipText& encoder = *replicas.front().encoder;
  nn::AdamW unet_optimizer(unet, {.beta2 = 0.99, .ema_decay = 0.999});
  nn::AdamW text_optimizer(encoder, {.beta2 = 0.99, .ema_decay = 0.999});

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
  TRY_ASSIGN(const LatentCache cache, fill_cache(vae, options, threads));
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
  const double began = elapsed();
  const auto draw_example = [&](int count) {
    std::vector<std::int64_t> picks(count);
    std::vector<std::string> captions(count);
    for (int i = 0; i < count; ++i) {
      picks[i] = random.below(static_cast<int>(cache.scenes.size()));
      if (!random.chance(0.1)) captions[i] = drawer::caption(cache.scenes[picks[i]], random.next());
    }
    const auto moments = cache.moments.index_select(0, at::tensor(picks).to(device)).to(at::kFloat).chunk(2, 1);
    Example out;
    out.ids = encode_captions(tokenizer, captions).to(device);
    out.latents = (moments[0] + (moments[1] * 0.5).exp() * at::randn_like(moments[0])) *
                  vae_config.scaling_factor;
    out.timesteps = at::randint(1000, {count}, at::TensorOptions().dtype(at::kLong).device(device));
    out.noise = at::randn_like(out.latents);
    return out;
  };
  while (done < options.pictures && elapsed() < options.minutes * 60) {
    std::vector<Example> shares;
    for (int i = 0; i < threads; ++i) shares.push_back(draw_example(options.batch / threads));
    losses.add(backward(replicas, shares, alphas));
    // What is left: of the pictures, or of the time at the pace so far.
    const double pace = (done - first + options.batch) / std::max(elapsed() - began, 1e-3);
    const double left = std::min<double>(options.pictures - done, pace * (options.minutes * 60 - elapsed()));
    const double rate = learning_rate(options, done, left);
    gradient.add(unet_optimizer.step(rate));
    text_optimizer.step(rate * 0.3);
    for (std::size_t i = 1; i < replicas.size(); ++i) {
      at::NoGradGuard no_grad;
      at::_foreach_copy_(replicas[i].parameters(), replicas.front().parameters());
    }
    done += options.batch;
    if (elapsed() - shown > 20) {
      shown = elapsed();
      log_line(options, fmt::format("unet: {:7d} pictures  loss {:.4f}  gradient {:.2f}  {:.1f} pictures/s",
                                    done, losses.take(), gradient.take(), (done - first) / (shown - began)));
    }
    if (elapsed() - saved > 120) {
      saved = elapsed();
      TRY_VOID(save());
    }
  }
  return save();
}

}  // namespace invokeai::demo
