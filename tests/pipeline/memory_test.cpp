// Drawing within limits: the same pictures with weights that come and go, the same bytes on any
// number of threads, bands without seams, and no growth from picture to picture.

#include <ATen/Parallel.h>
#include <ATen/core/grad_mode.h>

#include <algorithm>
#include <cmath>
#include <functional>

#include "base/system_memory.h"
#include "nn/counting_memory.h"
#include "pipeline/engine_support.h"

namespace invokeai::pipeline {
namespace {

using testing::demo_model;
using testing::draw;
using testing::Drawn;
using testing::pictures;
using testing::quick_request;

std::unique_ptr<Engine> open_with(const std::function<void(EngineOptions&)>& change = {}) {
  EngineOptions options;
  options.model_path = demo_model().string();
  options.device = "cpu";
  if (change) change(options);
  auto engine = StableDiffusion::open(options);
  EXPECT_TRUE(engine) << (engine ? "" : engine.error().text());
  return engine ? std::move(*engine) : nullptr;
}

bool tells(const Drawn& drawn, const std::string& part) {
  return std::ranges::any_of(drawn.messages, [&](const std::string& message) {
    return message.find(part) != std::string::npos;
  });
}

TEST(MaxMemory, WeightsThatComeAndGoChangeNoByte) {
  GenerationRequest request = quick_request("a big red star on a blue background");
  request.cfg_scale = 1;  // one row: the leanest plan computes the same products then
  const auto wanted = pictures(*open_with(), request);
  // Too little for anything: the leanest plan is taken, and said to be.
  const auto lean = open_with([](EngineOptions& o) {
    o.max_memory = 0.001;
    o.verbose = true;
  });
  ASSERT_TRUE(lean);
  const Drawn drawn = draw(*lean, request);
  ASSERT_TRUE(drawn.outcome) << drawn.outcome.error().text();
  EXPECT_EQ(drawn.images(), wanted);
  EXPECT_TRUE(tells(drawn, "blocks of the UNet are read at each step"));
  EXPECT_EQ(draw(*lean, request).images(), wanted) << "again";
}

TEST(MaxMemory, GuidanceRowByRowIsNearTheBatch) {
  GenerationRequest request = quick_request("a small green circle on a white background");
  request.steps = 8;
  const auto wanted = pictures(*open_with(), request);
  const auto lean = pictures(*open_with([](EngineOptions& o) { o.max_memory = 0.001; }), request);
  EXPECT_GT(testing::psnr(lean[0], wanted[0]), 40);
}

TEST(MaxMemory, IsToldOnlyWhenAsked) {
  const GenerationRequest request = quick_request("a star");
  EXPECT_TRUE(draw(*open_with(), request).messages.empty());
  const Drawn drawn = draw(*open_with([](EngineOptions& o) { o.verbose = true; }), request);
  EXPECT_TRUE(tells(drawn, "memory: at most "));
  EXPECT_EQ(drawn.messages.size(), 1u);
}

TEST(OutOfMemory, IsMetWithASecondLeanerTry) {
  GenerationRequest request = quick_request("a yellow heart on a black background");
  request.iterations = 3;
  request.batch_size = 3;
  const auto wanted = pictures(*open_with(), request);
  for (const bool while_decoding : {false, true}) {
    const auto engine = open_with();
    ASSERT_TRUE(engine);
    std::vector<image::Image> got;
    std::vector<std::string> messages;
    nn::testing::CountingMemory memory;
    int steps = 0;
    const auto outcome = engine->generate(
        request,
        {[&](const StepProgress&) {
           if (++steps == 2 && !while_decoding) memory.fail_once_at(4096);
         },
         [&](GeneratedImage&& made) -> Result<> {
           got.push_back(std::move(made.picture));
           if (got.size() == 1 && while_decoding) memory.fail_once_at(4096);
           return {};
         },
         [&](const std::string& message) { messages.push_back(message); }},
        {});
    ASSERT_TRUE(outcome) << outcome.error().text();
    EXPECT_EQ(memory.failures_left(), 0);
    ASSERT_EQ(messages.size(), 1u);
    EXPECT_NE(messages[0].find("memory ran out; trying once more with less"), std::string::npos);
    EXPECT_EQ(got, wanted) << "none twice, none missing";
  }
}

TEST(OutOfMemory, TwiceIsTheWorkersToTell) {
  const auto engine = open_with();
  ASSERT_TRUE(engine);
  nn::testing::CountingMemory memory;
  memory.fail_once_at(4096, 1000);
  EXPECT_THROW(draw(*engine, quick_request("a star")), std::exception);
}

TEST(Deterministic, ThreadsChangeNoByte) {
  const int before = at::get_num_threads();
  GenerationRequest request = quick_request("a big red star on a blue background");
  request.sampler = "k_euler_a";
  request.width = 512;  // large enough that libtorch cuts element-wise work
  request.height = 384;
  request.steps = 2;
  for (const char* precision : {"auto", "float32", "int8"}) {
    std::vector<std::vector<image::Image>> all;
    for (const int threads : {1, 2, 3}) {
      const auto engine =
          open_with([&](EngineOptions& o) {
        o.precision = precision;
        o.threads = threads;
        o.deterministic = true;
      });
      ASSERT_TRUE(engine);
      all.push_back(pictures(*engine, request));
    }
    EXPECT_EQ(all[1], all[0]) << precision;
    EXPECT_EQ(all[2], all[0]) << precision;
  }
  at::set_num_threads(before);
}

TEST(ManyPictures, TakeNoMoreMemoryThanAFew) {
  const auto engine = open_with();
  ASSERT_TRUE(engine);
  const auto draw_some = [&](int count) {
    GenerationRequest request = quick_request("a star", 7);
    request.steps = 1;
    for (int i = 0; i < count; ++i) {
      request.prompt = fmt::format("a star, number {}", i);
      ASSERT_EQ(pictures(*engine, request).size(), 1u);
    }
  };
  draw_some(20);
  const std::int64_t before = resident_memory();
  draw_some(60);
  EXPECT_LE(static_cast<double>(resident_memory()), 1.01 * static_cast<double>(before));
}

TEST(Bands, MakeThePictureOfTheDemoModelWithoutSeams) {
  const at::NoGradGuard no_grad;
  for (const at::ScalarType dtype : {at::kFloat, at::kBFloat16}) {
    auto loaded = models::load_networks({.path = demo_model(), .dtype = dtype, .stated = {}});
    ASSERT_TRUE(loaded) << loaded.error().text();
    nn::Vae& vae = *loaded->vae;
    vae.pack();
    // Flat above, lively below: norms of a part alone would be far from those of the whole.
    const at::Tensor latents =
        (at::randn({1, 4, 96, 64}) * at::linspace(0, 2, 96).view({1, 1, 96, 1})).to(dtype);
    for (const nn::Wrap wrap : {nn::Wrap{}, nn::Wrap{.x = true, .y = true}}) {
      nn::set_wrap(vae, wrap);
      const at::Tensor whole = vae.decode(latents).to(at::kFloat);
      const at::Tensor banded = vae.decode_in_bands(latents, wrap).to(at::kFloat);
      const double error = (banded - whole).square().mean().item<double>();
      EXPECT_GT(10 * std::log10(4 / error), dtype == at::kFloat ? 90 : 45) << "dB";
    }
  }
}

}  // namespace
}  // namespace invokeai::pipeline
