// What a picture tells that was worked on after it was drawn.

#include "image/internal/foreign_json.h"
#include "image/metadata.h"
#include "image/python_text.h"

namespace invokeai::image {
namespace {

/// The text with one more step, nothing when it does not describe a single picture.
std::optional<std::string> with_step(std::string_view source, const Postprocessing& step) {
  auto json = parse_foreign_json(source);
  if (!json || !json->is_object()) return std::nullopt;
  const auto image = json->find("image");
  if (image == json->end() || !image->is_object()) return std::nullopt;
  if (member(*image, "seed").is_null() && member(*image, "prompt").is_null()) return std::nullopt;
  Json& steps = (*image)["postprocessing"];
  if (!steps.is_array()) steps = Json::array();
  steps.push_back({{"tool", step.tool}, {"dream_command", step.dream_command}});
  return python_json(*json);
}

}  // namespace

TextChunks fixed_metadata_chunks(std::string_view source, ImageMetadata drawn,
                                 const AppMetadata& app, const Postprocessing& step) {
  auto json = with_step(source, step);
  if (!json) {
    drawn.postprocessing.push_back(step);
    json = sd_metadata_json(drawn, app);
  }
  return {{std::string(kDreamKeyword), step.dream_command},
          {std::string(kMetadataKeyword), std::move(*json)}};
}

}  // namespace invokeai::image
