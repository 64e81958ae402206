#include "pipeline/found_mask.h"

#include <algorithm>

#include "image/mask.h"
#include "image/word_mask.h"

namespace invokeai::pipeline {

Result<image::Image> Engine::find_words(const image::Image&, const std::string&) {
  return fail(ErrorCode::unsupported, "", "this engine cannot look for words in pictures");
}

Result<std::optional<GenerationRequest>> with_found_mask(Engine& engine,
                                                         const GenerationRequest& request) {
  if (!request.inpaint.words || !request.init) return std::nullopt;
  const WordMask& words = *request.inpaint.words;
  const image::Image& picture = request.init->picture;
  TRY_ASSIGN(const image::Image heat, engine.find_words(picture, words.text));
  image::Image mask = image::word_mask(heat, words.threshold, picture.width, picture.height);
  if (!request.inpaint.invert && image::coverage(mask) == image::MaskCoverage::keeps_all)
    return fail(ErrorCode::invalid_argument, "",
                "nothing in the picture looks like {} (the best place by {:.2f}, wanted {:.2f}); "
                "choose other words or a lower threshold: -tm WORDS THRESHOLD",
                shown(words.text), *std::ranges::max_element(heat.pixels) / 255.0,
                words.threshold);
  GenerationRequest found = request;
  found.inpaint.mask = std::move(mask);
  found.inpaint.words.reset();
  return found;
}

}  // namespace invokeai::pipeline
