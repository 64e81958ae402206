#include "pipeline/prompt_windows.h"

namespace invokeai::pipeline {
namespace {

constexpr std::size_t kCommaReach = 20;  // AUTOMATIC1111's default

/// Fills window after window.
class Filler {
 public:
  Filler(const text::ClipTokenizer& tokenizer, LongPrompts rule)
      : room_(static_cast<std::size_t>(tokenizer.max_length() - 2)), rule_(rule) {
    const std::vector<int> comma = tokenizer.encode(",");
    if (rule == LongPrompts::carry_on_phrases && comma.size() == 1) comma_ = comma.front();
  }

  void add(const PromptToken& token) {
    if (rule_ == LongPrompts::truncate && window_.size() == room_) {
      result_.lost.push_back(token.id);
      return;
    }
    const bool is_comma = token.id == comma_;
    if (window_.size() == room_ && !is_comma && behind_comma_ > 0 &&
        room_ - behind_comma_ < kCommaReach) {
      const auto cut = window_.begin() + static_cast<std::ptrdiff_t>(behind_comma_);
      std::vector<PromptToken> moved(cut, window_.end());
      window_.erase(cut, window_.end());
      close();
      window_ = std::move(moved);
    }
    if (window_.size() == room_) close();
    window_.push_back(token);
    if (is_comma) behind_comma_ = window_.size();
  }

  void close() {
    result_.windows.push_back(std::move(window_));
    window_.clear();
    behind_comma_ = 0;
  }

  PromptWindows finish() {
    if (!window_.empty() || result_.windows.empty()) close();
    return std::move(result_);
  }

 private:
  std::size_t room_;
  LongPrompts rule_;
  int comma_ = -1;
  std::size_t behind_comma_ = 0;  // size of the window behind its last comma; 0: none
  std::vector<PromptToken> window_;
  PromptWindows result_;
};

}  // namespace

PromptWindows lay_out(const std::vector<text::PlacedFragment>& fragments,
                      const text::ClipTokenizer& tokenizer, LongPrompts rule) {
  Filler filler(tokenizer, rule);
  std::size_t block = 0, piece = 0, place = 0;
  for (const text::PlacedFragment& placed : fragments) {
    for (; block < placed.block; ++block)
      if (rule == LongPrompts::carry_on_phrases) filler.close();
    if (placed.piece != piece) place = 0;
    piece = placed.piece;
    for (const int id : tokenizer.encode(text::tokenizer_text(placed.fragment)))
      filler.add({id, static_cast<float>(placed.fragment.weight), piece, place++, placed.swapped});
  }
  return filler.finish();
}

}  // namespace invokeai::pipeline
