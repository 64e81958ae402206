// Any bytes as a model file of unknown format, an index of shards included: tensors or an error.
// The parser opens files, so the input is written to one; beside it lies a shard to refer to.

#include <unistd.h>

#include <cstdint>
#include <fstream>

#include "models/formats/safetensors.h"

namespace {

using namespace invokeai;

struct Folder {
  fs::path path;
  Folder() {
    std::string name = (fs::temp_directory_path() / "fuzz-XXXXXX").string();
    path = ::mkdtemp(name.data());
    static constexpr std::uint8_t kZeros[4] = {};
    const models::TensorView zero{models::DType::f32, {1}, {}, kZeros, nullptr};
    INVOKEAI_CHECK(
        models::write_safetensors(path / "a.safetensors", {{"t", zero}}, {}).has_value());
  }
  ~Folder() { fs::remove_all(path); }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const Folder folder;
  const fs::path file = folder.path / "input";
  std::ofstream(file, std::ios::binary)
      .write(reinterpret_cast<const char*>(data), static_cast<std::streamsize>(size));
  const auto source = models::open_tensor_file(file);
  if (!source) INVOKEAI_CHECK(source.error().message.find('\n') == std::string::npos);
  return 0;
}
