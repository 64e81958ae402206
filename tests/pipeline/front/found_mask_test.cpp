#include "pipeline/found_mask.h"

#include <gtest/gtest.h>

#include "image/word_mask.h"

namespace invokeai::pipeline {
namespace {

/// Dark, with a white left half, which is what the fake engine finds.
image::Image half_white(int width, int height) {
  image::Image picture(width, height, 3);
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width / 2; ++x) std::fill_n(picture.at(x, y), 3, std::uint8_t{255});
  return picture;
}

GenerationRequest request_for(const std::string& words, double threshold = 0.5) {
  GenerationRequest request;
  request.prompt = "a cat";
  request.init = InitImage{.picture = half_white(128, 96)};
  request.inpaint.words = WordMask{words, threshold};
  return request;
}

TEST(FoundMask, BecomesTheMaskOfTheRequest) {
  const auto engine = make_fake_engine({});
  const GenerationRequest request = request_for("white things");
  ASSERT_TRUE(validate(request));
  const auto found = with_found_mask(*engine, request);
  ASSERT_TRUE(found && *found) << (found ? "" : found.error().text());
  const image::Image& mask = *(*found)->inpaint.mask;
  EXPECT_EQ(mask.width, 128);
  EXPECT_EQ(mask.height, 96);
  EXPECT_EQ(*mask.at(20, 50), 0) << "repaint what was found";
  EXPECT_EQ(*mask.at(100, 50), 255);
  EXPECT_FALSE((*found)->inpaint.words);
  EXPECT_EQ((*found)->prompt, "a cat");
}

TEST(FoundMask, RequestsWithoutWordsStayAsTheyAre) {
  GenerationRequest request = request_for("x");
  request.inpaint.words.reset();
  const auto found = with_found_mask(*make_fake_engine({}), request);
  ASSERT_TRUE(found);
  EXPECT_FALSE(*found);
}

TEST(FoundMask, NothingFoundIsAnErrorUnlessTheRestIsMeant) {
  GenerationRequest request = request_for("nothing");
  const auto engine = make_fake_engine({});
  const auto found = with_found_mask(*engine, request);
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().code, ErrorCode::invalid_argument);
  EXPECT_NE(found.error().message.find("looks like 'nothing'"), std::string::npos);
  request.inpaint.invert = true;
  EXPECT_TRUE(with_found_mask(*engine, request)) << "everything else is repainted";
}

TEST(FoundMask, WhatDoesNotGoTogetherIsSaidBeforeDrawing) {
  const auto message = [](const GenerationRequest& request) {
    const auto checked = validate(request);
    return checked ? std::string() : checked.error().message;
  };
  EXPECT_EQ(message(request_for("hair")), "");
  EXPECT_NE(message(request_for("")).find("wants the words"), std::string::npos);
  EXPECT_NE(message(request_for("h\xff")).find("UTF-8"), std::string::npos);
  EXPECT_NE(message(request_for("hair", 1.5)).find("from 0 to 1, not 1.5"), std::string::npos);
  GenerationRequest both = request_for("hair");
  both.inpaint.mask = image::Image(128, 96, 1);
  EXPECT_NE(message(both).find("drop one"), std::string::npos);
  GenerationRequest tiles = request_for("hair");
  tiles.embiggen = EmbiggenOptions{};
  EXPECT_NE(message(tiles).find("drop -tm"), std::string::npos);
  GenerationRequest alone = request_for("hair");
  alone.init.reset();
  EXPECT_NE(message(alone).find("needs a picture to look at"), std::string::npos);
  GenerationRequest inverted = request_for("hair");
  inverted.inpaint.invert = true;
  inverted.inpaint.replace = 0.5;
  EXPECT_EQ(message(inverted), "") << "the words are a mask";
}

TEST(FoundMask, AnEngineThatCannotLookSaysSo) {
  class Blind final : public Engine {
   public:
    const ModelInfo& model() const override { return model_; }
    Result<Outcome> generate(const GenerationRequest&, const GenerationCallbacks&,
                             const CancelToken&) override {
      return Outcome::completed;
    }

   private:
    ModelInfo model_;
  } blind;
  const auto found = with_found_mask(blind, request_for("hair"));
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().code, ErrorCode::unsupported);
}

}  // namespace
}  // namespace invokeai::pipeline
