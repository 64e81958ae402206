#pragma once
// What a picture's file is called: numbers, `--fnformat` and folders named after prompts.

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <variant>

#include "base/file.h"
#include "base/result.h"

namespace invokeai::gallery {

inline constexpr std::string_view kDefaultNameFormat = "{prefix}.{seed}.png";

/// A value that a name format may use; monostate shows as None, bool as True or False.
using NameValue = std::variant<std::monostate, bool, std::int64_t, double, std::string>;
using NameValues = std::map<std::string, NameValue, std::less<>>;

/// The number for the next picture in `folder`: one more than the largest leading number among the
/// names `<digits>.<anything>.png`, 1 when there is none or no folder (cli spec 2.6, numeric).
/// Errors: io (folder unreadable).
Result<std::int64_t> next_prefix(const fs::path& folder);

/// At least six digits: "000042".
std::string format_prefix(std::int64_t prefix);

/// `format` with each `{name}` or `{name:python format}` replaced by its value, {{ and }} by a
/// brace. Slashes inside values become `_`, so that a prompt cannot lead into another folder.
/// Errors: invalid_argument (unknown name, lone brace, format that does not suit the value, no name
/// left).
Result<std::string> format_name(std::string_view format, const NameValues& values);

/// True when `format` uses the running number `{prefix}`, or `{again}`, which is empty, -01, -02...
/// for each further picture of a name: no two pictures ever share one.
bool never_replaces(std::string_view format);

/// The folder below `outdir` for pictures of this prompt (`--prompt_as_dir`, cli spec 2.6):
/// forbidden characters become `_`, and it is cut so that the name and, with 39 characters more,
/// the path fit.
fs::path prompt_folder(const fs::path& outdir, std::string_view prompt);

}  // namespace invokeai::gallery
