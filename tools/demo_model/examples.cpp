#include "demo_model/examples.h"

#include <ATen/core/grad_mode.h>

#include <algorithm>
#include <cmath>

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
constexpr double kOneHidden = 0.35;  // for inpainting, pairs with one thing hidden
constexpr double kAllMasked = 0.25;  // of the other masks
constexpr double kOtherSize = 0.45;  // steps with pictures of another size, where there are any

/// Width and height of other sizes, in quarters of the model's own.
constexpr std::pair<int, int> kOtherSizes[] = {{3, 3}, {5, 5}, {6, 6}, {3, 4},
                                               {4, 3}, {4, 6}, {6, 4}};

/// The scenes as they are painted: in the style that a fine-tune teaches, which captions don't say.
std::vector<drawer::Scene> styled(std::vector<drawer::Scene> scenes, const TrainOptions& options) {
  if (options.style)
    for (drawer::Scene& scene : scenes) scene.rendering = *options.style;
  return scenes;
}

/// Tells encodings of other autoencoders apart.
std::string key_of(const nn::Vae& vae, const TrainOptions& options, drawer::Extent extent,
                   std::size_t count) {
  double sum = 0;
  const_cast<nn::Vae&>(vae).visit_parameters([&](const std::string&, at::Tensor& p) {
    sum += p.to(at::kFloat).abs().sum().item<double>();
  });
  const std::string size = extent.width == extent.height
                               ? fmt::format("{}", extent.width)
                               : fmt::format("{}x{}", extent.width, extent.height);
  return fmt::format("{}-{}-{}-{}-{:.6g}", options.seed, count, size,
                     options.style ? drawer::name(*options.style) : "any", sum);
}

/// 1 inside the box, [1,H,W]; its sides are given as first and end, pixels.
at::Tensor box_mask(drawer::Extent extent, std::pair<int, int> across, std::pair<int, int> down) {
  at::Tensor mask = at::zeros({1, extent.height, extent.width});
  mask.slice(1, down.first, down.second).slice(2, across.first, across.second).fill_(1);
  return mask;
}

/// 1 inside a box of random place and size, [1,H,W]; corners on multiples of the latents' cells.
at::Tensor random_mask(drawer::Extent extent, int cell, drawer::Random& random) {
  const auto side = [&](int pixels) {
    const int cells = pixels / cell;
    const int length = cells / 4 + random.below(cells / 2 + 1);
    const int start = random.below(cells - length + 1);
    return std::pair{start * cell, (start + length) * cell};
  };
  const auto down = side(extent.height), across = side(extent.width);
  return box_mask(extent, across, down);
}

/// 1 inside a box around the object, [1,H,W]; corners likewise.
at::Tensor mask_of(const drawer::Object& object, drawer::Extent extent, int cell) {
  const float reach = 1.15f * object.radius * static_cast<float>(extent.shorter());
  const auto side = [&](float centre, int length) {
    const float middle = centre * static_cast<float>(length), size = static_cast<float>(cell);
    return std::pair{static_cast<int>(std::max(0.0f, std::floor((middle - reach) / size))) * cell,
                     std::min(length, static_cast<int>(std::ceil((middle + reach) / size)) * cell)};
  };
  return box_mask(extent, side(object.cx, extent.width), side(object.cy, extent.height));
}

}  // namespace

Result<Examples> Examples::prepare(const nn::Vae& vae, const text::ClipTokenizer& tokenizer,
                                   const TrainOptions& options, int threads) {
  Examples examples(vae, tokenizer, options);
  const std::uint64_t first = options.seed * 1'000'000'000 + 500'000'000;
  const auto scenes = [&](std::uint64_t offset, int count) {
    return random_scenes(first + offset, count, {.vocabulary = options.vocabulary});
  };
  const auto portraits = [&](std::uint64_t offset, int count) {
    return random_scenes(first + 400'000'000 + offset, count, {.single = true});
  };
  Shelf own{.extent = options.size};
  TRY_VOID(examples.add(own, "latents", scenes(0, options.cache), threads));
  TRY_VOID(examples.add(own, "portraits", portraits(0, options.portraits), threads));
  examples.shelves_.push_back(std::move(own));
  std::uint64_t offset = 0;
  for (const auto& [width, height] : kOtherSizes) {
    if (options.other_sizes == 0) break;
    offset += 10'000'000;  // other scenes than those of other sizes
    Shelf other{.extent = {options.size / 4 * width, options.size / 4 * height}};
    const int half = (options.other_sizes + 1) / 2;
    TRY_VOID(examples.add(other, "latents", scenes(offset, half), threads));
    TRY_VOID(examples.add(other, "portraits", portraits(offset, half), threads));
    examples.shelves_.push_back(std::move(other));
  }
  const at::Tensor some = examples.shelves_.front().moments.slice(0, 0, 1024).to(at::kFloat);
  examples.deviation_ = some.chunk(2, 1)[0].std().item<double>() * vae.config().scaling_factor;
  return examples;
}

std::size_t Examples::size() const {
  std::size_t size = 0;
  for (const Shelf& shelf : shelves_) size += shelf.scenes.size();
  return size;
}

