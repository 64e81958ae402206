// Half precision to bfloat16: every one of the 65,536 numbers as the tensor library converts it.

#include "models/internal/half.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <numeric>
#include <vector>

namespace invokeai::models {
namespace {

TEST(HalfToBfloat16, AgreesWithTheTensorLibraryOnEveryNumber) {
  std::vector<std::uint16_t> halves(65536), ours(65536);
  std::iota(halves.begin(), halves.end(), std::uint16_t{0});
  half_to_bfloat16(halves.data(), ours.data(), halves.size());
  const at::Tensor from = at::from_blob(halves.data(), {65536}, at::TensorOptions().dtype(at::kHalf));
  const at::Tensor to = from.to(at::kBFloat16);
  const auto* theirs = static_cast<const std::uint16_t*>(to.const_data_ptr());
  const at::Tensor nan = from.isnan();
  const at::Tensor got = at::from_blob(ours.data(), {65536}, at::TensorOptions().dtype(at::kBFloat16));
  EXPECT_TRUE(got.isnan().equal(nan));
  for (std::size_t i = 0; i < halves.size(); ++i) {
    if (nan[static_cast<std::int64_t>(i)].item<bool>()) continue;
    ASSERT_EQ(ours[i], theirs[i]) << "half " << i;
  }
}

TEST(HalfToBfloat16, HandlesEveryLengthAndOffset) {
  std::vector<std::uint16_t> halves(64);
  std::iota(halves.begin(), halves.end(), std::uint16_t{0x3c00});
  std::vector<std::uint16_t> whole(64);
  half_to_bfloat16(halves.data(), whole.data(), 64);
  for (std::size_t start = 0; start < 20; ++start)
    for (std::size_t count = 0; count < 40; ++count) {
      std::vector<std::uint16_t> out(count + 1, 7);
      half_to_bfloat16(halves.data() + start, out.data(), count);
      for (std::size_t i = 0; i < count; ++i) ASSERT_EQ(out[i], whole[start + i]);
      ASSERT_EQ(out[count], 7) << "wrote beyond the end";
    }
}

}  // namespace
}  // namespace invokeai::models
