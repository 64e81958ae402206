#include "image/internal/lab.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "base/result.h"

namespace invokeai::image {
namespace {

using Triple = std::array<double, 3>;

constexpr Triple kWhite = {0.950456, 1.0, 1.088754};  // D65, Y = 1
constexpr double kXyzFromRgb[3][3] = {
    {0.412453, 0.357580, 0.180423}, {0.212671, 0.715160, 0.072169}, {0.019334, 0.119193, 0.950227}};
constexpr double kRgbFromXyz[3][3] = {{3.240479, -1.537150, -0.498535},
                                      {-0.969256, 1.875991, 0.041556},
                                      {0.055648, -0.204043, 1.057311}};
constexpr double kBend = 6.0 / 29.0;  // below its cube the cube root gives way to a line

double linear_light(int level) {
  const double value = level / 255.0;
  return value <= 0.04045 ? value / 12.92 : std::pow((value + 0.055) / 1.055, 2.4);
}

double srgb_value(double light) {
  return light <= 0.0031308 ? 12.92 * light : 1.055 * std::pow(light, 1 / 2.4) - 0.055;
}

double bent_root(double t) {
  return t > kBend * kBend * kBend ? std::cbrt(t) : t / (3 * kBend * kBend) + 4.0 / 29.0;
}

double bent_cube(double f) { return f > kBend ? f * f * f : 3 * kBend * kBend * (f - 4.0 / 29.0); }

Triple product(const double (&matrix)[3][3], const Triple& v) {
  Triple result{};
  for (std::size_t i = 0; i < 3; ++i)
    result[i] = matrix[i][0] * v[0] + matrix[i][1] * v[1] + matrix[i][2] * v[2];
  return result;
}

std::uint8_t to_level(double value) {
  return static_cast<std::uint8_t>(std::lround(std::clamp(value, 0.0, 255.0)));
}

/// The picture with every pixel replaced by the function.
template <class Function>
Image mapped(const Image& picture, Function function) {
  INVOKEAI_CHECK_EQ(picture.channels, 3);
  Image result = picture;
  for (auto pixel = result.pixels.begin(); pixel != result.pixels.end(); pixel += 3)
    function(&*pixel);
  return result;
}

}  // namespace

Image lab_from_rgb(const Image& rgb) {
  std::array<double, 256> light;
  for (int level = 0; level < 256; ++level)
    light[static_cast<std::size_t>(level)] = linear_light(level);
  return mapped(rgb, [&](std::uint8_t* pixel) {
    const Triple xyz = product(kXyzFromRgb, {light[pixel[0]], light[pixel[1]], light[pixel[2]]});
    const double fx = bent_root(xyz[0] / kWhite[0]);
    const double fy = bent_root(xyz[1] / kWhite[1]);
    const double fz = bent_root(xyz[2] / kWhite[2]);
    pixel[0] = to_level((116 * fy - 16) * 255 / 100);
    pixel[1] = to_level(500 * (fx - fy) + 128);
    pixel[2] = to_level(200 * (fy - fz) + 128);
  });
}

Image rgb_from_lab(const Image& lab) {
  return mapped(lab, [](std::uint8_t* pixel) {
    const double fy = (pixel[0] * 100.0 / 255 + 16) / 116;
    const double fx = fy + (pixel[1] - 128) / 500.0;
    const double fz = fy - (pixel[2] - 128) / 200.0;
    const Triple rgb = product(kRgbFromXyz, {kWhite[0] * bent_cube(fx), kWhite[1] * bent_cube(fy),
                                             kWhite[2] * bent_cube(fz)});
    for (std::size_t c = 0; c < 3; ++c) pixel[c] = to_level(255 * srgb_value(rgb[c]));
  });
}

}  // namespace invokeai::image
