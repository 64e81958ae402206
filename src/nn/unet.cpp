#include "nn/unet.h"

#include <algorithm>
#include <utility>

#include "nn/resnet.h"
#include "nn/threads.h"

namespace invokeai::nn {
namespace {

/// What the attention layers of one evaluation look at.
struct Listening {
  const at::Tensor& context;
  AttentionControl* control = nullptr;
  ContextKeys* keys = nullptr;
  std::int64_t height = 0;     // of the feature map at hand
  std::int64_t width = 0;
};

/// Multi-head attention of tokens to themselves or to the context.
class Attention : public Module {
 public:
  Attention(std::int64_t width, std::int64_t context_width, std::int64_t heads, bool upcast)
      : heads_(heads),
        upcast_(upcast),
        q_(width, width, false),
        k_(context_width, width, false),
        v_(context_width, width, false),
        out_(width, width) {
    add("to_q", q_);
    add("to_k", k_);
    add("to_v", v_);
    add("to_out.0", out_);
  }

  /// Keys and values of a prompt are computed once, so nothing is gained by rounding them.
  void keep_context_exact() {
    k_.stay_exact();
    v_.stay_exact();
  }

  /// x plus what the tokens `normed` [B,L,C] find in each other.
  at::Tensor attend_self(at::Tensor normed, const at::Tensor& x, const Listening& to) const {
    at::Tensor q, k, v;
    {
      const Tokens tokens(std::move(normed));
      q = q_.forward(tokens), k = k_.forward(tokens), v = v_.forward(tokens);
    }
    return out_.forward_add(attend(q, {k, v}, to, /*cross=*/false), x);
  }

  /// x plus what they find in the context [B,S,context_width].
  at::Tensor attend_cross(at::Tensor normed, const at::Tensor& x, const Listening& to) const {
    const ContextKeys::Layer layer = keys_of_context(to);
    const at::Tensor q = q_.forward(Tokens(std::move(normed)));
    return out_.forward_add(attend(q, layer, to, /*cross=*/true), x);
  }

  ContextKeys::Layer keys_of_context(const Listening& to) const {
    const auto make = [&]() -> ContextKeys::Layer {
      return {k_.forward(to.context), v_.forward(to.context)};
    };
    if (!to.keys) return make();
    const auto [found, fresh] = to.keys->layers.try_emplace(this);
    if (fresh) found->second = make();
    return found->second;
  }

 private:
  at::Tensor attend(const at::Tensor& q, const ContextKeys::Layer& layer, const Listening& to,
                    bool cross) const {
    if (!to.control) return attention(q, layer.k, layer.v, heads_, /*causal=*/false, upcast_);
    const AttentionSite site{
        .cross = cross, .height = to.height, .width = to.width, .heads = heads_};
    return to.control->attend(site, {q, layer.k, layer.v}, upcast_);
  }

  std::int64_t heads_;
  bool upcast_;
  Linear q_, k_, v_, out_;
};

/// GEGLU feed-forward (Shazeer 2020): value half times GELU of the gate half, then back.
class FeedForward : public Module {
 public:
  explicit FeedForward(std::int64_t width) : in_(width, 8 * width), out_(4 * width, width) {
    add("net.0.proj", in_);
    add("net.2", out_);
  }
  /// x plus what the layers make of `normed`, both [B,L,C].
  at::Tensor forward_add(const at::Tensor& normed, const at::Tensor& x) const {
    const Tokens gated = in_.forward_geglu(normed, out_);
    return out_.forward_add(gated, x);
  }

 private:
  Linear in_, out_;
};

/// x += self-attention; x += cross-attention; x += feed-forward, each on the normed x.
class TransformerBlock : public Module {
 public:
  TransformerBlock(std::int64_t width, std::int64_t context_width, std::int64_t heads, bool upcast)
      : norm1_(width),
        self_(width, width, heads, upcast),
        norm2_(width),
        cross_(width, context_width, heads, upcast),
        norm3_(width),
        feed_forward_(width) {
    cross_.keep_context_exact();
    add("norm1", norm1_);
    add("attn1", self_);
    add("norm2", norm2_);
    add("attn2", cross_);
    add("norm3", norm3_);
    add("ff", feed_forward_);
  }

  at::Tensor forward(at::Tensor x, const Listening& to) const {
    x = self_.attend_self(norm1_.forward(x), x, to);
    x = cross_.attend_cross(norm2_.forward(x), x, to);
    return feed_forward_.forward_add(norm3_.forward(x), x);
  }

  void make_keys(const Listening& to) const { cross_.keys_of_context(to); }

