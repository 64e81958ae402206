#include "pipeline/tiled_decode.h"

#include <algorithm>

namespace invokeai::pipeline {
namespace {

/// Weight of each pixel along one side of a tile: 1 inside, falling towards neighbours, never 0.
at::Tensor fade(std::int64_t pixels, std::int64_t before, std::int64_t after) {
  const at::Tensor position = at::arange(pixels, at::kFloat);
  at::Tensor weight = at::ones({pixels}, at::kFloat);
  if (before > 0) weight = at::minimum(weight, (position + 1) / static_cast<double>(before + 1));
  if (after > 0)
    weight = at::minimum(weight, (pixels - position) / static_cast<double>(after + 1));
  return weight;
}

/// Cells that a tile shares with the one before and the one behind.
struct Shared {
  std::int64_t before = 0, after = 0;
};
Shared shared_at(const std::vector<std::int64_t>& starts, std::size_t i, std::int64_t side) {
  return {i > 0 ? starts[i - 1] + side - starts[i] : 0,
          i + 1 < starts.size() ? starts[i] + side - starts[i + 1] : 0};
}

at::Tensor assemble(const at::Tensor& latents, const TileShape& shape,
                    const std::function<at::Tensor(const at::Tensor&)>& decode) {
  const std::int64_t height = latents.size(2), width = latents.size(3);
  const std::int64_t tall = std::min<std::int64_t>(shape.side, height);
  const std::int64_t wide = std::min<std::int64_t>(shape.side, width);
  const auto rows = tile_starts(height, tall, shape.overlap);
  const auto columns = tile_starts(width, wide, shape.overlap);
  if (rows.size() == 1 && columns.size() == 1) return decode(latents).to(at::kFloat);
  at::Tensor picture, weights;
  for (std::size_t i = 0; i < rows.size(); ++i)
    for (std::size_t j = 0; j < columns.size(); ++j) {
      const at::Tensor cells =
          latents.slice(2, rows[i], rows[i] + tall).slice(3, columns[j], columns[j] + wide);
      const at::Tensor pixels = decode(cells).to(at::kFloat);
      const std::int64_t scale = pixels.size(2) / tall;
      if (!picture.defined()) {
        picture = at::zeros({1, pixels.size(1), scale * height, scale * width}, pixels.options());
        weights = at::zeros({scale * height, scale * width}, pixels.options());
      }
      const Shared y = shared_at(rows, i, tall), x = shared_at(columns, j, wide);
      const at::Tensor weight =
          (fade(scale * tall, scale * y.before, scale * y.after).unsqueeze(1) *
           fade(scale * wide, scale * x.before, scale * x.after).unsqueeze(0))
              .to(pixels.device());
      const auto place = [&](const at::Tensor& whole, std::int64_t down) {
        return whole.slice(down, scale * rows[i], scale * (rows[i] + tall))
            .slice(down + 1, scale * columns[j], scale * (columns[j] + wide));
      };
      place(picture, 2).add_(pixels * weight);
      place(weights, 0).add_(weight);
    }
  return picture.div_(weights);
}

}  // namespace

std::vector<std::int64_t> tile_starts(std::int64_t length, std::int64_t side, std::int64_t overlap) {
  if (length <= side) return {0};
  const std::int64_t step = std::max<std::int64_t>(1, side - overlap);
  const std::int64_t count = (length - side + step - 1) / step + 1;
  std::vector<std::int64_t> starts;
  for (std::int64_t i = 0; i < count; ++i) starts.push_back(i * (length - side) / (count - 1));
  return starts;
}

at::Tensor decode_in_tiles(const at::Tensor& latents, const TileShape& shape,
                           const std::function<at::Tensor(const at::Tensor&)>& decode) {
  // Where edges meet, the picture goes on beyond them; what is decoded there is cut off again.
  const std::int64_t x = shape.wrap.x ? std::min<std::int64_t>(shape.overlap, latents.size(3)) : 0;
  const std::int64_t y = shape.wrap.y ? std::min<std::int64_t>(shape.overlap, latents.size(2)) : 0;
  if (x == 0 && y == 0) return assemble(latents, shape, decode);
  const at::Tensor wide = at::pad(at::pad(latents, {x, x, 0, 0}, "circular"), {0, 0, y, y}, "circular");
  const at::Tensor pixels = assemble(wide, shape, decode);
  const std::int64_t scale = pixels.size(2) / wide.size(2);
  return pixels.slice(2, scale * y, pixels.size(2) - scale * y)
      .slice(3, scale * x, pixels.size(3) - scale * x);
}

}  // namespace invokeai::pipeline
