#pragma once
// From a piece of a prompt to the words that byte pairs are made of.

#include <string>
#include <string_view>
#include <vector>

namespace invokeai::text {

/// Cleans the text up, lower-cases it and cuts it into words: runs of letters, single digits, runs
/// of other signs, English endings like "'s", and the two markers. UTF-8 comes out; white space is
/// dropped. Models spec 2.2, steps 2-4.
std::vector<std::string> split_words(std::u32string_view text);

inline constexpr std::string_view kStartMarker = "<|startoftext|>";
inline constexpr std::string_view kEndMarker = "<|endoftext|>";

}  // namespace invokeai::text
