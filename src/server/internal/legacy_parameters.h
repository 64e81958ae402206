#pragma once
// The parameters of `generateImage` as a job (web spec 2.1 to 2.4).

#include <nlohmann/json.hpp>

#include "server/studio.h"

namespace invokeai::server {

/// What the events of a job need to know of its request; kept as the job's tag.
struct LegacyTag {
  std::string generation_mode = "txt2img";  ///< as sent
  std::string actual_mode = "txt2img";      ///< txt2img, img2img, inpainting or outpainting
  nlohmann::json bounding_box;              ///< null outside of the canvas
  int first_total = 0;                      ///< steps to announce before the true number is known
};

std::string tag_text(const LegacyTag& tag);
/// For a job without a tag, e.g. one of the API, that of a plain one.
LegacyTag tag_of(const jobs::JobRequest& request);

/// Pictures of a canvas are stored for the job. Errors: invalid_argument, unsupported (upscaling and
/// face restoration), not_found (the starting picture), bad_file.
Result<JobOrder> order_from_legacy(Studio& studio, const nlohmann::json& arguments);

}  // namespace invokeai::server