Result<> Examples::add(Shelf& shelf, const std::string& name,
                       const std::vector<drawer::Scene>& scenes, int threads) const {
  if (scenes.empty()) return {};
  const fs::path file =
      options_.training /
      fmt::format("{}-{}.safetensors", name, key_of(vae_, options_, shelf.extent, scenes.size()));
  at::Tensor moments;
  if (fs::exists(file)) {
    TRY_ASSIGN(const models::TensorSource source, models::open_tensor_file(file));
    if (const models::TensorView* view = source.find("moments"))
      moments = models::as_tensor(*view).clone();
  }
  if (!moments.defined()) {
    moments = encode(scenes, shelf.extent, threads);
    fs::create_directories(options_.training);
    TRY_VOID(models::write_safetensors(file, models::as_views({{"moments", moments}}), {}));
  }
  moments = moments.to(at::Device(options_.device));
  shelf.moments = shelf.moments.defined() ? at::cat({shelf.moments, moments}) : moments;
  for (const drawer::Scene& scene : scenes) {
    if (scene.grouping == drawer::Grouping::apart && scene.objects.size() == 2)
      shelf.pairs.push_back(static_cast<std::int64_t>(shelf.scenes.size()));
    shelf.scenes.push_back(scene);
  }
  return {};
}

at::Tensor Examples::encode(const std::vector<drawer::Scene>& scenes, drawer::Extent extent,
                            int threads) const {
  constexpr int kAtOnce = 32;
  std::vector<at::Tensor> moments((scenes.size() + kAtOnce - 1) / kAtOnce);
  const std::vector<drawer::Scene> painted = styled(scenes, options_);
  on_threads(threads, [&](int thread) {
    at::NoGradGuard no_grad;
    for (std::size_t i = thread; i < moments.size(); i += threads) {
      const auto begin = painted.begin() + static_cast<std::ptrdiff_t>(i * kAtOnce);
      const std::vector<drawer::Scene> some(
          begin, begin + std::min<std::ptrdiff_t>(kAtOnce, painted.end() - begin));
      const auto latent =
          vae_.encode(paint_batch(some, extent).to(at::Device(options_.device), at::kBFloat16));
      moments[i] = at::cat({latent.mean, latent.log_variance}, 1).contiguous();
    }
  });
  return at::cat(moments);
}

at::Tensor Examples::surroundings(const Shelf& shelf, const std::vector<std::int64_t>& picks,
                                  const std::vector<at::Tensor>& masks) const {
  const drawer::Extent extent = shelf.extent;
  std::vector<drawer::Scene> scenes;
  const int cell = static_cast<int>(vae_.scale());
  for (const std::int64_t pick : picks) scenes.push_back(shelf.scenes[pick]);
  at::NoGradGuard no_grad;
  const at::Device device(options_.device);
  const at::Tensor mask = at::stack(masks).to(device);
  const at::Tensor pixels = paint_batch(styled(scenes, options_), extent).to(device) * (1 - mask);
  at::Tensor known =
      vae_.encode(pixels.to(at::kBFloat16)).mean.to(at::kFloat) * vae_.config().scaling_factor;
  const at::Tensor cells = mask.slice(2, 0, extent.height, cell).slice(3, 0, extent.width, cell);
  // Where all is to be painted the pipeline shows nothing at all.
  known = known * (cells.mean({1, 2, 3}, true) < 1).to(at::kFloat);
  return at::cat({cells, known}, 1);
}

std::vector<Example> Examples::draw(int shares, int count, drawer::Random& random) const {
  std::size_t shelf = 0;
  if (shelves_.size() > 1 && random.chance(kOtherSize))
    shelf = 1 + random.below(static_cast<int>(shelves_.size()) - 1);
  std::vector<Example> out;
  for (int i = 0; i < shares; ++i) out.push_back(draw_share(shelves_[shelf], count, random));
  return out;
}

Example Examples::draw_share(const Shelf& shelf, int count, drawer::Random& random) const {
  std::vector<std::int64_t> picks(count);
  std::vector<std::string> captions(count);
  std::vector<float> overshoot(count);
  std::vector<at::Tensor> masks;
  const int cell = static_cast<int>(vae_.scale());
  const bool inpainting = options_.kind == Kind::inpainting;
  for (int i = 0; i < count; ++i) {
    const bool one_hidden = inpainting && !shelf.pairs.empty() && random.chance(kOneHidden);
    picks[i] = one_hidden ? shelf.pairs[random.below(static_cast<int>(shelf.pairs.size()))]
                          : random.below(static_cast<int>(shelf.scenes.size()));
    drawer::Scene said = shelf.scenes[picks[i]];
    if (one_hidden) {
      said.objects = {said.objects[random.below(2)]};
      masks.push_back(mask_of(said.objects[0], shelf.extent, cell));
    } else if (inpainting) {
      masks.push_back(random.chance(kAllMasked)
                          ? at::ones({1, shelf.extent.height, shelf.extent.width})
                          : random_mask(shelf.extent, cell, random));
    }
    if (!random.chance(kUnsaid)) captions[i] = drawer::caption(said, random.next());
    if (random.chance(kOvershot))
      overshoot[i] = static_cast<float>(options_.overshoot * random.unit());
  }
  const at::Device device(options_.device);
  const auto moments =
      shelf.moments.index_select(0, at::tensor(picks).to(device)).to(at::kFloat).chunk(2, 1);
  Example out;
  out.ids = encode_captions(tokenizer_, captions).to(device);
  out.latents = (moments[0] + (moments[1] * 0.5).exp() * at::randn_like(moments[0])) *
                vae_.config().scaling_factor;
  out.timesteps = spread_timesteps(count, deviation_, random).to(device);
  out.noise = at::randn_like(out.latents) +
              options_.offset * at::randn({count, out.latents.size(1), 1, 1}, out.latents.options());
  out.overshoot = at::tensor(overshoot).reshape({-1, 1, 1, 1}).to(device);
  if (inpainting) out.surroundings = surroundings(shelf, picks, masks);
  return out;
}

}  // namespace invokeai::demo
