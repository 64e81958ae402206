#include "models/convert/checkpoint.h"

#include <algorithm>
#include <utility>

#include "models/convert/key_map.h"
#include "models/convert/name_pattern.h"
#include "models/convert/tensor_ops.h"

namespace invokeai::models {
namespace {

constexpr std::string_view kUNetPrefix = "model.diffusion_model.";
constexpr std::size_t kFewestAverages = 101;  // a few stray keys are no averaged model
constexpr int kStabilityLayers = 23;          // of OpenCLIP-H's 24: SD2 stops at the penultimate

/// Where a file keeps one part, and in which naming.
struct Place {
  std::string_view prefix;
  TensorSource SplitCheckpoint::*part;
  bool open_clip;
};

constexpr Place kPlaces[] = {
    {kUNetPrefix, &SplitCheckpoint::unet, false},
    {"first_stage_model.", &SplitCheckpoint::vae, false},
    {"vae.", &SplitCheckpoint::vae, false},
    {"cond_stage_model.transformer.", &SplitCheckpoint::text_encoder, false},
    {"cond_stage_model.model.", &SplitCheckpoint::text_encoder, true},
    {"conditioner.embedders.0.transformer.", &SplitCheckpoint::text_encoder, false},
    {"conditioner.embedders.1.model.", &SplitCheckpoint::text_encoder_2, true},
    {"conditioner.embedders.0.model.", &SplitCheckpoint::text_encoder_2, true},
};

/// The tensors below a prefix, under their names without it.
TensorSource below(const TensorSource& file, std::string_view prefix) {
  TensorSource part;
  for (auto it = file.tensors.lower_bound(std::string(prefix));
       it != file.tensors.end() && it->first.starts_with(prefix); ++it) {
    if (it->first.size() > prefix.size()) {
      part.tensors.emplace_hint(part.tensors.end(), it->first.substr(prefix.size()), it->second);
    }
  }
  return part;
}

/// Adds a tensor under its new name; false when the place is taken.
bool put(TensorSource& part, const Mapped& mapped, const TensorView& view) {
  return part.tensors.emplace(mapped.name, view_as(view, mapped.reshape)).second;
}

/// OpenCLIP layers that the text encoder keeps. Full towers, told by their projection, lose the
/// last layer, since SD2 conditions on the penultimate one; SDXL (`whole_tower`) keeps all and
/// stops later.
int open_clip_layers(const TensorSource& text, bool whole_tower) {
  const int layers = count_indices(text, "transformer.resblocks.#.*");
  if (whole_tower || layers == kStabilityLayers) return layers;
  if (layers > kStabilityLayers) return kStabilityLayers;
  return text.find("text_projection") ? layers - 1 : layers;
}

void add_unet(const TensorSource& file, const TensorSource& ldm, bool use_ema,
              SplitCheckpoint& split) {
  const UNetLayout layout = unet_layout_of_ldm(ldm);
  const bool averages = use_ema && below(file, "model_ema.").tensors.size() >= kFewestAverages;
  for (const auto& [name, plain] : ldm.tensors) {
    const auto mapped = unet_to_diffusers(name, layout);
    const TensorView* average = averages ? file.find(ema_name("diffusion_model." + name)) : nullptr;
    const bool take_average = average && average->shape == plain.shape;
    if (!mapped || !put(split.unet, *mapped, take_average ? *average : plain)) {
      split.leftover.push_back(std::string(kUNetPrefix) + name);
    } else if (take_average) {
      ++split.ema_tensors;
    }
  }
}

void add_vae(const TensorSource& ldm, std::string_view prefix, SplitCheckpoint& split) {
  const int levels = count_indices(ldm, "decoder.up.#.*");
  for (const auto& [name, view] : ldm.tensors) {
    const auto mapped = vae_to_diffusers(name, levels);
    if (mapped && put(split.vae, *mapped, view)) continue;
    std::string full = std::string(prefix) + name;
    if (!is_ignorable(full)) split.leftover.push_back(std::move(full));
  }
}

void add_hf_text(const TensorSource& text, const Place& place, SplitCheckpoint& split) {
  for (const auto& [name, view] : text.tensors) {
    if (is_ignorable(name)) continue;
    const auto mapped = canonical_text(name);
    if (!mapped || !put(split.*place.part, *mapped, view)) {
      split.leftover.push_back(std::string(place.prefix) + name);
    }
  }
}

Result<> add_open_clip(const TensorSource& text, const Place& place, SplitCheckpoint& split) {
  TensorSource& part = split.*place.part;
  const bool second = place.part == &SplitCheckpoint::text_encoder_2;
  const int layers = open_clip_layers(text, second);
  for (const auto& [name, view] : text.tensors) {
    const auto block = match_name("transformer.resblocks.#.*", name);
    const bool dropped = (block && block->number[0] >= layers) ||
                         (name == "text_projection" && !second) || is_ignorable(name);
    if (dropped) continue;
    TRY_ASSIGN(const auto list, open_clip_to_hf(name, view.shape, layers));
    bool placed = !list.empty();
    for (const Mapped& mapped : list) {
      TensorView piece = view;
      if (mapped.rows) {
        TRY_ASSIGN(piece, view_rows(view, *mapped.rows));
      }
      placed = put(part, mapped, piece) && placed;
    }
    if (!placed) split.leftover.push_back(std::string(place.prefix) + name);
  }
  split.open_clip = split.open_clip || !second;
  return {};
}

/// What a file without a UNet holds instead, for the error message.
std::string content_text(const TensorSource& file, const SplitCheckpoint& split) {
  if (any_name(file, "control_model.*")) return "a ControlNet";
  if (!split.vae.tensors.empty() || file.find("decoder.conv_in.weight")) {
    return "only a VAE; give it as the vae of another model";
  }
  if (any_name(file, "lora_unet_*")) return "a LoRA";
  if (any_name(file, "model_ema.*")) return "only averaged weights without their plain names";
  if (file.tensors.empty()) return "no tensors";
  return fmt::format("{} tensors, first {}", file.tensors.size(), file.tensors.begin()->first);
}

/// Collects tensors under LDM names; fused ones wait until all their rows are there.
class Joiner {
 public:
  Result<> add(std::string_view prefix, const std::optional<Mapped>& mapped,
               const std::string& name, const TensorView& view) {
    if (!mapped) {
      return fail(ErrorCode::unsupported, "convert.join",
                  "{} has no place in a single-file checkpoint; keep the model as a folder", name);
    }
    const std::string full = std::string(prefix) + mapped->name;
    if (mapped->rows) {
      fused_[full].emplace(mapped->rows->first, view);
    } else {
      file_.tensors.emplace(full, view_as(view, mapped->reshape));
    }
    return {};
  }

