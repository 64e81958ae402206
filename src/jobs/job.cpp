#include "jobs/job.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <system_error>

#include "image/codec.h"

namespace invokeai::jobs {
namespace {

gallery::NameValue name_value(const SettingValue& value) {
  struct Visitor {
    gallery::NameValue operator()(bool flag) const { return flag; }
    gallery::NameValue operator()(std::int64_t number) const { return number; }
    gallery::NameValue operator()(double number) const { return number; }
    gallery::NameValue operator()(const std::string& text) const { return text; }
    gallery::NameValue operator()(const std::vector<std::string>& words) const {
      return fmt::format("{}", fmt::join(words, " "));
    }
    gallery::NameValue operator()(const std::vector<double>& numbers) const {
      return fmt::format("{}", fmt::join(numbers, " "));
    }
  };
  return std::visit(Visitor{}, value);
}

/// Every setting by its wire name, as 2.3.0 offers them to --fnformat.
gallery::NameValues name_values(const std::string& prompt, const SettingValues& values) {
  gallery::NameValues names;
  for (const Setting& setting : all_settings()) {
    const auto given = values.given().find(setting.name);
    const auto value =
        given != values.given().end() ? std::optional(given->second) : default_value(setting);
    names[std::string(setting.name)] = value ? name_value(*value) : gallery::NameValue();
  }
  names["prompt"] = prompt;
  return names;
}

/// Karras levels on request, or when the schedule is shorter than --karras_max.
bool wants_karras(const SettingValues& values) {
  if (values.has("karras")) return values.flag("karras");
  return values.has("karras_max") && values.integer("steps") < values.integer("karras_max");
}

/// The file as typed, or else in the output folder (cli spec 2.5).
Result<fs::path> find_picture(const std::string& typed, const fs::path& output) {
  std::error_code ignored;
  if (fs::exists(typed, ignored)) return fs::path(typed);
  if (const fs::path below = output / typed; fs::exists(below, ignored)) return below;
  return fail(ErrorCode::not_found, "", "there is no picture {}, nor one in the output folder {}",
              shown(typed), shown(output.string()));
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

/// Everything that has to do with a starting picture and its mask.
Result<> load_sources(const SettingValues& values, const fs::path& output, Job& job) {
  pipeline::InpaintOptions& inpaint = job.request.inpaint;
  inpaint.invert = values.flag("invert_mask");
  inpaint.replace = values.real("inpaint_replace");
  inpaint.blur = static_cast<int>(values.integer("mask_blur"));
  inpaint.match_colors = values.flag("match_colors");
  if (const std::string typed = values.text("init_img"); !typed.empty()) {
    TRY_ASSIGN(LoadedPicture loaded, load_picture(typed, output));
    job.request.init = pipeline::InitImage{.picture = std::move(loaded.picture),
                                           .strength = values.real("strength"),
                                           .fit = values.flag("fit")};
    job.sources.init_image = loaded.path.string();
    job.sources.orig_hash = sha256_hex(
        {reinterpret_cast<const std::uint8_t*>(loaded.bytes.data()), loaded.bytes.size()});
  }
  if (const std::string typed = values.text("init_mask"); !typed.empty()) {
    TRY_ASSIGN(LoadedPicture loaded, load_picture(typed, output));
    inpaint.mask = std::move(loaded.picture);
    job.sources.init_mask = loaded.path.string();
  }
  return {};
}

}  // namespace

Result<Job> make_job(const std::string& prompt, const SettingValues& values, const fs::path& root) {
  Job job;
  pipeline::GenerationRequest& request = job.request;
  request.prompt = prompt;
  request.negative_prompt = values.text("negative_prompt");
  request.prompt_dialect = values.text("prompt_dialect");
  request.long_prompts = values.text("long_prompts");
  request.steps = static_cast<int>(values.integer("steps"));
  request.cfg_scale = values.real("cfg_scale");
  request.iterations = static_cast<int>(std::max<std::int64_t>(1, values.integer("iterations")));
  request.batch_size = static_cast<int>(values.integer("batch_size"));
  request.width = static_cast<int>(values.integer("width"));
  request.height = static_cast<int>(values.integer("height"));
  request.sampler = values.text("sampler_name");
  request.karras = wants_karras(values);
  request.eta = values.real("eta");
  request.threshold = values.real("threshold");
  request.h_symmetry_time_pct = values.real("h_symmetry_time_pct");
  request.v_symmetry_time_pct = values.real("v_symmetry_time_pct");
  request.perlin = values.real("perlin");
  if (values.has("seed")) {
    const std::int64_t seed = values.integer("seed");
    if (seed < 0)
      return fail(ErrorCode::invalid_argument, "", "there is no earlier picture for seed {}", seed);
    request.seed = static_cast<std::uint32_t>(seed);
  }
  request.variation_amount = values.real("variation_amount");
  if (values.has("with_variations")) {
    TRY_ASSIGN(request.variations, parse_variations(values.text("with_variations")));
  }
  OutputOptions& output = job.output;
  output.folder = output_folder(values, root);
  TRY_VOID(load_sources(values, output.folder, job));
  TRY_VOID(pipeline::validate(request));

  if (values.flag("prompt_as_dir")) output.folder = gallery::prompt_folder(output.folder, prompt);
  output.name_format = values.text("fnformat");
  output.name_values = name_values(prompt, values);
  output.png_compression = static_cast<int>(values.integer("png_compression"));
  output.grid = values.flag("grid") && !values.flag("individual");
  return job;
}

fs::path output_folder(const SettingValues& values, const fs::path& root) {
  return (root / values.text("outdir")).lexically_normal();
}

Result<> check_output_folder(const fs::path& folder) {
  std::error_code error;
  fs::create_directories(folder, error);
  std::error_code ignored;
  if (!error && !fs::is_directory(folder, ignored))
    error = std::make_error_code(std::errc::not_a_directory);
  if (!error && ::access(folder.c_str(), W_OK | X_OK) != 0)
    error = std::error_code(errno, std::generic_category());
  if (!error) return {};
  return fail(error == std::errc::no_space_on_device ? ErrorCode::disk_full : ErrorCode::io, "",
              "cannot write into the output folder {}: {}; choose another with --outdir",
              shown(folder.string()), error.message());
}

}  // namespace invokeai::jobs
