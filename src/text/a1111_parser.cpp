#include "text/a1111_parser.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>

#include "text/internal/note_list.h"
#include "text/internal/source_text.h"

namespace invokeai::text {
namespace {

using internal::is_blank;
using internal::is_digit;
using internal::NoteList;
using internal::SourceText;

constexpr const char* kOrigin = "prompt";
constexpr double kBase = 1.1;
constexpr std::size_t kMaxSchedules = 32;

bool is_word(char c) {
  return is_digit(c) || c == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

std::string_view trim(std::string_view text) {
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  return text;
}

/// The number that `text` is, blanks around it aside.
std::optional<double> as_number(std::string_view text) {
  text = trim(text);
  std::string_view digits = text;
  if (!digits.empty() && (digits[0] == '-' || digits[0] == '+')) digits.remove_prefix(1);
  const bool valid = digits.find_first_not_of("0123456789.") == std::string_view::npos &&
                     digits.find_first_of("0123456789") != std::string_view::npos &&
                     digits.find('.') == digits.rfind('.');
  if (!valid) return std::nullopt;
  return internal::to_number(text);
}

SourceText slice(const SourceText& source, std::size_t begin, std::size_t end) {
  SourceText result;
  result.append(source, begin, end);
  return result;
}

/// Where `word` stands alone at or behind `at`.
std::size_t find_word(std::string_view text, std::string_view word, std::size_t at) {
  for (; (at = text.find(word, at)) != std::string_view::npos; ++at) {
    const std::size_t end = at + word.size();
    if ((at == 0 || !is_word(text[at - 1])) && (end == text.size() || !is_word(text[end])))
      return at;
  }
  return at;
}

/// Walk through nested brackets; what a bracket means is known, and filled in, when it closes.
struct Event {
  enum class Kind : std::uint8_t { text, open, close, colon, bar, next, skip, block };
  enum class Role : std::uint8_t { weight, edit, insert, alternate };
  Kind kind = Kind::text;
  Role role = Role::weight;  // open
  std::size_t begin = 0;     // in the unescaped characters
  std::size_t end = 0;
  double value = 1;  // open: weight or when
  int turns = 0;     // open, alternate
};

class SubpromptParser {
 public:
  SubpromptParser(const SourceText& source, NoteList& notes)
      : source_(source), text_(source.text()), notes_(notes) {}

  Result<Prompt> run() {
    while (at_ < text_.size()) step();
    while (!frames_.empty()) {
      notes_.add(frames_.back().column, "'{}' is never closed and weighs everything behind it",
                 frames_.back().bracket);
      close(frames_.back().bracket == '(' ? kBase : 1 / kBase);
    }
    return flatten();
  }

 private:
  using Kind = Event::Kind;
  using Role = Event::Role;
  struct Frame {
    char bracket = '(';
    std::size_t column = 0;
    std::size_t event = 0;
    std::size_t separators = 0;  // size of separators_ when it was opened
  };

  void step() {
    const char c = text_[at_];
    const char next = at_ + 1 < text_.size() ? text_[at_ + 1] : '\0';
    const char bracket = frames_.empty() ? '\0' : frames_.back().bracket;
    if (c == '\\' && std::string_view("()[]\\:|").find(next) != std::string_view::npos && next) {
      add_text(next);
      ++at_;
    } else if (c == '(' || c == '[') {
      frames_.push_back({c, source_.column(at_), events_.size(), separators_.size()});
      push(Kind::open);
    } else if (c == ')' && bracket == '(') {
      close(kBase);
    } else if (c == ']' && bracket == '[') {
      close_square();
    } else if (c == ')' || c == ']') {
      notes_.add(source_.column(at_), "'{}' stays text: no '{}' is open here", c,
                 c == ')' ? '(' : '[');
      add_text(c);
    } else if (c == ':' && bracket == '(' && close_weighted()) {
      return;
    } else if ((c == ':' || c == '|') && bracket == '[') {
      separators_.push_back(events_.size());
      push(c == ':' ? Kind::colon : Kind::bar);
    } else if (c == 'B' && find_word(text_.substr(0, at_ + 6), "BREAK", at_) == at_) {
      push(Kind::block);
      at_ += 4;
    } else {
      add_text(c);
    }
    ++at_;
  }

  void push(Kind kind) { events_.push_back({kind, Role::weight, buffer_.size(), 0, 1, 0}); }

  void add_text(char c) {
    if (events_.empty() || events_.back().kind != Kind::text) push(Kind::text);
    buffer_ += c;
    events_.back().end = buffer_.size();
  }

  void close(double weight) {
    for (std::size_t i = frames_.back().separators; i < separators_.size(); ++i)
      to_text(events_[separators_[i]]);
    end_frame(Role::weight, weight);
  }

  void end_frame(Role role, double value) {
    Event& open = events_[frames_.back().event];
    open.role = role;
    open.value = value;
    separators_.resize(frames_.back().separators);
    frames_.pop_back();
    push(Kind::close);
  }

  void to_text(Event& event) {
    const char c = event.kind == Kind::colon ? ':' : '|';
    event = {Kind::text, Role::weight, buffer_.size(), buffer_.size() + 1, 1, 0};
    buffer_ += c;
  }

  /// `:1.3)` behind a round bracket's text.
  bool close_weighted() {
    const std::size_t end = text_.find_first_not_of("+-.0123456789 \t\r\n", at_ + 1);
    if (end == std::string_view::npos || text_[end] != ')') return false;
    const auto weight = as_number(text_.substr(at_ + 1, end - at_ - 1));
    if (!weight) return false;
    close(*weight);
    at_ = end + 1;
    return true;
  }

  /// `[a|b]`, `[a:b:0.4]` or plain `[a]`.
  void close_square() {
    const std::size_t first = frames_.back().separators;
    int turns = 1;
    for (std::size_t i = first; i < separators_.size(); ++i)
      if (events_[separators_[i]].kind == Kind::bar) ++turns;
    if (turns > 1) {
      for (std::size_t i = first; i < separators_.size(); ++i) {
        Event& event = events_[separators_[i]];
        event.kind == Kind::bar ? void(event.kind = Kind::next) : to_text(event);
      }
      events_[frames_.back().event].turns = turns;
      return end_frame(Role::alternate, 1);
    }
    const std::size_t count = separators_.size() - first;
    const auto when = count > 0 ? number_behind(separators_.back()) : std::nullopt;
    if (!when) return close(1 / kBase);
    events_[separators_.back()].kind = events_.back().kind = Kind::skip;
    separators_.pop_back();
    if (count == 1) return end_frame(Role::insert, *when);
    events_[separators_.back()].kind = Kind::next;
    separators_.pop_back();
    for (std::size_t i = first; i < separators_.size(); ++i) to_text(events_[separators_[i]]);
    end_frame(Role::edit, *when);
  }

  /// The number between the last colon and the end, if nothing else stands there.
  std::optional<double> number_behind(std::size_t colon) const {
    if (colon + 2 != events_.size() || events_.back().kind != Kind::text) return std::nullopt;
    const Event& last = events_.back();
    return as_number(std::string_view(buffer_).substr(last.begin, last.end - last.begin));
  }

  Result<Prompt> flatten() {
    struct Level {
      double scale = 1;
      bool scheduled = false;
    };
    std::vector<Level> levels{{}};
    for (const Event& event : events_) {
      switch (event.kind) {
        case Kind::open: {
          const bool scheduled = event.role != Role::weight;
          levels.push_back({levels.back().scale * (scheduled ? 1 : event.value), scheduled});
          if (scheduled) schedule_.push_back(first_visibility(event));
          if (schedule_.size() > kMaxSchedules)
            return fail(ErrorCode::invalid_argument, kOrigin,
                        "more than {} schedules [a:b:n] or [a|b] stand inside each other",
                        kMaxSchedules);
          break;
        }
        case Kind::close:
          if (levels.back().scheduled) schedule_.pop_back();
          levels.pop_back();
          break;
        case Kind::next:
          schedule_.back().kind == Visibility::Kind::turn
              ? void(++schedule_.back().turn)
              : void(schedule_.back().kind = Visibility::Kind::from);
          break;
        case Kind::block:
          prompt_.pieces.emplace_back(Break{});
          break;
        case Kind::text:
          if (!std::isfinite(static_cast<float>(levels.back().scale)))
            return fail(ErrorCode::invalid_argument, kOrigin,
                        "a weight grows beyond what a number can hold; nest fewer brackets");
          add_fragment(event, levels.back().scale);
          break;
        default:
          break;
      }
    }
    return tidy();
  }

  static Visibility first_visibility(const Event& open) {
    if (open.role == Role::alternate) return {Visibility::Kind::turn, 0, 0, open.turns};
    const bool insert = open.role == Role::insert;
    return {insert ? Visibility::Kind::from : Visibility::Kind::until, open.value, 0, 1};
  }

  void add_fragment(const Event& event, double weight) {
    const auto words = std::string_view(buffer_).substr(event.begin, event.end - event.begin);
    auto* last = prompt_.pieces.empty() ? nullptr : std::get_if<Fragment>(&prompt_.pieces.back());
    if (last && last->weight == weight && last->visibility == schedule_)
      last->text += words;
    else
      prompt_.pieces.emplace_back(Fragment{std::string(words), weight, {}, schedule_});
  }

  /// Runs of blanks become one, outer ones and empty fragments go.
  Prompt tidy() {
    Prompt result;
    for (Piece& piece : prompt_.pieces) {
      if (auto* fragment = std::get_if<Fragment>(&piece)) {
        std::string text;
        for (const char c : trim(fragment->text))
          if (!is_blank(c))
            text += c;
          else if (text.back() != ' ')
            text += ' ';
        if (text.empty()) continue;
        fragment->text = fragment->source = std::move(text);
      }
      result.pieces.push_back(std::move(piece));
    }
    if (result.pieces.empty()) result.pieces.emplace_back(Fragment{});
    return result;
  }

  const SourceText& source_;
  std::string_view text_;
  NoteList& notes_;
  std::size_t at_ = 0;
  std::string buffer_;  // text without escapes
  std::vector<Event> events_;
  std::vector<Frame> frames_;
  std::vector<std::size_t> separators_;  // colons and bars of the open square brackets
  std::vector<Visibility> schedule_;
  Prompt prompt_;
};

/// `<lora:name:weight>` goes from the text to `loras`.
SourceText take_loras(const SourceText& source, std::vector<LoraRequest>& loras, NoteList& notes) {
  const std::string_view text = source.text();
  SourceText rest;
  std::size_t kept = 0;
  for (std::size_t at = 0; (at = text.find('<', at)) != std::string_view::npos; ++at) {
    std::string_view inside = text.substr(at + 1);
    const bool known = inside.substr(0, 5) == "lora:" || inside.substr(0, 5) == "lyco:";
    if (!known) continue;
    const std::size_t end = text.find_first_of("<>", at + 1);
    if (end == std::string_view::npos || text[end] != '>') {
      notes.add(source.column(at), "'<' stays text: the tag is never closed");
      continue;
    }
    inside = text.substr(at + 6, end - at - 6);
    const std::size_t colon = inside.find(':');
    const std::string_view name = inside.substr(0, colon);
    const std::string_view number =
        colon == std::string_view::npos ? "1" : inside.substr(colon + 1);
    const auto weight = as_number(number.substr(0, number.find(':')));
    if (name.empty() || !weight || !std::isfinite(static_cast<float>(*weight))) {
      notes.add(source.column(at), "'<' stays text: write <lora:name:weight>");
      continue;
    }
    loras.push_back({std::string(name), *weight});
    rest.append(source, kept, at);
    kept = end + 1;
    at = end;
  }
  rest.append(source, kept, text.size());
  return rest;
}

/// Parts between the words AND, each with the weight behind its last colon.
Result<Conjunction> parse_parts(const SourceText& source, NoteList& notes) {
  const std::string_view text = source.text();
  Conjunction result;
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(find_word(text, "AND", begin), text.size());
    const std::string_view part = text.substr(begin, end - begin);
    const std::size_t colon = part.rfind(':');
    const auto weight =
        colon == std::string_view::npos ? std::nullopt : as_number(part.substr(colon + 1));
    if (weight && !std::isfinite(static_cast<float>(*weight)))
      return fail(ErrorCode::invalid_argument, kOrigin,
                  "the weight behind the colon at column {} is too large",
                  source.column(begin + colon));
    const SourceText words = slice(source, begin, weight ? begin + colon : end);
    TRY_ASSIGN(Prompt prompt, SubpromptParser(words, notes).run());
    result.members.push_back({{std::move(prompt)}, {1.0}, true, Blend::Syntax::plain});
    result.weights.push_back(weight.value_or(1.0));
    begin = end + 3;
  }
  return result;
}

struct Sections {
  SourceText positive;
  SourceText negative;
};

/// Splits at a line that begins with `Negative prompt:`; a last line of settings goes.
Sections split_sections(const SourceText& source, NoteList& notes) {
  constexpr std::string_view kNegative = "Negative prompt:";
  const std::string_view text = source.text();
  const auto line = [&](std::string_view start) {
    std::size_t at = text.find(start);
    while (at != std::string_view::npos && at > 0 && text[at - 1] != '\n')
      at = text.find(start, at + 1);
    return std::min(at, text.size());
  };
  const std::size_t settings = line("Steps: ");
  const std::size_t negative = std::min(line(kNegative), settings);
  if (settings < text.size())
    notes.add(source.column(settings), "the line of settings is left out");
  Sections result{slice(source, 0, negative), {}};
  if (negative < settings) result.negative = slice(source, negative + kNegative.size(), settings);
  return result;
}

}  // namespace

Result<ParsedPrompt> parse_a1111(std::string_view prompt, std::string_view negative) {
  NoteList notes;
  ParsedPrompt result;
  Sections sections = split_sections(SourceText(prompt), notes);
  if (!negative.empty()) {
    if (sections.negative.size() > 0) sections.negative.push_back(' ', 1);
    const SourceText given(negative);
    sections.negative.append(given, 0, given.size());
  }
  const SourceText positive = take_loras(sections.positive, result.loras, notes);
  const SourceText rest = take_loras(sections.negative, result.loras, notes);
  TRY_ASSIGN(result.positive, parse_parts(positive, notes));
  TRY_ASSIGN(result.negative, SubpromptParser(rest, notes).run());
  result.notes = notes.take();
  return result;
}

}  // namespace invokeai::text
