#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>

#include "image/internal/pcg64.h"
#include "image/internal/pyramid.h"

namespace invokeai::image {
namespace {

constexpr int kReach = 2;                 // patches of 5 x 5
constexpr int kSmallestSide = 12;         // of the coarsest level
constexpr int kFarthestSearch = 24;       // pixels, on all but small levels
constexpr float kSpreadOfVotes = 300.0f;  // squared levels a pixel at which a vote weighs 1/e
constexpr int kNone = -1;

/// Rounds of matching and voting on a level of this size: many where they are cheap.
int rounds(std::size_t pixels) { return pixels < 20'000 ? 8 : pixels < 80'000 ? 3 : 2; }

/// One size of the picture, its hole being filled.
class PatchLevel {
 public:
  explicit PatchLevel(const HoleLevel& level)
      : width_(level.width), height_(level.height), known_(level.known) {
    color_.resize(4 * known_.size());
    for (std::size_t i = 0; i < known_.size(); ++i)
      for (std::size_t c = 0; c < 3; ++c)
        color_[4 * i + c] = static_cast<std::uint8_t>(
            std::lround(std::clamp(level.color[3 * i + c], 0.0f, 255.0f)));
    find_sources();
    find_targets();
  }

  /// Whether there is a patch to copy from, and anything to fill.
  bool can_match() const { return !sources_.empty() && !targets_.empty(); }

  void match_at_random(Pcg64& random) {
    for (const int target : targets_) set_match(target, any_source(random));
  }

  /// Takes over the matches of the level of half the size, and the colours that follow from them.
  void match_like(const PatchLevel& half, Pcg64& random) {
    for (const int target : targets_) {
      const int x = target % width_, y = target / width_;
      const int coarse = half.match_[static_cast<std::size_t>(y / 2 * half.width_ + x / 2)];
      int source = kNone;
      if (coarse != kNone)
        source =
            valid_source(2 * (coarse % half.width_) + x % 2, 2 * (coarse / half.width_) + y % 2);
      match_[static_cast<std::size_t>(target)] = source == kNone ? any_source(random) : source;
      cost_[static_cast<std::size_t>(target)] = 0;
    }
    vote();
  }

  void refine(Pcg64& random) {
    for (int round = rounds(known_.size()); round > 0; --round) {
      for (const int target : targets_) {
        const auto i = static_cast<std::size_t>(target);
        cost_[i] = distance(target, match_[i], std::numeric_limits<int>::max());
      }
      search(random, true);
      search(random, false);
      vote();
    }
  }

  void write_to(HoleLevel& level) const {
    for (std::size_t i = 0; i < known_.size(); ++i)
      for (std::size_t c = 0; c < 3 && known_[i] == 0; ++c)
        level.color[3 * i + c] = color_[4 * i + c];
  }

 private:
  bool inside(int x, int y) const { return x >= 0 && y >= 0 && x < width_ && y < height_; }

  /// Index of the pixel if the whole patch around it is known, else kNone.
  int valid_source(int x, int y) const {
    if (!inside(x, y)) return kNone;
    const int index = y * width_ + x;
    return is_source_[static_cast<std::size_t>(index)] != 0 ? index : kNone;
  }

  int any_source(Pcg64& random) const {
    return sources_[random.below(static_cast<std::uint32_t>(sources_.size()))];
  }

  /// Whether any pixel of the patch is in the hole or, if asked, outside the picture.
  bool touches_hole(int x, int y, bool count_outside) const {
    for (int dy = -kReach; dy <= kReach; ++dy) {
      for (int dx = -kReach; dx <= kReach; ++dx) {
        if (!inside(x + dx, y + dy)) {
          if (count_outside) return true;
        } else if (known_[static_cast<std::size_t>((y + dy) * width_ + x + dx)] == 0) {
          return true;
        }
      }
    }
    return false;
  }

  void find_sources() {
    is_source_.assign(known_.size(), 0);
    for (int i = 0; i < width_ * height_; ++i) {
      if (touches_hole(i % width_, i / width_, true)) continue;
      is_source_[static_cast<std::size_t>(i)] = 1;
      sources_.push_back(i);
    }
  }

  void find_targets() {
    match_.assign(known_.size(), kNone);
    cost_.assign(known_.size(), 0);
    for (int i = 0; i < width_ * height_; ++i)
      if (touches_hole(i % width_, i / width_, false)) targets_.push_back(i);
  }

  /// Sum of squared differences between the target's patch (its part inside the picture) and the
  /// source's; stops early once it is at least `limit`.
  int distance(int target, int source, int limit) const {
    const int x = target % width_, y = target / width_;
    const int left = std::max(-kReach, -x), right = std::min(kReach, width_ - 1 - x);
    const int top = std::max(-kReach, -y), bottom = std::min(kReach, height_ - 1 - y);
    const bool whole = right - left == 2 * kReach;
    int sum = 0;
    for (int dy = top; dy <= bottom && sum < limit; ++dy) {
      const std::uint8_t* a = color_.data() + 4 * (target + dy * width_ + left);
      const std::uint8_t* b = color_.data() + 4 * (source + dy * width_ + left);
      sum += whole ? row_distance<4 * (2 * kReach + 1)>(a, b)
                   : row_distance(a, b, 4 * (right - left + 1));
    }
    return sum;
  }

  static int row_distance(const std::uint8_t* a, const std::uint8_t* b, int bytes) {
    int sum = 0;
    for (int i = 0; i < bytes; ++i) sum += (a[i] - b[i]) * (a[i] - b[i]);
    return sum;
  }

