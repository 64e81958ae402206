#include "jobs/worker.h"

#include <algorithm>
#include <chrono>
#include <new>
#include <type_traits>

#include "gallery/outputs.h"
#include "image/metadata.h"
#include "jobs/grid.h"
#include "pipeline/sampler_traits.h"

namespace invokeai::jobs {
namespace {

void describe_sources(const Job& job, image::ImageMetadata& metadata) {
  if (!job.request.init) return;
  metadata.init_image = job.sources.init_image;
  metadata.orig_hash = job.sources.orig_hash;
  metadata.init_mask = job.sources.init_mask;
  metadata.strength = job.request.init->strength;
  metadata.fit = job.request.init->fit;
  metadata.inpaint_replace = job.request.inpaint.replace;
  if (const auto& words = job.request.inpaint.words)
    metadata.text_mask = {words->text, fmt::format("{}", words->threshold)};
}

std::vector<image::Outcrop> describe_growths(const std::vector<image::Growth>& growths) {
  std::vector<image::Outcrop> told;
  for (const image::Growth& growth : growths)
    told.push_back({std::string(image::side_name(growth.side)), growth.pixels});
  return told;
}

/// What 2.3.0 does not store, where it is not as usual.
class MoreSettings {
 public:
  void add(std::string_view name, SettingValue value) {
    if (default_value(setting(name)) != value) values_.set(name, std::move(value));
  }
  void add_whole(std::string_view name, int value) { add(name, std::int64_t{value}); }
  SettingValues take() { return std::move(values_); }

 private:
  SettingValues values_;
};

SettingValues describe_more(const pipeline::GenerationRequest& request) {
  MoreSettings more;
  more.add("long_prompts", request.long_prompts);
  if (request.skip_normalize) more.add("skip_normalize", true);
  more.add("eta", request.eta);
  more.add_whole("cache_steps", request.cache_steps);
  more.add("h_symmetry_time_pct", request.h_symmetry_time_pct);
  more.add("v_symmetry_time_pct", request.v_symmetry_time_pct);
  if (request.seamless.x != request.seamless.y)
    more.add("seamless_axes", std::string(request.seamless.x ? "x" : "y"));
  if (!request.init) return more.take();
  const pipeline::InpaintOptions& inpaint = request.inpaint;
  if (inpaint.invert) more.add("invert_mask", true);
  if (inpaint.force) more.add("force_outpaint", true);
  more.add_whole("mask_blur", inpaint.blur);
  more.add("match_colors", inpaint.match_colors);
  const pipeline::OutpaintOptions& outpaint = request.outpaint;
  more.add("infill_method", std::string(image::infill_method_name(outpaint.infill.method)));
  more.add_whole("tile_size", outpaint.infill.tile_size);
  more.add_whole("seam_size", outpaint.seam.size);
  more.add_whole("seam_blur", outpaint.seam.blur);
  more.add("seam_strength", outpaint.seam.strength);
  more.add_whole("seam_steps", outpaint.seam.steps);
  return more.take();
}

/// The ways other than plain text to image and image to image.
void describe_ways(const pipeline::GenerationRequest& request, const pipeline::ModelInfo& model,
                   image::ImageMetadata& metadata) {
  metadata.seamless = request.seamless.x || request.seamless.y;
  metadata.hires_fix = request.hires.has_value();
  if (request.hires) metadata.strength = request.hires->strength;
  metadata.outcrop = describe_growths(request.outpaint.outcrop);
  if (const auto& shift = request.outpaint.shift)
    metadata.out_direction =
        image::Outcrop{std::string(image::side_name(shift->side)), shift->pixels};
  if (const auto& embiggen = request.embiggen) {
    metadata.embiggen = {embiggen->scale, 0, embiggen->overlap};
    metadata.embiggen_tiles = embiggen->tiles;
    metadata.embiggen_strength = embiggen->strength;
    // Width and height are those of a tile.
    metadata.width = request.width > 0 ? request.width : model.native_width;
    metadata.height = request.height > 0 ? request.height : model.native_height;
  }
}

/// `request` is the job's, or that of one of its pictures.
image::ImageMetadata describe(const Job& job, const pipeline::ModelInfo& model,
                              const pipeline::GenerationRequest& request,
                              const pipeline::GeneratedImage& made) {
  image::ImageMetadata metadata;
  metadata.prompt = request.prompt;
  metadata.negative_prompt = request.negative_prompt;
  metadata.prompt_dialect = request.prompt_dialect;
  metadata.seed = made.base_seed;
  metadata.variations = made.variations;
  metadata.steps = request.steps;
  metadata.width = made.width;
  metadata.height = made.height;
  metadata.cfg_scale = request.cfg_scale;
  metadata.threshold = request.threshold;
  metadata.perlin = request.perlin;
  metadata.sampler = request.sampler;
  // "Karras below this many steps" is how a 2.3.0 command says what was done here.
  if (request.karras && pipeline::follows_karras(request.sampler))
    metadata.karras_max = request.steps + 1;
  metadata.init_color = job.sources.init_color;
  metadata.more = describe_more(request);
  describe_sources(job, metadata);
  describe_ways(request, model, metadata);
  return metadata;
}

Error error_from(const std::exception& exception, const pipeline::GenerationRequest& request) {
  const std::string_view what = exception.what();
  const bool memory = dynamic_cast<const std::bad_alloc*>(&exception) != nullptr ||
                      what.find("out of memory") != what.npos ||
                      what.find("allocate memory") != what.npos;
  if (memory)
    return {ErrorCode::out_of_memory, "",
            fmt::format("memory ran out while drawing; try a smaller size{}",
                        request.batch_size > 1 ? " or a smaller --batch_size" : "")};
  return {ErrorCode::internal, "worker", std::string(what.substr(0, what.find('\n')))};
}

/// One job on its way: what is finished, what is not yet stored.
class Run {
 public:
  Run(pipeline::Engine& engine, const Job& job, const JobEvents& events)
      : engine_(engine), job_(job), events_(events), name_format_(job.output.name_format) {
    const pipeline::ModelInfo& model = engine.model();
    app_.model_id = model.name;
    if (!model.hash.empty()) app_.model_hash = model.hash;
  }

