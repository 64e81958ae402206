#pragma once
// Events of jobs in the original front end's words and order (web spec 1.7, 1.8).

#include <functional>
#include <mutex>
#include <nlohmann/json.hpp>
#include <set>
#include <string>

#include "server/internal/legacy_parameters.h"
#include "server/studio.h"

namespace invokeai::server {

/// Follows the events of the studio; `emit` gets each event's name and arguments. Has to outlive its
/// subscription.
class LegacyProgress {
 public:
  using Emit = std::function<void(const std::string& event, const nlohmann::json& arguments)>;

  LegacyProgress(Studio& studio, Emit emit) : studio_(studio), emit_(std::move(emit)) {}

  void hear(const Event& event);
  /// What a client that has just connected needs to follow a running job; null: nothing runs.
  nlohmann::json current() const;

 private:
  void job(const Event& event);
  void progress(const Event& event);
  void preview(const Event& event);
  void picture(const Event& event);
  void begin(const std::string& id);
  void begin_picture(const Event& event);  ///< with its first step
  void update(const char* status, int step, int total, bool has_steps, bool busy = true);
  void end();
  nlohmann::json generated(const nlohmann::json& result);

  Studio& studio_;
  const Emit emit_;
  mutable std::mutex mutex_;  ///< guards the rest
  // The job being drawn:
  std::string id_;  ///< empty: none
  LegacyTag tag_;
  nlohmann::json tokens_;
  int pictures_ = 1, iteration_ = 1, total_ = 1, step_index_ = 0;
  bool step_seen_ = false;  ///< of this picture
  bool complete_ = false;   ///< all pictures were told of
  bool full_previews_ = false;
  nlohmann::json last_;     ///< last progressUpdate
};

}  // namespace invokeai::server
