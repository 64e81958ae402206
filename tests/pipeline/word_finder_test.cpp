// Masks from words, from the picture to the painted part, with a toy CLIPSeg.

#include "pipeline/word_finder.h"

#include <ATen/core/grad_mode.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "image/word_mask.h"
#include "models/formats/safetensors.h"
#include "models/tensors.h"
#include "nn/formula_weights.h"
#include "pipeline/engine_support.h"

namespace invokeai::pipeline {
namespace {

using nlohmann::json;

/// As in the golden file, with CLIP's own vocabulary and window.
void write_toy(const fs::path& folder, std::int64_t vocabulary = 49408) {
  json config =
      json::parse(read_file(INVOKEAI_TEST_DATA "/golden/nn/clipseg.json").value()).at("config");
  config["text_config"]["vocab_size"] = vocabulary;
  config["text_config"]["max_position_embeddings"] = 77;
  std::ofstream(folder / "config.json") << config.dump();
  nn::ClipSeg network(nn::parse_clipseg_config(config).value());
  nn::testing::fill_by_formula(network);
  ASSERT_TRUE(models::write_safetensors(folder / "model.safetensors",
                                        models::as_views(models::parameters_of(network)),
                                        {{"format", "pt"}}));
}

image::Image sample(int width, int height) {
  image::Image picture(width, height, 3);
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x) {
      picture.at(x, y)[0] = static_cast<std::uint8_t>(255 * x / width);
      picture.at(x, y)[1] = static_cast<std::uint8_t>(x / 16 % 2 * 200);
      picture.at(x, y)[2] = static_cast<std::uint8_t>(255 * y / height);
    }
  return picture;
}

TEST(WordFinder, WordsAndPictureDecideTheHeat) {
  const testing::Scratch scratch;
  write_toy(scratch.path());
  const auto finder = WordFinder::open(scratch.path());
  ASSERT_TRUE(finder) << finder.error().text();
  const image::Image heat = (*finder)->find(sample(96, 64), "red hair");
  EXPECT_EQ(heat.width, image::kWordSide);
  EXPECT_EQ(heat.height, image::kWordSide);
  EXPECT_EQ(heat.channels, 1);
  EXPECT_GT(testing::spread(heat), 0.5) << "not one grey";
  EXPECT_EQ((*finder)->find(sample(96, 64), "red hair"), heat);
  EXPECT_EQ((*finder)->find(sample(96, 64), "Red  HAIR"), heat) << "as CLIP reads text";
  EXPECT_NE((*finder)->find(sample(96, 64), "blue sky"), heat);
  EXPECT_NE((*finder)->find(sample(64, 96), "red hair"), heat);
  std::string many = "hair";
  for (int i = 0; i < 500; ++i) many += " hair";
  EXPECT_EQ((*finder)->find(sample(96, 64), many).width, image::kWordSide) << "cut, not refused";
}

TEST(WordFinder, AVocabularyThatDoesNotFitIsRefused) {
  const testing::Scratch scratch;
  write_toy(scratch.path(), 99);
  const auto finder = WordFinder::open(scratch.path());
  ASSERT_FALSE(finder);
  EXPECT_NE(finder.error().message.find("belong to different models"), std::string::npos);
}

TEST(WordFinder, TheEnginePaintsWhereWordsAreFound) {
  const testing::Scratch scratch;
  write_toy(scratch.path());
  auto engine = StableDiffusion::open({.model_path = testing::demo_model().string(),
                                       .device = "cpu",
                                       .precision = "float32",
                                       .clipseg_path = scratch.path().string()});
  ASSERT_TRUE(engine) << engine.error().text();
  EXPECT_EQ((*engine)->model().recommended.real("cfg_scale"), 2.5);
  const image::Image picture = sample(64, 64);
  const auto heat = (*engine)->find_words(picture, "red hair");
  ASSERT_TRUE(heat) << heat.error().text();
  // The middle of what a toy finds: about half of the picture.
  std::vector<std::uint8_t> sorted = image::over_picture(*heat, 64, 64).pixels;
  std::ranges::sort(sorted);
  const double threshold = sorted[sorted.size() / 2] / 255.0;
  GenerationRequest request = testing::quick_request("a star");
  request.init = InitImage{.picture = picture};
  request.inpaint.blur = 0;
  request.inpaint.words = WordMask{"red hair", threshold};
  const image::Image by_words = testing::pictures(**engine, request).at(0);
  request.inpaint.words.reset();
  request.inpaint.mask = image::word_mask(*heat, threshold, 64, 64);
  EXPECT_EQ(testing::pictures(**engine, request).at(0), by_words) << "the way of any other mask";
  EXPECT_NE(by_words, picture);
  request.inpaint.mask.reset();
  request.inpaint.words = WordMask{"red hair", 1};
  const auto nothing = testing::draw(**engine, request);
  ASSERT_FALSE(nothing.outcome);
  EXPECT_NE(nothing.outcome.error().message.find("looks like 'red hair'"), std::string::npos);
}

TEST(WordFinder, WithoutTheNetworkTheUserIsToldWhereItBelongs) {
  const testing::Scratch scratch;
  const auto engine = StableDiffusion::open({.model_path = testing::demo_model().string(),
                                             .device = "cpu",
                                             .clipseg_path = (scratch / "clipseg").string()});
  ASSERT_TRUE(engine);
  const auto heat = (*engine)->find_words(sample(64, 64), "red hair");
  ASSERT_FALSE(heat);
  EXPECT_EQ(heat.error().code, ErrorCode::not_found);
  EXPECT_NE(heat.error().message.find((scratch / "clipseg").string()), std::string::npos);
}

}  // namespace
}  // namespace invokeai::pipeline
