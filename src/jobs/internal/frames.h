#pragma once
// What server and worker say to each other: frames of one JSON message and, for previews, bytes.

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "jobs/queue.h"
#include "pipeline/engine.h"

namespace invokeai::jobs {

using Json = nlohmann::json;

/// On the wire: length of the JSON text, length of the bytes (32 bits each, lowest byte first),
/// the text, the bytes.
struct Frame {
  Json message;  ///< an object; "type" says what it is
  std::string bytes = {};
};

std::string encode_frame(const Frame& frame);

/// Puts frames together from pieces of any size.
class FrameReader {
 public:
  void feed(std::string_view piece) { buffer_.append(piece); }
  /// None: not all of it is there yet. Errors: bad_file (no frame; the other side is broken).
  Result<std::optional<Frame>> next();

 private:
  std::string buffer_;
  std::size_t start_ = 0;
};

Json to_json(const pipeline::EngineOptions& options);
Json to_json(const pipeline::ModelInfo& model);
Json to_json(const pipeline::StepProgress& progress);  ///< without the preview
Json to_json(const PictureResult& picture);
Json to_json(const Error& error);

/// Missing or mistyped fields keep their defaults.
pipeline::EngineOptions engine_options_from(const Json& json);
pipeline::ModelInfo model_from(const Json& json);
pipeline::StepProgress progress_from(const Json& json);
PictureResult picture_from(const Json& json);
Error error_from(const Json& json);

}  // namespace invokeai::jobs
