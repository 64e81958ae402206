// The real engine on the demo model: same request, same bytes; steps, seeds, cancelling, guidance.

#include <map>
#include <thread>

#include "base/settings.h"
#include "pipeline/engine_support.h"
#include "pipeline/sampler_traits.h"

namespace invokeai::pipeline {
namespace {

using testing::demo_model;
using testing::draw;
using testing::Drawn;
using testing::open_engine;
using testing::pictures;
using testing::quick_request;

TEST(Samplers, SettingsAndEngineKnowTheSame) {
  EXPECT_EQ(choices_of(setting("sampler_name")), sampling::sampler_names());
  EXPECT_EQ(sampler_names(), sampling::sampler_names());
}

class DemoEngine : public ::testing::Test {
 protected:
  static void SetUpTestSuite() { engine_ = open_engine(demo_model(), "auto").release(); }
  static void TearDownTestSuite() { delete engine_; }
  void SetUp() override { ASSERT_NE(engine_, nullptr); }
  static inline Engine* engine_ = nullptr;
};

TEST_F(DemoEngine, EverySamplerDrawsAndCountsItsEvaluations) {
  // Evaluations for four steps: two a step but for the last one, or one more for the first.
  const std::map<std::string, int> evaluations = {
      {"ddim", 4},      {"k_dpm_2_a", 7}, {"k_dpm_2", 7},   {"k_dpmpp_2_a", 7}, {"k_dpmpp_2", 4},
      {"k_euler_a", 4}, {"k_euler", 4},   {"k_heun", 7},    {"k_lms", 4},       {"plms", 5},
      {"pndm", 5},      {"dpmpp_2m", 4},  {"dpmpp_sde", 7}, {"unipc", 4},       {"lcm", 4}};
  ASSERT_EQ(evaluations.size(), sampler_names().size());
  for (const std::string& sampler : sampler_names()) {
    for (const bool karras : {false, true}) {
      SCOPED_TRACE(sampler + (karras ? " with Karras levels" : ""));
      GenerationRequest request = quick_request("a big red star on a blue background");
      request.sampler = sampler;
      request.karras = karras;
      request.steps = 4;
      const Drawn drawn = draw(*engine_, request);
      ASSERT_TRUE(drawn.outcome) << drawn.outcome.error().text();
      ASSERT_EQ(drawn.pictures.size(), 1u);
      EXPECT_GT(testing::spread(drawn.pictures[0].picture), 8) << "one grey is no picture";
      ASSERT_EQ(static_cast<int>(drawn.steps.size()), evaluations.at(sampler));
      for (std::size_t i = 0; i < drawn.steps.size(); ++i) {
        EXPECT_EQ(drawn.steps[i].step, static_cast<int>(i) + 1);
        EXPECT_EQ(drawn.steps[i].steps, evaluations.at(sampler));
        EXPECT_GE(drawn.steps[i].timestep, 0);
        EXPECT_LE(drawn.steps[i].timestep, 999);
      }
    }
  }
}

TEST_F(DemoEngine, SameRequestSameBytes) {
  for (const std::string sampler : {"k_euler_a", "ddim", "dpmpp_sde"}) {
    SCOPED_TRACE(sampler);
    GenerationRequest request = quick_request("a small green circle on a white background", 7);
    request.sampler = sampler;
    request.eta = 1;  // ddim draws noise in each step too
    request.iterations = 4;
    request.perlin = sampler == "ddim" ? 0.2 : 0;
    const auto first = pictures(*engine_, request);
    EXPECT_EQ(pictures(*engine_, request), first) << "again";
    for (const int batch : {3, 4}) {
      request.batch_size = batch;
      EXPECT_EQ(pictures(*engine_, request), first) << "in batches of " << batch;
    }
    EXPECT_EQ(draw(*engine_, request, 2).outcome, Outcome::cancelled);
    EXPECT_EQ(pictures(*engine_, request), first) << "after a cancel";
    std::vector<image::Image> elsewhere;
    std::jthread([&] { elsewhere = pictures(*engine_, request); }).join();
    EXPECT_EQ(elsewhere, first) << "from another thread";
  }
}

TEST_F(DemoEngine, SameBytesFromANewEngine) {
  const GenerationRequest request = quick_request("a yellow heart on a black background");
  const auto first = pictures(*engine_, request);
  EXPECT_EQ(pictures(*open_engine(demo_model(), "auto"), request), first);
}

TEST_F(DemoEngine, StopsWithinOneStep) {
  GenerationRequest request = quick_request("a star");
  request.steps = 8;
  request.iterations = 3;
  const Drawn at_once = draw(*engine_, request, 0);
  EXPECT_EQ(at_once.outcome, Outcome::cancelled);
  EXPECT_TRUE(at_once.steps.empty() && at_once.pictures.empty());
  const Drawn second = draw(*engine_, request, 2);
  EXPECT_EQ(second.outcome, Outcome::cancelled);
  EXPECT_EQ(second.steps.size(), 2u);
  EXPECT_TRUE(second.pictures.empty());
  const Drawn later = draw(*engine_, request, 11);
  EXPECT_EQ(later.steps.size(), 11u);
  EXPECT_EQ(later.steps.back().picture, 1);
  EXPECT_EQ(later.pictures.size(), 1u) << "what was finished is kept";
}

TEST_F(DemoEngine, AnErrorOfTheReceiverEndsTheRequest) {
  GenerationRequest request = quick_request("a star");
  request.iterations = 3;
  int received = 0;
  const auto outcome = engine_->generate(request,
                                         {{},
                                          [&](GeneratedImage&&) -> Result<> {
                                            ++received;
                                            return fail(ErrorCode::disk_full, "test", "no room");
                                          },
                                          {}},
                                         {});
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().code, ErrorCode::disk_full);
  EXPECT_EQ(received, 1);
}

TEST_F(DemoEngine, PreviewsAreAnEighthOfTheSize) {
  GenerationRequest request = quick_request("a star");
  request.width = 128;
  request.steps = 5;
  request.preview_every = 2;
  const Drawn drawn = draw(*engine_, request);
  ASSERT_EQ(drawn.steps.size(), 5u);
  for (const StepProgress& step : drawn.steps) {
    ASSERT_EQ(step.preview.has_value(), step.step % 2 == 0) << step.step;
    if (!step.preview) continue;
    EXPECT_EQ(step.preview->width, 16);
    EXPECT_EQ(step.preview->height, 8);
    EXPECT_EQ(step.preview->channels, 3);
  }
  EXPECT_NE(drawn.steps[1].preview, drawn.steps[3].preview);
  EXPECT_EQ(drawn.pictures[0].picture.width, 128);
  EXPECT_EQ(drawn.pictures[0].picture.height, 64);
}

TEST_F(DemoEngine, SizesFollowTheRequestOrTheModel) {
  GenerationRequest request = quick_request("a star");
  request.steps = 1;
  request.width = 72;
  request.height = 200;
  const auto odd = pictures(*engine_, request);
  EXPECT_EQ(odd[0].width, 72);
  EXPECT_EQ(odd[0].height, 200);
  request.width = request.height = 0;
  EXPECT_EQ(pictures(*engine_, request)[0].width, engine_->model().native_width);
}

TEST_F(DemoEngine, SeedsFollowEachOther) {
  GenerationRequest request = quick_request("a star", 4294967295u);
  request.iterations = 3;
  const Drawn drawn = draw(*engine_, request);
  ASSERT_EQ(drawn.pictures.size(), 3u);
  EXPECT_EQ(drawn.pictures[0].seed, 4294967295u);
  for (std::size_t i = 1; i < 3; ++i)
    EXPECT_EQ(drawn.pictures[i].seed, sampling::next_seed(drawn.pictures[i - 1].seed));
  request = quick_request("a star", drawn.pictures[2].seed);
  EXPECT_EQ(pictures(*engine_, request)[0], drawn.pictures[2].picture);
  request.seed = std::nullopt;
  EXPECT_NE(draw(*engine_, request).pictures[0].seed, draw(*engine_, request).pictures[0].seed);
}

TEST_F(DemoEngine, GuidanceOfOneListensToThePromptAlone) {
  GenerationRequest request = quick_request("a red star on a blue background");
  const auto guided = pictures(*engine_, request);
  request.cfg_scale = 1;
  const auto plain = pictures(*engine_, request);
  EXPECT_NE(plain, guided);
  request.negative_prompt = "red";
  EXPECT_EQ(pictures(*engine_, request), plain);
  request.cfg_scale = 1.0001;
  EXPECT_GT(testing::psnr(pictures(*engine_, request)[0], plain[0]), 35) << "no jump at 1";
}

TEST_F(DemoEngine, StepCachingIsNearTheWholeRunAndOffByDefault) {
  GenerationRequest request = quick_request("a big red star on a blue background");
  request.steps = 16;
  request.width = request.height = 128;
  const auto whole = pictures(*engine_, request);
  request.cache_steps = 1;
  EXPECT_EQ(pictures(*engine_, request), whole);
  request.cache_steps = 2;
  const auto cached = pictures(*engine_, request);
  EXPECT_NE(cached, whole) << "nothing was kept";
  const double psnr = testing::psnr(cached[0], whole[0]);
  RecordProperty("psnr", fmt::format("{:.1f}", psnr));
  EXPECT_GT(psnr, 20);
  EXPECT_EQ(pictures(*engine_, request), cached) << "same request, same picture";
  request.iterations = request.batch_size = 2;
  EXPECT_EQ(pictures(*engine_, request)[0], cached[0]) << "each picture keeps its own";
}

TEST_F(DemoEngine, LcmDrawsInAFewStepsWithoutGuidance) {
  GenerationRequest request = quick_request("a big red star on a blue background");
  request.sampler = "lcm";
  request.cfg_scale = 1;
  for (const int steps : {1, 2, 4, 8}) {
    request.steps = steps;
    const Drawn drawn = draw(*engine_, request);
    ASSERT_TRUE(drawn.outcome) << drawn.outcome.error().text();
    EXPECT_EQ(static_cast<int>(drawn.steps.size()), steps);
    EXPECT_EQ(drawn.pictures.size(), 1u);
  }
}

TEST_F(DemoEngine, NegativePromptsOfBothKindsAreOne) {
  GenerationRequest request = quick_request("a star on a blue background");
  const auto without = pictures(*engine_, request);
  request.negative_prompt = "red circle";
  const auto beside = pictures(*engine_, request);
  EXPECT_NE(beside, without);
  request = quick_request("a star on a blue background [red circle]");
  EXPECT_EQ(pictures(*engine_, request), beside);
}

TEST_F(DemoEngine, KarrasLevelsWithoutEffectAreTold) {
  for (const sampling::SamplerInfo& sampler : sampling::samplers()) {
    EXPECT_EQ(follows_karras(sampler.name), sampler.karras) << sampler.name;
    if (sampler.name != "ddim" && sampler.name != "k_euler") continue;
    auto request = quick_request("a red star");
    request.sampler = sampler.name;
    request.karras = true;
    const Drawn drawn = draw(*engine_, request);
    ASSERT_TRUE(drawn.outcome);
    ASSERT_EQ(drawn.messages.size(), sampler.karras ? 0u : 1u) << sampler.name;
    if (!sampler.karras) {
      EXPECT_NE(drawn.messages[0].find("no effect with ddim"), std::string::npos);
    }
  }
}

TEST_F(DemoEngine, LongPromptsAreCutWithAWord) {
  std::string prompt = "a red star on a blue background";
  for (int i = 0; i < 200; ++i) prompt += ", a green circle";
  const Drawn drawn = draw(*engine_, quick_request(prompt));
  ASSERT_TRUE(drawn.outcome);
  ASSERT_EQ(drawn.messages.size(), 1u);
  EXPECT_NE(drawn.messages[0].find("too long and has been truncated; lost: "), std::string::npos);
}

TEST(Precision, EightBitsAreNearFloat) {
  const auto exact = open_engine(demo_model(), "float32");
  const auto rounded = open_engine(demo_model(), "int8");
  ASSERT_TRUE(exact && rounded);
  EXPECT_EQ(rounded->model().precision, "int8");
  GenerationRequest request = quick_request("a big red star on a blue background");
  request.steps = 12;
  request.width = request.height = 128;
  const double psnr = testing::psnr(pictures(*rounded, request)[0], pictures(*exact, request)[0]);
  RecordProperty("psnr", fmt::format("{:.1f}", psnr));
  EXPECT_GT(psnr, 20);
}

TEST(Precision, BfloatIsNearFloat) {
  const auto exact = open_engine(demo_model(), "float32");
  const auto quick = open_engine(demo_model(), "bfloat16");
  ASSERT_TRUE(exact && quick);
  EXPECT_EQ(exact->model().precision, "float32");
  EXPECT_EQ(quick->model().precision, "bfloat16");
  for (const char* prompt :
       {"a big red star on a blue background", "a small yellow circle on a green background"}) {
    GenerationRequest request = quick_request(prompt);
    request.width = request.height = 0;
    request.steps = 20;
    request.sampler = "k_dpmpp_2";
    const auto wanted = pictures(*exact, request), got = pictures(*quick, request);
    EXPECT_NE(got, wanted);
    EXPECT_GT(testing::psnr(got[0], wanted[0]), 30) << prompt;
  }
}

}  // namespace
}  // namespace invokeai::pipeline
