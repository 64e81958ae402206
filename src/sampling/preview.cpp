#include "sampling/preview.h"

#include "base/result.h"

namespace invokeai::sampling {

PreviewColors stable_diffusion_colors() {
  // Rows: latent channels; columns: red, green, blue.
  return {at::tensor({0.3444f, 0.1385f, 0.0670f,    //
                      0.1247f, 0.4027f, 0.1494f,    //
                      -0.3192f, 0.2513f, 0.2103f,   //
                      -0.1307f, -0.1874f, -0.7445f})
              .reshape({4, 3}),
          at::zeros({3})};
}

PreviewColors fit_preview_colors(const at::Tensor& latents, const at::Tensor& colors) {
  INVOKEAI_CHECK_EQ(latents.dim(), 2);
  INVOKEAI_CHECK_EQ(latents.size(0), colors.size(0));
  const std::int64_t channels = latents.size(1);
  const at::Tensor known = at::cat({latents, at::ones({latents.size(0), 1})}, 1).to(at::kDouble);
  // Normal equations; the small ridge keeps channels that never vary from dividing by zero.
  const at::Tensor gram = known.t().matmul(known) + 1e-6 * at::eye(channels + 1, at::kDouble);
  const at::Tensor found =
      at::linalg_solve(gram, known.t().matmul(colors.to(at::kDouble))).to(at::kFloat);
  return {found.slice(0, 0, channels), found[channels]};
}

at::Tensor latent_preview(const at::Tensor& latents, const PreviewColors& colors) {
  INVOKEAI_CHECK_EQ(latents.dim(), 4);
  INVOKEAI_CHECK_EQ(latents.size(0), 1);
  INVOKEAI_CHECK_EQ(latents.size(1), colors.weight.size(0));
  const at::Tensor pixels =
      latents[0].permute({1, 2, 0}).to(at::kCPU, at::kFloat).matmul(colors.weight) + colors.bias;
  return (pixels.add(1).div(2).clamp(0, 1).nan_to_num() * 255).to(at::kByte);
}

}  // namespace invokeai::sampling
