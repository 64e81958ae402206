#include "demo_model/sheets.h"

#include <algorithm>
#include <cmath>

#include "base/file.h"
#include "image/png.h"

namespace invokeai::demo {
namespace {

Result<> write_picture(const fs::path& file, const image::Image& picture) {
  TRY_ASSIGN(const std::string bytes, image::encode_png(picture, {}, 6));
  return write_file_atomically(file, bytes);
}

void fill_column(image::Image& picture, int x, int from, int to, std::uint8_t grey) {
  if (from > to) std::swap(from, to);
  for (int y = from; y <= to; ++y) std::fill_n(picture.at(x, y), 3, grey);
}

}  // namespace

Result<> write_sheet(const fs::path& file, const std::vector<image::Image>& pictures, int columns) {
  if (pictures.empty()) return {};
  constexpr int kGap = 4;
  const int width = pictures.front().width, height = pictures.front().height;
  const int rows = (static_cast<int>(pictures.size()) + columns - 1) / columns;
  image::Image sheet(columns * (width + kGap) - kGap, rows * (height + kGap) - kGap, 3);
  std::fill(sheet.pixels.begin(), sheet.pixels.end(), 255);
  for (std::size_t i = 0; i < pictures.size(); ++i)
    for (int y = 0; y < height; ++y)
      std::copy_n(pictures[i].at(0, y), width * 3,
                  sheet.at(static_cast<int>(i) % columns * (width + kGap),
                           static_cast<int>(i) / columns * (height + kGap) + y));
  return write_picture(file, sheet);
}

Result<> write_curve(const fs::path& file, const std::vector<double>& values) {
  if (values.size() < 2) return {};
  constexpr int kWidth = 800, kHeight = 300;
  image::Image picture(kWidth, kHeight, 3);
  std::fill(picture.pixels.begin(), picture.pixels.end(), 255);
  const auto [least, most] = std::ranges::minmax(values);
  const double low = std::log(std::max(least, 1e-9)), high = std::log(std::max(most, 1e-9));
  const auto row = [&](double value) {
    const double share = (std::log(std::max(value, 1e-9)) - low) / std::max(high - low, 1e-9);
    return std::clamp(static_cast<int>((1 - share) * (kHeight - 1)), 0, kHeight - 1);
  };
  double mean = values.front();
  std::size_t next = 0;
  int before = row(values.front()), smooth_before = before;
  for (int x = 0; x < kWidth; ++x) {
    const std::size_t at = x * (values.size() - 1) / (kWidth - 1);
    for (; next <= at; ++next) mean += 0.05 * (values[next] - mean);
    fill_column(picture, x, before, row(values[at]), 200);
    fill_column(picture, x, smooth_before, row(mean), 40);
    before = row(values[at]);
    smooth_before = row(mean);
  }
  return write_picture(file, picture);
}

std::vector<image::Image> to_pictures(const at::Tensor& pixels) {
  const at::Tensor bytes = pixels.to(at::kCPU, at::kFloat)
                               .clamp(-1, 1)
                               .add(1)
                               .mul(127.5)
                               .round()
                               .to(at::kByte)
                               .permute({0, 2, 3, 1})
                               .contiguous();
  const auto height = static_cast<int>(bytes.size(1)), width = static_cast<int>(bytes.size(2));
  std::vector<image::Image> pictures;
  for (std::int64_t i = 0; i < bytes.size(0); ++i) {
    pictures.emplace_back(width, height, 3);
    const std::uint8_t* data = bytes[i].const_data_ptr<std::uint8_t>();
    std::copy_n(data, pictures.back().pixels.size(), pictures.back().pixels.data());
  }
  return pictures;
}

}  // namespace invokeai::demo
