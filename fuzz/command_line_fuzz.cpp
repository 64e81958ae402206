// Any bytes as a typed line: words, a prompt with its switches, and numbers within their ranges; or
// an error of one line.

#include <cmath>
#include <cstdint>

#include "base/command_line.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace invokeai;
  const std::string_view line(reinterpret_cast<const char*>(data), size);
  if (const auto words = shell_words(line))
    for (const auto from : {WordsFrom::init_file, WordsFrom::shell, WordsFrom::prompt_line})
      (void)parse_words(*words, from);
  const auto command = parse_prompt_line(line);
  if (!command) return 0;
  for (const auto& [name, value] : command->values.given())
    INVOKEAI_CHECK(check_value(setting(name), name, value).has_value());
  return 0;
}
