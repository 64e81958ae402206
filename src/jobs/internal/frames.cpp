#include "jobs/internal/frames.h"

#include "base/json_settings.h"

namespace invokeai::jobs {
namespace {

constexpr std::size_t kHeader = 8;
constexpr std::uint32_t kLongestText = 16u << 20, kMostBytes = 256u << 20;

void put_number(std::string& out, std::size_t number) {
  for (int shift = 0; shift < 32; shift += 8) out += static_cast<char>(number >> shift);
}

std::uint32_t number_at(std::string_view text, std::size_t at) {
  std::uint32_t number = 0;
  for (int i = 3; i >= 0; --i) number = number << 8 | static_cast<unsigned char>(text[at + i]);
  return number;
}

/// The member if it has this type, else `otherwise`.
template <class T>
T get(const Json& json, const char* key, T otherwise = {}) {
  const auto found = json.find(key);
  if (found == json.end()) return otherwise;
  if constexpr (std::is_same_v<T, std::string>) {
    return found->is_string() ? found->template get<T>() : otherwise;
  } else if constexpr (std::is_same_v<T, bool>) {
    return found->is_boolean() ? found->template get<T>() : otherwise;
  } else {
    return found->is_number() ? found->template get<T>() : otherwise;
  }
}

}  // namespace

std::string encode_frame(const Frame& frame) {
  const std::string text = frame.message.dump(-1, ' ', false, Json::error_handler_t::replace);
  std::string out;
  out.reserve(kHeader + text.size() + frame.bytes.size());
  put_number(out, text.size());
  put_number(out, frame.bytes.size());
  return out + text + frame.bytes;
}

Result<std::optional<Frame>> FrameReader::next() {
  const std::string_view rest = std::string_view(buffer_).substr(start_);
  if (rest.size() < kHeader) return std::nullopt;
  const std::uint32_t text = number_at(rest, 0), bytes = number_at(rest, 4);
  if (text > kLongestText || bytes > kMostBytes)
    return fail(ErrorCode::bad_file, "worker", "a frame claims {} and {} bytes", text, bytes);
  if (rest.size() < kHeader + text + bytes) return std::nullopt;
  Frame frame{Json::parse(rest.substr(kHeader, text), nullptr, /*allow_exceptions=*/false),
              std::string(rest.substr(kHeader + text, bytes))};
  if (!frame.message.is_object() || !frame.message.contains("type"))
    return fail(ErrorCode::bad_file, "worker", "a frame holds no message");
  start_ += kHeader + text + bytes;
  if (start_ > buffer_.size() / 2) {
    buffer_.erase(0, start_);
    start_ = 0;
  }
  return frame;
}

Json to_json(const pipeline::EngineOptions& options) {
  return {{"model_path", options.model_path},
          {"device", options.device},
          {"precision", options.precision},
          {"model_kind", options.model_kind},
          {"threads", options.threads},
          {"max_memory", options.max_memory},
          {"deterministic", options.deterministic},
          {"verbose", options.verbose},
          {"clipseg_path", options.clipseg_path},
          {"max_loaded_models", options.max_loaded_models}};
}

pipeline::EngineOptions engine_options_from(const Json& json) {
  pipeline::EngineOptions options;
  options.model_path = get<std::string>(json, "model_path");
  options.device = get(json, "device", options.device);
  options.precision = get(json, "precision", options.precision);
  options.model_kind = get(json, "model_kind", options.model_kind);
  options.threads = get(json, "threads", options.threads);
  options.max_memory = get(json, "max_memory", options.max_memory);
  options.deterministic = get(json, "deterministic", options.deterministic);
  options.verbose = get(json, "verbose", options.verbose);
  options.clipseg_path = get<std::string>(json, "clipseg_path");
  options.max_loaded_models = get(json, "max_loaded_models", options.max_loaded_models);
  return options;
}

Json to_json(const pipeline::ModelInfo& model) {
  return {{"name", model.name},
          {"path", model.path},
          {"kind", model.kind},
          {"prediction", model.prediction},
          {"native_width", model.native_width},
          {"native_height", model.native_height},
          {"hash", model.hash},
          {"device", model.device},
          {"precision", model.precision},
          {"device_reason", model.device_reason},
          {"load_seconds", model.load_seconds},
          {"recommended", settings_to_json(model.recommended)}};
}

pipeline::ModelInfo model_from(const Json& json) {
  pipeline::ModelInfo model;
  model.name = get<std::string>(json, "name");
  model.path = get<std::string>(json, "path");
  model.kind = get<std::string>(json, "kind");
  model.prediction = get<std::string>(json, "prediction");
  model.native_width = get(json, "native_width", model.native_width);
  model.native_height = get(json, "native_height", model.native_height);
  model.hash = get<std::string>(json, "hash");
  model.device = get<std::string>(json, "device");
  model.precision = get<std::string>(json, "precision");
  model.device_reason = get<std::string>(json, "device_reason");
  model.load_seconds = get<double>(json, "load_seconds");
  if (const auto found = json.find("recommended"); found != json.end())
    model.recommended = settings_from_json(*found).value_or(SettingValues());
  return model;
}

Json to_json(const pipeline::StepProgress& progress) {
  return {{"picture", progress.picture},
          {"pictures", progress.pictures},
          {"step", progress.step},
          {"steps", progress.steps},
          {"timestep", progress.timestep}};
}

pipeline::StepProgress progress_from(const Json& json) {
  return {.picture = get<int>(json, "picture"),
          .pictures = get<int>(json, "pictures", 1),
          .step = get<int>(json, "step"),
          .steps = get<int>(json, "steps"),
          .timestep = get<double>(json, "timestep"),
          .preview = {}};
}

Json to_json(const PictureResult& picture) {
  return {{"index", picture.index},     {"path", picture.path.string()}, {"seed", picture.seed},
          {"seconds", picture.seconds}, {"width", picture.width},        {"height", picture.height},
          {"command", picture.command}};
}

PictureResult picture_from(const Json& json) {
  return {.index = get<int>(json, "index"),
          .path = get<std::string>(json, "path"),
          .seed = get<std::uint32_t>(json, "seed"),
          .seconds = get<double>(json, "seconds"),
          .width = get<int>(json, "width"),
          .height = get<int>(json, "height"),
          .command = get<std::string>(json, "command")};
}

Json to_json(const Error& error) {
  return {
      {"code", error_code_name(error.code)}, {"origin", error.origin}, {"message", error.message}};
}

Error error_from(const Json& json) {
  Error error{ErrorCode::internal, get<std::string>(json, "origin"),
              get<std::string>(json, "message")};
  const std::string name = get<std::string>(json, "code");
  for (int code = 0; code <= static_cast<int>(ErrorCode::internal); ++code)
    if (name == error_code_name(static_cast<ErrorCode>(code)))
      error.code = static_cast<ErrorCode>(code);
  return error;
}

}  // namespace invokeai::jobs
