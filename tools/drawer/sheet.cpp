// draw-sheet: writes a contact sheet of the drawer's pictures and prints their captions.

#include <fmt/format.h>
#include <png.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <string_view>

#include "drawer/captions.h"
#include "drawer/paint.h"

using namespace invokeai;

namespace {

constexpr int kGap = 4;

void paste(image::Image& sheet, const image::Image& tile, int left, int top) {
  for (int y = 0; y < tile.height; ++y)
    std::copy_n(tile.at(0, y), tile.width * 3, sheet.at(left, top + y));
}

bool write_png(const image::Image& picture, const char* path) {
  png_image png;
  std::memset(&png, 0, sizeof png);
  png.version = PNG_IMAGE_VERSION;
  png.width = picture.width;
  png.height = picture.height;
  png.format = PNG_FORMAT_RGB;
  return png_image_write_to_file(&png, path, 0, picture.pixels.data(), 0, nullptr) != 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    fmt::print(stderr,
               "usage: draw-sheet FILE.png [FIRST_SEED] [COLUMNS] [ROWS] [SIZE or WxH] [basic]\n");
    return 2;
  }
  const auto number = [&](int i, int otherwise) {
    return argc > i ? std::atoi(argv[i]) : otherwise;
  };
  const int first = number(2, 0), columns = std::max(1, number(3, 10));
  const int rows = std::max(1, number(4, 8)), width = std::max(8, number(5, 128));
  const char* by = argc > 5 ? std::strchr(argv[5], 'x') : nullptr;
  const int height = by == nullptr ? width : std::max(8, std::atoi(by + 1));
  drawer::SceneOptions options;
  if (argc > 6 && std::string_view(argv[6]) == "basic")
    options.vocabulary = drawer::Vocabulary::basic;
  image::Image sheet(columns * (width + kGap) + kGap, rows * (height + kGap) + kGap, 3);
  std::fill(sheet.pixels.begin(), sheet.pixels.end(), 128);
  for (int i = 0; i < columns * rows; ++i) {
    const drawer::Scene scene = drawer::random_scene(first + i, options);
    paste(sheet, drawer::paint(scene, {width, height}), kGap + i % columns * (width + kGap),
          kGap + i / columns * (height + kGap));
    fmt::print("{}: {}\n", first + i, drawer::caption(scene, first + i));
  }
  if (write_png(sheet, argv[1])) return 0;
  fmt::print(stderr, "[draw-sheet] cannot write {}; does its folder exist?\n", argv[1]);
  return 1;
}
