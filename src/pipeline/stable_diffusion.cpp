#include "pipeline/stable_diffusion.h"

#include <ATen/Parallel.h>
#include <ATen/core/grad_mode.h>

#include <algorithm>
#include <chrono>

#include "base/system_memory.h"
#include "models/in_file.h"
#include "pipeline/recommended.h"

namespace invokeai::pipeline {
namespace {

using nlohmann::json;

Result<sampling::NoiseSchedule> make_schedule(const json& config) {
  sampling::ScheduleConfig out;
  try {
    out.num_train_timesteps = config.value("num_train_timesteps", out.num_train_timesteps);
    out.beta_start = config.value("beta_start", out.beta_start);
    out.beta_end = config.value("beta_end", out.beta_end);
    out.steps_offset = config.value("steps_offset", out.steps_offset);
    out.set_alpha_to_one = config.value("set_alpha_to_one", out.set_alpha_to_one);
    out.rescale_betas_zero_snr = config.value("rescale_betas_zero_snr", out.rescale_betas_zero_snr);
    if (config.contains("trained_betas") && config["trained_betas"].is_array())
      out.trained_betas = config["trained_betas"].get<std::vector<double>>();
    TRY_ASSIGN(out.beta_schedule,
               sampling::parse_beta_schedule(config.value("beta_schedule", "scaled_linear")));
    TRY_ASSIGN(out.prediction_type,
               sampling::parse_prediction_type(config.value("prediction_type", "epsilon")));
  } catch (const json::exception& error) {
    return fail(ErrorCode::bad_file, "scheduler.config", "a value has the wrong type: {}", error.what());
  }
  return sampling::NoiseSchedule::create(std::move(out));
}

const char* prediction_name(sampling::PredictionType type) {
  switch (type) {
    case sampling::PredictionType::epsilon:
      return "epsilon";
    case sampling::PredictionType::v_prediction:
      return "v_prediction";
    case sampling::PredictionType::sample:
      return "sample";
  }
  INVOKEAI_CHECK(false);
}

/// A recording keeps the memory of a step for itself, beside what the rest of a picture takes, and
/// wants every weight where it was.
bool fits_recorded(const MemoryPlan& plan, const MemoryNeeds& needs, const MemoryLimits& limits) {
  if (plan.row_by_row || !plan.streamed.empty()) return false;
  return !limits.bytes || plan.peak() + needs.step_all_rows <= *limits.bytes;
}

std::string last_part(const fs::path& path) {
  const fs::path clean = path.has_filename() ? path : path.parent_path();
  return fs::is_directory(path) ? clean.filename().string() : clean.stem().string();
}

}  // namespace

Result<std::unique_ptr<StableDiffusion>> StableDiffusion::open(const EngineOptions& options) {
  const auto start = std::chrono::steady_clock::now();
  if (options.threads > 0) at::set_num_threads(options.threads);
  const std::int64_t program = std::max<std::int64_t>(resident_memory() - options.others, 0);
  TRY_ASSIGN(DeviceChoice choice, choose_device(options.device, options.precision));
  set_repeatable_convolutions(options.deterministic);
  models::LoadOptions load{
      .path = options.model_path,
      .device = choice.device,
      .dtype = choice.dtype,
      .stated = {},
      .on_demand = true,
      .unet_form = choice.int8 ? nn::WeightForm::int8 : nn::WeightForm::as_loaded};
  if (options.model_kind != "auto") {
    TRY_ASSIGN(load.stated, models::parse_kind(options.model_kind));
  }
  TRY_ASSIGN(SettingValues recommended, read_recommended(options.model_path));
  TRY_ASSIGN(models::Networks networks, models::load_networks(load));
  TRY_ASSIGN(sampling::NoiseSchedule schedule,
             models::in_file(make_schedule(networks.scheduler), networks.scheduler_file));
  const auto family = networks.open_clip ? text::ClipFamily::sd2 : text::ClipFamily::sd1;
  TRY_ASSIGN(text::ClipTokenizer tokenizer,
             networks.tokenizer_folder ? text::ClipTokenizer::from_folder(*networks.tokenizer_folder)
                                       : text::ClipTokenizer::builtin(family));
  const auto& encoder = networks.text_encoder->config();
  if (tokenizer.vocab_size() > encoder.vocab_size || tokenizer.max_length() > encoder.max_positions)
    return fail(ErrorCode::bad_file, "model.load",
                "{}: the tokenizer has {} entries in windows of {}, the text encoder {} and {}; they "
                "belong to different models",
                options.model_path, tokenizer.vocab_size(), tokenizer.max_length(),
                encoder.vocab_size, encoder.max_positions);
  std::unique_ptr<StableDiffusion> engine(new StableDiffusion(
      options, std::move(networks), std::move(tokenizer), std::move(schedule), std::move(choice),
      program));
  engine->load_ahead();
  engine->info_.recommended = std::move(recommended);
  engine->info_.path = options.model_path;
  engine->info_.name = last_part(options.model_path);
  engine->info_.load_seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return engine;
}

StableDiffusion::StableDiffusion(EngineOptions options, models::Networks networks,
                                 text::ClipTokenizer tokenizer, sampling::NoiseSchedule schedule,
                                 DeviceChoice choice, std::int64_t program)
    : options_(std::move(options)),
      networks_(std::move(networks)),
      tokenizer_(std::move(tokenizer)),
      schedule_(std::move(schedule)),
      choice_(std::move(choice)),
      memory_(networks_, choice_, choice_.device.is_cpu() ? program : 0),
      graphs_(*networks_.unet, make_recorder(choice_.device)) {
  const int side = static_cast<int>(networks_.unet->config().sample_size * networks_.vae->scale());
  info_.kind = models::kind_name(networks_.kind);
  info_.prediction = prediction_name(schedule_.config().prediction_type);
  info_.native_width = info_.native_height = side;
  info_.device = choice_.device_name;
  info_.precision = choice_.precision_name;
  info_.device_reason = choice_.reason;
}

void StableDiffusion::load_ahead() {
  const at::NoGradGuard no_grad;
  plan_memory_for({}, Thrift::free_text);
  memory_.load_ahead();
}

void StableDiffusion::plan_memory_for(const GenerationRequest& request, Thrift first) {
  Size size{request.width > 0 ? request.width : info_.native_width,
            request.height > 0 ? request.height : info_.native_height};
  if (request.init && !request.embiggen && !request.canvas) {
    const image::Image& picture = request.init->picture;
    size = init_size({picture.width, picture.height}, request.init->fit, size);
  }
  const bool asked = options_.max_memory > 0;
  if (asked && first == Thrift::free_text) first = Thrift::keep_all;
  const MemoryNeeds needs =
      memory_.needs(size, request.cfg_scale == 1 ? 1 : 2, request.init.has_value());
  // Where the bytes must not change, they must not depend on what happens to be free either.
  std::optional<std::int64_t> bytes;
  if (!options_.deterministic || asked) bytes = memory_limit(choice_, options_.max_memory);
  if (bytes && !asked && choice_.device.is_cpu()) bytes = *bytes - options_.others;
  const MemoryLimits limits{.bytes = bytes,
                            .first = first,
                            .lends = choice_.device.is_cpu() && !graphs_.has_recorder(),
                            .same_numbers = options_.deterministic && !asked};
  memory_.adopt(plan_memory(needs, limits));
  graphs_.allow(!options_.deterministic && fits_recorded(memory_.plan(), needs, limits));
}

Result<image::Image> StableDiffusion::find_words(const image::Image& picture,
                                                 const std::string& words) {
  if (!word_finder_) {
    TRY_ASSIGN(word_finder_, WordFinder::open(options_.clipseg_path));
  }
  return word_finder_->find(picture, words);
}

}  // namespace invokeai::pipeline
