#pragma once
// The second dialect: the prompt syntax of AUTOMATIC1111's web UI, as its manual describes it.
//   (x) ((x))         weight 1.1, 1.21         (x:1.3)      weight 1.3
//   [x]               weight 1/1.1             \( \) \[ \] \\   the plain characters
//   [a:b:0.4]         a, from 40 % of the steps on b; from 1 on a number of steps
//   [a:0.4] [a::0.4]  a only from there on, only until there
//   [a|b|c]           in turn, one in each step
//   x BREAK y         y begins a new block of 75 tokens
//   x AND y :0.5      denoised side by side, weights 1 and 0.5
//   <lora:name:0.8>   taken out of the text and listed
//   Negative prompt:  at the beginning of a line, as in its picture files

#include <string_view>

#include "base/result.h"
#include "text/prompt_tree.h"

namespace invokeai::text {

/// Reads a prompt of this dialect in linear time; `negative` is added to a negative part that the
/// text itself may have. Like its model it never rejects a bracket: an open one weighs all that
/// follows, a closing one alone is text, and a note says so. Errors (invalid_argument): a weight
/// that is not finite, more than 32 nested schedules.
Result<ParsedPrompt> parse_a1111(std::string_view prompt, std::string_view negative = {});

}  // namespace invokeai::text
