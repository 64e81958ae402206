// Requests are checked against the settings table before any model is loaded.

#include "base/settings.h"
#include "base/utf8.h"
#include "image/canvas_box.h"
#include "image/mask.h"
#include "pipeline/engine.h"
#include "pipeline/sizes.h"

namespace invokeai::pipeline {
namespace {

Result<> check(std::string_view name, SettingValue value) {
  return check_value(setting(name), name, value);
}

Result<> check_whole(std::string_view name, std::int64_t value) { return check(name, value); }

Result<> check_text(std::string_view name, const std::string& text) {
  if (auto ok = check_utf8(text); !ok)
    return fail(ErrorCode::invalid_argument, "", "{}: {}", name, ok.error().message);
  return {};
}

template <class... Args>
tl::unexpected<Error> refuse(fmt::format_string<Args...> format, Args&&... args) {
  return fail(ErrorCode::invalid_argument, "", format, std::forward<Args>(args)...);
}

Result<> check_variations(const GenerationRequest& request) {
  TRY_VOID(check("variation_amount", request.variation_amount));
  for (const image::Variation& variation : request.variations)
    if (!(variation.weight >= 0 && variation.weight <= 1))
      return refuse("the weight of variation {} is {}, wanted 0 to 1", variation.seed,
                    variation.weight);
  if (request.variations.empty()) return {};
  if (!request.seed) return refuse("variations of a picture need its seed; give it with -S");
  if (request.variation_amount == 0 && request.iterations > 1)
    return refuse("these variations make one picture, not {}; drop -n, or give -v for new ones",
                  request.iterations);
  return {};
}

/// Ways to make a picture that exclude each other: the first named here is the one to keep.
Result<> check_ways(const GenerationRequest& request) {
  const OutpaintOptions& outpaint = request.outpaint;
  struct Way {
    bool used;
    const char* flag;
  };
  const Way ways[] = {{request.hires.has_value(), "--hires_fix"},
                      {request.embiggen.has_value(), "--embiggen"},
                      {request.canvas.has_value(), "a box of the canvas"},
                      {!outpaint.outcrop.empty(), "--outcrop"},
                      {outpaint.shift.has_value(), "--out_direction"}};
  const Way* first = nullptr;
  for (const Way& way : ways) {
    if (!way.used) continue;
    if (first) return refuse("{} and {} exclude each other; drop one", first->flag, way.flag);
    first = &way;
  }
  if (!first) return {};
  if (!request.init && !request.hires)
    return refuse("{} needs a picture to start from; give one with -I", first->flag);
  const bool redraws_all = !request.canvas;
  if (redraws_all && (request.inpaint.mask || request.inpaint.words))
    return refuse("{} does not go with a mask; drop {}", first->flag,
                  request.inpaint.mask ? "-M" : "-tm");
  if (!request.hires && !request.embiggen) return {};
  if (request.inpaint.force)
    return refuse("{} does not go with --force_outpaint; drop it", first->flag);
  if (request.init && image::has_transparency(request.init->picture))
    return refuse("{} redraws everything, but the starting picture has transparent parts; fill them "
                  "first, or drop {}",
                  first->flag, first->flag);
  return {};
}

Result<> check_numbers_of_ways(const GenerationRequest& request) {
  const SeamOptions& seam = request.outpaint.seam;
  TRY_VOID(check_whole("seam_size", seam.size));
  TRY_VOID(check_whole("seam_blur", seam.blur));
  TRY_VOID(check("seam_strength", seam.strength));
  TRY_VOID(check_whole("seam_steps", seam.steps));
  TRY_VOID(check_whole("tile_size", request.outpaint.infill.tile_size));
  if (request.hires) TRY_VOID(check("strength", request.hires->strength));
  if (!request.embiggen) return {};
  TRY_VOID(check("embiggen_strength", request.embiggen->strength));
  const double scale = request.embiggen->scale;
  if (!(scale > 0 && scale <= 64)) return refuse("embiggen takes a scale above 0 to 64, not {}", scale);
  if (!(request.embiggen->overlap >= 0))
    return refuse("embiggen takes an overlap of at least 0, not {}", request.embiggen->overlap);
  return {};
}

Result<> check_words(const GenerationRequest& request) {
  const InpaintOptions& inpaint = request.inpaint;
  if (!inpaint.words) return {};
  TRY_VOID(check_text("the words to look for", inpaint.words->text));
  if (inpaint.words->text.empty()) return refuse("-tm wants the words to look for");
  if (!(inpaint.words->threshold >= 0 && inpaint.words->threshold <= 1))
    return refuse("-tm takes a threshold from 0 to 1, not {}", inpaint.words->threshold);
  if (!request.init)
    return refuse("-tm needs a picture to look at; give one with -I, or drop -tm");
  if (inpaint.mask) return refuse("-M and -tm both say what to repaint; drop one");
  return {};
}

/// A box whose mask is made from words is looked at when that is known.
Result<> check_canvas(const GenerationRequest& request) {
  image::CanvasOptions options;
  options.scale = request.canvas->scale;
  options.invert_mask = request.inpaint.invert;
  if (options.scale.optimum == 0) options.scale.optimum = image::BoxScale().optimum;
  TRY_ASSIGN([[maybe_unused]] const image::CanvasMode mode,
             image::check_canvas_part(request.init->picture, request.inpaint.mask,
                                      request.canvas->box, options));
  return {};
}

Result<> check_inpaint(const GenerationRequest& request) {
  const InpaintOptions& inpaint = request.inpaint;
  TRY_VOID(check_words(request));
  TRY_VOID(check("inpaint_replace", inpaint.replace));
  TRY_VOID(check_whole("mask_blur", inpaint.blur));
  if (inpaint.mask && !request.init)
    return refuse("a mask needs a picture to lie on; give it with -I, or drop -M");
  const bool masked =
      request.init &&
      (inpaint.mask || inpaint.words || image::has_transparency(request.init->picture));
  if (inpaint.force && !request.init)
    return refuse("--force_outpaint needs a picture to start from; give one with -I");
  if (request.canvas) return check_canvas(request);
  // Room for more picture is a mask of its own, made when drawing.
  const OutpaintOptions& outpaint = request.outpaint;
  if (!outpaint.outcrop.empty() || outpaint.shift) return {};
  if (inpaint.invert && !masked)
    return refuse("there is no mask to turn round; give one with -M, or drop --invert_mask");
  if (inpaint.replace > 0 && !masked)
    return refuse("there is no mask that says what to replace; give one with -M, or drop "
                  "--inpaint_replace");
  if (inpaint.words || (!masked && !inpaint.force)) return {};  // words: seen when drawing
  // Found out here, before any model is loaded.
  TRY_ASSIGN(const image::Image mask,
             image::make_mask(request.init->picture, inpaint.mask, inpaint.invert));
  return image::check_repaints(mask);
}

Result<> check_init(const GenerationRequest& request) {
  if (request.init_color && request.init_color->pixels.empty())
    return refuse("the picture to take the colours from is empty");
  if (!request.init) return {};
  const image::Image& picture = request.init->picture;
  TRY_VOID(check("strength", request.init->strength));
  if (picture.width < 1 || picture.height < 1) return refuse("the starting picture is empty");
  const Size size = init_size({picture.width, picture.height}, false, {});
  if (request.canvas || request.embiggen) return {};  // drawn in parts
  if (!request.init->fit && (size.width > kLargestSide || size.height > kLargestSide))
    return refuse("the starting picture has {} x {} pixels, at most {} a side can be drawn; give "
                  "--fit to scale it down",
                  picture.width, picture.height, kLargestSide);
  return {};
}

}  // namespace

Result<> validate(const GenerationRequest& request) {
  TRY_VOID(check_text("prompt", request.prompt));
  TRY_VOID(check_text("negative prompt", request.negative_prompt));
  TRY_VOID(check("prompt_dialect", request.prompt_dialect));
  TRY_VOID(check("long_prompts", request.long_prompts));
  TRY_VOID(check_whole("steps", request.steps));
  TRY_VOID(check("cfg_scale", request.cfg_scale));
  if (request.iterations < 1)
    return fail(ErrorCode::invalid_argument, "", "iterations takes at least 1, not {}",
                request.iterations);
  TRY_VOID(check_whole("iterations", request.iterations));
  if (request.first_picture < 0 || request.first_picture > request.iterations)
    return fail(ErrorCode::invalid_argument, "", "first_picture takes 0 to {} (iterations), not {}",
                request.iterations, request.first_picture);
  TRY_VOID(check_whole("batch_size", request.batch_size));
  if (request.width != 0) TRY_VOID(check_whole("width", request.width));
  if (request.height != 0) TRY_VOID(check_whole("height", request.height));
  TRY_VOID(check("sampler_name", request.sampler));
  TRY_VOID(check("eta", request.eta));
  TRY_VOID(check_whole("cache_steps", request.cache_steps));
  TRY_VOID(check("threshold", request.threshold));
  TRY_VOID(check("h_symmetry_time_pct", request.h_symmetry_time_pct));
  TRY_VOID(check("v_symmetry_time_pct", request.v_symmetry_time_pct));
  TRY_VOID(check("perlin", request.perlin));
  TRY_VOID(check_variations(request));
  TRY_VOID(check_ways(request));
  TRY_VOID(check_numbers_of_ways(request));
  TRY_VOID(check_init(request));
  return check_inpaint(request);
}

const std::vector<std::string>& sampler_names() {
  static const std::vector<std::string> names = choices_of(setting("sampler_name"));
  return names;
}

}  // namespace invokeai::pipeline