  JobReport finish(const CancelToken& cancel) {
    const auto start = std::chrono::steady_clock::now();
    if (auto done = guarded([&] { return draw(cancel); }))
      report_.outcome = *done;
    else
      report_.error = std::move(done).error();
    if (!grid_.empty()) note_failure(guarded([&] { return store_grid(); }));
    note_failure(log());
    report_.seconds =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    return std::move(report_);
  }

 private:
  template <class Action>
  std::invoke_result_t<Action> guarded(Action action) const {
    try {
      return action();
    } catch (const std::exception& exception) {
      return tl::make_unexpected(error_from(exception, job_.request));
    } catch (...) {
      return fail(ErrorCode::internal, "worker", "the engine failed without saying why");
    }
  }

  /// The first failure is the one to report.
  void note_failure(Result<> result) {
    if (!result && !report_.error) report_.error = std::move(result).error();
  }

  Result<pipeline::Outcome> draw(const CancelToken& cancel) {
    remove_unfinished_files(job_.output.folder);
    TRY_ASSIGN(prefix_, gallery::next_prefix(job_.output.folder));
    check_name_format();
    if (job_.pictures.empty())
      return generate(job_.request, 0, [this](const auto& progress) { step(progress); }, cancel);
    const int count = static_cast<int>(job_.pictures.size());
    for (int i = job_.request.first_picture; i < count; ++i) {
      const auto on_step = [&](pipeline::StepProgress progress) {
        progress.picture = i;
        progress.pictures = count;
        step(progress);
      };
      TRY_ASSIGN(const pipeline::Outcome outcome,
                 generate(request_for(job_.pictures[i]), i, on_step, cancel));
      if (outcome == pipeline::Outcome::cancelled) return outcome;
    }
    return pipeline::Outcome::completed;
  }

  pipeline::GenerationRequest request_for(const PicturePrompt& picture) const {
    pipeline::GenerationRequest request = job_.request;
    request.prompt = picture.prompt;
    request.negative_prompt = picture.negative_prompt;
    request.seed = picture.seed;
    request.iterations = 1;
    request.first_picture = 0;
    return request;
  }

  /// `first`: index within the job of the request's first picture.
  Result<pipeline::Outcome> generate(
      const pipeline::GenerationRequest& request, int first,
      const std::function<void(const pipeline::StepProgress&)>& on_step,
      const CancelToken& cancel) {
    const auto on_image = [&](pipeline::GeneratedImage&& made) {
      made.index += first;
      return take(request, std::move(made));
    };
    return engine_.generate(
        request, {on_step, on_image, [this](const std::string& text) { say(text); }}, cancel);
  }

  void step(const pipeline::StepProgress& progress) {
    if (job_.output.intermediates > 0 && progress.preview) note_failure(store_step(progress));
    if (events_.on_step) events_.on_step(progress);
  }

