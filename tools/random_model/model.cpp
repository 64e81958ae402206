#include "random_model/model.h"

#include <ATen/ATen.h>

#include "models/convert/key_map.h"
#include "models/formats/safetensors.h"
#include "models/formats/torch_file.h"
#include "models/tensors.h"
#include "nn/clip_text.h"
#include "nn/unet.h"
#include "nn/vae.h"
#include "random_model/scratch.h"
#include "random_model/weights.h"
#include "text/bpe_trainer.h"
#include "text/clip_tokenizer.h"

namespace invokeai::random_model {
namespace {

using models::TensorSource;
using models::TensorView;
using Shapes = std::map<std::string, models::Shape>;

constexpr std::size_t kAlignment = 64;
constexpr int kStepsOfSd21 = 110000;  ///< the published model was saved there; tells v models apart

Shapes shapes_of(nn::Module& network) {
  Shapes shapes;
  network.visit_parameters(
      [&](const std::string& name, at::Tensor& p) { shapes[name] = p.sizes().vec(); });
  return shapes;
}

/// Draws one part's tensors, one after the other, into one scratch file.
Result<TensorSource> draw(const std::string& part, const Shapes& shapes, const Recipe& recipe,
                          const fs::path& folder) {
  const auto padded = [&](const models::Shape& shape) {
    const std::size_t size = *models::byte_size(shape, recipe.dtype);
    return (size + kAlignment - 1) / kAlignment * kAlignment;
  };
  std::size_t total = 0;
  for (const auto& [name, shape] : shapes) total += padded(shape);
  TRY_ASSIGN(const auto scratch, Scratch::create(folder, total));
  TensorSource source;
  source.name = part;
  std::size_t offset = 0;
  for (const auto& [name, shape] : shapes) {
    const auto bytes = scratch->bytes().subspan(offset, *models::byte_size(shape, recipe.dtype));
    at::Tensor tensor = at::from_blob(bytes.data(), shape, models::scalar_type(recipe.dtype));
    fill_random(part + "." + name, recipe.seed, tensor);
    source.tensors[name] = TensorView{recipe.dtype, shape, {}, bytes, scratch};
    offset += padded(shape);
  }
  return source;
}

/// Tensors of the layer behind the last one the config keeps, and of the projection.
Result<Shapes> unused_text_shapes(nn::ClipTextConfig config) {
  const std::string layer = fmt::format("text_model.encoder.layers.{}.", config.layers++);
  nn::ClipText tower(config);
  Shapes shapes = shapes_of(tower);
  std::erase_if(shapes, [&](const auto& item) { return !item.first.starts_with(layer); });
  shapes["text_projection.weight"] = {config.hidden_size, config.hidden_size};
  return shapes;
}

Result<> write_part(const fs::path& folder, const char* stem, const TensorSource& part,
                    const nlohmann::json& config) {
  fs::create_directories(folder);
  TRY_VOID(write_file_atomically(folder / "config.json", config.dump(2) + "\n"));
  return models::write_safetensors(folder / (std::string(stem) + ".safetensors"), part.tensors,
                                   {{"format", "pt"}});
}

Result<> write_folder(const RandomModel& model, const fs::path& folder) {
  constexpr const char* kStem = "diffusion_pytorch_model";
  const auto& [kind, configs, parts, unused] = model;
  TRY_VOID(write_part(folder / "unet", kStem, parts.unet, configs.unet));
  TRY_VOID(write_part(folder / "vae", kStem, parts.vae, configs.vae));
  TRY_VOID(write_part(folder / "text_encoder", "model", parts.text_encoder, configs.text_encoder));
  TRY_ASSIGN(const auto merges, text::builtin_merges());
  TRY_VOID(text::write_tokenizer_folder(folder / "tokenizer", merges,
                                        {.pad_token = parts.open_clip ? "!" : "<|endoftext|>"}));
  fs::create_directories(folder / "scheduler");
  TRY_VOID(write_file_atomically(folder / "scheduler/scheduler_config.json",
                                 configs.scheduler.dump(2) + "\n"));
  return write_file_atomically(folder / "model_index.json",
                               model_index(kind, configs).dump(2) + "\n");
}

Result<> write_single_file(const RandomModel& model, const fs::path& path) {
  models::SplitCheckpoint split = model.parts;
  for (const auto& [name, view] : model.unused_text.tensors)
    split.text_encoder.tensors[name] = view;
  TRY_ASSIGN(const TensorSource joined, models::join_checkpoint(split));
  if (path.extension() == ".safetensors") {
    std::map<std::string, std::string> metadata = {{"format", "pt"}};
    if (split.open_clip) metadata["global_step"] = std::to_string(kStepsOfSd21);
    return models::write_safetensors(path, joined.tensors, metadata);
  }
  models::TorchWriteOptions options;
  if (split.open_clip) options.numbers["global_step"] = kStepsOfSd21;
  return models::write_torch_file(path, joined.tensors, options);
}

}  // namespace

Result<RandomModel> make_random_model(const Recipe& recipe, const fs::path& folder) {
  RandomModel model;
  model.kind = recipe.kind;
  model.configs = configs_of(recipe.kind, recipe.tiny);
  model.parts.open_clip = model_kind(recipe.kind).family == models::Family::sd2;
  TRY_ASSIGN(const auto unet_config, nn::parse_unet_config(model.configs.unet));
  TRY_ASSIGN(const auto vae_config, nn::parse_vae_config(model.configs.vae));
  TRY_ASSIGN(const auto text_config, nn::parse_clip_text_config(model.configs.text_encoder));
  nn::UNet unet(unet_config);
  nn::Vae vae(vae_config);
  nn::ClipText text(text_config);
  TRY_ASSIGN(model.parts.unet, draw("unet", shapes_of(unet), recipe, folder));
  TRY_ASSIGN(model.parts.vae, draw("vae", shapes_of(vae), recipe, folder));
  TRY_ASSIGN(model.parts.text_encoder, draw("text_encoder", shapes_of(text), recipe, folder));
  if (model.parts.open_clip) {
    TRY_ASSIGN(const Shapes unused, unused_text_shapes(text_config));
    TRY_ASSIGN(model.unused_text, draw("text_encoder", unused, recipe, folder));
  }
  return model;
}

Result<> write_model(const RandomModel& model, const fs::path& path) {
  if (fs::exists(path))
    return fail(ErrorCode::invalid_argument, "", "{} is there already; choose another path",
                path.string());
  if (path.extension() == ".safetensors" || path.extension() == ".ckpt")
    return write_single_file(model, path);
  const fs::path part = path.string() + ".part";
  std::error_code error;
  fs::remove_all(part, error);
  auto written = write_folder(model, part);
  if (written) {
    fs::rename(part, path, error);
    if (!error) return {};
    written = fail(ErrorCode::io, "", "cannot rename {} to {}: {}", part.string(), path.string(),
                   error.message());
  }
  fs::remove_all(part, error);
  return written;
}

}  // namespace invokeai::random_model
