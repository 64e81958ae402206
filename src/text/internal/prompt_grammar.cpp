#include "text/internal/prompt_grammar.h"

#include <cmath>

namespace invokeai::text::internal {
namespace {

constexpr std::string_view kSpecial = "(),.+-=\"";
constexpr std::uint32_t kUnknown = 0;
constexpr std::uint32_t kFailed = 0xFFFFFFFF;
constexpr double kPlusBase = 1.1;
constexpr double kMinusBase = 0.9;

bool is_special(char c) { return kSpecial.find(c) != std::string_view::npos; }
bool is_key(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

}  // namespace

PromptGrammar::PromptGrammar(const SourceText& source) : text_(source.text()) {
  if (text_.find('"') == std::string_view::npos) return;
  closing_quotes_.resize(text_.size(), kFailed);
  // A mark behind a backslash closes a quotation only if the line has no other one to offer.
  std::uint32_t plain = kFailed;
  std::uint32_t last = kFailed;
  for (std::size_t i = text_.size(); i-- > 0;) {
    if (text_[i] == '\n' || text_[i] == '\r') plain = last = kFailed;
    if (text_[i] != '"') continue;
    closing_quotes_[i] = plain != kFailed ? plain : last;
    const bool escaped = i > 0 && text_[i - 1] == '\\';
    if (!escaped) plain = static_cast<std::uint32_t>(i);
    if (escaped && last == kFailed) last = static_cast<std::uint32_t>(i);
  }
}

std::size_t PromptGrammar::skip_blanks(std::size_t at, std::size_t limit) const {
  while (at < limit && is_blank(text_[at])) ++at;
  return at;
}

std::size_t PromptGrammar::run_end(std::size_t at, std::size_t limit) const {
  while (at < limit && !is_blank(text_[at])) ++at;
  return at;
}

std::size_t PromptGrammar::word_end(std::size_t at, std::size_t limit) const {
  while (at < limit && !is_blank(text_[at])) {
    const char c = text_[at];
    const bool more = at + 1 < limit;
    if (c == '\\' && more && is_special(text_[at + 1])) {
      at += 2;
    } else if (!is_special(c)) {
      ++at;
    } else if ((c == '+' || c == '-') && more && !is_blank(text_[at + 1]) &&
               !is_special(text_[at + 1])) {
      ++at;
    } else {
      break;
    }
  }
  return at;
}

std::optional<std::size_t> PromptGrammar::closing_quote(std::size_t at) const {
  const std::uint32_t end = closing_quotes_[at];
  if (end == kFailed) return std::nullopt;
  return end;
}

std::optional<std::size_t> PromptGrammar::number_end(std::size_t at, std::size_t limit,
                                                     bool sign) const {
  const auto digits = [&](std::size_t i) {
    while (i < limit && is_digit(text_[i])) ++i;
    return i;
  };
  const char first = at < limit ? text_[at] : ' ';
  const bool signed_number = sign && (first == '+' || first == '-');
  const std::size_t begin = signed_number ? at + 1 : at;
  const std::size_t end = digits(begin);
  if (end < limit && text_[end] == '.') {
    const std::size_t fraction = digits(end + 1);
    if (end > begin || fraction > end + 1) return fraction;
  }
  if (end == begin || (signed_number && first == '+')) return std::nullopt;
  return end;
}

OptionList PromptGrammar::options(std::size_t at, std::size_t limit) const {
  OptionList list{{}, at};
  const auto key_end = [&](std::size_t i) {
    while (i < limit && is_key(text_[i])) ++i;
    return i;
  };
  const auto span = [&](std::size_t begin, std::size_t end) {
    return text_.substr(begin, end - begin);
  };
  while (true) {
    const std::size_t begin = skip_blanks(at, limit);
    const std::size_t key = key_end(begin);
    Option option{span(begin, key), {}, false};
    std::size_t end = key;
    const std::size_t equals = key > begin ? skip_blanks(key, limit) : limit;
    const bool assigned = equals < limit && text_[equals] == '=';
    const std::size_t value = assigned ? skip_blanks(equals + 1, limit) : limit;
    if (const auto number = number_end(value, limit, true)) {
      option.value = span(value, end = *number);
      option.numeric = true;
    } else if (key_end(value) > value) {
      option.value = span(value, end = key_end(value));
    } else if (const auto bare = number_end(begin, limit, true)) {
      option.name = span(begin, end = *bare);
    } else if (key == begin) {
      return list;
    }
    list.options.push_back(option);
    list.end = end;
    at = skip_blanks(end, limit);
    if (at >= limit || text_[at] != ',') return list;
    ++at;
  }
}

std::optional<std::size_t> PromptGrammar::call(std::size_t at, std::size_t limit,
                                               std::string_view name) const {
  at = skip_blanks(at, limit);
  if (at + name.size() > limit || text_.substr(at, name.size()) != name) return std::nullopt;
  at = skip_blanks(at + name.size(), limit);
  if (at >= limit || text_[at] != '(') return std::nullopt;
  return at + 1;
}

PromptGrammar::Operator PromptGrammar::operator_at(std::size_t at, std::size_t limit) const {
  const auto weight_at = [&](std::size_t i) -> Operator {
    const char sign = i < limit ? text_[i] : ' ';
    if (sign == '+' || sign == '-') {
      std::size_t end = i;
      while (end < limit && text_[end] == sign) ++end;
      const double base = sign == '+' ? kPlusBase : kMinusBase;
      return {Operator::Kind::weight, std::pow(base, static_cast<double>(end - i)), end};
    }
    if (const auto end = number_end(i, limit, false))
      return {Operator::Kind::weight, to_number(text_.substr(i, *end - i)), *end};
    return {};
  };
  if (const auto inside = call(at, limit, ".attend")) {
    Operator result = weight_at(skip_blanks(*inside, limit));
    const std::size_t close = skip_blanks(result.end, limit);
    if (result.kind == Operator::Kind::none || close >= limit || text_[close] != ')') return {};
    result.end = close + 1;
    return result;
  }
  if (const auto inside = call(at, limit, ".swap")) return {Operator::Kind::swap, 1, *inside};
  return weight_at(at);
}

std::uint32_t& PromptGrammar::outcome(Frame::Kind kind, bool quoted, std::size_t at) {
  auto& table = outcomes_[2 * static_cast<std::size_t>(kind) + (quoted ? 1 : 0)];
  if (table.empty()) table.resize(text_.size(), kUnknown);
  return table[at];
}

/// Walks once over a target and its operator. Without `out` it asks and fills the table of
/// outcomes; with `out` it repeats a walk that is known to succeed and writes down its events.
class PromptGrammar::Reader {
 public:
  Reader(PromptGrammar& grammar, std::size_t at, Scope scope, bool with_operator,
         std::vector<Event>* out)
      : grammar_(grammar),
        text_(grammar.text_),
        at_(at),
        scope_(scope),
        with_operator_(with_operator),
        out_(out) {}

