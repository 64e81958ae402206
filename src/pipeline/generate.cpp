// One request to pictures. Read top to bottom: encode the prompt, make noise, denoise, decode.

#include <ATen/core/grad_mode.h>

#include <algorithm>
#include <chrono>

#include "pipeline/pixels.h"
#include "pipeline/stable_diffusion.h"
#include "sampling/preview.h"

namespace invokeai::pipeline {
namespace {

bool finite(const at::Tensor& tensor) { return at::isfinite(tensor).all().item<bool>(); }

bool finite(const Conditioning& conditioning) {
  return finite(conditioning.uncond) &&
         std::ranges::all_of(conditioning.cond,
                             [](const auto& part) { return finite(part.context); });
}

/// A network in float32 for as long as this lives.
class InFloat32 {
 public:
  InFloat32(nn::Module& module, const DeviceChoice& choice) : module_(module), choice_(choice) {
    nn::convert(module_, choice_.device, at::kFloat);
  }
  ~InFloat32() { nn::convert(module_, choice_.device, choice_.dtype); }
  InFloat32(const InFloat32&) = delete;
  InFloat32& operator=(const InFloat32&) = delete;

 private:
  nn::Module& module_;
  const DeviceChoice& choice_;
};

}  // namespace

/// What stays the same for all pictures of one request.
struct StableDiffusion::Run {
  const GenerationRequest& request;
  const GenerationCallbacks& callbacks;
  const CancelToken& cancel;
  sampling::Plan plan;
  text::ParsedPrompt prompt;
  Conditioning conditioning;
  int width = 0;   // pixels
  int height = 0;  // pixels
  int done = 0;    // pictures finished
  // The request once more on the same model in float32: only after something overflowed.
  std::unique_ptr<StableDiffusion> exact_engine = {};
  std::unique_ptr<Run> exact = {};

