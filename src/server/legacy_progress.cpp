#include "server/internal/legacy_progress.h"

#include "base/seeds.h"
#include "gallery/outputs.h"
#include "server/internal/base64.h"
#include "server/internal/handlers.h"
#include "server/internal/legacy_pictures.h"
#include "text/clip_tokenizer.h"
#include "text/prompt_parser.h"

namespace invokeai::server {
namespace {

constexpr std::size_t kMostTokens = 75;

const char* generating(const std::string& mode) {
  if (mode == "img2img") return "common:statusGeneratingImageToImage";
  if (mode == "inpainting") return "common:statusGeneratingInpainting";
  if (mode == "outpainting") return "common:statusGeneratingOutpainting";
  return "common:statusGeneratingTextToImage";
}

/// Byte pairs of the positive prompt; null for blends and the like.
Json tokens_of(const std::string& prompt) {
  static const auto tokenizer = text::ClipTokenizer::builtin(text::ClipFamily::sd1);
  const auto parsed = text::parse_prompt(prompt);
  if (!tokenizer || !parsed || parsed->positive.members.size() != 1 ||
      parsed->positive.members.front().parts.size() != 1)
    return nullptr;
  Json tokens = Json::array();
  for (const text::Fragment& fragment : text::fragments(parsed->positive.members.front().parts[0]))
    for (const int id : tokenizer->encode(text::tokenizer_text(fragment)))
      if (tokens.size() < kMostTokens) tokens.push_back(tokenizer->token_text(id));
  return tokens;
}

}  // namespace

void LegacyProgress::hear(const Event& event) {
  const std::lock_guard lock(mutex_);
  if (event.name == "job") job(event);
  if (event.name == "progress") progress(event);
  if (event.name == "preview") preview(event);
  if (event.name == "picture") picture(event);
}

Json LegacyProgress::current() const {
  const std::lock_guard lock(mutex_);
  return id_.empty() ? Json() : last_;
}

void LegacyProgress::job(const Event& event) {
  const std::string state = event.data["state"];
  if (state == "running") {
    begin(event.job);
  } else if (event.job != id_) {
    // A job that never ran and fails nevertheless, e.g. for its model.
    if (state == "failed") emit_("error", message_of(event.data["error"]["message"]));
  } else if (state == "cancelled") {
    if (!complete_) emit_("processingCanceled", Json::array());
    end();
  } else if (state == "failed") {
    emit_("error", message_of(event.data["error"]["message"]));
    end();
  } else if (state == "completed") {
    end();
  }
}

void LegacyProgress::begin(const std::string& id) {
  if (id == id_) return;
  const auto record = studio_.reading().job(id);
  if (!record) return;
  const auto request = jobs::request_from_json(record->request);
  if (!request) return;
  id_ = id;
  tag_ = tag_of(*request);
  tokens_ = tokens_of(request->prompt);
  pictures_ = record->pictures;
  iteration_ = std::min(record->done + 1, pictures_);
  total_ = std::max(1, tag_.first_total);
  step_seen_ = complete_ = false;
  full_previews_ = request->full_previews;
  step_index_ = 0;
  update("common:statusPreparing", 1, total_, false);
}

void LegacyProgress::end() { id_.clear(); }

void LegacyProgress::update(const char* status, int step, int total, bool has_steps, bool busy) {
  last_ = {{"currentStep", step},
           {"totalSteps", total},
           {"currentIteration", busy ? iteration_ : 0},
           {"totalIterations", busy ? pictures_ : 0},
           {"currentStatus", status},
           {"isProcessing", busy},
           {"currentStatusHasSteps", has_steps},
           {"hasError", false}};
  emit_("progressUpdate", Json::array({last_}));
}

void LegacyProgress::progress(const Event& event) {
  begin(event.job);
  if (event.job != id_) return;
  begin_picture(event);
  update(generating(tag_.actual_mode), event.data["step"], total_, true);
}

void LegacyProgress::begin_picture(const Event& event) {
  total_ = event.data["steps"];
  iteration_ = std::min(event.data["picture"].get<int>() + 1, pictures_);
  if (!step_seen_) update(generating(tag_.actual_mode), 0, total_, true);
  step_seen_ = true;
}

void LegacyProgress::preview(const Event& event) {
  begin(event.job);
  if (event.job != id_) return;
  begin_picture(event);
  const std::string url = event.data["image"];
  Json told = {{"url", url},
               {"isBase64", true},
               {"mtime", 0},
               {"metadata", Json::object()},
               {"width", event.data["width"]},
               {"height", event.data["height"]},
               {"generationMode", tag_.generation_mode},
               {"boundingBox", tag_.bounding_box}};
  if (full_previews_) {
    const auto bytes = bytes_of_data_url(url);
    const fs::path folder = studio_.options().output / kIntermediateFolder;
    const auto prefix = gallery::next_prefix(folder);
    if (!bytes || !prefix) return;
    const std::string name =
        fmt::format("{}.{:08x}.{}.{}.png", gallery::format_prefix(*prefix), random_seed(),
                    event.job.substr(0, 8), ++step_index_);
    // A preview that cannot be stored never ends a job.
    if (!gallery::write_output(folder / name, *bytes, gallery::Existing::keep)) return;
    told["url"] = legacy_url(std::string(kIntermediateFolder) + "/" + name);
    told.erase("isBase64");
    told["mtime"] = static_cast<double>(std::chrono::duration_cast<std::chrono::milliseconds>(
                                            std::chrono::system_clock::now().time_since_epoch())
                                            .count()) / 1000;
  }
  emit_("intermediateResult", Json::array({told}));
}

/// The order of web spec 1.8, steps 4 to 9.
void LegacyProgress::picture(const Event& event) {
  begin(event.job);
  if (event.job != id_) return;
  const Json& result = event.data["result"];
  iteration_ = std::min(result["index"].get<int>() + 1, pictures_);
  update("common:statusGenerationComplete", total_, total_, true);
  update("common:statusSavingImage", total_, total_, true);
  complete_ = iteration_ == pictures_;
  if (complete_)
    update("common:statusProcessingComplete", 0, 0, true, false);
  else
    update("common:statusIterationComplete", 1, total_, false);
  emit_("generationResult", Json::array({generated(result)}));
  ++iteration_;
  step_seen_ = false;
}

Json LegacyProgress::generated(const Json& result) {
  const std::string name = result["name"];
  Json told = {{"url", legacy_url(name)},
               {"thumbnail", legacy_thumbnail_url(name)},
               {"mtime", 0},
               {"metadata", Json::object()},
               {"dreamPrompt", result["command"]},
               {"width", result["width"]},
               {"height", result["height"]}};
  if (const auto entry = studio_.gallery().picture(name))
    if (auto image = legacy_image(studio_, *entry)) told = std::move(*image);
  told.erase("category");
  if (told["metadata"].is_object() && told["metadata"].contains("image"))
    told["metadata"]["image"]["type"] = tag_.generation_mode;
  told["boundingBox"] = tag_.bounding_box;
  told["generationMode"] = tag_.generation_mode;
  told["attentionMaps"] = nullptr;
  told["tokens"] = tokens_;
  return told;
}

}  // namespace invokeai::server
