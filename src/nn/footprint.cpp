#include "nn/footprint.h"

#include <algorithm>
#include <vector>

#include "nn/banded_decoder.h"
#include "nn/products.h"

namespace invokeai::nn {
namespace {

using std::int64_t;

/// Tensors that come and go; remembers the worst moment.
class Ledger {
 public:
  void hold(int64_t bytes) {
    now_ += bytes;
    worst_ = std::max(worst_, now_);
  }
  void free(int64_t bytes) { now_ -= bytes; }
  int64_t worst() const { return worst_; }

 private:
  int64_t now_ = 0, worst_ = 0;
};

/// Maps of `pixels` pixels (of all rows together) with elements of some size.
struct Maps {
  Ledger& ledger;
  at::ScalarType type;
  bool int8 = false;
  int64_t element = static_cast<int64_t>(at::elementSize(type));

  int64_t bytes(int64_t channels, int64_t pixels) const { return channels * pixels * element; }
  void hold(int64_t channels, int64_t pixels) const { ledger.hold(bytes(channels, pixels)); }
  void free(int64_t channels, int64_t pixels) const { ledger.free(bytes(channels, pixels)); }

  /// A convolution whose input is held: its output, and meanwhile the rounded input.
  void convolve(int64_t in, int64_t pixels_in, int64_t out, int64_t pixels_out) const {
    if (int8) ledger.hold(in * pixels_in);
    hold(out, pixels_out);
    if (int8) ledger.free(in * pixels_in);
  }

  /// Whether enlarged maps are never made.
  bool enlarges_at_once(int64_t channels) const {
    return own_way(type, channels, channels, 3, {1, 1}, /*enlarged=*/true).has_value();
  }

  /// A convolution of an enlarged map, which is freed; its output.
  void convolve_enlarged(int64_t channels, int64_t pixels_in, int64_t pixels_out) const {
    if (enlarges_at_once(channels)) {
      hold(channels, pixels_out);
      free(channels, pixels_in);
      return;
    }
    hold(channels, pixels_out);
    free(channels, pixels_in);
    convolve(channels, pixels_out, channels, pixels_out);
    free(channels, pixels_out);
  }

  /// Its input is held before, its output after. `shared`: somebody else holds the input too.
  void resnet(int64_t in, int64_t out, int64_t pixels, bool shared) const {
    const bool shortcut = in != out;
    const bool reuses = shortcut && !shared;  // the norm works in the memory of the input
    if (shortcut) convolve(in, pixels, out, pixels);
    if (!reuses) hold(in, pixels);
    convolve(in, pixels, out, pixels);
    free(in, pixels);  // the normed input
    convolve(out, pixels, out, pixels);
    free(out, pixels);  // what the second convolution read
    if (shortcut) free(out, pixels);
    if (!reuses && !shared) free(in, pixels);
  }

  /// Packed keys and values of the attention kernel, and its result.
  void attend(int64_t width, int64_t queries, int64_t keys) const {
    ledger.hold(2 * width * keys * 2 * 5 / 4);
    hold(width, queries);
    ledger.free(2 * width * keys * 2 * 5 / 4);
  }

  /// Input and output are maps of `width` channels, the input is freed.
  void transformer(int64_t width, int64_t pixels, int64_t context_tokens, int64_t depth) const {
    hold(width, pixels);               // norm
    convolve(width, pixels, width, pixels);  // tokens
    free(width, pixels);
    for (int64_t i = 0; i < depth; ++i) {
      hold(width, pixels);             // self: norm, then queries, keys, values
      if (int8) ledger.hold(width * pixels);
      hold(3 * width, pixels);
      free(width, pixels);
      if (int8) ledger.free(width * pixels);
      attend(width, pixels, pixels);
      free(3 * width, pixels);
      convolve(width, pixels, width, pixels);
      free(2 * width, pixels);         // what was attended, and the tokens from before
      hold(2 * width, pixels);         // cross: norm, queries
      free(width, pixels);
      attend(width, pixels, context_tokens);
      free(width, pixels);
      convolve(width, pixels, width, pixels);
      free(2 * width, pixels);
      hold(width, pixels);             // feed-forward
      if (int8) ledger.hold(width * pixels);
      hold(8 * width, pixels);
      ledger.hold(4 * width * pixels * (int8 ? 1 : element));
      free(8 * width, pixels);
      hold(width, pixels);
      ledger.free(4 * width * pixels * (int8 ? 1 : element));
      if (int8) ledger.free(width * pixels);
      free(2 * width, pixels);         // norm, and the tokens from before
    }
    convolve(width, pixels, width, pixels);
    free(2 * width, pixels);           // tokens, input
  }

