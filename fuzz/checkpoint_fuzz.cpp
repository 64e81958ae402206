// Any tensor names and shapes as a single-file model: told apart, split, sized and joined again, or
// an error of one line. Input: a line for each tensor, "NAME SIZE SIZE ...".

#include <cstdint>
#include <sstream>
#include <string>

#include "models/convert/checkpoint.h"
#include "models/convert/detect.h"
#include "models/convert/infer_config.h"

namespace {

using namespace invokeai;
using namespace invokeai::models;

constexpr std::size_t kMostBytes = 1 << 16;

TensorSource tensors_of(const std::string& text) {
  static const std::vector<std::uint8_t> zeros(kMostBytes);
  TensorSource source;
  source.name = "fuzz";
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string name;
    words >> name;
    TensorView view;
    view.dtype = DType::u8;
    for (std::int64_t side = 0; words >> side && view.shape.size() < kMaxDimensions;)
      view.shape.push_back(side);
    // What the file readers promise: the bytes are those of the shape.
    const auto bytes = byte_size(view.shape, view.dtype);
    if (name.empty() || !bytes || *bytes > kMostBytes) continue;
    view.data = std::span(zeros).first(*bytes);
    source.tensors.insert_or_assign(name, std::move(view));
  }
  return source;
}

template <class T>
bool ok(const Result<T>& result) {
  if (!result) INVOKEAI_CHECK(result.error().message.find('\n') == std::string::npos);
  return result.has_value();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const TensorSource file = tensors_of({reinterpret_cast<const char*>(data), size});
  const auto detection = detect_kind(file, {std::nullopt, std::nullopt, "fuzz.ckpt"});
  const auto split = split_checkpoint(file);
  if (ok(vae_of_file(file)) || !ok(detection) || !ok(split)) return 0;
  if (const auto configs = infer_configs(*split, detection->kind); ok(configs))
    INVOKEAI_CHECK(!configs_to_metadata(*configs).empty());
  (void)ok(join_checkpoint(*split));
  return 0;
}
