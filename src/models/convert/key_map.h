#pragma once
// Tensor names of the single-file ("LDM") layout and of diffusers folders, and the rules between
// them.
//
// The rules follow from how the blocks are numbered, so they hold for any number of levels, layers
// and channels. Names are without the part's prefix (model.diffusion_model., first_stage_model.,
// ...). Source: models-and-training spec 2.5-2.7, generation spec 15.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "models/formats/tensor_source.h"

namespace invokeai::models {

using Shape = std::vector<std::int64_t>;

/// How a tensor's shape changes between the layouts. Its bytes stay where they are.
enum class Reshape {
  none,
  squeeze,    ///< 1x1 convolution [C,C,1,1] or [C,C,1] to linear [C,C]; 1-D tensors stay
  unsqueeze,  ///< the way back, [C,C] to [C,C,1,1]
  transpose,  ///< [d,p] to [p,d]
};

/// Rows [first, last) of the fused query-key-value tensor of the single-file layout.
struct Rows {
  std::int64_t first = 0;
  std::int64_t last = 0;
  bool operator==(const Rows&) const = default;
};

/// Where one tensor goes: to diffusers `rows` are taken from it, to LDM it fills `rows` of the
/// target.
struct Mapped {
  std::string name;
  std::optional<Rows> rows;  ///< nullopt: the whole tensor
  Reshape reshape = Reshape::none;
};

/// What the numbering of a UNet's blocks depends on.
struct UNetLayout {
  int layers_per_block = 2;        ///< resnets of a down block; up blocks have one more
  std::vector<bool> up_attention;  ///< by up block; decides where LDM puts the up-sampler, so only
                                   ///< the way to LDM needs it
  bool class_projection = false;   ///< label_emb is a class embedding (unclip), not SDXL's vector
};

/// Reads the layout off LDM names (prefix removed) or off diffusers names.
UNetLayout unet_layout_of_ldm(const TensorSource& unet);
UNetLayout unet_layout_of_diffusers(const TensorSource& unet);

/// Both directions of the UNet map; nullopt when no rule knows the name.
std::optional<Mapped> unet_to_diffusers(std::string_view name, const UNetLayout& layout);
std::optional<Mapped> unet_to_ldm(std::string_view name, const UNetLayout& layout);

/// Both directions of the VAE map. `levels` counts the decoder's up blocks, since LDM numbers those
/// from the last one. To diffusers gives current attention names (to_q, to_k, to_v, to_out.0);
/// to LDM expects them.
std::optional<Mapped> vae_to_diffusers(std::string_view name, int levels);
std::optional<Mapped> vae_to_ldm(std::string_view name, int levels);

/// Names of 0.11-era VAE folders (query, key, value, proj_attn) become current ones; others are
/// kept.
Mapped canonical_vae(std::string_view name);

/// Text encoder of HF naming: adds the `text_model.` prefix where it is missing.
/// nullopt when the name is none of a CLIP text encoder's.
std::optional<Mapped> canonical_text(std::string_view name);

/// OpenCLIP names to HF names; the fused in_proj gives three. Layers from `layers_kept` on give
/// none. Errors: bad_file when the fused rows are not a multiple of three.
Result<std::vector<Mapped>> open_clip_to_hf(std::string_view name, const Shape& shape,
                                            int layers_kept);
/// HF names (with text_model.) to OpenCLIP names; `shape` is that of the HF tensor.
std::optional<Mapped> hf_to_open_clip(std::string_view name, const Shape& shape);

/// Name under which LDM keeps the averaged copy of `model.REST`: `model_ema.` + REST without dots.
std::string ema_name(std::string_view name_after_model);

/// True for tensors that no part needs: schedule buffers, averages, losses, position_ids, ...
/// `name` is the full name in the file, or a name inside a folder's part.
bool is_ignorable(std::string_view name);

}  // namespace invokeai::models
