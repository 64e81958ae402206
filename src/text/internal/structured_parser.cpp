#include "text/internal/structured_parser.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <string_view>
#include <utility>

#include "text/internal/prompt_flatten.h"
#include "text/internal/prompt_grammar.h"

namespace invokeai::text::internal {
namespace {

constexpr const char* kOrigin = "prompt";

class StructuredParser {
 public:
  StructuredParser(const SourceText& source, NoteList& notes)
      : source_(source), grammar_(source), text_(source.text()), notes_(notes) {}

  Result<Conjunction> run() {
    const Scope whole{text_.size(), false};
    if (const auto items = read_items(whole)) {
      for (const char* name : {".and", ".add"})
        if (const auto weights = read_call(items->end, name)) return conjunction(*items, *weights);
      if (const auto weights = read_call(items->end, ".blend")) return blend(*items, *weights);
    }
    std::vector<Event> events;
    read_loose(0, whole, events);
    TRY_ASSIGN(Prompt prompt, flatten(grammar_, source_, events));
    return Conjunction{{Blend{{std::move(prompt)}, {1.0}, true, Blend::Syntax::plain}}, {1.0}};
  }

 private:
  struct Item {
    std::size_t begin = 0;
    PromptGrammar::Match match;
    bool loose = false;  // a quotation that only reads word by word
  };
  struct Items {
    std::vector<Item> list;
    std::size_t begin = 0;
    std::size_t end = 0;
  };

  /// `( item, item ... )`
  std::optional<Items> read_items(Scope scope) {
    Items items;
    std::size_t at = items.begin = grammar_.skip_blanks(0, scope.limit);
    if (at >= scope.limit || text_[at] != '(') return std::nullopt;
    do {
      at = grammar_.skip_blanks(at + 1, scope.limit);
      Item item{at, {}, false};
      if (const auto match = grammar_.target(at, scope)) {
        item.match = *match;
      } else {
        const bool quote = at < scope.limit && text_[at] == '"';
        const auto close = quote ? grammar_.closing_quote(at) : std::nullopt;
        if (!close) return std::nullopt;
        item.loose = true;
        item.match.end = *close + 1;
      }
      items.list.push_back(item);
      at = grammar_.skip_blanks(item.match.end, scope.limit);
    } while (at < scope.limit && text_[at] == ',');
    if (at >= scope.limit || text_[at] != ')') return std::nullopt;
    items.end = at + 1;
    return items;
  }

  /// `.name( options )`
  std::optional<OptionList> read_call(std::size_t at, std::string_view name) const {
    const auto inside = grammar_.call(at, text_.size(), name);
    if (!inside) return std::nullopt;
    OptionList list = grammar_.options(*inside, text_.size());
    const std::size_t close = grammar_.skip_blanks(list.end, text_.size());
    if (close >= text_.size() || text_[close] != ')') return std::nullopt;
    list.end = close + 1;
    return list;
  }

  Result<Conjunction> conjunction(const Items& items, const OptionList& options) {
    Conjunction result;
    TRY_ASSIGN(std::vector<Prompt> prompts, read_prompts(items));
    TRY_ASSIGN(result.weights, read_weights(items, options.options, ".and()"));
    for (Prompt& prompt : prompts)
      result.members.push_back({{std::move(prompt)}, {1.0}, true, Blend::Syntax::plain});
    const std::size_t rest = grammar_.skip_blanks(options.end, text_.size());
    if (rest < text_.size()) notes_.add(source_.column(rest), "text behind .and() is ignored");
    return result;
  }

