#include "server/origin.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <string>

namespace invokeai::server {
namespace {

std::string lowered(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return out;
}

/// "name", "name:80", "[::1]:80" to the name alone, without brackets, in lower case.
std::string without_port(std::string_view host) {
  if (host.starts_with('[')) {
    const std::size_t end = host.find(']');
    return end == std::string_view::npos ? "" : lowered(host.substr(1, end - 1));
  }
  if (std::count(host.begin(), host.end(), ':') == 1) host = host.substr(0, host.find(':'));
  if (host.ends_with('.')) host.remove_suffix(1);
  return lowered(host);
}

bool is_number_address(const std::string& host) {
  unsigned char bytes[16];
  return ::inet_pton(AF_INET, host.c_str(), bytes) == 1 ||
         ::inet_pton(AF_INET6, host.c_str(), bytes) == 1;
}

/// The first of a list that proxies made longer.
std::string first_of(std::string_view list) {
  list = list.substr(0, list.find(','));
  while (list.ends_with(' ')) list.remove_suffix(1);
  return std::string(list);
}

/// "https://name" and "https://name:443" are the same origin.
std::string normal_origin(std::string_view origin) {
  std::string out = lowered(origin);
  if (out.starts_with("http://") && out.ends_with(":80")) out.resize(out.size() - 3);
  if (out.starts_with("https://") && out.ends_with(":443")) out.resize(out.size() - 4);
  return out;
}

bool is_own(const OriginHeaders& headers) {
  const std::string scheme = headers.secure ? "https" : "http";
  const std::string forwarded_scheme = first_of(headers.forwarded_proto);
  const std::string forwarded_host = first_of(headers.forwarded_host);
  const std::string origin = normal_origin(headers.origin);
  for (const std::string& s : {scheme, forwarded_scheme})
    for (const std::string& h : {headers.host, forwarded_host})
      if (!s.empty() && !h.empty() && origin == normal_origin(s + "://" + h)) return true;
  return false;
}

std::optional<std::string> refuse(const OriginRules& rules, const OriginHeaders& headers,
                                  bool star_counts) {
  if (headers.origin.empty() || is_own(headers)) return std::nullopt;
  for (const std::string& allowed : rules.cors) {
    if (allowed == "*" ? star_counts : normal_origin(allowed) == normal_origin(headers.origin))
      return std::nullopt;
  }
  return fmt::format("a page of {} wants to talk to this server; to allow it, start with --cors {}",
                     headers.origin, headers.origin);
}

}  // namespace

bool is_loopback(std::string_view host) {
  const std::string name = without_port(host);
  return name == "localhost" || name == "::1" || (name.starts_with("127.") && is_number_address(name));
}

std::optional<std::string> refuse_host(const OriginRules& rules, std::string_view host) {
  const std::string name = without_port(host);
  if (name.empty()) return "a request names the server it is for in the header Host; this one does not";
  if (is_loopback(host) || name == without_port(rules.bound)) return std::nullopt;
  if (!is_loopback(rules.bound) && is_number_address(name)) return std::nullopt;
  for (const std::string& allowed : rules.hosts)
    if (without_port(allowed) == name) return std::nullopt;
  return fmt::format("this server does not answer to the name {}; to allow it, start with "
                     "--allowed_hosts {}", name, name);
}

std::optional<std::string> refuse_origin(const OriginRules& rules, const OriginHeaders& headers) {
  return refuse(rules, headers, false);
}

std::optional<std::string> refuse_socket_origin(const OriginRules& rules,
                                                const OriginHeaders& headers) {
  return refuse(rules, headers, true);
}

}  // namespace invokeai::server
