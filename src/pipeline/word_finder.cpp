#include "pipeline/word_finder.h"

#include <ATen/core/grad_mode.h>

#include <algorithm>

#include "image/word_mask.h"

namespace invokeai::pipeline {
namespace {

/// RGB -> [1,3,H,W] f32 with the mean and spread that CLIPSeg was trained with, those of ImageNet.
at::Tensor normalised(const image::Image& picture) {
  const at::Tensor bytes =
      at::from_blob(const_cast<std::uint8_t*>(picture.pixels.data()),
                    {1, picture.height, picture.width, 3}, at::TensorOptions().dtype(at::kByte));
  const at::Tensor mean = at::tensor({0.485f, 0.456f, 0.406f});
  const at::Tensor spread = at::tensor({0.229f, 0.224f, 0.225f});
  return ((bytes.to(at::kFloat) / 255 - mean) / spread).permute({0, 3, 1, 2});
}

}  // namespace

Result<std::unique_ptr<WordFinder>> WordFinder::open(const fs::path& folder) {
  TRY_ASSIGN(models::LoadedClipSeg loaded, models::load_clipseg(folder));
  TRY_ASSIGN(text::ClipTokenizer tokenizer,
             loaded.tokenizer_folder ? text::ClipTokenizer::from_folder(*loaded.tokenizer_folder)
                                     : text::ClipTokenizer::builtin(text::ClipFamily::sd1));
  const nn::ClipTextConfig& text = loaded.network->config().text;
  if (tokenizer.vocab_size() > text.vocab_size || tokenizer.max_length() > text.max_positions)
    return fail(ErrorCode::bad_file, "clipseg.load",
                "{}: the tokenizer has {} entries in windows of {}, the text tower {} and {}; they "
                "belong to different models",
                folder.string(), tokenizer.vocab_size(), tokenizer.max_length(), text.vocab_size,
                text.max_positions);
  return std::unique_ptr<WordFinder>(
      new WordFinder(std::move(loaded.network), std::move(tokenizer)));
}

image::Image WordFinder::find(const image::Image& picture, const std::string& words) const {
  const at::NoGradGuard no_grad;
  const std::vector<int> ids = tokenizer_.encode_padded(words);
  const auto end = std::ranges::find(ids, tokenizer_.eos()) - ids.begin();
  const std::vector<std::int64_t> wide(ids.begin(), ids.end());
  const at::Tensor meaning = network_->encode_text(at::tensor(wide).unsqueeze(0), end);
  const at::Tensor heat =
      network_->forward(normalised(image::word_input(picture)), meaning).sigmoid();
  const at::Tensor bytes = (heat * 255).round().to(at::kByte).contiguous();
  image::Image grey(static_cast<int>(bytes.size(1)), static_cast<int>(bytes.size(0)), 1);
  std::copy_n(bytes.const_data_ptr<std::uint8_t>(), grey.pixels.size(), grey.pixels.data());
  return grey;
}

}  // namespace invokeai::pipeline
