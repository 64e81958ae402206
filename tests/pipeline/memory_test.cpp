// Drawing within limits: the same pictures with weights that come and go, the same bytes on any
// number of threads, tiles, and no growth from picture to picture.

#include <ATen/Parallel.h>
#include <ATen/core/grad_mode.h>

#include <algorithm>
#include <functional>

#include "base/system_memory.h"
#include "nn/counting_memory.h"
#include "pipeline/engine_support.h"
#include "pipeline/tiled_decode.h"

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

TEST(TileStarts, CoverEverythingWithOverlap) {
  for (std::int64_t length = 1; length < 300; ++length)
    for (const std::int64_t side : {32, 64}) {
      const auto starts = tile_starts(length, side, 12);
      EXPECT_EQ(starts.front(), 0);
      if (length <= side) {
        EXPECT_EQ(starts.size(), 1u);
        continue;
      }
      EXPECT_EQ(starts.back() + side, length);
      for (std::size_t i = 1; i < starts.size(); ++i) {
        EXPECT_GT(starts[i], starts[i - 1]);
        EXPECT_GE(starts[i - 1] + side - starts[i], 12);
      }
    }
}

class Tiles : public ::testing::Test {
 protected:
  void SetUp() override {
    auto loaded = models::load_networks({.path = demo_model(), .stated = {}});
    ASSERT_TRUE(loaded) << loaded.error().text();
    networks_ = std::move(*loaded);
  }
  at::Tensor decode(const at::Tensor& latents) const { return networks_.vae->decode(latents); }
  at::Tensor in_tiles(const at::Tensor& latents, const TileShape& shape) const {
    return decode_in_tiles(latents, shape, [this](const at::Tensor& x) { return decode(x); });
  }
  const at::NoGradGuard no_grad_;
  models::Networks networks_;
};

TEST_F(Tiles, OnePieceIsDecodedAsItIs) {
  const at::Tensor latents = at::randn({1, 4, 20, 32});
  EXPECT_TRUE(at::equal(in_tiles(latents, {.side = 32, .overlap = 12, .wrap = {}}), decode(latents)));
}

TEST_F(Tiles, MeetAtTheEdgesOfASeamlessPicture) {
  const at::Tensor latents = at::randn({1, 4, 24, 40});
  nn::set_wrap(*networks_.vae, {.x = true, .y = false});
  const at::Tensor whole = decode(latents);
  nn::set_wrap(*networks_.vae, {});
  const at::Tensor tiled =
      in_tiles(latents, {.side = 28, .overlap = 12, .wrap = {.x = true, .y = false}});
  ASSERT_EQ(tiled.sizes(), whole.sizes());
  const double gap = (tiled - whole).slice(3, 0, 8).abs().mean().item<double>();
  const double apart = (decode(latents) - whole).slice(3, 0, 8).abs().mean().item<double>();
  EXPECT_LT(gap, apart) << "the edge is nearer to the wrapped picture than to the plain one";
}

}  // namespace
}  // namespace invokeai::pipeline
