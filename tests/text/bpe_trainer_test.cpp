#include "text/bpe_trainer.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "text/clip_tokenizer.h"

namespace invokeai::text {
namespace {

const std::vector<std::string> kCaptions = {
    "a red circle",           "a red square left of a blue circle",
    "a large green triangle", "two red circles on a blue background",
    "A RED circle, dotted",   "don't: naïve 東京 circle 12"};

std::filesystem::path fresh_folder() {
  std::string name = (std::filesystem::temp_directory_path() / "bpe-XXXXXX").string();
  return ::mkdtemp(name.data());
}

TEST(BpeTrainer, MergesTheMostFrequentPairFirst) {
  const std::vector<std::string> texts = {"abc abc abd", "xy"};
  const auto merges = learn_merges(texts, {.vocabulary_size = 600, .minimum_count = 2});
  ASSERT_TRUE(merges);
  // "a b" occurs three times, then "ab c</w>" twice; everything else only once.
  EXPECT_EQ(*merges, (std::vector<Merge>{{"a", "b"}, {"ab", "c</w>"}}));
}

TEST(BpeTrainer, EquallyFrequentPairsAreTakenInOrder) {
  const std::vector<std::string> texts = {"zy xw vu"};
  const auto merges = learn_merges(texts, {.vocabulary_size = 516, .minimum_count = 1});
  ASSERT_TRUE(merges);
  EXPECT_EQ(*merges, (std::vector<Merge>{{"v", "u</w>"}, {"x", "w</w>"}}));
}

TEST(BpeTrainer, RefusesImpossibleSizes) {
  EXPECT_FALSE(learn_merges(kCaptions, {.vocabulary_size = 513}));
  EXPECT_FALSE(learn_merges(kCaptions, {.vocabulary_size = 600, .minimum_count = 0}));
}

TEST(BpeTrainer, FolderLoadsAsTheTokenizerItWasWrittenFrom) {
  const auto folder = fresh_folder() / "tokenizer";
  const auto merges = learn_merges(kCaptions, {.vocabulary_size = 560, .minimum_count = 1});
  ASSERT_TRUE(merges);
  ASSERT_TRUE(write_tokenizer_folder(folder, *merges, {.pad_token = "!", .max_length = 20}));
  const auto tokenizer = ClipTokenizer::from_folder(folder);
  ASSERT_TRUE(tokenizer) << tokenizer.error().text();
  EXPECT_EQ(tokenizer->vocab_size(), 560);
  EXPECT_EQ(tokenizer->bos(), 558);
  EXPECT_EQ(tokenizer->eos(), 559);
  EXPECT_EQ(tokenizer->pad_id(), 0);
  EXPECT_EQ(tokenizer->max_length(), 20);
  const std::vector<std::string> vocabulary = clip_vocabulary(*merges);
  for (int id = 0; id < 560; ++id) EXPECT_EQ(tokenizer->token_text(id), vocabulary[id]);
  EXPECT_EQ(tokenizer->encode("circle").size(), 1u) << "the most frequent word is one token";
  for (const std::string& caption : kCaptions)
    EXPECT_EQ(tokenizer->encode(tokenizer->decode(tokenizer->encode(caption))),
              tokenizer->encode(caption));
  EXPECT_EQ(tokenizer->decode(tokenizer->encode("never seen: ŵø 🙂")),
            "never seen : ŵø 🙂");
  std::filesystem::remove_all(folder.parent_path());
}

TEST(BpeTrainer, TheBuiltInVocabularyAsAFolderGivesTheSameIds) {
  const auto folder = fresh_folder();
  const auto merges = builtin_merges();
  ASSERT_TRUE(merges) << merges.error().text();
  ASSERT_TRUE(write_tokenizer_folder(folder, *merges));
  const auto written = ClipTokenizer::from_folder(folder);
  const auto builtin = ClipTokenizer::builtin(ClipFamily::sd1);
  ASSERT_TRUE(written && builtin);
  EXPECT_EQ(written->vocab_size(), 49408);
  for (int id = 0; id < 49408; ++id) ASSERT_EQ(written->token_text(id), builtin->token_text(id));
  for (const std::string& caption : kCaptions)
    EXPECT_EQ(written->encode_padded(caption), builtin->encode_padded(caption));
  std::filesystem::remove_all(folder);
}

TEST(BpeTrainer, FolderIsNotWrittenWithUnknownPadding) {
  const auto folder = fresh_folder();
  EXPECT_FALSE(write_tokenizer_folder(folder, {}, {.pad_token = "padding"}));
  EXPECT_FALSE(write_tokenizer_folder(folder, {}, {.max_length = 2}));
  EXPECT_TRUE(std::filesystem::is_empty(folder));
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace invokeai::text