  Result<TensorSource> finish() && {
    for (const auto& [name, pieces] : fused_) {
      std::vector<TensorView> parts;
      for (const auto& [row, view] : pieces) parts.push_back(view);
      if (parts.size() != 3) {
        return fail(ErrorCode::bad_file, "convert.join",
                    "{} needs query, key and value, but only {} of them are there", name,
                    parts.size());
      }
      TRY_ASSIGN(file_.tensors[name], concatenate_rows(parts));
    }
    return std::move(file_);
  }

 private:
  TensorSource file_;
  std::map<std::string, std::map<std::int64_t, TensorView>> fused_;  ///< by first row
};

Result<> join_text(Joiner& joiner, const TensorSource& text, std::string_view prefix,
                   bool open_clip) {
  for (const auto& [name, view] : text.tensors) {
    TRY_VOID(joiner.add(
        prefix, open_clip ? hf_to_open_clip(name, view.shape) : canonical_text(name), name, view));
  }
  return {};
}

/// The prefix of a VAE inside `file`: "", "first_stage_model." or "vae."; nullopt when there is
/// none.
std::optional<std::string_view> vae_prefix(const TensorSource& file) {
  for (const std::string_view prefix : {"", "first_stage_model.", "vae."}) {
    if (file.find(std::string(prefix) + "decoder.conv_in.weight")) return prefix;
  }
  return std::nullopt;
}

}  // namespace

Result<SplitCheckpoint> split_checkpoint(const TensorSource& file, const SplitOptions& options) {
  SplitCheckpoint split;
  split.metadata = file.metadata;
  split.unet.name = file.name + ": unet";
  split.vae.name = file.name + ": vae";
  split.text_encoder.name = file.name + ": text_encoder";
  split.text_encoder_2.name = file.name + ": text_encoder_2";
  for (const Place& place : kPlaces) {
    const TensorSource part = below(file, place.prefix);
    if (part.tensors.empty()) continue;
    if (place.part == &SplitCheckpoint::unet) {
      add_unet(file, part, options.use_ema, split);
    } else if (place.part == &SplitCheckpoint::vae) {
      add_vae(part, place.prefix, split);
    } else if (place.open_clip) {
      TRY_VOID(add_open_clip(part, place, split));
    } else {
      add_hf_text(part, place, split);
    }
  }
  if (split.unet.tensors.empty()) {
    return fail(ErrorCode::bad_file, "convert.split",
                "{}: no UNet (tensors named {}*) found; the file holds {}", file.name, kUNetPrefix,
                content_text(file, split));
  }
  for (const auto& [name, view] : file.tensors) {
    const bool known = std::any_of(std::begin(kPlaces), std::end(kPlaces), [&](const Place& place) {
      return name.starts_with(place.prefix);
    });
    if (!known && !is_ignorable(name)) split.leftover.push_back(name);
  }
  std::sort(split.leftover.begin(), split.leftover.end());
  return split;
}

Result<TensorSource> join_checkpoint(const SplitCheckpoint& split) {
  Joiner joiner;
  const UNetLayout layout = unet_layout_of_diffusers(split.unet);
  for (const auto& [name, view] : split.unet.tensors) {
    TRY_VOID(joiner.add(kUNetPrefix, unet_to_ldm(name, layout), name, view));
  }
  const int levels = count_indices(split.vae, "decoder.up_blocks.#.*");
  for (const auto& [name, view] : split.vae.tensors) {
    TRY_VOID(joiner.add("first_stage_model.", vae_to_ldm(name, levels), name, view));
  }
  const bool sdxl = !split.text_encoder_2.tensors.empty();
  const bool refiner = sdxl && split.text_encoder.tensors.empty();
  const std::string_view first = sdxl              ? "conditioner.embedders.0.transformer."
                                 : split.open_clip ? "cond_stage_model.model."
                                                   : "cond_stage_model.transformer.";
  TRY_VOID(join_text(joiner, split.text_encoder, first, split.open_clip && !sdxl));
  TRY_VOID(join_text(joiner, split.text_encoder_2,
                     refiner ? "conditioner.embedders.0.model." : "conditioner.embedders.1.model.",
                     true));
  TRY_ASSIGN(TensorSource file, std::move(joiner).finish());
  file.metadata = split.metadata;
  return file;
}

Result<TensorSource> vae_of_file(const TensorSource& file) {
  const auto prefix = vae_prefix(file);
  if (!prefix) {
    return fail(ErrorCode::bad_file, "convert.vae",
                "{}: no VAE found (wanted a tensor decoder.conv_in.weight)", file.name);
  }
  TensorSource part = below(file, *prefix);
  part.name = file.name + ": vae";
  part.metadata = file.metadata;
  if (any_name(part, "decoder.up_blocks.#.*")) return canonical_part(part, Part::vae);
  SplitCheckpoint split;
  add_vae(part, *prefix, split);
  split.vae.name = part.name;
  split.vae.metadata = part.metadata;
  return std::move(split.vae);
}

TensorSource canonical_part(const TensorSource& folder_part, Part part) {
  TensorSource canonical;
  canonical.name = folder_part.name;
  canonical.metadata = folder_part.metadata;
  for (const auto& [name, view] : folder_part.tensors) {
    if (part != Part::unet && is_ignorable(name)) continue;
    Mapped mapped{name, std::nullopt, Reshape::none};
    if (part == Part::vae) mapped = canonical_vae(name);
    if (part == Part::text_encoder) mapped = canonical_text(name).value_or(mapped);
    // Should a file hold both spellings, the current one is meant.
    TensorView reshaped = view_as(view, mapped.reshape);
    if (mapped.name == name) {
      canonical.tensors.insert_or_assign(mapped.name, std::move(reshaped));
    } else {
      canonical.tensors.emplace(mapped.name, std::move(reshaped));
    }
  }
  return canonical;
}

}  // namespace invokeai::models
