#include "base/utf8.h"

#include <gtest/gtest.h>

namespace invokeai {
namespace {

TEST(Utf8, AcceptsTheWholeRange) {
  EXPECT_TRUE(check_utf8(""));
  EXPECT_TRUE(check_utf8("plain"));
  EXPECT_TRUE(check_utf8(std::string_view("\0", 1)));
  EXPECT_TRUE(check_utf8("\xC2\x80 \xDF\xBF \xE0\xA0\x80 \xED\x9F\xBF \xEE\x80\x80 \xEF\xBF\xBF"));
  EXPECT_TRUE(check_utf8("\xF0\x90\x80\x80 \xF4\x8F\xBF\xBF"));
}

TEST(Utf8, RejectsWithTheOffsetOfTheFirstBadByte) {
  const struct {
    const char* text;
    const char* place;
  } cases[] = {
      {"ab\xFFz", "byte 2 (0xff)"},           // never occurs
      {"\x80", "byte 0 (0x80)"},              // continuation without a start
      {"é\xC3", "byte 2 (0xc3)"},             // cut off
      {"\xC0\x80", "byte 0 (0xc0)"},          // overlong
      {"\xE0\x9F\xBF", "byte 0 (0xe0)"},      // overlong
      {"\xF0\x8F\xBF\xBF", "byte 0 (0xf0)"},  // overlong
      {"\xED\xA0\x80", "byte 0 (0xed)"},      // surrogate
      {"\xF4\x90\x80\x80", "byte 0 (0xf4)"},  // above U+10FFFF
      {"a\xF0\x9F\x98 b", "byte 1 (0xf0)"},   // one byte missing
  };
  for (const auto& [text, place] : cases) {
    const auto result = check_utf8(text);
    ASSERT_FALSE(result) << place;
    EXPECT_EQ(result.error().code, ErrorCode::invalid_argument);
    EXPECT_NE(result.error().message.find(place), std::string::npos) << result.error().text();
  }
}

TEST(Utf8, EncodesWhatItDecoded) {
  std::u32string all;
  for (char32_t c = 0; c <= 0x10FFFF; ++c)
    if (c < 0xD800 || c > 0xDFFF) all += c;
  const std::string bytes = encode_utf8(all);
  EXPECT_TRUE(check_utf8(bytes));
  EXPECT_TRUE(decode_utf8(bytes) == all);
}

TEST(Utf8, IllFormedPartsBecomeOneReplacementEach) {
  // The example of Unicode 15, table 3-8.
  EXPECT_EQ(decode_utf8("a\xF1\x80\x80\xE1\x80\xC2"
                        "b\x80"
                        "c\x80\xBF"
                        "d"),
            U"a\uFFFD\uFFFD\uFFFDb\uFFFDc\uFFFD\uFFFDd");
  EXPECT_EQ(encode_utf8(std::u32string{0xD800, 0x110000}), "\xEF\xBF\xBD\xEF\xBF\xBD");
}

}  // namespace
}  // namespace invokeai
