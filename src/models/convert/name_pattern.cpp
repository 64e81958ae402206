#include "models/convert/name_pattern.h"

#include <algorithm>
#include <charconv>

namespace invokeai::models {
namespace {

constexpr std::size_t kMostDigits = 4;

/// Takes a number without needless zeros off the front of `text`.
std::optional<int> take_number(std::string_view& text) {
  const std::size_t length = std::min(text.find_first_not_of("0123456789"), text.size());
  if (length == 0 || length > kMostDigits || (length > 1 && text.front() == '0')) {
    return std::nullopt;
  }
  int value = 0;
  std::from_chars(text.data(), text.data() + length, value);
  text.remove_prefix(length);
  return value;
}

}  // namespace

std::optional<NameMatch> match_name(std::string_view pattern, std::string_view name) {
  NameMatch match;
  std::size_t numbers = 0;
  for (const char expected : pattern) {
    if (expected == '*') {
      if (name.empty()) return std::nullopt;
      match.rest = name;
      return match;
    }
    if (expected == '#') {
      const std::optional<int> number = take_number(name);
      if (!number) return std::nullopt;
      match.number.at(numbers++) = *number;
      continue;
    }
    if (name.empty() || name.front() != expected) return std::nullopt;
    name.remove_prefix(1);
  }
  if (!name.empty()) return std::nullopt;
  return match;
}

int count_indices(const TensorSource& source, std::string_view pattern) {
  int count = 0;
  for (const auto& [name, view] : source.tensors) {
    if (const auto match = match_name(pattern, name)) count = std::max(count, match->number[0] + 1);
  }
  return count;
}

bool any_name(const TensorSource& source, std::string_view pattern) {
  return std::any_of(source.tensors.begin(), source.tensors.end(),
                     [&](const auto& item) { return match_name(pattern, item.first).has_value(); });
}

}  // namespace invokeai::models
