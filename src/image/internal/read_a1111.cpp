// The `parameters` text of AUTOMATIC1111's web UI and its relatives: the prompt, perhaps a line
// "Negative prompt: ...", and a line "Steps: 20, Sampler: Euler a, ...". A value with a comma,
// colon or line break in it is a JSON string.

#include <algorithm>
#include <cmath>

#include "image/internal/readers.h"

namespace invokeai::image {
namespace {

constexpr std::string_view kNegative = "Negative prompt:";
constexpr std::size_t kFewestParameters = 3;  // fewer on a line: it is part of the prompt

struct Parameter {
  std::string key;
  std::string value;
  bool used = false;
};
using Parameters = std::vector<Parameter>;

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kBlanks = " \t\r\n";
  const std::size_t first = text.find_first_not_of(kBlanks);
  if (first == text.npos) return {};
  return text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

bool is_key_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         static_cast<unsigned char>(c) >= 0x80 ||
         std::string_view("_ -/").find(c) != std::string_view::npos;
}

/// Length of the JSON string at the start of `text`, 0 when it is none.
std::size_t string_length(std::string_view text) {
  if (!text.starts_with('"')) return 0;
  for (std::size_t i = 1; i < text.size(); ++i) {
    if (text[i] == '\\')
      ++i;
    else if (text[i] == '"')
      return i + 1;
  }
  return 0;
}

std::string plain_value(std::string_view value) {
  if (string_length(value) == value.size())
    if (const auto json = parse_foreign_json(value); json && json->is_string())
      return *as_text(*json);
  return without_controls(value);
}

/// "key: value, key: value"; what is not of this form is skipped up to the next comma.
Parameters parse_parameters(std::string_view line) {
  constexpr std::size_t kMost = 1000;
  Parameters parameters;
  while (!line.empty() && parameters.size() < kMost) {
    const std::size_t end = std::min(line.find_first_of(",:"), line.size());
    const std::string_view key = trimmed(line.substr(0, end));
    const bool named = end < line.size() && line[end] == ':' && key.size() > 1 &&
                       std::all_of(key.begin(), key.end(), is_key_character);
    if (!named) {
      line.remove_prefix(std::min(line.find(','), line.size() - 1) + 1);
      continue;
    }
    line.remove_prefix(end + 1);
    line.remove_prefix(std::min(line.find_first_not_of(' '), line.size()));
    std::size_t length = string_length(line);
    if (length == 0) length = std::min(line.find(','), line.size());
    parameters.push_back({std::string(key), plain_value(trimmed(line.substr(0, length)))});
    line.remove_prefix(length);
    line.remove_prefix(std::min(line.find(','), line.size()));
    if (!line.empty()) line.remove_prefix(1);
  }
  return parameters;
}

struct Infotext {
  std::string prompt;
  std::string negative;
  Parameters parameters;
};

/// The parameter line is the last that begins "Steps:" (some programs append lines to it), else the
/// last one of all.
Infotext split_infotext(std::string_view text) {
  std::vector<std::string_view> lines;
  for (std::string_view rest = trimmed(text); !rest.empty();) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    lines.push_back(trimmed(rest.substr(0, end)));
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  Infotext result;
  std::size_t end = lines.size();
  for (std::size_t i = lines.size(); i-- > 0 && result.parameters.empty();) {
    if (i + 1 != lines.size() && !lines[i].starts_with("Steps:")) continue;
    Parameters parameters = parse_parameters(lines[i]);
    if (parameters.size() < kFewestParameters) continue;
    result.parameters = std::move(parameters);
    end = i;
  }
  std::string* part = &result.prompt;
  for (std::size_t i = 0; i < end; ++i) {
    std::string_view line = lines[i];
    if (line.starts_with(kNegative)) {
      part = &result.negative;
      line = trimmed(line.substr(kNegative.size()));
    }
    if (!part->empty()) *part += '\n';
    *part += without_controls(line);
  }
  return result;
}

/// Parameters that change nothing in the picture, or belong to one that does.
constexpr std::string_view kNoMatter[] = {
    "Batch size",      "Batch pos", "Version",   "User",          "Hashes",
    "Lora hashes",     "TI hashes", "VAE hash",  "Pad conds",     "Token merging ratio hr",
    "Init image hash", "App",       "Backend",   "Parser",        "Original prompt",
    "Operations",      "Pipeline",  "Mask mode", "Masked content"};

class A1111Reader {
 public:
  explicit A1111Reader(Infotext text) : text_(std::move(text)) {}

