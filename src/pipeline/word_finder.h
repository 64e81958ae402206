#pragma once
// Where a picture shows what words say.

#include <memory>

#include "base/file.h"
#include "image/image.h"
#include "models/load_clipseg.h"
#include "text/clip_tokenizer.h"

namespace invokeai::pipeline {

class WordFinder {
 public:
  /// Errors: those of models::load_clipseg and of the tokenizer.
  static Result<std::unique_ptr<WordFinder>> open(const fs::path& folder);

  /// Grey, the square of image/word_mask.h: 255 times the sigmoid of what the network says.
  image::Image find(const image::Image& picture, const std::string& words) const;

 private:
  WordFinder(std::unique_ptr<nn::ClipSeg> network, text::ClipTokenizer tokenizer)
      : network_(std::move(network)), tokenizer_(std::move(tokenizer)) {}

  std::unique_ptr<nn::ClipSeg> network_;
  text::ClipTokenizer tokenizer_;
};

}  // namespace invokeai::pipeline
