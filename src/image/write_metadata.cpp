#include "image/write_metadata.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "image/internal/negative.h"
#include "image/internal/png_chunks.h"
#include "image/internal/sampler_names.h"
#include "image/python_text.h"

namespace invokeai::image {
namespace {

constexpr std::string_view kInvokeaiKeyword = "invokeai_metadata";
constexpr std::string_view kParametersKeyword = "parameters";
constexpr std::size_t kSha256Digits = 64;  // AUTOMATIC1111 stores the first ten

bool is_karras(const ImageMetadata& picture) {
  return picture.karras_max && picture.steps < *picture.karras_max;
}

/// Positive and negative words apart, whatever the dialect.
SplitPrompt split_prompt(const ImageMetadata& picture) {
  if (picture.prompt_dialect != "invoke") return {picture.prompt, picture.negative_prompt};
  SplitPrompt split = split_negative(picture.prompt);
  if (!split.negative.empty() && !picture.negative_prompt.empty()) split.negative += ' ';
  split.negative += picture.negative_prompt;
  return split;
}

/// Whether edges across this axis, x or y, fit each other.
bool is_seamless(const ImageMetadata& picture, char axis) {
  return picture.seamless && picture.more.text("seamless_axes").find(axis) != std::string::npos;
}

/// InvokeAI 3 and later have no Karras form of these.
bool has_karras_form(std::string_view scheduler) {
  constexpr std::string_view kPlain[] = {"ddim", "pndm", "euler_a", "lcm"};
  return std::ranges::find(kPlain, scheduler) == std::end(kPlain);
}

std::string scheduler_of(const ImageMetadata& picture) {
  std::string name(sampler_for(Tool::invokeai, picture.sampler).name);
  if (is_karras(picture) && has_karras_form(name)) name += "_k";
  return name;
}

/// As JSON where a comma, a colon or a line break would end the value.
std::string parameter_value(const std::string& text) {
  if (text.find_first_of(",:\n") == std::string::npos) return text;
  return nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

/// 7 rather than 7.0.
std::string short_number(double value) { return fmt::format("{}", value); }

/// Does the prompt use its dialect's notation, which the other tool reads differently?
bool has_notation(const ImageMetadata& picture) {
  const std::string text = picture.prompt + picture.negative_prompt;
  if (picture.prompt_dialect == "a1111") return text.find_first_of("()[]<|") != text.npos;
  return weighted_parts(picture.prompt).size() > 1 || text.find_first_of("()\"") != text.npos ||
         text.find('+') != text.npos || text.find("--") != text.npos;
}

std::vector<std::string> lost_in(const ImageMetadata& picture, MetadataForm form) {
  std::vector<std::string> lost;
  const bool a1111 = form == MetadataForm::a1111;
  const auto lose_if = [&](bool condition, std::string line) {
    if (condition) lost.push_back(std::move(line));
  };
  if (form == MetadataForm::dream) return lost;
  const SamplerChoice sampler = sampler_for(a1111 ? Tool::a1111 : Tool::invokeai, picture.sampler);
  lose_if(!sampler.same,
          fmt::format("the sampler {}: {} is the nearest", picture.sampler, sampler.name));
  lose_if(!a1111 && is_karras(picture) && !has_karras_form(sampler.name),
          fmt::format("the Karras noise levels of {}", picture.sampler));
  lose_if((picture.prompt_dialect == "a1111") != a1111 && has_notation(picture),
          fmt::format("the notation of its prompt, which is of the {} dialect",
                      picture.prompt_dialect));
  lose_if(a1111 ? picture.variations.size() > 1 : !picture.variations.empty(),
          a1111 ? "variations beyond the first" : "its variations");
  lose_if(picture.perlin > 0, "its Perlin noise");
  lose_if(picture.threshold > 0, "its threshold");
  lose_if(!picture.init_mask.empty() || !picture.text_mask.empty(), "its mask");
  lose_if(a1111 && !picture.init_image.empty(), "the name of its initial image");
  lose_if(a1111 && picture.hires_fix, "its two passes");
  lose_if(!picture.init_color.empty(), "the picture whose colours it has");
  for (const auto& [name, value] : picture.more.given())
    lose_if(a1111 || name != "seamless_axes", fmt::format("its {}", name));
  lose_if(picture.facetool_strength > 0 || picture.upscale || !picture.postprocessing.empty() ||
              !picture.embiggen.empty() || !picture.outcrop.empty() || picture.out_direction,
          "what was done after drawing");
  return lost;
}

}  // namespace

std::optional<MetadataForm> metadata_form(std::string_view name) {
  if (name == "dream") return MetadataForm::dream;
  if (name == "invokeai") return MetadataForm::invokeai;
  if (name == "a1111") return MetadataForm::a1111;
  return std::nullopt;
}

std::string as_invokeai_metadata(const ImageMetadata& picture, const AppMetadata& app) {
  const SplitPrompt prompt = split_prompt(picture);
  nlohmann::ordered_json json = {
      {"generation_mode", picture.init_image.empty() ? "txt2img" : "img2img"},
      {"positive_prompt", prompt.positive},
      {"negative_prompt", prompt.negative},
      {"width", picture.width},
      {"height", picture.height},
      {"seed", picture.seed},
      {"rand_device", "cpu"},
      {"cfg_scale", picture.cfg_scale},
      {"steps", picture.steps},
      {"scheduler", scheduler_of(picture)},
      {"seamless_x", is_seamless(picture, 'x')},
      {"seamless_y", is_seamless(picture, 'y')}};
  if (app.model_id) {
    json["model"] = {{"name", *app.model_id}, {"type", "main"}};
    if (app.model_hash && app.model_hash->size() == kSha256Digits)
      json["model"]["hash"] = "sha256:" + *app.model_hash;
  }
  if (!picture.init_image.empty()) {
    json["strength"] = picture.strength;
    json["init_image"] = picture.init_image;
  }
  if (picture.hires_fix) json["hrf_enabled"] = true;
  json["app_version"] = app.app_version;
  return python_json(json);
}

std::string as_a1111_parameters(const ImageMetadata& picture, const AppMetadata& app) {
  const SplitPrompt prompt = split_prompt(picture);
  std::string text = prompt.positive;
  if (!prompt.negative.empty()) text += "\nNegative prompt: " + prompt.negative;
  if (!text.empty()) text += '\n';
  text += fmt::format("Steps: {}, Sampler: {}", picture.steps,
                      sampler_for(Tool::a1111, picture.sampler).name);
  const auto add = [&](std::string_view key, const std::string& value) {
    text += fmt::format(", {}: {}", key, parameter_value(value));
  };
  if (is_karras(picture)) add("Schedule type", "Karras");
  add("CFG scale", short_number(picture.cfg_scale));
  add("Seed", std::to_string(picture.seed));
  add("Size", fmt::format("{}x{}", picture.width, picture.height));
  if (app.model_hash) add("Model hash", app.model_hash->substr(0, 10));
  if (app.model_id) add("Model", *app.model_id);
  if (!picture.variations.empty()) {
    add("Variation seed", std::to_string(picture.variations.front().seed));
    add("Variation seed strength", short_number(picture.variations.front().weight));
  }
  if (!picture.init_image.empty()) add("Denoising strength", short_number(picture.strength));
  add("RNG", "CPU");
  if (picture.seamless) add("Tiling", "True");
  return text;
}

WrittenMetadata as_texts(std::span<const ImageMetadata> pictures, const AppMetadata& app,
                         MetadataForm form) {
  const ImageMetadata& first = pictures.front();
  WrittenMetadata written{{}, lost_in(first, form)};
  if (form == MetadataForm::dream) {
    written.texts =
        pictures.size() == 1 ? metadata_chunks(first, app) : grid_metadata_chunks(pictures, app);
    return written;
  }
  if (pictures.size() > 1)
    written.lost.push_back(
        fmt::format("{} of the grid's {} pictures", pictures.size() - 1, pictures.size()));
  written.texts = {
      form == MetadataForm::a1111
          ? TextChunk{std::string(kParametersKeyword), as_a1111_parameters(first, app)}
          : TextChunk{std::string(kInvokeaiKeyword), as_invokeai_metadata(first, app)}};
  return written;
}

Result<std::string> with_png_texts(std::string_view png, const TextChunks& texts) {
  if (!png.starts_with(kPngSignature))
    return fail(ErrorCode::bad_file, "png.text", "not a PNG; only these can be given other texts");
  std::string_view rest = png.substr(kPngSignature.size());
  std::string result(kPngSignature);
  bool first = true;
  while (const auto chunk = take_chunk(rest)) {
    if (first && chunk->type != "IHDR") break;
    const std::string_view keyword = chunk->data.substr(0, chunk->data.find('\0'));
    const bool text = chunk->type == "tEXt" || chunk->type == "zTXt" || chunk->type == "iTXt";
    const bool replaced = text && std::ranges::any_of(texts, [&](const TextChunk& each) {
                            return encode_text(each.keyword).bytes == keyword;
                          });
    if (!replaced) result += chunk->whole;
    if (first)
      for (const TextChunk& each : texts) {
        TRY_ASSIGN(const std::string whole, encode_text_chunk(each));
        result += whole;
      }
    first = false;
    if (chunk->type != "IEND") continue;
    result += rest;
    return result;
  }
  return fail(ErrorCode::bad_file, "png.text",
              "damaged PNG (it ends too early); fetch or make the file again");
}

Result<> write_png_texts(const fs::path& from, const fs::path& to, const TextChunks& texts) {
  TRY_ASSIGN(const std::string old, read_file(from));
  TRY_ASSIGN(const std::string png, with_png_texts(old, texts));
  return write_file_atomically(to, png);
}

}  // namespace invokeai::image
