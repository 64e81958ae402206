#include "text/internal/prompt_flatten.h"

#include <cmath>

namespace invokeai::text::internal {
namespace {

constexpr const char* kOrigin = "prompt";

/// Drops the backslash of `\(`, `\)` and `\"`, and of no other pair, as the original does.
std::string unescape(std::string_view source) {
  std::string text;
  for (std::size_t i = 0; i < source.size(); ++i) {
    const char next = i + 1 < source.size() ? source[i + 1] : ' ';
    if (source[i] != '\\' || (next != '(' && next != ')' && next != '"')) text += source[i];
  }
  return text;
}

class Flattener {
 public:
  Flattener(const PromptGrammar& grammar, const SourceText& source)
      : grammar_(grammar), source_(source) {}

  Result<Prompt> run(const std::vector<Event>& events) {
    for (const Event& event : events) TRY_VOID(take(event));
    for (Piece& piece : prompt_.pieces) {
      if (auto* fragment = std::get_if<Fragment>(&piece)) finish(*fragment);
      if (auto* swap = std::get_if<Swap>(&piece)) {
        for (Fragment& side : swap->original) finish(side);
        for (Fragment& side : swap->edited) finish(side);
      }
    }
    return std::move(prompt_);
  }

 private:
  enum class Side { none, original, edited };

  Result<> take(const Event& event) {
    switch (event.kind) {
      case Event::Kind::open:
        if (event.swapped) TRY_VOID(begin_swap());
        if (event.swapped) original_depth_ = scales_.size();
        scales_.push_back(scales_.back() * event.weight);
        return {};
      case Event::Kind::close:
        scales_.pop_back();
        if (side_ == Side::original && scales_.size() == original_depth_) side_ = Side::edited;
        return {};
      case Event::Kind::text:
        if (event.swapped) TRY_VOID(begin_swap());
        TRY_VOID(add(event));
        if (event.swapped) side_ = Side::edited;
        return {};
      case Event::Kind::end_swap:
        return end_swap(event);
    }
    return {};
  }

  Result<> add(const Event& event) {
    const double weight = scales_.back() * event.weight;
    if (!std::isfinite(static_cast<float>(weight)))
      return fail(ErrorCode::invalid_argument, kOrigin,
                  "the weight at column {} grows beyond what a number can hold; use fewer signs",
                  source_.column(event.begin));
    const std::string_view words = grammar_.text().substr(event.begin, event.end - event.begin);
    if (side_ != Side::none) {
      auto& swap = std::get<Swap>(prompt_.pieces.back());
      auto& fragments = side_ == Side::original ? swap.original : swap.edited;
      const bool join = !fragments.empty() && fragments.back().weight == weight;
      join ? extend(fragments.back(), words) : void(fragments.push_back(make(words, weight)));
      return {};
    }
    auto* last = prompt_.pieces.empty() ? nullptr : std::get_if<Fragment>(&prompt_.pieces.back());
    const bool join = last && last->weight == weight;
    join ? extend(*last, words) : void(prompt_.pieces.emplace_back(make(words, weight)));
    return {};
  }

  static Fragment make(std::string_view words, double weight) {
    Fragment fragment;
    fragment.weight = weight;
    fragment.source = words;
    return fragment;
  }

  static void extend(Fragment& fragment, std::string_view words) {
    fragment.source += ' ';
    fragment.source += words;
  }

  static void finish(Fragment& fragment) { fragment.text = unescape(fragment.source); }

  Result<> begin_swap() {
    if (side_ != Side::none)
      return fail(ErrorCode::invalid_argument, kOrigin,
                  "a .swap() stands inside another .swap(); use one after the other");
    prompt_.pieces.emplace_back(Swap{});
    side_ = Side::original;
    original_depth_ = 0;
    return {};
  }

  Result<> end_swap(const Event& event) {
    auto& swap = std::get<Swap>(prompt_.pieces.back());
    if (swap.original.empty()) swap.original.push_back(make("", scales_.back()));
    if (swap.edited.empty()) swap.edited.push_back(make("", scales_.back()));
    side_ = Side::none;
    bool explicit_end = false;
    for (const Option& option : grammar_.options(event.begin, event.end).options) {
      const bool is_end = option.name == "s_end";
      double* slot = is_end                     ? &swap.options.s_end
                     : option.name == "s_start" ? &swap.options.s_start
                     : option.name == "t_start" ? &swap.options.t_start
                     : option.name == "t_end"   ? &swap.options.t_end
                                                : nullptr;
      const bool freedom = option.name == "shape_freedom";
      if (!slot && !freedom) continue;
      const double value = option.numeric ? to_number(option.value) : NAN;
      if (!std::isfinite(value) || (freedom && value < 0))
        return fail(ErrorCode::invalid_argument, kOrigin,
                    "option {} of .swap() at column {} wants a number{}, got '{}'", option.name,
                    source_.column(event.begin), freedom ? " from 0 to 1" : "", option.value);
      if (slot) *slot = value;
      if (freedom && !explicit_end) swap.options.s_end = 1.0 - std::pow(value, 1.0 / 3.0);
      explicit_end = explicit_end || is_end;
    }
    return {};
  }

  const PromptGrammar& grammar_;
  const SourceText& source_;
  Prompt prompt_;
  std::vector<double> scales_{1.0};
  Side side_ = Side::none;
  std::size_t original_depth_ = 0;  // of scales_, where the original's group closes
};

}  // namespace

Result<Prompt> flatten(const PromptGrammar& grammar, const SourceText& source,
                       const std::vector<Event>& events) {
  return Flattener(grammar, source).run(events);
}

}  // namespace invokeai::text::internal
