#include "text/prompt_print.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <charconv>
#include <nlohmann/json.hpp>
#include <string_view>

#include "text/internal/prompt_grammar.h"
#include "text/prompt_parser.h"

namespace invokeai::text {
namespace {

using internal::PromptGrammar;
using internal::SourceText;

/// Digits that read back to the same number, without exponent, which the grammar does not know.
std::string digits(double value) {
  char buffer[400];
  const auto end =
      std::to_chars(buffer, buffer + sizeof(buffer), value, std::chars_format::fixed).ptr;
  return std::string(buffer, end);
}

/// Calls `f` with every word; two blanks in a row enclose an empty one.
template <class F>
void for_each_word(std::string_view source, F f) {
  for (std::size_t begin = 0; begin <= source.size();) {
    const std::size_t end = std::min(source.find(' ', begin), source.size());
    f(source.substr(begin, end - begin));
    begin = end + 1;
  }
}

/// The blank that keeps a backslash at the end of the text from escaping what follows.
const char* escapes_next(std::string_view text) {
  return !text.empty() && text.back() == '\\' ? " " : "";
}

/// Words of a group: empty texts need quotation marks to be seen.
std::string group_words(std::string_view source) {
  std::string result;
  for_each_word(source, [&](std::string_view word) {
    if (!result.empty()) result += ' ';
    result += word.empty() ? "\"\"" : word;
  });
  return result + escapes_next(result);
}

bool is_strict(std::string_view word) {
  const SourceText source(word);
  return word.empty() || word == "," ||
         PromptGrammar(source).word_end(0, word.size()) == word.size();
}

bool has_strict_words(const Prompt& prompt) {
  bool strict = true;
  for (const Piece& piece : prompt.pieces)
    if (const auto* fragment = std::get_if<Fragment>(&piece))
      for_each_word(fragment->source, [&](std::string_view word) { strict &= is_strict(word); });
  return strict;
}

std::string print_swap_side(const std::vector<Fragment>& side) {
  std::string result;
  for (const Fragment& fragment : side) {
    if (!result.empty()) result += ' ';
    const std::string words = group_words(fragment.source);
    result += fragment.weight == 1 ? words : fmt::format("({}){}", words, digits(fragment.weight));
  }
  return "(" + result + escapes_next(result) + ")";
}

/// How words without weight are written.
struct Style {
  enum class Spelling {
    typed,    ///< as they came in, so literal brackets are literal again
    escaped,  ///< with a backslash before brackets and quotation marks
    quoted,   ///< between quotation marks where possible
  };
  std::string_view separator = " ";
  Spelling spelling = Spelling::typed;
};

std::string escape_marks(std::string_view word) {
  std::string result;
  for (std::size_t i = 0; i < word.size(); ++i) {
    const auto is_mark = [&](std::size_t at) {
      return at < word.size() && (word[at] == '(' || word[at] == ')' || word[at] == '"');
    };
    if (is_mark(i)) result += '\\';
    result += word[i];
    if (word[i] == '\\' && is_mark(i + 1)) result += word[++i];
  }
  return result;
}

/// Top-level words and groups.
class Printer {
 public:
  explicit Printer(Style style) : style_(style) {}

  std::string print(const Prompt& prompt) {
    if (prompt.pieces.empty()) return "()";
    for (const Piece& piece : prompt.pieces) {
      if (const auto* swap = std::get_if<Swap>(&piece)) add_swap(*swap);
      if (const auto* fragment = std::get_if<Fragment>(&piece)) {
        fragment->weight == 1 ? add_plain(*fragment) : add_weighted(*fragment);
      }
    }
    flush();
    return std::move(result_);
  }

 private:
  void add_plain(const Fragment& fragment) {
    for_each_word(fragment.source, [&](std::string_view word) {
      // The word before an operator would become its target: an explicit weight prevents that.
      const bool is_operator = word.substr(0, 5) == ".swap" || word.substr(0, 7) == ".attend";
      if (is_operator && may_be_target_) held_ += escapes_next(held_) + std::string(".attend(1)");
      flush();
      const bool strict = is_strict(word);
      may_be_target_ = strict && word != ",";
      if (word.empty() || (strict && style_.spelling == Style::Spelling::quoted))
        held_ = fmt::format("\"{}{}\"", word, escapes_next(word));
      else
        held_ =
            style_.spelling == Style::Spelling::escaped ? escape_marks(word) : std::string(word);
    });
  }

