#include "text/wildcards.h"

#include <algorithm>
#include <limits>
#include <map>
#include <utility>

#include "base/file.h"
#include "text/internal/note_list.h"
#include "text/internal/source_text.h"

namespace invokeai::text {
namespace {

constexpr const char* kOrigin = "wildcards";
constexpr int kMaxDepth = 64;
constexpr std::uint64_t kMaxLength = std::uint64_t{1} << 20;
constexpr std::uint64_t kMaxCount = std::numeric_limits<std::uint64_t>::max();

bool is_name_character(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
         c == '-' || c == '/';
}

std::uint64_t add_capped(std::uint64_t a, std::uint64_t b) {
  return a > kMaxCount - b ? kMaxCount : a + b;
}

std::uint64_t multiply_capped(std::uint64_t a, std::uint64_t b) {
  return b != 0 && a > kMaxCount / b ? kMaxCount : a * b;
}

}  // namespace

WildcardSource wildcard_folder(std::filesystem::path folder) {
  return [folder = std::move(folder)](std::string_view name) -> Result<std::vector<std::string>> {
    constexpr std::size_t kMaxBytes = std::size_t{16} << 20;
    TRY_ASSIGN(const std::string content,
               read_file(folder / (std::string(name) + ".txt"), kMaxBytes));
    std::vector<std::string> lines;
    for (std::size_t begin = 0; begin < content.size();) {
      const std::size_t end = std::min(content.find('\n', begin), content.size());
      const std::string line = content.substr(begin, end - begin);
      const std::size_t first = line.find_first_not_of(" \t\r");
      if (first != std::string::npos && line[first] != '#')
        lines.push_back(line.substr(first, line.find_last_not_of(" \t\r") + 1 - first));
      begin = end + 1;
    }
    return lines;
  };
}

class DynamicPromptParser {
 public:
  explicit DynamicPromptParser(const WildcardSource& source) : source_(source) {}

  Result<DynamicPrompt> run(std::string_view prompt) {
    columns_ = internal::SourceText(prompt);
    TRY_ASSIGN(prompt_.root_, text(prompt, 0));
    if (length(prompt_.root_) > std::max<std::uint64_t>(kMaxLength, prompt.size()))
      return fail(ErrorCode::invalid_argument, kOrigin,
                  "the wildcards can grow the prompt beyond {} bytes; leave out some", kMaxLength);
    prompt_.notes_ = notes_.take();
    return std::move(prompt_);
  }

 private:
  using Sequence = std::vector<int>;
  struct Braces {
    std::size_t close = 0;
    std::vector<std::size_t> bars;
  };
  using BraceMap = std::map<std::size_t, Braces>;  // by the opening brace

  /// A whole prompt (`depth` 0) or a line of a file.
  Result<Sequence> text(std::string_view text, int depth) {
    const BraceMap braces = match_braces(text);
    return sequence(text, 0, text.size(), braces, depth, false);
  }

  BraceMap match_braces(std::string_view text) {
    BraceMap result;
    std::vector<std::pair<std::size_t, Braces>> open;
    const auto note = [&](std::size_t at) {
      if (open_files_ == 0)
        notes_.add(columns_.column(at), "'{}' stays text: it has no partner", text[at]);
    };
    for (std::size_t i = 0; i < text.size(); ++i) {
      if (const std::size_t escape = escaped(text.substr(i), !open.empty())) {
        i += escape - 1;
      } else if (text[i] == '{') {
        open.push_back({i, {}});
      } else if (text[i] == '|' && !open.empty()) {
        open.back().second.bars.push_back(i);
      } else if (text[i] == '}' && open.empty()) {
        note(i);
      } else if (text[i] == '}') {
        open.back().second.close = i;
        if (!open.back().second.bars.empty()) result.insert(std::move(open.back()));
        open.pop_back();
      }
    }
    for (const auto& [at, ignored] : open) note(at);
    return result;
  }

