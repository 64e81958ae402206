#include "jobs/job.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

#include "jobs/internal/picture_settings.h"
#include "jobs/presets.h"

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

}  // namespace

Result<Job> make_job(const std::string& prompt, const SettingValues& given, const fs::path& root,
                     const std::optional<pipeline::CanvasBox>& canvas) {
  SettingValues values = given;
  take_preset(values);
  Job job;
  pipeline::GenerationRequest& request = job.request;
  request.prompt = prompt;
  request.negative_prompt = values.text("negative_prompt");
  request.prompt_dialect = values.text("prompt_dialect");
  request.long_prompts = values.text("long_prompts");
  request.skip_normalize = values.flag("skip_normalize");
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
  request.cache_steps = static_cast<int>(values.integer("cache_steps"));
  if (values.has("seed")) {
    const std::int64_t seed = values.integer("seed");
    if (seed < 0)
      return fail(ErrorCode::invalid_argument, "", "there is no earlier picture for seed {}", seed);
    request.seed = static_cast<std::uint32_t>(seed);
  }
  OutputOptions& output = job.output;
  output.folder = output_folder(values, root);
  TRY_VOID(fill_in_pictures(values, output.folder, job));
  request.canvas = canvas;
  TRY_VOID(pipeline::validate(request));

  if (values.flag("prompt_as_dir")) output.folder = gallery::prompt_folder(output.folder, prompt);
  output.name_format = values.text("fnformat");
  output.name_values = name_values(prompt, values);
  output.png_compression = static_cast<int>(values.integer("png_compression"));
  output.intermediates = static_cast<int>(values.integer("save_intermediates"));
  output.grid = values.flag("grid") && !values.flag("individual");
  return job;
}

std::string take_recommended(SettingValues& values, const SettingValues& recommended) {
  take_preset(values);
  std::vector<std::string> taken;
  const auto take = [&](std::string_view name, std::string what) {
    values.set(name, recommended.given().find(name)->second);
    taken.push_back(std::move(what));
  };
  const auto missing = [&](std::string_view name) {
    return recommended.has(name) && !values.has(name);
  };
  if (missing("cfg_scale"))
    take("cfg_scale", fmt::format("guidance {}", recommended.real("cfg_scale")));
  if (missing("steps")) take("steps", fmt::format("{} steps", recommended.integer("steps")));
  if (missing("sampler_name"))
    take("sampler_name", fmt::format("the sampler {}", recommended.text("sampler_name")));
  if (taken.empty()) return {};
  return fmt::format("this model recommends {}", fmt::join(taken, ", "));
}

Result<fs::path> find_picture(std::string_view typed, const fs::path& output) {
  std::error_code ignored;
  if (fs::exists(typed, ignored)) return fs::path(typed);
  if (const fs::path below = output / typed; fs::exists(below, ignored)) return below;
  return fail(ErrorCode::not_found, "", "there is no picture {}, nor one in the output folder {}",
              shown(typed), shown(output.string()));
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