  /// intermediates/<prefix>/<step>.png, with the picture's number behind the prefix where there are
  /// several.
  Result<> store_step(const pipeline::StepProgress& progress) const {
    std::string name = gallery::format_prefix(prefix_);
    if (progress.pictures > 1) name += fmt::format(".{}", progress.picture + 1);
    const fs::path folder = job_.output.folder / "intermediates" / name;
    TRY_VOID(check_output_folder(folder));
    TRY_ASSIGN(const std::string bytes, image::encode_png(*progress.preview));
    return write_file_atomically(folder / fmt::format("{:04}.png", progress.step), bytes);
  }

  void say(const std::string& text) const {
    if (events_.on_message) events_.on_message(text);
  }

  /// A name format that cannot work is not worth a picture: the usual names are used instead.
  void check_name_format() {
    gallery::NameValues values = job_.output.name_values;
    values["prefix"] = gallery::format_prefix(prefix_);
    values["seed"] = std::int64_t{0};
    if (const auto name = gallery::format_name(name_format_, values); !name) {
      say(fmt::format("{}; pictures are named {} instead", name.error().message,
                      gallery::kDefaultNameFormat));
      name_format_ = gallery::kDefaultNameFormat;
    }
  }

  Result<> take(const pipeline::GenerationRequest& request, pipeline::GeneratedImage&& made) {
    const image::ImageMetadata metadata = describe(job_, engine_.model(), request, made);
    report_.seeds.push_back(made.seed);
    if (job_.output.grid) {
      grid_.push_back(std::move(made.picture));
      grid_metadata_.push_back(metadata);
      grid_seconds_ += made.seconds;
      return {};
    }
    gallery::PictureName name{job_.output.folder, name_format_, job_.output.name_values, prefix_};
    name.values["prompt"] = request.prompt;
    name.values["width"] = std::int64_t{made.width};
    name.values["height"] = std::int64_t{made.height};
    StoredPicture stored{.index = made.index,
                         .path = {},
                         .seed = made.seed,
                         .seconds = made.seconds,
                         .width = made.width,
                         .height = made.height,
                         .command = image::dream_command(metadata)};
    if (!job_.fix)
      return store(std::move(name), made.picture, image::metadata_chunks(metadata, app_), stored);
    stored.command = image::fix_command(job_.fix->picture.string(), metadata);
    const auto texts =
        image::fixed_metadata_chunks(job_.fix->sd_metadata, job_.fix->drawn.value_or(metadata),
                                     app_, {job_.fix->tool, stored.command});
    return store(std::move(name), made.picture, texts, stored);
  }

  /// A grid always has the usual name and packing (cli spec 2.8).
  Result<> store_grid() {
    gallery::PictureName name{.folder = job_.output.folder, .values = {}, .prefix = prefix_};
    const image::Image grid = make_grid(grid_);
    return store(std::move(name), grid, image::grid_metadata_chunks(grid_metadata_, app_),
                 {.path = {},
                  .seed = grid_metadata_.front().seed,
                  .seconds = grid_seconds_,
                  .width = grid.width,
                  .height = grid.height,
                  .command = image::grid_dream_command(grid_metadata_)});
  }

  Result<> store(gallery::PictureName name, const image::Image& picture,
                 const image::TextChunks& texts, StoredPicture stored) {
    name.values["seed"] = std::int64_t{stored.seed};
    const int compression = job_.output.grid ? 6 : job_.output.png_compression;
    gallery::BeforeNaming before_naming;
    if (events_.before_naming)
      before_naming = [&](const fs::path& temporary, const fs::path& path) {
        stored.path = path;
        return events_.before_naming(stored, temporary);
      };
    TRY_ASSIGN(const gallery::SavedPicture saved,
               gallery::save_picture(name, picture, texts, compression, before_naming));
    prefix_ = saved.prefix;
    stored.path = saved.path;
    report_.pictures.push_back(std::move(stored));
    if (events_.on_picture) events_.on_picture(report_.pictures.back());
    return {};
  }

  Result<> log() const {
    std::vector<gallery::LogEntry> entries;
    for (const StoredPicture& picture : report_.pictures)
      entries.push_back({picture.path, picture.command});
    return gallery::append_log(job_.output.folder, entries);
  }

  pipeline::Engine& engine_;
  const Job& job_;
  const JobEvents& events_;
  std::string name_format_;
  image::AppMetadata app_;
  std::int64_t prefix_ = 1;
  std::vector<image::Image> grid_;
  std::vector<image::ImageMetadata> grid_metadata_;
  double grid_seconds_ = 0;
  JobReport report_;
};

}  // namespace

JobReport run_job(pipeline::Engine& engine, const Job& job, const JobEvents& events,
                  const CancelToken& cancel) {
  return Run(engine, job, events).finish(cancel);
}

}  // namespace invokeai::jobs
