#include "image/internal/negative.h"

namespace invokeai::image {
namespace {

constexpr auto kNone = std::string_view::npos;

/// Runs of blanks become one, those at the ends go.
std::string single_blanks(std::string_view text) {
  std::string result;
  for (const char c : text) {
    if (c == ' ' && (result.empty() || result.back() == ' ')) continue;
    result += c;
  }
  if (result.ends_with(' ')) result.pop_back();
  return result;
}

}  // namespace

SplitPrompt split_negative(std::string_view prompt) {
  std::string positive, negative;
  bool found = false;
  while (true) {
    const std::size_t open = prompt.find('[');
    const std::size_t stop = open == kNone ? kNone : prompt.find_first_of("]\n", open);
    if (stop == kNone) break;
    positive += prompt.substr(0, open);
    if (prompt[stop] == ']') {
      found = true;
      positive += ' ';
      if (!negative.empty()) negative += ' ';
      negative += prompt.substr(open + 1, stop - open - 1);
    } else {
      positive += prompt.substr(open, stop + 1 - open);
    }
    prompt.remove_prefix(stop + 1);
  }
  positive += prompt;
  return {found ? single_blanks(positive) : positive, negative};
}

bool negative_stands_apart(const ImageMetadata& picture) {
  if (picture.negative_prompt.empty()) return false;
  return picture.prompt_dialect != "invoke" ||
         picture.negative_prompt.find_first_of("[]\r\n") != kNone ||
         split_negative(picture.prompt).positive.find('[') != kNone;
}

std::string prompt_with_negative(const ImageMetadata& picture) {
  if (picture.negative_prompt.empty() || negative_stands_apart(picture)) return picture.prompt;
  return picture.prompt + (picture.prompt.empty() ? "[" : " [") + picture.negative_prompt + "]";
}

}  // namespace invokeai::image
