#include "nn/vae.h"

#include "nn/banded_decoder.h"
#include "nn/resnet.h"

namespace invokeai::nn {
namespace {

constexpr double kEps = 1e-6;

/// Self-attention over all positions with one head as wide as the map.
class SpatialAttention : public Module {
 public:
  SpatialAttention(std::int64_t channels, std::int64_t groups)
      : norm_(groups, channels, kEps),
        q_(channels, channels),
        k_(channels, channels),
        v_(channels, channels),
        out_(channels, channels) {
    add("group_norm", norm_);
    add("to_q", q_);
    add("to_k", k_);
    add("to_v", v_);
    add("to_out.0", out_);
  }

  at::Tensor forward(const at::Tensor& x) const {
    at::Tensor tokens = as_tokens(norm_.forward(x));
    const at::Tensor q = q_.forward(tokens), k = k_.forward(tokens), v = v_.forward(tokens);
    tokens.reset();
    const at::Tensor y = attention(q, k, v, /*heads=*/1);
    return as_map(out_.forward_add(y, as_tokens(x)), x.size(2), x.size(3));
  }

 private:
  GroupNorm norm_;
  Linear q_, k_, v_, out_;
};

/// Residual block, attention, residual block at the smallest size.
class MiddleBlock : public Module {
 public:
  MiddleBlock(std::int64_t channels, std::int64_t groups)
      : first_(channels, channels, groups, kEps),
        attention_(channels, groups),
        second_(channels, channels, groups, kEps) {
    add("resnets.0", first_);
    add("attentions.0", attention_);
    add("resnets.1", second_);
  }
  at::Tensor forward(at::Tensor x) const {
    return second_.forward(attention_.forward(first_.forward(std::move(x))));
  }

 private:
  ResnetBlock first_;
  SpatialAttention attention_;
  ResnetBlock second_;
};

/// Some residual blocks, then an optional change of size.
struct Level {
  std::vector<std::unique_ptr<ResnetBlock>> resnets;
  std::unique_ptr<Conv2d> resize;
};

}  // namespace

class Vae::Encoder : public Module {
 public:
  explicit Encoder(const VaeConfig& c)
      : conv_in_(c.in_channels, c.block_channels.front(), 3, 1, 1),
        middle_(c.block_channels.back(), c.groups),
        norm_out_(c.groups, c.block_channels.back(), kEps),
        conv_out_(c.block_channels.back(), 2 * c.latent_channels, 3, 1, 1) {
    add("conv_in", conv_in_);
    std::int64_t channels = c.block_channels.front();
    levels_.resize(c.block_channels.size());
    for (std::size_t i = 0; i < levels_.size(); ++i) {
      const std::string prefix = "down_blocks." + std::to_string(i) + ".";
      for (std::int64_t j = 0; j < c.layers_per_block; ++j) {
        levels_[i].resnets.push_back(
            std::make_unique<ResnetBlock>(channels, c.block_channels[i], c.groups, kEps));
        add(prefix + "resnets." + std::to_string(j), *levels_[i].resnets.back());
        channels = c.block_channels[i];
      }
      if (i + 1 < levels_.size()) {
        levels_[i].resize = std::make_unique<Conv2d>(channels, channels, 3, 2, 0);
        add(prefix + "downsamplers.0.conv", *levels_[i].resize);
      }
    }
    add("mid_block", middle_);
    add("conv_norm_out", norm_out_);
    add("conv_out", conv_out_);
  }

  at::Tensor forward(const at::Tensor& pixels) const {
    at::Tensor x = conv_in_.forward(pixels);
    for (const Level& level : levels_) {
      for (const auto& resnet : level.resnets) x = resnet->forward(std::move(x));
      // Padded by one on the right and bottom only, as the model was trained.
      if (!level.resize) continue;
      x = at::constant_pad_nd(x, {0, 1, 0, 1}, 0);
      x = level.resize->forward(x);
    }
    return conv_out_.forward(norm_out_.forward_silu(middle_.forward(std::move(x))));
  }

