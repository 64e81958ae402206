#pragma once
// Captions as token ids, and small readers the stages share.

#include <ATen/ATen.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "text/clip_tokenizer.h"

namespace invokeai::demo {

/// [captions, max_length] i64
at::Tensor encode_captions(const text::ClipTokenizer& tokenizer,
                           const std::vector<std::string>& captions);

Result<nlohmann::json> read_json(const std::filesystem::path& file);

}  // namespace invokeai::demo
