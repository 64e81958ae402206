#include <ATen/Parallel.h>
#include <ATen/core/grad_mode.h>

#include <algorithm>
#include <cmath>
#include <memory>

#include "demo_model/captions.h"
#include "demo_model/checkpoint.h"
#include "demo_model/configs.h"
#include "demo_model/data.h"
#include "demo_model/diffusion.h"
#include "demo_model/replicas.h"
#include "demo_model/sheets.h"
#include "demo_model/sitting.h"
#include "demo_model/warm_start.h"
#include "drawer/random.h"
#include "nn/vae.h"

namespace invokeai::demo {
namespace {

constexpr auto kType = at::kBFloat16;
constexpr const char* kStem = "diffusion_pytorch_model";

/// Differences between neighbours along one dimension: edges weigh as much as areas.
at::Tensor slope(const at::Tensor& x, std::int64_t dim) {
  return x.slice(dim, 1) - x.slice(dim, 0, x.size(dim) - 1);
}

/// Stands in for a perceptual loss, which would need a trained network: mean absolute differences
/// of edges at three scales, each half the size of the one before.
at::Tensor perceived_difference(at::Tensor a, at::Tensor b) {
  at::Tensor sum = at::zeros({}, a.options());
  for (int scale = 0; scale < 3; ++scale) {
    if (scale > 0) a = at::avg_pool2d(a, 2), b = at::avg_pool2d(b, 2);
    for (const int dim : {2, 3}) sum = sum + (slope(a, dim) - slope(b, dim)).abs().mean();
  }
  return sum;
}

/// Half of the pictures in other colours: channels exchanged, turned over, weakened. So latents
/// hold colours as such, not a code for the drawer's fourteen: what lies between two colours
/// decodes to a colour between them, and pictures from elsewhere come back as they were.
at::Tensor recolored(const at::Tensor& pixels, drawer::Random& random) {
  at::Tensor out = pixels.clone();
  for (std::int64_t i = 0; i < pixels.size(0); i += 2)
    for (int channel = 0; channel < 3; ++channel) {
      const double size = 0.4 + 0.6 * random.unit();
      const double offset = random.around_zero(1 - size), gain = random.chance(0.3) ? -size : size;
      out[i][channel].copy_(pixels[i][random.below(3)] * gain + offset);
    }
  return out;
}

fs::path base_of(const TrainOptions& options) {
  return options.from.value_or(options.folder) / "vae";
}

/// The config of the weights that training begins with, else that of a new network.
Result<nlohmann::json> network_json(const TrainOptions& options) {
  nlohmann::json json = vae_config(options.size);
  if (const fs::path file = base_of(options) / "config.json"; fs::exists(file)) {
    TRY_ASSIGN(json, read_json(file));
  }
  json["sample_size"] = options.size;
  return json;
}

/// Squares at random places: local statistics are the same as those of whole pictures, at a
/// fraction of the cost.
at::Tensor crop(const at::Tensor& pixels, std::int64_t side, std::uint64_t seed) {
  const std::int64_t room = pixels.size(3) - side;
  if (room <= 0) return pixels;
  const auto x = static_cast<std::int64_t>(seed * 7919 % (room / 8 + 1)) * 8;
  const auto y = static_cast<std::int64_t>(seed * 104729 % (room / 8 + 1)) * 8;
  return pixels.slice(2, y, y + side).slice(3, x, x + side);
}

/// Standard deviation of the latents as they come from the encoder.
double measure_deviation(const nn::Vae& vae, const TrainOptions& options) {
  at::NoGradGuard no_grad;
  std::vector<at::Tensor> means;
  for (int i = 0; i < 16; ++i) {
    const auto pixels =
        paint_batch(random_scenes(options.seed * 7'000'000 + i * 32, 32), options.size);
    means.push_back(vae.encode(pixels.to(at::Device(options.device), kType)).mean.to(at::kFloat));
  }
  return at::cat(means).std().item<double>();
}

/// What programs multiply latents by that do not read config.json, and so what ours are made for.
constexpr double kScaling = 0.18215;

/// The same autoencoder with latents `factor` times as large: its first and last 1x1 convolutions
/// carry the factor.
std::map<std::string, at::Tensor> with_latents_times(double factor,
                                                     std::map<std::string, at::Tensor> weights,
                                                     std::int64_t channels) {
  at::Tensor &kernel = weights.at("quant_conv.weight"), &bias = weights.at("quant_conv.bias"),
             &back = weights.at("post_quant_conv.weight");
  kernel = kernel.clone(), bias = bias.clone(), back = back / factor;
  kernel.slice(0, 0, channels).mul_(factor);
  bias.slice(0, 0, channels).mul_(factor);
  bias.slice(0, channels).add_(2 * std::log(factor));  // the logarithm of the variance
  return weights;
}

/// The network with the weights that are published: pictures as they were and as they come back,
/// and the mean of their peak signal-to-noise ratios in dB.
Result<double> look(const nn::Vae& vae, const TrainOptions& options) {
  at::NoGradGuard no_grad;
  const auto pixels = paint_batch(random_scenes(options.seed * 8'000'000, 32), options.size);
  const auto device = at::Device(options.device);
  const at::Tensor decoded =
      vae.decode(vae.encode(pixels.to(device, kType)).mean).to(at::kCPU, at::kFloat).clamp(-1, 1);
  const at::Tensor error = ((decoded - pixels) / 2).square().mean({1, 2, 3});
  auto pictures = to_pictures(at::stack({pixels, decoded}, 1).flatten(0, 1));
  TRY_VOID(write_sheet(options.training / "vae-sheet.png", pictures));
  return (-10 * error.log10()).mean().item<double>();
}

/// Puts weights by name into the network.
void assign(nn::Vae& vae, const std::map<std::string, at::Tensor>& weights) {
  at::NoGradGuard no_grad;
  vae.visit_parameters([&](const std::string& name, at::Tensor& p) { p.copy_(weights.at(name)); });
}

/// The square decides the distance that is measured; L1 and edges make areas even and edges crisp;
/// the divergence keeps latents from growing without end.
at::Tensor difference(const at::Tensor& decoded, const at::Tensor& pixels,
                      const nn::LatentDistribution& latent) {
  const at::Tensor mean = latent.mean.to(at::kFloat),
                   log_variance = latent.log_variance.to(at::kFloat);
  const at::Tensor divergence =
      0.5 * (mean.square() + log_variance.exp() - 1 - log_variance).sum() / pixels.size(0);
  const double area = static_cast<double>(pixels.size(2) * pixels.size(3)) / (128 * 128);
  return 10 * (decoded - pixels).square().mean() + 0.2 * (decoded - pixels).abs().mean() +
         0.1 * perceived_difference(decoded, pixels) + 1e-7 / area * divergence;
}

/// The error of one share of a batch, [b,3,s,s] in [-1,1].
at::Tensor error_of(const nn::Vae& vae, const at::Tensor& pixels) {
  const auto latent = vae.encode(pixels.to(kType));
  const at::Tensor noise = at::randn_like(latent.mean);
  const at::Tensor decoded =
      vae.decode(latent.mean + (latent.log_variance * 0.5).exp() * noise).to(at::kFloat);
  return difference(decoded, pixels, latent);
}

std::vector<at::Tensor> parameters_of(nn::Vae& vae) {
  std::vector<at::Tensor> all;
  vae.visit_parameters([&](const std::string&, at::Tensor& p) { all.push_back(p); });
  return all;
}

/// A network with weights of earlier sittings where there are some, ready to learn; how many
/// tensors were taken from there is written to `taken`.
Result<std::unique_ptr<nn::Vae>> make_network(const nn::VaeConfig& config,
                                              const TrainOptions& options, int& taken) {
  auto vae = std::make_unique<nn::Vae>(config);
  nn::initialise(*vae, options.seed);
  // Latents start out nearly noiseless (standard deviation e^-2.5), so that there is something to
  // read.
  vae->visit_parameters([&](const std::string& name, at::Tensor& p) {
    if (name == "quant_conv.bias") p.slice(0, config.latent_channels).fill_(-5);
  });
  TRY_ASSIGN(taken, warm_start(*vae, base_of(options), kStem));
  nn::convert(*vae, at::Device(options.device), kType);
  for (const at::Tensor& p : parameters_of(*vae)) p.set_requires_grad(true);
  return vae;
}

}  // namespace

Result<> train_vae(const TrainOptions& options) {
  const at::Device device(options.device);
  TRY_ASSIGN(nlohmann::json json, network_json(options));
  TRY_ASSIGN(const nn::VaeConfig config, nn::parse_vae_config(json));
  int taken = 0;
  std::vector<std::unique_ptr<nn::Vae>> replicas;
  std::vector<std::vector<at::Tensor>> learning;
  const int threads = device.is_cpu() ? std::clamp(options.batch / 2, 1, at::get_num_threads()) : 1;
  for (int i = 0; i < threads; ++i) {
    TRY_ASSIGN(auto replica, make_network(config, options, taken));
    learning.push_back(parameters_of(*replica));
    replicas.push_back(std::move(replica));
  }
  nn::Vae& vae = *replicas.front();
  nn::Optimizer optimizer(vae, {.beta2 = 0.99, .weight_decay = 0.0, .ema_decay = 0.998});
  const fs::path file = options.training / "vae.safetensors";
  TRY_ASSIGN(const std::int64_t before, restore_checkpoint(file, optimizer));
  spread_values(learning);
  log_line(options, fmt::format("vae: {} parameters, {} tensors from earlier, {} pictures done",
                                nn::parameter_count(vae), taken, before));
  Sitting sitting(options, "vae", before);
  const auto save = [&]() -> Result<> {
    TRY_VOID(save_checkpoint(file, optimizer.state(), sitting.done()));
    TRY_VOID(sitting.draw_curve());
    assign(vae, optimizer.averaged());
    TRY_ASSIGN(const double decibels, look(vae, options));
    json["scaling_factor"] = kScaling;
    const double deviation = measure_deviation(vae, options),
                 factor = latent_deviation(options.size) / (kScaling * deviation);
    log_line(options,
             fmt::format("vae: {:.2f} dB, latents' deviation {:.3f}", decibels, deviation));
    const auto published = with_latents_times(factor, optimizer.averaged(), config.latent_channels);
    TRY_VOID(save_network(options.folder / "vae", kStem, published, json.dump(2) + "\n"));
    assign(vae, optimizer.master());
    return {};
  };
  const int side = options.crop > 0 ? options.crop : options.size / 2;
  drawer::Random random(options.seed * 17 + before);
  while (sitting.goes_on()) {
    const std::int64_t done = sitting.done();
    const bool whole = options.pictures - done <= options.decay / 2;  // whole pictures at the end
    const int count = whole ? std::max(threads, options.batch / 2) : options.batch;
    at::Tensor pixels =
        paint_batch(random_scenes(options.seed * 1'000'000'000 + done, count), options.size);
    if (!whole) pixels = crop(pixels, side, options.seed + done / count);
    pixels = recolored(pixels, random).to(device);
    const std::vector<at::Tensor> shares = pixels.chunk(threads);
    const double loss = learn_from_shares(
        learning, [&](int i) { return error_of(*replicas[i], shares[i]); });
    const double gradient = optimizer.step(sitting.learning_rate());
    spread_values(learning);
    sitting.advance(count, loss, gradient);
    if (sitting.should_save()) TRY_VOID(save());
  }
  return save();
}

}  // namespace invokeai::demo
