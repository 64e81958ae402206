// Files made by torch.save and by the safetensors package (scripts/oracles/make_format_golden.py),
// read whole, cut off at every byte, and with bytes changed at random.

#include <algorithm>
#include <nlohmann/json.hpp>
#include <random>

#include "models/formats/safetensors.h"
#include "models/formats/support.h"
#include "models/formats/tensor_source.h"
#include "models/formats/torch_file.h"

namespace invokeai::models {
namespace {

using testing::dense_bytes;
using testing::expect_good_message;
using testing::golden;
using testing::slurp;

const nlohmann::json& expected_files() {
  static const nlohmann::json json = nlohmann::json::parse(slurp(golden("expected.json")));
  return json;
}

std::string hex_of(const std::string& bytes) {
  std::string out;
  for (const char byte : bytes) out += fmt::format("{:02x}", static_cast<unsigned char>(byte));
  return out;
}

/// torch's name of an element type.
std::string torch_name(DType dtype) {
  static const std::map<std::string, std::string> names = {{"f64", "float64"},
                                                           {"f32", "float32"},
                                                           {"f16", "float16"},
                                                           {"bf16", "bfloat16"},
                                                           {"i64", "int64"},
                                                           {"i32", "int32"},
                                                           {"i16", "int16"},
                                                           {"i8", "int8"},
                                                           {"u8", "uint8"},
                                                           {"bool", "bool"},
                                                           {"f8_e4m3", "float8_e4m3fn"},
                                                           {"f8_e5m2", "float8_e5m2"},
                                                           {"u16", "uint16"},
                                                           {"u32", "uint32"},
                                                           {"u64", "uint64"}};
  return names.at(dtype_name(dtype));
}

Result<TensorSource> read_bytes(const std::string& name, Bytes bytes) {
  return name.ends_with(".safetensors") ? read_safetensors(bytes, nullptr, name)
                                        : read_torch_file(bytes, nullptr, name);
}

TEST(Golden, HoldsWhatThePythonSideSaved) {
  for (const auto& [name, file] : expected_files().items()) {
    SCOPED_TRACE(name);
    const auto source = open_tensor_file(golden(name));
    ASSERT_TRUE(source) << source.error().text();
    EXPECT_EQ(source->metadata, (file["metadata"].get<std::map<std::string, std::string>>()));
    auto order = source->order;
    if (name.ends_with(".safetensors")) std::sort(order.begin(), order.end());
    EXPECT_EQ(order, file["order"].get<std::vector<std::string>>());
    EXPECT_EQ(source->tensors.size(), file["tensors"].size());
    for (const auto& [key, tensor] : file["tensors"].items()) {
      SCOPED_TRACE(key);
      const TensorView* view = source->find(key);
      ASSERT_NE(view, nullptr);
      EXPECT_EQ(torch_name(view->dtype), tensor["dtype"]);
      EXPECT_EQ(view->shape, tensor["shape"].get<std::vector<std::int64_t>>());
      EXPECT_EQ(hex_of(dense_bytes(*view)), tensor["bytes"]);
    }
  }
  EXPECT_EQ(expected_files().size(), 16u);
}

TEST(Golden, ViewsShareTheMappingAndKeepTheirStrides) {
  const auto source = open_tensor_file(golden("views.pt"));
  ASSERT_TRUE(source) << source.error().text();
  EXPECT_EQ(source->find("transposed")->strides, (std::vector<std::int64_t>{1, 6}));
  EXPECT_EQ(source->find("repeated")->strides, (std::vector<std::int64_t>{0, 1}));
  EXPECT_EQ(source->find("rows")->data.data(),
            source->find("whole")->data.data() + 6 * sizeof(float));
  EXPECT_EQ(source->find("rows")->owner, source->find("whole")->owner);
}

TEST(Golden, CutOffAnywhereIsAnErrorThatNamesTheFile) {
  std::size_t cuts = 0;
  for (const auto& [name, file] : expected_files().items()) {
    const std::string whole = slurp(golden(name));
    for (std::size_t size = 0; size < whole.size(); ++size, ++cuts) {
      // A copy of exact size, so that the address checker sees any read beyond it.
      const std::vector<std::uint8_t> cut(whole.begin(),
                                          whole.begin() + static_cast<std::ptrdiff_t>(size));
      const auto source = read_bytes(name, cut);
      ASSERT_FALSE(source) << name << " cut after " << size << " of " << whole.size();
      expect_good_message(source.error(), name);
    }
  }
  EXPECT_GT(cuts, 30000u);
}

/// Changes that parsers trip over: flipped bits, extreme numbers, moved and repeated pieces.
void mutate(std::vector<std::uint8_t>& bytes, std::mt19937& random) {
  const auto below = [&](std::size_t limit) { return random() % std::max<std::size_t>(limit, 1); };
  const int changes = 1 + static_cast<int>(below(4));
  for (int i = 0; i < changes && bytes.size() > 16; ++i) {
    const std::size_t at = below(bytes.size() - 8);
    switch (below(6)) {
      case 0:
        bytes[at] ^= static_cast<std::uint8_t>(1 << below(8));
        break;
      case 1:
        bytes[at] = static_cast<std::uint8_t>(random());
        break;
      case 2:
        std::fill_n(bytes.begin() + static_cast<std::ptrdiff_t>(at), 1 + below(8), 0xFF);
        break;
      case 3:
        std::fill_n(bytes.begin() + static_cast<std::ptrdiff_t>(at), 1 + below(8), 0x00);
        break;
      case 4: {
        const std::size_t from = below(bytes.size() - 8);
        std::copy_n(bytes.begin() + static_cast<std::ptrdiff_t>(from), 8,
                    bytes.begin() + static_cast<std::ptrdiff_t>(at));
        break;
      }
      default:
        bytes.erase(bytes.begin() + static_cast<std::ptrdiff_t>(at));
        break;
    }
  }
}

TEST(Golden, RandomDamageNeitherCrashesNorReadsBeyondTheFile) {
  std::mt19937 random(20230215);
  std::vector<std::pair<std::string, std::string>> files;
  for (const auto& [name, file] : expected_files().items())
    files.emplace_back(name, slurp(golden(name)));
  int refused = 0, accepted = 0;
  for (int round = 0; round < 20000; ++round) {
    const auto& [name, whole] = files[static_cast<std::size_t>(round) % files.size()];
    std::vector<std::uint8_t> bytes(whole.begin(), whole.end());
    mutate(bytes, random);
    const auto source = read_bytes(name, bytes);
    if (!source) {
      ++refused;
      expect_good_message(source.error(), name);
      continue;
    }
    ++accepted;
    for (const auto& [key, view] : source->tensors)
      if (view.element_count() < 1 << 20) dense_bytes(view);  // touches every byte it names
  }
  EXPECT_GT(refused, 5000);
  EXPECT_GT(accepted, 1000);
}

}  // namespace
}  // namespace invokeai::models
