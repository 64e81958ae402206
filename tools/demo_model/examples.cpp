#include "demo_model/examples.h"

#include <ATen/core/grad_mode.h>

#include "demo_model/captions.h"
#include "demo_model/data.h"
#include "demo_model/replicas.h"
#include "drawer/captions.h"
#include "models/formats/safetensors.h"
#include "models/tensors.h"

namespace invokeai::demo {
namespace {

constexpr double kUnsaid = 0.15;     // captions left out, for guidance
constexpr double kOvershot = 0.3;    // examples whose latents are pushed outwards
constexpr double kAllMasked = 0.25;  // of the masks

/// The scenes as they are painted: in the style that a fine-tune teaches, which captions don't say.
std::vector<drawer::Scene> styled(std::vector<drawer::Scene> scenes, const TrainOptions& options) {
  if (options.style)
    for (drawer::Scene& scene : scenes) scene.rendering = *options.style;
  return scenes;
}

/// Tells encodings of other autoencoders apart.
std::string key_of(const nn::Vae& vae, const TrainOptions& options, std::size_t count) {
  double sum = 0;
  const_cast<nn::Vae&>(vae).visit_parameters([&](const std::string&, at::Tensor& p) {
    sum += p.to(at::kFloat).abs().sum().item<double>();
  });
  return fmt::format("{}-{}-{}-{}-{:.6g}", options.seed, count, options.size,
                     options.style ? drawer::name(*options.style) : "any", sum);
}

/// 1 inside a box of random place and size, [1,H,W]; corners on multiples of the latents' cells.
at::Tensor random_mask(int size, int cell, drawer::Random& random) {
  at::Tensor mask = at::zeros({1, size, size});
  const int cells = size / cell;
  const auto side = [&] {
    const int length = cells / 4 + random.below(cells / 2 + 1);
    const int start = random.below(cells - length + 1);
    return std::pair{start * cell, (start + length) * cell};
  };
  const auto [top, bottom] = side();
  const auto [left, right] = side();
  mask.slice(1, top, bottom).slice(2, left, right).fill_(1);
  return mask;
}

}  // namespace

Result<Examples> Examples::prepare(const nn::Vae& vae, const text::ClipTokenizer& tokenizer,
                                   const TrainOptions& options, int threads) {
  Examples examples(vae, tokenizer, options);
  const std::uint64_t first = options.seed * 1'000'000'000 + 500'000'000;
  TRY_VOID(examples.add(
      "latents", random_scenes(first, options.cache, {.vocabulary = options.vocabulary}), threads));
  TRY_VOID(examples.add("portraits",
                        random_scenes(first + 400'000'000, options.portraits, {.single = true}),
                        threads));
  const at::Tensor some = examples.moments_.slice(0, 0, 1024).to(at::kFloat);
  examples.deviation_ = some.chunk(2, 1)[0].std().item<double>() * vae.config().scaling_factor;
  return examples;
}

Result<> Examples::add(const std::string& name, const std::vector<drawer::Scene>& scenes,
                       int threads) {
  if (scenes.empty()) return {};
  const fs::path file = options_.training / fmt::format("{}-{}.safetensors", name,
                                                        key_of(vae_, options_, scenes.size()));
  at::Tensor moments;
  if (fs::exists(file)) {
    TRY_ASSIGN(const models::TensorSource source, models::open_tensor_file(file));
    if (const models::TensorView* view = source.find("moments"))
      moments = models::as_tensor(*view).clone();
  }
  if (!moments.defined()) {
    moments = encode(scenes, threads);
    fs::create_directories(options_.training);
    TRY_VOID(models::write_safetensors(file, models::as_views({{"moments", moments}}), {}));
  }
  moments = moments.to(at::Device(options_.device));
  moments_ = moments_.defined() ? at::cat({moments_, moments}) : moments;
  scenes_.insert(scenes_.end(), scenes.begin(), scenes.end());
  return {};
}

at::Tensor Examples::encode(const std::vector<drawer::Scene>& scenes, int threads) const {
  constexpr int kAtOnce = 32;
  std::vector<at::Tensor> moments((scenes.size() + kAtOnce - 1) / kAtOnce);
  const std::vector<drawer::Scene> painted = styled(scenes, options_);
  on_threads(threads, [&](int thread) {
    at::NoGradGuard no_grad;
    for (std::size_t i = thread; i < moments.size(); i += threads) {
      const auto begin = painted.begin() + static_cast<std::ptrdiff_t>(i * kAtOnce);
      const std::vector<drawer::Scene> some(
          begin, begin + std::min<std::ptrdiff_t>(kAtOnce, painted.end() - begin));
      const auto latent = vae_.encode(
          paint_batch(some, options_.size).to(at::Device(options_.device), at::kBFloat16));
      moments[i] = at::cat({latent.mean, latent.log_variance}, 1).contiguous();
    }
  });
  return at::cat(moments);
}

at::Tensor Examples::draw_surroundings(const std::vector<std::int64_t>& picks,
                                       drawer::Random& random) const {
  std::vector<drawer::Scene> scenes;
  std::vector<at::Tensor> masks;
  const int cell = static_cast<int>(vae_.scale());
  for (const std::int64_t pick : picks) {
    scenes.push_back(scenes_[pick]);
    masks.push_back(random.chance(kAllMasked) ? at::ones({1, options_.size, options_.size})
                                              : random_mask(options_.size, cell, random));
  }
  at::NoGradGuard no_grad;
  const at::Device device(options_.device);
  const at::Tensor mask = at::stack(masks).to(device);
  const at::Tensor pixels =
      paint_batch(styled(scenes, options_), options_.size).to(device) * (1 - mask);
  at::Tensor known =
      vae_.encode(pixels.to(at::kBFloat16)).mean.to(at::kFloat) * vae_.config().scaling_factor;
  const at::Tensor cells = mask.slice(2, 0, options_.size, cell).slice(3, 0, options_.size, cell);
  // Where all is to be painted the pipeline shows nothing at all.
  known = known * (cells.mean({1, 2, 3}, true) < 1).to(at::kFloat);
  return at::cat({cells, known}, 1);
}

Example Examples::draw(int count, drawer::Random& random) const {
  std::vector<std::int64_t> picks(count);
  std::vector<std::string> captions(count);
  std::vector<float> overshoot(count);
  for (int i = 0; i < count; ++i) {
    picks[i] = random.below(static_cast<int>(scenes_.size()));
    if (!random.chance(kUnsaid)) captions[i] = drawer::caption(scenes_[picks[i]], random.next());
    if (random.chance(kOvershot))
      overshoot[i] = static_cast<float>(options_.overshoot * random.unit());
  }
  const at::Device device(options_.device);
  const auto moments =
      moments_.index_select(0, at::tensor(picks).to(device)).to(at::kFloat).chunk(2, 1);
  Example out;
  out.ids = encode_captions(tokenizer_, captions).to(device);
  out.latents = (moments[0] + (moments[1] * 0.5).exp() * at::randn_like(moments[0])) *
                vae_.config().scaling_factor;
  out.timesteps = spread_timesteps(count, deviation_, random).to(device);
  out.noise = at::randn_like(out.latents) +
              options_.offset * at::randn({count, out.latents.size(1), 1, 1}, out.latents.options());
  out.overshoot = at::tensor(overshoot).reshape({-1, 1, 1, 1}).to(device);
  if (options_.kind == Kind::inpainting) out.surroundings = draw_surroundings(picks, random);
  return out;
}

}  // namespace invokeai::demo
