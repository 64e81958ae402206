#include "text/byte_pairs.h"

#include <algorithm>
#include <queue>
#include <unordered_set>

#include "base/utf8.h"

namespace invokeai::text {
namespace {

bool stands_for_itself(int byte) {
  return (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174;
}

std::uint64_t pair_key(int left, int right) {
  return static_cast<std::uint64_t>(left) << 32 | static_cast<std::uint32_t>(right);
}

}  // namespace

const std::array<std::string, 256>& byte_symbols() {
  static const std::array<std::string, 256> symbols = [] {
    std::array<std::string, 256> made;
    char32_t next = 0x100;
    for (int byte = 0; byte < 256; ++byte)
      append_utf8(made[byte], stands_for_itself(byte) ? static_cast<char32_t>(byte) : next++);
    return made;
  }();
  return symbols;
}

const std::array<std::uint8_t, 256>& byte_symbol_order() {
  static const std::array<std::uint8_t, 256> order = [] {
    std::array<std::uint8_t, 256> made{};
    for (int i = 0; i < 256; ++i) made[i] = static_cast<std::uint8_t>(i);
    std::stable_partition(made.begin(), made.end(), stands_for_itself);
    return made;
  }();
  return order;
}

std::vector<std::string> clip_vocabulary(const std::vector<Merge>& merges) {
  std::vector<std::string> tokens;
  tokens.reserve(merges.size() + 514);
  for (const char* suffix : {"", "</w>"})
    for (const std::uint8_t byte : byte_symbol_order())
      tokens.push_back(byte_symbols()[byte] + suffix);
  std::unordered_set<std::string> known(tokens.begin(), tokens.end());
  for (const auto& [left, right] : merges)
    if (known.insert(left + right).second) tokens.push_back(left + right);
  tokens.emplace_back("<|startoftext|>");
  tokens.emplace_back("<|endoftext|>");
  return tokens;
}

Result<std::vector<Merge>> parse_merges(std::string_view text, std::size_t limit,
                                        const std::string& origin) {
  std::vector<Merge> merges;
  std::size_t number = 0;
  while (!text.empty() && merges.size() < limit) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.ends_with('\r')) line.remove_suffix(1);
    ++number;
    const bool header = number == 1 && (line.starts_with("#version") ||
                                        line.find("bpe_simple") != std::string_view::npos);
    if (header || line.empty()) continue;
    const std::size_t blank = line.find(' ');
    if (blank == 0 || blank == std::string_view::npos || blank + 1 == line.size() ||
        line.find(' ', blank + 1) != std::string_view::npos)
      return fail(ErrorCode::bad_file, "tokenizer.merges",
                  "{}: line {} should hold two symbols with one blank between them", origin,
                  number);
    merges.emplace_back(line.substr(0, blank), line.substr(blank + 1));
  }
  return merges;
}

BytePairs::BytePairs(const std::vector<Merge>& merges,
                     std::unordered_map<std::string, int> vocabulary, int unknown)
    : ids_(std::move(vocabulary)), unknown_(unknown) {
  for (const auto& [text, id] : ids_) {
    texts_.emplace(id, text);
    size_ = std::max(size_, id + 1);
  }
  for (int byte = 0; byte < 256; ++byte) {
    inner_[byte] = symbol(byte_symbols()[byte]);
    final_[byte] = symbol(byte_symbols()[byte] + "</w>");
  }
  rules_.reserve(merges.size());
  for (int rank = 0; rank < static_cast<int>(merges.size()); ++rank) {
    const auto& [left, right] = merges[rank];
    const std::uint64_t key = pair_key(symbol(left), symbol(right));
    rules_[key] = {rank, symbol(left + right)};
  }
}

int BytePairs::symbol(const std::string& text) {
  const auto [place, added] = symbols_.emplace(text, static_cast<int>(symbol_ids_.size()));
  if (added) {
    const int id = find(text);
    symbol_ids_.push_back(id < 0 ? unknown_ : id);
  }
  return place->second;
}

void BytePairs::encode_word(std::string_view word, std::vector<int>& ids) const {
  if (word.empty()) return;
  // A doubly linked list of symbols; a merge writes its result to the left place.
  struct Node {
    int symbol, previous, next;
  };
  const int count = static_cast<int>(word.size());
  std::vector<Node> nodes(word.size());
  for (int i = 0; i < count; ++i) {
    const auto byte = static_cast<std::uint8_t>(word[i]);
    nodes[i] = {i + 1 < count ? inner_[byte] : final_[byte], i - 1, i + 1 < count ? i + 1 : -1};
  }
  struct Candidate {
    int rank, place;
    std::uint64_t key;
    bool operator>(const Candidate& other) const {
      return rank != other.rank ? rank > other.rank : place > other.place;
    }
  };
  std::vector<Candidate> fresh;
  const auto offer = [&](int place) {
    if (place < 0 || nodes[place].next < 0) return;
    const std::uint64_t key = pair_key(nodes[place].symbol, nodes[nodes[place].next].symbol);
    const auto rule = rules_.find(key);
    if (rule != rules_.end()) fresh.push_back({rule->second.rank, place, key});
  };
  for (int i = 0; i < count; ++i) offer(i);
  std::priority_queue<Candidate, std::vector<Candidate>, std::greater<>> queue(std::greater<>{},
                                                                               std::move(fresh));
  while (!queue.empty()) {
    // One round merges every occurrence of the best pair, left to right; pairs that arise on the
    // way wait for the next round.
    const int rank = queue.top().rank;
    fresh.clear();
    while (!queue.empty() && queue.top().rank == rank) {
      const auto [_, place, key] = queue.top();
      queue.pop();
      Node& left = nodes[place];
      if (left.symbol < 0 || left.next < 0) continue;
      Node& right = nodes[left.next];
      if (pair_key(left.symbol, right.symbol) != key) continue;  // changed since it was offered
      left.symbol = rules_.at(key).result;
      left.next = right.next;
      if (right.next >= 0) nodes[right.next].previous = place;
      right.symbol = -1;
      offer(left.previous);
      offer(place);
    }
    for (const Candidate& candidate : fresh) queue.push(candidate);
  }
  for (int i = 0; i >= 0; i = nodes[i].next) ids.push_back(symbol_ids_[nodes[i].symbol]);
}

int BytePairs::find(const std::string& token) const {
  const auto place = ids_.find(token);
  return place == ids_.end() ? -1 : place->second;
}

const std::string& BytePairs::token_text(int id) const {
  static const std::string none;
  const auto place = texts_.find(id);
  return place == texts_.end() ? none : place->second;
}

}  // namespace invokeai::text