  Result<Conjunction> blend(const Items& items, OptionList options) {
    Blend result;
    result.syntax = Blend::Syntax::blend;
    if (!options.options.empty() && options.options.back().name == "no_normalize") {
      result.normalize = false;
      options.options.pop_back();
    }
    TRY_ASSIGN(result.weights, read_weights(items, options.options, ".blend()"));
    const std::size_t rest = grammar_.skip_blanks(options.end, text_.size());
    if (rest < text_.size())
      return fail(ErrorCode::invalid_argument, kOrigin,
                  "nothing may follow .blend(), but there is text at column {}; move it into the "
                  "parts",
                  source_.column(rest));
    TRY_ASSIGN(result.parts, read_prompts(items));
    for (const Prompt& part : result.parts)
      if (part.has_swap())
        return fail(ErrorCode::invalid_argument, kOrigin,
                    "the .blend() at column {} has a .swap() inside; a blend cannot be swapped",
                    source_.column(items.begin));
    double sum = 0;
    for (const double weight : result.weights) sum += weight;
    if (result.normalize && sum == 0)
      return fail(ErrorCode::invalid_argument, kOrigin,
                  "the weights of the .blend() at column {} add up to zero; change one or add "
                  "no_normalize",
                  source_.column(items.begin));
    return Conjunction{{std::move(result)}, {1.0}};
  }

  Result<std::vector<double>> read_weights(const Items& items, const std::vector<Option>& options,
                                           std::string_view name) const {
    std::vector<double> weights;
    for (const Option& option : options) {
      const bool digits = option.name.find_first_not_of("0123456789+-.") == std::string_view::npos;
      const double weight = digits ? to_number(option.name) : NAN;
      if (!std::isfinite(static_cast<float>(weight)))
        return fail(ErrorCode::invalid_argument, kOrigin,
                    "the weights of {} at column {} must be numbers, got '{}'", name,
                    source_.column(items.begin), option.name);
      weights.push_back(weight);
    }
    if (weights.empty()) weights.assign(items.list.size(), 1.0);
    if (weights.size() != items.list.size())
      return fail(ErrorCode::invalid_argument, kOrigin,
                  "{} at column {} has {} parts but {} weights; give one weight for each part",
                  name, source_.column(items.begin), items.list.size(), weights.size());
    return weights;
  }

  Result<std::vector<Prompt>> read_prompts(const Items& items) {
    std::vector<Prompt> prompts;
    const Scope whole{text_.size(), false};
    grammar_.take_failure();
    for (const Item& item : items.list) {
      std::vector<Event> events;
      if (item.loose)
        read_loose(item.begin + 1, {item.match.end - 1, true}, events);
      else
        grammar_.events(item.begin, whole, item.match, events);
      TRY_ASSIGN(Prompt prompt, flatten(grammar_, source_, events));
      prompts.push_back(std::move(prompt));
    }
    return prompts;
  }

  /// Elements where they can be read, otherwise everything up to the next blank as it stands.
  void read_loose(std::size_t at, Scope scope, std::vector<Event>& events) {
    while ((at = grammar_.skip_blanks(at, scope.limit)) < scope.limit) {
      const bool bracket = text_[at] == '(' || text_[at] == '"';
      const auto match = grammar_.element(at, scope);
      if (const auto failure = grammar_.take_failure()) note_failure(at, *failure);
      if (match && (bracket || match->operated)) {
        if (!bracket) note_decimal(at, match->end);
        grammar_.events(at, scope, *match, events);
        at = match->end;
      } else {
        const std::size_t end = grammar_.run_end(at, scope.limit);
        note_literal(at, end);
        events.push_back({Event::Kind::text, false, static_cast<std::uint32_t>(at),
                          static_cast<std::uint32_t>(end), 1});
        at = end;
      }
    }
  }

  /// `v1.5`: reads as a word with a weight, which is hardly ever meant.
  void note_decimal(std::size_t at, std::size_t end) {
    const std::size_t dot = grammar_.word_end(at, end);
    if (dot + 1 >= end || text_[dot] != '.' || !is_digit(text_[dot + 1])) return;
    const auto number_end = text_.find_first_not_of("0123456789", dot + 1);
    const std::string_view number = text_.substr(dot, std::min(end, number_end) - dot);
    const std::string_view word = text_.substr(at, dot - at);
    notes_.add(source_.column(dot),
               "'{}' is taken as the weight of '{}'; for the number write {}\\{}", number, word,
               word, number);
  }

