// The picture drawer: captions say what scenes hold, and measuring a picture gives the scene back.

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <set>
#include <sstream>

#include "drawer/captions.h"
#include "drawer/measure.h"
#include "drawer/paint.h"
#include "drawer/random.h"
#include "drawer/scene.h"
#include "drawer/shapes.h"

namespace invokeai::drawer {
namespace {

constexpr SceneOptions kBasic{.vocabulary = Vocabulary::basic};
constexpr SceneOptions kBasicSingles{.vocabulary = Vocabulary::basic, .pair_share = 0};
constexpr SceneOptions kSingles{.single = true};

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

  void add(const Scene& scene, const image::Image& picture, Vocabulary vocabulary) {
    const Measured seen = measure(picture, vocabulary);
    const Object& object = scene.objects[0];
    ++scenes;
    colors += seen.background == scene.background && seen.object == object.color;
    places += nearest_place(seen.cx, seen.cy) == object.place;
    sizes += nearest_size(seen.extent) == object.size;
  }
};

TEST(Scene, IsTheSameOnEveryMachine) {
  EXPECT_EQ(plain_caption(random_scene(1, kBasic)),
            "a small pink heart at the bottom on a green background");
  EXPECT_EQ(plain_caption(random_scene(1234567890123, kBasic)),
            "a pink ring at the top on a blue background");
  EXPECT_EQ(plain_caption(random_scene(27)),
            "a shiny white square below a red bird on a gray background");
  EXPECT_EQ(caption(random_scene(52), 52),
            "a small dotted black star at the top on a lime background");
}

TEST(Scene, StaysInsideThePictureAndKeepsColoursApart) {
  for (const Vocabulary vocabulary : {Vocabulary::basic, Vocabulary::full})
    for (int seed = 0; seed < 20000; ++seed) {
      const Scene scene = random_scene(seed, {.vocabulary = vocabulary});
      ASSERT_FALSE(scene.objects.empty());
      for (const Object& object : scene.objects) {
        EXPECT_GT(std::min(object.cx, object.cy) - object.radius, 0.019f) << seed;
        EXPECT_LT(std::max(object.cx, object.cy) + object.radius, 0.981f) << seed;
        if (scene.backdrop != Backdrop::plain) continue;
        EXPECT_NE(object.color, scene.background) << seed;
        EXPECT_FALSE(is_held_out(object.shape, object.color, scene.background)) << seed;
      }
      if (scene.objects.size() != 2 || scene.grouping != Grouping::apart) continue;
      const Object &a = scene.objects[0], &b = scene.objects[1];
      EXPECT_GT(std::max(std::abs(a.cx - b.cx), std::abs(a.cy - b.cy)), a.radius + b.radius)
          << seed;
      EXPECT_TRUE(a.shape != b.shape || a.color != b.color);
    }
}

TEST(Scene, ShowsEveryThingInEveryManner) {
  std::set<Shape> shapes;
  std::set<Color> colors;
  std::set<std::pair<Rendering, Backdrop>> manners;
  std::set<std::pair<Grouping, std::size_t>> groups;
  std::set<Pattern> patterns;
  for (int seed = 0; seed < 4000; ++seed) {
    const Scene scene = random_scene(seed);
    shapes.insert(scene.objects[0].shape), colors.insert(scene.objects[0].color);
    manners.emplace(scene.rendering, scene.backdrop);
    groups.emplace(scene.grouping, scene.objects.size());
    patterns.insert(scene.objects[0].pattern);
  }
  EXPECT_EQ(shapes.size(), kShapes);
  EXPECT_EQ(colors.size(), kColors);
  EXPECT_EQ(manners.size(), 4 * kBackdrops + 1);  // pencil is drawn on paper alone
  EXPECT_EQ(groups.size(), 7u);  // one, two apart, inside, in front, between, two or three alike
  EXPECT_EQ(patterns.size(), kPatterns);
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
  EXPECT_NEAR(count, kShapes * kColors * (kColors - 1) / 8, 60);
  EXPECT_EQ(shapes.size(), kShapes);
  EXPECT_EQ(colors.size(), kColors);
  EXPECT_EQ(grounds.size(), kColors);
  const auto is_new = [](const Scene& scene) {
    return is_held_out(scene.objects[0].shape, scene.objects[0].color, scene.background);
  };
  for (int i = 0; i < 500; ++i) {
    for (const Vocabulary vocabulary : {Vocabulary::basic, Vocabulary::full}) {
      const Scene scene = held_out_scene(i, vocabulary);
      ASSERT_EQ(scene.objects.size(), 1u);
      EXPECT_TRUE(is_new(scene));
    }
    EXPECT_TRUE(is_new(held_out_group(i)));
    EXPECT_GE(held_out_group(i).objects.size(), 2u);
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
  for (int seed = 0; seed < 4000; ++seed) ways.insert(caption(pair, seed));
  EXPECT_TRUE(ways.contains("a black moon below an orange ring on a cyan background"));
  EXPECT_TRUE(ways.contains("orange ring above black moon, cyan background"));
  EXPECT_TRUE(ways.contains("an orange ring above a black moon"));
  EXPECT_TRUE(ways.contains("orange hoop above black moon on cyan"));
}

TEST(Caption, SaysHowThingsAreGroupedAndMade) {
  const Object cat{.shape = Shape::cat, .color = Color::gray},
      cup{.shape = Shape::cup, .color = Color::lime};
  const Object leaf{
      .shape = Shape::leaf, .color = Color::red, .size = Size::big, .pattern = Pattern::striped};
  using enum Grouping;
  const auto say = [](Scene scene) { return plain_caption(scene); };
  EXPECT_EQ(say({Color::pink, {cat, cup}, inside}),
            "a gray cat inside a lime cup on a pink background");
  EXPECT_EQ(say({Color::pink, {cat, cup}, in_front}),
            "a gray cat in front of a lime cup on a pink background");
  EXPECT_EQ(say({Color::pink, {cat, cup, leaf}, between}),
            "a gray cat between a lime cup and a striped red leaf on a pink background");
  EXPECT_EQ(say({Color::blue, {leaf, leaf, leaf}, several}),
            "three striped red leaves on a blue background");
  EXPECT_EQ(say({Color::blue, {cat, cat}, several, Backdrop::plain, Rendering::shiny}),
            "two shiny gray cats on a blue background");
  EXPECT_EQ(say({Color::white, {leaf}, apart, Backdrop::plain, Rendering::pencil}),
            "a pencil drawing of a big striped red leaf");
  EXPECT_EQ(say({Color::white, {cat}, apart, Backdrop::room, Rendering::watercolor}),
            "a watercolor of a gray cat in a room");
  EXPECT_EQ(say({Color::black, {cup}, apart, Backdrop::meadow, Rendering::night}),
            "a lime cup on a meadow at night");
}

TEST(Caption, UsesOnlyTheVocabularyAndRarelyLeavesOutTheBackground) {
  const std::vector<std::string> texts = vocabulary_texts();
  const std::set<std::string> known(texts.begin(), texts.end());
  EXPECT_EQ(known.size(), texts.size());
  const auto says = [](const std::string& text, const std::vector<std::string_view>& any) {
    return std::ranges::any_of(any,
                               [&](std::string_view word) { return text.find(word) != text.npos; });
  };
  int grounds = 0, colored = 0;
  for (int seed = 0; seed < 10000; ++seed) {
    const Scene scene = random_scene(seed);
    std::string text = caption(scene, seed);
    if (scene.backdrop == Backdrop::plain && scene.rendering == Rendering::flat) {
      ++colored;
      grounds += says(text, words(scene.background));
    }
    if (scene.grouping != Grouping::several)
      EXPECT_TRUE(says(text, words(scene.objects[0].shape))) << text;
    for (std::size_t at = 0; (at = text.find(',', at)) != std::string::npos; at += 2)
      text.insert(at, " ");
    std::istringstream stream(text);
    for (std::string word; stream >> word;) EXPECT_TRUE(known.contains(word)) << word;
  }
  EXPECT_NEAR(grounds, 0.95 * colored, 0.015 * colored);
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
    EXPECT_NEAR(std::max(right - left, bottom - top) / 2, 0.94f, 0.09f);
    EXPECT_NEAR((right + left) / 2, 0, 0.09f);
    EXPECT_NEAR((bottom + top) / 2, 0, 0.09f);
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

TEST(Paint, KeepsFormsInWideAndTallPictures) {
  const Object dot{.color = Color::red, .cx = 0.3f, .cy = 0.6f, .radius = 0.2f};
  for (const Extent extent : {Extent(192, 128), Extent(128, 192)}) {
    const image::Image picture = paint({Color::white, {dot}}, extent);
    int left = extent.width, right = 0, top = extent.height, bottom = 0;
    for (int y = 0; y < extent.height; ++y)
      for (int x = 0; x < extent.width; ++x) {
        if (picture.at(x, y)[1] > 150) continue;
        left = std::min(left, x), right = std::max(right, x + 1);
        top = std::min(top, y), bottom = std::max(bottom, y + 1);
      }
    EXPECT_NEAR(right - left, 2 * 0.2 * 128, 2);
    EXPECT_NEAR(bottom - top, 2 * 0.2 * 128, 2);
    EXPECT_NEAR((left + right) / 2.0, 0.3 * extent.width, 1);
    EXPECT_NEAR((top + bottom) / 2.0, 0.6 * extent.height, 1);
  }
}

TEST(Measure, NamesItsOwnPaints) {
  for (int c = 0; c < kColors; ++c) {
    const Rgb paint = rgb(Color(c));
    EXPECT_EQ(nearest_color(paint.r, paint.g, paint.b, Vocabulary::full), Color(c));
    if (c < kBasicColors) EXPECT_EQ(nearest_color(paint.r, paint.g, paint.b), Color(c));
  }
  EXPECT_EQ(nearest_color(255, 0, 0), Color::red);
  EXPECT_EQ(nearest_color(0, 0, 255), Color::blue);
  EXPECT_EQ(nearest_color(0, 0, 0), Color::black);
  EXPECT_EQ(nearest_color(255, 255, 255), Color::white);
}

TEST(Measure, GivesTheSceneBack) {
  Tally basic, full;
  for (int seed = 0; seed < 500; ++seed) {
    const Scene simple = random_scene(seed, kBasicSingles), scene = random_scene(seed, kSingles);
    basic.add(simple, paint(simple, 128), Vocabulary::basic);
    full.add(scene, paint(scene, 128), Vocabulary::full);
  }
  for (const Tally& tally : {basic, full}) {
    EXPECT_GE(tally.colors, 495);
    EXPECT_GE(tally.places, 495);
    EXPECT_GE(tally.sizes, 495);
  }
}

TEST(Measure, GivesTheSceneBackFromWideAndTallPictures) {
  for (const Extent extent : {Extent(192, 128), Extent(128, 192)}) {
    Tally tally;
    int grouped = 0;
    for (int seed = 0; seed < 200; ++seed) {
      const Scene single = random_scene(seed, kSingles), group = held_out_group(seed);
      const image::Image picture = paint(single, extent);
      ASSERT_EQ(picture.width, extent.width);
      ASSERT_EQ(picture.height, extent.height);
      tally.add(single, picture, Vocabulary::full);
      grouped += is_grouped_like(group, paint(group, extent));
    }
    EXPECT_GE(tally.colors, 198) << extent.width;
    EXPECT_GE(tally.places, 198) << extent.width;
    EXPECT_GE(tally.sizes, 198) << extent.width;
    EXPECT_GE(grouped, 196) << extent.width;
  }
}

TEST(Measure, ForgivesBlurAndNoise) {
  Tally tally;
  Random random(1);
  for (int seed = 0; seed < 300; ++seed) {
    const Scene scene = random_scene(seed, kBasicSingles);
    tally.add(scene, roughened(paint(scene, 128), 12, random), Vocabulary::basic);
  }
  EXPECT_GE(tally.colors, 291);
  EXPECT_GE(tally.places, 291);
  EXPECT_GE(tally.sizes, 291);
}

/// The same colours and shapes, grouped in another way.
Scene regrouped(Scene scene) {
  if (scene.grouping == Grouping::several) {
    scene.objects.pop_back();
  } else {
    std::swap(scene.objects[0].cx, scene.objects[1].cx);
    std::swap(scene.objects[0].cy, scene.objects[1].cy);
    std::swap(scene.objects[0].radius, scene.objects[1].radius);
  }
  return scene;
}

TEST(Measure, TellsHowObjectsAreGrouped) {
  int right = 0, misled = 0;
  for (int index = 0; index < 500; ++index) {
    const Scene scene = held_out_group(index);
    right += is_grouped_like(scene, paint(scene, 128));
    misled += is_grouped_like(scene, paint(regrouped(scene), 128));
  }
  EXPECT_GE(right, 495);
  EXPECT_LE(misled, 5);
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
