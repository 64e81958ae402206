#include "models/formats/tensor_source.h"

#include "models/formats/internal/wording.h"
#include "models/formats/support.h"

namespace invokeai::models {
namespace {

using testing::dense_bytes;
using testing::tensor_of;

std::vector<std::int16_t> dense(const TensorView& view) {
  const std::string bytes = dense_bytes(view);
  std::vector<std::int16_t> out(bytes.size() / 2);
  if (!bytes.empty()) std::memcpy(out.data(), bytes.data(), bytes.size());
  return out;
}

TEST(TensorView, CopiesTransposedRepeatedAndScalarViews) {
  const std::vector<std::int16_t> six = {0, 1, 2, 3, 4, 5};
  EXPECT_EQ(dense(tensor_of(DType::i16, {3, 2}, six, {1, 3})),
            (std::vector<std::int16_t>{0, 3, 1, 4, 2, 5}));
  EXPECT_EQ(dense(tensor_of<std::int16_t>(DType::i16, {2, 3}, {7, 8, 9}, {0, 1})),
            (std::vector<std::int16_t>{7, 8, 9, 7, 8, 9}));
  EXPECT_EQ(dense(tensor_of<std::int16_t>(DType::i16, {}, {7})), (std::vector<std::int16_t>{7}));
  EXPECT_EQ(dense(tensor_of(DType::i16, {1, 3, 1, 2}, six, {99, 1, 5, 3})),
            (std::vector<std::int16_t>{0, 3, 1, 4, 2, 5}));
  EXPECT_TRUE(dense(tensor_of<std::int16_t>(DType::i16, {3, 0}, {}, {1, 1})).empty());
}

TEST(TensorView, KnowsWhetherRowsAreContiguous) {
  const std::vector<float> six(6);
  EXPECT_TRUE(tensor_of(DType::f32, {2, 3}, six).contiguous());
  EXPECT_TRUE(tensor_of(DType::f32, {2, 3}, six, {3, 1}).contiguous());
  EXPECT_TRUE(tensor_of(DType::f32, {1, 6}, six, {77, 1}).contiguous());
  EXPECT_FALSE(tensor_of(DType::f32, {3, 2}, six, {1, 3}).contiguous());
  EXPECT_FALSE(tensor_of(DType::f32, {2, 3}, six, {0, 1}).contiguous());
}

TEST(ByteSize, RefusesNegativeAndOverflowingShapes) {
  EXPECT_EQ(byte_size(std::vector<std::int64_t>{2, 3}, DType::f64), 48u);
  EXPECT_EQ(byte_size({}, DType::bf16), 2u);
  EXPECT_EQ(byte_size(std::vector<std::int64_t>{0, INT64_MAX, INT64_MAX}, DType::f32), 0u);
  EXPECT_FALSE(byte_size(std::vector<std::int64_t>{-1}, DType::f32));
  EXPECT_FALSE(byte_size(std::vector<std::int64_t>{-1, 0}, DType::f32));
  EXPECT_FALSE(byte_size(std::vector<std::int64_t>{INT64_MAX / 2}, DType::f32));
  EXPECT_FALSE(byte_size(std::vector<std::int64_t>{1LL << 32, 1LL << 32}, DType::u8));
}

TEST(DTypes, HaveSizesAndNames) {
  EXPECT_EQ(element_size(DType::f64), 8u);
  EXPECT_EQ(element_size(DType::bf16), 2u);
  EXPECT_EQ(element_size(DType::f8_e5m2), 1u);
  EXPECT_STREQ(dtype_name(DType::boolean), "bool");
  EXPECT_STREQ(dtype_name(DType::u64), "u64");
}

TEST(Wording, ToldUtf8FromOtherBytes) {
  for (const char* good : {"", "name",
                           "m\xC3\xB6"
                           "bius",
                           "\xE2\x82\xAC", "\xF0\x9F\x98\x80", "\xEF\xBF\xBD"})
    EXPECT_TRUE(valid_utf8(good)) << good;
  for (const char* wrong : {"\xFF", "\xC3", "\xC0\x80", "\xE0\x80\x80", "\xED\xA0\x80",
                            "\xF4\x90\x80\x80", "\xF0\x80\x80\x80", "\x80", "a\xC3z"})
    EXPECT_FALSE(valid_utf8(wrong)) << in_quotes(wrong);
  EXPECT_EQ(in_quotes("a\nb\xFF"), "'a\\x0ab\\xff'");
  EXPECT_EQ(in_quotes(std::string(100, 'x')).size(), 85u);
}

}  // namespace
}  // namespace invokeai::models