  Result<Sequence> sequence(std::string_view text, std::size_t begin, std::size_t end,
                            const BraceMap& braces, int depth, bool inside) {
    if (depth > kMaxDepth)
      return fail(ErrorCode::invalid_argument, kOrigin,
                  "choices are nested more than {} deep; nest fewer", kMaxDepth);
    Sequence result;
    std::string plain;
    const auto end_plain = [&] {
      if (!plain.empty()) result.push_back(add_node({std::move(plain), {}, 1}));
      plain.clear();
    };
    for (std::size_t at = begin; at < end;) {
      const std::string_view rest = text.substr(at, end - at);
      if (const std::size_t escape = escaped(rest, inside)) {
        plain += rest.substr(1, escape - 1);
        at += escape;
      } else if (const auto found = braces.find(at); found != braces.end()) {
        end_plain();
        TRY_ASSIGN(const int node, choice(text, at + 1, found->second, braces, depth));
        result.push_back(node);
        at = found->second.close + 1;
      } else if (const std::string_view name = file_name(rest); !name.empty()) {
        TRY_ASSIGN(const int node, file(name, columns_.column(at), depth));
        if (node < 0) plain += rest.substr(0, name.size() + 4);
        if (node >= 0) end_plain();
        if (node >= 0) result.push_back(node);
        at += name.size() + 4;
      } else {
        plain += text[at++];
      }
    }
    end_plain();
    return result;
  }

  /// Length of an escaped character, 0 if there is none.
  static std::size_t escaped(std::string_view rest, bool inside) {
    if (rest.substr(0, 2) == "\\{" || rest.substr(0, 2) == "\\}") return 2;
    if (inside && rest.substr(0, 2) == "\\|") return 2;
    return rest.substr(0, 3) == "\\__" ? 3 : 0;
  }

  /// The name in `__name__`, empty if there is none.
  static std::string_view file_name(std::string_view rest) {
    if (rest.substr(0, 2) != "__") return {};
    const std::size_t end = rest.find("__", 2);
    if (end == std::string_view::npos) return {};
    const std::string_view name = rest.substr(2, end - 2);
    for (const char c : name)
      if (!is_name_character(c)) return {};
    return name.substr(0, 1) == "/" ? std::string_view{} : name;
  }

  Result<int> choice(std::string_view text, std::size_t begin, const Braces& group,
                     const BraceMap& braces, int depth) {
    DynamicPrompt::Node node;
    for (std::size_t i = 0; i <= group.bars.size(); ++i) {
      const std::size_t end = i < group.bars.size() ? group.bars[i] : group.close;
      TRY_ASSIGN(Sequence option, sequence(text, begin, end, braces, depth + 1, true));
      node.options.push_back(std::move(option));
      begin = end + 1;
    }
    return add_node(std::move(node));
  }

  /// The node for a file, read once; -1 when there is no such file.
  Result<int> file(std::string_view name, std::size_t column, int depth) {
    constexpr int kReading = -2;
    const auto [entry, added] = files_.try_emplace(std::string(name), kReading);
    if (!added && entry->second == kReading)
      return fail(ErrorCode::bad_file, kOrigin, "wildcard file '{}' holds itself", name);
    if (!added) return entry->second;
    Result<std::vector<std::string>> lines = source_(name);
    if (!lines && lines.error().code == ErrorCode::not_found) {
      notes_.add(open_files_ == 0 ? column : 0, "__{}__ stays text: there is no such wildcard file",
                 name);
      return entry->second = -1;
    }
    if (!lines) return tl::make_unexpected(std::move(lines).error());
    if (lines->empty())
      return fail(ErrorCode::bad_file, kOrigin, "wildcard file '{}' has no lines", name);
    DynamicPrompt::Node node;
    ++open_files_;
    for (const std::string& line : *lines) {
      TRY_ASSIGN(Sequence option, text(line, depth + 1));
      node.options.push_back(std::move(option));
    }
    --open_files_;
    return entry->second = add_node(std::move(node));
  }

