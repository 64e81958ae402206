#include "demo_model/data.h"

#include <algorithm>
#include <thread>

#include "drawer/paint.h"

namespace invokeai::demo {

std::vector<drawer::Scene> random_scenes(std::uint64_t first, int count,
                                         const drawer::SceneOptions& options) {
  std::vector<drawer::Scene> scenes;
  scenes.reserve(count);
  for (int i = 0; i < count; ++i) scenes.push_back(drawer::random_scene(first + i, options));
  return scenes;
}

at::Tensor paint_batch(const std::vector<drawer::Scene>& scenes, drawer::Extent extent) {
  const auto count = static_cast<std::int64_t>(scenes.size());
  at::Tensor bytes =
      at::empty({count, extent.height, extent.width, 3}, at::TensorOptions().dtype(at::kByte));
  auto* data = bytes.data_ptr<std::uint8_t>();
  const std::size_t stride = static_cast<std::size_t>(extent.height) * extent.width * 3;
  const auto paint_every = [&](std::int64_t begin, std::int64_t step) {
    for (std::int64_t i = begin; i < count; i += step) {
      const image::Image picture = drawer::paint(scenes[i], extent);
      std::copy(picture.pixels.begin(), picture.pixels.end(), data + i * stride);
    }
  };
  const auto threads =
      static_cast<std::int64_t>(std::clamp(std::thread::hardware_concurrency(), 1u, 16u));
  {
    std::vector<std::jthread> others;
    for (std::int64_t i = 1; i < threads; ++i) others.emplace_back(paint_every, i, threads);
    paint_every(0, threads);
  }
  return bytes.permute({0, 3, 1, 2}).to(at::kFloat).mul_(2.0 / 255).sub_(1);
}

}  // namespace invokeai::demo
