#pragma once
// Samplers and noise schedules by the names that other tools give them.

#include <optional>
#include <string>
#include <string_view>

namespace invokeai::image {

enum class Tool { invokeai, a1111, comfyui };

struct SamplerChoice {
  std::string_view name;
  bool karras = false;
  bool same = true;  ///< false: the nearest there is
};

/// Is this one of our own samplers' names?
bool is_our_sampler(std::string_view name);

/// The sampler of this name, which may carry its schedule ("DPM++ 2M Karras", "dpmpp_2m_k");
/// capital letters do not matter. Nothing when we know none that is near.
std::optional<SamplerChoice> sampler_of(Tool tool, std::string_view name);

/// A schedule by itself ("Karras", "normal"): whether it is Karras', nothing when we have no such.
/// For AUTOMATIC1111's "Automatic" see automatic_karras.
std::optional<bool> schedule_is_karras(std::string_view schedule);

/// AUTOMATIC1111 since 1.9 takes Karras levels for some samplers when asked for "Automatic".
bool automatic_karras(std::string_view a1111_sampler);

/// Our sampler's name in the tool, without its schedule; the nearest when it has no such.
SamplerChoice sampler_for(Tool tool, std::string_view ours);

}  // namespace invokeai::image