 private:
  LayerNorm norm1_;
  Attention self_;
  LayerNorm norm2_;
  Attention cross_;
  LayerNorm norm3_;
  FeedForward feed_forward_;
};

}  // namespace

/// Spatial transformer: norm, project in, blocks over the h*w tokens, project out, add the input.
/// The projections are 1x1 convolutions in SD 1.x and linear layers later; on channels-last tokens
/// both are the same matrix product, only the shape in the file differs.
class UNet::Transformer : public Module {
 public:
  Transformer(const UNetConfig& c, std::int64_t channels, std::int64_t heads, std::int64_t depth)
      : norm_(c.groups, channels, 1e-6) {
    if (c.linear_projection) {
      in_linear_ = std::make_unique<Linear>(channels, channels);
      out_linear_ = std::make_unique<Linear>(channels, channels);
      add("proj_in", *in_linear_);
      add("proj_out", *out_linear_);
    } else {
      in_conv_ = std::make_unique<Conv2d>(channels, channels, 1);
      out_conv_ = std::make_unique<Conv2d>(channels, channels, 1);
      add("proj_in", *in_conv_);
      add("proj_out", *out_conv_);
    }
    add("norm", norm_);
    for (std::int64_t i = 0; i < depth; ++i) {
      blocks_.push_back(std::make_unique<TransformerBlock>(channels, c.cross_attention_dim, heads,
                                                           c.upcast_attention));
      add("transformer_blocks." + std::to_string(i), *blocks_.back());
    }
  }

  at::Tensor forward(const at::Tensor& x, Listening& to) const {  // [B,C,h,w]
    to.height = x.size(2), to.width = x.size(3);
    at::Tensor tokens = project_in(norm_.forward(x));
    for (const auto& block : blocks_) tokens = block->forward(std::move(tokens), to);
    return out_conv_ ? out_conv_->forward_add(as_map(tokens, x.size(2), x.size(3)), x)
                     : as_map(out_linear_->forward_add(tokens, as_tokens(x)), x.size(2), x.size(3));
  }

  void make_keys(const Listening& to) const {
    for (const auto& block : blocks_) block->make_keys(to);
  }

 private:
  at::Tensor project_in(const at::Tensor& normed) const {
    return in_conv_ ? as_tokens(in_conv_->forward(normed)) : in_linear_->forward(as_tokens(normed));
  }

