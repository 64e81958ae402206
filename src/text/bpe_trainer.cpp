#include "text/bpe_trainer.h"

#include <algorithm>
#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "base/file.h"
#include "base/utf8.h"
#include "text/words.h"

namespace invokeai::text {
namespace {

constexpr int kFixedEntries = 2 * 256 + 2;  // byte symbols in both forms, and the markers

/// A distinct word: its symbols so far and how often it occurs.
struct Word {
  std::vector<std::string> symbols;
  std::int64_t count = 0;
};

struct PairUse {
  std::int64_t count = 0;
  std::set<std::size_t> words;
};

std::vector<Word> count_words(std::span<const std::string> texts) {
  std::map<std::string, std::int64_t> counts;
  for (const std::string& text : texts)
    for (const std::string& word : split_words(decode_utf8(text)))
      if (word != kStartMarker && word != kEndMarker) ++counts[word];
  std::vector<Word> words;
  for (const auto& [text, count] : counts) {
    Word word;
    word.count = count;
    for (const char byte : text)
      word.symbols.push_back(byte_symbols()[static_cast<std::uint8_t>(byte)]);
    word.symbols.back() += "</w>";
    words.push_back(std::move(word));
  }
  return words;
}

/// How often each pair of neighbours occurs, kept up to date while words change.
class PairTable {
 public:
  explicit PairTable(std::vector<Word> words) : words_(std::move(words)) {
    for (std::size_t i = 0; i < words_.size(); ++i) count_pairs(i, +1);
  }

  /// The most frequent pair that occurs at least `minimum` times, or null.
  const Merge* best(std::int64_t minimum) const {
    const Merge* found = nullptr;
    std::int64_t most = minimum - 1;
    for (const auto& [pair, use] : pairs_) {
      if (use.count <= most) continue;
      most = use.count;
      found = &pair;
    }
    return found;
  }

  void apply(const Merge& merge) {
    for (const std::size_t index : std::set<std::size_t>(pairs_.at(merge).words)) {
      count_pairs(index, -1);
      merge_in(words_[index].symbols, merge);
      count_pairs(index, +1);
    }
  }

 private:
  void count_pairs(std::size_t index, int sign) {
    const Word& word = words_[index];
    for (std::size_t i = 0; i + 1 < word.symbols.size(); ++i) {
      const auto place = pairs_.try_emplace({word.symbols[i], word.symbols[i + 1]}).first;
      place->second.count += sign * word.count;
      if (sign > 0) place->second.words.insert(index);
      if (sign < 0) place->second.words.erase(index);
      if (place->second.count == 0) pairs_.erase(place);
    }
  }

  static void merge_in(std::vector<std::string>& symbols, const Merge& merge) {
    std::vector<std::string> merged;
    for (std::size_t i = 0; i < symbols.size(); ++i) {
      const bool here =
          i + 1 < symbols.size() && symbols[i] == merge.first && symbols[i + 1] == merge.second;
      merged.push_back(here ? merge.first + merge.second : symbols[i]);
      if (here) ++i;
    }
    symbols = std::move(merged);
  }

  std::vector<Word> words_;
  std::map<Merge, PairUse> pairs_;
};

}  // namespace

Result<std::vector<Merge>> learn_merges(std::span<const std::string> texts,
                                        const BpeOptions& options) {
  if (options.vocabulary_size < kFixedEntries || options.minimum_count < 1)
    return fail(ErrorCode::invalid_argument, "bpe.learn",
                "a vocabulary has at least {} entries and a minimum count of 1, not {} and {}",
                kFixedEntries, options.vocabulary_size, options.minimum_count);
  const auto wanted = static_cast<std::size_t>(options.vocabulary_size - kFixedEntries);
  PairTable table(count_words(texts));
  std::vector<Merge> merges;
  std::set<std::string> tokens;  // two merges can spell the same token, which has one id
  while (tokens.size() < wanted) {
    const Merge* best = table.best(options.minimum_count);
    if (best == nullptr) break;
    merges.push_back(*best);
    tokens.insert(merges.back().first + merges.back().second);
    table.apply(merges.back());
  }
  return merges;
}

Result<> write_tokenizer_folder(const std::filesystem::path& folder,
                                const std::vector<Merge>& merges,
                                const TokenizerFolderOptions& options) {
  using Json = nlohmann::ordered_json;
  Json vocabulary = Json::object();
  int id = 0;
  for (const std::string& token : clip_vocabulary(merges)) vocabulary.push_back({token, id++});
  if (!vocabulary.contains(options.pad_token) || options.max_length < 3)
    return fail(ErrorCode::invalid_argument, "bpe.write",
                "padding needs a vocabulary entry and a length of at least 3, not \"{}\" and {}",
                options.pad_token, options.max_length);
  std::string lines = "#version: 0.2\n";
  for (const auto& [left, right] : merges) lines += left + " " + right + "\n";
  // Markers are written as objects, as in published folders: transformers strips the white space
  // beside special tokens that are plain strings.
  const auto marker = [](std::string_view text) {
    return Json{{"content", text},
                {"lstrip", false},
                {"normalized", true},
                {"rstrip", false},
                {"single_word", false}};
  };
  const Json special = {{"bos_token", marker(kStartMarker)},
                        {"eos_token", marker(kEndMarker)},
                        {"unk_token", marker(kEndMarker)},
                        {"pad_token", options.pad_token}};
  const Json config = {{"tokenizer_class", "CLIPTokenizer"},
                       {"bos_token", kStartMarker},
                       {"eos_token", kEndMarker},
                       {"unk_token", kEndMarker},
                       {"pad_token", options.pad_token},
                       {"model_max_length", options.max_length},
                       {"do_lower_case", true},
                       {"errors", "replace"},
                       {"add_prefix_space", false}};

  std::error_code error;
  fs::create_directories(folder, error);
  if (error)
    return fail(ErrorCode::io, "bpe.write", "cannot make the folder {}: {}", folder.string(),
                error.message());
  TRY_VOID(write_file_atomically(folder / "vocab.json", vocabulary.dump()));
  TRY_VOID(write_file_atomically(folder / "merges.txt", lines));
  TRY_VOID(write_file_atomically(folder / "tokenizer_config.json", config.dump(2) + "\n"));
  return write_file_atomically(folder / "special_tokens_map.json", special.dump(2) + "\n");
}

}  // namespace invokeai::text
