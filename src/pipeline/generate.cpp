// One request to pictures. Read top to bottom: encode the prompt, make noise, denoise, decode.

#include <ATen/core/grad_mode.h>

#include <chrono>

#include "pipeline/conditioning.h"
#include "pipeline/guidance.h"
#include "pipeline/latent_rules.h"
#include "pipeline/pixels.h"
#include "pipeline/stable_diffusion.h"
#include "sampling/preview.h"

namespace invokeai::pipeline {

/// What stays the same for all pictures of one request.
struct StableDiffusion::Run {
  const GenerationRequest& request;
  const GenerationCallbacks& callbacks;
  const CancelToken& cancel;
  sampling::Plan plan;
  Conditioning conditioning;
  int width = 0;   // pixels
  int height = 0;  // pixels
  int done = 0;    // pictures finished

  void tell(const std::string& message) const {
    if (callbacks.on_message) callbacks.on_message(message);
  }
};

Result<Outcome> StableDiffusion::generate(const GenerationRequest& request,
                                          const GenerationCallbacks& callbacks,
                                          const CancelToken& cancel) {
  at::NoGradGuard no_grad;
  TRY_VOID(validate(request));
  TRY_ASSIGN(const text::PromptDialect dialect, text::parse_dialect(request.prompt_dialect));
  TRY_ASSIGN(const text::ParsedPrompt prompt,
             text::parse_prompt(request.prompt,
                                {.dialect = dialect, .negative = request.negative_prompt}));
  TRY_ASSIGN(sampling::Plan plan,
             sampling::make_plan(request.sampler, schedule_,
                                 {.steps = request.steps, .karras = request.karras, .eta = request.eta}));
  Run run{.request = request, .callbacks = callbacks, .cancel = cancel, .plan = std::move(plan),
          .conditioning = {},
          .width = request.width > 0 ? request.width : info_.native_width,
          .height = request.height > 0 ? request.height : info_.native_height};
  run.conditioning = encode_prompt(
      prompt,
      {.dialect = dialect,
       .long_prompts = request.long_prompts == "continue" ? LongPrompts::carry_on : LongPrompts::truncate,
       .steps = run.plan.steps()},
      tokenizer_, *networks_.text_encoder, choice_.device);
  for (const std::string& message : run.conditioning.messages) run.tell(message);

  std::uint32_t seed = request.seed ? *request.seed : sampling::random_seed();
  while (run.done < request.iterations) {
    std::vector<std::uint32_t> seeds;
    for (int left = request.iterations - run.done; left > 0 && int(seeds.size()) < request.batch_size; --left) {
      seeds.push_back(seed);
      seed = sampling::next_seed(seed);
    }
    TRY_ASSIGN(const Outcome outcome, draw_batch(run, seeds));
    if (outcome == Outcome::cancelled) return outcome;
  }
  return Outcome::completed;
}

Result<Outcome> StableDiffusion::draw_batch(Run& run, const std::vector<std::uint32_t>& seeds) {
  const auto start = std::chrono::steady_clock::now();
  sampling::BatchNoise noise(seeds);
  const at::Tensor x = sampling::start_from_noise(run.plan, start_noise(run, noise));

  const auto observe = [&](const sampling::StepState& state) {
    if (run.callbacks.on_step && state.evaluation > 0) {
      StepProgress progress{.picture = run.done, .pictures = run.request.iterations,
                            .step = state.evaluation, .steps = state.evaluations,
                            .timestep = state.timestep, .preview = {}};
      if (run.request.preview_every > 0 && state.evaluation % run.request.preview_every == 0)
        progress.preview = bytes_to_image(sampling::latent_preview(state.predicted_original.slice(0, 0, 1)));
      run.callbacks.on_step(progress);
    }
    return !run.cancel.cancelled();
  };
  Guidance guidance(*networks_.unet, run.conditioning, run.request.cfg_scale, run.plan.steps());
  std::vector<AttentionRecorder> recorders(seeds.size(), AttentionRecorder(x.size(2), x.size(3)));
  if (run.request.capture_attention) guidance.record_into(recorders);
  LatentRules rules({.threshold = run.request.threshold,
                     .h_symmetry = run.request.h_symmetry_time_pct,
                     .v_symmetry = run.request.v_symmetry_time_pct}, seeds);
  const auto denoise = [&](const at::Tensor& model_input, double timestep) {
    return guidance.predict(model_input, timestep, choice_.dtype);
  };
  const auto after_step = [&](const at::Tensor& latents, const sampling::CompletedStep& done) {
    guidance.begin_step(done.step + 1);
    return rules.apply(latents, done);
  };
  const sampling::SampleResult result = sampling::sample(
      run.plan, x, denoise, noise.source(), {.observer = observe, .after_step = after_step});
  if (result.cancelled) return Outcome::cancelled;

  const double share =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count() / double(seeds.size());
  for (std::size_t i = 0; i < seeds.size(); ++i) {
    if (run.cancel.cancelled()) return Outcome::cancelled;
    const auto decode_start = std::chrono::steady_clock::now();
    TRY_ASSIGN(const at::Tensor pixels, decode(run, result.latents.slice(0, i, i + 1)));
    GeneratedImage image{.picture = to_image(pixels), .seed = seeds[i], .seconds = 0,
                         .width = run.width, .height = run.height, .attention = recorders[i].take()};
    image.seconds =
        share + std::chrono::duration<double>(std::chrono::steady_clock::now() - decode_start).count();
    ++run.done;
    if (run.callbacks.on_image) TRY_VOID(run.callbacks.on_image(std::move(image)));
  }
  return Outcome::completed;
}

/// [B,4,h,w] f32 of unit variance on the device, drawn on the CPU so that every device gets the same.
at::Tensor StableDiffusion::start_noise(const Run& run, sampling::BatchNoise& noise) const {
  const std::int64_t scale = networks_.vae->scale();
  const std::int64_t height = run.height / scale, width = run.width / scale;
  const std::int64_t channels = networks_.vae->config().latent_channels;
  if (run.request.perlin == 0) return noise.normal({channels, height, width}, choice_.device);
  std::vector<at::Tensor> mixed;
  for (auto& stream : noise.streams())
    mixed.push_back(sampling::mix_perlin(stream.normal({1, channels, height, width}), run.request.perlin, stream));
  return at::cat(mixed).to(choice_.device);
}

/// Latents [1,4,h,w] f32 -> pixels [1,3,H,W] f32. Half precision that overflowed is tried again in
/// f32; what is still not finite is an error rather than a black picture.
Result<at::Tensor> StableDiffusion::decode(const Run& run, const at::Tensor& latents) {
  if (!at::isfinite(latents).all().item<bool>())
    return fail(ErrorCode::unsupported, "generate",
                "the network's output overflowed in {}; try --precision float32", choice_.precision_name);
  nn::Vae& vae = *networks_.vae;
  const at::Tensor scaled = latents / vae.config().scaling_factor;
  at::Tensor pixels = vae.decode(scaled.to(choice_.dtype)).to(at::kFloat);
  if (at::isfinite(pixels).all().item<bool>()) return pixels;
  if (choice_.dtype != at::kFloat) {
    run.tell(fmt::format("The decoder overflowed in {}; decoding again in float32", choice_.precision_name));
    nn::convert(vae, choice_.device, at::kFloat);
    pixels = vae.decode(scaled);
    nn::convert(vae, choice_.device, choice_.dtype);
    if (at::isfinite(pixels).all().item<bool>()) return pixels;
  }
  return fail(ErrorCode::bad_file, "generate", "the decoder gives no valid picture; is the model damaged?");
}

}  // namespace invokeai::pipeline