  GroupNorm norm_;
  std::unique_ptr<Conv2d> in_conv_, out_conv_;
  std::unique_ptr<Linear> in_linear_, out_linear_;
  std::vector<std::unique_ptr<TransformerBlock>> blocks_;
};

/// One level of the U, or its middle: residual blocks, each followed by a transformer where the
/// level has attention, then an optional change of size.
struct UNet::Level {
  std::vector<std::unique_ptr<ResnetBlock>> resnets;
  std::vector<std::unique_ptr<Transformer>> attentions;
  std::unique_ptr<Conv2d> resize;
};

void UNet::add_level(Level& level, const std::string& prefix, const std::string& resize_name) {
  for (std::size_t i = 0; i < level.resnets.size(); ++i)
    add(prefix + ".resnets." + std::to_string(i), *level.resnets[i]);
  for (std::size_t i = 0; i < level.attentions.size(); ++i)
    add(prefix + ".attentions." + std::to_string(i), *level.attentions[i]);
  if (level.resize) add(prefix + "." + resize_name + ".0.conv", *level.resize);
}

UNet::UNet(const UNetConfig& config)
    : config_(config),
      conv_in_(config.in_channels, config.block_channels.front(), 3, 1, 1),
      time_linear1_(config.block_channels.front(), 4 * config.block_channels.front()),
      time_linear2_(4 * config.block_channels.front(), 4 * config.block_channels.front()),
      norm_out_(config.groups, config.block_channels.front(), config.eps),
      conv_out_(config.block_channels.front(), config.out_channels, 3, 1, 1) {
  const auto& c = config_;
  const std::size_t levels = c.block_channels.size();
  const std::int64_t time_width = 4 * c.block_channels.front();
  const auto resnet = [&](std::int64_t in, std::int64_t out) {
    return std::make_unique<ResnetBlock>(in, out, c.groups, c.eps, time_width);
  };
  const auto transformer = [&](std::size_t level) {
    return std::make_unique<Transformer>(c, c.block_channels[level], c.heads[level],
                                         c.transformer_layers[level]);
  };

  // What the network begins and ends with shows in the picture; it costs a hundredth of the time.
  for (Module* node : std::initializer_list<Module*>{&conv_in_, &time_linear1_, &time_linear2_, &conv_out_})
    node->stay_exact();
  add("conv_in", conv_in_);
  add("time_embedding.linear_1", time_linear1_);
  add("time_embedding.linear_2", time_linear2_);
  if (c.addition_time_dim > 0) {
    size_linear1_ = std::make_unique<Linear>(c.addition_input_dim, time_width);
    size_linear2_ = std::make_unique<Linear>(time_width, time_width);
    add("add_embedding.linear_1", *size_linear1_);
    add("add_embedding.linear_2", *size_linear2_);
  }

  std::vector<std::int64_t> skips{c.block_channels.front()};  // channels of what the way up concatenates
  std::int64_t channels = c.block_channels.front();
  for (std::size_t i = 0; i < levels; ++i) {
    auto level = std::make_unique<Level>();
    for (std::int64_t j = 0; j < c.layers_per_block; ++j) {
      level->resnets.push_back(resnet(channels, c.block_channels[i]));
      if (c.down_attention[i]) level->attentions.push_back(transformer(i));
      channels = c.block_channels[i];
      skips.push_back(channels);
    }
    if (i + 1 < levels) {
      level->resize = std::make_unique<Conv2d>(channels, channels, 3, 2, 1);
      skips.push_back(channels);
    }
    add_level(*level, "down_blocks." + std::to_string(i), "downsamplers");
    down_.push_back(std::move(level));
  }

  middle_ = std::make_unique<Level>();
  middle_->resnets.push_back(resnet(channels, channels));
  middle_->resnets.push_back(resnet(channels, channels));
  middle_->attentions.push_back(transformer(levels - 1));
  add_level(*middle_, "mid_block", "");

  for (std::size_t i = 0; i < levels; ++i) {
    const std::size_t mirrored = levels - 1 - i;
    auto level = std::make_unique<Level>();
    for (std::int64_t j = 0; j <= c.layers_per_block; ++j) {
      level->resnets.push_back(resnet(channels + skips.back(), c.block_channels[mirrored]));
      skips.pop_back();
      if (c.up_attention[i]) level->attentions.push_back(transformer(mirrored));
      channels = c.block_channels[mirrored];
    }
    if (i + 1 < levels) {
      level->resize = std::make_unique<Conv2d>(channels, channels, 3, 1, 1);
      level->resize->expect_enlarged();
    }
    add_level(*level, "up_blocks." + std::to_string(i), "upsamplers");
    up_.push_back(std::move(level));
  }
  add("conv_norm_out", norm_out_);
  add("conv_out", conv_out_);
}

UNet::~UNet() = default;

at::Tensor UNet::time_embedding(const at::Tensor& timesteps, at::ScalarType dtype,
                                const SizeCondition* size) const {
  const auto& c = config_;
  at::Tensor time = timestep_embedding(timesteps, c.block_channels.front(), c.cos_first,
                                       c.frequency_shift).to(dtype);
  time = time_linear2_.forward(at::silu(time_linear1_.forward(time)));
  if (!size_linear1_) return time;
  TORCH_CHECK(size != nullptr, "this UNet needs pooled text and size ids (SDXL)");
  const std::int64_t batch = size->time_ids.size(0);
  const at::Tensor ids = timestep_embedding(size->time_ids.reshape({-1}), c.addition_time_dim)
                             .reshape({batch, -1}).to(dtype);
  const at::Tensor extra = at::cat({size->pooled_text.to(dtype), ids}, 1);
  return time + size_linear2_->forward(at::silu(size_linear1_->forward(extra)));
}

/// One evaluation on its way.
struct UNet::Run {
  Listening listening;
  at::Tensor time;                 // [B,4C], through SiLU
  std::vector<at::Tensor> skips;   // from the way down, the last is wanted first
  DeepFeatures* deep = nullptr;    // to be kept

  at::Tensor take_skip() {
    at::Tensor skip = std::move(skips.back());
    skips.pop_back();
    return skip;
  }
};

namespace {

/// The weights of a streamed block while it runs.
class Borrowed {
 public:
  Borrowed(WeightSource* source, const std::vector<Module*>& streamed, Module& node)
      : source_(std::ranges::count(streamed, &node) > 0 ? source : nullptr), node_(node) {
    if (source_) source_->bring(node_);
  }
  ~Borrowed() {
    if (source_) source_->drop(node_);
  }
  Borrowed(const Borrowed&) = delete;
  Borrowed& operator=(const Borrowed&) = delete;

