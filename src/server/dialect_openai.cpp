// OpenAI's /v1/images/generations, /v1/images/edits and /v1/models. Failures have OpenAI's form.

#include <charconv>
#include <chrono>

#include "base/json_settings.h"
#include "image/mask.h"
#include "server/dialects.h"
#include "server/internal/base64.h"
#include "server/internal/handlers.h"
#include "server/job_order.h"
#include "server/multipart.h"
#include "server/views.h"

namespace invokeai::server {
namespace {

constexpr int kMostPictures = 10;

Response openai_error(const Error& error) {
  const int status = http_status(error.code);
  return Response::json({{"error",
                          {{"message", error.message},
                           {"type", status < 500 ? "invalid_request_error" : "server_error"},
                           {"param", nullptr},
                           {"code", error_code_name(error.code)}}}},
                        status);
}

Handler openai(std::function<Result<Response>(const Request&)> answer) {
  return [answer = std::move(answer)](const Request& request) {
    auto response = answer(request);
    return response ? std::move(*response) : openai_error(response.error());
  };
}

/// "512x768"; empty and "auto": the model's own size.
Result<> set_size(const std::string& size, SettingValues& values) {
  if (size.empty() || size == "auto") return {};
  std::int64_t width = 0, height = 0;
  const char* end = size.data() + size.size();
  const auto first = std::from_chars(size.data(), end, width);
  const bool cross = first.ec == std::errc() && first.ptr != end && *first.ptr == 'x';
  const auto second = cross ? std::from_chars(first.ptr + 1, end, height) : first;
  if (!cross || second.ec != std::errc() || second.ptr != end)
    return fail(ErrorCode::invalid_argument, "", "size: pixels as in 512x512 are wanted, got {}",
                shown(size));
  TRY_ASSIGN(const SettingValues read, settings_from_json(Json{{"width", width}, {"height", height}}));
  values.merge(read);
  return {};
}

/// What a client asks for, from JSON or from a form.
struct Wishes {
  std::string prompt, size, response_format, model;
  std::int64_t count = 1;
};

Result<JobOrder> order_of(Studio& studio, const Wishes& wishes) {
  if (wishes.prompt.empty()) return fail(ErrorCode::invalid_argument, "", "prompt is missing");
  if (!wishes.response_format.empty() && wishes.response_format != "url" &&
      wishes.response_format != "b64_json")
    return fail(ErrorCode::invalid_argument, "", "response_format: url or b64_json is wanted, got {}",
                shown(wishes.response_format));
  JobOrder order;
  order.prompt = wishes.prompt;
  order.values.set("iterations", wishes.count);
  TRY_VOID(set_size(wishes.size, order.values));
  // Clients send names of OpenAI's models by habit; ours are used when they are meant.
  if (!wishes.model.empty() && studio.models().find(wishes.model))
    order.values.set("model", wishes.model);
  return order;
}

Result<Response> draw(Studio& studio, const Request& request, const JobOrder& order,
                      bool as_url) {
  const auto place = studio.waiting_place();
  if (place == nullptr) return too_busy();
  TRY_ASSIGN(const jobs::JobRecord submitted, studio.submit(order));
  TRY_ASSIGN(const jobs::JobRecord job, wait_for_end(studio, submitted.id, request.gone));
  if (job.error) return tl::make_unexpected(*job.error);
  TRY_ASSIGN(const auto results, studio.reading().results(job.id));
  Json data = Json::array();
  for (const jobs::PictureResult& result : results) {
    if (as_url) {
      const std::string host = request.header("host");
      data.push_back({{"url", fmt::format("{}://{}{}", request.secure ? "https" : "http", host,
                                          view(studio, result)["url"].get<std::string>())}});
      continue;
    }
    TRY_ASSIGN(const std::string bytes, read_file(result.path));
    data.push_back({{"b64_json", base64_encode(bytes)}});
  }
  return Response::json({{"created", job.submitted.count() / 1000}, {"data", data}});
}

Result<Response> generations(Studio& studio, const Request& request) {
  const Json body = Json::parse(request.body, nullptr, /*allow_exceptions=*/false);
  if (!body.is_object())
    return fail(ErrorCode::invalid_argument, "", "the body is to be a JSON object");
  Wishes wishes;
  TRY_ASSIGN(wishes.prompt, text_in(body, "prompt", ""));
  TRY_ASSIGN(wishes.size, text_in(body, "size", ""));
  TRY_ASSIGN(wishes.response_format, text_in(body, "response_format", ""));
  TRY_ASSIGN(wishes.model, text_in(body, "model", ""));
  TRY_ASSIGN(wishes.count, whole_in(body, "n", 1, kMostPictures, 1));
  TRY_ASSIGN(const JobOrder order, order_of(studio, wishes));
  return draw(studio, request, order, wishes.response_format == "url");
}

std::string field(const std::vector<FormPart>& form, std::string_view name) {
  const FormPart* part = find_part(form, name);
  return part != nullptr ? part->body : std::string();
}

/// What is transparent in the mask, or in the picture itself, is painted anew.
Result<Response> edits(Studio& studio, const Request& request) {
  TRY_ASSIGN(const auto form, parse_form(request));
  Wishes wishes{field(form, "prompt"), field(form, "size"), field(form, "response_format"),
                field(form, "model")};
  if (const std::string count = field(form, "n"); !count.empty()) {
    TRY_ASSIGN(wishes.count, whole_in(Json{{"n", Json::parse(count, nullptr, false)}}, "n", 1,
                                      kMostPictures));
  }
  const FormPart* picture = find_part(form, "image");
  if (picture == nullptr) picture = find_part(form, "image[]");
  if (picture == nullptr) return fail(ErrorCode::invalid_argument, "", "image is missing");
  TRY_ASSIGN(JobOrder order, order_of(studio, wishes));
  TRY_ASSIGN(const auto uploaded, studio.add_picture(kUploadFolder,
                                                     picture->filename.value_or("image.png"),
                                                     picture->body));
  order.values.set("init_img", uploaded.path);
  order.values.set("fit", true);
  if (const FormPart* mask = find_part(form, "mask")) {
    TRY_ASSIGN(const auto stored, studio.add_picture(kMaskFolder,
                                                     mask->filename.value_or("mask.png"),
                                                     mask->body));
    order.values.set("init_mask", stored.path);
    order.values.set("strength", 1.0);
  }
  return draw(studio, request, order, wishes.response_format == "url");
}

Result<Response> models(Studio& studio) {
  TRY_ASSIGN(const auto entries, studio.models().entries());
  Json data = Json::array();
  for (const ModelEntry& entry : entries)
    data.push_back(
        {{"id", entry.name}, {"object", "model"}, {"created", 0}, {"owned_by", "invokeai"}});
  return Response::json({{"object", "list"}, {"data", data}});
}

}  // namespace

void add_openai_dialect(Router& router, Studio& studio) {
  router.post("/v1/images/generations",
              openai([&](const Request& request) { return generations(studio, request); }));
  router.post("/v1/images/edits",
              openai([&](const Request& request) { return edits(studio, request); }));
  router.get("/v1/models", openai([&](const Request&) { return models(studio); }));
}

void add_dialects(Router& router, Studio& studio) {
  add_a1111_dialect(router, studio);
  add_openai_dialect(router, studio);
}

}  // namespace invokeai::server
