// The picture drawer: captions say what scenes hold, and measuring a picture gives the scene back.

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <set>
#include <sstream>

#include "drawer/measure.h"
#include "drawer/paint.h"
#include "drawer/random.h"
#include "drawer/scene.h"

namespace invokeai::drawer {
namespace {

constexpr SceneOptions kSingles{.pair_share = 0};

/// A mean over 5x5 pixels, then noise of the given standard deviation: a picture as models paint.
image::Image roughened(const image::Image& picture, double noise, Random& random) {
  image::Image rough = picture;
  for (int y = 0; y < picture.height; ++y)
    for (int x = 0; x < picture.width; ++x)
      for (int c = 0; c < 3; ++c) {
        double sum = 0;
        for (int k = 0; k < 25; ++k)
          sum += picture.at(std::clamp(x + k % 5 - 2, 0, picture.width - 1),
                            std::clamp(y + k / 5 - 2, 0, picture.height - 1))[c];
        const double gauss = std::sqrt(-2 * std::log(1 - random.unit())) *
                             std::cos(2 * std::numbers::pi * random.unit());
        rough.at(x, y)[c] =
            static_cast<std::uint8_t>(std::clamp(sum / 25 + noise * gauss, 0.0, 255.0));
      }
  return rough;
}

struct Tally {
  int scenes = 0, colors = 0, places = 0, sizes = 0;

