#pragma once
// Where a picture's negative words stand: in the prompt's brackets or apart.

#include <string>
#include <string_view>

#include "image/metadata.h"

namespace invokeai::image {

/// A prompt of the invoke dialect in two parts (cli spec 4.1, stage 1).
struct SplitPrompt {
  std::string positive;
  std::string negative;  ///< what stood in [...], joined by blanks
};
SplitPrompt split_negative(std::string_view prompt);

/// Brackets cannot hold the negative words: another dialect, brackets or line breaks among the
/// words, or an open bracket in the prompt that would take them in.
bool negative_stands_apart(const ImageMetadata& picture);

/// The prompt, followed by its negative words in brackets unless they stand apart.
std::string prompt_with_negative(const ImageMetadata& picture);

}  // namespace invokeai::image
