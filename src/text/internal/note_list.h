#pragma once
// Notes of one parse, in order, bounded so that hostile text cannot produce megabytes of them.

#include <fmt/format.h>

#include <utility>
#include <vector>

#include "text/prompt_tree.h"

namespace invokeai::text::internal {

class NoteList {
 public:
  static constexpr std::size_t kMaxNotes = 20;

  template <class... Args>
  void add(std::size_t column, fmt::format_string<Args...> format, Args&&... args) {
    if (notes_.size() < kMaxNotes)
      notes_.push_back({column, fmt::format(format, std::forward<Args>(args)...)});
    else
      ++left_out_;
  }

  std::vector<Note> take() {
    if (left_out_ > 0) notes_.push_back({0, fmt::format("{} further notes left out", left_out_)});
    return std::move(notes_);
  }

 private:
  std::vector<Note> notes_;
  std::size_t left_out_ = 0;
};

}  // namespace invokeai::text::internal
