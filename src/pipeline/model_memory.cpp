#include "pipeline/model_memory.h"

#include <c10/core/CachingDeviceAllocator.h>

#include <new>
#include <string_view>

#include "base/system_memory.h"
#include "nn/footprint.h"
#include "nn/memory.h"

namespace invokeai::pipeline {
namespace {

/// What the process takes beyond its start, its weights and its maps once networks run: code of
/// libtorch that is touched then, kernels that oneDNN writes, gaps between tensors.
constexpr std::int64_t kRunning = 96 << 20;

}  // namespace

ModelMemory::ModelMemory(models::Networks& networks, const DeviceChoice& choice, std::int64_t program)
    : networks_(networks), choice_(choice), program_(program) {}

MemoryNeeds ModelMemory::needs(Size size, int rows, bool encodes) const {
  const std::int64_t scale = networks_.vae->scale();
  const std::int64_t height = size.height / scale, width = size.width / scale;
  const at::ScalarType dtype = choice_.dtype;
  const nn::WeightForm form = choice_.int8 ? nn::WeightForm::int8 : nn::WeightForm::as_loaded;
  const nn::VaeConfig& vae = networks_.vae->config();
  const auto step = [&](std::int64_t together) {
    return nn::unet_footprint(networks_.unet->config(),
                              {.rows = together, .height = height, .width = width, .tokens = 77},
                              dtype, form);
  };
  MemoryNeeds needs{.program = program_ + (choice_.device.is_cpu() ? kRunning : 0),
                    .text_weights = networks_.text_weights->bytes(*networks_.text_encoder),
                    .decoder_weights = networks_.vae_weights->bytes(networks_.vae->decoder()),
                    .encoder_weights = encodes
                                           ? networks_.vae_weights->bytes(networks_.vae->encoder())
                                           : std::int64_t{0},
                    .unet_rest = networks_.unet_weights->bytes(*networks_.unet),
                    .blocks = {},
                    .text = nn::text_footprint(networks_.text_encoder->config(), dtype),
                    .step_all_rows = step(rows),
                    .step_one_row = step(1),
                    .encode = encodes ? nn::encoder_footprint(vae, height, width, dtype) : 0,
                    .decode = nn::decoder_footprint(vae, height, width, dtype),
                    .decode_in_bands = nn::banded_decoder_footprint(vae, height, width, dtype)};
  for (nn::Module* block : networks_.unet->blocks()) {
    needs.blocks.push_back(networks_.unet_weights->bytes(*block));
    needs.unet_rest -= needs.blocks.back();
  }
  return needs;
}

std::vector<nn::Module*> ModelMemory::blocks(const std::vector<std::size_t>& indices) const {
  const std::vector<nn::Module*> all = networks_.unet->blocks();
  std::vector<nn::Module*> chosen;
  for (const std::size_t i : indices) chosen.push_back(all[i]);
  return chosen;
}

void ModelMemory::adopt(MemoryPlan plan) {
  if (plan == plan_) return;
  plan_ = std::move(plan);
  lend(plan_.streamed);
  networks_.unet->stream(blocks(plan_.streamed), *networks_.unet_weights);
  if (!plan_.keeps_text()) end(ModelPart::text_encoder);
  if (!plan_.keeps_decoder()) end(ModelPart::vae_decoder);
}

std::int64_t ModelMemory::kept() const {
  std::int64_t sum = networks_.unet_weights->bytes(*networks_.unet);
  for (nn::Module* block : blocks(plan_.streamed)) sum -= networks_.unet_weights->bytes(*block);
  if (plan_.keeps_text()) sum += networks_.text_weights->bytes(*networks_.text_encoder);
  if (plan_.keeps_decoder()) sum += networks_.vae_weights->bytes(networks_.vae->decoder());
  return sum;
}

void ModelMemory::load_ahead() {
  networks_.text_weights->bring(*networks_.text_encoder);
  std::vector<nn::Module*> later = blocks(plan_.streamed);
  for (nn::Module* block : blocks(plan_.lent_to_text)) later.push_back(block);
  networks_.unet_weights->bring_but(*networks_.unet, later);
  if (plan_.keeps_decoder())
    networks_.vae_weights->bring_but(*networks_.vae, {&networks_.vae->encoder()});
}

void ModelMemory::lend(const std::vector<std::size_t>& blocks) {
  if (unet_uses_ > 0) return;  // a preview is decoded amid the steps
  const std::vector<nn::Module*> all = networks_.unet->blocks();
  for (const std::size_t i : blocks)
    if (networks_.unet_weights->has(*all[i])) networks_.unet_weights->drop(*all[i]);
}

void ModelMemory::begin(ModelPart part) {
  nn::Vae& vae = *networks_.vae;
  switch (part) {
    case ModelPart::text_encoder:
      lend(plan_.lent_to_text);
      return networks_.text_weights->bring(*networks_.text_encoder);
    case ModelPart::unet:
      networks_.unet_weights->bring_but(*networks_.unet, blocks(plan_.streamed));
      ++unet_uses_;
      return;
    case ModelPart::vae_encoder:
      lend(plan_.lent_to_decoder);
      return networks_.vae_weights->bring_but(vae, {&vae.decoder()});
    case ModelPart::vae_decoder:
      lend(plan_.lent_to_decoder);
      return networks_.vae_weights->bring_but(vae, {&vae.encoder()});
  }
}

void ModelMemory::set_vae_type(at::ScalarType dtype) {
  networks_.vae_weights->drop(*networks_.vae);
  networks_.vae_weights->set_type(dtype);
}

void ModelMemory::end(ModelPart part) {
  if (part == ModelPart::unet) --unet_uses_;
  bool left = plan_.thrift > Thrift::free_text;
  const auto leave = [&left](models::StoredWeights& weights, nn::Module& node) {
    if (!weights.has(node)) return;
    weights.drop(node);
    left = true;
  };
  if (part == ModelPart::text_encoder && !plan_.keeps_text())
    leave(*networks_.text_weights, *networks_.text_encoder);
  if (part == ModelPart::vae_encoder && !plan_.keeps_text())
    leave(*networks_.vae_weights, networks_.vae->encoder());
  if (part == ModelPart::vae_decoder && !plan_.keeps_decoder())
    leave(*networks_.vae_weights, networks_.vae->decoder());
  // What the text encoder leaves is filled again by the blocks that made room for it.
  if (left && !(part == ModelPart::text_encoder && plan_.thrift == Thrift::free_text))
    nn::release_kept_memory();
}

std::optional<std::int64_t> memory_limit(const DeviceChoice& choice, double asked) {
  if (asked > 0) return static_cast<std::int64_t>(asked * (std::int64_t{1} << 30));
  if (choice.device.is_cpu()) {
    const auto free = free_memory();
    if (!free) return std::nullopt;
    return *free + resident_memory();
  }
  try {
    auto* allocator = at::getDeviceAllocator(choice.device.type());
    const auto [free, all] = allocator->getMemoryInfo(choice.device.index());
    const auto stats = allocator->getDeviceStats(choice.device.index());
    constexpr auto kAll = static_cast<std::size_t>(c10::CachingAllocator::StatType::AGGREGATE);
    return static_cast<std::int64_t>(free) + stats.reserved_bytes[kAll].current;
  } catch (const c10::Error&) {
    return std::nullopt;  // a device that does not tell
  }
}

bool is_out_of_memory(const std::exception& exception) {
  if (dynamic_cast<const std::bad_alloc*>(&exception) || dynamic_cast<const c10::OutOfMemoryError*>(&exception))
    return true;
  const std::string_view what = exception.what();  // libtorch's allocator of the CPU has no type for it
  return what.find("allocate memory") != what.npos || what.find("out of memory") != what.npos;
}

void release_unused_memory(const DeviceChoice& choice) {
  nn::release_kept_memory();
  if (choice.device.is_cpu()) return;
  try {
    at::getDeviceAllocator(choice.device.type())->emptyCache();
  } catch (const c10::Error&) {  // a device that keeps nothing
  }
}

}  // namespace invokeai::pipeline