 private:
  Conv2d conv_in_;
  std::vector<Level> levels_;
  MiddleBlock middle_;
  GroupNorm norm_out_;
  Conv2d conv_out_;
};

class Vae::Decoder : public Module {
 public:
  explicit Decoder(const VaeConfig& c)
      : conv_in_(c.latent_channels, c.block_channels.back(), 3, 1, 1),
        middle_(c.block_channels.back(), c.groups),
        norm_out_(c.groups, c.block_channels.front(), kEps),
        conv_out_(c.block_channels.front(), c.out_channels, 3, 1, 1) {
    add("conv_in", conv_in_);
    add("mid_block", middle_);
    std::int64_t channels = c.block_channels.back();
    levels_.resize(c.block_channels.size());
    for (std::size_t i = 0; i < levels_.size(); ++i) {
      const std::string prefix = "up_blocks." + std::to_string(i) + ".";
      const std::int64_t out = c.block_channels[levels_.size() - 1 - i];
      for (std::int64_t j = 0; j <= c.layers_per_block; ++j) {
        levels_[i].resnets.push_back(std::make_unique<ResnetBlock>(channels, out, c.groups, kEps));
        add(prefix + "resnets." + std::to_string(j), *levels_[i].resnets.back());
        channels = out;
      }
      if (i + 1 < levels_.size()) {
        levels_[i].resize = std::make_unique<Conv2d>(channels, channels, 3, 1, 1);
        levels_[i].resize->expect_enlarged();
        add(prefix + "upsamplers.0.conv", *levels_[i].resize);
      }
    }
    add("conv_norm_out", norm_out_);
    add("conv_out", conv_out_);
  }

  at::Tensor forward(const at::Tensor& latents) const {
    at::Tensor x = middle_.forward(conv_in_.forward(latents));
    for (const Level& level : levels_) {
      for (const auto& resnet : level.resnets) x = resnet->forward(std::move(x));
      if (!level.resize) continue;
      const std::int64_t height = 2 * x.size(2), width = 2 * x.size(3);
      x = level.resize->forward_enlarged(std::move(x), height, width);
    }
    return conv_out_.forward(norm_out_.forward_silu(std::move(x)));
  }

  at::Tensor forward_in_bands(const at::Tensor& latents, const VaeConfig& config, Wrap wrap) {
    at::Tensor x = middle_.forward(conv_in_.forward(latents));
    for (const auto& resnet : levels_.front().resnets) x = resnet->forward(std::move(x));
    DecoderTail tail{
        .norm_out = &norm_out_, .conv_out = &conv_out_, .groups = config.groups, .eps = kEps};
    for (std::size_t i = 1; i < levels_.size(); ++i) {
      DecoderTail::Level& level = tail.levels.emplace_back();
      level.enlarged = levels_[i - 1].resize.get();
      for (const auto& resnet : levels_[i].resnets) level.resnets.push_back(resnet.get());
    }
    return run_in_bands(std::move(x), tail, wrap);
  }

 private:
  Conv2d conv_in_;
  MiddleBlock middle_;
  std::vector<Level> levels_;
  GroupNorm norm_out_;
  Conv2d conv_out_;
};

Vae::Vae(const VaeConfig& config)
    : config_(config),
      encoder_(std::make_unique<Encoder>(config)),
      decoder_(std::make_unique<Decoder>(config)),
      quant_conv_(2 * config.latent_channels, 2 * config.latent_channels, 1),
      post_quant_conv_(config.latent_channels, config.latent_channels, 1) {
  add("encoder", *encoder_);
  add("decoder", *decoder_);
  add("quant_conv", quant_conv_);
  add("post_quant_conv", post_quant_conv_);
}

Vae::~Vae() = default;

Module& Vae::encoder() { return *encoder_; }
Module& Vae::decoder() { return *decoder_; }

LatentDistribution Vae::encode(const at::Tensor& pixels) const {
  TORCH_CHECK(pixels.dim() == 4 && pixels.size(1) == config_.in_channels, "pixels must be [B,",
              config_.in_channels, ",H,W], got ", pixels.sizes());
  const auto moments =
      quant_conv_.forward(encoder_->forward(pixels.contiguous(at::MemoryFormat::ChannelsLast)))
          .chunk(2, 1);
  return {moments[0], moments[1].clamp(-30, 20)};
}

at::Tensor Vae::decoder_input(const at::Tensor& latents) const {
  TORCH_CHECK(latents.dim() == 4 && latents.size(1) == config_.latent_channels,
              "latents must be [B,", config_.latent_channels, ",h,w], got ", latents.sizes());
  return post_quant_conv_.forward(latents.contiguous(at::MemoryFormat::ChannelsLast));
}

at::Tensor Vae::decode(const at::Tensor& latents) const {
  return decoder_->forward(decoder_input(latents));
}

at::Tensor Vae::decode_in_bands(const at::Tensor& latents, Wrap wrap) const {
  return decoder_->forward_in_bands(decoder_input(latents), config_, wrap);
}

}  // namespace invokeai::nn
