#include "image/outpaint.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdlib>

#include "image/compose.h"
#include "image/convert.h"
#include "image/filters.h"
#include "image/mask.h"
#include "image/orientation.h"

namespace invokeai::image {
namespace {

constexpr int kGrid = 64;
constexpr int kMostPixels = 65'536;
constexpr int kEdgeJump = 50;
constexpr std::array<std::string_view, 4> kSideNames = {"top", "left", "bottom", "right"};

Result<int> parse_pixels(const std::string& side, const std::string& word) {
  int pixels = 0;
  const char* const end = word.data() + word.size();
  const auto [stop, problem] = std::from_chars(word.data(), end, pixels);
  if (problem != std::errc() || stop != end || pixels < 1 || pixels > kMostPixels)
    return fail(ErrorCode::invalid_argument, "image.outpaint",
                "'{}' after '{}' is not a number of pixels from 1 to {}", word, side, kMostPixels);
  return pixels;
}

/// EXIF orientations that turn `side` up, and back.
struct Turn {
  int there;
  int back;
};

Turn turn_up(Side side) {
  switch (side) {
    case Side::top:
      return {1, 1};
    case Side::left:
      return {6, 8};
    case Side::bottom:
      return {3, 3};
    case Side::right:
      break;
  }
  return {8, 6};
}

/// shifted_out() for a picture whose upper side is the one to extend.
Image shifted_down(const Image& picture, int pixels) {
  Image result(picture.width, picture.height, 4);
  place(result, picture, 0, pixels);
  for (int y = 0; y < pixels; ++y) {
    std::copy_n(picture.at(0, y), 4 * picture.width, result.at(0, pixels - 1 - y));
    for (int x = 0; x < picture.width; ++x) result.at(x, pixels - 1 - y)[3] = 0;
  }
  const int depth = std::min(picture.height / 10, pixels);
  for (int y = pixels; y < std::min(pixels + depth, picture.height); ++y)
    for (int x = 0; x < picture.width; x += 2) result.at(x, y)[3] = 0;
  return result;
}

}  // namespace

Result<Side> parse_side(std::string_view name) {
  const auto found = std::find(kSideNames.begin(), kSideNames.end(), name);
  if (found == kSideNames.end())
    return fail(ErrorCode::invalid_argument, "image.outpaint",
                "'{}' is not a side; choose from top, left, bottom, right", name);
  return static_cast<Side>(found - kSideNames.begin());
}

std::string_view side_name(Side side) { return kSideNames[static_cast<std::size_t>(side)]; }

Result<std::vector<Growth>> parse_growths(std::span<const std::string> words) {
  if (words.empty() || words.size() % 2 != 0)
    return fail(ErrorCode::invalid_argument, "image.outpaint",
                "wanted pairs of side and pixels like 'top 64 left 128', not {} word{}",
                words.size(), words.size() == 1 ? "" : "s");
  std::vector<Growth> growths;
  for (std::size_t i = 0; i < words.size(); i += 2) {
    TRY_ASSIGN(const Side side, parse_side(words[i]));
    TRY_ASSIGN(const int pixels, parse_pixels(words[i], words[i + 1]));
    const auto same = std::find_if(growths.begin(), growths.end(),
                                   [&](const Growth& growth) { return growth.side == side; });
    if (same != growths.end())
      same->pixels = pixels;
    else
      growths.push_back({side, pixels});
  }
  return growths;
}

Result<Image> outcropped(const Image& picture, std::span<const Growth> growths,
                         const DecodeLimits& limits) {
  std::array<std::int64_t, 4> added{};
  for (const Growth& growth : growths) {
    if (growth.pixels < 1 || growth.pixels > kMostPixels)
      return fail(ErrorCode::invalid_argument, "image.outpaint",
                  "cannot extend a picture by {} pixels; wanted 1 to {}", growth.pixels,
                  kMostPixels);
    added[static_cast<std::size_t>(growth.side)] += (growth.pixels + kGrid - 1) / kGrid * kGrid;
  }
  const auto [top, left, bottom, right] = added;
  if (growths.empty())
    return fail(ErrorCode::invalid_argument, "image.outpaint",
                "no side to extend was given; wanted e.g. 'top 64'");
  const auto width = static_cast<std::uint64_t>(left + picture.width + right);
  const auto height = static_cast<std::uint64_t>(top + picture.height + bottom);
  if (width > limits.max_pixels / height)
    return fail(ErrorCode::invalid_argument, "image.outpaint",
                "the extended picture would have {} x {} pixels, at most {} in all are possible; "
                "extend it less",
                width, height, limits.max_pixels);
  Image canvas(static_cast<int>(width), static_cast<int>(height), 4);
  place(canvas, with_channels(picture, 4), static_cast<int>(left), static_cast<int>(top));
  return canvas;
}

Result<Shift> parse_shift(std::span<const std::string> words) {
  if (words.empty() || words.size() > 2)
    return fail(ErrorCode::invalid_argument, "image.outpaint",
                "wanted a side and perhaps pixels like 'top 64', not {} words", words.size());
  Shift shift;
  TRY_ASSIGN(shift.side, parse_side(words[0]));
  if (words.size() == 2) {
    TRY_ASSIGN(shift.pixels, parse_pixels(words[0], words[1]));
  }
  return shift;
}

Result<Image> shifted_out(const Image& picture, const Shift& shift) {
  const Turn turn = turn_up(shift.side);
  const Image upright = apply_orientation(with_channels(picture, 4), turn.there);
  const int pixels = shift.pixels.value_or(upright.height / 2);
  if (pixels < 1 || pixels >= upright.height)
    return fail(ErrorCode::invalid_argument, "image.outpaint",
                "cannot shift a picture of {} x {} pixels {} by {}; wanted 1 to {}", picture.width,
                picture.height, kSideNames[static_cast<std::size_t>(shift.side)], pixels,
                upright.height - 1);
  return apply_orientation(shifted_down(upright, pixels), turn.back);
}

Image seam_mask(const Image& kept, int size, int blur) {
  INVOKEAI_CHECK(size >= 0 && blur >= 0);
  INVOKEAI_CHECK_EQ(kept.channels, 1);
  Image edges(kept.width, kept.height, 1);
  const auto compare = [&](int x, int y, int other_x, int other_y) {
    if (other_x >= kept.width || other_y >= kept.height) return;
    if (std::abs(*kept.at(x, y) - *kept.at(other_x, other_y)) < kEdgeJump) return;
    *edges.at(x, y) = 255;
    *edges.at(other_x, other_y) = 255;
  };
  for (int y = 0; y < kept.height; ++y) {
    for (int x = 0; x < kept.width; ++x) {
      const int value = *kept.at(x, y);
      if (value > 0 && value < 255) *edges.at(x, y) = 255;
      compare(x, y, x + 1, y);
      compare(x, y, x, y + 1);
    }
  }
  return inverted(box_blur(dilate(edges, size / 2), blur));
}

}  // namespace invokeai::image
