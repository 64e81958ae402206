#pragma once
// What happens, told to everybody who wants to know: the events of docs/api.md.

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>

#include "base/subscribers.h"

namespace invokeai::server {

struct Event {
  std::string name;           ///< "job", "progress", ...
  std::string job;            ///< id of the job it is about; empty: none
  std::int64_t revision = -1;  ///< of the queue, for events that change it; -1: none
  nlohmann::json data;
};

/// See base/subscribers.h for what a callback may do.
using EventHub = Subscribers<Event>;

}  // namespace invokeai::server
