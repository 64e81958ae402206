#include "image/tiles.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <numbers>

#include "image/compose.h"
#include "image/pictures.h"

namespace invokeai::image {
namespace {

std::vector<PaintedTile> cut(const TileLayout& layout, const Image& picture) {
  std::vector<PaintedTile> tiles;
  for (int i = 0; i < layout.count(); ++i) tiles.push_back({i, crop(picture, layout.box(i))});
  return tiles;
}

Image flat(int width, int height, std::uint8_t value) {
  Image picture(width, height, 3);
  std::fill(picture.pixels.begin(), picture.pixels.end(), value);
  return picture;
}

TEST(TileLayout, CountsAreThoseOfTheOriginal) {
  const std::pair<double, std::size_t> cases[] = {{1.75, 2}, {2.0, 3}, {2.5, 3}, {3, 4}, {4, 5}};
  for (const auto& [scale, count] : cases) {
    const int side = static_cast<int>(std::lround(512 * scale));
    const auto layout = make_tile_layout(side, side, 512, 512, 0.25);
    ASSERT_TRUE(layout) << layout.error().text();
    EXPECT_EQ(layout->lefts.size(), count) << scale;
    EXPECT_EQ(layout->tops.size(), count) << scale;
    EXPECT_EQ(layout->lefts.back(), side - 512);
    if (count > 2) {
      EXPECT_EQ(layout->lefts[1], 512 - 128);
    }
  }
}

TEST(TileLayout, OverlapMayBeGivenInPixels) {
  const auto layout = make_tile_layout(1024, 600, 512, 512, 64);
  ASSERT_TRUE(layout);
  EXPECT_EQ(layout->lefts, (std::vector<int>{0, 448, 512}));
  EXPECT_EQ(layout->tops, (std::vector<int>{0, 88}));
  EXPECT_EQ(layout->count(), 6);
  EXPECT_EQ(layout->box(0), (Box{0, 0, 512, 512}));
  EXPECT_EQ(layout->box(4), (Box{448, 88, 512, 512}));
}

TEST(TileLayout, SmallPicturesAreOneTile) {
  const auto layout = make_tile_layout(300, 512, 512, 512);
  ASSERT_TRUE(layout);
  EXPECT_EQ(layout->count(), 1);
  EXPECT_EQ(layout->box(0), (Box{0, 0, 300, 512}));
}

TEST(TileLayout, EveryPixelIsCovered) {
  for (int width = 60; width < 400; width += 23) {
    for (const double overlap : {0.0, 0.1, 0.25, 0.9, 1.0, 30.0}) {
      const auto layout = make_tile_layout(width, 64, 64, 64, overlap);
      ASSERT_TRUE(layout);
      int covered = 0;
      for (const int left : layout->lefts) {
        ASSERT_LE(left, covered);
        covered = left + layout->tile_width;
      }
      ASSERT_EQ(covered, width);
    }
  }
}

TEST(TileLayout, ImpossibleValuesAreRefused) {
  EXPECT_EQ(make_tile_layout(512, 512, 64, 64, 64).error().message,
            "tiles of 64 pixels cannot overlap by 64; wanted a share from 0 to below 1, or fewer "
            "pixels than a tile has");
  EXPECT_FALSE(make_tile_layout(512, 512, 64, 64, -0.5));
  EXPECT_FALSE(make_tile_layout(512, 512, 64, 64, NAN));
  EXPECT_FALSE(make_tile_layout(512, 512, 64, 64, 0.999));
  EXPECT_FALSE(make_tile_layout(512, 512, 0, 64));
  EXPECT_FALSE(make_tile_layout(0, 512, 64, 64));
}

TEST(TileNumbers, CountFromOne) {
  const auto layout = *make_tile_layout(1024, 512, 512, 512);
  ASSERT_EQ(layout.count(), 3);
  EXPECT_EQ(*parse_tile_numbers({3, 1, 3}, layout), (std::vector<int>{0, 2}));
  EXPECT_EQ(*parse_tile_numbers({}, layout), (std::vector<int>{0, 1, 2}));
  EXPECT_EQ(parse_tile_numbers({4}, layout).error().message,
            "there is no tile 4; this picture has 3 x 1 tiles, numbered from 1 to 3");
  EXPECT_FALSE(parse_tile_numbers({0}, layout));
  EXPECT_FALSE(parse_tile_numbers({1.5}, layout));
  EXPECT_FALSE(parse_tile_numbers({NAN}, layout));
}

TEST(TileWeights, FallOnlyTowardsNeighbours) {
  const auto layout = *make_tile_layout(112, 64, 64, 64, 16);
  ASSERT_EQ(layout.lefts, (std::vector<int>{0, 48}));
  const Image left = tile_weights(layout, 0), right = tile_weights(layout, 1);
  EXPECT_EQ(*left.at(0, 0), 255);
  EXPECT_EQ(*left.at(47, 63), 255);
  EXPECT_EQ(*right.at(63, 0), 255);
  for (int i = 0; i < 16; ++i) {
    EXPECT_NEAR(*left.at(48 + i, 30), 255 * (15.5 - i) / 16, 0.51);
    EXPECT_NEAR(*left.at(48 + i, 30) + *right.at(i, 30), 255, 1);
  }
}

TEST(Assembly, TilesOfAPictureGiveThePicture) {
  const Image picture = testing::noise_picture(210, 133, 3);
  for (const double overlap : {0.0, 0.25, 0.7}) {
    const auto layout = *make_tile_layout(210, 133, 64, 48, overlap);
    EXPECT_EQ(assembled(layout, flat(210, 133, 0), cut(layout, picture)), picture) << overlap;
    auto turned = cut(layout, picture);
    std::reverse(turned.begin(), turned.end());
    EXPECT_EQ(assembled(layout, flat(210, 133, 0), turned), picture) << "order";
  }
}

TEST(Assembly, NeighboursMeltIntoEachOther) {
  const auto layout = *make_tile_layout(112, 64, 64, 64, 16);
  const Image result =
      assembled(layout, flat(112, 64, 0), {{0, flat(64, 64, 100)}, {1, flat(64, 64, 200)}});
  EXPECT_EQ(result.at(47, 10)[0], 100);
  EXPECT_EQ(result.at(64, 10)[0], 200);
  for (int x = 47; x < 64; ++x) {
    const int step = result.at(x + 1, 10)[0] - result.at(x, 10)[0];
    EXPECT_GE(step, 2);
    EXPECT_LE(step, 8);
  }
}

TEST(Assembly, SomeTilesFadeIntoTheBackground) {
  const Image background = testing::gradient_picture(208, 160, 3);
  const auto layout = *make_tile_layout(208, 160, 64, 64, 16);
  ASSERT_EQ(layout.count(), 12);
  EXPECT_EQ(assembled(layout, background, {}), background);
  const Image result = assembled(layout, background, {{5, flat(64, 64, 255)}});
  const Box box = layout.box(5);
  EXPECT_EQ(result.at(box.left + 32, box.top + 32)[0], 255);
  for (int y = 0; y < 160; ++y)
    for (int x = 0; x < 208; ++x) {
      const bool in_tile = x >= box.left && x < box.right() && y >= box.top && y < box.bottom();
      if (!in_tile) {
        ASSERT_TRUE(std::equal(result.at(x, y), result.at(x, y) + 3, background.at(x, y)));
      }
    }
  EXPECT_NEAR(result.at(box.left, box.top + 32)[0], background.at(box.left, box.top + 32)[0], 8);
}

TEST(EdgeJump, PeriodicPicturesHaveNone) {
  Image waves(64, 48, 3);
  for (int y = 0; y < 48; ++y)
    for (int x = 0; x < 64; ++x)
      for (int c = 0; c < 3; ++c)
        waves.at(x, y)[c] =
            static_cast<std::uint8_t>(128 + 60 * std::sin(2 * std::numbers::pi * x / 64) +
                                      50 * std::cos(2 * std::numbers::pi * (y / 48.0 + c / 3.0)));
  EXPECT_LT(edge_jump(waves).across_x, 2);
  EXPECT_LT(edge_jump(waves).across_y, 2);
  const EdgeJump ramps = edge_jump(testing::gradient_picture(64, 48, 3));
  EXPECT_GT(ramps.across_x, 20);
  EXPECT_GT(ramps.across_y, 20);
}

TEST(EdgeJump, DirectionsAreToldApart) {
  Image picture = testing::gradient_picture(64, 48, 3);
  for (int y = 1; y < 48; ++y) std::copy_n(picture.at(0, 0), 64 * 3, picture.at(0, y));
  EXPECT_GT(edge_jump(picture).across_x, 20);
  EXPECT_EQ(edge_jump(picture).across_y, 1);
  EXPECT_EQ(edge_jump(flat(1, 1, 9)).across_x, 1);
}

}  // namespace
}  // namespace invokeai::image
