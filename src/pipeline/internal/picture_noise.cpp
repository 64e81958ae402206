#include "pipeline/internal/picture_noise.h"

namespace invokeai::pipeline {

PictureNoise::PictureNoise(const std::vector<PictureSeed>& seeds, double perlin) : perlin_(perlin) {
  for (const PictureSeed& seed : seeds) {
    Picture& picture = pictures_.emplace_back();
    picture.streams.emplace_back(seed.base);
    for (const image::Variation& variation : seed.variations) {
      picture.streams.emplace_back(variation.seed);
      picture.weights.push_back(variation.weight);
    }
  }
}

at::Tensor PictureNoise::starting(at::IntArrayRef shape, at::Device device) {
  std::vector<std::int64_t> row{1};
  row.insert(row.end(), shape.begin(), shape.end());
  const auto draw = [&](sampling::NoiseStream& stream) {
    return sampling::mix_perlin(stream.normal(row), perlin_, stream);
  };
  std::vector<at::Tensor> rows;
  for (Picture& picture : pictures_) {
    at::Tensor noise = draw(picture.streams.front());
    for (std::size_t i = 0; i < picture.weights.size(); ++i)
      noise = sampling::slerp(picture.weights[i], noise, draw(picture.streams[i + 1]));
    rows.push_back(noise);
  }
  return at::cat(rows).to(device);
}

at::Tensor PictureNoise::plain(at::IntArrayRef shape, at::Device device) {
  std::vector<at::Tensor> rows;
  for (Picture& picture : pictures_) {
    rows.push_back(picture.streams.front().normal(shape));
    for (std::size_t i = 1; i < picture.streams.size(); ++i) picture.streams[i].normal(shape);
  }
  return at::stack(rows).to(device);
}

sampling::NoiseSource PictureNoise::steps() {
  return [this](const at::Tensor& like) {
    INVOKEAI_CHECK_EQ(like.size(0), std::int64_t(pictures_.size()));
    std::vector<at::Tensor> rows;
    for (Picture& picture : pictures_)
      rows.push_back(picture.streams.back().normal(like.sizes().slice(1)));
    return at::stack(rows).to(like.device());
  };
}

}  // namespace invokeai::pipeline
