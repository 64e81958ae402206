// `invokeai_metadata`: the flat JSON object of InvokeAI 3 to 6.

#include "image/internal/negative.h"
#include "image/internal/readers.h"

namespace invokeai::image {
namespace {

/// Models are named `name` since version 4, `model_name` before.
std::string model_name(const Json& model) {
  return as_text(member(model, {"name", "model_name"})).value_or("");
}

void take_model(const Json& model, Finding& finding) {
  if (!model.is_object()) return;
  AppMetadata& app = finding.app();
  app.model_id = model_name(model);
  const std::string hash = as_text(member(model, "hash")).value_or("");
  constexpr std::string_view kSha256 = "sha256:";
  if (hash.starts_with(kSha256)) app.model_hash = hash.substr(kSha256.size());
  const std::string base = as_text(member(model, {"base", "base_model"})).value_or("");
  if (!base.empty() && base != "sd-1" && base != "sd-2")
    finding.lose("its model {} is of the kind {}, not Stable Diffusion 1 or 2",
                 in_quotes(*app.model_id), in_quotes(base));
}

void take_prompts(const Json& json, Finding& finding) {
  ImageMetadata& picture = finding.picture();
  picture.prompt = as_text(member(json, "positive_prompt")).value_or("");
  picture.negative_prompt = as_text(member(json, "negative_prompt")).value_or("");
  if (!split_negative(picture.prompt).negative.empty())
    finding.lose("square brackets in its prompt were plain text; here they hold negative words");
  if (weighted_parts(picture.prompt).size() > 1)
    finding.lose("colons with numbers in its prompt were plain text; here they blend");
  const std::string style = as_text(member(json, "positive_style_prompt")).value_or("");
  if (!style.empty() && style != picture.prompt)
    finding.lose("it had a prompt of its own for the style: {}", in_quotes(style));
}

void take_settings(const Json& json, Finding& finding) {
  ImageMetadata& picture = finding.picture();
  finding.seed(member(json, "seed"));
  finding.whole("steps", member(json, "steps"), picture.steps);
  finding.whole("width", member(json, "width"), picture.width);
  finding.whole("height", member(json, "height"), picture.height);
  finding.real("cfg_scale", member(json, {"cfg_scale", "guidance"}), picture.cfg_scale);
  if (const auto scheduler = as_text(member(json, "scheduler")))
    finding.sampler(Tool::invokeai, *scheduler, "");
  const bool x = as_flag(member(json, "seamless_x")), y = as_flag(member(json, "seamless_y"));
  picture.seamless = x || y;
  if (x != y) picture.more.set("seamless_axes", std::string(x ? "x" : "y"));
  picture.hires_fix = as_flag(member(json, "hrf_enabled"));
  if (picture.hires_fix)
    finding.lose("its second pass ran with method {} and strength {}",
                 in_quotes(described(member(json, "hrf_method"))),
                 described(member(json, "hrf_strength")));
}

void take_input(const Json& json, Finding& finding) {
  ImageMetadata& picture = finding.picture();
  const std::string mode = as_text(member(json, "generation_mode")).value_or("");
  if (const auto name = as_text(member(json, "init_image"))) picture.init_image = *name;
  const bool from_picture = mode.ends_with("img2img") || !picture.init_image.empty();
  if (from_picture) finding.real("strength", member(json, "strength"), picture.strength);
  if (from_picture && picture.init_image.empty())
    finding.lose(
        "it was drawn from a picture with strength {}, which is not named; give it with -I",
        picture.strength);
  if (picture.hires_fix && picture.init_image.empty()) {
    picture.strength = kDefaultStrength;
    finding.real("strength", member(json, "hrf_strength"), picture.strength);
  }
  if (mode.ends_with("inpaint") || mode.ends_with("outpaint"))
    finding.lose("it was drawn on the canvas ({}), whose picture and mask are not stored",
                 in_quotes(mode));
}

void lose_models(const Json& list, std::string_view what, Finding& finding) {
  if (!list.is_array()) return;
  for (const Json& entry : list) {
    const Json& model =
        member(entry, {"model", "lora", "control_model", "ip_adapter_model", "t2i_adapter_model"});
    finding.lose("{} {} with weight {}", what, in_quotes(model_name(model)),
                 described(member(entry, {"weight", "control_weight"})));
  }
}

void lose_extras(const Json& json, Finding& finding) {
  lose_models(member(json, "loras"), "the LoRA", finding);
  lose_models(member(json, "controlnets"), "the ControlNet", finding);
  lose_models(member(json, "ipAdapters"), "the IP adapter", finding);
  lose_models(member(json, "t2iAdapters"), "the T2I adapter", finding);
  for (const std::string_view key : {"regions", "ref_images", "control_layers"})
    if (const Json& list = member(json, key); list.is_structured() && !list.empty())
      finding.lose("its {}", key);
  for (const std::string_view key : {"vae", "refiner_model"})
    if (const Json& model = member(json, key); model.is_object())
      finding.lose("its {} {}", key, in_quotes(model_name(model)));
  if (const auto skip = as_number(member(json, "clip_skip")); skip && *skip > 0)
    finding.lose("the last {} layers of the text encoder were left out", *skip);
  if (const auto rescale = as_number(member(json, "cfg_rescale_multiplier"));
      rescale && *rescale > 0)
    finding.lose("its guidance was rescaled by {}", *rescale);
  if (const auto device = as_text(member(json, "rand_device")); device && *device != "cpu")
    finding.lose("its noise was drawn on {}; the same seed gives other noise here",
                 in_quotes(*device));
}

}  // namespace

std::optional<FoundMetadata> read_invokeai3(std::string_view text) {
  const auto json = parse_foreign_json(text);
  if (!json || !json->is_object()) return std::nullopt;
  Finding finding("InvokeAI 3 or later");
  AppMetadata& app = finding.app();
  app.app_id = "invoke-ai/InvokeAI";
  if (const auto version = as_text(member(*json, "app_version"))) {
    app.app_version = *version;
    finding.name_software("InvokeAI " + *version);
  }
  take_model(member(*json, "model"), finding);
  take_prompts(*json, finding);
  take_settings(*json, finding);
  take_input(*json, finding);
  lose_extras(*json, finding);
  return finding.take();
}

}  // namespace invokeai::image
