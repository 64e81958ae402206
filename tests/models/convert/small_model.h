#pragma once
// Names and shapes of Stable Diffusion models of any size in the folder layout, spelled out from
// the architecture (generation spec 15) and not by way of the key map, so that each checks the
// other.

#include <memory>
#include <string>
#include <vector>

#include "models/convert/checkpoint.h"
#include "models/convert/key_map.h"

namespace invokeai::models::testing {

using Shapes = std::map<std::string, Shape>;

struct UNetSize {
  std::vector<std::int64_t> channels = {64, 128, 192};
  std::vector<int> depths = {1, 1, 0};  ///< transformer blocks by level, 0: no attention
  int mid_depth = 1;
  int layers = 2;
  std::int64_t in_channels = 4;
  std::int64_t context = 128;
  bool linear = false;
  std::int64_t vector = 0;  ///< width of SDXL's extra condition
};

struct VaeSize {
  std::vector<std::int64_t> channels = {16, 32, 64, 128};
  int layers = 2;
  std::int64_t latent = 4;
};

struct TextSize {
  std::int64_t width = 128;
  int layers = 3;
  std::int64_t inner = 512;
  std::int64_t vocabulary = 300;
  std::int64_t projection = 0;
};

inline void add_affine(Shapes& shapes, const std::string& name, Shape weight) {
  shapes[name + ".bias"] = {weight[0]};
  shapes[name + ".weight"] = std::move(weight);
}

/// `time` is the width of the time embedding; 0 for the VAE, which has none.
inline void add_resnet(Shapes& shapes, const std::string& name, std::int64_t in, std::int64_t out,
                       std::int64_t time) {
  add_affine(shapes, name + ".norm1", {in});
  add_affine(shapes, name + ".conv1", {out, in, 3, 3});
  if (time > 0) add_affine(shapes, name + ".time_emb_proj", {out, time});
  add_affine(shapes, name + ".norm2", {out});
  add_affine(shapes, name + ".conv2", {out, out, 3, 3});
  if (in != out) add_affine(shapes, name + ".conv_shortcut", {out, in, 1, 1});
}

inline void add_transformer(Shapes& shapes, const std::string& name, std::int64_t c, int depth,
                            const UNetSize& size) {
  const Shape projection = size.linear ? Shape{c, c} : Shape{c, c, 1, 1};
  add_affine(shapes, name + ".norm", {c});
  add_affine(shapes, name + ".proj_in", projection);
  add_affine(shapes, name + ".proj_out", projection);
  for (int i = 0; i < depth; ++i) {
    const std::string block = fmt::format("{}.transformer_blocks.{}.", name, i);
    for (const char* norm : {"norm1", "norm2", "norm3"}) add_affine(shapes, block + norm, {c});
    for (const std::string attention : {"attn1", "attn2"}) {
      const std::int64_t from = attention == "attn1" ? c : size.context;
      shapes[block + attention + ".to_q.weight"] = {c, c};
      shapes[block + attention + ".to_k.weight"] = {c, from};
      shapes[block + attention + ".to_v.weight"] = {c, from};
      add_affine(shapes, block + attention + ".to_out.0", {c, c});
    }
    add_affine(shapes, block + "ff.net.0.proj", {8 * c, c});
    add_affine(shapes, block + "ff.net.2", {c, 4 * c});
  }
}

inline void add_down(Shapes& shapes, const UNetSize& size, std::vector<std::int64_t>& skips) {
  const std::int64_t time = 4 * size.channels[0];
  std::int64_t now = size.channels[0];
  skips.push_back(now);
  for (std::size_t level = 0; level < size.channels.size(); ++level) {
    const std::int64_t c = size.channels[level];
    const std::string block = fmt::format("down_blocks.{}.", level);
    for (int j = 0; j < size.layers; ++j) {
      add_resnet(shapes, fmt::format("{}resnets.{}", block, j), now, c, time);
      if (size.depths[level] > 0) {
        add_transformer(shapes, fmt::format("{}attentions.{}", block, j), c, size.depths[level],
                        size);
      }
      now = c;
      skips.push_back(now);
    }
    if (level + 1 == size.channels.size()) break;
    add_affine(shapes, block + "downsamplers.0.conv", {c, c, 3, 3});
    skips.push_back(now);
  }
}

inline void add_up(Shapes& shapes, const UNetSize& size, std::vector<std::int64_t> skips) {
  const std::size_t levels = size.channels.size();
  std::int64_t now = size.channels.back();
  for (std::size_t i = 0; i < levels; ++i) {
    const std::size_t level = levels - 1 - i;
    const std::int64_t c = size.channels[level];
    const std::string block = fmt::format("up_blocks.{}.", i);
    for (int j = 0; j <= size.layers; ++j) {
      add_resnet(shapes, fmt::format("{}resnets.{}", block, j), now + skips.back(), c,
                 4 * size.channels[0]);
      skips.pop_back();
      now = c;
      if (size.depths[level] > 0) {
        add_transformer(shapes, fmt::format("{}attentions.{}", block, j), c, size.depths[level],
                        size);
      }
    }
    if (i + 1 < levels) add_affine(shapes, block + "upsamplers.0.conv", {c, c, 3, 3});
  }
}

inline Shapes unet_shapes(const UNetSize& size) {
  Shapes shapes;
  const std::int64_t first = size.channels.front();
  const std::int64_t last = size.channels.back();
  const std::int64_t time = 4 * first;
  add_affine(shapes, "time_embedding.linear_1", {time, first});
  add_affine(shapes, "time_embedding.linear_2", {time, time});
  if (size.vector > 0) {
    add_affine(shapes, "add_embedding.linear_1", {time, size.vector});
    add_affine(shapes, "add_embedding.linear_2", {time, time});
  }
  add_affine(shapes, "conv_in", {first, size.in_channels, 3, 3});
  add_affine(shapes, "conv_norm_out", {first});
  add_affine(shapes, "conv_out", {4, first, 3, 3});
  std::vector<std::int64_t> skips;
  add_down(shapes, size, skips);
  add_resnet(shapes, "mid_block.resnets.0", last, last, time);
  add_transformer(shapes, "mid_block.attentions.0", last, size.mid_depth, size);
  add_resnet(shapes, "mid_block.resnets.1", last, last, time);
  add_up(shapes, size, std::move(skips));
  return shapes;
}

inline Shapes vae_shapes(const VaeSize& size) {
  Shapes shapes;
  const std::size_t levels = size.channels.size();
  const std::int64_t last = size.channels.back();
  for (const std::string half : {"encoder", "decoder"}) {
    add_resnet(shapes, half + ".mid_block.resnets.0", last, last, 0);
    add_resnet(shapes, half + ".mid_block.resnets.1", last, last, 0);
    add_affine(shapes, half + ".mid_block.attentions.0.group_norm", {last});
    for (const char* part : {"to_q", "to_k", "to_v", "to_out.0"}) {
      add_affine(shapes, half + ".mid_block.attentions.0." + part, {last, last});
    }
  }
  std::int64_t now = size.channels.front();
  add_affine(shapes, "encoder.conv_in", {now, 3, 3, 3});
  add_affine(shapes, "decoder.conv_in", {last, size.latent, 3, 3});
  add_affine(shapes, "encoder.conv_norm_out", {last});
  add_affine(shapes, "decoder.conv_norm_out", {now});
  add_affine(shapes, "encoder.conv_out", {2 * size.latent, last, 3, 3});
  add_affine(shapes, "decoder.conv_out", {3, now, 3, 3});
  add_affine(shapes, "quant_conv", {2 * size.latent, 2 * size.latent, 1, 1});
  add_affine(shapes, "post_quant_conv", {size.latent, size.latent, 1, 1});
  std::int64_t up = last;
  for (std::size_t i = 0; i < levels; ++i) {
    const std::int64_t down_out = size.channels[i];
    const std::int64_t up_out = size.channels[levels - 1 - i];
    for (int j = 0; j < size.layers; ++j) {
      add_resnet(shapes, fmt::format("encoder.down_blocks.{}.resnets.{}", i, j), now, down_out, 0);
      now = down_out;
    }
    for (int j = 0; j <= size.layers; ++j) {
      add_resnet(shapes, fmt::format("decoder.up_blocks.{}.resnets.{}", i, j), up, up_out, 0);
      up = up_out;
    }
    if (i + 1 == levels) break;
    add_affine(shapes, fmt::format("encoder.down_blocks.{}.downsamplers.0.conv", i),
               {now, now, 3, 3});
    add_affine(shapes, fmt::format("decoder.up_blocks.{}.upsamplers.0.conv", i), {up, up, 3, 3});
  }
  return shapes;
}

inline Shapes text_shapes(const TextSize& size) {
  const std::int64_t w = size.width;
  Shapes shapes;
  shapes["text_model.embeddings.token_embedding.weight"] = {size.vocabulary, w};
  shapes["text_model.embeddings.position_embedding.weight"] = {77, w};
  add_affine(shapes, "text_model.final_layer_norm", {w});
  if (size.projection > 0) shapes["text_projection.weight"] = {size.projection, w};
  for (int i = 0; i < size.layers; ++i) {
    const std::string layer = fmt::format("text_model.encoder.layers.{}.", i);
    for (const char* part : {"q_proj", "k_proj", "v_proj", "out_proj"}) {
      add_affine(shapes, layer + "self_attn." + part, {w, w});
    }
    add_affine(shapes, layer + "layer_norm1", {w});
    add_affine(shapes, layer + "layer_norm2", {w});
    add_affine(shapes, layer + "mlp.fc1", {size.inner, w});
    add_affine(shapes, layer + "mlp.fc2", {w, size.inner});
  }
  return shapes;
}

inline std::int64_t count_of(const Shape& shape) {
  std::int64_t count = 1;
  for (const std::int64_t size : shape) count *= size;
  return count;
}

/// A u8 tensor whose bytes are all 0 and shared by all such tensors: shapes of full models for
/// nothing.
inline TensorView hollow_tensor(const Shape& shape) {
  static const std::vector<std::uint8_t> zeros(49408 * 1280);
  INVOKEAI_CHECK(static_cast<std::size_t>(count_of(shape)) <= zeros.size());
  TensorView view;
  view.dtype = DType::u8;
  view.shape = shape;
  view.data = std::span(zeros).first(static_cast<std::size_t>(count_of(shape)));
  return view;
}

/// A u8 tensor with pseudo-random bytes that depend on `seed`.
inline TensorView noise_tensor(const Shape& shape, std::uint64_t seed) {
  auto bytes =
      std::make_shared<std::vector<std::uint8_t>>(static_cast<std::size_t>(count_of(shape)));
  std::uint64_t state = seed * 2654435761u + 1;
  for (std::uint8_t& byte : *bytes) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    byte = static_cast<std::uint8_t>(state >> 56);
  }
  TensorView view;
  view.dtype = DType::u8;
  view.shape = shape;
  view.data = *bytes;
  view.owner = std::move(bytes);
  return view;
}

