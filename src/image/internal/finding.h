#pragma once
// What a reader of foreign metadata has found so far.

#include <fmt/format.h>

#include <string>
#include <string_view>

#include "image/internal/foreign_json.h"
#include "image/internal/sampler_names.h"
#include "image/read_metadata.h"

namespace invokeai::image {

/// Collects one picture's values. Numbers pass the settings table on their way in: what is outside
/// its ranges is moved inside and reported as lost.
class Finding {
 public:
  explicit Finding(std::string software) { found_.software = std::move(software); }

  ImageMetadata& picture() { return found_.picture; }
  AppMetadata& app();
  void name_software(std::string software) { found_.software = std::move(software); }

  /// A setting by its wire name; a value that is null leaves the field alone.
  void whole(std::string_view setting_name, const Json& value, int& field);
  void real(std::string_view setting_name, const Json& value, double& field);

  /// Of more than 32 bits the low ones are taken, as torch's generator on the CPU does. Null is
  /// lost unless a seed was found before.
  void seed(const Json& value);

  /// `schedule` may be empty when the name says it, or there is none.
  void sampler(Tool tool, std::string_view name, std::string_view schedule);
  /// One of our own names; those of InvokeAI 3 are understood as well.
  void own_sampler(const std::string& name);
  void karras(bool wanted) { karras_ = wanted; }

  /// A member of the list of variations; dropped when a weight is outside 0 to 1.
  void variation(const Json& seed, const Json& weight);

  template <class... Args>
  void lose(fmt::format_string<Args...> format, Args&&... args) {
    lose_line(fmt::format(format, std::forward<Args>(args)...));
  }

  /// The finished description; karras is spelled as the command line does.
  FoundMetadata take();

 private:
  void lose_line(std::string line);

  FoundMetadata found_;
  bool karras_ = false;
  bool has_seed_ = false;
};

/// User text for a message, as shown(), but longer.
std::string in_quotes(std::string_view text);

}  // namespace invokeai::image
