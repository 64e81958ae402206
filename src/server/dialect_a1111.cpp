// The calls of AUTOMATIC1111's web API that clients use: txt2img, img2img, progress, interrupt,
// png-info, options, samplers, sd-models. Failures have the form of its framework: {"detail": ...}.

#include <algorithm>
#include <array>
#include <mutex>

#include "base/json_settings.h"
#include "image/read_metadata.h"
#include "image/write_metadata.h"
#include "server/dialects.h"
#include "server/internal/base64.h"
#include "server/internal/handlers.h"
#include "server/job_order.h"
#include "server/views.h"

namespace invokeai::server {
namespace {

constexpr int kMostPictures = 1000;

struct Sampler {
  std::string_view theirs, ours;
  bool karras = false;
};

/// Their names, those for Karras noise levels apart.
constexpr std::array kSamplers = {
    Sampler{"Euler a", "k_euler_a"},          Sampler{"Euler", "k_euler"},
    Sampler{"LMS", "k_lms"},                  Sampler{"Heun", "k_heun"},
    Sampler{"DPM2", "k_dpm_2"},               Sampler{"DPM2 a", "k_dpm_2_a"},
    Sampler{"DPM++ 2S a", "k_dpmpp_2_a"},     Sampler{"DPM++ 2M", "dpmpp_2m"},
    Sampler{"DPM++ SDE", "dpmpp_sde"},        Sampler{"DDIM", "ddim"},
    Sampler{"PLMS", "plms"},                  Sampler{"UniPC", "unipc"},
    Sampler{"LCM", "lcm"},                    Sampler{"LMS Karras", "k_lms", true},
    Sampler{"DPM2 Karras", "k_dpm_2", true},  Sampler{"DPM2 a Karras", "k_dpm_2_a", true},
    Sampler{"DPM++ 2S a Karras", "k_dpmpp_2_a", true},
    Sampler{"DPM++ 2M Karras", "dpmpp_2m", true},
    Sampler{"DPM++ SDE Karras", "dpmpp_sde", true}};

Response a1111_error(const Error& error) {
  return Response::json({{"error", error_code_name(error.code)},
                         {"detail", error.message},
                         {"body", ""},
                         {"errors", error.message}},
                        error.code == ErrorCode::invalid_argument ? 422 : http_status(error.code));
}

Handler a1111(std::function<Result<Response>(const Request&)> answer) {
  return [answer = std::move(answer)](const Request& request) {
    auto response = answer(request);
    return response ? std::move(*response) : a1111_error(response.error());
  };
}

Result<Json> body_of(const Request& request) {
  if (request.body.empty()) return Json::object();
  Json body = Json::parse(request.body, nullptr, /*allow_exceptions=*/false);
  if (body.is_object()) return body;
  return fail(ErrorCode::invalid_argument, "", "the body is to be a JSON object");
}

Result<> set_sampler(const Json& body, SettingValues& values) {
  TRY_ASSIGN(std::string name, text_in(body, "sampler_name", ""));
  if (name.empty()) {
    TRY_ASSIGN(name, text_in(body, "sampler_index", ""));
  }
  TRY_ASSIGN(const std::string scheduler, text_in(body, "scheduler", ""));
  if (scheduler == "karras" || scheduler == "Karras") values.set("karras", true);
  if (name.empty()) return {};
  const auto found = std::ranges::find(kSamplers, std::string_view(name), &Sampler::theirs);
  if (found == kSamplers.end())
    return fail(ErrorCode::not_found, "", "Sampler not found: {}; GET /sdapi/v1/samplers lists them",
                shown(name));
  values.set("sampler_name", std::string(found->ours));
  if (found->karras) values.set("karras", true);
  return {};
}

/// What txt2img and img2img have in common.
Result<JobOrder> order_of(Studio& studio, const Json& body) {
  JobOrder order;
  TRY_ASSIGN(order.prompt, text_in(body, "prompt", ""));
  TRY_ASSIGN(const std::string negative, text_in(body, "negative_prompt", ""));
  TRY_ASSIGN(const auto pictures, whole_in(body, "batch_size", 1, 64, 1));
  TRY_ASSIGN(const auto rounds, whole_in(body, "n_iter", 1, kMostPictures, 1));
  TRY_ASSIGN(const auto seed, whole_in(body, "seed", -1, 4'294'967'295, -1));
  Json values = {{"iterations", pictures * rounds}, {"prompt_dialect", "a1111"}};
  for (const char* same : {"steps", "cfg_scale", "width", "height", "eta"})
    if (body.contains(same)) values[same] = body[same];
  if (!values.contains("steps")) values["steps"] = 50;  // their default
  if (seed >= 0) values["seed"] = seed;
  if (!negative.empty()) values["negative_prompt"] = negative;
  values["seamless"] = body.value("tiling", Json()) == true;
  const Json overrides = body.value("override_settings", Json::object());
  if (overrides.is_object() && overrides.contains("sd_model_checkpoint"))
    values["model"] = overrides["sd_model_checkpoint"];
  TRY_ASSIGN(order.values, settings_from_json(values));
  order.values.set("batch_size", std::min<std::int64_t>(pictures, 64));
  TRY_VOID(set_sampler(body, order.values));
  order.preview_every = 1;
  return order;
}

/// Pictures, and what they were made from.
Result<Response> draw(Studio& studio, const Request& request, const JobOrder& order,
                      const Json& body) {
  const auto place = studio.waiting_place();
  if (place == nullptr) return too_busy();
  TRY_ASSIGN(const jobs::JobRecord submitted, studio.submit(order));
  TRY_ASSIGN(const jobs::JobRecord job, wait_for_end(studio, submitted.id, request.gone));
  if (job.error) return tl::make_unexpected(*job.error);
  TRY_ASSIGN(const auto results, studio.reading().results(job.id));
  Json images = Json::array(), seeds = Json::array(), texts = Json::array();
  for (const jobs::PictureResult& result : results) {
    TRY_ASSIGN(const std::string bytes, read_file(result.path));
    images.push_back(base64_encode(bytes));
    seeds.push_back(result.seed);
    const auto found = image::read_metadata(bytes);
    texts.push_back(found ? image::as_a1111_parameters(
                                found->front().picture,
                                found->front().app.value_or(image::AppMetadata()))
                          : result.command);
  }
  Json parameters = body;
  parameters.erase("init_images");
  parameters.erase("mask");
  const Json info = {{"prompt", order.prompt},
                     {"negative_prompt", order.values.text("negative_prompt")},
                     {"seed", seeds.empty() ? Json(-1) : seeds[0]},
                     {"all_seeds", seeds},
                     {"infotexts", texts},
                     {"sd_model_name", studio.active_model()}};
  return Response::json(
      {{"images", images}, {"parameters", parameters}, {"info", json_text(info)}});
}

Result<Response> text_to_image(Studio& studio, const Request& request) {
  TRY_ASSIGN(const Json body, body_of(request));
  TRY_ASSIGN(JobOrder order, order_of(studio, body));
  if (body.value("enable_hr", Json()) == true) {
    order.values.set("hires_fix", true);
    if (body.contains("denoising_strength")) {
      TRY_ASSIGN(const auto strength,
                 settings_from_json(Json{{"strength", body["denoising_strength"]}}));
      order.values.merge(strength);
    }
  }
  return draw(studio, request, order, body);
}

Result<std::string> store_picture(Studio& studio, const Json& text, const char* folder,
                                  const char* name) {
  const auto bytes =
      text.is_string() ? bytes_of_data_url(text.get_ref<const std::string&>()) : std::nullopt;
  if (!bytes) return fail(ErrorCode::invalid_argument, "", "{}: Invalid encoded image", name);
  TRY_ASSIGN(const auto stored, studio.add_picture(folder, fmt::format("{}.png", name), *bytes));
  return stored.path;
}

Result<Response> image_to_image(Studio& studio, const Request& request) {
  TRY_ASSIGN(const Json body, body_of(request));
  const Json pictures = body.value("init_images", Json::array());
  if (!pictures.is_array() || pictures.empty())
    return fail(ErrorCode::not_found, "", "Init image not found");
  TRY_ASSIGN(JobOrder order, order_of(studio, body));
  TRY_ASSIGN(const auto strength, settings_from_json(Json{
                                      {"strength", body.value("denoising_strength", Json(0.75))}}));
  order.values.merge(strength);
  TRY_ASSIGN(const std::string picture,
             store_picture(studio, pictures[0], kUploadFolder, "init_image"));
  order.values.set("init_img", picture);
  order.values.set("fit", true);
  if (const Json mask = body.value("mask", Json()); mask.is_string() && mask != "") {
    TRY_ASSIGN(const std::string stored, store_picture(studio, mask, kMaskFolder, "mask"));
    order.values.set("init_mask", stored);
    // Their white is painted anew, ours is kept.
    order.values.set("invert_mask", body.value("inpainting_mask_invert", Json(0)) != 1);
    if (const Json blur = body.value("mask_blur", Json()); blur.is_number_integer()) {
      TRY_ASSIGN(const auto read, settings_from_json(Json{{"mask_blur", blur}}));
      order.values.merge(read);
    }
  }
  return draw(studio, request, order, body);
}

/// The last progress and preview, for clients that ask instead of listening.
class Watched {
 public:
  explicit Watched(Studio& studio) {
    subscription_ = studio.subscribe([this](const Event& event) { hear(event); });
  }

  Json progress(bool skip_image) const {
    const std::lock_guard lock(mutex_);
    const auto number = [&](const char* key) {
      return progress_.is_object() ? progress_[key].get<int>() : 0;
    };
    const double steps = std::max(1, number("steps")), pictures = std::max(1, number("pictures"));
    const Json left = progress_.is_object() ? progress_["seconds_left"] : Json();
    return {{"progress", (number("picture") + number("step") / steps) / pictures},
            {"eta_relative", left.is_number() ? left : Json(0)},
            {"state",
             {{"skipped", false},
              {"interrupted", false},
              {"job", job_},
              {"job_count", number("pictures")},
              {"job_no", number("picture")},
              {"sampling_step", number("step")},
              {"sampling_steps", number("steps")}}},
            {"current_image", skip_image ? Json() : preview_},
            {"textinfo", nullptr}};
  }

  std::string job() const {
    const std::lock_guard lock(mutex_);
    return job_;
  }

 private:
  void hear(const Event& event) {
    const std::lock_guard lock(mutex_);
    if (event.name == "progress") {
      job_ = event.job;
      progress_ = event.data;
    } else if (event.name == "preview") {
      const std::string url = event.data["image"];
      preview_ = url.substr(url.find(',') + 1);
    } else if (event.name == "job" && event.job == job_ && event.data["state"] != "running") {
      job_.clear();
      progress_ = preview_ = nullptr;
    }
  }

  mutable std::mutex mutex_;  ///< guards the rest
  std::string job_;
  Json progress_ = nullptr, preview_ = nullptr;
  std::shared_ptr<void> subscription_;
};

Result<Response> png_info(const Request& request) {
  TRY_ASSIGN(const Json body, body_of(request));
  TRY_ASSIGN(const std::string text, text_in(body, "image", ""));
  const auto bytes = bytes_of_data_url(text);
  if (!bytes || bytes->empty())
    return fail(ErrorCode::invalid_argument, "", "image: Invalid encoded image");
  const auto found = image::read_metadata(*bytes);
  if (!found) return Response::json({{"info", ""}, {"items", Json::object()}, {"parameters", Json::object()}});
  const std::string info = image::as_a1111_parameters(
      found->front().picture, found->front().app.value_or(image::AppMetadata()));
  return Response::json(
      {{"info", info}, {"items", {{"parameters", info}}}, {"parameters", Json::object()}});
}

Result<Response> set_options(Studio& studio, const Request& request) {
  TRY_ASSIGN(const Json body, body_of(request));
  if (body.contains("sd_model_checkpoint")) {
    TRY_ASSIGN(const std::string name, text_in(body, "sd_model_checkpoint"));
    TRY_VOID(studio.activate_model(name));
  }
  return Response::json(nullptr);
}

Response samplers() {
  Json list = Json::array();
  for (const Sampler& sampler : kSamplers)
    list.push_back({{"name", sampler.theirs},
                    {"aliases", {sampler.ours}},
                    {"options", Json::object()}});
  return Response::json(list);
}

Result<Response> models(Studio& studio) {
  TRY_ASSIGN(const auto entries, studio.models().entries());
  Json list = Json::array();
  for (const ModelEntry& entry : entries)
    list.push_back({{"title", entry.name},
                    {"model_name", entry.name},
                    {"hash", nullptr},
                    {"sha256", nullptr},
                    {"filename", entry.path.string()},
                    {"config", nullptr}});
  return Response::json(list);
}

}  // namespace

void add_a1111_dialect(Router& router, Studio& studio) {
  const auto watched = std::make_shared<Watched>(studio);
  router.post("/sdapi/v1/txt2img",
              a1111([&](const Request& request) { return text_to_image(studio, request); }));
  router.post("/sdapi/v1/img2img",
              a1111([&](const Request& request) { return image_to_image(studio, request); }));
  router.get("/sdapi/v1/progress", a1111([watched](const Request& request) -> Result<Response> {
               TRY_ASSIGN(const auto skip, query_flag(request, "skip_current_image"));
               return Response::json(watched->progress(skip.value_or(false)));
             }));
  router.post("/sdapi/v1/interrupt", a1111([&, watched](const Request&) -> Result<Response> {
                if (const std::string job = watched->job(); !job.empty())
                  TRY_VOID(studio.queue().cancel(job));
                return Response::json(Json::object());
              }));
  router.post("/sdapi/v1/png-info", a1111(png_info));
  router.get("/sdapi/v1/options", [&](const Request&) {
    return Response::json({{"sd_model_checkpoint", studio.active_model()},
                           {"samples_format", "png"},
                           {"outdir_samples", studio.options().output.string()}});
  });
  router.post("/sdapi/v1/options",
              a1111([&](const Request& request) { return set_options(studio, request); }));
  router.get("/sdapi/v1/samplers", [](const Request&) { return samplers(); });
  router.get("/sdapi/v1/sd-models", a1111([&](const Request&) { return models(studio); }));
}

}  // namespace invokeai::server
