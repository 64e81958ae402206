#include "jobs/internal/picture_settings.h"

#include <charconv>

#include "image/codec.h"
#include "jobs/text_mask.h"

namespace invokeai::jobs {
namespace {

int whole(const SettingValues& values, std::string_view name) {
  return static_cast<int>(values.integer(name));
}

/// "seed:weight,seed:weight".
Result<std::vector<image::Variation>> parse_variations(const std::string& text) {
  std::vector<image::Variation> variations;
  for (std::size_t start = 0; start <= text.size();) {
    const std::size_t end = std::min(text.find(',', start), text.size());
    const std::string part = text.substr(start, end - start);
    start = end + 1;
    image::Variation variation;
    const char* last = part.data() + part.size();
    const auto seed = std::from_chars(part.data(), last, variation.seed);
    const bool colon = seed.ec == std::errc() && seed.ptr != last && *seed.ptr == ':';
    const auto weight = colon ? std::from_chars(seed.ptr + 1, last, variation.weight) : seed;
    if (!colon || weight.ec != std::errc() || weight.ptr != last)
      return fail(ErrorCode::invalid_argument, "",
                  "-V takes seed:weight,seed:weight..., {} is not such a pair", shown(part));
    variations.push_back(variation);
  }
  return variations;
}

/// A picture named by a setting, and the bytes of its file.
struct LoadedPicture {
  fs::path path;
  std::string bytes;
  image::Image picture;
};

Result<LoadedPicture> load_picture(const std::string& typed, const fs::path& output) {
  LoadedPicture loaded;
  TRY_ASSIGN(loaded.path, find_picture(typed, output));
  TRY_ASSIGN(loaded.bytes, read_file(loaded.path));
  TRY_ASSIGN(loaded.picture, image::decode_image(loaded.bytes, loaded.path.string()));
  return loaded;
}

Result<> load_start(const SettingValues& values, const fs::path& output, Job& job) {
  const std::string typed = values.text("init_img");
  if (typed.empty()) return {};
  TRY_ASSIGN(LoadedPicture loaded, load_picture(typed, output));
  job.request.init = pipeline::InitImage{.picture = std::move(loaded.picture),
                                         .strength = values.real("strength"),
                                         .fit = values.flag("fit")};
  job.sources.init_image = loaded.path.string();
  job.sources.orig_hash = sha256_hex(
      {reinterpret_cast<const std::uint8_t*>(loaded.bytes.data()), loaded.bytes.size()});
  return {};
}

Result<> load_colours(const SettingValues& values, const fs::path& output, Job& job) {
  const std::string typed = values.text("init_color");
  if (typed.empty()) return {};
  TRY_ASSIGN(LoadedPicture loaded, load_picture(typed, output));
  job.request.init_color = std::move(loaded.picture);
  job.sources.init_color = loaded.path.string();
  return {};
}

Result<> fill_in_inpaint(const SettingValues& values, const fs::path& output, Job& job) {
  pipeline::InpaintOptions& inpaint = job.request.inpaint;
  inpaint.invert = values.flag("invert_mask");
  inpaint.replace = values.real("inpaint_replace");
  inpaint.blur = whole(values, "mask_blur");
  inpaint.match_colors = values.flag("match_colors");
  inpaint.force = values.flag("force_outpaint");
  if (values.has("text_mask")) {
    TRY_ASSIGN(inpaint.words, parse_text_mask(values.words("text_mask")));
  }
  const std::string typed = values.text("init_mask");
  if (typed.empty()) return {};
  TRY_ASSIGN(LoadedPicture loaded, load_picture(typed, output));
  inpaint.mask = std::move(loaded.picture);
  job.sources.init_mask = loaded.path.string();
  return {};
}

Result<> fill_in_outpaint(const SettingValues& values, pipeline::GenerationRequest& request) {
  pipeline::OutpaintOptions& outpaint = request.outpaint;
  const bool tiles = !values.flag("patchmatch") && !values.has("infill_method");
  TRY_ASSIGN(outpaint.infill.method,
             image::parse_infill_method(tiles ? "tile" : values.text("infill_method")));
  outpaint.infill.tile_size = whole(values, "tile_size");
  outpaint.seam = {.size = whole(values, "seam_size"),
                   .blur = whole(values, "seam_blur"),
                   .strength = values.real("seam_strength"),
                   .steps = whole(values, "seam_steps")};
  std::optional<double> strength;
  if (values.has("outcrop")) {
    TRY_ASSIGN(outpaint.outcrop, image::parse_growths(values.words("outcrop")));
    strength = 0.9;
    if (!values.has("seam_size")) outpaint.seam.size = 96;
    if (!values.has("seam_blur")) outpaint.seam.blur = 16;
    if (!values.has("seam_steps")) outpaint.seam.steps = 20;
  }
  if (values.has("out_direction")) {
    TRY_ASSIGN(outpaint.shift, image::parse_shift(values.words("out_direction")));
    strength = 0.83;
  }
  if (strength && request.init && !values.has("strength")) request.init->strength = *strength;
  return {};
}

Result<> fill_in_seamless(const SettingValues& values, pipeline::Seamless& seamless) {
  if (!values.flag("seamless")) return {};
  const std::string axes = values.text("seamless_axes");
  if (axes.empty() || axes.find_first_not_of("xy,") != std::string::npos)
    return fail(ErrorCode::invalid_argument, "", "--seamless_axes takes x, y or xy, not {}",
                shown(axes));
  seamless.x = axes.find('x') != std::string::npos;
  seamless.y = axes.find('y') != std::string::npos;
  return {};
}

void fill_in_embiggen(const SettingValues& values, pipeline::GenerationRequest& request) {
  // Tiles alone mean: as large as it is (generation spec, "Entry point").
  if (!values.has("embiggen") && !values.has("embiggen_tiles")) return;
  pipeline::EmbiggenOptions& embiggen = request.embiggen.emplace();
  const std::vector<double> numbers = values.numbers("embiggen");
  if (!numbers.empty()) embiggen.scale = numbers[0];
  if (numbers.size() > 2) embiggen.overlap = numbers[2];
  for (const double tile : values.numbers("embiggen_tiles"))
    embiggen.tiles.push_back(static_cast<int>(tile));
  if (values.has("embiggen_strength")) embiggen.strength = values.real("embiggen_strength");
}

}  // namespace

Result<> fill_in_pictures(const SettingValues& values, const fs::path& output, Job& job) {
  pipeline::GenerationRequest& request = job.request;
  request.variation_amount = values.real("variation_amount");
  if (values.has("with_variations")) {
    TRY_ASSIGN(request.variations, parse_variations(values.text("with_variations")));
  }
  TRY_VOID(load_start(values, output, job));
  TRY_VOID(load_colours(values, output, job));
  TRY_VOID(fill_in_inpaint(values, output, job));
  TRY_VOID(fill_in_outpaint(values, request));
  TRY_VOID(fill_in_seamless(values, request.seamless));
  if (values.flag("hires_fix"))
    request.hires = pipeline::HiresOptions{.strength = values.real("strength")};
  fill_in_embiggen(values, request);
  if (const int every = whole(values, "save_intermediates"); every > 0) {
    request.preview_every = every;
    request.full_previews = true;
  }
  return {};
}

}  // namespace invokeai::jobs
