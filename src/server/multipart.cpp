#include "server/multipart.h"

#include <algorithm>
#include <map>
#include <optional>

namespace invokeai::server {
namespace {

constexpr const char* kOrigin = "http.form";

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

std::string lowered(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), lower);
  return out;
}

std::string_view trimmed(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(" \t");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t") - begin + 1);
}

struct HeaderValue {
  std::string value;                              ///< in lower case
  std::map<std::string, std::string> parameters;  ///< names in lower case
};

/// The value behind `name=`: a word, or a text in quotes in which \" and \\ stand for " and \.
/// Other backslashes stay, as browsers of old sent whole Windows paths.
std::string take_value(std::string_view& rest) {
  std::string value;
  if (!rest.starts_with('"')) {
    const std::string_view word = rest.substr(0, rest.find(';'));
    rest.remove_prefix(word.size());
    return std::string(trimmed(word));
  }
  std::size_t i = 1;
  for (; i < rest.size() && rest[i] != '"'; ++i) {
    if (rest[i] == '\\' && i + 1 < rest.size() && (rest[i + 1] == '"' || rest[i + 1] == '\\')) ++i;
    value += rest[i];
  }
  rest.remove_prefix(std::min(rest.size(), i + 1));
  return value;
}

HeaderValue parse_header_value(std::string_view text) {
  HeaderValue out;
  out.value = lowered(trimmed(text.substr(0, text.find(';'))));
  text.remove_prefix(std::min(text.size(), text.find(';')));
  while (text.starts_with(';')) {
    text.remove_prefix(1);
    const std::size_t equals = text.find_first_of("=;");
    if (equals == std::string_view::npos) break;
    const std::string name = lowered(trimmed(text.substr(0, equals)));
    text.remove_prefix(equals);
    if (!text.starts_with('=')) continue;
    text.remove_prefix(1);
    text.remove_prefix(std::min(text.size(), text.find_first_not_of(" \t")));
    std::string value = take_value(text);
    out.parameters.emplace(name, std::move(value));
    text.remove_prefix(std::min(text.size(), text.find(';')));
  }
  return out;
}

Result<std::string> boundary_of(std::string_view content_type) {
  HeaderValue type = parse_header_value(content_type);
  if (type.value != "multipart/form-data")
    return fail(ErrorCode::invalid_argument, kOrigin,
                "a form is wanted (multipart/form-data), got '{}'", type.value);
  const std::string& boundary = type.parameters["boundary"];
  if (boundary.empty() || boundary.size() > 200)
    return fail(ErrorCode::invalid_argument, kOrigin,
                "multipart/form-data wants a boundary of 1 to 200 characters");
  return boundary;
}

/// Reads the lines of a part's head. Errors: no form-data, no name.
Result<FormPart> parse_head(std::string_view head) {
  FormPart part;
  bool named = false;
  while (!head.empty()) {
    const std::string_view line = head.substr(0, head.find("\r\n"));
    head.remove_prefix(std::min(head.size(), line.size() + 2));
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos) continue;
    const std::string name = lowered(trimmed(line.substr(0, colon)));
    if (name == "content-type") part.content_type = trimmed(line.substr(colon + 1));
    if (name != "content-disposition") continue;
    HeaderValue value = parse_header_value(line.substr(colon + 1));
    const auto found = value.parameters.find("name");
    named = value.value == "form-data" && found != value.parameters.end();
    if (named) part.name = found->second;
    if (const auto file = value.parameters.find("filename"); file != value.parameters.end())
      part.filename = file->second;
  }
  if (!named)
    return fail(ErrorCode::invalid_argument, kOrigin,
                "each part of a form has a line like Content-Disposition: form-data; name=\"file\"");
  return part;
}

/// Where "\r\n--boundary" with a proper end of its line stands in `body` at or after `from`.
struct Delimiter {
  std::size_t begin, end;  ///< of the delimiter, its line end included
  bool last;               ///< the one that closes the form
};

std::optional<Delimiter> find_delimiter(std::string_view body, const std::string& delimiter,
                                        std::size_t from) {
  for (std::size_t at = body.find(delimiter, from); at != std::string_view::npos;
       at = body.find(delimiter, at + 1)) {
    std::string_view after = body.substr(at + delimiter.size());
    if (after.starts_with("--")) return Delimiter{at, at + delimiter.size() + 2, true};
    const std::size_t blank = std::min(after.find_first_not_of(" \t"), after.size());
    if (after.substr(blank).starts_with("\r\n"))
      return Delimiter{at, at + delimiter.size() + blank + 2, false};
  }
  return std::nullopt;
}

}  // namespace

Result<std::vector<FormPart>> parse_multipart(std::string_view content_type, std::string_view body,
                                              const FormLimits& limits) {
  TRY_ASSIGN(const std::string boundary, boundary_of(content_type));
  const std::string delimiter = "\r\n--" + boundary;
  const auto cut_off = [] {
    return fail(ErrorCode::invalid_argument, kOrigin,
                "the form ends before its closing boundary; was it cut off?");
  };
  // The first delimiter may stand at the very beginning, without a line end in front.
  const std::string_view first = std::string_view(delimiter).substr(2);
  std::optional<Delimiter> at;
  if (body.starts_with(first)) at = find_delimiter(body, std::string(first), 0);
  if (!at || at->begin != 0) at = find_delimiter(body, delimiter, 0);
  std::vector<FormPart> parts;
  for (;;) {
    if (!at) return cut_off();
    if (at->last) break;
    if (parts.size() == limits.parts)
      return fail(ErrorCode::invalid_argument, kOrigin, "a form has at most {} parts", limits.parts);
    // The line end in front of the head counts, as the head itself may be empty.
    const std::size_t head_end = body.substr(0, std::min(body.size(), at->end + limits.part_headers))
                                     .find("\r\n\r\n", at->end - 2);
    if (head_end == std::string_view::npos)
      return fail(ErrorCode::invalid_argument, kOrigin,
                  "a part of the form has no empty line behind its head of at most {} bytes",
                  limits.part_headers);
    const std::size_t head_length = head_end > at->end ? head_end - at->end : 0;
    TRY_ASSIGN(FormPart part, parse_head(body.substr(at->end, head_length)));
    const std::size_t begin = head_end + 4;
    // An empty part's delimiter shares the line end with the empty line of the head.
    at = find_delimiter(body, delimiter, begin - 2);
    if (!at) return cut_off();
    if (at->begin > begin) part.body = body.substr(begin, at->begin - begin);
    parts.push_back(std::move(part));
  }
  return parts;
}

Result<std::vector<FormPart>> parse_form(const Request& request) {
  return parse_multipart(request.header("content-type"), request.body);
}

const FormPart* find_part(const std::vector<FormPart>& parts, std::string_view name) {
  for (const FormPart& part : parts)
    if (part.name == name) return &part;
  return nullptr;
}

}  // namespace invokeai::server
