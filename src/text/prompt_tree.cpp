#include "text/prompt_tree.h"

#include <algorithm>
#include <numeric>
#include <string_view>
#include <utility>

namespace invokeai::text {

bool Visibility::shown(int step, int steps) const {
  if (kind == Kind::turn) return step % turns == turn;
  const double share = when < 1 ? when * steps : when;
  const int border = static_cast<int>(std::clamp(share, 0.0, static_cast<double>(steps)));
  return (kind == Kind::until) == (step < border);
}

bool Fragment::shown(int step, int steps) const {
  return std::all_of(visibility.begin(), visibility.end(),
                     [&](const Visibility& v) { return v.shown(step, steps); });
}

bool Prompt::has_swap() const {
  return std::any_of(pieces.begin(), pieces.end(),
                     [](const Piece& piece) { return std::holds_alternative<Swap>(piece); });
}

std::vector<double> Blend::factors() const {
  std::vector<double> result = weights;
  if (!normalize) return result;
  const double sum = std::accumulate(weights.begin(), weights.end(), 0.0);
  for (double& weight : result) weight /= sum;
  return result;
}

std::vector<PlacedFragment> placed_fragments(const Prompt& prompt, SwapSide side, int step,
                                             int steps) {
  std::vector<PlacedFragment> result;
  std::size_t block = 0;
  for (std::size_t i = 0; i < prompt.pieces.size(); ++i) {
    const Piece& piece = prompt.pieces[i];
    if (const auto* fragment = std::get_if<Fragment>(&piece)) {
      if (fragment->shown(step, steps)) result.push_back({*fragment, i, block, false});
    } else if (const auto* swap = std::get_if<Swap>(&piece)) {
      for (const Fragment& part : side == SwapSide::original ? swap->original : swap->edited)
        result.push_back({part, i, block, true});
    } else {
      ++block;
    }
  }
  return result;
}

std::vector<Fragment> fragments(const Prompt& prompt, SwapSide side, int step, int steps) {
  std::vector<Fragment> result;
  for (PlacedFragment& placed : placed_fragments(prompt, side, step, steps))
    result.push_back(std::move(placed.fragment));
  return result;
}

std::vector<int> changes(const Prompt& prompt, int steps) {
  std::vector<int> result;
  for (int step = 1; step < steps; ++step) {
    const bool changed =
        std::any_of(prompt.pieces.begin(), prompt.pieces.end(), [&](const Piece& piece) {
          const auto* fragment = std::get_if<Fragment>(&piece);
          return fragment && fragment->shown(step, steps) != fragment->shown(step - 1, steps);
        });
    if (changed) result.push_back(step);
  }
  return result;
}

std::string tokenizer_text(const Fragment& fragment) {
  constexpr std::string_view kEscaped = "+-.,=:";
  std::string result;
  for (std::size_t i = 0; i < fragment.text.size(); ++i) {
    const bool escape = fragment.text[i] == '\\' && i + 1 < fragment.text.size() &&
                        kEscaped.find(fragment.text[i + 1]) != std::string_view::npos;
    if (!escape) result += fragment.text[i];
  }
  return result;
}

}  // namespace invokeai::text
