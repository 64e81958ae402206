#include <algorithm>

#include "demo_model/trainer.h"

namespace invokeai::demo {

double learning_rate(const TrainOptions& options, std::int64_t done) {
  const double warm = std::min(1.0, (done / options.batch + 1) / 100.0);
  const std::int64_t left = options.pictures - done;
  const double fall = left < options.decay ? static_cast<double>(left) / options.decay : 1.0;
  return options.learning_rate * warm * fall;
}

}  // namespace invokeai::demo
