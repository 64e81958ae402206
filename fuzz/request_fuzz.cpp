// Any bytes as an address, a Host, an Origin, a range, a date and a path below the page's folder: an
// answer within its limits.

#include <cstdint>
#include <string>
#include <string_view>

#include "server/file_answer.h"
#include "server/origin.h"
#include "server/static_files.h"
#include "server/url.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace invokeai;
  using namespace invokeai::server;
  const std::string text(reinterpret_cast<const char*>(data), size);
  if (const auto target = parse_target(text)) {
    INVOKEAI_CHECK(target->path.starts_with('/') && !target->raw_path.starts_with("//"));
    INVOKEAI_CHECK(target->path.find('\0') == std::string::npos);
    INVOKEAI_CHECK(decode_percent(encode_percent(target->path)) == target->path);
  }
  const FileFacts facts{1000, 784'111'777'500'000'000};
  for (const FileConditions& conditions :
       {FileConditions{text, "", "", ""}, FileConditions{"", text, "", ""},
        FileConditions{"", "", text, ""}, FileConditions{"", "", "bytes=" + text, text},
        FileConditions{"", "", "bytes=" + text, ""}}) {
    const FileAnswer answer = plan_file(facts, conditions);
    INVOKEAI_CHECK(answer.begin <= 1000 && answer.length <= 1000 - answer.begin);
  }
  (void)refuse_host({}, text);
  (void)refuse_origin({}, {"localhost", text, text, text, false});
  // No name leads out of a folder that holds nothing.
  INVOKEAI_CHECK_EQ(static_file("/nonexistent", text).status, 404);
  Request request;
  request.headers["cookie"] = text;
  (void)request.cookie("invokeai_session");
  return 0;
}