  std::optional<Match> run() {
    if (!begin_target()) return give_up();
    while (!done_)
      if (!(target_ended_ ? after_target() : inside_frame())) return give_up();
    return result_;
  }

 private:
  using Kind = Frame::Kind;

  /// A word, group or quotation begins at at_; false if nothing can.
  bool begin_target() {
    if (at_ >= scope_.limit) return false;
    const char c = text_[at_];
    target_event_ = out_ ? out_->size() : 0;
    if (c == '(') return open(Kind::group, at_ + 1, scope_);
    if (c == '"') {
      const auto close = scope_.quoted ? std::nullopt : grammar_.closing_quote(at_);
      return close && open(Kind::quotation, at_ + 1, {*close, true});
    }
    const std::size_t end = grammar_.word_end(at_, scope_.limit);
    if (end == at_) return false;
    emit_text(at_, end);
    at_ = end;
    target_ended_ = true;
    return true;
  }

  /// Goes into the bracket before `inside`, or jumps over it if it is known.
  bool open(Kind kind, std::size_t inside, Scope inner) {
    const auto bracket = static_cast<std::uint32_t>(inside - 1);
    if (!out_) {
      const std::uint32_t known = grammar_.outcome(kind, scope_.quoted, bracket);
      if (known == kFailed) {
        silent_ = true;
        return false;
      }
      if (known != kUnknown) {
        at_ = known;
        if (kind == Kind::replacement) return end_element(true);
        return target_ended_ = true;
      }
    }
    frames_.push_back({kind, bracket, static_cast<std::uint32_t>(target_event_), scope_});
    if (out_ && kind != Kind::replacement) out_->push_back({Event::Kind::open, false, 0, 0, 1});
    at_ = inside;
    scope_ = inner;
    target_ended_ = false;
    return true;
  }

  bool after_target() {
    if (frames_.empty()) result_ = Match{at_, false};
    if (frames_.empty() && !with_operator_) return done_ = true;
    const Operator found = grammar_.operator_at(at_, scope_.limit);
    if (found.kind == Operator::Kind::swap) {
      if (out_) (*out_)[target_event_].swapped = true;
      if (open(Kind::replacement, found.end, scope_)) return true;
      // Known to fail. The target stands alone; inside a bracket the dot then ends the reading.
      return end_element(false);
    }
    if (found.kind == Operator::Kind::weight) {
      if (out_) (*out_)[target_event_].weight = found.weight;
      at_ = found.end;
    }
    return end_element(found.kind == Operator::Kind::weight);
  }

