#pragma once
// JSON from strangers: bounded, forgiving about types, never throwing.

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

namespace invokeai::image {

/// Sorted by key: an object of a million members must not take a million times a million steps.
using Json = nlohmann::json;

/// Nothing for broken JSON, more than 8 MiB of it or more than 200 levels. Python's NaN and
/// Infinity, which are no JSON but are written by ComfyUI and others, become null.
std::optional<Json> parse_foreign_json(std::string_view text);

/// The member, or null when there is none or `object` is no object.
const Json& member(const Json& object, std::string_view key);

/// The first member of these names that is not null.
const Json& member(const Json& object, std::initializer_list<std::string_view> keys);

/// A text, without control characters other than line breaks and tabs. Nothing for other types.
std::optional<std::string> as_text(const Json& value);

/// A finite number; also from a text that is one.
std::optional<double> as_number(const Json& value);

/// A whole number of at most 64 bits without sign, such as a seed; also from a text that is one.
std::optional<std::uint64_t> as_whole(const Json& value);

/// True or a number that is not 0.
bool as_flag(const Json& value);

/// For messages: the text, or the number, or what kind of thing it is.
std::string described(const Json& value);

/// Control characters other than line breaks and tabs become blanks.
std::string without_controls(std::string_view text);

std::optional<double> parse_number(std::string_view text);
std::optional<std::uint64_t> parse_whole(std::string_view text);

}  // namespace invokeai::image