  /// One head as wide as the map; input freed.
  void spatial_attention(int64_t width, int64_t pixels) const {
    hold(width, pixels);
    hold(3 * width, pixels);
    free(width, pixels);
    attend(width, pixels, pixels);
    hold(width, pixels);
    free(5 * width, pixels);
  }
};

int64_t halved(int64_t side) { return (side + 1) / 2; }

}  // namespace

int64_t unet_footprint(const UNetConfig& c, const StepShape& shape, at::ScalarType dtype,
                       WeightForm form) {
  Ledger ledger;
  const Maps maps{ledger, dtype, form == WeightForm::int8};
  const std::size_t levels = c.block_channels.size();
  std::vector<int64_t> pixels{shape.rows * shape.height * shape.width};
  for (int64_t h = shape.height, w = shape.width; pixels.size() < levels;) {
    h = halved(h), w = halved(w);
    pixels.push_back(shape.rows * h * w);
  }
  const int64_t context = shape.rows * shape.tokens;
  ledger.hold(2 * maps.bytes(c.in_channels, pixels[0]));
  int64_t channels = c.block_channels.front();
  maps.hold(channels, pixels[0]);
  std::vector<int64_t> skips{channels};
  for (std::size_t i = 0; i < levels; ++i) {
    for (int64_t j = 0; j < c.layers_per_block; ++j) {
      maps.resnet(channels, c.block_channels[i], pixels[i], /*shared=*/true);
      channels = c.block_channels[i];
      if (c.down_attention[i])
        maps.transformer(channels, pixels[i], context, c.transformer_layers[i]);
      skips.push_back(channels);
    }
    if (i + 1 == levels) break;
    maps.convolve(channels, pixels[i], channels, pixels[i + 1]);
    skips.push_back(channels);
  }
  maps.resnet(channels, channels, pixels.back(), /*shared=*/true);
  maps.transformer(channels, pixels.back(), context, c.transformer_layers.back());
  maps.resnet(channels, channels, pixels.back(), /*shared=*/false);
  for (std::size_t i = 0; i < levels; ++i) {
    const std::size_t level = levels - 1 - i;
    for (int64_t j = 0; j <= c.layers_per_block; ++j) {
      const int64_t skip = skips.back(), out = c.block_channels[level];
      skips.pop_back();
      maps.hold(channels + skip, pixels[level]);  // side by side
      maps.free(channels + skip, pixels[level]);  // each alone
      maps.resnet(channels + skip, out, pixels[level], /*shared=*/false);
      channels = out;
      if (c.up_attention[i])
        maps.transformer(channels, pixels[level], context, c.transformer_layers[level]);
    }
    if (i + 1 == levels) break;
    maps.convolve_enlarged(channels, pixels[level], pixels[level - 1]);
  }
  maps.hold(c.out_channels, pixels[0]);
  return ledger.worst();
}

int64_t decoder_footprint(const VaeConfig& c, int64_t height, int64_t width, at::ScalarType dtype) {
  Ledger ledger;
  const Maps maps{ledger, dtype};
  int64_t pixels = height * width, channels = c.block_channels.back();
  maps.hold(channels, pixels);
  maps.resnet(channels, channels, pixels, /*shared=*/false);
  maps.spatial_attention(channels, pixels);
  maps.resnet(channels, channels, pixels, /*shared=*/false);
  for (std::size_t i = 0; i < c.block_channels.size(); ++i) {
    const int64_t out = c.block_channels[c.block_channels.size() - 1 - i];
    for (int64_t j = 0; j <= c.layers_per_block; ++j) {
      maps.resnet(channels, out, pixels, /*shared=*/false);
      channels = out;
    }
    if (i + 1 == c.block_channels.size()) break;
    maps.convolve_enlarged(channels, pixels, 4 * pixels);
    pixels *= 4;
  }
  maps.hold(c.out_channels, pixels);
  ledger.free(maps.bytes(channels, pixels));
  ledger.hold(4 * c.out_channels * pixels);  // as f32
  return ledger.worst();
}

namespace {

/// Follows BandedResnet: in bands of `band` rows of `width` pixels, two rows more at either end.
struct BandedMaps {
  Maps maps;
  int64_t height, width;

  int64_t reach(int64_t extra) const { return std::min(band_rows(height) + extra, height) * width; }
  void hold(int64_t channels, int64_t extra) const { maps.hold(channels, reach(extra)); }
  void free(int64_t channels, int64_t extra) const { maps.free(channels, reach(extra)); }
  void hold_whole(int64_t channels) const { maps.hold(channels, height * width); }
  void free_whole(int64_t channels) const { maps.free(channels, height * width); }

