#include "server/internal/legacy_parameters.h"

#include <algorithm>
#include <cmath>

#include "base/json_settings.h"
#include "image/canvas_box.h"
#include "image/codec.h"
#include "image/mask.h"
#include "server/canvas_pictures.h"
#include "server/internal/base64.h"
#include "server/internal/handlers.h"
#include "server/internal/legacy_pictures.h"

namespace invokeai::server {
namespace {

constexpr int kGrid = 64;  // sizes were multiples of this

const Json& member(const Json& object, const char* key) {
  static const Json none;
  const auto found = object.find(key);
  return found == object.end() ? none : *found;
}

/// What Python takes for false, and 2.3.0 therefore for "not given".
bool is_falsy(const Json& value) {
  return value.is_null() || value == false || value == 0 || value == "" || value == Json::array();
}

Result<> refuse_postprocessing(const Json& arguments) {
  if (arguments.size() > 1 && arguments[1].is_object())
    return fail(ErrorCode::unsupported, "",
                "Upscaling is not installed. Switch Upscaling off to generate.");
  if (arguments.size() > 2 && arguments[2].is_object())
    return fail(ErrorCode::unsupported, "",
                "Face restoration is not installed. Switch Face Restoration off to generate.");
  return {};
}

/// [[seed, weight], ...] as the settings table has it.
Result<std::string> variations_of(const Json& list) {
  std::string text;
  for (const Json& pair : list) {
    if (!pair.is_array() || pair.size() != 2 || !pair[0].is_number_integer() ||
        !pair[1].is_number())
      return fail(ErrorCode::invalid_argument, "",
                  "Seed weights are pairs of a seed and a weight from 0 to 1, got {}",
                  shown(json_text(pair)));
    text += fmt::format("{}{}:{}", text.empty() ? "" : ",", pair[0].get<std::int64_t>(),
                        pair[1].get<double>());
  }
  return text;
}

/// The prompt box may hold line breaks, which mean blanks.
std::string prompt_of(std::string prompt) {
  std::ranges::replace(prompt, '\n', ' ');
  std::ranges::replace(prompt, '\r', ' ');
  return prompt;
}

/// Keys that are settings of the same name, for all modes.
Result<SettingValues> plain_values(const Json& parameters) {
  constexpr const char* kSame[] = {"iterations", "steps",  "cfg_scale",    "threshold",
                                   "perlin",     "seed",   "sampler_name", "seamless",
                                   "hires_fix",  "strength", "variation_amount"};
  Json values = Json::object();
  for (const char* name : kSame)
    if (const Json& value = member(parameters, name); !is_falsy(value) || std::string(name) == "seed")
      values[name] = value;
  for (const char* side : {"width", "height"})
    if (const Json& value = member(parameters, side); value.is_number() && value > 0)
      values[side] = std::max(kGrid, static_cast<int>(value.get<double>()) / kGrid * kGrid);
  if (const Json& pairs = member(parameters, "with_variations"); pairs.is_array() && !pairs.empty()) {
    TRY_ASSIGN(values["with_variations"], variations_of(pairs));
  }
  return settings_from_json(values);
}

Result<> fill_in_start(Studio& studio, const Json& parameters, JobOrder& order) {
  const std::string url = member(parameters, "init_img").is_string() ? parameters["init_img"] : "";
  if (url.empty())
    return fail(ErrorCode::invalid_argument, "", "Image to image needs an initial image.");
  const std::string name = name_of_legacy_url(studio, url);
  if (name.empty() || !studio.picture_file(name))
    return fail(ErrorCode::not_found, "",
                "The initial image {} is not there any more; choose another one.", shown(url));
  order.values.set("init_img", name);
  order.values.set("fit", member(parameters, "fit") == true);
  return {};
}

Result<std::string> picture_of(const Json& parameters, const char* key) {
  const Json& value = member(parameters, key);
  auto bytes =
      value.is_string() ? bytes_of_data_url(value.get_ref<const std::string&>()) : std::nullopt;
  if (!bytes)
    return fail(ErrorCode::invalid_argument, "", "{}: a PNG as data URL is wanted", key);
  return std::move(*bytes);
}

const char* mode_name(image::CanvasMode mode) {
  switch (mode) {
    case image::CanvasMode::txt2img:
      return "txt2img";
    case image::CanvasMode::img2img:
      return "img2img";
    case image::CanvasMode::inpainting:
      return "inpainting";
    case image::CanvasMode::outpainting:
      break;
  }
  return "outpainting";
}

/// Settings of painting into a picture.
Result<> fill_in_painting(const Json& parameters, SettingValues& values) {
  Json painting = Json::object();
  for (const char* name : {"seam_size", "seam_blur", "seam_strength", "seam_steps", "tile_size",
                           "infill_method", "invert_mask"})
    if (const Json& value = member(parameters, name); !is_falsy(value)) painting[name] = value;
  TRY_ASSIGN(const SettingValues read, settings_from_json(painting));
  values.merge(read);
  return {};
}

pipeline::CanvasBox canvas_of(const Json& parameters, const image::Image& picture) {
  pipeline::CanvasBox canvas{.box = {0, 0, picture.width, picture.height}};
  canvas.scale.method = image::BoxScaling::none;
  const Json &width = member(parameters, "inpaint_width"),
             &height = member(parameters, "inpaint_height");
  if (!width.is_number_integer() || !height.is_number_integer()) return canvas;
  canvas.scale.method = image::BoxScaling::manual;
  canvas.scale.manual = {width.get<int>(), height.get<int>()};
  return canvas;
}

/// The two pictures of the box decide what is done (web spec 2.3).
Result<> fill_in_canvas(Studio& studio, const Json& parameters, JobOrder& order, LegacyTag& tag) {
  TRY_ASSIGN(const std::string picture_bytes, picture_of(parameters, "init_img"));
  TRY_ASSIGN(const std::string mask_bytes, picture_of(parameters, "init_mask"));
  TRY_ASSIGN(const auto room, studio.room_for({picture_bytes, mask_bytes}));
  TRY_ASSIGN(const image::Image picture, image::decode_image(picture_bytes, "init_img"));
  TRY_ASSIGN(const image::Image mask_picture, image::decode_image(mask_bytes, "init_mask"));
  const image::Image mask = image::mask_from_picture(mask_picture);
  if (mask.width != picture.width || mask.height != picture.height)
    return fail(ErrorCode::invalid_argument, "",
                "The mask has {} x {} pixels, the picture {} x {}; they are to be of one size.",
                mask.width, mask.height, picture.width, picture.height);
  const image::CanvasMode mode = image::canvas_mode(picture, mask);
  tag.actual_mode = mode_name(mode);
  tag.bounding_box = member(parameters, "bounding_box");
  order.folder = kTemporaryFolder;
  for (const char* name : {"width", "height", "seamless", "hires_fix"}) order.values.erase(name);
  if (mode == image::CanvasMode::txt2img) {
    order.values.erase("strength");
    order.values.set("width", std::int64_t{picture.width});
    order.values.set("height", std::int64_t{picture.height});
    return {};
  }
  order.canvas = canvas_of(parameters, picture);
  TRY_VOID(fill_in_painting(parameters, order.values));
  const bool masked = mode != image::CanvasMode::img2img;
  if (!masked) order.values.erase("invert_mask");  // everything is painted anew either way
  TRY_ASSIGN(const std::string picture_png, image::encode_png(picture, {}, 1));
  TRY_ASSIGN(const std::string mask_png, image::encode_png(mask, {}, 1));
  TRY_ASSIGN(CanvasFiles files,
             store_canvas(studio.options().output, picture_png, masked ? mask_png : ""));
  order.init_picture = std::move(files.picture);
  order.mask_picture = std::move(files.mask);
  return {};
}

/// Steps that the first announcement names; the true number comes with the first step.
int first_total(const SettingValues& values, bool from_picture) {
  const double steps = static_cast<double>(values.integer("steps"));
  return std::max(1, static_cast<int>(from_picture ? steps * values.real("strength") : steps));
}

void fill_in_previews(const Json& parameters, JobOrder& order) {
  const Json& every = member(parameters, "save_intermediates");
  if (member(parameters, "progress_images") == true) {
    order.full_previews = true;
    order.preview_every = every.is_number_integer() ? std::clamp(every.get<int>(), 1, 999) : 5;
  } else if (member(parameters, "progress_latents") == true) {
    order.preview_every = 1;
  }
}

}  // namespace

std::string tag_text(const LegacyTag& tag) {
  return json_text({{"generation_mode", tag.generation_mode},
                    {"actual_mode", tag.actual_mode},
                    {"bounding_box", tag.bounding_box},
                    {"first_total", tag.first_total}});
}

LegacyTag tag_of(const jobs::JobRequest& request) {
  const Json json = Json::parse(request.tag, nullptr, /*allow_exceptions=*/false);
  if (json.is_object())
    return {json.value("generation_mode", "txt2img"), json.value("actual_mode", "txt2img"),
            member(json, "bounding_box"), json.value("first_total", 0)};
  LegacyTag tag;
  const bool from_picture = request.values.has("init_img");
  if (from_picture) tag.generation_mode = tag.actual_mode = "img2img";
  tag.first_total = first_total(request.values, from_picture);
  return tag;
}

Result<JobOrder> order_from_legacy(Studio& studio, const Json& arguments) {
  if (!arguments.is_array() || arguments.empty() || !arguments[0].is_object())
    return fail(ErrorCode::invalid_argument, "", "generateImage needs an object of parameters.");
  TRY_VOID(refuse_postprocessing(arguments));
  const Json& parameters = arguments[0];
  LegacyTag tag;
  tag.generation_mode = member(parameters, "generation_mode").is_string()
                            ? parameters["generation_mode"].get<std::string>()
                            : "txt2img";
  JobOrder order;
  const Json& prompt = member(parameters, "prompt");
  order.prompt = prompt_of(prompt.is_string() ? prompt.get<std::string>() : "");
  TRY_ASSIGN(order.values, plain_values(parameters));
  fill_in_previews(parameters, order);
  if (tag.generation_mode == "txt2img") {
    if (!order.values.flag("hires_fix")) order.values.erase("strength");
  } else if (tag.generation_mode == "img2img") {
    tag.actual_mode = "img2img";
    TRY_VOID(fill_in_start(studio, parameters, order));
  } else if (tag.generation_mode == "unifiedCanvas") {
    TRY_VOID(fill_in_canvas(studio, parameters, order, tag));
  } else {
    return fail(ErrorCode::invalid_argument, "",
                "generation_mode: txt2img, img2img or unifiedCanvas is wanted, got {}",
                shown(tag.generation_mode));
  }
  SettingValues values = studio.options().defaults;
  values.merge(order.values);
  tag.first_total = first_total(values, tag.actual_mode != "txt2img");
  order.tag = tag_text(tag);
  return order;
}

}  // namespace invokeai::server
