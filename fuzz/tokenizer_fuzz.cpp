// Any bytes as a prompt: no crash, ids within the vocabulary, markers where they belong.

#include <cstdint>
#include <string_view>

#include "base/result.h"
#include "text/clip_tokenizer.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace invokeai;
  static const auto tokenizer = text::ClipTokenizer::builtin(text::ClipFamily::sd2);
  INVOKEAI_CHECK(tokenizer.has_value());
  const std::string_view prompt(reinterpret_cast<const char*>(data), size);
  for (const auto& window : tokenizer->encode_windows(prompt)) {
    INVOKEAI_CHECK_EQ(static_cast<int>(window.size()), tokenizer->max_length());
    INVOKEAI_CHECK_EQ(window.front(), tokenizer->bos());
    for (const int id : window) INVOKEAI_CHECK(id >= 0 && id < tokenizer->vocab_size());
  }
  return 0;
}
