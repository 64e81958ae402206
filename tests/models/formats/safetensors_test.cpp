#include "models/formats/safetensors.h"

#include "models/formats/support.h"

namespace invokeai::models {
namespace {

using testing::dense_bytes;
using testing::expect_good_message;
using testing::golden;
using testing::le64;
using testing::Scratch;
using testing::slurp;
using testing::tensor_of;

Result<TensorSource> read(const std::string& file) {
  return read_safetensors(as_bytes(file), nullptr, "x.safetensors");
}

std::string file_of(const std::string& header, std::size_t data_bytes) {
  return le64(header.size()) + header + std::string(data_bytes, '\1');
}

TEST(Safetensors, HeaderTable) {
  for (const auto& row : testing::read_table("safetensors.txt", 4)) {
    SCOPED_TRACE(row[0]);
    const auto source = read(file_of(testing::unescape(row[1]), std::stoul(row[2])));
    if (row[3].starts_with("ok ")) {
      ASSERT_TRUE(source) << source.error().text();
      std::string listing;
      for (const auto& [name, view] : source->tensors)
        listing +=
            fmt::format(" {}:{}[{}]", name, dtype_name(view.dtype), fmt::join(view.shape, ","));
      for (const auto& [key, value] : source->metadata)
        listing += fmt::format(" {}={}", key, value);
      EXPECT_EQ("ok" + listing, row[3]);
    } else {
      ASSERT_FALSE(source);
      expect_good_message(source.error(), "x.safetensors: byte ");
      EXPECT_NE(source.error().message.find(row[3]), std::string::npos) << source.error().text();
    }
  }
}

TEST(Safetensors, HeaderLengthIsChecked) {
  const auto message = [](const std::string& file) {
    const auto source = read(file);
    return source ? "accepted" : source.error().message;
  };
  EXPECT_NE(message("").find("inside the header length"), std::string::npos);
  EXPECT_NE(message("\x02\0\0\0").find("download incomplete"), std::string::npos);
  EXPECT_NE(message(le64(3) + "{}").find("header claims 3 bytes, the file has 2"),
            std::string::npos);
  EXPECT_NE(message(le64(100'000'001) + "{}").find("at most 100000000"), std::string::npos);
  EXPECT_NE(message(le64(UINT64_MAX) + "{}").find("header claims 18446744073709551615"),
            std::string::npos);
}

TEST(Safetensors, DeepJsonIsRefusedQuickly) {
  for (const char* open : {"[", "{\"a\":"}) {
    std::string header = "{\"t\":{\"extra\":";
    for (int i = 0; i < 100000; ++i) header += open;
    const auto source = read(file_of(header, 0));
    ASSERT_FALSE(source);
    EXPECT_NE(source.error().message.find("nested too deep"), std::string::npos);
  }
}

TEST(Safetensors, WritesTheSameBytesAsTheReference) {
  const Scratch scratch;
  const auto source = open_safetensors(golden("dtypes.safetensors"));
  ASSERT_TRUE(source) << source.error().text();
  const auto written =
      write_safetensors(scratch / "copy.safetensors", source->tensors, source->metadata);
  ASSERT_TRUE(written) << written.error().text();
  EXPECT_EQ(slurp(scratch / "copy.safetensors"), slurp(golden("dtypes.safetensors")));
}

TEST(Safetensors, RoundTripWithViewsScalarsAndUnusualNames) {
  const Scratch scratch;
  const std::map<std::string, TensorView> tensors = {
      {"turned", tensor_of<float>(DType::f32, {3, 2}, {0, 1, 2, 3, 4, 5}, {1, 3})},
      {"scalar", tensor_of<std::int64_t>(DType::i64, {}, {-5})},
      {"empty", tensor_of<float>(DType::f32, {0, 7}, {})},
      {"a \"quoted\" m\xC3\xB6"
       "bius\n",
       tensor_of<std::uint8_t>(DType::u8, {3}, {1, 2, 3})}};
  const std::map<std::string, std::string> metadata = {{"format", "pt"}, {"note", "line\nbreak"}};
  ASSERT_TRUE(write_safetensors(scratch / "f.safetensors", tensors, metadata));
  const auto source = open_safetensors(scratch / "f.safetensors");
  ASSERT_TRUE(source) << source.error().text();
  EXPECT_EQ(source->metadata, metadata);
  ASSERT_EQ(source->tensors.size(), tensors.size());
  for (const auto& [name, view] : tensors) {
    ASSERT_NE(source->find(name), nullptr) << name;
    EXPECT_EQ(source->find(name)->shape, view.shape);
    EXPECT_EQ(dense_bytes(*source->find(name)), dense_bytes(view));
  }
  EXPECT_EQ(std::distance(fs::directory_iterator(scratch.path()), {}), 1);
}

TEST(Safetensors, RefusesToWriteWhatCannotBeReadBack) {
  const Scratch scratch;
  const TensorView one = tensor_of<float>(DType::f32, {1}, {0});
  EXPECT_FALSE(write_safetensors(scratch / "f", {{"\xFF", one}}, {}));
  EXPECT_FALSE(write_safetensors(scratch / "f", {{"__metadata__", one}}, {}));
  EXPECT_FALSE(write_safetensors(scratch / "f", {{"a", one}}, {{"k", "\xC0\x80"}}));
  EXPECT_TRUE(fs::is_empty(scratch.path()));
  const auto nowhere = write_safetensors(scratch / "no/such/folder/f", {{"a", one}}, {});
  ASSERT_FALSE(nowhere);
  EXPECT_EQ(nowhere.error().code, ErrorCode::not_found);
}

TEST(Safetensors, EmptyFileOfTensorsIsFine) {
  const Scratch scratch;
  ASSERT_TRUE(write_safetensors(scratch / "none.safetensors", {}, {}));
  const auto source = open_safetensors(scratch / "none.safetensors");
  ASSERT_TRUE(source) << source.error().text();
  EXPECT_TRUE(source->tensors.empty());
}

}  // namespace
}  // namespace invokeai::models
