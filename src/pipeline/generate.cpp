// One request to pictures. Read top to bottom: encode the prompt, choose seeds, draw batch after
// batch the way the request asks for; internal/ holds the ways.

#include <ATen/core/grad_mode.h>

#include <algorithm>
#include <memory>
#include <optional>

#include "nn/threads.h"
#include "pipeline/conditioning.h"
#include "pipeline/found_mask.h"
#include "pipeline/internal/original.h"
#include "pipeline/internal/ways.h"
#include "pipeline/sampler_traits.h"
#include "pipeline/stable_diffusion.h"

namespace invokeai::pipeline {
namespace {

/// The seeds of picture after picture (generation spec 1.1 and 1.5).
class SeedChain {
 public:
  explicit SeedChain(const GenerationRequest& request)
      : base_(request.seed.value_or(sampling::random_seed())),
        variations_(request.variations),
        amount_(request.variation_amount),
        next_(amount_ > 0 ? sampling::random_seed() : base_) {}

  PictureSeed next() {
    const std::uint32_t seed = next_;
    next_ = sampling::next_seed(seed);
    if (amount_ > 0) {
      PictureSeed picture{base_, variations_};
      picture.variations.push_back({seed, amount_});
      return picture;
    }
    return variations_.empty() ? PictureSeed{seed, {}} : PictureSeed{base_, variations_};
  }

 private:
  std::uint32_t base_;
  std::vector<image::Variation> variations_;
  double amount_;
  std::uint32_t next_;
};

Result<Outcome> draw(Batch& batch) {
  const GenerationRequest& request = batch.request();
  if (request.hires) return draw_in_two_passes(batch);
  if (request.embiggen) return draw_tiles(batch);
  if (request.canvas) return draw_in_box(batch);
  if (request.init) return draw_from_picture(batch);
  return draw_from_noise(batch);
}

bool finite(const at::Tensor& tensor) { return at::isfinite(tensor).all().item<bool>(); }

bool finite(const Conditioning& conditioning) {
  const auto good = [](const WeightedContext& cond) {
    return finite(cond.context) && (!cond.edit || finite(cond.edit->context));
  };
  return std::ranges::all_of(conditioning.stages, [&](const ConditioningStage& stage) {
    return finite(stage.uncond) && std::ranges::all_of(stage.cond, good);
  });
}

}  // namespace

/// A request being drawn, and the same request on the same model in float32: loaded only after
/// something overflowed, beside the one in use, until the request is done. Its weights are read from
/// the files again, since those that overflowed on the way to half precision are whole there.
class StableDiffusion::Request {
 public:
  Request(StableDiffusion& engine, const GenerationRequest& request,
          const GenerationCallbacks& callbacks, const CancelToken& cancel,
          const text::ParsedPrompt& prompt)
      : engine_(engine), prompt_(prompt), order_(engine.make_order(request, callbacks, cancel)) {
    order_.encode = [this](int steps) { return encode(steps); };
    if (engine.choice_.dtype != at::kFloat)
      order_.redraw = [this](const PictureSeed& seed) { return redraw(seed); };
    order_.done = request.first_picture;
  }

  Result<Outcome> draw_all() {
    const GenerationRequest& request = order_.request;
    SeedChain chain(request);
    for (int i = 0; i < request.first_picture; ++i) chain.next();
    if (request.karras && !follows_karras(request.sampler))
      order_.tell(fmt::format(
          "Karras noise levels have no effect with {}, whose levels are its own", request.sampler));
    for (const std::string& notice : notices_of(request, order_.native)) order_.tell(notice);
    // The holes of a canvas are filled by each picture's own seed before anything else is known.
    const int batch_size = request.canvas ? 1 : request.batch_size;
    while (order_.done < request.iterations) {
      std::vector<PictureSeed> seeds;
      for (int left = std::min(request.iterations - order_.done, batch_size); left > 0; --left)
        seeds.push_back(chain.next());
      const Result<Outcome> outcome = draw_batch(std::move(seeds));
      if (broken_) return tl::make_unexpected(*broken_);
      if (!outcome || *outcome == Outcome::cancelled) return outcome;
    }
    return Outcome::completed;
  }

 private:
  /// Draws a batch; where memory runs out, what is left of it once more with less of it. Pictures do
  /// not depend on the batch they come in, so those that were delivered stay.
  Result<Outcome> draw_batch(std::vector<PictureSeed> seeds) {
    const int before = order_.done;
    const Thrift thrift = engine_.memory_.plan().thrift;
    try {
      Batch batch(order_, seeds);
      return draw(batch);
    } catch (const std::exception& exception) {
      const auto next = leaner(thrift);
      if (!is_out_of_memory(exception) || !next) throw;
      exact_.reset();
      engine_.graphs_.release();
      release_unused_memory(engine_.choice_);
      engine_.plan_memory_for(order_.request, *next);
    }
    order_.tell(fmt::format("memory ran out; trying once more with less: {}",
                            engine_.memory_.plan().text()));
    seeds.erase(seeds.begin(), seeds.begin() + (order_.done - before));
    Batch batch(order_, std::move(seeds));
    return draw(batch);
  }

