#include "sampling/preview.h"

#include "base/result.h"

namespace invokeai::sampling {
namespace {

// Rows: latent channels; columns: red, green, blue.
constexpr float kColours[4][3] = {{0.3444f, 0.1385f, 0.0670f},
                                  {0.1247f, 0.4027f, 0.1494f},
                                  {-0.3192f, 0.2513f, 0.2103f},
                                  {-0.1307f, -0.1874f, -0.7445f}};

}  // namespace

at::Tensor latent_preview(const at::Tensor& latents) {
  INVOKEAI_CHECK_EQ(latents.dim(), 4);
  INVOKEAI_CHECK_EQ(latents.size(0), 1);
  INVOKEAI_CHECK_EQ(latents.size(1), 4);
  const at::Tensor colours = at::from_blob(const_cast<float*>(&kColours[0][0]), {4, 3}, at::kFloat);
  const at::Tensor pixels =
      latents[0].permute({1, 2, 0}).to(at::kCPU, at::kFloat).matmul(colours);  // [h,w,3], -1..1
  return (pixels.add(1).div(2).clamp(0, 1).nan_to_num() * 255).to(at::kByte);
}

}  // namespace invokeai::sampling