  template <int bytes>
  static int row_distance(const std::uint8_t* a, const std::uint8_t* b) {
    int sum = 0;
    for (int i = 0; i < bytes; ++i) sum += (a[i] - b[i]) * (a[i] - b[i]);
    return sum;
  }

  void set_match(int target, int source) {
    const auto i = static_cast<std::size_t>(target);
    match_[i] = source;
    cost_[i] = distance(target, source, std::numeric_limits<int>::max());
  }

  void try_match(int target, int source) {
    const auto i = static_cast<std::size_t>(target);
    if (source == kNone || source == match_[i]) return;
    const int cost = distance(target, source, cost_[i]);
    if (cost >= cost_[i]) return;
    match_[i] = source;
    cost_[i] = cost;
  }

  /// What the neighbour matched, moved by one pixel.
  void propagate(int target, int dx, int dy) {
    const int x = target % width_ - dx, y = target / width_ - dy;
    if (!inside(x, y)) return;
    const int match = match_[static_cast<std::size_t>(y * width_ + x)];
    if (match != kNone) try_match(target, valid_source(match % width_ + dx, match / width_ + dy));
  }

  /// One pass over the targets, forwards or backwards.
  void search(Pcg64& random, bool forwards) {
    const int direction = forwards ? 1 : -1;
    const int largest = std::max(width_, height_);
    const int farthest = largest <= 4 * kFarthestSearch ? largest : kFarthestSearch;
    for (std::size_t n = 0; n < targets_.size(); ++n) {
      const int target = targets_[forwards ? n : targets_.size() - 1 - n];
      propagate(target, direction, 0);
      propagate(target, 0, direction);
      for (int radius = farthest; radius >= 1; radius /= 2) {
        const int match = match_[static_cast<std::size_t>(target)];
        const auto span = static_cast<std::uint32_t>(2 * radius + 1);
        const int x = match % width_ + static_cast<int>(random.below(span)) - radius;
        const int y = match / width_ + static_cast<int>(random.below(span)) - radius;
        try_match(target, valid_source(x, y));
      }
    }
  }

  /// Every pixel of the hole becomes the mean of what the patches over it suggest; patches that
  /// match well count more.
  void vote() {
    std::vector<float> sums(4 * known_.size());  // colour times weight, weight
    for (const int target : targets_) {
      const int source = match_[static_cast<std::size_t>(target)];
      const float mean_cost = static_cast<float>(cost_[static_cast<std::size_t>(target)]) /
                              ((2 * kReach + 1) * (2 * kReach + 1));
      const float weight = std::exp(-mean_cost / kSpreadOfVotes) + 1e-4f;
      add_votes(target, source, weight, sums);
    }
    for (std::size_t i = 0; i < known_.size(); ++i)
      for (std::size_t c = 0; c < 3 && known_[i] == 0; ++c)
        color_[4 * i + c] = static_cast<std::uint8_t>(sums[4 * i + c] / sums[4 * i + 3] + 0.5f);
  }

  void add_votes(int target, int source, float weight, std::vector<float>& sums) const {
    const int x = target % width_, y = target / width_;
    for (int dy = std::max(-kReach, -y); dy <= std::min(kReach, height_ - 1 - y); ++dy) {
      for (int dx = std::max(-kReach, -x); dx <= std::min(kReach, width_ - 1 - x); ++dx) {
        const auto to = static_cast<std::size_t>(target + dy * width_ + dx);
        if (known_[to] != 0) continue;
        const std::uint8_t* from = color_.data() + 4 * (source + dy * width_ + dx);
        for (std::size_t c = 0; c < 3; ++c) sums[4 * to + c] += weight * from[c];
        sums[4 * to + 3] += weight;
      }
    }
  }

  int width_;
  int height_;
  std::vector<std::uint8_t> known_;
  std::vector<std::uint8_t> color_;  ///< [height,width,4], the fourth byte 0
  std::vector<std::uint8_t> is_source_;
  std::vector<int> sources_;  ///< pixels whose patch is known
  std::vector<int> targets_;  ///< pixels whose patch touches the hole
  std::vector<int> match_;    ///< source of each target
  std::vector<int> cost_;     ///< distance() of each target and its match
};

/// The levels from full size down to the coarsest that still helps.
std::vector<HoleLevel> levels_of(const HoleLevel& level) {
  std::vector<HoleLevel> levels = {level};
  while (std::min(levels.back().width, levels.back().height) >= 2 * kSmallestSide &&
         std::find(levels.back().known.begin(), levels.back().known.end(), 0) !=
             levels.back().known.end())
    levels.push_back(halved(levels.back()));
  return levels;
}

}  // namespace

void fill_with_patches(HoleLevel& level, std::uint64_t seed) {
  Pcg64 random(seed);
  fill_smooth(level);  // stays where no patch can be copied
  std::vector<HoleLevel> levels = levels_of(level);
  std::optional<PatchLevel> filled;  // the latest level, if patches could be copied there
  for (auto size = levels.rbegin(); size != levels.rend(); ++size) {
    fill_smooth(*size);
    PatchLevel current(*size);
    if (!current.can_match()) {
      filled.reset();
      continue;
    }
    if (filled)
      current.match_like(*filled, random);
    else
      current.match_at_random(random);
    current.refine(random);
    filled = std::move(current);
  }
  if (filled) filled->write_to(level);
}

}  // namespace invokeai::image