  /// A text encoder that overflowed is asked again in float32.
  Conditioning encode(int steps) {
    Conditioning conditioning = engine_.encode(prompt_, order_.request, steps);
    if (finite(conditioning)) return conditioning;
    if (order_.redraw && ensure_exact("The text encoder"))
      conditioning = exact_->encode(prompt_, order_.request, steps);
    if (!broken_ && !finite(conditioning))
      broken_ = Error{ErrorCode::bad_file, "generate",
                      fmt::format("{}: the text encoder's output is not finite; is the model damaged?",
                                  engine_.info_.path)};
    return conditioning;
  }

  /// The picture of one seed from the start: as if --precision float32 had been asked for, so it
  /// does not depend on the batch it overflowed in.
  Result<Outcome> redraw(const PictureSeed& seed) {
    if (!ensure_exact("The network")) return tl::make_unexpected(*broken_);
    exact_->plan_memory_for(order_.request, Thrift::free_text);
    exact_->graphs_.allow(false);  // for one picture, with another model in memory
    Order order = exact_->make_order(order_.request, order_.callbacks, order_.cancel);
    order.encode = [&](int steps) { return exact_->encode(prompt_, order_.request, steps); };
    order.told = true;
    order.done = order_.done;
    Batch batch(order, {seed});
    const Result<Outcome> outcome = draw(batch);
    order_.done = order.done;
    return outcome;
  }

  /// False, with the reason in `broken_`, when the model cannot be loaded once more.
  bool ensure_exact(std::string_view what) {
    if (exact_ || broken_) return exact_ != nullptr;
    order_.tell(fmt::format("{} overflowed in {}; drawing in float32 instead where that happens", what,
                            engine_.choice_.precision_name));
    EngineOptions options = engine_.options_;
    options.precision = "float32";
    auto opened = open(options);
    if (!opened) return broken_ = std::move(opened).error(), false;
    exact_ = std::move(*opened);
    return true;
  }

  StableDiffusion& engine_;
  const text::ParsedPrompt& prompt_;
  Order order_;
  std::unique_ptr<StableDiffusion> exact_;
  std::optional<Error> broken_;
};

Order StableDiffusion::make_order(const GenerationRequest& request,
                                  const GenerationCallbacks& callbacks, const CancelToken& cancel) {
  const nn::Wrap wrap{request.seamless.x, request.seamless.y};
  nn::set_wrap(*networks_.unet, wrap);
  nn::set_wrap(*networks_.vae, wrap);
  graphs_.set_wrap(wrap);
  return {.request = request,
          .callbacks = callbacks,
          .cancel = cancel,
          .networks = networks_,
          .memory = memory_,
          .schedule = schedule_,
          .choice = choice_,
          .graphs = graphs_,
          // Trials take memory, which somebody who sets a limit has none of to spare.
          .tune = !choice_.device.is_cpu() && !options_.deterministic && options_.max_memory <= 0,
          .model = info_.path,
          .encode = {},
          .size = {request.width > 0 ? request.width : info_.native_width,
                   request.height > 0 ? request.height : info_.native_height},
          .native = info_.native_width};
}

Conditioning StableDiffusion::encode(const text::ParsedPrompt& prompt,
                                     const GenerationRequest& request, int steps) {
  const bool continued = request.long_prompts == "continue";
  const std::string key =
      fmt::format("{}\n{}\n{}\n{}\n{}", request.prompt_dialect, continued, steps,
                  request.prompt.size(), request.prompt + request.negative_prompt);
  if (encoded_.key == key) return encoded_.conditioning;
  const ModelMemory::Use weights(memory_, ModelPart::text_encoder);
  Conditioning conditioning = encode_prompt(
                       prompt,
                       {.dialect = text::parse_dialect(request.prompt_dialect).value(),
                        .long_prompts = continued ? LongPrompts::carry_on : LongPrompts::truncate,
                        .steps = steps},
                       tokenizer_, *networks_.text_encoder, choice_.device);
  encoded_ = {key, conditioning};
  return conditioning;
}

Result<Outcome> StableDiffusion::generate(const GenerationRequest& request,
                                          const GenerationCallbacks& callbacks,
                                          const CancelToken& cancel) {
  at::NoGradGuard no_grad;
  const nn::SteadyThreads steady(options_.deterministic);
  TRY_VOID(validate(request));
  TRY_ASSIGN(const auto found, with_found_mask(*this, request));
  if (found) return generate(*found, callbacks, cancel);
  TRY_ASSIGN(const text::PromptDialect dialect, text::parse_dialect(request.prompt_dialect));
  TRY_ASSIGN(const text::ParsedPrompt prompt,
             text::parse_prompt(request.prompt,
                                {.dialect = dialect,
                                 .skip_normalize = request.skip_normalize,
                                 .negative = request.negative_prompt}));
  plan_memory_for(request, Thrift::free_text);
  if (options_.verbose && callbacks.on_message) callbacks.on_message(memory_.plan().text());
  const Result<Outcome> outcome = Request(*this, request, callbacks, cancel, prompt).draw_all();
  if (const auto remark = graphs_.take_remark(); remark && options_.verbose && callbacks.on_message)
    callbacks.on_message(*remark);
  return outcome;
}

}  // namespace invokeai::pipeline
