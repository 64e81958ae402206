#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <fstream>

#include "base/file.h"
#include "pipeline/engine.h"
#include "pipeline/sizes.h"

namespace invokeai::pipeline {
namespace {

GenerationRequest request_for(const std::string& prompt, std::uint32_t seed, int steps,
                              int iterations = 1) {
  GenerationRequest request;
  request.prompt = prompt;
  request.seed = seed;
  request.steps = steps;
  request.iterations = iterations;
  return request;
}

struct Drawn {
  std::vector<GeneratedImage> pictures;
  std::vector<StepProgress> steps;
  Result<Outcome> outcome = Outcome::completed;
};

Drawn draw(Engine& engine, const GenerationRequest& request, int cancel_at_step = -1) {
  Drawn drawn;
  const CancelToken cancel;
  const GenerationCallbacks callbacks{[&](const StepProgress& step) {
                                        drawn.steps.push_back(step);
                                        if (static_cast<int>(drawn.steps.size()) == cancel_at_step)
                                          cancel.cancel();
                                      },
                                      [&](GeneratedImage&& made) -> Result<> {
                                        drawn.pictures.push_back(std::move(made));
                                        return {};
                                      },
                                      {}};
  drawn.outcome = engine.generate(request, callbacks, cancel);
  return drawn;
}

TEST(Validate, AcceptsTheDefaultsAndTheEnds) {
  GenerationRequest request;
  EXPECT_TRUE(validate(request).has_value());
  request.steps = 999;
  request.cfg_scale = 1;
  request.width = 64;
  request.height = 8192;
  request.perlin = 1;
  request.eta = 1;
  EXPECT_TRUE(validate(request).has_value());
  for (const auto& sampler : sampler_names()) {
    request.sampler = sampler;
    EXPECT_TRUE(validate(request).has_value()) << sampler;
  }
  EXPECT_EQ(sampler_names().size(), 15u);
}

TEST(Validate, NamesWhatIsWrong) {
  const auto refused = [](auto change, std::string_view part) {
    GenerationRequest request;
    change(request);
    const auto result = validate(request);
    ASSERT_FALSE(result.has_value()) << part;
    EXPECT_EQ(result.error().code, ErrorCode::invalid_argument);
    EXPECT_NE(result.error().message.find(part), std::string::npos) << result.error().message;
  };
  refused([](auto& r) { r.steps = 0; }, "steps takes a whole number from 1 to 999, not 0");
  refused([](auto& r) { r.cfg_scale = 0; }, "cfg_scale takes a number of at least 1, not 0");
  refused([](auto& r) { r.cfg_scale = std::nan(""); }, "cfg_scale");
  refused([](auto& r) { r.width = 513; }, "the nearest are 512 and 520");
  refused([](auto& r) { r.height = -8; }, "height");
  refused([](auto& r) { r.iterations = 0; }, "iterations");
  refused([](auto& r) { r.batch_size = 65; }, "batch_size");
  refused([](auto& r) { r.sampler = "euler"; }, "sampler_name takes one of ddim");
  refused([](auto& r) { r.prompt_dialect = "other"; }, "prompt_dialect takes one of invoke, a1111");
  refused([](auto& r) { r.perlin = 1.01; }, "perlin");
  refused([](auto& r) { r.threshold = -1; }, "threshold");
  refused([](auto& r) { r.prompt_dialect = "comfy"; }, "prompt_dialect");
  refused([](auto& r) { r.long_prompts = "cut"; }, "long_prompts");
  refused([](auto& r) { r.h_symmetry_time_pct = 1.01; }, "h_symmetry_time_pct");
  refused([](auto& r) { r.v_symmetry_time_pct = -0.01; }, "v_symmetry_time_pct");
  refused([](auto& r) { r.prompt = "caf\xe9"; }, "prompt: ");
  refused([](auto& r) { r.negative_prompt = "\xff"; }, "negative prompt: ");
  refused([](auto& r) { r.variation_amount = 1.5; }, "variation_amount");
  refused([](auto& r) { r.variations = {{1, 0.5}}; }, "give it with -S");
  refused([](auto& r) { r.seed = 1, r.variations = {{1, -0.5}}; }, "weight of variation 1 is -0.5");
  refused([](auto& r) { r.seed = 1, r.variations = {{1, 0.5}}, r.iterations = 2; }, "drop -n");
  refused([](auto& r) { r.init.emplace(); }, "the starting picture is empty");
  refused([](auto& r) { r.init = InitImage{image::Image(8, 8, 3), 0}; }, "strength");
  refused([](auto& r) { r.init = InitImage{image::Image(9000, 8, 3)}; }, "give --fit");
}

TEST(Validate, SaysWhatToDropWhenOptionsDoNotGoTogether) {
  const auto refused = [](auto change, std::string_view part) {
    GenerationRequest request;
    request.init = InitImage{.picture = image::Image(64, 64, 3)};
    change(request);
    const auto result = validate(request);
    ASSERT_FALSE(result.has_value()) << part;
    EXPECT_EQ(result.error().code, ErrorCode::invalid_argument);
    EXPECT_NE(result.error().message.find(part), std::string::npos) << result.error().message;
  };
  const image::Image black(64, 64, 1);
  refused([](auto& r) { r.hires.emplace(), r.embiggen.emplace(); }, "--hires_fix and --embiggen");
  refused([](auto& r) { r.canvas.emplace(), r.outpaint.outcrop = {{}}; }, "--outcrop exclude");
  refused([&](auto& r) { r.hires.emplace(), r.inpaint.mask = black; }, "drop -M");
  refused([&](auto& r) { r.embiggen.emplace(), r.inpaint.mask = black; }, "drop -M");
  refused([](auto& r) { r.init.reset(), r.embiggen.emplace(); }, "give one with -I");
  refused([](auto& r) { r.embiggen = EmbiggenOptions{.scale = 0, .tiles = {}}; }, "scale above 0");
  refused([](auto& r) { r.embiggen = EmbiggenOptions{.overlap = -1, .tiles = {}}; }, "overlap of at least 0");
  refused([](auto& r) { r.hires = HiresOptions{.strength = 0}; }, "strength");
  refused([](auto& r) { r.outpaint.seam.steps = 0; }, "seam_steps");
  refused([](auto& r) { r.inpaint.invert = true; }, "drop --invert_mask");
  refused([](auto& r) { r.inpaint.replace = 0.5; }, "drop --inpaint_replace");
  refused([](auto& r) { r.init.reset(), r.inpaint.mask.emplace(8, 8, 1); }, "drop -M");
  refused([](auto& r) { r.inpaint.mask.emplace(64, 8, 1); }, "same shape");
  const auto box = [](image::Box box, image::BoxScale scale = {}) { return CanvasBox{box, scale}; };
  refused([&](auto& r) { r.canvas = box({0, 0, 0, 64}); }, "a box of 0 x 64 pixels");
  refused([&](auto& r) { r.canvas = box({0, 0, 8, 8}), r.inpaint.mask.emplace(64, 8, 1); }, "same shape");
  refused([&](auto& r) { r.canvas = box({0, 0, 8, 8}, {image::BoxScaling::manual, {500, 64}}); },
          "multiples of 64");
  GenerationRequest request;
  request.init = InitImage{.picture = image::Image(64, 64, 3)};
  request.hires.emplace();
  EXPECT_TRUE(validate(request).has_value()) << "two passes may start from a picture";
}

TEST(Sizes, OfTheFirstOfTwoPasses) {
  // Generation spec 9, checked against 2.3.0.
  for (const auto& [wanted, first] : std::vector<std::pair<Size, Size>>{
           {{768, 768}, {512, 512}}, {{1024, 768}, {584, 440}}, {{768, 1024}, {440, 584}},
           {{1024, 512}, {720, 360}}, {{1920, 1088}, {680, 384}}, {{2048, 512}, {1024, 256}},
           {{256, 512}, {256, 512}}})
    EXPECT_EQ(hires_first_size(wanted, 512), first) << wanted.width << 'x' << wanted.height;
}

TEST(Sizes, OfAStartingPicture) {
  struct Case {
    Size picture;
    bool fit;
    Size box, wanted;
  };
  for (const Case& each : {Case{{512, 512}, false, {128, 128}, {512, 512}},
                           Case{{500, 700}, false, {0, 0}, {504, 704}},
                           Case{{1, 1}, false, {0, 0}, {64, 64}},
                           Case{{1, 1}, true, {512, 512}, {512, 512}},
                           Case{{1000, 500}, true, {512, 512}, {512, 256}},
                           Case{{500, 1000}, true, {512, 768}, {384, 768}},
                           Case{{8000, 8000}, true, {512, 512}, {512, 512}},
                           Case{{8000, 10}, true, {512, 512}, {512, 64}}})
    EXPECT_EQ(init_size(each.picture, each.fit, each.box), each.wanted)
        << each.picture.width << 'x' << each.picture.height << (each.fit ? " fitted" : "");
}

TEST(FakeEngine, DependsOnPromptSeedAndSizeOnly) {
  EngineOptions options;
  options.model_path = "/models/demo";
  const auto engine = make_fake_engine(options);
  EXPECT_EQ(engine->model().name, "demo");
  GenerationRequest request = request_for("a cat", 42, 3);
  const auto first = draw(*engine, request);
  ASSERT_EQ(first.pictures.size(), 1u);
  EXPECT_EQ(first.pictures[0].seed, 42u);
  EXPECT_EQ(first.pictures[0].picture.width, engine->model().native_width);
  request.steps = 5;
  EXPECT_EQ(draw(*engine, request).pictures[0].picture, first.pictures[0].picture);
  request.seed = 43;
  EXPECT_NE(draw(*engine, request).pictures[0].picture, first.pictures[0].picture);
  request = request_for("a dog", 42, 3);
  EXPECT_NE(draw(*engine, request).pictures[0].picture, first.pictures[0].picture);
}

TEST(FakeEngine, ChainsSeedsAndReportsSteps) {
  const auto engine = make_fake_engine({});
  const auto three = draw(*engine, request_for("x", 1, 4, 3));
  ASSERT_EQ(three.pictures.size(), 3u);
  ASSERT_EQ(three.steps.size(), 12u);
  EXPECT_EQ(three.steps[5].picture, 1);
  EXPECT_EQ(three.steps[5].step, 2);
  EXPECT_EQ(three.steps[5].steps, 4);
  // The second picture's seed alone draws the second picture.
  const auto again = draw(*engine, request_for("x", three.pictures[1].seed, 4));
  EXPECT_EQ(again.pictures[0].picture, three.pictures[1].picture);
}

TEST(FakeEngine, DrawsAtTheSizeOfTheStartingPicture) {
  GenerationRequest request = request_for("x", 1, 1);
  request.init = InitImage{.picture = image::Image(100, 60, 3)};
  const auto drawn = draw(*make_fake_engine({}), request);
  ASSERT_EQ(drawn.pictures.size(), 1u);
  EXPECT_EQ(drawn.pictures[0].width, 104);
  EXPECT_EQ(drawn.pictures[0].picture.height, 64);
}

TEST(FakeEngine, DrawsABoxAtItsOwnSize) {
  GenerationRequest request = request_for("x", 1, 1);
  request.init = InitImage{.picture = image::Image(100, 60, 3)};
  request.canvas = CanvasBox{.box = {-10, 20, 72, 40}, .scale = {.optimum = 0}};
  const auto drawn = draw(*make_fake_engine({}), request);
  ASSERT_EQ(drawn.pictures.size(), 1u);
  EXPECT_EQ(drawn.pictures[0].width, 72);
  EXPECT_EQ(drawn.pictures[0].picture.height, 40);
}

TEST(FakeEngine, StopsAtTheNextStep) {
  const auto engine = make_fake_engine({});
  const auto stopped = draw(*engine, request_for("x", 1, 4, 3), 6);
  EXPECT_EQ(stopped.outcome, Outcome::cancelled);
  EXPECT_EQ(stopped.pictures.size(), 1u);
  EXPECT_EQ(stopped.steps.size(), 6u);
}

class EngineLoader : public testing::Test {
 protected:
  void TearDown() override { ::unsetenv("INVOKEAI_ENGINE"); }
  static Result<std::unique_ptr<Engine>> load(const std::string& choice) {
    ::setenv("INVOKEAI_ENGINE", choice.c_str(), 1);
    return load_engine({});
  }
};

TEST_F(EngineLoader, FakeByName) {
  const auto engine = load("fake");
  ASSERT_TRUE(engine.has_value());
  EXPECT_EQ((*engine)->model().kind, "fake");
}

TEST_F(EngineLoader, SaysWhyThereIsNoEngine) {
  const auto missing = load("/nowhere/libengine.so");
  ASSERT_FALSE(missing.has_value());
  EXPECT_EQ(missing.error().code, ErrorCode::not_found);
  EXPECT_NE(missing.error().message.find("/nowhere/libengine.so"), std::string::npos);

  const auto text_file = load(INVOKEAI_SOURCE_ROOT "/CMakeLists.txt");
  ASSERT_FALSE(text_file.has_value());
  EXPECT_EQ(text_file.error().code, ErrorCode::bad_file);
}

TEST(FakeEngine, TheChainOfSeedsCanBeginAtAnyPicture) {
  const auto engine = make_fake_engine({});
  const Drawn all = draw(*engine, request_for("a cat", 42, 2, 5));
  GenerationRequest rest = request_for("a cat", 42, 2, 5);
  rest.first_picture = 3;
  const Drawn later = draw(*engine, rest);
  ASSERT_EQ(later.pictures.size(), 2u);
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(later.pictures[i].index, 3 + i);
    EXPECT_EQ(later.pictures[i].seed, all.pictures[3 + i].seed);
    EXPECT_EQ(later.pictures[i].picture, all.pictures[3 + i].picture);
  }
  EXPECT_EQ(later.steps.front().picture, 3);
  rest.first_picture = 5;
  EXPECT_TRUE(draw(*engine, rest).pictures.empty());
  for (const int bad : {-1, 6}) {
    rest.first_picture = bad;
    EXPECT_EQ(validate(rest).error().code, ErrorCode::invalid_argument) << bad;
  }
}

}  // namespace
}  // namespace invokeai::pipeline
