#include "models/convert/detect.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <nlohmann/json.hpp>
#include <vector>

#include "models/convert/checkpoint.h"
#include "models/convert/name_pattern.h"

namespace invokeai::models {
namespace {

struct FamilyName {
  Family family;
  std::string_view name;
};

constexpr FamilyName kFamilyNames[] = {
    {Family::unknown, "unknown"},           {Family::sd1, "sd1"},   {Family::sd2, "sd2"},
    {Family::sdxl_refiner, "sdxl-refiner"}, {Family::sdxl, "sdxl"}, {Family::upscaler, "upscaler"},
    {Family::control_net, "controlnet"},    {Family::vae, "vae"},
};

/// Training steps at which the published SD2 checkpoints were saved.
struct KnownStep {
  std::int64_t global_step;
  Prediction prediction;
  std::string_view model;
};
constexpr KnownStep kKnownSteps[] = {
    {875000, Prediction::epsilon, "2.0-base"},
    {220000, Prediction::epsilon, "2.1-base"},
    {110000, Prediction::v, "2.1 768-v"},
};

std::string_view family_name(Family family) {
  return std::find_if(std::begin(kFamilyNames), std::end(kFamilyNames),
                      [&](const FamilyName& entry) { return entry.family == family; })
      ->name;
}

/// Lower-case words of letters and digits.
std::vector<std::string> words_of(std::string_view text) {
  std::vector<std::string> words(1);
  for (const char c : text) {
    if (std::isalnum(static_cast<unsigned char>(c))) {
      words.back() += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    } else if (!words.back().empty()) {
      words.emplace_back();
    }
  }
  if (words.back().empty()) words.pop_back();
  return words;
}

std::int64_t dimension(const TensorSource& file, const std::string& name, std::size_t index) {
  const TensorView* view = file.find(name);
  return view && index < view->shape.size() ? view->shape[index] : 0;
}

/// Width of the text that the UNet's first cross-attention looks at; 0 without cross-attention.
std::int64_t context_width(const TensorSource& file) {
  for (const auto& [name, view] : file.tensors) {
    if (name.ends_with(".attn2.to_k.weight") && name.starts_with("model.diffusion_model.") &&
        view.shape.size() == 2) {
      return view.shape[1];
    }
  }
  return 0;
}

Family family_of_unet(const TensorSource& file) {
  constexpr const char* kLayer = "model.transformer.resblocks.9.mlp.c_proj.bias";
  if (file.find(fmt::format("conditioner.embedders.1.{}", kLayer))) return Family::sdxl;
  if (file.find(fmt::format("conditioner.embedders.0.{}", kLayer))) return Family::sdxl_refiner;
  const std::string unet = "model.diffusion_model.";
  const TensorView* first = file.find(unet + "input_blocks.0.0.weight");
  if (first && first->shape == std::vector<std::int64_t>{256, 7, 3, 3} &&
      file.find(unet + "input_blocks.10.0.skip_connection.bias")) {
    return Family::upscaler;
  }
  switch (context_width(file)) {
    case 768:
      return Family::sd1;
    case 1024:
      return Family::sd2;
    default:
      // Other sizes of the same architecture: the text encoder's naming tells.
      if (any_name(file, "cond_stage_model.model.*")) return Family::sd2;
      if (any_name(file, "cond_stage_model.transformer.*")) return Family::sd1;
      return Family::unknown;
  }
}

bool holds_vae(const TensorSource& file) {
  constexpr const char* kPrefixes[] = {"", "first_stage_model.", "vae."};
  return std::any_of(std::begin(kPrefixes), std::end(kPrefixes), [&](const std::string& prefix) {
    return file.find(prefix + "encoder.conv_in.weight") &&
           file.find(prefix + "decoder.conv_in.weight");
  });
}

ModelKind kind_of_tensors(const TensorSource& file) {
  ModelKind kind;
  if (file.find("control_model.time_embed.0.weight") ||
      file.find("controlnet_cond_embedding.conv_in.weight")) {
    kind.family = Family::control_net;
  } else if (const auto channels =
                 dimension(file, "model.diffusion_model.input_blocks.0.0.weight", 1)) {
    kind.family = family_of_unet(file);
    kind.in_channels = static_cast<int>(std::min<std::int64_t>(channels, 1 << 16));
  } else if (holds_vae(file)) {
    kind.family = Family::vae;
  }
  return kind;
}

/// The value of `parameterization` in an LDM yaml; epsilon when there is none.
Prediction prediction_of_yaml(std::string_view yaml) {
  while (!yaml.empty()) {
    const std::string_view line = yaml.substr(0, yaml.find('\n'));
    yaml.remove_prefix(std::min(line.size() + 1, yaml.size()));
    const std::vector<std::string> words = words_of(line.substr(0, line.find('#')));
    if (words.size() == 2 && words[0] == "parameterization") {
      return words[1] == "v" ? Prediction::v : Prediction::epsilon;
    }
  }
  return Prediction::epsilon;
}

/// Words such as `768`, `v` (not in `v2-1`), `vpred` against `512`, `base`; both or neither:
/// unknown.
Prediction prediction_of_name(std::string_view file_name) {
  const std::vector<std::string> words = words_of(file_name);
  bool v = false;
  bool epsilon = false;
  for (std::size_t i = 0; i < words.size(); ++i) {
    const std::string& word = words[i];
    const bool version =
        i + 1 < words.size() && std::isdigit(static_cast<unsigned char>(words[i + 1][0]));
    v = v || word.starts_with("768") || word.starts_with("vpred") || (word == "v" && !version);
    epsilon = epsilon || word.starts_with("512") || word == "base" || word.starts_with("eps");
  }
  if (v == epsilon) return Prediction::unknown;
  return v ? Prediction::v : Prediction::epsilon;
}

/// The exact config that this program stores in its own single files.
Prediction prediction_of_metadata(const TensorSource& file) {
  const auto text = file.metadata.find(kConfigMetadataKey);
  if (text == file.metadata.end()) return Prediction::unknown;
  const auto config = nlohmann::json::parse(text->second, nullptr, false);
  if (!config.is_object() || !config.contains("scheduler")) return Prediction::unknown;
  const auto& scheduler = config["scheduler"];
  if (!scheduler.is_object() || !scheduler.contains("prediction_type")) return Prediction::unknown;
  return scheduler["prediction_type"] == "v_prediction" ? Prediction::v : Prediction::epsilon;
}

const KnownStep* known_step(const TensorSource& file) {
  const auto text = file.metadata.find("global_step");
  if (text == file.metadata.end()) return nullptr;
  std::int64_t step = 0;
  std::from_chars(text->second.data(), text->second.data() + text->second.size(), step);
  const auto* known =
      std::find_if(std::begin(kKnownSteps), std::end(kKnownSteps),
                   [&](const KnownStep& entry) { return entry.global_step == step; });
  return known == std::end(kKnownSteps) ? nullptr : known;
}

/// Fills prediction, certainty and reason of a detection whose family is settled.
void decide_prediction(const TensorSource& file, const Evidence& evidence, Detection& detection) {
  ModelKind& kind = detection.kind;
  const auto decide = [&](Prediction prediction, std::string reason) {
    kind.prediction = prediction;
    detection.reason = fmt::format("{}: {}", kind_name(kind), reason);
  };
  if (evidence.stated && evidence.stated->prediction != Prediction::unknown) {
    return decide(evidence.stated->prediction, "as stated");
  }
  if (const auto own = prediction_of_metadata(file); own != Prediction::unknown) {
    return decide(own, "as written in the file");
  }
  if (file.find("v_pred")) return decide(Prediction::v, "the file carries a v_pred marker");
  if (evidence.yaml) {
    return decide(prediction_of_yaml(*evidence.yaml), "by the .yaml beside the file");
  }
  const bool base_or_v = kind.family == Family::sd2 && kind.in_channels == 4;
  if (!base_or_v) return decide(Prediction::epsilon, "by its tensors");
  if (const KnownStep* step = known_step(file)) {
    return decide(step->prediction,
                  fmt::format("global_step {} is that of {}", step->global_step, step->model));
  }
  if (const auto named = prediction_of_name(evidence.file_name); named != Prediction::unknown) {
    return decide(named, fmt::format("by its file name, {}", evidence.file_name));
  }
  detection.certain = false;
  decide(Prediction::v,
         "its tensors do not tell a 512-base model from a 768-v one; if pictures look wrong, "
         "import it again as sd2-base");
}

}  // namespace

std::string kind_name(const ModelKind& kind) {
  std::string name(family_name(kind.family));
  if (kind.in_channels == 9) name += "-inpainting";
  if (kind.in_channels == 8) name += "-pix2pix";
  if (kind.in_channels == 5) name += "-depth";
  if (kind.prediction == Prediction::v) name += "-v";
  if (kind.family == Family::sd2 && kind.in_channels == 4 &&
      kind.prediction == Prediction::epsilon) {
    name += "-base";
  }
  return name;
}

Result<ModelKind> parse_kind(std::string_view text) {
  ModelKind kind;
  const auto* entry =
      std::find_if(std::begin(kFamilyNames), std::end(kFamilyNames), [&](const FamilyName& known) {
        const std::string_view rest = text.substr(std::min(known.name.size(), text.size()));
        return known.family != Family::unknown && text.starts_with(known.name) &&
               (rest.empty() || rest.front() == '-');
      });
  bool understood = entry != std::end(kFamilyNames);
  if (understood) {
    kind.family = entry->family;
    for (const std::string& word : words_of(text.substr(entry->name.size()))) {
      if (word == "inpainting")
        kind.in_channels = 9;
      else if (word == "pix2pix")
        kind.in_channels = 8;
      else if (word == "depth")
        kind.in_channels = 5;
      else if (word == "v")
        kind.prediction = Prediction::v;
      else if (word == "base")
        kind.prediction = Prediction::epsilon;
      else
        understood = false;
    }
  }
  if (!understood) {
    return fail(ErrorCode::invalid_argument, "convert.kind",
                "unknown kind of model '{}'; known are sd1, sd1-inpainting, sd2-base, sd2-v, "
                "sd2-inpainting, sdxl, sdxl-refiner, upscaler, controlnet, vae",
                text);
  }
  const bool open = kind.family == Family::sd2 && kind.in_channels == 4;
  if (kind.prediction == Prediction::unknown && !open) kind.prediction = Prediction::epsilon;
  return kind;
}

Result<Detection> detect_kind(const TensorSource& file, const Evidence& evidence) {
  Detection detection;
  ModelKind& kind = detection.kind;
  kind = kind_of_tensors(file);
  if (evidence.stated) {
    // "sd1" for an inpainting model is merely imprecise; "sd1-inpainting" for a plain one is wrong.
    const bool same_channels = evidence.stated->in_channels == ModelKind{}.in_channels ||
                               evidence.stated->in_channels == kind.in_channels;
    if (kind.family == Family::unknown) kind.family = evidence.stated->family;
    if (evidence.stated->family != kind.family || !same_channels) {
      return fail(ErrorCode::invalid_argument, "convert.kind",
                  "{} was stated, but by its tensors {} is a {} model ({} input channels)",
                  kind_name(*evidence.stated), file.name, kind_name(kind), kind.in_channels);
    }
  }
  if (kind.family == Family::unknown) {
    detection.certain = false;
    detection.reason = "unknown: none of the model families this program knows";
  } else if (kind.family == Family::vae || kind.family == Family::control_net) {
    detection.reason = kind_name(kind) + ": by its tensors";
  } else {
    decide_prediction(file, evidence, detection);
  }
  return detection;
}

Result<Detection> detect_file(const TensorSource& file, const fs::path& path,
                              std::optional<ModelKind> stated) {
  Evidence evidence{stated, std::nullopt, path.filename().string()};
  auto yaml = read_file(fs::path(path).replace_extension(".yaml"), std::size_t{1} << 20);
  if (yaml) {
    evidence.yaml = std::move(*yaml);
  } else if (yaml.error().code != ErrorCode::not_found) {
    return tl::make_unexpected(std::move(yaml).error());
  }
  return detect_kind(file, evidence);
}

}  // namespace invokeai::models
