#include "pipeline/internal/batch.h"

#include <utility>

#include "image/color_correct.h"
#include "image/resize.h"
#include "pipeline/pixels.h"
#include "sampling/preview.h"

namespace invokeai::pipeline {

const Conditioning& Order::conditioning(int steps) {
  auto found = encoded.find(steps);
  if (found == encoded.end()) found = encoded.emplace(steps, encode(steps)).first;
  if (!std::exchange(told, true))
    for (const std::string& message : found->second.messages) tell(message);
  return found->second;
}

Batch::Batch(Order& order, std::vector<PictureSeed> seeds)
    : order_(order),
      seeds_(std::move(seeds)),
      noise_(seeds_, order.request.perlin),
      codec_(*order.networks.vae, order.memory, order.choice,
             {order.request.seamless.x, order.request.seamless.y}, order.model,
             [&order](const std::string& message) { order.tell(message); }),
      overflowed_(seeds_.size(), false) {}

void Batch::move_seeds(int offset) {
  std::vector<PictureSeed> moved = seeds_;
  constexpr std::uint64_t kSeeds = 0xffffffffu;  // 0..2^32-2, as 2.3.0 counts
  for (PictureSeed& seed : moved)
    seed.base = static_cast<std::uint32_t>((std::uint64_t{seed.base} + offset) % kSeeds);
  noise_ = PictureNoise(moved, request().perlin);
}

std::vector<std::int64_t> Batch::latent_shape(Size size) const {
  return {codec_.channels(), size.height / codec_.scale(), size.width / codec_.scale()};
}

Result<Pass> Batch::pass(double strength, std::optional<int> steps) const {
  Pass pass;
  TRY_ASSIGN(pass.plan, sampling::make_plan(request().sampler, order_.schedule,
                                            {.steps = steps.value_or(request().steps),
                                             .strength = strength,
                                             .karras = request().karras,
                                             .eta = request().eta}));
  return pass;
}

Result<at::Tensor> Batch::encode(std::span<const at::Tensor> pixels) {
  const at::Tensor& first = pixels.front();
  const Size size{static_cast<int>(first.size(3)), static_cast<int>(first.size(2))};
  const at::Tensor noise = noise_.plain(latent_shape(size), device());
  if (pixels.size() == 1) return codec_.encode(first, noise);
  std::vector<at::Tensor> rows;
  for (std::size_t i = 0; i < pixels.size(); ++i) {
    const auto row = static_cast<std::int64_t>(i);
    TRY_ASSIGN(at::Tensor latents, codec_.encode(pixels[i], noise.slice(0, row, row + 1)));
    rows.push_back(std::move(latents));
  }
  return at::cat(rows);
}

image::Image Batch::preview(const at::Tensor& clean_latents) {
  const at::Tensor first = clean_latents.slice(0, 0, 1);
  if (request().full_previews || codec_.is_small()) {
    if (auto picture = decode(first, 0)) {
      if (request().full_previews) return std::move(*picture);
      return image::resize(*picture, static_cast<int>(first.size(3)),
                           static_cast<int>(first.size(2)), image::ResizeFilter::box);
    }
  }
  return bytes_to_image(sampling::latent_preview(first));
}

void Batch::report(const sampling::StepState& state) {
  if (!order_.callbacks.on_step || state.evaluation == 0) return;
  StepProgress progress{.picture = order_.done,
                        .pictures = request().iterations,
                        .step = evaluations_done_ + state.evaluation,
                        .steps = evaluations_,
                        .timestep = state.timestep,
                        .preview = {}};
  const int every = request().preview_every;
  const bool last = request().full_previews && progress.step == progress.steps;
  if (every > 0 && (progress.step % every == 0 || last))
    progress.preview = preview(state.predicted_original);
  order_.callbacks.on_step(progress);
}

LatentRules Batch::latent_rules(const Pass& pass) const {
  std::vector<std::uint32_t> seeds;
  for (const PictureSeed& seed : seeds_) seeds.push_back(seed.own());
  return LatentRules({.threshold = request().threshold,
                      .h_symmetry = pass.mirror ? request().h_symmetry_time_pct : 0,
                      .v_symmetry = pass.mirror ? request().v_symmetry_time_pct : 0},
                     seeds);
}

std::optional<at::Tensor> Batch::denoise(const Pass& pass) {
  const at::Tensor start = pass.latents.defined()
                               ? sampling::start_from_latents(pass.plan, pass.latents, pass.noise)
                               : sampling::start_from_noise(pass.plan, pass.noise);
  const int steps = pass.plan.steps();
  const Conditioning& conditioning = order_.conditioning(steps);
  const ModelMemory::Use weights(order_.memory, ModelPart::unet);
  Guidance guidance(*order_.networks.unet, conditioning, request().cfg_scale, steps,
                    {.row_by_row = order_.memory.plan().row_by_row,
                     .cache_steps = request().cache_steps,
                     .tune = order_.tune,
                     .graphs = &order_.graphs});
  recorders_.assign(seeds_.size(), AttentionRecorder(start.size(2), start.size(3)));
  if (request().capture_attention) guidance.record_into(recorders_);
  const auto denoiser = [&](const at::Tensor& model_input, double timestep) {
    return guidance.predict(model_input, timestep, order_.choice.dtype, pass.surroundings);
  };
  LatentRules rules = latent_rules(pass);
  // An inpainting model blends by itself. For others kept parts are put back at the level the next
  // step starts from, exact at the end; 2.3.0 was one step behind (generation spec 8.3).
  const bool blends = pass.repaint.defined() && !pass.surroundings.defined();
  sampling::SampleHooks hooks;
  hooks.observer = [&](const sampling::StepState& state) {
    report(state);
    return !order_.cancel.cancelled();
  };
  hooks.after_step = [&](const at::Tensor& latents, const sampling::CompletedStep& done) {
    guidance.begin_step(done.step + 1);
    const at::Tensor ruled = rules.apply(latents, done);
    if (!blends) return ruled;
    return at::lerp(sampling::add_noise(done.next, pass.kept, pass.noise), ruled, pass.repaint);
  };
  const sampling::SampleResult result =
      sampling::sample(pass.plan, start, denoiser, noise_.steps(), hooks);
  evaluations_done_ += pass.plan.evaluations();
  if (result.cancelled) return std::nullopt;
  if (order_.redraw)
    for (int i = 0; i < count(); ++i)
      if (!at::isfinite(result.latents[i]).all().item<bool>())
        overflowed_[static_cast<std::size_t>(i)] = true;
  return result.latents;
}

Result<image::Image> Batch::decode(const at::Tensor& latents, int i) {
  if (overflowed_[static_cast<std::size_t>(i)])
    return image::Image(static_cast<int>(latents.size(3)) * codec_.scale(),
                        static_cast<int>(latents.size(2)) * codec_.scale(), 3);
  TRY_ASSIGN(const at::Tensor pixels, codec_.decode(latents.slice(0, i, i + 1)));
  return to_image(pixels);
}

void Batch::share_time() {
  const Clock::time_point now = Clock::now();
  shared_seconds_ += std::chrono::duration<double>(now - mark_).count() / count();
  mark_ = now;
}

Result<Outcome> Batch::deliver(int i, image::Image picture) {
  const PictureSeed& seed = seeds_[static_cast<std::size_t>(i)];
  if (overflowed_[static_cast<std::size_t>(i)]) return order_.redraw(seed);
  if (request().init_color) picture = image::match_colors(picture, *request().init_color);
  const Clock::time_point now = Clock::now();
  GeneratedImage made{.picture = {},
                      .index = order_.done,
                      .seed = seed.own(),
                      .seconds = shared_seconds_ + std::chrono::duration<double>(now - mark_).count(),
                      .width = picture.width,
                      .height = picture.height,
                      .base_seed = seed.base,
                      .variations = seed.variations,
                      .attention = recorders_[static_cast<std::size_t>(i)].take()};
  mark_ = now;
  made.picture = std::move(picture);
  ++order_.done;
  if (order_.callbacks.on_image) TRY_VOID(order_.callbacks.on_image(std::move(made)));
  return Outcome::completed;
}

Result<Outcome> Batch::deliver_all(const at::Tensor& latents) {
  share_time();
  for (int i = 0; i < count(); ++i) {
    if (order_.cancel.cancelled()) return Outcome::cancelled;
    TRY_ASSIGN(image::Image picture, decode(latents, i));
    TRY_ASSIGN(const Outcome outcome, deliver(i, std::move(picture)));
    if (outcome == Outcome::cancelled) return outcome;
  }
  return Outcome::completed;
}

}  // namespace invokeai::pipeline
