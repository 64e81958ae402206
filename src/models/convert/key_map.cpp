#include "models/convert/key_map.h"

#include <algorithm>
#include <array>
#include <span>
#include <utility>

#include "models/convert/name_pattern.h"

namespace invokeai::models {
namespace {

/// One name stem in both layouts; LDM (or OpenCLIP) first, diffusers (or HF) second.
using Stem = std::pair<std::string_view, std::string_view>;

constexpr Stem kUNetFixed[] = {
    {"time_embed.0", "time_embedding.linear_1"},
    {"time_embed.2", "time_embedding.linear_2"},
    {"input_blocks.0.0", "conv_in"},
    {"out.0", "conv_norm_out"},
    {"out.2", "conv_out"},
};
constexpr Stem kVectorLabel[] = {
    {"label_emb.0.0", "add_embedding.linear_1"},
    {"label_emb.0.2", "add_embedding.linear_2"},
};
constexpr Stem kClassLabel[] = {
    {"label_emb.0.0", "class_embedding.linear_1"},
    {"label_emb.0.2", "class_embedding.linear_2"},
    {"label_emb", "class_embedding"},  // a plain table, as in the x4 upscaler
};
constexpr Stem kUNetResnet[] = {
    {"in_layers.0", "norm1"},  {"in_layers.2", "conv1"},  {"emb_layers.1", "time_emb_proj"},
    {"out_layers.0", "norm2"}, {"out_layers.3", "conv2"}, {"skip_connection", "conv_shortcut"},
};
constexpr Stem kVaeFixed[] = {
    {"encoder.conv_in", "encoder.conv_in"},
    {"encoder.conv_out", "encoder.conv_out"},
    {"decoder.conv_in", "decoder.conv_in"},
    {"decoder.conv_out", "decoder.conv_out"},
    {"encoder.norm_out", "encoder.conv_norm_out"},
    {"decoder.norm_out", "decoder.conv_norm_out"},
    {"quant_conv", "quant_conv"},
    {"post_quant_conv", "post_quant_conv"},
};
constexpr Stem kVaeResnet[] = {
    {"norm1", "norm1"},
    {"conv1", "conv1"},
    {"norm2", "norm2"},
    {"conv2", "conv2"},
    {"nin_shortcut", "conv_shortcut"},
};
constexpr Stem kVaeAttention[] = {
    {"norm", "group_norm"}, {"q", "to_q"}, {"k", "to_k"}, {"v", "to_v"}, {"proj_out", "to_out.0"},
};
constexpr Stem kVaeOldAttention[] = {
    {"query", "to_q"},
    {"key", "to_k"},
    {"value", "to_v"},
    {"proj_attn", "to_out.0"},
};
constexpr Stem kOpenClipLayer[] = {
    {"ln_1", "layer_norm1"}, {"ln_2", "layer_norm2"},   {"attn.out_proj", "self_attn.out_proj"},
    {"mlp.c_fc", "mlp.fc1"}, {"mlp.c_proj", "mlp.fc2"},
};
constexpr Stem kOpenClipFixed[] = {
    {"token_embedding.weight", "text_model.embeddings.token_embedding.weight"},
    {"positional_embedding", "text_model.embeddings.position_embedding.weight"},
    {"ln_final.weight", "text_model.final_layer_norm.weight"},
    {"ln_final.bias", "text_model.final_layer_norm.bias"},
};
constexpr std::string_view kFused[] = {"q_proj", "k_proj", "v_proj"};

enum class Towards { diffusers, ldm };

/// Replaces the stem at the front of `name` by its partner; what follows must be a parameter's
/// name.
std::optional<std::string> swap_stem(std::span<const Stem> stems, std::string_view name,
                                     Towards towards) {
  for (const auto& [ldm, diffusers] : stems) {
    const auto& from = towards == Towards::diffusers ? ldm : diffusers;
    const auto& to = towards == Towards::diffusers ? diffusers : ldm;
    if (!name.starts_with(from)) continue;
    const std::string_view rest = name.substr(from.size());
    if (rest == ".weight" || rest == ".bias") return std::string(to).append(rest);
  }
  return std::nullopt;
}

std::optional<Mapped> as_mapped(std::optional<std::string> name) {
  if (!name) return std::nullopt;
  return Mapped{std::move(*name), std::nullopt, Reshape::none};
}

/// `front` + the swapped stem, when there is one.
std::optional<Mapped> with_stem(std::string front, std::span<const Stem> stems,
                                std::string_view name, Towards towards) {
  const auto stem = swap_stem(stems, name, towards);
  if (!stem) return std::nullopt;
  return Mapped{front + *stem, std::nullopt, Reshape::none};
}

/// Names inside a spatial transformer are the same in both layouts.
std::optional<Mapped> transformer(std::string front, std::string_view name) {
  for (const std::string_view head : {"norm.", "proj_in.", "proj_out.", "transformer_blocks."}) {
    if (name.starts_with(head)) return Mapped{front.append(name), std::nullopt, Reshape::none};
  }
  return std::nullopt;
}

std::span<const Stem> label_stems(bool class_projection) {
  if (class_projection) return kClassLabel;
  return kVectorLabel;
}

std::optional<Mapped> input_block_to_diffusers(std::string_view name, int layers) {
  const auto place = match_name("input_blocks.#.#.*", name);
  if (!place || place->number[0] < 1) return std::nullopt;
  const int block = (place->number[0] - 1) / (layers + 1);
  const int layer = (place->number[0] - 1) % (layers + 1);
  if (place->number[1] == 1) {
    return transformer(fmt::format("down_blocks.{}.attentions.{}.", block, layer), place->rest);
  }
  if (place->number[1] != 0) return std::nullopt;
  if (const auto down = match_name("op.*", place->rest)) {
    return Mapped{fmt::format("down_blocks.{}.downsamplers.0.conv.{}", block, down->rest),
                  std::nullopt, Reshape::none};
  }
  return with_stem(fmt::format("down_blocks.{}.resnets.{}.", block, layer), kUNetResnet,
                   place->rest, Towards::diffusers);
}

std::optional<Mapped> output_block_to_diffusers(std::string_view name, int layers) {
  const auto place = match_name("output_blocks.#.#.*", name);
  if (!place) return std::nullopt;
  const int block = place->number[0] / (layers + 1);
  const int layer = place->number[0] % (layers + 1);
  if (place->number[1] == 0) {
    return with_stem(fmt::format("up_blocks.{}.resnets.{}.", block, layer), kUNetResnet,
                     place->rest, Towards::diffusers);
  }
  // The up-sampler comes last, after the attention if there is one; some exports of SDXL write 1
  // although there is, so the place is not held against the file.
  if (const auto up = match_name("conv.*", place->rest); up && place->number[1] <= 2) {
    return Mapped{fmt::format("up_blocks.{}.upsamplers.0.conv.{}", block, up->rest), std::nullopt,
                  Reshape::none};
  }
  if (place->number[1] != 1) return std::nullopt;
  return transformer(fmt::format("up_blocks.{}.attentions.{}.", block, layer), place->rest);
}

std::optional<Mapped> vae_half_to_diffusers(const std::string& half, std::string_view name,
                                            int levels) {
  const bool encoder = half == "encoder";
  if (const auto mid = match_name("mid.block_#.*", name)) {
    if (mid->number[0] != 1 && mid->number[0] != 2) return std::nullopt;
    return with_stem(fmt::format("{}.mid_block.resnets.{}.", half, mid->number[0] - 1), kVaeResnet,
                     mid->rest, Towards::diffusers);
  }
  if (const auto mid = match_name("mid.attn_1.*", name)) {
    auto mapped =
        with_stem(half + ".mid_block.attentions.0.", kVaeAttention, mid->rest, Towards::diffusers);
    if (mapped) mapped->reshape = Reshape::squeeze;
    return mapped;
  }
  const auto level = match_name(encoder ? "down.#.*" : "up.#.*", name);
  if (!level || (!encoder && level->number[0] >= levels)) return std::nullopt;
  const std::string block =
      encoder ? fmt::format("encoder.down_blocks.{}.", level->number[0])
              : fmt::format("decoder.up_blocks.{}.", levels - 1 - level->number[0]);
  if (const auto conv =
          match_name(encoder ? "downsample.conv.*" : "upsample.conv.*", level->rest)) {
    return Mapped{
        fmt::format("{}{}.0.conv.{}", block, encoder ? "downsamplers" : "upsamplers", conv->rest),
        std::nullopt, Reshape::none};
  }
  const auto resnet = match_name("block.#.*", level->rest);
  if (!resnet) return std::nullopt;
  return with_stem(fmt::format("{}resnets.{}.", block, resnet->number[0]), kVaeResnet, resnet->rest,
                   Towards::diffusers);
}

std::optional<Mapped> vae_half_to_ldm(const std::string& half, std::string_view name, int levels) {
  const bool encoder = half == "encoder";
  if (const auto mid = match_name("mid_block.resnets.#.*", name)) {
    return with_stem(fmt::format("{}.mid.block_{}.", half, mid->number[0] + 1), kVaeResnet,
                     mid->rest, Towards::ldm);
  }
  if (const auto mid = match_name("mid_block.attentions.0.*", name)) {
    auto mapped = with_stem(half + ".mid.attn_1.", kVaeAttention, mid->rest, Towards::ldm);
    if (mapped) mapped->reshape = Reshape::unsqueeze;
    return mapped;
  }
  const auto level = match_name(encoder ? "down_blocks.#.*" : "up_blocks.#.*", name);
  if (!level || (!encoder && level->number[0] >= levels)) return std::nullopt;
  const std::string block = encoder ? fmt::format("encoder.down.{}.", level->number[0])
                                    : fmt::format("decoder.up.{}.", levels - 1 - level->number[0]);
  if (const auto conv =
          match_name(encoder ? "downsamplers.0.conv.*" : "upsamplers.0.conv.*", level->rest)) {
    return Mapped{
        fmt::format("{}{}.conv.{}", block, encoder ? "downsample" : "upsample", conv->rest),
        std::nullopt, Reshape::none};
  }
  const auto resnet = match_name("resnets.#.*", level->rest);
  if (!resnet) return std::nullopt;
  return with_stem(fmt::format("{}block.{}.", block, resnet->number[0]), kVaeResnet, resnet->rest,
                   Towards::ldm);
}

}  // namespace

UNetLayout unet_layout_of_ldm(const TensorSource& unet) {
  UNetLayout layout;
  int first_sampler = 0;
  for (const auto& [name, view] : unet.tensors) {
    const auto match = match_name("input_blocks.#.0.op.*", name);
    if (match && (first_sampler == 0 || match->number[0] < first_sampler)) {
      first_sampler = match->number[0];
    }
  }
  // Without any down-sampler there is one level, and all input blocks after conv_in are its layers.
  const int layers =
      first_sampler > 0 ? first_sampler - 1 : count_indices(unet, "input_blocks.#.*") - 1;
  layout.layers_per_block = std::max(layers, 1);
  // SDXL and its refiner have no attention in the first level; unclip models, made from SD2, do.
  layout.class_projection =
      any_name(unet, "label_emb.weight") || any_name(unet, "input_blocks.1.1.proj_in.*");
  return layout;
}

UNetLayout unet_layout_of_diffusers(const TensorSource& unet) {
  UNetLayout layout;
  layout.layers_per_block = std::max(count_indices(unet, "down_blocks.0.resnets.#.*"), 1);
  for (const auto& [name, view] : unet.tensors) {
    const auto match = match_name("up_blocks.#.attentions.*", name);
    if (!match) continue;
    const auto block = static_cast<std::size_t>(match->number[0]);
    if (block >= layout.up_attention.size()) layout.up_attention.resize(block + 1);
    layout.up_attention[block] = true;
  }
  layout.class_projection = any_name(unet, "class_embedding.*");
  return layout;
}

std::optional<Mapped> unet_to_diffusers(std::string_view name, const UNetLayout& layout) {
  if (auto fixed = swap_stem(kUNetFixed, name, Towards::diffusers)) return as_mapped(fixed);
  if (name.starts_with("label_emb.")) {
    return as_mapped(swap_stem(label_stems(layout.class_projection), name, Towards::diffusers));
  }
  if (name.starts_with("input_blocks.")) {
    return input_block_to_diffusers(name, layout.layers_per_block);
  }
  if (name.starts_with("output_blocks.")) {
    return output_block_to_diffusers(name, layout.layers_per_block);
  }
  const auto middle = match_name("middle_block.#.*", name);
  if (!middle || middle->number[0] > 2) return std::nullopt;
  if (middle->number[0] == 1) return transformer("mid_block.attentions.0.", middle->rest);
  return with_stem(fmt::format("mid_block.resnets.{}.", middle->number[0] / 2), kUNetResnet,
                   middle->rest, Towards::diffusers);
}

std::optional<Mapped> unet_to_ldm(std::string_view name, const UNetLayout& layout) {
  if (auto fixed = swap_stem(kUNetFixed, name, Towards::ldm)) return as_mapped(fixed);
  if (name.starts_with("add_embedding.") || name.starts_with("class_embedding.")) {
    return as_mapped(swap_stem(label_stems(layout.class_projection), name, Towards::ldm));
  }
  const int stride = layout.layers_per_block + 1;
  if (const auto m = match_name("down_blocks.#.resnets.#.*", name)) {
    return with_stem(fmt::format("input_blocks.{}.0.", m->number[0] * stride + 1 + m->number[1]),
                     kUNetResnet, m->rest, Towards::ldm);
  }
  if (const auto m = match_name("down_blocks.#.attentions.#.*", name)) {
    return transformer(fmt::format("input_blocks.{}.1.", m->number[0] * stride + 1 + m->number[1]),
                       m->rest);
  }
  if (const auto m = match_name("down_blocks.#.downsamplers.0.conv.*", name)) {
    return Mapped{fmt::format("input_blocks.{}.0.op.{}", (m->number[0] + 1) * stride, m->rest),
                  std::nullopt, Reshape::none};
  }
  if (const auto m = match_name("mid_block.resnets.#.*", name); m && m->number[0] < 2) {
    return with_stem(fmt::format("middle_block.{}.", m->number[0] * 2), kUNetResnet, m->rest,
                     Towards::ldm);
  }
  if (const auto m = match_name("mid_block.attentions.0.*", name)) {
    return transformer("middle_block.1.", m->rest);
  }
  if (const auto m = match_name("up_blocks.#.resnets.#.*", name)) {
    return with_stem(fmt::format("output_blocks.{}.0.", m->number[0] * stride + m->number[1]),
                     kUNetResnet, m->rest, Towards::ldm);
  }
  if (const auto m = match_name("up_blocks.#.attentions.#.*", name)) {
    return transformer(fmt::format("output_blocks.{}.1.", m->number[0] * stride + m->number[1]),
                       m->rest);
  }
  if (const auto m = match_name("up_blocks.#.upsamplers.0.conv.*", name)) {
    const auto block = static_cast<std::size_t>(m->number[0]);
    const bool attention = block < layout.up_attention.size() && layout.up_attention[block];
    return Mapped{fmt::format("output_blocks.{}.{}.conv.{}", (m->number[0] + 1) * stride - 1,
                              attention ? 2 : 1, m->rest),
                  std::nullopt, Reshape::none};
  }
  return std::nullopt;
}

std::optional<Mapped> vae_to_diffusers(std::string_view name, int levels) {
  if (auto fixed = swap_stem(kVaeFixed, name, Towards::diffusers)) return as_mapped(fixed);
  for (const std::string half : {"encoder", "decoder"}) {
    if (const auto m = match_name(half + ".*", name)) {
      return vae_half_to_diffusers(half, m->rest, levels);
    }
  }
  return std::nullopt;
}

std::optional<Mapped> vae_to_ldm(std::string_view name, int levels) {
  if (auto fixed = swap_stem(kVaeFixed, name, Towards::ldm)) return as_mapped(fixed);
  for (const std::string half : {"encoder", "decoder"}) {
    if (const auto m = match_name(half + ".*", name)) return vae_half_to_ldm(half, m->rest, levels);
  }
  return std::nullopt;
}

Mapped canonical_vae(std::string_view name) {
  for (const std::string front :
       {"encoder.mid_block.attentions.0.", "decoder.mid_block.attentions.0."}) {
    if (!name.starts_with(front)) continue;
    const std::string_view rest = name.substr(front.size());
    const auto current = swap_stem(kVaeOldAttention, rest, Towards::diffusers);
    return Mapped{front + current.value_or(std::string(rest)), std::nullopt, Reshape::squeeze};
  }
  return Mapped{std::string(name), std::nullopt, Reshape::none};
}

std::optional<Mapped> canonical_text(std::string_view name) {
  const bool prefixed = name.starts_with("text_model.");
  const std::string_view bare = prefixed ? name.substr(11) : name;
  if (!prefixed && bare == "text_projection.weight") return Mapped{std::string(bare), {}, {}};
  for (const std::string_view head : {"embeddings.", "encoder.", "final_layer_norm."}) {
    if (bare.starts_with(head)) return Mapped{std::string("text_model.").append(bare), {}, {}};
  }
  return std::nullopt;
}

Result<std::vector<Mapped>> open_clip_to_hf(std::string_view name, const Shape& shape,
                                            int layers_kept) {
  using List = std::vector<Mapped>;
  for (const auto& [open_clip, hf] : kOpenClipFixed) {
    if (name == open_clip) return List{{std::string(hf), std::nullopt, Reshape::none}};
  }
  if (name == "text_projection") {
    return List{{"text_projection.weight", std::nullopt, Reshape::transpose}};
  }
  const auto layer = match_name("transformer.resblocks.#.*", name);
  if (!layer || layer->number[0] >= layers_kept) return List{};
  const std::string front = fmt::format("text_model.encoder.layers.{}.", layer->number[0]);
  if (auto mapped = with_stem(front, kOpenClipLayer, layer->rest, Towards::diffusers)) {
    return List{std::move(*mapped)};
  }
  const auto fused = match_name("attn.in_proj_*", layer->rest);
  if (!fused || (fused->rest != "weight" && fused->rest != "bias")) return List{};
  if (shape.empty() || shape[0] % 3 != 0) {
    return fail(ErrorCode::bad_file, "convert.text_encoder",
                "{} should stack query, key and value, but its {} rows are not a multiple of 3",
                name, shape.empty() ? 0 : shape[0]);
  }
  const std::int64_t width = shape[0] / 3;
  List list;
  for (std::int64_t i = 0; i < 3; ++i) {
    list.push_back({fmt::format("{}self_attn.{}.{}", front, kFused[i], fused->rest),
                    Rows{i * width, (i + 1) * width}, Reshape::none});
  }
  return list;
}

std::optional<Mapped> hf_to_open_clip(std::string_view name, const Shape& shape) {
  for (const auto& [open_clip, hf] : kOpenClipFixed) {
    if (name == hf) return Mapped{std::string(open_clip), std::nullopt, Reshape::none};
  }
  if (name == "text_projection.weight") {
    return Mapped{"text_projection", std::nullopt, Reshape::transpose};
  }
  const auto layer = match_name("text_model.encoder.layers.#.*", name);
  if (!layer) return std::nullopt;
  const std::string front = fmt::format("transformer.resblocks.{}.", layer->number[0]);
  for (std::int64_t i = 0; i < 3 && !shape.empty(); ++i) {
    const auto fused = match_name(fmt::format("self_attn.{}.*", kFused[i]), layer->rest);
    if (!fused || (fused->rest != "weight" && fused->rest != "bias")) continue;
    return Mapped{front + "attn.in_proj_" + fused->rest, Rows{i * shape[0], (i + 1) * shape[0]},
                  Reshape::none};
  }
  return with_stem(front, kOpenClipLayer, layer->rest, Towards::ldm);
}

std::string ema_name(std::string_view name_after_model) {
  std::string name = "model_ema.";
  std::copy_if(name_after_model.begin(), name_after_model.end(), std::back_inserter(name),
               [](char c) { return c != '.'; });
  return name;
}

bool is_ignorable(std::string_view name) {
  constexpr std::string_view kExact[] = {"betas", "lvlb_weights", "logvar",      "denoiser.sigmas",
                                         "ztsnr", "v_pred",       "scale_factor"};
  constexpr std::string_view kFronts[] = {
      "alphas_cumprod",
      "sqrt_",
      "log_one_minus_",
      "posterior_",
      "edm_vpred.",
      "model_ema.",
      "embedding_manager.",
      "safety_checker.",
      "loss.",
      "visual.",
      "vision_model.",
      "visual_projection.",
      "first_stage_model.loss.",
      "first_stage_model.model_ema.",
      "cond_stage_model.model.visual.",
      "vae.loss.",
  };
  return std::any_of(std::begin(kExact), std::end(kExact), [&](auto e) { return name == e; }) ||
         std::any_of(std::begin(kFronts), std::end(kFronts),
                     [&](auto front) { return name.starts_with(front); }) ||
         name.ends_with("position_ids") || name.ends_with("logit_scale");
}

}  // namespace invokeai::models
