#include <algorithm>

#include "demo_model/trainer.h"

namespace invokeai::demo {

double learning_rate(const TrainOptions& options, std::int64_t done) {
  return learning_rate(options, done, options.pictures - done);
}

double learning_rate(const TrainOptions& options, std::int64_t done, std::int64_t left) {
  const double warm = std::min(1.0, (done / options.batch + 1) / 100.0);
  const double fall = left < options.decay ? static_cast<double>(left) / options.decay : 1.0;
  return options.learning_rate * warm * fall;
}

}  // namespace invokeai::demo