/// A tensor for every entry; distinct noise, or hollow.
inline TensorSource source_of(const Shapes& shapes, bool hollow = false) {
  TensorSource source;
  source.name = "test";
  std::uint64_t seed = 1;
  for (const auto& [name, shape] : shapes) {
    source.tensors[name] = hollow ? hollow_tensor(shape) : noise_tensor(shape, seed++);
  }
  return source;
}

inline Shapes shapes_of(const TensorSource& source) {
  Shapes shapes;
  for (const auto& [name, view] : source.tensors) shapes[name] = view.shape;
  return shapes;
}

/// Bytes in row-major order, by index arithmetic of its own.
inline std::vector<std::uint8_t> bytes_of(const TensorView& view) {
  const std::size_t size = element_size(view.dtype);
  std::vector<std::uint8_t> bytes;
  for (std::int64_t flat = 0; flat < count_of(view.shape); ++flat) {
    std::int64_t rest = flat;
    std::int64_t at = view.strides.empty() ? flat : 0;
    for (std::size_t i = view.strides.size(); i-- > 0;) {
      at += rest % view.shape[i] * view.strides[i];
      rest /= view.shape[i];
    }
    const auto first = view.data.begin() + at * static_cast<std::int64_t>(size);
    bytes.insert(bytes.end(), first, first + static_cast<std::int64_t>(size));
  }
  return bytes;
}

}  // namespace invokeai::models::testing
