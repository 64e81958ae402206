#pragma once
// The weights of a model as a plan wants them: brought when a part of it begins to work, taken away
// when that ends.

#include <cstdint>
#include <exception>
#include <optional>

#include "models/load_model.h"
#include "pipeline/device.h"
#include "pipeline/memory_plan.h"
#include "pipeline/sizes.h"

namespace invokeai::pipeline {

enum class ModelPart { text_encoder, unet, vae_encoder, vae_decoder };

/// Keeps references: the networks must outlive it and were loaded with LoadOptions::on_demand.
class ModelMemory {
 public:
  /// `program`: bytes of the process without this model.
  ModelMemory(models::Networks& networks, const DeviceChoice& choice, std::int64_t program);

  /// What a picture of this size takes.
  ///   rows     evaluated together, 2 with guidance;  encodes: starts from a picture
  MemoryNeeds needs(Size size, int rows, bool encodes) const;

  /// From now on this holds. What it does not keep is given back at once, unless the plan stays the
  /// same.
  void adopt(MemoryPlan plan);
  /// Brings what the plan lets be there together when a prompt is encoded, so that the first
  /// picture waits for nothing that could be read before.
  void load_ahead();
  const MemoryPlan& plan() const { return plan_; }
  /// Bytes of the weights that stay between pictures.
  std::int64_t kept() const;

  /// The weights of one part are in memory while one lives; afterwards they stay if the plan says so.
  class Use {
   public:
    Use(ModelMemory& memory, ModelPart part) : memory_(memory), part_(part) { memory_.begin(part_); }
    ~Use() { memory_.end(part_); }
    Use(const Use&) = delete;
    Use& operator=(const Use&) = delete;

   private:
    ModelMemory& memory_;
    ModelPart part_;
  };

  /// While one lives, the weights of the VAE are brought in float32.
  class WideVae {
   public:
    explicit WideVae(ModelMemory& memory) : memory_(memory) { memory_.set_vae_type(at::kFloat); }
    ~WideVae() { memory_.set_vae_type(memory_.choice_.dtype); }
    WideVae(const WideVae&) = delete;
    WideVae& operator=(const WideVae&) = delete;

   private:
    ModelMemory& memory_;
  };

 private:
  void begin(ModelPart part);
  void end(ModelPart part);
  void set_vae_type(at::ScalarType dtype);
  /// Takes blocks of the UNet away, unless it is at work.
  void lend(const std::vector<std::size_t>& blocks);
  /// Blocks of the UNet with these indices.
  std::vector<nn::Module*> blocks(const std::vector<std::size_t>& indices) const;

  models::Networks& networks_;
  const DeviceChoice& choice_;
  std::int64_t program_;
  MemoryPlan plan_;
  int unet_uses_ = 0;  // that live
};

/// Bytes this process may have on the device, all it has included: `asked` GiB, or what is free and
/// what it has when 0; nothing where that cannot be told.
std::optional<std::int64_t> memory_limit(const DeviceChoice& choice, double asked);

/// Whether memory ran out: on the CPU or on a device.
bool is_out_of_memory(const std::exception& exception);
/// Gives back what libtorch and this program keep for later.
void release_unused_memory(const DeviceChoice& choice);

}  // namespace invokeai::pipeline
