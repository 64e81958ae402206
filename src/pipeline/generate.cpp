// One request to pictures. Read top to bottom: encode the prompt, choose seeds, draw batch after
// batch the way the request asks for; internal/ holds the ways.

#include <ATen/core/grad_mode.h>

#include "pipeline/conditioning.h"
#include "pipeline/internal/ways.h"
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

}  // namespace

Result<Outcome> StableDiffusion::generate(const GenerationRequest& request,
                                          const GenerationCallbacks& callbacks,
                                          const CancelToken& cancel) {
  at::NoGradGuard no_grad;
  TRY_VOID(validate(request));
  TRY_ASSIGN(const text::PromptDialect dialect, text::parse_dialect(request.prompt_dialect));
  TRY_ASSIGN(const text::ParsedPrompt prompt,
             text::parse_prompt(request.prompt,
                                {.dialect = dialect, .negative = request.negative_prompt}));
  const LongPrompts long_prompts =
      request.long_prompts == "continue" ? LongPrompts::carry_on : LongPrompts::truncate;
  Order order{
      .request = request,
      .callbacks = callbacks,
      .cancel = cancel,
      .networks = networks_,
      .schedule = schedule_,
      .choice = choice_,
      .encode =
          [&](int steps) {
            return encode_prompt(
                prompt, {.dialect = dialect, .long_prompts = long_prompts, .steps = steps},
                tokenizer_, *networks_.text_encoder, choice_.device);
          },
      .size = {request.width > 0 ? request.width : info_.native_width,
               request.height > 0 ? request.height : info_.native_height},
      .native = info_.native_width};
  const nn::Wrap wrap{request.seamless.x, request.seamless.y};
  nn::set_wrap(*networks_.unet, wrap);
  nn::set_wrap(*networks_.vae, wrap);

  SeedChain chain(request);
  // The holes of a canvas are filled by each picture's own seed before anything else is known.
  const int batch_size = request.canvas ? 1 : request.batch_size;
  while (order.done < request.iterations) {
    std::vector<PictureSeed> seeds;
    for (int left = std::min(request.iterations - order.done, batch_size); left > 0; --left)
      seeds.push_back(chain.next());
    Batch batch(order, std::move(seeds));
    TRY_ASSIGN(const Outcome outcome, draw(batch));
    if (outcome == Outcome::cancelled) return outcome;
  }
  return Outcome::completed;
}

}  // namespace invokeai::pipeline
