#include "text/clip_tokenizer.h"

#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "base/file.h"

namespace invokeai::text {
namespace {

using Json = nlohmann::json;

Json golden(const std::string& name) {
  const auto text = read_file(fs::path(INVOKEAI_TEST_DATA) / "golden" / name);
  EXPECT_TRUE(text) << text.error().text();
  return text ? Json::parse(*text) : Json();
}

ClipTokenizer builtin(const std::string& family) {
  auto made = ClipTokenizer::builtin(family == "sd1" ? ClipFamily::sd1 : ClipFamily::sd2);
  if (!made) throw std::runtime_error(made.error().text());
  return *made;
}

/// A folder of files that is removed at the end.
class Folder {
 public:
  Folder() {
    std::string name = (fs::temp_directory_path() / "tokenizer-XXXXXX").string();
    path_ = ::mkdtemp(name.data());
  }
  ~Folder() { fs::remove_all(path_); }
  void write(const std::string& name, const std::string& text) const {
    ASSERT_TRUE(write_file_atomically(path_ / name, text));
  }
  const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

/// Ten entries; "a" and "t</w>" merge.
constexpr const char* kTinyVocabulary =
    R"({"a": 0, "t": 1, "a</w>": 2, "t</w>": 3, "at</w>": 4, "!</w>": 5, "!": 6,
        "<|startoftext|>": 7, "<|endoftext|>": 8, "<pad>": 9})";

TEST(ClipTokenizer, BuiltinVocabularyIsOpenAis) {
  const Json data = golden("tokens.json");
  const ClipTokenizer tokenizer = builtin("sd1");
  EXPECT_EQ(tokenizer.vocab_size(), data["vocab_size"]);
  EXPECT_EQ(tokenizer.bos(), data["bos"]);
  EXPECT_EQ(tokenizer.eos(), data["eos"]);
  EXPECT_EQ(tokenizer.max_length(), data["max_length"]);
  EXPECT_EQ(tokenizer.pad_id(), data["pad"]["sd1"]);
  EXPECT_EQ(builtin("sd2").pad_id(), data["pad"]["sd2"]);
  for (const auto& [id, token] : data["vocab_checks"].items())
    EXPECT_EQ(tokenizer.token_text(std::stoi(id)), token.get<std::string>());
  EXPECT_EQ(tokenizer.token_text(49408), "");
}

class GoldenTokens : public testing::TestWithParam<const char*> {};

TEST_P(GoldenTokens, AreIdentical) {
  const Json data = golden(GetParam());
  const ClipTokenizer sd1 = builtin("sd1");
  const ClipTokenizer sd2 = builtin("sd2");
  ASSERT_GE(data["cases"].size(), 400u);
  for (const Json& item : data["cases"]) {
    const std::string text = item["text"];
    const Json& ids = item["ids"];
    EXPECT_EQ(Json(sd1.encode(text)), ids) << item["text"].dump(-1, ' ', true);
    EXPECT_EQ(Json(sd2.encode(text)), item.value("ids_sd2", ids))
        << "with ! as padding: " << item["text"].dump(-1, ' ', true);
  }
}

INSTANTIATE_TEST_SUITE_P(Files, GoldenTokens, testing::Values("tokens.json", "tokens_random.json"),
                         [](const auto& info) { return info.index == 0 ? "chosen" : "random"; });

TEST(ClipTokenizer, AddedTokensAreIdentical) {
  const Json data = golden("tokens.json");
  ASSERT_FALSE(data["added_token_cases"].empty());
  for (const Json& group : data["added_token_cases"]) {
    ClipTokenizer tokenizer = builtin(group["family"]);
    std::vector<int> ids;
    for (const Json& text : group["added"])
      ids.push_back(tokenizer.add_token(text.get<std::string>()).value());
    EXPECT_EQ(Json(ids), group["added_ids"]);
    for (const Json& item : group["cases"])
      EXPECT_EQ(Json(tokenizer.encode(item["text"].get<std::string>())), item["ids"])
          << item["text"].dump(-1, ' ', true);
  }
}

TEST(ClipTokenizer, PaddedPromptsAreIdentical) {
  const Json data = golden("tokens.json");
  ASSERT_FALSE(data["padded_cases"].empty());
  for (const Json& item : data["padded_cases"])
    EXPECT_EQ(Json(builtin(item["family"]).encode_padded(item["text"].get<std::string>())),
              item["ids"])
        << item["text"];
}

TEST(ClipTokenizer, WindowsHoldTheWholePrompt) {
  const ClipTokenizer tokenizer = builtin("sd1");
  std::string prompt;
  for (int i = 0; i < 80; ++i) prompt += "cat ";
  const auto windows = tokenizer.encode_windows(prompt);
  ASSERT_EQ(windows.size(), 2u);
  EXPECT_EQ(windows[0], tokenizer.encode_padded(prompt));
  EXPECT_EQ(windows[1], tokenizer.encode_padded("cat cat cat cat cat"));
  EXPECT_EQ(tokenizer.encode_windows("").size(), 1u);
  EXPECT_EQ(tokenizer.encode_windows(prompt.substr(0, 75 * 4)).size(), 1u);
}

TEST(ClipTokenizer, AddedTokensGetNewIdsEvenForKnownWords) {
  ClipTokenizer tokenizer = builtin("sd1");
  const auto id = tokenizer.add_token("cat", TokenMatch::whole_word);
  ASSERT_EQ(id.value(), 49408);
  EXPECT_EQ(tokenizer.vocab_size(), 49409);
  EXPECT_EQ(tokenizer.token_text(*id), "cat");
  // Where a letter or digit touches it, the word is tokenised as if nothing had been added.
  std::vector<int> wanted = {320, *id, 267};
  for (const int other : builtin("sd1").encode("1cat écat caté")) wanted.push_back(other);
  wanted.push_back(*id);
  EXPECT_EQ(tokenizer.encode("a cat, 1cat écat caté cat"), wanted);
  EXPECT_FALSE(tokenizer.add_token("cat"));
  EXPECT_FALSE(tokenizer.add_token(""));
  EXPECT_EQ(builtin("sd1").vocab_size(), 49408) << "copies must not share added tokens";
}

TEST(ClipTokenizer, DecodesWhatItEncoded) {
  const ClipTokenizer tokenizer = builtin("sd1");
  EXPECT_EQ(tokenizer.decode(tokenizer.encode("A café in 東京, 2 cats")),
            "a café in 東京 , 2 cats");
  EXPECT_EQ(tokenizer.decode({49406, 2368, 49407, 123456}), "<|startoftext|>cat <|endoftext|>");
}

TEST(ClipTokenizer, LongPromptsTakeLittleTime) {
  const ClipTokenizer tokenizer = builtin("sd2");
  std::string prompt, word, entities = "&";
  for (int i = 0; i < 10'000; ++i) prompt += "word" + std::to_string(i) + "é! ";
  for (int i = 0; i < 100'000; ++i) word += static_cast<char>('a' + i % 7);
  for (int i = 0; i < 10'000; ++i) entities += "amp;";
  std::string marks;  // combining marks in the wrong order, the worst case for reordering
  for (int i = 0; i < 20'000; ++i) marks += i % 2 != 0 ? "\xCC\xA3" : "\xCC\x81";
  for (const std::string& text : {prompt, word, entities, marks}) {
    const auto start = std::chrono::steady_clock::now();
    EXPECT_FALSE(tokenizer.encode(text).empty());
    const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - start;
    EXPECT_LT(taken.count(), 5.0) << text.substr(0, 20);  // 0.05 s without sanitizers
  }
}

TEST(ClipTokenizer, BytesThatAreNoUtf8CountAsReplacementCharacters) {
  const ClipTokenizer tokenizer = builtin("sd1");
  EXPECT_EQ(tokenizer.encode("cat \xFF dog"), tokenizer.encode("cat \uFFFD dog"));
}

TEST(ClipTokenizerFolder, TakesEverythingFromTheFiles) {
  const Folder folder;
  folder.write("vocab.json", kTinyVocabulary);
  folder.write("merges.txt", "#version: 0.2\na t</w>\n");
  folder.write("tokenizer_config.json", R"({"pad_token": "!", "model_max_length": 6,
      "added_tokens_decoder": {"12": {"content": "<x>"}}})");
  folder.write("special_tokens_map.json", R"({"pad_token": {"content": "<pad>"}})");
  folder.write("added_tokens.json", R"({"<y>": 11})");
  const auto tokenizer = ClipTokenizer::from_folder(folder.path());
  ASSERT_TRUE(tokenizer) << tokenizer.error().text();
  EXPECT_EQ(tokenizer->vocab_size(), 13);
  EXPECT_EQ(tokenizer->max_length(), 6);
  EXPECT_EQ(tokenizer->pad_id(), 9);
  EXPECT_EQ(tokenizer->encode_padded("at<y>a"), (std::vector<int>{7, 4, 11, 2, 8, 9}));
  EXPECT_EQ(tokenizer->encode("<x>at!z"), (std::vector<int>{12, 4, 5, 8})) << "z is unknown";
}

TEST(ClipTokenizerFolder, ReadsTokenizerJsonWithBothFormsOfMerges) {
  for (const char* merges : {R"(["a t</w>"])", R"([["a", "t</w>"]])"}) {
    const Folder folder;
    folder.write("tokenizer.json", std::string(R"({"model": {"vocab": )") + kTinyVocabulary +
                                       R"(, "merges": )" + merges +
                                       R"(}, "added_tokens": [{"id": 10, "content": "<x>"}]})");
    folder.write("tokenizer_config.json", R"({"pad_token": "!", "model_max_length": 1e30})");
    const auto tokenizer = ClipTokenizer::from_folder(folder.path());
    ASSERT_TRUE(tokenizer) << tokenizer.error().text();
    EXPECT_EQ(tokenizer->encode("at<x>!"), (std::vector<int>{4, 10, 6}));
    EXPECT_EQ(tokenizer->max_length(), 77);
    EXPECT_EQ(tokenizer->pad_id(), 6);
  }
}

TEST(ClipTokenizerFolder, SaysWhatIsWrong) {
  struct Case {
    const char* vocabulary;
    const char* merges;
    const char* config;
    const char* message;
  };
  const Case cases[] = {
      {"{\"a\": 0", "", "{}", "vocab.json: should hold a JSON object"},
      {"[]", "", "{}", "vocab.json: should hold a JSON object"},
      {"{}", "", "{}", "vocab.json: should map tokens to ids"},
      {R"({"a": -1})", "", "{}", "token \"a\" should have an id"},
      {R"({"a": 1e99})", "", "{}", "token \"a\" should have an id"},
      {kTinyVocabulary, "a t\nabc\n", "{}", "line 2 should hold two symbols"},
      {kTinyVocabulary, "", R"({"pad_token": "nope"})", "\"nope\" is not in the vocabulary"},
      {kTinyVocabulary, "", R"({"added_tokens_decoder": {"x": {"content": "t"}}})", "an id from 0"},
      {kTinyVocabulary, "", R"({"added_tokens_decoder": {"3": 5}})", "an added token has no text"},
      {R"({"a": 0})", "", "{}", "\"<|startoftext|>\" is not in the vocabulary"},
  };
  for (const Case& each : cases) {
    const Folder folder;
    folder.write("vocab.json", each.vocabulary);
    folder.write("merges.txt", each.merges);
    folder.write("tokenizer_config.json", each.config);
    const auto tokenizer = ClipTokenizer::from_folder(folder.path());
    ASSERT_FALSE(tokenizer) << each.message;
    EXPECT_EQ(tokenizer.error().code, ErrorCode::bad_file);
    EXPECT_NE(tokenizer.error().message.find(each.message), std::string::npos)
        << tokenizer.error().text();
  }
  const Folder empty;
  EXPECT_EQ(ClipTokenizer::from_folder(empty.path()).error().code, ErrorCode::not_found);
  empty.write("vocab.json", kTinyVocabulary);
  EXPECT_EQ(ClipTokenizer::from_folder(empty.path()).error().code, ErrorCode::not_found);
}

}  // namespace
}  // namespace invokeai::text
