#pragma once
// Layers the three networks share. Feature maps are [B,C,H,W] stored channels-last, so that the
// same memory is also the token sequence [B,H*W,C] without a copy.

#include <cstdint>
#include <optional>

#include "nn/int8.h"
#include "nn/module.h"
#include "nn/packed.h"
#include "nn/products.h"

namespace invokeai::nn {

/// Tokens [...,in] that several layers read, rounded to 8 bits at most once.
class Tokens {
 public:
  Tokens(at::Tensor x) : x_(std::move(x)) {}
  /// Rounded already; there is no other form.
  explicit Tokens(Int8Rows rows) : rows_(std::move(rows)) {}
  const at::Tensor& plain() const { return x_; }
  const Int8Rows& rounded() const;

 private:
  at::Tensor x_;
  mutable std::optional<Int8Rows> rows_;
};

/// y = x W^T + b over the last dimension. weight [out,in].
class Linear : public Module {
 public:
  Linear(std::int64_t in, std::int64_t out, bool bias = true);
  at::Tensor forward(const Tokens& x) const;  // [...,in] -> [...,out]
  /// The same plus `addend` [...,out].
  at::Tensor forward_add(const Tokens& x, const at::Tensor& addend) const;
  /// geglu of it, in the form the layer `next` reads it in. [...,in] -> [...,out/2]
  Tokens forward_geglu(const Tokens& x, const Linear& next) const;

 protected:
  void pack_own(WeightForm form) override;
  void drop_own() override {
    int8_.reset();
    own_.reset();
  }

 private:
  at::Tensor run(const Tokens& x, const at::Tensor& addend) const;

  at::Tensor weight_, bias_;
  std::optional<Int8Weight> int8_;  // in place of weight_ and bias_, which are shapes then
  std::optional<OwnWeight> own_;    // in place of weight_
};

/// Directions in which a picture's edges meet: padding takes the pixels of the other edge instead
/// of zeros (generation spec 11).
struct Wrap {
  bool x = false;
  bool y = false;
};

/// Square convolution with bias. weight [out,in,k,k].
class Conv2d : public Module {
 public:
  Conv2d(std::int64_t in, std::int64_t out, std::int64_t kernel, std::int64_t stride = 1,
         std::int64_t padding = 0);
  at::Tensor forward(const at::Tensor& x) const;  // [B,in,H,W] -> [B,out,H',W']
  void set_wrap(Wrap wrap) { wrap_ = wrap; }
  /// The same plus `addend` [B,out,H',W'].
  at::Tensor forward_add(const at::Tensor& x, const at::Tensor& addend) const;
  /// Of x enlarged to the given size by repeating pixels: twice its size, or one less of an odd
  /// side. Handed over with std::move, x is free as soon as it was read.
  at::Tensor forward_enlarged(at::Tensor x, std::int64_t height, std::int64_t width) const;
  /// Said before packing where forward_enlarged is what will be called.
  void expect_enlarged() { enlarged_ = true; }

 protected:
  void pack_own(WeightForm form) override;
  std::int64_t own_packed_bytes(WeightForm form, at::ScalarType type) override;
  void drop_own() override {
    int8_.reset();
    own_.reset();
  }

 private:
  at::Tensor run(const at::Tensor& x, const ConvShape& shape, const at::Tensor& addend = {}) const;
  bool wrapped() const { return shape_.padding > 0 && (wrap_.x || wrap_.y); }
  std::optional<Way> way(WeightForm form, at::ScalarType type) const;
  at::Tensor forward_wrapped(const at::Tensor& x) const;

  at::Tensor weight_, bias_;
  std::optional<Int8Weight> int8_;  // in place of weight_ and bias_, which are shapes then
  std::optional<OwnWeight> own_;    // in place of weight_
  std::int64_t kernel_;
  ConvShape shape_;
  Wrap wrap_;
  bool enlarged_ = false;
};

/// Sets it for every convolution of a network.
void set_wrap(Module& network, Wrap wrap);

/// Normalises groups of channels to zero mean and unit variance (Wu & He 2018).
class GroupNorm : public Module {
 public:
  GroupNorm(std::int64_t groups, std::int64_t channels, double eps);
  at::Tensor forward(const at::Tensor& x) const;  // [B,C,...] -> same
  /// SiLU of the norm of x + shift. x [B,C,H,W]; shift [B,C] or undefined. Handed over with
  /// std::move and held by nobody else, x becomes the memory of the result.
  at::Tensor forward_silu(at::Tensor x, const at::Tensor& shift = {}) const;

 private:
  at::Tensor run(at::Tensor x, const at::Tensor& shift, bool silu) const;

  at::Tensor weight_, bias_;
  std::int64_t groups_;
  double eps_;
};

/// Normalises the last dimension (Ba 2016).
class LayerNorm : public Module {
 public:
  explicit LayerNorm(std::int64_t width, double eps = 1e-5);
  at::Tensor forward(const at::Tensor& x) const;

 private:
  at::Tensor weight_, bias_;
  double eps_;
};

/// Rows of a table. weight [count,width].
class Embedding : public Module {
 public:
  Embedding(std::int64_t count, std::int64_t width);
  at::Tensor forward(const at::Tensor& ids) const;  // [...] i64 -> [...,width]
  at::Tensor& weight() { return weight_; }

 private:
  at::Tensor weight_;
};

/// softmax(Q K^T / sqrt(d)) V for each head, Vaswani 2017.
///   q [B,L,heads*d], k and v [B,S,heads*d]  ->  [B,L,heads*d]
/// causal: position i sees 0..i. upcast: scores in f32 (SD 2.1, generation spec 15.1).
at::Tensor attention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                     std::int64_t heads, bool causal = false, bool upcast = false);

/// value * gelu(gate) of the two halves of the last dimension (GEGLU, Shazeer 2020), gelu with the
/// error function. [...,2n] -> [...,n]
at::Tensor geglu(const at::Tensor& x);

/// Nearest-neighbour enlargement to the given size (twice the input, or one less of an odd side).
at::Tensor enlarge_nearest(const at::Tensor& x, std::int64_t height, std::int64_t width);

/// [B,C,H,W] channels-last -> [B,H*W,C], a view.
at::Tensor as_tokens(const at::Tensor& x);
/// [B,H*W,C] -> [B,C,H,W] channels-last, a view.
at::Tensor as_map(const at::Tensor& tokens, std::int64_t height, std::int64_t width);

/// Sinusoidal embedding of timesteps, f32: with half = width/2 and f_i = exp(-ln(10000) i/(half-shift)),
/// [cos(t f), sin(t f)] when `cos_first`, else sine first. timesteps [B] f32 -> [B,width].
at::Tensor timestep_embedding(const at::Tensor& timesteps, std::int64_t width, bool cos_first = true,
                              double frequency_shift = 0);

}  // namespace invokeai::nn
