#include <gtest/gtest.h>

#include "image/pictures.h"
#include "image/png.h"
#include "image/png_builder.h"

namespace invokeai::image {
namespace {

using testing::chunk;
using testing::deflated;
using testing::header;
using testing::kPngSignature;
using testing::raw;

const Image kDot(1, 1, 3);

TextChunks texts_of(const std::string& chunks) {
  const auto texts = read_png_text(kPngSignature + header(1, 1, 8, 0) + chunks);
  EXPECT_TRUE(texts) << texts.error().text();
  return texts.value_or(TextChunks{});
}

TEST(PngText, WrittenTextsAreReadBackInOrder) {
  const TextChunks texts = {{"Dream", "a cat"}, {"sd-metadata", "{\"a\": 1}"},
                            {"latin", "Dalí"},  {"wide", "語 🐈"},
                            {"empty", ""},      {"Dream", "again"}};
  EXPECT_EQ(*read_png_text(*encode_png(kDot, texts)), texts);
}

TEST(PngText, Latin1IsStoredAsTextElseAsInternationalText) {
  const std::string file = *encode_png(kDot, {{"a", "Dalí"}, {"b", "語"}});
  const auto latin = file.find(chunk("tEXt", raw("a\x00"
                                                 "Dal\xED")));
  const auto wide = file.find(chunk("iTXt", raw("b\x00\x00\x00\x00\x00") + "語"));
  ASSERT_NE(latin, std::string::npos);
  ASSERT_NE(wide, std::string::npos);
  EXPECT_LT(latin, file.find("IDAT"));
  EXPECT_LT(wide, file.find("IDAT"));
}

TEST(PngText, NulAndBrokenUtf8BecomeReplacementCharacters) {
  const auto texts = read_png_text(*encode_png(kDot, {{"k", raw("a\x00"
                                                                "b\xFFz")}}));
  EXPECT_EQ(*texts, (TextChunks{{"k", "a\uFFFDb\uFFFDz"}}));
}

TEST(PngText, LongTextsAreStored) {
  const std::string text(3'000'000, 'x');
  EXPECT_EQ(read_png_text(*encode_png(kDot, {{"k", text}}))->at(0).text, text);
}

TEST(PngText, AllThreeKindsAreReadAnywhere) {
  const std::string chunks = chunk("IDAT", "whatever") +
                             chunk("tEXt", raw("a\x00"
                                               "caf\xE9")) +
                             chunk("zTXt", raw("b\x00\x00") + deflated("caf\xE9")) +
                             chunk("iTXt", raw("c\x00\x00\x00"
                                               "de\x00k\xC3\xA4\x00") +
                                               "語") +
                             chunk("iTXt", raw("d\x00\x01\x00\x00\x00") + deflated("語"));
  EXPECT_EQ(texts_of(chunks), (TextChunks{{"a", "café"}, {"b", "café"}, {"c", "語"}, {"d", "語"}}));
}

TEST(PngText, DamagedChunksAreLeftOut) {
  std::string wrong_sum = chunk("tEXt", raw("a\x00x"));
  wrong_sum.back() ^= 1;
  const std::string chunks =
      wrong_sum + chunk("tEXt", "no-separator") + chunk("tEXt", raw("\x00no keyword")) +
      chunk("zTXt", raw("k\x00")) + chunk("zTXt", raw("k\x00\x01") + deflated("method 1")) +
      chunk("zTXt", raw("k\x00\x00") + deflated("cut short").substr(0, 9)) +
      chunk("iTXt", raw("k\x00\x00")) + chunk("iTXt", raw("k\x00\x00\x00no-end")) +
      chunk("iTXt", raw("k\x00\x01\x00\x00\x00garbage")) + chunk("tEXt", raw("good\x00one"));
  EXPECT_EQ(texts_of(chunks), (TextChunks{{"good", "one"}}));
}

TEST(PngText, BombsDoNotGoOff) {
  const std::string bomb = chunk("zTXt", raw("k\x00\x00") + deflated(std::string(20 << 20, 'x')));
  const std::string large = chunk("zTXt", raw("l\x00\x00") + deflated(std::string(9 << 20, 'x')));
  const auto texts = texts_of(bomb + large + large + chunk("tEXt", raw("good\x00one")));
  ASSERT_EQ(texts.size(), 2u);  // the second large one is over the budget of the whole file
  EXPECT_EQ(texts[0].keyword, "l");
  EXPECT_EQ(texts[1].text, "one");
}

TEST(PngText, TruncatedFileGivesWhatStandsBeforeItsEnd) {
  const std::string file = *encode_png(kDot, {{"a", "first"}, {"b", "second"}});
  const auto first_end = file.find("first") + 5 + 4;
  const auto second_end = file.find("second") + 6 + 4;
  for (std::size_t size = 0; size < file.size(); ++size) {
    const auto texts = read_png_text(std::string_view(file).substr(0, size));
    ASSERT_EQ(texts.has_value(), size >= 8) << size;
    if (size < 8) continue;
    EXPECT_EQ(texts->size(), (size >= first_end) + (size >= second_end)) << size;
  }
}

TEST(PngText, LengthBeyondTheEndStopsReading) {
  const std::string huge = testing::big_endian(0xFFFFFFFF) + "tEXt" + raw("k\x00v") + "1234";
  EXPECT_TRUE(texts_of(huge).empty());
}

TEST(PngText, OtherFilesAreRefused) {
  EXPECT_EQ(read_png_text("hello, world").error().code, ErrorCode::bad_file);
  EXPECT_EQ(read_png_text("").error().code, ErrorCode::bad_file);
}

}  // namespace
}  // namespace invokeai::image
