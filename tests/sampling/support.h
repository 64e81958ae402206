#pragma once
// Golden files and small conversions shared by the tests of this room.

#include <ATen/ATen.h>

#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <vector>

#include "sampling/samplers.h"

namespace invokeai::sampling::test {

using Json = nlohmann::json;

/// One top-level entry of a golden file, by value so that it can stand in a range-for.
inline Json golden(const std::string& name, const std::string& key) {
  std::ifstream file(std::string(INVOKEAI_TEST_DATA) + "/golden/" + name);
  Json entry = Json::parse(file).at(key);
  if (entry.empty()) throw std::runtime_error(name + " has nothing under " + key);
  return entry;
}

/// 0..15, the element index of the golden files' 16-number latents; [16] f64.
inline at::Tensor indices() { return at::arange(16, at::kDouble); }

/// Prediction type as the golden files name it.
inline PredictionType prediction_type(const std::string& name) {
  return *parse_prediction_type(name == "v" ? "v_prediction" : name);
}

/// Largest absolute difference between x, in memory order, and a list of as many numbers.
inline double largest_difference(const at::Tensor& x, const Json& wanted) {
  const at::Tensor numbers = at::tensor(wanted.get<std::vector<double>>(), at::kDouble);
  return (x.flatten().to(at::kDouble) - numbers).abs().max().item<double>();
}

/// ln sigma at a timestep, log-linear between the table's entries: the inverse of
/// `timestep(sigma)`.
inline double log_sigma(const NoiseSchedule& schedule, double t) {
  const int low = std::min(int(t), schedule.max_timestep() - 1);
  return std::lerp(std::log(schedule.sigma(low)), std::log(schedule.sigma(low + 1)), t - low);
}

}  // namespace invokeai::sampling::test
