#include "server/url.h"

#include <algorithm>

#include "base/utf8.h"

namespace invokeai::server {
namespace {

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace

Result<std::string> decode_percent(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    const int high = i + 2 < text.size() ? hex_digit(text[i + 1]) : -1;
    const int low = high >= 0 ? hex_digit(text[i + 2]) : -1;
    if (low < 0)
      return fail(ErrorCode::invalid_argument, "http.target",
                  "% in an address is followed by two hexadecimal digits; one is not");
    out += static_cast<char>(high * 16 + low);
    i += 2;
  }
  if (out.find('\0') != std::string::npos || !check_utf8(out))
    return fail(ErrorCode::invalid_argument, "http.target",
                "an address is UTF-8 text without NUL; this one is not");
  return out;
}

std::string encode_percent(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '-' || c == '.' || c == '_' || c == '~';
    if (plain)
      out += c;
    else
      out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
  }
  return out;
}

Result<std::map<std::string, std::string>> parse_query(std::string_view query) {
  std::map<std::string, std::string> values;
  while (!query.empty()) {
    const std::string_view one = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(query.size(), one.size() + 1));
    if (one.empty()) continue;
    std::string spaced(one);
    for (char& c : spaced)
      if (c == '+') c = ' ';
    const std::size_t equals = spaced.find('=');
    TRY_ASSIGN(std::string name, decode_percent(std::string_view(spaced).substr(0, equals)));
    std::string value;
    if (equals != std::string::npos) {
      TRY_ASSIGN(value, decode_percent(std::string_view(spaced).substr(equals + 1)));
    }
    values[std::move(name)] = std::move(value);
  }
  return values;
}

Result<Target> parse_target(std::string_view target) {
  for (const std::string_view scheme : {"http://", "https://"})
    if (target.starts_with(scheme)) {
      target.remove_prefix(scheme.size());
      target.remove_prefix(std::min(target.size(), target.find_first_of("/?")));
      if (target.empty()) target = "/";
    }
  target = target.substr(0, target.find('#'));
  if (target.empty() || (target[0] != '/' && target[0] != '?'))
    return fail(ErrorCode::invalid_argument, "http.target", "an address begins with /");
  const std::size_t question = target.find('?');
  std::string_view path = target.substr(0, question);
  while (path.starts_with('/')) path.remove_prefix(1);
  Target out;
  out.raw_path = "/" + std::string(path);
  TRY_ASSIGN(out.path, decode_percent(out.raw_path));
  if (question != std::string_view::npos) {
    TRY_ASSIGN(out.query, parse_query(target.substr(question + 1)));
  }
  return out;
}

}  // namespace invokeai::server
