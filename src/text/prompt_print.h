#pragma once
// A parsed prompt for people, logs and programs.

#include <string>

#include "text/prompt_tree.h"

namespace invokeai::text {

/// A prompt of the invoke dialect as text that parses (with the same options) to the same tree:
/// plain words as they are, weights as `(words)1.21`, the negative part in brackets at the end.
/// For trees that parse_prompt made from that dialect; it needs their `source` words. Reads its own
/// text back and tries other spellings if need be, so it takes a few parses' time. A literal
/// quotation mark that only a later quotation kept from closing can defeat all of them (about two
/// in a million prompts of random syntax characters).
std::string print_prompt(const ParsedPrompt& parsed);

/// The notation of `--log_tokenization` (cli-and-prompts spec 4.10), one line:
/// FlattenedPrompt:[Fragment:'a'@1.0, Fragment:'b'@1.1]
std::string describe(const Prompt& prompt);
std::string describe(const Blend& blend);
std::string describe(const Conjunction& conjunction);

/// `--dump_prompt json`: an object with positive {members [{weight, syntax, normalize, parts
/// [{weight, factor, pieces}]}]}, negative, loras and notes. A piece is {text, weight[, visible]},
/// {swap {original, edited, options}} or {break}. `indent` below 0: one line.
std::string to_json(const ParsedPrompt& parsed, int indent = 2);

}  // namespace invokeai::text