  int add_node(DynamicPrompt::Node node) {
    if (!node.options.empty()) node.count = 0;
    std::uint64_t longest = std::max<std::uint64_t>(node.text.size(), 1);
    for (const Sequence& option : node.options) {
      node.count = add_capped(node.count, prompt_.count(option));
      longest = std::max(longest, add_capped(length(option), 1));
    }
    lengths_.push_back(longest);
    prompt_.nodes_.push_back(std::move(node));
    return static_cast<int>(prompt_.nodes_.size()) - 1;
  }

  /// Bytes that the sequence can come to, at least one for each node.
  std::uint64_t length(const Sequence& sequence) const {
    std::uint64_t sum = 0;
    for (const int node : sequence) sum = add_capped(sum, lengths_[node]);
    return sum;
  }

  const WildcardSource& source_;
  DynamicPrompt prompt_;
  internal::NoteList notes_;
  internal::SourceText columns_;
  int open_files_ = 0;                  // 0: the text being read is the prompt itself
  std::vector<std::uint64_t> lengths_;  // of each node
  std::map<std::string, int> files_;
};

Result<DynamicPrompt> DynamicPrompt::parse(std::string_view prompt, const WildcardSource& source) {
  return DynamicPromptParser(source).run(prompt);
}

std::uint64_t DynamicPrompt::count(const std::vector<int>& sequence) const {
  std::uint64_t product = 1;
  for (const int node : sequence) product = multiply_capped(product, nodes_[node].count);
  return product;
}

std::uint64_t DynamicPrompt::count() const { return count(root_); }

/// `pick` says which option a node takes; it is asked from the end of the text to its beginning.
template <class Pick>
void DynamicPrompt::render(const std::vector<int>& sequence, Pick& pick, std::string& out) const {
  std::vector<std::string> texts;
  for (auto node = sequence.rbegin(); node != sequence.rend(); ++node) {
    std::string text = nodes_[*node].text;
    if (!nodes_[*node].options.empty()) render(pick(nodes_[*node]), pick, text);
    texts.push_back(std::move(text));
  }
  for (auto text = texts.rbegin(); text != texts.rend(); ++text) out += *text;
}

std::string DynamicPrompt::variant(std::uint64_t index) const {
  std::string result;
  // The number in a mixed base, last digit first; inside an option the digit's rest goes on.
  struct Digits {
    const DynamicPrompt& prompt;
    std::uint64_t rest;
    const std::vector<int>& operator()(const Node& node) {
      std::uint64_t digit = rest % node.count;
      const std::uint64_t above = rest / node.count;
      std::size_t option = 0;
      for (; digit >= prompt.count(node.options[option]); ++option)
        digit -= prompt.count(node.options[option]);
      // What is left of the digit counts through the option's own choices first.
      rest = digit + above * prompt.count(node.options[option]);
      return node.options[option];
    }
  } digits{*this, index};
  render(root_, digits, result);
  return result;
}

std::string DynamicPrompt::choose(std::uint64_t seed) const {
  std::string result;
  struct Draw {  // splitmix64, Steele et al. 2014: the same numbers on every platform
    std::uint64_t state;
    const std::vector<int>& operator()(const Node& node) {
      std::uint64_t z = state += 0x9E3779B97F4A7C15u;
      z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
      z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
      z ^= z >> 31;
      return node.options[((z >> 32) * node.options.size()) >> 32];
    }
  } draw{seed};
  render(root_, draw, result);
  return result;
}

Result<std::vector<std::string>> DynamicPrompt::all(std::uint64_t limit) const {
  if (count() > limit)
    return fail(ErrorCode::invalid_argument, kOrigin,
                "the prompt has {} variants, more than the {} allowed; leave out some choices",
                count(), limit);
  std::vector<std::string> result;
  for (std::uint64_t i = 0; i < count(); ++i) result.push_back(variant(i));
  return result;
}

}  // namespace invokeai::text