  /// Rows of the source with some more: those of a map, or an enlarged piece behind its
  /// convolution.
  void hold_source(int64_t channels, bool enlarges, int64_t extra) const {
    if (!enlarges) return;
    hold(channels, extra + 2);
    if (maps.enlarges_at_once(channels)) return;
    hold(channels, extra + 2);
    free(channels, extra + 2);
  }
  void free_source(int64_t channels, bool enlarges, int64_t extra) const {
    if (enlarges) free(channels, extra + 2);
  }

  void resnet(int64_t in, int64_t out, bool enlarges, bool keeps_inner) const {
    if (keeps_inner) hold_whole(out);
    hold_source(in, enlarges, 2);  // statistics of the second norm
    hold(in, 2);
    hold(out, 2);
    hold(out, 0);  // the band before
    free(out, 0);
    free(out, 2);
    free(in, 2);
    free_source(in, enlarges, 2);
    if (enlarges) hold_whole(out);  // the result
    const int64_t read = keeps_inner ? 2 : 4;
    hold(out, 2);  // the band before
    hold_source(in, enlarges, read);
    if (!keeps_inner) {
      hold(in, read);
      hold(out, read);
      free(in, read);
    }
    hold(out, 2);  // normed
    if (!keeps_inner) free(out, read);
    if (in != out) hold(out, 2);
    hold(out, 2);
    if (in != out) free(out, 2);
    free(out, 2);
    free_source(in, enlarges, read);
    free(out, 2);
    free(out, 2);
    if (keeps_inner) free_whole(out);
  }
};

}  // namespace

int64_t banded_decoder_footprint(const VaeConfig& c, int64_t height, int64_t width,
                                 at::ScalarType dtype) {
  Ledger ledger;
  const Maps maps{ledger, dtype};
  int64_t channels = c.block_channels.back();
  maps.hold(channels, height * width);
  maps.resnet(channels, channels, height * width, /*shared=*/false);
  maps.spatial_attention(channels, height * width);
  for (int64_t j = 0; j < 2 + c.layers_per_block; ++j)
    maps.resnet(channels, channels, height * width, /*shared=*/false);
  ledger.hold(2 * 4 * kNormedAtOnce);
  for (std::size_t i = 1; i < c.block_channels.size(); ++i) {
    const int64_t out = c.block_channels[c.block_channels.size() - 1 - i], before = height * width;
    height *= 2, width *= 2;
    const BandedMaps bands{maps, height, width};
    const bool keeps_inner = i + 1 < c.block_channels.size();
    bands.resnet(channels, out, /*enlarges=*/true, keeps_inner);
    maps.free(channels, before);
    for (int64_t j = 0; j < c.layers_per_block; ++j)
      bands.resnet(out, out, /*enlarges=*/false, keeps_inner);
    channels = out;
  }
  const BandedMaps bands{maps, height, width};
  bands.hold_whole(c.out_channels);
  bands.hold(channels, 2);
  bands.free(channels, 2);
  bands.free_whole(channels);
  ledger.hold(4 * c.out_channels * height * width);  // as f32
  return ledger.worst();
}

int64_t encoder_footprint(const VaeConfig& c, int64_t height, int64_t width, at::ScalarType dtype) {
  Ledger ledger;
  const Maps maps{ledger, dtype};
  int64_t pixels = height * width, channels = c.block_channels.front();
  for (std::size_t i = 1; i < c.block_channels.size(); ++i) pixels *= 4;
  ledger.hold(4 * c.in_channels * pixels);  // the picture, f32
  maps.hold(c.in_channels, pixels);
  maps.hold(channels, pixels);
  for (std::size_t i = 0; i < c.block_channels.size(); ++i) {
    for (int64_t j = 0; j < c.layers_per_block; ++j) {
      maps.resnet(channels, c.block_channels[i], pixels, /*shared=*/false);
      channels = c.block_channels[i];
    }
    if (i + 1 == c.block_channels.size()) break;
    maps.hold(channels, pixels);  // padded
    maps.free(channels, pixels);
    maps.convolve(channels, pixels, channels, pixels / 4);
    maps.free(channels, pixels);
    pixels /= 4;
  }
  maps.resnet(channels, channels, pixels, /*shared=*/false);
  maps.spatial_attention(channels, pixels);
  maps.resnet(channels, channels, pixels, /*shared=*/false);
  return ledger.worst();
}

int64_t text_footprint(const ClipTextConfig& c, at::ScalarType dtype) {
  const auto element = static_cast<int64_t>(at::elementSize(dtype));
  // The network at its widest, the activation's four copies, and the result in f32.
  return c.max_positions * ((4 * c.intermediate_size + 4 * c.hidden_size) * element +
                            4 * c.hidden_size);
}

}  // namespace invokeai::nn
