#include "image/internal/finding.h"

#include <algorithm>
#include <cmath>

#include "base/settings.h"

namespace invokeai::image {
namespace {

constexpr std::size_t kMaxLost = 50;
constexpr std::size_t kMaxVariations = 100;

/// Within the setting's range, and a multiple as it wants.
double allowed(const Setting& setting, double value) {
  double result = std::clamp(value, setting.low, setting.high);
  if (setting.type == SettingType::integer)
    result = std::floor(result / setting.multiple) * setting.multiple;
  return std::max(result, setting.low);
}

}  // namespace

std::string in_quotes(std::string_view text) {
  constexpr std::size_t kLongest = 120;
  std::string line = without_controls(text);
  std::ranges::replace(line, '\n', ' ');
  std::ranges::replace(line, '\t', ' ');
  if (line.size() <= kLongest) return fmt::format("'{}'", line);
  std::size_t end = kLongest;
  while (end > 0 && (static_cast<unsigned char>(line[end]) & 0xC0) == 0x80) --end;
  return fmt::format("'{}...'", line.substr(0, end));
}

AppMetadata& Finding::app() {
  if (!found_.app) {
    found_.app.emplace();
    found_.app->app_id.clear();
    found_.app->app_version.clear();
  }
  return *found_.app;
}

void Finding::real(std::string_view setting_name, const Json& value, double& field) {
  if (value.is_null()) return;
  const auto number = as_number(value);
  if (!number) {
    lose("{} {} is no number; {} is used", setting_name, in_quotes(described(value)), field);
    return;
  }
  field = allowed(setting(setting_name), *number);
  if (field != *number)
    lose("{} {} is not possible here; {} is used", setting_name, *number, field);
}

void Finding::whole(std::string_view setting_name, const Json& value, int& field) {
  double number = field;
  real(setting_name, value, number);
  field = static_cast<int>(number);
}

void Finding::seed(const Json& value) {
  if (value.is_null() && has_seed_) return;
  const auto seed = as_whole(value);
  if (!seed) {
    lose("the seed {}", value.is_null() ? std::string("is not stored")
                                        : in_quotes(described(value)) + " is no whole number");
    return;
  }
  has_seed_ = true;
  picture().seed = static_cast<std::uint32_t>(*seed);
  if (*seed > 0xFFFFFFFF)
    lose(
        "seed {} has more than 32 bits; {}, its lower half, draws the same noise where that comes "
        "from the CPU",
        *seed, picture().seed);
}

void Finding::sampler(Tool tool, std::string_view name, std::string_view schedule) {
  const auto choice = sampler_of(tool, name);
  if (choice) {
    picture().sampler = choice->name;
    karras_ = choice->karras;
  }
  if (!choice)
    lose("there is no sampler {} here; {} is used", in_quotes(name), picture().sampler);
  else if (!choice->same)
    lose("there is no sampler {} here; {} is the nearest", in_quotes(name), choice->name);
  if (schedule.empty()) return;
  const auto karras = schedule_is_karras(schedule);
  if (karras) karras_ = *karras;
  if (!karras)
    lose("the noise levels {} do not exist here; the model's own are used", in_quotes(schedule));
}

void Finding::own_sampler(const std::string& name) {
  if (is_our_sampler(name))
    picture().sampler = name;
  else
    sampler(Tool::invokeai, name, "");
}

void Finding::variation(const Json& seed, const Json& weight) {
  const auto whole = as_whole(seed);
  const auto share = as_number(weight);
  if (!whole || *whole > 0xFFFFFFFF || !share || *share < 0 || *share > 1) {
    lose("variation {}:{} is not a seed and a weight from 0 to 1", in_quotes(described(seed)),
         in_quotes(described(weight)));
  } else if (picture().variations.size() < kMaxVariations) {
    picture().variations.push_back({static_cast<std::uint32_t>(*whole), *share});
  }
}

void Finding::lose_line(std::string line) {
  auto& lost = found_.lost;
  if (lost.size() < kMaxLost && std::ranges::find(lost, line) == lost.end())
    lost.push_back(std::move(line));
}

FoundMetadata Finding::take() {
  if (karras_) picture().karras_max = picture().steps + 1;
  return std::move(found_);
}

}  // namespace invokeai::image