  /// A colon with anything but a number behind it would begin a legacy blend, so words with one,
  /// which can only be the first or the last of the prompt, go without brackets.
  void add_weighted(const Fragment& fragment) {
    const std::string weight = digits(fragment.weight);
    const bool fraction = weight.substr(0, 2) == "0.";
    std::string group;
    const auto add_group = [&] {
      const bool quoted =
          style_.spelling == Style::Spelling::quoted && group.find("\"\"") == std::string::npos;
      const char* brackets = quoted ? "\"\"" : "()";
      if (!group.empty())
        add(fmt::format("{}{}{}{}{}", brackets[0], group, escapes_next(group), brackets[1],
                        weight));
      group.clear();
    };
    for_each_word(fragment.source, [&](std::string_view word) {
      if (word.find(':') == std::string_view::npos) {
        group += group.empty() ? "" : " ";
        group += word.empty() ? "\"\"" : word;
        return;
      }
      add_group();
      const std::string target(word);
      add(fraction && target.back() != '\\'
              ? target + weight.substr(1)
              : fmt::format("{}{}.attend({})", target, escapes_next(target), weight));
    });
    add_group();
  }

  void add_swap(const Swap& swap) {
    const SwapOptions& o = swap.options;
    const bool plain = swap.original.size() == 1 && swap.original[0].weight == 1;
    const std::string& word = swap.original[0].source;
    const bool bare = plain && !word.empty() && word.find(' ') == std::string::npos && word != ",";
    std::string edited = print_swap_side(swap.edited);
    edited.pop_back();
    const bool comma = edited.find(',') != std::string::npos;
    if (comma) edited = "(" + edited + ")";
    add((bare ? word + escapes_next(word) : print_swap_side(swap.original)) + ".swap" + edited);
    if (!(o == SwapOptions{}))
      held_ += fmt::format(", s_start={}, s_end={}, t_start={}, t_end={}", digits(o.s_start),
                           digits(o.s_end), digits(o.t_start), digits(o.t_end));
    held_ += ')';
  }

  void add(std::string text) {
    flush();
    held_ = std::move(text);
    may_be_target_ = false;
  }

  void flush() {
    if (held_.empty()) return;
    if (!result_.empty()) result_ += style_.separator;
    result_ += held_;
    held_.clear();
  }

