#include <chrono>
#include <cmath>

#include "demo_model/checkpoint.h"
#include "demo_model/configs.h"
#include "demo_model/data.h"
#include "nn/vae.h"

namespace invokeai::demo {
namespace {

/// Differences between neighbours along one dimension: edges weigh as much as areas.
at::Tensor slope(const at::Tensor& x, std::int64_t dim) {
  return x.slice(dim, 1) - x.slice(dim, 0, x.size(dim) - 1);
}

/// Squares of a quarter of the area at random places: local statistics are the same as those of
/// whole pictures, at a quarter of the cost.
at::Tensor crop(const at::Tensor& pixels, std::int64_t side, std::uint64_t seed) {
  const std::int64_t room = pixels.size(3) - side;
  if (room <= 0) return pixels;
  const std::int64_t x = static_cast<std::int64_t>(seed * 7919 % (room / 8 + 1)) * 8;
  const std::int64_t y = static_cast<std::int64_t>(seed * 104729 % (room / 8 + 1)) * 8;
  return pixels.slice(2, y, y + side).slice(3, x, x + side);
}

/// 1 / standard deviation of the latents, so that the UNet sees unit variance.
double measure_scaling(const nn::Vae& vae, const TrainOptions& options, at::ScalarType dtype) {
  at::NoGradGuard no_grad;
  std::vector<at::Tensor> means;
  for (int i = 0; i < 16; ++i) {
    const auto pixels = paint_batch(random_scenes(options.seed * 7'000'000 + i * 32, 32), options.size);
    means.push_back(vae.encode(pixels.to(at::Device(options.device), dtype)).mean.to(at::kFloat));
  }
  return 1 / at::cat(means).std().item<double>();
}

}  // namespace

Result<> train_vae(const TrainOptions& options) {
  const at::Device device(options.device);
  const auto dtype = at::kBFloat16;
  auto json = vae_config(options.size);
  TRY_ASSIGN(const nn::VaeConfig config, nn::parse_vae_config(json));
  nn::Vae vae(config);
  nn::initialise(vae, options.seed);
  // Latents start out nearly noiseless (standard deviation e^-2.5), so that there is something to read.
  vae.visit_parameters([&](const std::string& name, at::Tensor& p) {
    if (name == "quant_conv.bias") p.slice(0, config.latent_channels).fill_(-5);
  });
  nn::convert(vae, device, dtype);
  nn::AdamW optimizer(vae, {.beta2 = 0.99, .weight_decay = 0.0, .ema_decay = 0.998});
  const fs::path file = options.training / "vae.safetensors";
  TRY_ASSIGN(std::int64_t done, restore_checkpoint(file, optimizer));
  log_line(options, fmt::format("vae: {} parameters, {} pictures done", nn::parameter_count(vae), done));

  const auto start = std::chrono::steady_clock::now();
  const auto elapsed = [&] {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  };
  double shown = 0, error = 0;
  std::int64_t since = 0;
  const std::int64_t first = done;
  while (done < options.pictures && elapsed() < options.minutes * 60) {
    const bool whole = options.pictures - done <= options.decay;  // whole pictures at the end
    const int count = whole ? options.batch / 2 : options.batch;
    at::Tensor pixels = paint_batch(random_scenes(options.seed * 1'000'000'000 + done, count), options.size);
    if (!whole) pixels = crop(pixels, options.size / 2, options.seed + done / count);
    pixels = pixels.to(device);
    const auto latent = vae.encode(pixels.to(dtype));
    const at::Tensor noise = at::randn_like(latent.mean);
    const at::Tensor decoded =
        vae.decode(latent.mean + (latent.log_variance * 0.5).exp() * noise).to(at::kFloat);
    const at::Tensor reconstruction = (decoded - pixels).abs().mean();
    const at::Tensor edges = (slope(decoded, 2) - slope(pixels, 2)).abs().mean() +
                             (slope(decoded, 3) - slope(pixels, 3)).abs().mean();
    const at::Tensor mean = latent.mean.to(at::kFloat), log_variance = latent.log_variance.to(at::kFloat);
    const at::Tensor divergence =
        0.5 * (mean.square() + log_variance.exp() - 1 - log_variance).sum() / count;
    // The square finds the object first; L1 and edges then make it crisp. L1 alone is content with
    // the background's colour for a long time.
    const at::Tensor square = (decoded - pixels).square().mean();
    (4 * square + reconstruction + 0.3 * edges + 1e-6 * divergence).backward();
    optimizer.step(learning_rate(options, done));
    done += count;
    error += reconstruction.item<double>();
    ++since;
    if (elapsed() - shown > 15 || done >= options.pictures) {
      shown = elapsed();
      log_line(options, fmt::format("vae: {:7d} pictures  L1 {:.4f}  {:.0f} pictures/s", done,
                                    error / since, (done - first) / shown));
      error = since = 0;
      TRY_VOID(save_checkpoint(file, optimizer.state(), done));
    }
  }
  TRY_VOID(save_checkpoint(file, optimizer.state(), done));
  for (auto& [name, value] : optimizer.averaged())
    vae.visit_parameters([&, n = name, v = value](const std::string& other, at::Tensor& p) {
      if (other == n) p = v.to(p.scalar_type()).contiguous(p.suggest_memory_format());
    });
  json["scaling_factor"] = std::round(measure_scaling(vae, options, dtype) * 1e5) / 1e5;
  log_line(options, fmt::format("vae: scaling factor {}", json["scaling_factor"].dump()));
  return save_network(options.folder / "vae", "diffusion_pytorch_model",
                      optimizer.averaged(), json.dump(2) + "\n");
}

}  // namespace invokeai::demo
