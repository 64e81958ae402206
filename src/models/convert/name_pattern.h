#pragma once
// Matching of dotted tensor names, the small language in which the key maps are written.

#include <array>
#include <optional>
#include <string>
#include <string_view>

#include "models/formats/tensor_source.h"

namespace invokeai::models {

/// What a pattern caught: its numbers from left to right, and the text that `*` stood for.
struct NameMatch {
  std::array<int, 3> number{};
  std::string rest;
};

/// Matches `name` against `pattern`: `#` stands for a number of at most four digits, a final `*`
/// for one or more characters, everything else for itself. At most three `#`.
std::optional<NameMatch> match_name(std::string_view pattern, std::string_view name);

/// One more than the largest number caught by the pattern's only `#`; 0 when nothing matches.
int count_indices(const TensorSource& source, std::string_view pattern);

/// True when some tensor's name matches.
bool any_name(const TensorSource& source, std::string_view pattern);

}  // namespace invokeai::models
