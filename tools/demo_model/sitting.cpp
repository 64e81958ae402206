#include "demo_model/sitting.h"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <numbers>

#include "demo_model/checkpoint.h"
#include "demo_model/sheets.h"

namespace invokeai::demo {

Sitting::Sitting(const TrainOptions& options, std::string stage, std::int64_t done)
    : options_(options), stage_(std::move(stage)), first_(done), done_(done) {}

double Sitting::seconds() const {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
}

bool Sitting::goes_on() const {
  return done_ < options_.pictures && seconds() < options_.minutes * 60;
}

double Sitting::pictures_left() const {
  const auto left = static_cast<double>(options_.pictures - done_);
  if (done_ == first_) return left;
  const double pace = static_cast<double>(done_ - first_) / std::max(seconds(), 1e-3);
  return std::min(left, pace * (options_.minutes * 60 - seconds()));
}

double Sitting::learning_rate() const {
  return demo::learning_rate(options_, done_ - first_, pictures_left());
}

void Sitting::advance(std::int64_t pictures, double loss, double gradient) {
  done_ += pictures;
  loss_ += loss;
  gradient_ += gradient;
  ++steps_;
  if (seconds() - shown_ < 20 && goes_on()) return;
  shown_ = seconds();
  log_line(options_,
           fmt::format("{}: {:7d} pictures  loss {:.4f}  gradient {:.2f}  {:.1f} pictures/s",
                       stage_, done_, loss_ / steps_, gradient_ / steps_,
                       static_cast<double>(done_ - first_) / seconds()));
  std::ofstream(options_.training / (stage_ + ".csv"), std::ios::app)
      << done_ << ',' << loss_ / steps_ << '\n';
  loss_ = gradient_ = 0;
  steps_ = 0;
}

bool Sitting::should_save() {
  if (seconds() - saved_ < options_.save_minutes * 60) return false;
  saved_ = seconds();
  return true;
}

Result<> Sitting::draw_curve() const {
  std::ifstream file(options_.training / (stage_ + ".csv"));
  std::vector<double> losses;
  double pictures = 0, loss = 0;
  for (char comma; file >> pictures >> comma >> loss;) losses.push_back(loss);
  return write_curve(options_.training / (stage_ + "-loss.png"), losses);
}

double learning_rate(const TrainOptions& options, std::int64_t done, double left) {
  const double warm = std::min(1.0, static_cast<double>(done / options.batch + 1) / 100.0);
  const double share =
      std::clamp(left / std::max<double>(static_cast<double>(options.decay), 1), 0.0, 1.0);
  return options.learning_rate * warm * 0.5 * (1 - std::cos(std::numbers::pi * share));
}

}  // namespace invokeai::demo
