#include "image/internal/sampler_names.h"

#include <algorithm>
#include <array>

namespace invokeai::image {
namespace {

struct Row {
  Tool tool;
  std::string_view theirs;  ///< as the tool writes it
  std::string_view ours;
  bool same = true;
};

using enum Tool;

/// Of several rows with one `ours` the first is the one to write.
constexpr Row kRows[] = {
    {invokeai, "ddim", "ddim"},
    {invokeai, "lms", "k_lms"},
    {invokeai, "pndm", "plms"},
    {invokeai, "pndm", "pndm"},
    {invokeai, "heun", "k_heun"},
    {invokeai, "euler", "k_euler"},
    {invokeai, "euler_a", "k_euler_a"},
    {invokeai, "kdpm_2", "k_dpm_2"},
    {invokeai, "kdpm_2_a", "k_dpm_2_a"},
    {invokeai, "dpmpp_2m", "dpmpp_2m"},
    {invokeai, "dpmpp_2m", "k_dpmpp_2"},
    {invokeai, "dpmpp_2s", "k_dpmpp_2_a", false},
    {invokeai, "dpmpp_sde", "dpmpp_sde"},
    {invokeai, "dpmpp_2m_sde", "dpmpp_sde", false},
    {invokeai, "dpmpp_3m", "dpmpp_2m", false},
    {invokeai, "ddpm", "k_euler_a", false},
    {invokeai, "deis", "dpmpp_2m", false},
    {invokeai, "unipc", "unipc"},
    {invokeai, "lcm", "lcm"},
    {invokeai, "tcd", "lcm", false},

    {a1111, "DDIM", "ddim"},
    {a1111, "PLMS", "plms"},
    {a1111, "PLMS", "pndm"},
    {a1111, "LMS", "k_lms"},
    {a1111, "Heun", "k_heun"},
    {a1111, "Euler", "k_euler"},
    {a1111, "Euler a", "k_euler_a"},
    {a1111, "DPM2", "k_dpm_2"},
    {a1111, "DPM2 a", "k_dpm_2_a"},
    {a1111, "DPM++ 2S a", "k_dpmpp_2_a"},
    {a1111, "DPM++ 2M", "dpmpp_2m"},
    {a1111, "DPM++ 2M", "k_dpmpp_2"},
    {a1111, "DPM++ SDE", "dpmpp_sde"},
    {a1111, "DPM++ 2M SDE", "dpmpp_sde", false},
    {a1111, "DPM++ 2M SDE Heun", "dpmpp_sde", false},
    {a1111, "DPM++ 3M SDE", "dpmpp_sde", false},
    {a1111, "DPM fast", "dpmpp_2m", false},
    {a1111, "DPM adaptive", "dpmpp_2m", false},
    {a1111, "Restart", "k_heun", false},
    {a1111, "UniPC", "unipc"},
    {a1111, "LCM", "lcm"},

    {comfyui, "ddim", "ddim"},
    {comfyui, "lms", "k_lms"},
    {comfyui, "heun", "k_heun"},
    {comfyui, "euler", "k_euler"},
    {comfyui, "euler_ancestral", "k_euler_a"},
    {comfyui, "dpm_2", "k_dpm_2"},
    {comfyui, "dpm_2_ancestral", "k_dpm_2_a"},
    {comfyui, "dpmpp_2s_ancestral", "k_dpmpp_2_a"},
    {comfyui, "dpmpp_2m", "dpmpp_2m"},
    {comfyui, "dpmpp_sde", "dpmpp_sde"},
    {comfyui, "dpmpp_sde_gpu", "dpmpp_sde"},
    {comfyui, "dpmpp_2m_sde", "dpmpp_sde", false},
    {comfyui, "dpmpp_2m_sde_gpu", "dpmpp_sde", false},
    {comfyui, "dpmpp_3m_sde", "dpmpp_sde", false},
    {comfyui, "dpmpp_3m_sde_gpu", "dpmpp_sde", false},
    {comfyui, "dpm_fast", "dpmpp_2m", false},
    {comfyui, "dpm_adaptive", "dpmpp_2m", false},
    {comfyui, "deis", "dpmpp_2m", false},
    {comfyui, "ipndm", "plms", false},
    {comfyui, "ddpm", "k_euler_a", false},
    {comfyui, "uni_pc", "unipc"},
    {comfyui, "uni_pc_bh2", "unipc"},
    {comfyui, "lcm", "lcm"},
};

std::string lower(std::string_view text) {
  std::string result(text);
  for (char& c : result)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return result;
}

std::string_view karras_ending(Tool tool) { return tool == Tool::a1111 ? " karras" : "_k"; }

}  // namespace

bool is_our_sampler(std::string_view name) {
  return std::ranges::any_of(kRows, [&](const Row& row) { return row.ours == name; });
}

std::optional<SamplerChoice> sampler_of(Tool tool, std::string_view name) {
  std::string wanted = lower(name);
  const bool karras = tool != Tool::comfyui && wanted.ends_with(karras_ending(tool));
  if (karras) wanted.resize(wanted.size() - karras_ending(tool).size());
  for (const Row& row : kRows)
    if (row.tool == tool && lower(row.theirs) == wanted)
      return SamplerChoice{row.ours, karras, row.same};
  return std::nullopt;
}

std::optional<bool> schedule_is_karras(std::string_view schedule) {
  const std::string name = lower(schedule);
  if (name == "karras") return true;
  constexpr std::array kPlain = {"", "normal", "uniform", "ddim", "ddim_uniform", "automatic"};
  if (std::ranges::find(kPlain, name) != kPlain.end()) return false;
  return std::nullopt;
}

bool automatic_karras(std::string_view a1111_sampler) {
  constexpr std::array kKarras = {"dpm2",      "dpm2 a",       "dpm++ 2s a",       "dpm++ 2m",
                                  "dpm++ sde", "dpm++ 2m sde", "dpm++ 2m sde heun"};
  return std::ranges::find(kKarras, lower(a1111_sampler)) != kKarras.end();
}

SamplerChoice sampler_for(Tool tool, std::string_view ours) {
  for (const Row& row : kRows)
    if (row.tool == tool && row.ours == ours) return {row.theirs, false, row.same};
  return {sampler_for(tool, "k_euler").name, false, false};
}

}  // namespace invokeai::image
