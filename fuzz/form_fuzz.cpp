// Any bytes as the body of a form, and as its content type: parts no larger than the input, or an
// error of one line.

#include <cstdint>
#include <string_view>

#include "server/multipart.h"

namespace {

using namespace invokeai;
using namespace invokeai::server;

void check(std::string_view type, std::string_view body) {
  const auto parts = parse_multipart(type, body);
  if (!parts) {
    INVOKEAI_CHECK(!parts.error().message.empty());
    return;
  }
  std::size_t total = 0;
  INVOKEAI_CHECK(parts->size() <= FormLimits{}.parts);
  for (const FormPart& part : *parts) total += part.body.size() + part.name.size();
  INVOKEAI_CHECK(total <= body.size());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  check("multipart/form-data; boundary=B", text);
  check(text.substr(0, text.find('\n')), text);
  return 0;
}
