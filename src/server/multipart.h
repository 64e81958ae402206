#pragma once
// Forms with files: multipart/form-data (RFC 7578).

#include <string_view>
#include <vector>

#include "base/result.h"
#include "server/http.h"

namespace invokeai::server {

struct FormLimits {
  std::size_t parts = 64;
  std::size_t part_headers = 16u << 10;  ///< bytes of the lines in front of one part
};

/// Parts of a form in the order they came, names and bytes untouched. `content_type`: the request's
/// header. The size of the body is the transport's to limit. Errors: invalid_argument (another
/// content type, no boundary, cut off before the closing boundary, a part without a name,
/// over a limit).
Result<std::vector<FormPart>> parse_multipart(std::string_view content_type, std::string_view body,
                                              const FormLimits& limits = {});

/// The same for the body of a request.
Result<std::vector<FormPart>> parse_form(const Request& request);

/// The part of that name, or nullptr; the first of several.
const FormPart* find_part(const std::vector<FormPart>& parts, std::string_view name);

}  // namespace invokeai::server
