#include <ATen/Parallel.h>
#include <ATen/core/grad_mode.h>

#include "demo_model/captions.h"
#include "demo_model/checkpoint.h"
#include "demo_model/configs.h"
#include "demo_model/diffusion.h"
#include "demo_model/examples.h"
#include "demo_model/replicas.h"
#include "demo_model/sheets.h"
#include "demo_model/sitting.h"
#include "demo_model/warm_start.h"
#include "drawer/captions.h"
#include "models/load_model.h"
#include "models/tensors.h"
#include "pipeline/stable_diffusion.h"

namespace invokeai::demo {
namespace {

constexpr auto kType = at::kBFloat16;
constexpr const char* kStem = "diffusion_pytorch_model";

/// The config of the weights that training begins with, else that of a new network.
Result<nlohmann::json> unet_json(const TrainOptions& options, const fs::path& base) {
  nlohmann::json json = unet_config(options.size);
  if (fs::exists(base / "unet/config.json")) {
    TRY_ASSIGN(json, read_json(base / "unet/config.json"));
  }
  if (options.kind == Kind::inpainting) json["in_channels"] = 9;
  json["sample_size"] = options.size / 8;
  return json;
}

/// Held-out scenes, one in four grouped, drawn by the ordinary engine from what is published: the
/// first half under light guidance, the rest under the usual one.
Result<> draw_sheet(const TrainOptions& options) {
  if (options.sheet == 0) return {};
  TRY_ASSIGN(auto engine, pipeline::StableDiffusion::open(
                              {.model_path = options.folder, .device = options.device}));
  std::vector<image::Image> pictures;
  for (int i = 0; i < options.sheet; ++i) {
    pipeline::GenerationRequest request;
    const bool group = options.vocabulary == drawer::Vocabulary::full && i % 4 == 3;
    request.prompt = drawer::plain_caption(group ? drawer::held_out_group(i)
                                                 : drawer::held_out_scene(i, options.vocabulary));
    request.steps = 16;
    request.cfg_scale = i < options.sheet / 2 ? 2.5 : 7.5;
    request.sampler = "k_euler_a";
    request.seed = 1000 + i;
    pipeline::GenerationCallbacks callbacks;
    callbacks.on_image = [&](pipeline::GeneratedImage&& made) -> Result<> {
      pictures.push_back(std::move(made.picture));
      return {};
    };
    TRY_ASSIGN(const pipeline::Outcome outcome, engine->generate(request, callbacks, {}));
    (void)outcome;
  }
  return write_sheet(options.training / "unet-sheet.png", pictures);
}

/// The parts that a model has from the model it began as: copies, or links where they are shared;
/// and a copy of what is recommended for it.
void take_parts(const fs::path& base, const TrainOptions& options) {
  fs::create_directories(options.folder);
  for (const char* part : {"vae", "tokenizer", "text_encoder"}) {
    if (fs::exists(options.folder / part)) continue;
    if (options.shared)
      fs::create_directory_symlink(fs::relative(base / part, options.folder),
                                   options.folder / part);
    else
      fs::copy(base / part, options.folder / part, fs::copy_options::recursive);
  }
  constexpr const char* kAdvice = "invokeai.json";
  if (fs::exists(base / kAdvice))
    fs::copy_file(base / kAdvice, options.folder / kAdvice, fs::copy_options::skip_existing);
}

}  // namespace

Result<> train_unet(const TrainOptions& options) {
  const at::Device device(options.device);
  const fs::path base = options.from.value_or(options.folder);
  TRY_ASSIGN(const text::ClipTokenizer tokenizer,
             text::ClipTokenizer::from_folder(base / "tokenizer"));
  TRY_ASSIGN(const auto vae_json, read_json(base / "vae/config.json"));
  TRY_ASSIGN(const nn::VaeConfig vae_config, nn::parse_vae_config(vae_json));
  nn::Vae vae(vae_config);
  TRY_ASSIGN(const auto vae_file, models::open_component(base / "vae", {kStem}, true));
  TRY_VOID(models::load_parameters(vae, vae_file, "vae", device, kType));
  TRY_ASSIGN(const auto text_json, read_json(base / "text_encoder/config.json"));
  TRY_ASSIGN(const nlohmann::json network_json, unet_json(options, base));
  TRY_ASSIGN(const nn::ClipTextConfig encoder_config, nn::parse_clip_text_config(text_json));
  TRY_ASSIGN(const nn::UNetConfig network_config, nn::parse_unet_config(network_json));
  TRY_ASSIGN(const auto text_file, models::open_component(base / "text_encoder", {"model"}, true));
  if (base != options.folder) take_parts(base, options);

  const int threads = device.is_cpu() ? at::get_num_threads() : 1;
  std::vector<DiffusionNetworks> replicas(threads);
  std::vector<std::vector<at::Tensor>> learning;
  for (DiffusionNetworks& replica : replicas) {
    replica.encoder = std::make_unique<nn::ClipText>(encoder_config);
    TRY_VOID(models::load_parameters(*replica.encoder, text_file, "text encoder", device, kType));
    replica.unet = std::make_unique<nn::UNet>(network_config);
    nn::initialise(*replica.unet, options.seed + 1);
    // The published weights are the small checkpoint: a sitting without the optimizer's state goes
    // on from them.
    TRY_ASSIGN(const int taken, warm_start(*replica.unet, base / "unet", kStem));
    if (&replica == &replicas.front())
      log_line(options, fmt::format("unet: {} tensors from earlier", taken));
    nn::convert(*replica.unet, device, kType);
    learning.push_back(replica.learning(options.shared));
    for (const at::Tensor& p : learning.back()) p.set_requires_grad(true);
  }
  nn::UNet& unet = *replicas.front().unet;
  nn::ClipText& encoder = *replicas.front().encoder;
  const auto deep = [&](const std::string& name) { return is_deep(name, network_config); };
  const auto learns = [&](const std::string& name) { return !options.shared || !deep(name); };
  CommonWeights common{.are = deep};
  if (options.shared) {
    common.from = base / "unet";
    TRY_VOID(check_common(kStem, common));
  }
  const auto orthogonal = [](const std::string& name) {
    return !name.starts_with("conv_in.") && !name.starts_with("conv_out.");
  };
  nn::Optimizer unet_optimizer(unet, {.beta2 = 0.99, .ema_decay = 0.999, .orthogonal = orthogonal},
                               learns);
  nn::Optimizer text_optimizer(encoder, {.beta2 = 0.99, .ema_decay = 0.999});

  const fs::path file = options.training / "unet.safetensors";
  TRY_ASSIGN(const std::int64_t before, restore_checkpoint(file, unet_optimizer, "unet."));
  if (!options.shared) TRY_VOID(restore_checkpoint(file, text_optimizer, "text."));
  spread_values(learning);
  log_line(options, fmt::format("unet: {} parameters, text encoder: {}, {} pictures done",
                                nn::parameter_count(unet), nn::parameter_count(encoder), before));
  TrainOptions learned = options;
  if (options.learn_size > 0) learned.size = options.learn_size;
  TRY_ASSIGN(const Examples examples, Examples::prepare(vae, tokenizer, learned, threads));
  const double deviation = examples.deviation();
  log_line(options, fmt::format("unet: {} pictures encoded, deviation {:.3f}", examples.size(),
                                deviation));

  Sitting sitting(options, "unet", before);
  const auto save = [&]() -> Result<> {
    auto state = prefixed("unet.", unet_optimizer.state());
    if (!options.shared) state.merge(prefixed("text.", text_optimizer.state()));
    TRY_VOID(save_checkpoint(file, state, sitting.done()));
    TRY_VOID(save_network(options.folder / "unet", kStem, unet_optimizer.averaged(),
                          network_json.dump(2) + "\n", common));
    if (!options.shared)
      TRY_VOID(save_network(options.folder / "text_encoder", "model", text_optimizer.averaged(),
                            text_json.dump(2) + "\n"));
    TRY_VOID(write_index(options));
    TRY_VOID(sitting.draw_curve());
    return draw_sheet(options);
  };

  const at::Tensor alphas = alphas_cumprod().to(device);
  at::manual_seed(options.seed + before);
  drawer::Random random(options.seed * 31 + before);
  while (sitting.goes_on()) {
    const std::vector<Example> shares = examples.draw(threads, options.batch / threads, random);
    const double loss = learn_from_shares(learning, [&](int i) {
      return weighted_error(replicas[i], shares[i], alphas, options.prediction,
                            deviation);
    });
    const double rate = sitting.learning_rate();
    const double gradient = unet_optimizer.step(rate);
    if (!options.shared) text_optimizer.step(rate * 0.3);
    spread_values(learning);
    sitting.advance(options.batch, loss, gradient);
    if (sitting.should_save()) TRY_VOID(save());
  }
  return save();
}

}  // namespace invokeai::demo