  void add(const Scene& scene, const Measured& seen) {
    const Object& object = scene.objects[0];
    ++scenes;
    colors += seen.background == scene.background && seen.object == object.color;
    places += nearest_place(seen.cx, seen.cy) == object.place;
    sizes += nearest_size(seen.extent) == object.size;
  }
};

TEST(Scene, IsTheSameOnEveryMachine) {
  EXPECT_EQ(plain_caption(random_scene(1)),
            "a small pink heart at the bottom on a green background");
  EXPECT_EQ(plain_caption(random_scene(1234567890123)),
            "a pink ring at the top on a blue background");
  EXPECT_EQ(caption(random_scene(7), 3), "an orange circle at the right on a yellow background");
}

TEST(Scene, StaysInsideThePictureAndKeepsColoursApart) {
  int pairs = 0;
  for (int seed = 0; seed < 20000; ++seed) {
    const Scene scene = random_scene(seed);
    for (const Object& object : scene.objects) {
      EXPECT_NE(object.color, scene.background);
      EXPECT_GT(std::min(object.cx, object.cy) - object.radius, 0.019f);
      EXPECT_LT(std::max(object.cx, object.cy) + object.radius, 0.981f);
      EXPECT_FALSE(is_held_out(object.shape, object.color, scene.background));
    }
    if (scene.objects.size() == 1) continue;
    ++pairs;
    const Object &a = scene.objects[0], &b = scene.objects[1];
    EXPECT_GT(std::max(std::abs(a.cx - b.cx), std::abs(a.cy - b.cy)), a.radius + b.radius);
    EXPECT_TRUE(a.shape != b.shape || a.color != b.color);
  }
  EXPECT_NEAR(pairs, 5000, 250);
}

TEST(Scene, HoldsOutOneCombinationInEight) {
  std::set<Shape> shapes;
  std::set<Color> colors, grounds;
  int count = 0;
  for (int s = 0; s < kShapes; ++s)
    for (int c = 0; c < kColors; ++c)
      for (int g = 0; g < kColors; ++g)
        if (c != g && is_held_out(Shape(s), Color(c), Color(g))) {
          ++count;
          shapes.insert(Shape(s)), colors.insert(Color(c)), grounds.insert(Color(g));
        }
  EXPECT_NEAR(count, 900 / 8, 30);
  EXPECT_EQ(shapes.size(), kShapes);
  EXPECT_EQ(colors.size(), kColors);
  EXPECT_EQ(grounds.size(), kColors);
  for (int i = 0; i < 500; ++i) {
    const Scene scene = held_out_scene(i);
    ASSERT_EQ(scene.objects.size(), 1u);
    EXPECT_TRUE(is_held_out(scene.objects[0].shape, scene.objects[0].color, scene.background));
  }
}

TEST(Caption, SaysWhatIsSeen) {
  const Object star{.shape = Shape::star, .color = Color::red, .size = Size::big};
  const Object heart{
      .shape = Shape::heart, .color = Color::orange, .size = Size::small, .place = Place::left};
  EXPECT_EQ(plain_caption({Color::blue, {star}}), "a big red star on a blue background");
  EXPECT_EQ(plain_caption({Color::white, {heart}}),
            "a small orange heart at the left on a white background");
  const Object ring{.shape = Shape::ring, .color = Color::orange, .place = Place::top};
  const Object moon{.shape = Shape::moon, .color = Color::black, .place = Place::bottom};
  const Scene pair{Color::cyan, {ring, moon}};
  EXPECT_EQ(plain_caption(pair), "an orange ring above a black moon on a cyan background");
  std::set<std::string> ways;
  for (int seed = 0; seed < 400; ++seed) ways.insert(caption(pair, seed));
  EXPECT_TRUE(ways.contains("a black moon below an orange ring on a cyan background"));
  EXPECT_TRUE(ways.contains("orange ring above black moon, cyan background"));
  EXPECT_TRUE(ways.contains("an orange ring above a black moon"));
}

TEST(Caption, UsesOnlyTheVocabularyAndRarelyLeavesOutTheBackground) {
  const std::vector<std::string> words = vocabulary_texts();
  const std::set<std::string> known(words.begin(), words.end());
  EXPECT_EQ(known.size(), words.size());
  int grounds = 0;
  for (int seed = 0; seed < 10000; ++seed) {
    const Scene scene = random_scene(seed);
    std::string text = caption(scene, seed);
    const std::string ground(name(scene.background));
    grounds += text.find(ground) != std::string::npos;
    EXPECT_NE(text.find(name(scene.objects[0].shape)), std::string::npos);
    for (std::size_t at = 0; (at = text.find(',', at)) != std::string::npos; at += 2)
      text.insert(at, " ");
    std::istringstream stream(text);
    for (std::string word; stream >> word;) EXPECT_TRUE(known.contains(word)) << word;
  }
  EXPECT_NEAR(grounds, 9500, 100);
}

TEST(Paint, FillsTheBoundingBoxOfEachShape) {
  for (int s = 0; s < kShapes; ++s) {
    SCOPED_TRACE(name(Shape(s)));
    float left = 2, right = -2, top = 2, bottom = -2;
    for (float y = -1.5f; y < 1.5f; y += 0.005f)
      for (float x = -1.5f; x < 1.5f; x += 0.005f)
        if (distance(Shape(s), x, y) < 0) {
          left = std::min(left, x), right = std::max(right, x);
          top = std::min(top, y), bottom = std::max(bottom, y);
        }
    EXPECT_NEAR(std::max(right - left, bottom - top) / 2, 0.95f, 0.06f);
    EXPECT_NEAR((right + left) / 2, 0, 0.04f);
    EXPECT_NEAR((bottom + top) / 2, 0, 0.04f);
  }
}

TEST(Paint, ShowsTheSamePictureAtAnySize) {
  for (int seed = 0; seed < 20; ++seed) {
    const Scene scene = random_scene(seed);
    const image::Image small = paint(scene, 64), large = paint(scene, 256);
    double difference = 0;
    for (int y = 0; y < 64; ++y)
      for (int x = 0; x < 64; ++x)
        for (int c = 0; c < 3; ++c) {
          int sum = 0;
          for (int k = 0; k < 16; ++k) sum += large.at(4 * x + k % 4, 4 * y + k / 4)[c];
          difference += std::abs(sum / 16.0 - small.at(x, y)[c]);
        }
    EXPECT_LT(difference / (64 * 64 * 3), 0.5) << seed;  // mean, of 255
  }
}

TEST(Measure, NamesItsOwnPaints) {
  for (int c = 0; c < kColors; ++c) {
    const Rgb paint = rgb(Color(c));
    EXPECT_EQ(nearest_color(paint.r, paint.g, paint.b), Color(c));
  }
  EXPECT_EQ(nearest_color(255, 0, 0), Color::red);
  EXPECT_EQ(nearest_color(0, 0, 255), Color::blue);
  EXPECT_EQ(nearest_color(0, 0, 0), Color::black);
  EXPECT_EQ(nearest_color(255, 255, 255), Color::white);
}

TEST(Measure, GivesTheSceneBack) {
  Tally tally;
  for (int seed = 0; seed < 500; ++seed) {
    const Scene scene = random_scene(seed, kSingles);
    tally.add(scene, measure(paint(scene, 128)));
  }
  EXPECT_GE(tally.colors, 495);
  EXPECT_GE(tally.places, 495);
  EXPECT_GE(tally.sizes, 495);
}

TEST(Measure, ForgivesBlurAndNoise) {
  Tally tally;
  Random random(1);
  for (int seed = 0; seed < 300; ++seed) {
    const Scene scene = random_scene(seed, kSingles);
    tally.add(scene, measure(roughened(paint(scene, 128), 12, random)));
  }
  EXPECT_GE(tally.colors, 291);
  EXPECT_GE(tally.places, 291);
  EXPECT_GE(tally.sizes, 291);
}

TEST(Measure, SeesNothingOnAnEmptyGround) {
  const Measured seen = measure(paint({Color::green, {}}, 128));
  EXPECT_EQ(seen.background, Color::green);
  EXPECT_EQ(seen.extent, 0);
}

TEST(Measure, CropsToTheObject) {
  const Object dot{.color = Color::red, .cx = 0.3f, .cy = 0.6f, .radius = 0.15f};
  const Measured seen = measure(crop_to_object(paint({Color::white, {dot}}, 128), 64));
  EXPECT_NEAR(seen.cx, 0.5f, 0.03f);
  EXPECT_NEAR(seen.cy, 0.5f, 0.03f);
  EXPECT_NEAR(seen.extent, 0.5f / 1.2f, 0.03f);
}

}  // namespace
}  // namespace invokeai::drawer
