#include "nn/attention_control.h"

#include <cmath>

namespace invokeai::nn {
namespace {

at::Tensor split_heads(const at::Tensor& x, std::int64_t heads) {  // [B,L,heads*d] -> [B,heads,L,d]
  return x.view({x.size(0), x.size(1), heads, x.size(2) / heads}).transpose(1, 2);
}

}  // namespace

at::Tensor attention_maps(const at::Tensor& q, const at::Tensor& k, std::int64_t heads) {
  TORCH_CHECK(q.dim() == 3 && k.dim() == 3 && q.size(2) == k.size(2) && q.size(2) % heads == 0,
              "queries [B,L,", heads, "*d] and keys [B,S,", heads, "*d] expected, got ", q.sizes(),
              " and ", k.sizes());
  const at::Tensor qs = split_heads(q, heads).to(at::kFloat);
  const at::Tensor ks = split_heads(k, heads).to(at::kFloat);
  const double scale = 1 / std::sqrt(static_cast<double>(qs.size(3)));
  return (at::matmul(qs, ks.transpose(2, 3)) * scale).softmax(-1);
}

at::Tensor apply_maps(const at::Tensor& maps, const at::Tensor& v) {
  const at::Tensor out = at::matmul(maps, split_heads(v, maps.size(1)).to(maps.scalar_type()));
  return out.transpose(1, 2).reshape({v.size(0), maps.size(2), v.size(2)}).to(v.scalar_type());
}

}  // namespace invokeai::nn
