#pragma once
// Byte-pair encoding in CLIP's form: words are sequences of byte symbols, the last one marked
// "</w>"; known pairs are merged in order of rank. Sennrich 2016; byte symbols as in GPT-2.

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/result.h"

namespace invokeai::text {

/// Two adjacent symbols that merge into one; the place in the list is the rank.
using Merge = std::pair<std::string, std::string>;

/// The printable character (UTF-8) that stands for each byte: bytes 33-126, 161-172 and 174-255 for
/// themselves, the others as U+0100, U+0101 ... in increasing order.
const std::array<std::string, 256>& byte_symbols();

/// The order in which CLIP vocabularies list the byte symbols (ids 0-255): those that stand for
/// themselves first.
const std::array<std::uint8_t, 256>& byte_symbol_order();

/// Vocabulary of a merge list in CLIP's order: byte symbols, byte symbols with "</w>", what each
/// merge makes (once), "<|startoftext|>", "<|endoftext|>". Element i is the text of id i.
std::vector<std::string> clip_vocabulary(const std::vector<Merge>& merges);

/// The lines "a b" of a merges.txt; a first line starting with "#version" or a quoted "bpe_simple"
/// line is skipped, as are blank lines at the end. At most `limit` merges are taken.
/// Errors: bad_file with the line's number.
Result<std::vector<Merge>> parse_merges(std::string_view text, std::size_t limit,
                                        const std::string& origin);

/// Immutable vocabulary with its merges.
class BytePairs {
 public:
  /// vocabulary: text to id, ids at least 0. Symbols without an id encode as `unknown`.
  BytePairs(const std::vector<Merge>& merges, std::unordered_map<std::string, int> vocabulary,
            int unknown);

  /// Appends the ids of one word (any bytes, at least one). O(n log n) in its length.
  void encode_word(std::string_view word, std::vector<int>& ids) const;

  /// Id of a vocabulary entry, or -1.
  int find(const std::string& token) const;
  /// Text of an id, empty if there is none.
  const std::string& token_text(int id) const;
  /// One more than the largest id.
  int size() const { return size_; }
  int unknown() const { return unknown_; }

 private:
  struct Rule {
    int rank = 0;
    int result = 0;
  };
  int symbol(const std::string& text);

  std::unordered_map<std::string, int> ids_;
  std::unordered_map<int, std::string> texts_;
  std::unordered_map<std::string, int> symbols_;  // every text that can occur while merging
  std::vector<int> symbol_ids_;                   // symbol -> id
  std::unordered_map<std::uint64_t, Rule> rules_;
  std::array<int, 256> inner_{};  // byte -> symbol inside a word
  std::array<int, 256> final_{};  // byte -> symbol at its end
  int size_ = 0;
  int unknown_ = 0;
};

}  // namespace invokeai::text