  bool end_element(bool operated) {
    target_ended_ = false;
    if (!frames_.empty()) return true;
    result_ = Match{at_, operated};
    return done_ = true;
  }

  /// The next thing in the innermost bracket: its end, a comma or a target.
  bool inside_frame() {
    at_ = grammar_.skip_blanks(at_, scope_.limit);
    const Kind kind = frames_.back().kind;
    const char c = at_ < scope_.limit ? text_[at_] : '\0';
    if (kind == Kind::quotation && at_ == scope_.limit) return close(at_ + 1);
    if (kind == Kind::group && c == ')') return close(at_ + 1);
    if (kind == Kind::replacement && (c == ')' || c == ',')) return close_replacement(c == ',');
    if (c != ',') return begin_target();
    emit_text(at_, at_ + 1);
    ++at_;
    return true;
  }

  bool close_replacement(bool with_options) {
    const std::size_t options = with_options ? at_ + 1 : at_;
    if (with_options) {
      const OptionList list = grammar_.options(options, scope_.limit);
      const std::size_t paren = grammar_.skip_blanks(list.end, scope_.limit);
      if (paren >= scope_.limit || text_[paren] != ')') {
        at_ = paren;
        return false;
      }
      at_ = paren;
    }
    if (out_)
      out_->push_back({Event::Kind::end_swap, false, static_cast<std::uint32_t>(options),
                       static_cast<std::uint32_t>(at_), 1});
    return close(at_ + 1);
  }

  bool close(std::size_t end) {
    const Frame frame = frames_.back();
    frames_.pop_back();
    scope_ = frame.outer;
    at_ = end;
    if (!out_) {
      grammar_.outcome(frame.kind, scope_.quoted, frame.at) = static_cast<std::uint32_t>(end);
    }
    if (frame.kind == Kind::replacement) return end_element(true);
    if (out_) {
      emit_empty_quotation(frame, end);
      out_->push_back({Event::Kind::close, false, 0, 0, 1});
    }
    target_event_ = frame.event;
    return target_ended_ = true;
  }

  /// A quotation of blanks is an empty text; a group of blanks is nothing.
  void emit_empty_quotation(const Frame& frame, std::size_t end) {
    if (frame.kind == Kind::quotation && out_->size() == frame.event + 1u) emit_text(end, end);
  }

  void emit_text(std::size_t begin, std::size_t end) {
    if (out_)
      out_->push_back({Event::Kind::text, false, static_cast<std::uint32_t>(begin),
                       static_cast<std::uint32_t>(end), 1});
  }

  /// Nothing in here has a second reading, so a failure fails every open bracket.
  std::optional<Match> give_up() {
    const bool bracket = !frames_.empty() || (at_ < scope_.limit && text_[at_] == '"');
    if (bracket && !silent_ && !grammar_.failure_) {
      grammar_.failure_ =
          Failure{at_, at_ >= scope_.limit, frames_.empty() ? at_ : frames_.back().at};
    }
    for (const Frame& frame : frames_)
      grammar_.outcome(frame.kind, frame.outer.quoted, frame.at) = kFailed;
    return result_;  // the target of a failed swap still stands
  }

  PromptGrammar& grammar_;
  std::string_view text_;
  std::size_t at_;
  Scope scope_;
  bool with_operator_;
  std::vector<Event>* out_;
  std::vector<Frame> frames_;
  std::size_t target_event_ = 0;
  bool target_ended_ = false;
  bool silent_ = false;
  bool done_ = false;
  std::optional<Match> result_;
};

std::optional<PromptGrammar::Match> PromptGrammar::element(std::size_t at, Scope scope) {
  return Reader(*this, at, scope, true, nullptr).run();
}

std::optional<PromptGrammar::Match> PromptGrammar::target(std::size_t at, Scope scope) {
  return Reader(*this, at, scope, false, nullptr).run();
}

void PromptGrammar::events(std::size_t at, Scope scope, const Match& match,
                           std::vector<Event>& out) {
  Reader(*this, at, scope, match.operated, &out).run();
}

std::optional<Failure> PromptGrammar::take_failure() {
  std::optional<Failure> failure = failure_;
  failure_.reset();
  return failure;
}

}  // namespace invokeai::text::internal