 private:
  WeightSource* source_;
  Module& node_;
};

}  // namespace

std::vector<Module*> UNet::blocks() const {
  std::vector<Module*> all;
  const auto add = [&all](const Level& level) {
    for (std::size_t j = 0; j < level.resnets.size(); ++j) {
      all.push_back(level.resnets[j].get());
      if (j < level.attentions.size()) all.push_back(level.attentions[j].get());
    }
    if (level.resize) all.push_back(level.resize.get());
  };
  for (const auto& level : down_) add(*level);
  add(*middle_);
  for (const auto& level : up_) add(*level);
  return all;
}

ContextKeys UNet::keys_of(const at::Tensor& context) const {
  TORCH_CHECK(streamed_.empty(), "keys of a context need the weights of all blocks");
  ContextKeys keys;
  const Listening to{.context = context, .keys = &keys};
  const auto make = [&to](const Level& level) {
    for (const auto& attention : level.attentions) attention->make_keys(to);
  };
  for (const auto& level : down_) make(*level);
  make(*middle_);
  for (const auto& level : up_) make(*level);
  return keys;
}

void UNet::stream(std::vector<Module*> blocks, WeightSource& source) {
  streamed_ = std::move(blocks);
  source_ = &source;
}

/// Residual block j of a level and the transformer behind it, where there is one.
at::Tensor UNet::block(Run& run, const Level& level, std::size_t j, at::Tensor x) const {
  {
    const Borrowed weights(source_, streamed_, *level.resnets[j]);
    x = level.resnets[j]->forward(std::move(x), run.time);
  }
  if (j >= level.attentions.size()) return x;
  const Borrowed weights(source_, streamed_, *level.attentions[j]);
  return level.attentions[j]->forward(x, run.listening);
}

at::Tensor UNet::go_down(Run& run, at::Tensor x) const {
  run.skips.push_back(x);
  for (const auto& level : down_) {
    for (std::size_t j = 0; j < level->resnets.size(); ++j) {
      x = block(run, *level, j, std::move(x));
      run.skips.push_back(x);
    }
    if (!level->resize) continue;
    const Borrowed weights(source_, streamed_, *level->resize);
    x = level->resize->forward(x);
    run.skips.push_back(x);
  }
  return x;
}

at::Tensor UNet::go_up(Run& run, at::Tensor x, std::size_t first_level,
                       std::size_t first_block) const {
  for (std::size_t i = first_level; i < up_.size(); ++i) {
    const Level& level = *up_[i];
    for (std::size_t j = i == first_level ? first_block : 0; j < level.resnets.size(); ++j) {
      const bool last_but_one = i + 1 == up_.size() && j + 2 == level.resnets.size();
      if (run.deep && last_but_one) run.deep->map = x;
      {
        const AllThreads threads;
        x = at::cat({std::exchange(x, {}), run.take_skip()}, 1);
      }
      x = block(run, level, j, std::move(x));
    }
    if (!level.resize) continue;
    // To the next skip's exact size: latents whose sides are not multiples of 8 halve unevenly.
    const Borrowed weights(source_, streamed_, *level.resize);
    x = level.resize->forward_enlarged(std::move(x), run.skips.back().size(2),
                                       run.skips.back().size(3));
  }
  return x;
}

/// The outermost blocks alone: one on the way down, two on the way up.
at::Tensor UNet::from_deep_features(Run& run, at::Tensor x) const {
  run.skips.push_back(x);
  run.skips.push_back(block(run, *down_.front(), 0, std::move(x)));
  const at::Tensor deep = std::exchange(run.deep, nullptr)->map;
  return go_up(run, deep, up_.size() - 1, up_.back()->resnets.size() - 2);
}

at::Tensor UNet::forward(const at::Tensor& sample, const at::Tensor& timesteps,
                         const at::Tensor& context, const UNetHelp& help) const {
  TORCH_CHECK(sample.dim() == 4 && sample.size(1) == config_.in_channels, "sample must be [B,",
              config_.in_channels, ",h,w], got ", sample.sizes());
  TORCH_CHECK(context.dim() == 3 && context.size(2) == config_.cross_attention_dim,
              "context must be [B,S,", config_.cross_attention_dim, "], got ", context.sizes());
  Run run{.listening = {.context = context, .control = help.control, .keys = help.keys},
          .time = at::silu(time_embedding(timesteps, sample.scalar_type(), help.size)),
          .skips = {},
          .deep = help.deep};
  at::Tensor x = conv_in_.forward(sample.contiguous(at::MemoryFormat::ChannelsLast));
  if (help.deep && help.deep->reuse && help.deep->map.defined()) {
    x = from_deep_features(run, std::move(x));
  } else {
    x = go_down(run, std::move(x));
    x = block(run, *middle_, 0, std::move(x));
    x = block(run, *middle_, 1, std::move(x));
    x = go_up(run, std::move(x), 0, 0);
  }
  return conv_out_.forward(norm_out_.forward_silu(std::move(x)));
}

}  // namespace invokeai::nn
