#include "nn/internal/attention_paths.h"

#include <cmath>

#include "nn/internal/tensors.h"
#include "nn/layers.h"
#include "nn/threads.h"

namespace invokeai::nn {
namespace {

/// The terms of our kernels: bfloat16, the numbers of a head side by side and in pairs.
bool fits_kernels(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, std::int64_t heads) {
  for (const at::Tensor* x : {&q, &k, &v})
    if (!kernels_suit(*x) || !is_half(*x) || x->stride(2) != 1) return false;
  return q.size(2) / heads % 2 == 0;
}

at::Tensor kernel_attention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                            std::int64_t heads, bool amx) {
  const at::Tensor out = at::empty(q.sizes(), q.options());
  const std::int64_t width = q.size(2) / heads;
  const auto strides = [width](const at::Tensor& x) {
    return HeadStrides{x.stride(0), x.stride(1), width};
  };
  const auto run = amx ? run_attention_amx : run_attention_avx512;
  run({.q = memory<Bf16>(q),
       .k = memory<Bf16>(k),
       .v = memory<Bf16>(v),
       .out = memory_to_write<Bf16>(out),
       .q_strides = strides(q),
       .k_strides = strides(k),
       .v_strides = strides(v),
       .out_strides = strides(out),
       .batch = q.size(0),
       .heads = heads,
       .queries = q.size(1),
       .keys = k.size(1),
       .width = width,
       .scale = 1 / std::sqrt(static_cast<float>(width))},
      parallel_for);
  return out;
}

/// As three plain products. In training on a CPU this is three to four times faster than the fused
/// attention, whose backward pass makes a small matrix product for each block of 64 tokens.
at::Tensor plain_attention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, bool causal) {
  const double scale = 1 / std::sqrt(static_cast<double>(q.size(3)));
  at::Tensor scores = at::matmul(q * scale, k.transpose(2, 3));  // [B,heads,L,S]
  if (causal)
    scores = scores.masked_fill(
        at::ones({q.size(2), k.size(2)}, q.options().dtype(at::kBool)).triu(1), -INFINITY);
  return at::matmul(scores.softmax(-1), v);
}

at::Tensor libtorch_attention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                              std::int64_t heads, bool causal, bool upcast) {
  const auto split = [heads](const at::Tensor& x) {  // [B,L,heads*d] -> [B,heads,L,d]
    return x.view({x.size(0), x.size(1), heads, x.size(2) / heads}).transpose(1, 2);
  };
  at::Tensor qs = split(q), ks = split(k), vs = split(v);
  // Half-precision CPU kernels already accumulate in f32; on other devices the scores of SD 2.1
  // overflow f16, so the whole attention is done in f32 there.
  const bool widen = upcast && q.scalar_type() == at::kHalf;
  if (widen) qs = qs.to(at::kFloat), ks = ks.to(at::kFloat), vs = vs.to(at::kFloat);
  const AllThreads threads;
  const bool training = q.is_cpu() && at::GradMode::is_enabled() && q.requires_grad();
  at::Tensor out = training ? plain_attention(qs, ks, vs, causal)
                            : at::scaled_dot_product_attention(qs, ks, vs, {}, 0.0, causal);
  if (widen) out = out.to(q.scalar_type());
  return out.transpose(1, 2).reshape({q.size(0), q.size(1), q.size(2)});
}

}  // namespace

const std::vector<AttentionPath>& attention_paths() {
  static const auto paths = [] {
    std::vector<AttentionPath> found;
    if (amx_available()) found.push_back(AttentionPath::amx);
    if (kernels_available()) found.push_back(AttentionPath::avx512);
    found.push_back(AttentionPath::libtorch);
    return found;
  }();
  return paths;
}

at::Tensor attention_by(AttentionPath path, const at::Tensor& q, const at::Tensor& k,
                        const at::Tensor& v, std::int64_t heads) {
  return path == AttentionPath::libtorch
             ? libtorch_attention(q, k, v, heads, /*causal=*/false, /*upcast=*/false)
             : kernel_attention(q, k, v, heads, path == AttentionPath::amx);
}

at::Tensor attention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                     std::int64_t heads, bool causal, bool upcast) {
  if (!causal && fits_kernels(q, k, v, heads))
    return attention_by(attention_paths().front(), q, k, v, heads);
  return libtorch_attention(q, k, v, heads, causal, upcast);
}

}  // namespace invokeai::nn
