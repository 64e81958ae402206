#include "image/metadata.h"

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>

#include "base/json_settings.h"
#include "image/internal/negative.h"
#include "image/python_text.h"

namespace invokeai::image {
namespace {

constexpr std::string_view kKeptBesides[] = {
    "long_prompts",        "skip_normalize",      "eta",
    "h_symmetry_time_pct", "v_symmetry_time_pct", "seamless_axes",
    "invert_mask",         "mask_blur",           "match_colors",
    "force_outpaint",      "infill_method",       "tile_size",
    "seam_size",           "seam_blur",           "seam_strength",
    "seam_steps"};

using Json = nlohmann::ordered_json;

/// For each byte whether it stands inside a closed pair of [...], (...) or "..."; a backslash takes
/// the meaning from the character after it.
std::vector<bool> find_enclosed(std::string_view prompt) {
  std::vector<bool> enclosed(prompt.size());
  const auto enclose = [&](std::size_t first, std::size_t last) {
    std::fill(enclosed.begin() + static_cast<std::ptrdiff_t>(first),
              enclosed.begin() + static_cast<std::ptrdiff_t>(last), true);
  };
  std::vector<std::size_t> parentheses;
  constexpr auto kNone = std::string_view::npos;
  std::size_t bracket = kNone, quote = kNone;
  for (std::size_t i = 0; i < prompt.size(); ++i) {
    const char c = prompt[i];
    if (c == '\\') {
      ++i;
    } else if (c == '(') {
      parentheses.push_back(i);
    } else if (c == ')' && !parentheses.empty()) {
      enclose(parentheses.back(), i);
      parentheses.pop_back();
    } else if (c == '[' && bracket == kNone) {
      bracket = i;
    } else if (c == ']' && bracket != kNone) {
      enclose(bracket, i);
      bracket = kNone;
    } else if (c == '"') {
      if (quote != kNone) enclose(quote, i);
      quote = quote == kNone ? i : kNone;
    }
  }
  return enclosed;
}

/// Length of -?digits[.digits] at the start of `text`; 0 when there is none.
std::size_t number_length(std::string_view text) {
  const auto digits_from = [&](std::size_t start) {
    std::size_t i = start;
    while (i < text.size() && text[i] >= '0' && text[i] <= '9') ++i;
    return i - start;
  };
  const std::size_t sign = text.starts_with('-') ? 1 : 0;
  const std::size_t whole = digits_from(sign);
  if (whole == 0) return 0;
  const std::size_t end = sign + whole;
  const bool point = end < text.size() && text[end] == '.';
  const std::size_t fraction = point ? digits_from(end + 1) : 0;
  return fraction > 0 ? end + 1 + fraction : end;
}

double to_double(std::string_view number) {
  double value = 0;
  std::from_chars(number.data(), number.data() + number.size(), value);
  return value;
}

void normalise(std::vector<WeightedText>& parts) {
  double sum = 0;
  for (const auto& part : parts) sum += part.weight;
  for (auto& part : parts)
    part.weight = sum == 0 ? 1.0 / static_cast<double>(parts.size()) : part.weight / sum;
}

/// The blend of parts is a notation of the invoke dialect alone.
Json prompt_json(const ImageMetadata& picture) {
  if (picture.prompt_dialect != "invoke")
    return Json::array({{{"prompt", picture.prompt}, {"weight", 1.0}}});
  Json list = Json::array();
  const bool normalised = !picture.more.flag("skip_normalize");
  for (const auto& [text, weight] : weighted_parts(prompt_with_negative(picture), normalised))
    list.push_back({{"prompt", text}, {"weight", weight}});
  return list;
}

Json variations_json(const std::vector<Variation>& variations) {
  Json list = Json::array();
  for (const auto& [seed, weight] : variations)
    list.push_back({{"seed", seed}, {"weight", weight}});
  return list;
}

Json postprocessing_json(const std::vector<Postprocessing>& steps) {
  if (steps.empty()) return nullptr;
  Json list = Json::array();
  for (const auto& [tool, dream_command] : steps)
    list.push_back({{"tool", tool}, {"dream_command", dream_command}});
  return list;
}

Json upscale_json(const std::optional<Upscale>& upscale) {
  if (!upscale) return nullptr;
  Json list = Json::array({upscale->scale});
  if (upscale->strength) list.push_back(*upscale->strength);
  return list;
}

Json text_or_null(const std::string& text) { return text.empty() ? Json(nullptr) : Json(text); }

Json text_or_null(const std::optional<std::string>& text) {
  return text_or_null(text.value_or(""));
}

Json image_json(const ImageMetadata& picture) {
  const bool from_image = !picture.init_image.empty();
  Json json = {{"type", from_image ? "img2img" : "txt2img"},
               {"prompt", prompt_json(picture)},
               {"seed", picture.seed},
               {"variations", variations_json(picture.variations)},
               {"steps", picture.steps},
               {"cfg_scale", picture.cfg_scale},
               {"threshold", picture.threshold},
               {"perlin", picture.perlin},
               {"width", picture.width},
               {"height", picture.height},
               {"sampler", picture.sampler},
               {"seamless", picture.seamless},
               {"hires_fix", picture.hires_fix},
               {"postprocessing", postprocessing_json(picture.postprocessing)},
               {"facetool", picture.facetool},
               {"facetool_strength", picture.facetool_strength},
               {"upscale", upscale_json(picture.upscale)},
               {"init_img", text_or_null(picture.init_image)},
               {"init_mask", text_or_null(picture.init_mask)}};
  if (negative_stands_apart(picture)) json["negative_prompt"] = picture.negative_prompt;
  if (picture.prompt_dialect != "invoke") json["prompt_dialect"] = picture.prompt_dialect;
  if (!picture.init_color.empty()) json["init_color"] = picture.init_color;
  if (!picture.text_mask.empty()) json["text_mask"] = picture.text_mask;
  const nlohmann::json more = settings_to_json(picture.more);
  for (const auto& [name, value] : more.items()) json[name] = value;
  if (picture.hires_fix && !from_image && picture.strength != kDefaultStrength)
    json["strength_steps"] = picture.strength;
  if (from_image) {
    json["strength_steps"] = picture.strength;
    json["fit"] = picture.fit;
    json["orig_hash"] = text_or_null(picture.orig_hash);
    json["inpaint_replace"] = picture.inpaint_replace;
  }
  return json;
}

std::string wrapped(const char* key, Json content, const AppMetadata& app) {
  return python_json({{"model", "stable diffusion"},
                      {"model_id", text_or_null(app.model_id)},
                      {"model_hash", text_or_null(app.model_hash)},
                      {"app_id", app.app_id},
                      {"app_version", app.app_version},
                      {key, std::move(content)}});
}

TextChunks chunks(std::string dream, std::string json) {
  return {{std::string(kDreamKeyword), std::move(dream)},
          {std::string(kMetadataKeyword), std::move(json)}};
}

}  // namespace

std::span<const std::string_view> kept_besides() { return kKeptBesides; }

std::vector<WeightedText> weighted_parts(std::string_view prompt, bool normalised) {
  const auto enclosed = find_enclosed(prompt);
  std::vector<WeightedText> parts;
  std::size_t start = 0;
  for (std::size_t i = 0; i < prompt.size(); ++i) {
    if (prompt[i] == '\\') {  // \: is a colon of the text
      ++i;
      continue;
    }
    if (prompt[i] != ':' || enclosed[i]) continue;
    const std::size_t text_end = i;
    while (i + 1 < prompt.size() && prompt[i + 1] == ':') ++i;
    const std::size_t length = number_length(prompt.substr(i + 1));
    if (length == 0 || text_end == start) continue;
    parts.push_back({std::string(prompt.substr(start, text_end - start)),
                     to_double(prompt.substr(i + 1, length))});
    start = i + 1 + length;
    while (start < prompt.size() && (prompt[start] == ' ' || prompt[start] == '\t')) ++start;
    i = start - 1;
  }
  if (start < prompt.size()) parts.push_back({std::string(prompt.substr(start)), 1.0});
  if (parts.size() < 2) return {{std::string(prompt), 1.0}};
  if (normalised) normalise(parts);
  return parts;
}

std::string sd_metadata_json(const ImageMetadata& picture, const AppMetadata& app) {
  return wrapped("image", image_json(picture), app);
}

std::string grid_metadata_json(std::span<const ImageMetadata> pictures, const AppMetadata& app) {
  Json images = Json::array();
  for (const auto& picture : pictures) images.push_back(image_json(picture));
  return wrapped("images", std::move(images), app);
}

TextChunks metadata_chunks(const ImageMetadata& picture, const AppMetadata& app) {
  return chunks(dream_command(picture), sd_metadata_json(picture, app));
}

TextChunks grid_metadata_chunks(std::span<const ImageMetadata> pictures, const AppMetadata& app) {
  return chunks(grid_dream_command(pictures), grid_metadata_json(pictures, app));
}

}  // namespace invokeai::image
