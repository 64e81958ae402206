#pragma once
// One run of a training stage: how far it is, what rate it learns at, what it writes along the way.

#include <chrono>
#include <string>

#include "demo_model/trainer.h"

namespace invokeai::demo {

/// Counts pictures and time. A line with the mean loss goes to the log every 20 seconds; the loss
/// curve of all sittings is training/STAGE.csv, drawn anew as training/STAGE-loss.png at each save.
class Sitting {
 public:
  /// `done`: pictures of earlier sittings.
  Sitting(const TrainOptions& options, std::string stage, std::int64_t done);

  /// Whether pictures and time are left.
  bool goes_on() const;
  /// A step has been made.
  void advance(std::int64_t pictures, double loss, double gradient);
  /// 100 steps of warm-up, then constant, then a falling half cosine over the last `decay` pictures
  /// that this sitting can make in its time.
  double learning_rate() const;
  /// Whether `save_minutes` have passed since this was last true.
  bool should_save();
  /// Draws the loss curve.
  Result<> draw_curve() const;

  std::int64_t done() const { return done_; }
  double seconds() const;

 private:
  double pictures_left() const;

  const TrainOptions& options_;
  std::string stage_;
  std::int64_t first_, done_;
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
  double loss_ = 0, gradient_ = 0, shown_ = 0, saved_ = 0;
  int steps_ = 0;
};

}  // namespace invokeai::demo