  Style style_;
  std::string result_;
  std::string held_;            // the last word, until the next one is known
  bool may_be_target_ = false;  // held_ is one that an operator could follow
};

std::string print_item(const Prompt& prompt) {
  const bool strict = has_strict_words(prompt);
  std::string words = Printer({}).print(prompt);
  words += escapes_next(words);
  return strict ? "(" + words + ")" : "\"" + words + "\"";
}

template <class Range>
std::string print_call(const Range& prompts, const std::vector<double>& weights,
                       std::string_view name, std::string_view flag) {
  std::string items;
  for (const Prompt& prompt : prompts) items += (items.empty() ? "" : ", ") + print_item(prompt);
  std::string numbers;
  for (const double weight : weights) numbers += (numbers.empty() ? "" : ", ") + digits(weight);
  return fmt::format("({}){}({}{})", items, name, numbers, flag);
}

std::string print_legacy(const Blend& blend, Style style) {
  std::string result;
  for (std::size_t i = 0; i < blend.parts.size(); ++i) {
    if (i > 0) result += style.separator;
    for (const char c : Printer(style).print(blend.parts[i])) {
      if (c == ':') result += '\\';
      result += c;
    }
    result += escapes_next(result);
    result += ':' + digits(blend.weights[i]);
  }
  return result;
}

std::string print_positive(const Conjunction& conjunction, Style style) {
  const Blend& first = conjunction.members.front();
  if (first.syntax == Blend::Syntax::legacy) return print_legacy(first, style);
  if (first.syntax == Blend::Syntax::blend)
    return print_call(first.parts, first.weights, ".blend",
                      first.normalize ? "" : ", no_normalize");
  if (conjunction.members.size() == 1) return Printer(style).print(first.parts.front());
  std::vector<Prompt> prompts;
  for (const Blend& member : conjunction.members) prompts.push_back(member.parts.front());
  return print_call(prompts, conjunction.weights, ".and", "");
}

/// The two together, in every order that could matter.
std::vector<std::string> place_negative(const std::string& positive, const std::string& negative) {
  if (negative.empty()) return {positive};
  const std::size_t gap = std::min(positive.find_first_of(" \n"), positive.size());
  return {positive + " " + negative, positive + "\n" + negative, negative + " " + positive,
          positive.substr(0, gap) + negative + positive.substr(gap)};
}

/// As the original's own log writes numbers: shortest digits, but always a point.
std::string point_number(double value) {
  std::string text = fmt::format("{}", value);
  if (text.find_first_of(".en") == std::string::npos) text += ".0";
  return text;
}

std::string describe_fragment(const Fragment& fragment) {
  std::string result =
      fmt::format("Fragment:'{}'@{}", fragment.text, point_number(fragment.weight));
  for (const Visibility& v : fragment.visibility) {
    switch (v.kind) {
      case Visibility::Kind::until:
        result += " until " + point_number(v.when);
        break;
      case Visibility::Kind::from:
        result += " from " + point_number(v.when);
        break;
      case Visibility::Kind::turn:
        result += fmt::format(" turn {} of {}", v.turn, v.turns);
        break;
    }
  }
  return result;
}

std::string describe_list(const std::vector<Fragment>& fragments) {
  std::vector<std::string> texts;
  for (const Fragment& fragment : fragments) texts.push_back(describe_fragment(fragment));
  return fmt::format("[{}]", fmt::join(texts, ", "));
}

std::string describe_numbers(const std::vector<double>& numbers) {
  std::vector<std::string> texts;
  for (const double number : numbers) texts.push_back(point_number(number));
  return fmt::format("[{}]", fmt::join(texts, ", "));
}

using Json = nlohmann::ordered_json;

Json fragment_json(const Fragment& fragment) {
  Json json{{"text", fragment.text}, {"weight", fragment.weight}};
  for (const Visibility& v : fragment.visibility) {
    Json& list = json["visible"];
    switch (v.kind) {
      case Visibility::Kind::until:
        list.push_back({{"until", v.when}});
        break;
      case Visibility::Kind::from:
        list.push_back({{"from", v.when}});
        break;
      case Visibility::Kind::turn:
        list.push_back({{"turn", v.turn}, {"of", v.turns}});
        break;
    }
  }
  return json;
}

Json list_json(const std::vector<Fragment>& fragments) {
  Json json = Json::array();
  for (const Fragment& fragment : fragments) json.push_back(fragment_json(fragment));
  return json;
}

Json pieces_json(const Prompt& prompt) {
  Json json = Json::array();
  for (const Piece& piece : prompt.pieces) {
    if (const auto* fragment = std::get_if<Fragment>(&piece)) {
      json.push_back(fragment_json(*fragment));
    } else if (const auto* swap = std::get_if<Swap>(&piece)) {
      const SwapOptions& o = swap->options;
      json.push_back({{"swap",
                       {{"original", list_json(swap->original)},
                        {"edited", list_json(swap->edited)},
                        {"options",
                         {{"s_start", o.s_start},
                          {"s_end", o.s_end},
                          {"t_start", o.t_start},
                          {"t_end", o.t_end}}}}}});
    } else {
      json.push_back({{"break", true}});
    }
  }
  return json;
}

Json blend_json(const Blend& blend, double weight) {
  constexpr const char* kSyntax[] = {"plain", "blend", "legacy"};
  const std::vector<double> factors = blend.factors();
  Json parts = Json::array();
  for (std::size_t i = 0; i < blend.parts.size(); ++i)
    parts.push_back({{"weight", blend.weights[i]},
                     {"factor", factors[i]},
                     {"pieces", pieces_json(blend.parts[i])}});
  return {{"weight", weight},
          {"syntax", kSyntax[static_cast<int>(blend.syntax)]},
          {"normalize", blend.normalize},
          {"parts", std::move(parts)}};
}

}  // namespace

std::string print_prompt(const ParsedPrompt& parsed) {
  const bool has_negative = !(parsed.negative == Prompt{{Fragment{}}});
  const std::string negative =
      has_negative ? "[" + Printer({}).print(parsed.negative) + "]" : std::string();
  ParseOptions options;
  options.skip_normalize = !parsed.positive.members.front().normalize;
  // Literal brackets, marks and colons can find partners that they did not have as typed, so the
  // first text is taken that reads back.
  std::string first;
  using Spelling = Style::Spelling;
  constexpr Style kStyles[] = {{" ", Spelling::typed},   {"\n", Spelling::typed},
                               {" ", Spelling::escaped}, {"\n", Spelling::escaped},
                               {" ", Spelling::quoted},  {"\n", Spelling::quoted}};
  for (const Style& style : kStyles) {
    const std::string positive = print_positive(parsed.positive, style);
    for (std::string& text : place_negative(positive, negative)) {
      const auto again = parse_prompt(text, options);
      if (again && *again == parsed) return std::move(text);
      if (first.empty()) first = std::move(text);
    }
  }
  return first;
}

std::string describe(const Prompt& prompt) {
  std::vector<std::string> pieces;
  for (const Piece& piece : prompt.pieces) {
    if (const auto* fragment = std::get_if<Fragment>(&piece)) {
      pieces.push_back(describe_fragment(*fragment));
    } else if (const auto* swap = std::get_if<Swap>(&piece)) {
      const SwapOptions& o = swap->options;
      pieces.push_back(fmt::format(
          "CrossAttentionControlSubstitute:({}->{} ({{'s_start': {}, 's_end': {}, 't_start': {}, "
          "'t_end': {}}})",
          describe_list(swap->original), describe_list(swap->edited), point_number(o.s_start),
          point_number(o.s_end), point_number(o.t_start), point_number(o.t_end)));
    } else {
      pieces.push_back("Break");
    }
  }
  return fmt::format("FlattenedPrompt:[{}]", fmt::join(pieces, ", "));
}

std::string describe(const Blend& blend) {
  if (blend.syntax == Blend::Syntax::plain) return describe(blend.parts.front());
  std::vector<std::string> parts;
  for (const Prompt& part : blend.parts) parts.push_back(describe(part));
  const bool shares = blend.syntax == Blend::Syntax::legacy;  // which are divided while parsing
  return fmt::format("Blend:[{}] | weights {}{}", fmt::join(parts, ", "),
                     blend.normalize ? " " : "(non-normalized) ",
                     describe_numbers(shares ? blend.factors() : blend.weights));
}

std::string describe(const Conjunction& conjunction) {
  std::vector<std::string> members;
  for (const Blend& member : conjunction.members) members.push_back(describe(member));
  return fmt::format("Conjunction:[{}] | weights {}", fmt::join(members, ", "),
                     describe_numbers(conjunction.weights));
}

std::string to_json(const ParsedPrompt& parsed, int indent) {
  Json members = Json::array();
  for (std::size_t i = 0; i < parsed.positive.members.size(); ++i)
    members.push_back(blend_json(parsed.positive.members[i], parsed.positive.weights[i]));
  Json loras = Json::array();
  for (const LoraRequest& lora : parsed.loras)
    loras.push_back({{"name", lora.name}, {"weight", lora.weight}});
  Json notes = Json::array();
  for (const Note& note : parsed.notes)
    notes.push_back({{"column", note.column}, {"message", note.message}});
  const Json json{{"positive", {{"members", std::move(members)}}},
                  {"negative", pieces_json(parsed.negative)},
                  {"loras", std::move(loras)},
                  {"notes", std::move(notes)}};
  return json.dump(indent, ' ', false, Json::error_handler_t::replace);
}

}  // namespace invokeai::text