  FoundMetadata read() {
    ImageMetadata& picture = finding_.picture();
    picture.prompt = text_.prompt;
    picture.negative_prompt = text_.negative;
    picture.prompt_dialect = "a1111";
    if (const std::string version = take("Version"); !version.empty())
      finding_.name_software("AUTOMATIC1111 " + version);
    if (take("App").find("SD.Next") != std::string::npos) finding_.name_software("SD.Next");
    take_model();
    finding_.seed(value("Seed"));
    finding_.whole("steps", value("Steps"), picture.steps);
    finding_.real("cfg_scale", value("CFG scale"), picture.cfg_scale);
    take_size(take("Size"), picture.width, picture.height);
    take_sampler();
    take_variation();
    picture.seamless = take("Tiling") == "True";
    if (has("Hires upscale") || has("Hires resize") || has("Hires upscaler"))
      take_hires();
    else
      take_input();
    take_faces();
    lose_extras();
    return finding_.take();
  }

 private:
  Parameter* find(std::string_view key) {
    for (auto& parameter : text_.parameters)
      if (parameter.key == key) return &parameter;
    return nullptr;
  }
  bool has(std::string_view key) { return find(key) != nullptr; }

  /// The value, which then counts as understood; empty when there is none.
  std::string take(std::string_view key) {
    Parameter* const parameter = find(key);
    if (parameter == nullptr) return {};
    parameter->used = true;
    return parameter->value;
  }
  Json value(std::string_view key) { return has(key) ? Json(take(key)) : Json(); }

  void take_model() {
    const std::string name = take("Model"), hash = take("Model hash");
    if (name.empty() && hash.empty()) return;
    if (!name.empty()) finding_.app().model_id = name;
    if (!hash.empty()) finding_.app().model_hash = hash;
  }

  /// "512x768"
  bool take_size(const std::string& size, int& width, int& height) {
    const std::size_t x = size.find('x');
    if (x == size.npos) return false;
    finding_.whole("width", size.substr(0, x), width);
    finding_.whole("height", size.substr(x + 1), height);
    return true;
  }

  void take_sampler() {
    const std::string name = take("Sampler"), schedule = take("Schedule type");
    if (name.empty()) return;
    const bool automatic = schedule == "Automatic";
    finding_.sampler(Tool::a1111, name, automatic ? "" : schedule);
    if (automatic) finding_.karras(automatic_karras(name));
  }

  void take_variation() {
    const Json seed = value("Variation seed"), strength = value("Variation seed strength");
    if (!seed.is_null() && !strength.is_null()) finding_.variation(seed, strength);
  }

  void take_hires() {
    ImageMetadata& picture = finding_.picture();
    std::string passes = "from " + take("Size");
    for (const std::string_view key : {"Denoising strength", "Hires steps", "Hires upscaler"})
      if (const std::string value = take(key); !value.empty())
        passes += fmt::format(", {} {}", key, value);
    const std::string resize = take("Hires resize");
    const auto scale = parse_number(take("Hires upscale"));
    if (!take_size(resize, picture.width, picture.height) && scale) {
      finding_.whole("width", std::floor(picture.width * *scale), picture.width);
      finding_.whole("height", std::floor(picture.height * *scale), picture.height);
    }
    picture.hires_fix = true;
    finding_.lose("its second pass had settings of its own: {}", in_quotes(passes));
  }

  void take_input() {
    if (!has("Denoising strength")) return;
    double& strength = finding_.picture().strength;
    finding_.real("strength", value("Denoising strength"), strength);
    finding_.lose(
        "it was drawn from a picture with strength {}, which is not named; give it with -I",
        strength);
  }

  void take_faces() {
    const std::string tool = take("Face restoration");
    if (tool.empty()) return;
    finding_.picture().facetool = tool == "GFPGAN" ? "gfpgan" : "codeformer";
    finding_.picture().facetool_strength = 1;
  }

  void lose_extras() {
    if (take("RNG") != "CPU")
      finding_.lose(
          "its noise was drawn on the graphics card; the same seed gives other noise here");
    for (const auto& [key, value, used] : text_.parameters)
      if (!used && std::ranges::find(kNoMatter, key) == std::end(kNoMatter))
        finding_.lose("its setting {} was {}", in_quotes(key), in_quotes(value));
  }

  Infotext text_;
  Finding finding_{"AUTOMATIC1111"};
};

}  // namespace

std::optional<FoundMetadata> read_a1111(std::string_view infotext) {
  if (trimmed(infotext).starts_with('{')) return std::nullopt;  // other programs' JSON
  Infotext text = split_infotext(infotext);
  if (text.parameters.empty()) return std::nullopt;
  return A1111Reader(std::move(text)).read();
}

}  // namespace invokeai::image
