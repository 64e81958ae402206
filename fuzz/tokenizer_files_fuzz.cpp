// Any bytes as one file of a tokenizer's folder, the others being good: a tokenizer whose ids stay
// below its size, or an error that names the folder.

#include <unistd.h>

#include <array>
#include <cstdint>
#include <fstream>

#include "base/file.h"
#include "text/clip_tokenizer.h"

namespace {

using namespace invokeai;

constexpr std::array<std::pair<const char*, const char*>, 5> kGood = {{
    {"vocab.json",
     R"({"a":0,"t":1,"a</w>":2,"t</w>":3,"at</w>":4,"<|startoftext|>":5,"<|endoftext|>":6})"},
    {"merges.txt", "#version: 0.2\na t</w>\n"},
    {"tokenizer_config.json",
     R"({"model_max_length":8,"bos_token":{"content":"<|startoftext|>"}})"},
    {"special_tokens_map.json", R"({"pad_token":"<|endoftext|>"})"},
    {"added_tokens.json", R"({"<x>":7})"},
}};

void write(const fs::path& file, std::string_view text) {
  std::ofstream(file, std::ios::binary)
      .write(text.data(), static_cast<std::streamsize>(text.size()));
}

struct Folder {
  fs::path path;
  Folder() {
    std::string name = (fs::temp_directory_path() / "fuzz-XXXXXX").string();
    path = ::mkdtemp(name.data());
    for (const auto& [file, text] : kGood) write(path / file, text);
  }
  ~Folder() { fs::remove_all(path); }
};

void check_folder(const fs::path& folder) {
  const auto tokenizer = text::ClipTokenizer::from_folder(folder);
  if (!tokenizer) {
    INVOKEAI_CHECK(tokenizer.error().message.find(folder.string()) != std::string::npos);
    return;
  }
  for (const int id : tokenizer->encode("at a <x> t!"))
    INVOKEAI_CHECK(id >= 0 && id < tokenizer->vocab_size());
  INVOKEAI_CHECK_EQ(static_cast<int>(tokenizer->encode_padded("at").size()),
                    tokenizer->max_length());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const Folder folder;
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  for (const auto& [file, good] : kGood) {
    write(folder.path / file, input);
    check_folder(folder.path);
    write(folder.path / file, good);
  }
  // Without vocab.json the folder is read from tokenizer.json alone.
  fs::rename(folder.path / "vocab.json", folder.path / "vocab.away");
  write(folder.path / "tokenizer.json", input);
  check_folder(folder.path);
  fs::remove(folder.path / "tokenizer.json");
  fs::rename(folder.path / "vocab.away", folder.path / "vocab.json");
  return 0;
}
