#include "server/canvas_order.h"

#include "image/codec.h"
#include "server/canvas_pictures.h"
#include "server/internal/base64.h"
#include "server/internal/handlers.h"

namespace invokeai::server {
namespace {

using image::BoxScaling;

/// Says in an error where the value lies: "canvas.box.width: a whole number ...".
template <class T>
Result<T> inside(std::string_view place, Result<T> result) {
  if (!result) result.error().message = fmt::format("{}.{}", place, result.error().message);
  return result;
}

Result<int> pixels_in(const Json& object, std::string_view place, const char* key, int low,
                      int high) {
  TRY_ASSIGN(const std::int64_t number, inside(place, whole_in(object, key, low, high)));
  return static_cast<int>(number);
}

Result<image::Box> box_of(const Json& canvas) {
  const Json json = canvas.value("box", Json());
  TRY_VOID(check_object(json, "canvas.box", {"left", "top", "width", "height"}));
  image::Box box;
  constexpr int kFar = image::kFarthestBox, kLargest = image::kLargestBoxSide;
  TRY_ASSIGN(box.left, pixels_in(json, "canvas.box", "left", -kFar, kFar));
  TRY_ASSIGN(box.top, pixels_in(json, "canvas.box", "top", -kFar, kFar));
  TRY_ASSIGN(box.width, pixels_in(json, "canvas.box", "width", 1, kLargest));
  TRY_ASSIGN(box.height, pixels_in(json, "canvas.box", "height", 1, kLargest));
  return box;
}

/// Errors: also a size that goes with another scale.
Result<image::BoxScale> scale_of(const Json& canvas) {
  TRY_ASSIGN(const std::string name, inside("canvas", text_in(canvas, "scale", "auto")));
  const Json size = canvas.value("size", Json());
  if (name != "auto" && name != "manual" && name != "none")
    return fail(ErrorCode::invalid_argument, "",
                "canvas.scale: auto, manual or none is wanted, got {}", shown(name));
  if (name != "manual" && !size.is_null())
    return fail(ErrorCode::invalid_argument, "",
                R"(canvas.size goes with "scale": "manual" only; drop it, or set that)");
  if (name == "none") return image::BoxScale{.method = BoxScaling::none};
  image::BoxScale scale{.method = BoxScaling::automatic, .optimum = 0};
  if (name == "auto") return scale;
  scale.method = BoxScaling::manual;
  TRY_VOID(check_object(size, "canvas.size", {"width", "height"}));
  constexpr int kLargest = image::kLargestBoxSide;
  TRY_ASSIGN(scale.manual.width, pixels_in(size, "canvas.size", "width", 64, kLargest));
  TRY_ASSIGN(scale.manual.height, pixels_in(size, "canvas.size", "height", 64, kLargest));
  return scale;
}

/// The bytes of a picture that came along; empty when none did. Errors: also one for a picture that
/// the settings name already.
Result<std::string> picture_in(Studio& studio, const Json& canvas, const char* key, const JobOrder& order,
                               const char* setting) {
  TRY_ASSIGN(const std::string text, inside("canvas", text_in(canvas, key, "")));
  if (text.empty()) return std::string();
  if (!order.values.text(setting).empty())
    return fail(ErrorCode::invalid_argument, "",
                "canvas.{} and {} name two pictures for one thing; drop one", key, setting);
  const std::string name = fmt::format("canvas.{}", key);
  auto bytes = bytes_of_data_url(text);
  if (!bytes)
    return fail(ErrorCode::invalid_argument, "",
                "{}: a PNG, JPEG or WebP as data URL or base64 is wanted", name);
  TRY_ASSIGN(const auto room, studio.room_for({*bytes}));
  if (auto decoded = image::decode_image(*bytes, name); !decoded) {
    Error error = std::move(decoded).error();
    if (error.code == ErrorCode::unsupported) error.code = ErrorCode::bad_file;
    return tl::make_unexpected(std::move(error));
  }
  return std::move(*bytes);
}

Result<> fill_in_pictures(Studio& studio, const Json& canvas, JobOrder& order) {
  TRY_ASSIGN(const std::string picture, picture_in(studio, canvas, "picture", order, "init_img"));
  TRY_ASSIGN(const std::string mask, picture_in(studio, canvas, "mask", order, "init_mask"));
  if (picture.empty() && order.values.text("init_img").empty())
    return fail(ErrorCode::invalid_argument, "",
                "a canvas needs its picture: send it as canvas.picture, or name one of the gallery "
                "in init_img");
  if (picture.empty() && !mask.empty())
    return fail(ErrorCode::invalid_argument, "",
                "canvas.mask comes with canvas.picture; name the mask of init_img in init_mask");
  if (picture.empty()) return {};
  TRY_ASSIGN(CanvasFiles files, store_canvas(studio.options().output, picture, mask));
  order.init_picture = std::move(files.picture);
  order.mask_picture = std::move(files.mask);
  return {};
}

}  // namespace

Result<> fill_in_canvas(Studio& studio, const Json& canvas, JobOrder& order) {
  TRY_VOID(check_object(canvas, "canvas",
                        {"box", "scale", "size", "picture", "mask", "temporary"}));
  order.canvas.emplace();
  TRY_ASSIGN(order.canvas->box, box_of(canvas));
  TRY_ASSIGN(order.canvas->scale, scale_of(canvas));
  TRY_ASSIGN(const auto temporary, inside("canvas", flag_in(canvas, "temporary")));
  if (temporary.value_or(false)) order.folder = kTemporaryFolder;
  for (const char* name : {"width", "height", "fit"}) order.values.erase(name);  // the box's own
  return fill_in_pictures(studio, canvas, order);
}

Json view(const pipeline::CanvasBox& canvas) {
  const image::Box& box = canvas.box;
  const image::BoxScale& scale = canvas.scale;
  const bool manual = scale.method == BoxScaling::manual;
  Json json{{"box",
             {{"left", box.left}, {"top", box.top}, {"width", box.width}, {"height", box.height}}},
            {"scale", manual ? "manual" : scale.method == BoxScaling::none ? "none" : "auto"}};
  if (manual) json["size"] = {{"width", scale.manual.width}, {"height", scale.manual.height}};
  return json;
}

}  // namespace invokeai::server