  void note_failure(std::size_t at, const Failure& failure) {
    const bool word = text_[at] != '(' && text_[at] != '"';
    const std::string what = word ? ".swap(" : std::string(1, text_[at]);
    noted_ = word ? text_.find(".swap", at) : at;
    const std::size_t column = source_.column(noted_);
    const std::size_t bracket = source_.column(failure.bracket);
    if (failure.unfinished && bracket == column) {
      notes_.add(column, "'{}' stays text: it is never closed", what);
    } else if (failure.unfinished) {
      notes_.add(column, "'{}' stays text: the '{}' at column {} is never closed", what,
                 text_[failure.bracket], bracket);
    } else if (text_[failure.at] == '"') {
      notes_.add(column, "'{}' stays text: the quotation mark at column {} has no partner", what,
                 source_.column(failure.at));
    } else {
      notes_.add(column, "'{}' stays text: '{}' at column {} cannot stand inside; write \\{}", what,
                 text_[failure.at], source_.column(failure.at), text_[failure.at]);
    }
  }

  /// Says what in a literal run looks like syntax, unless a failure has already been told for it.
  void note_literal(std::size_t at, std::size_t end) {
    const std::string_view run = text_.substr(at, end - at);
    const bool told = noted_ >= at && noted_ < end;
    for (std::size_t i = at; i < end; ++i) {
      if (text_[i] == '\\')
        ++i;
      else if (text_[i] == '(')
        ++open_literals_;
      else if (text_[i] == ')' && open_literals_ > 0)
        --open_literals_;
      else if (text_[i] == ')' && !told)
        return note(i, "')' stays text: nothing opens it");
    }
    if (told) return;
    if (run[0] == '.' && note_operator(at, run)) return;
    const std::size_t word = grammar_.word_end(at, end);
    if (word > at && word < end && (text_[word] == '(' || text_[word] == '"'))
      return note(word, "a bracket or quotation mark inside a word stays text");
    const std::size_t last = run.find_last_not_of("+-");
    const bool escaped = last != std::string_view::npos && run[last] == '\\';
    const std::size_t begin = last == std::string_view::npos ? at : at + last + (escaped ? 2 : 1);
    const bool dash = begin == at && run[0] == '-' && (at == 0 || is_blank(text_[at - 1]));
    if ((begin < end && !dash) || run.substr(0, 2) == "++")
      note(begin < end ? begin : at,
           "the sign stays text: it must touch the end of a word, a group or a quotation");
  }

  /// `.name(` that is no operator here.
  bool note_operator(std::size_t at, std::string_view run) {
    const std::size_t paren = run.find('(');
    const std::string_view name = run.substr(0, paren);
    if (paren < 2 || paren == std::string_view::npos || is_digit(name[1])) return false;
    const bool behind_target = name == ".swap" || name == ".attend";
    const bool behind_parts = name == ".blend" || name == ".and" || name == ".add";
    notes_.add(source_.column(at), "'{}(' stays text: {}", name,
               behind_target  ? "it must follow a word, a group or a quotation"
               : behind_parts ? "it must follow one group of parts that begins the prompt"
                              : "there is no such operator");
    return true;
  }

  void note(std::size_t at, const char* message) { notes_.add(source_.column(at), "{}", message); }

  const SourceText& source_;
  PromptGrammar grammar_;
  std::string_view text_;
  NoteList& notes_;
  std::size_t noted_ = std::string_view::npos;  // the last place that a failure was told for
  std::size_t open_literals_ = 0;               // brackets kept as text and not yet closed
};

}  // namespace

Result<Conjunction> parse_structured(const SourceText& source, NoteList& notes) {
  if (!source.blank()) return StructuredParser(source, notes).run();
  return Conjunction{{Blend{{Prompt{{Fragment{}}}}, {1.0}, true, Blend::Syntax::plain}}, {1.0}};
}

}  // namespace invokeai::text::internal