  void tell(const std::string& message) const {
    if (callbacks.on_message) callbacks.on_message(message);
  }
};

Result<Outcome> StableDiffusion::generate(const GenerationRequest& request,
                                          const GenerationCallbacks& callbacks,
                                          const CancelToken& cancel) {
  at::NoGradGuard no_grad;
  TRY_VOID(validate(request));
  TRY_ASSIGN(text::ParsedPrompt prompt,
             text::parse_prompt(request.prompt, {.negative = request.negative_prompt}));
  TRY_ASSIGN(sampling::Plan plan,
             sampling::make_plan(request.sampler, schedule_,
                                 {.steps = request.steps, .karras = request.karras, .eta = request.eta}));
  Run run{.request = request,
          .callbacks = callbacks,
          .cancel = cancel,
          .plan = std::move(plan),
          .prompt = std::move(prompt),
          .conditioning = {},
          .width = request.width > 0 ? request.width : info_.native_width,
          .height = request.height > 0 ? request.height : info_.native_height};
  run.conditioning = encode(run.prompt);
  for (const std::string& message : run.conditioning.messages) run.tell(message);
  TRY_VOID(ensure_finite_conditioning(run));

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
  using Clock = std::chrono::steady_clock;
  const auto seconds_since = [](Clock::time_point start) {
    return std::chrono::duration<double>(Clock::now() - start).count();
  };
  const auto start = Clock::now();
  const sampling::SampleResult result = denoise(run, seeds);
  if (result.cancelled) return Outcome::cancelled;
  const double share = seconds_since(start) / double(seeds.size());
  for (std::size_t i = 0; i < seeds.size(); ++i) {
    if (run.cancel.cancelled()) return Outcome::cancelled;
    const auto decode_start = Clock::now();
    const at::Tensor latents = result.latents.slice(0, i, i + 1);
    std::optional<at::Tensor> pixels;
    if (choice_.dtype != at::kFloat && !finite(latents)) {
      TRY_ASSIGN(pixels, draw_in_float32(run, seeds[i]));
      if (!pixels) return Outcome::cancelled;
    } else {
      TRY_ASSIGN(pixels, decode(run, latents));
    }
    GeneratedImage image{.picture = to_image(*pixels),
                         .seed = seeds[i],
                         .seconds = share + seconds_since(decode_start),
                         .width = run.width,
                         .height = run.height};
    ++run.done;
    if (run.callbacks.on_image) TRY_VOID(run.callbacks.on_image(std::move(image)));
  }
  return Outcome::completed;
}

/// Latents [B,4,h,w] f32 of these seeds, on the device; not finite where the network overflowed.
sampling::SampleResult StableDiffusion::denoise(const Run& run,
                                                const std::vector<std::uint32_t>& seeds) const {
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
  const auto ask_network = [&](const at::Tensor& model_input, double timestep) {
    return predict(run, model_input, timestep);
  };
  return sampling::sample(run.plan, x, ask_network, noise.source(),
                          {.observer = observe, .after_step = {}});
}

Conditioning StableDiffusion::encode(const text::ParsedPrompt& prompt) const {
  return encode_prompt(prompt, tokenizer_, *networks_.text_encoder, choice_.device);
}

/// A text encoder that overflowed is asked again in float32.
Result<> StableDiffusion::ensure_finite_conditioning(Run& run) {
  if (finite(run.conditioning)) return {};
  if (choice_.dtype != at::kFloat) {
    TRY_VOID(ensure_exact(run, "The text encoder"));
    run.conditioning = run.exact->conditioning;
    if (finite(run.conditioning)) return {};
  }
  return fail(ErrorCode::bad_file, "generate",
              "{}: the text encoder's output is not finite; is the model damaged?", info_.path);
}

/// Loads the model once more in float32, beside the one in use, until the request is done. Weights
/// are read from the files again: those that overflowed on the way to half precision are whole
/// there.
Result<> StableDiffusion::ensure_exact(Run& run, std::string_view what) {
  if (run.exact) return {};
  run.tell(fmt::format("{} overflowed in {}; drawing in float32 instead where that happens", what,
                       choice_.precision_name));
  EngineOptions options = options_;
  options.precision = "float32";
  TRY_ASSIGN(run.exact_engine, open(options));
  run.exact.reset(new Run{.request = run.request,
                          .callbacks = run.callbacks,
                          .cancel = run.cancel,
                          .plan = run.plan,
                          .prompt = run.prompt,
                          .conditioning = run.exact_engine->encode(run.prompt),
                          .width = run.width,
                          .height = run.height});
  return {};
}

/// The picture of one seed from the start, pixels [1,3,H,W] f32: as if --precision float32 had been
/// asked for, so it does not depend on the batch it overflowed in. Nothing when cancelled.
Result<std::optional<at::Tensor>> StableDiffusion::draw_in_float32(Run& run, std::uint32_t seed) {
  TRY_VOID(ensure_exact(run, "The network"));
  run.exact->done = run.done;
  const sampling::SampleResult result = run.exact_engine->denoise(*run.exact, {seed});
  if (result.cancelled) return std::optional<at::Tensor>();
  TRY_ASSIGN(at::Tensor pixels, run.exact_engine->decode(*run.exact, result.latents));
  return std::optional(std::move(pixels));
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

/// Guided network output [B,4,h,w] f32: e_u + g * sum of w_k (e_k - e_u). One batch of
/// unconditional and conditional halves; guidance 1 needs the conditional half alone. Each picture
/// is evaluated on its own so that its numbers don't depend on the batch it came in.
at::Tensor StableDiffusion::predict(const Run& run, const at::Tensor& model_input, double timestep) const {
  const nn::UNet& unet = *networks_.unet;
  const bool guided = run.request.cfg_scale != 1.0 || run.conditioning.cond.size() > 1;
  std::vector<at::Tensor> contexts;
  if (guided) contexts.push_back(run.conditioning.uncond);
  for (const auto& cond : run.conditioning.cond) contexts.push_back(cond.context);
  const auto rows = static_cast<std::int64_t>(contexts.size());
  const at::Tensor context = at::cat(contexts).to(choice_.device, choice_.dtype);
  const at::Tensor times =
      at::full({rows}, timestep, at::TensorOptions().dtype(at::kFloat).device(choice_.device));

  std::vector<at::Tensor> outputs;
  for (std::int64_t i = 0; i < model_input.size(0); ++i) {
    at::Tensor x = model_input.slice(0, i, i + 1).to(choice_.dtype);
    if (unet.config().in_channels == 9) {  // inpainting model without a picture: repaint everything
      const at::Tensor ones = at::ones_like(x.slice(1, 0, 1));
      x = at::cat({x, ones, at::zeros_like(x)}, 1);
    }
    const at::Tensor e = unet.forward(x.expand({rows, -1, -1, -1}), times, context).to(at::kFloat);
    at::Tensor guided_e = e.slice(0, 0, 1);
    if (guided) {
      const at::Tensor base = e.slice(0, 0, 1);
      for (std::int64_t k = 1; k < rows; ++k)
        guided_e = guided_e + (e.slice(0, k, k + 1) - base) *
                                  (run.request.cfg_scale * run.conditioning.cond[k - 1].weight);
    }
    outputs.push_back(guided_e);
  }
  return at::cat(outputs);
}

/// Latents [1,4,h,w] f32 -> pixels [1,3,H,W] f32. Half precision that overflowed is tried again in
/// f32; what is still not finite is an error rather than a black picture.
Result<at::Tensor> StableDiffusion::decode(const Run& run, const at::Tensor& latents) {
  if (!finite(latents))
    return fail(ErrorCode::bad_file, "generate",
                "{}: the network's output is not finite in {}; is the model damaged?", info_.path,
                choice_.precision_name);
  nn::Vae& vae = *networks_.vae;
  const at::Tensor scaled = latents / vae.config().scaling_factor;
  at::Tensor pixels = vae.decode(scaled.to(choice_.dtype)).to(at::kFloat);
  if (finite(pixels)) return pixels;
  if (choice_.dtype != at::kFloat) {
    run.tell(fmt::format("The decoder overflowed in {}; decoding again in float32", choice_.precision_name));
    const InFloat32 exact(vae, choice_);
    pixels = vae.decode(scaled);
    if (finite(pixels)) return pixels;
  }
  return fail(ErrorCode::bad_file, "generate",
              "{}: the decoder gives no valid picture; is the model damaged?", info_.path);
}

}  // namespace invokeai::pipeline
