// `sd-metadata`, in the dialects of the 2.x command line and web server and in older ones
// (cli spec 5.2 to 5.4, web spec 2.6).

#include <algorithm>

#include "base/json_settings.h"
#include "image/internal/readers.h"
#include "image/python_text.h"

namespace invokeai::image {
namespace {

constexpr std::size_t kMaxPictures = 1000;
constexpr std::size_t kMaxSteps = 100;
using FileSize = std::optional<std::pair<int, int>>;

/// The parts of a legacy blend as text that reads back as the same blend.
std::string joined_parts(const Json& parts, Finding& finding) {
  std::string text;
  for (const Json& part : parts) {
    const auto words = as_text(part.is_object() ? member(part, "prompt") : part);
    if (!words) {
      finding.lose("part of the prompt is no text");
      continue;
    }
    if (!text.empty()) text += ' ';
    text += *words;
    const auto weight = as_number(member(part, "weight"));
    // Negative words, which the blend swallowed, have no weight.
    const bool negative = words->starts_with('[') && words->ends_with(']');
    if (parts.size() > 1 && weight && !negative) text += ':' + python_float(*weight);
  }
  return text;
}

/// A stored command has the prompt as it was typed, unless quotation marks that were not escaped
/// make it unreadable; the JSON has it in parts.
std::string best_prompt(const Json& stored, const std::optional<DreamPrompt>& dream,
                        Finding& finding) {
  const bool single = stored.is_string() || (stored.is_array() && stored.size() == 1);
  if (dream &&
      !(single &&
        dream->raw ==
            '"' + joined_parts(stored.is_string() ? Json::array({stored}) : stored, finding) + '"'))
    return dream->text;
  if (stored.is_string()) return *as_text(stored);
  if (stored.is_array()) return joined_parts(stored, finding);
  finding.lose("the prompt is not stored");
  return {};
}

void take_variations(const Json& list, Finding& finding) {
  if (!list.is_array()) return;
  finding.picture().variations.clear();
  for (const Json& entry : list) {
    if (entry.is_array() && entry.size() == 2)
      finding.variation(entry[0], entry[1]);
    else
      finding.variation(member(entry, "seed"), member(entry, "weight"));
  }
}

void take_upscale(const Json& value, Finding& finding) {
  const Json& scale = value.is_array() && !value.empty() ? value[0] : value;
  const auto number = as_number(scale);
  if (!number || *number <= 0 || *number > 16) return;
  Upscale upscale{*number, std::nullopt};
  const auto strength = value.is_array() && value.size() > 1 ? as_number(value[1]) : std::nullopt;
  if (strength && *strength >= 0 && *strength <= 1) upscale.strength = strength;
  finding.picture().upscale = upscale;
}

void take_facetool(const std::string& tool, Finding& finding) {
  if (tool == "gfpgan" || tool == "codeformer")
    finding.picture().facetool = tool;
  else
    finding.lose("there is no face restorer {}", in_quotes(tool));
}

/// The command line notes !fix commands, the web server what it did by itself.
void take_postprocessing(const Json& list, Finding& finding) {
  if (!list.is_array()) return;
  ImageMetadata& picture = finding.picture();
  for (const Json& entry : list) {
    if (picture.postprocessing.size() >= kMaxSteps) return;
    const std::string type = as_text(member(entry, "type")).value_or("");
    if (type == "esrgan") {
      take_upscale(Json::array({member(entry, "scale"), member(entry, "strength")}), finding);
    } else if (type == "gfpgan" || type == "codeformer") {
      picture.facetool = type;
      finding.real("facetool_strength", member(entry, "strength"), picture.facetool_strength);
      finding.real("codeformer_fidelity", member(entry, "fidelity"), picture.codeformer_fidelity);
    } else {
      const std::string tool = as_text(member(entry, "tool")).value_or(type);
      const std::string command = as_text(member(entry, "dream_command")).value_or("");
      if (tool.empty()) continue;
      picture.postprocessing.push_back({tool, command});
      finding.lose("it was worked on afterwards with {}: {}", in_quotes(tool), in_quotes(command));
    }
  }
}

void take_input(const Json& image, Finding& finding) {
  ImageMetadata& picture = finding.picture();
  const std::string type = as_text(member(image, "type")).value_or("");
  const auto path = as_text(member(image, {"init_img", "init_image_path", "init_image"}));
  if (path && !path->starts_with("data:") && !path->empty()) picture.init_image = *path;
  if (const auto hash = as_text(member(image, "orig_hash"))) picture.orig_hash = *hash;
  if (const auto mask = as_text(member(image, "init_mask")); mask && !mask->starts_with("data:"))
    picture.init_mask = *mask;
  if (const auto color = as_text(member(image, "init_color"))) picture.init_color = *color;
  if (const Json& words = member(image, "text_mask"); words.is_array() && words.size() <= 2) {
    picture.text_mask.clear();
    for (const Json& each : words)
      if (const auto text = as_text(each)) picture.text_mask.push_back(*text);
  }
  if (picture.hires_fix)
    finding.real("strength", member(image, "strength_steps"), picture.strength);
  if (type == "unifiedCanvas") {
    finding.lose("it was drawn on the canvas, whose picture and mask are not stored");
  } else if (type == "img2img" || !picture.init_image.empty()) {
    finding.real("strength", member(image, {"strength_steps", "strength"}), picture.strength);
    finding.real("inpaint_replace", member(image, "inpaint_replace"), picture.inpaint_replace);
    if (!member(image, "fit").is_null()) picture.fit = as_flag(member(image, "fit"));
    if (picture.init_image.empty())
      finding.lose(
          "it was drawn from a picture{} with strength {}, which is not named; give it "
          "with -I",
          picture.orig_hash.empty() ? std::string()
                                    : fmt::format(" of SHA-256 {}", in_quotes(picture.orig_hash)),
          picture.strength);
  }
}

void take_settings(const Json& image, Finding& finding) {
  ImageMetadata& picture = finding.picture();
  finding.seed(member(image, "seed"));
  finding.whole("steps", member(image, "steps"), picture.steps);
  finding.real("cfg_scale", member(image, {"cfg_scale", "cfgscale"}), picture.cfg_scale);
  finding.real("threshold", member(image, "threshold"), picture.threshold);
  finding.real("perlin", member(image, "perlin"), picture.perlin);
  if (const Json& flag = member(image, "seamless"); !flag.is_null())
    picture.seamless = as_flag(flag);
  if (const Json& flag = member(image, {"hires_fix", "hires"}); !flag.is_null())
    picture.hires_fix = as_flag(flag);
  if (const auto negative = as_text(member(image, "negative_prompt")))
    picture.negative_prompt = *negative;
  if (as_text(member(image, "prompt_dialect")) == "a1111") picture.prompt_dialect = "a1111";
  if (const auto tool = as_text(member(image, "facetool"))) take_facetool(*tool, finding);
  finding.real("facetool_strength", member(image, {"facetool_strength", "gfpgan_strength"}),
               picture.facetool_strength);
  take_upscale(member(image, "upscale"), finding);
  const Json& variations = member(image, {"variations", "with_variations"});
  take_variations(variations, finding);
}

/// Settings that only this program stores.
void take_more(const Json& image, Finding& finding) {
  for (const std::string_view name : kept_besides()) {
    const Json& value = member(image, name);
    if (value.is_null()) continue;
    auto read = settings_from_json(Json{{name, value}});
    if (read)
      finding.picture().more.merge(*read);
    else
      finding.lose("{}", read.error().message);
  }
}

void take_sampler(const Json& image, Finding& finding) {
  if (const auto name = as_text(member(image, {"sampler", "sampler_name"})))
    finding.own_sampler(*name);
}

/// InvokeAI draws whole multiples of 64 but stores what was typed; the file has what was drawn.
void take_size(const Json& image, FileSize file_size, Finding& finding) {
  ImageMetadata& picture = finding.picture();
  const auto whole = [&](const char* key) {
    return as_whole(member(image, key)).value_or(0) / 64 * 64;
  };
  if (file_size && whole("width") == static_cast<std::uint64_t>(file_size->first) &&
      whole("height") == static_cast<std::uint64_t>(file_size->second)) {
    std::tie(picture.width, picture.height) = *file_size;
    return;
  }
  finding.whole("width", member(image, "width"), picture.width);
  finding.whole("height", member(image, "height"), picture.height);
}

void take_app(const Json& top, Finding& finding) {
  AppMetadata& app = finding.app();
  app.app_id = as_text(member(top, "app_id")).value_or("invoke-ai/InvokeAI");
  std::string version = as_text(member(top, "app_version")).value_or("");
  if (version.starts_with('v')) version.erase(0, 1);
  app.app_version = version;
  if (const auto name = as_text(member(top, {"model_id", "model_weights"}))) app.model_id = name;
  if (const auto hash = as_text(member(top, "model_hash"))) app.model_hash = hash;
  finding.name_software(version.empty() ? "InvokeAI" : "InvokeAI " + version);
}

/// After !fix of a foreign picture the values lie beside `image`, not in it.
Json mended_image(const Json& top) {
  Json image = member(top, "image");
  if (!image.is_object()) image = Json::object();
  if (!member(image, "seed").is_null() || !member(image, "prompt").is_null() ||
      member(top, "seed").is_null())
    return image;
  Json mended = top;
  mended.erase("image");
  if (image.contains("postprocessing")) mended["postprocessing"] = image["postprocessing"];
  return mended;
}

FoundMetadata read_picture(const Json& image, FileSize file_size,
                           const std::optional<DreamPrompt>& dream, Finding finding) {
  finding.picture().prompt = best_prompt(member(image, "prompt"), dream, finding);
  take_settings(image, finding);
  take_size(image, file_size, finding);
  take_sampler(image, finding);
  take_more(image, finding);
  take_input(image, finding);
  take_postprocessing(member(image, "postprocessing"), finding);
  return finding.take();
}

}  // namespace

std::vector<FoundMetadata> read_invokeai2(std::string_view dream, std::string_view sd_metadata,
                                          FileSize file_size) {
  Finding from_dream("InvokeAI 1 or 2");
  const auto json = parse_foreign_json(sd_metadata);
  const Json top = json && json->is_object() ? *json : Json::object();
  const Json& images = member(top, "images");
  const Json image = mended_image(top);
  // How a picture was worked on says nothing about how it was drawn.
  const bool drawn = !member(image, "seed").is_null() || !member(image, "prompt").is_null();
  if (drawn && dream.starts_with("!fix ")) dream = {};
  const auto prompt = read_dream(dream, from_dream);
  std::vector<FoundMetadata> found;
  if (!top.empty()) take_app(top, from_dream);
  if (images.is_array() && !images.empty()) {
    for (const Json& each : images)
      if (found.size() < kMaxPictures)
        found.push_back(read_picture(each, std::nullopt, prompt, from_dream));
  } else if (drawn) {
    found.push_back(read_picture(image, file_size, prompt, std::move(from_dream)));
  } else if (prompt) {
    from_dream.picture().prompt = prompt->text;
    from_dream.seed(Json());
    if (!sd_metadata.empty())
      from_dream.lose("its sd-metadata is damaged; everything comes from the command");
    found.push_back(from_dream.take());
  }
  return found;
}

}  // namespace invokeai::image
