#pragma once
// Base64 (RFC 4648): pictures inside JSON.

#include <optional>
#include <string>
#include <string_view>

namespace invokeai::server {

std::string base64_encode(std::string_view bytes);

/// None when it is no base64. White space between the characters is passed over, the padding may be
/// missing.
std::optional<std::string> base64_decode(std::string_view text);

/// The bytes of "data:image/png;base64,..." or of base64 alone; none when it is neither.
std::optional<std::string> bytes_of_data_url(std::string_view text);

/// "data:image/png;base64,...".
std::string png_data_url(std::string_view png);

}  // namespace invokeai::server
