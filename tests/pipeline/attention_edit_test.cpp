// Rows that follow another row's attention, against two passes through diffusers with stored maps
// (scripts/oracles/make_swap_golden.py).

#include "pipeline/attention_edit.h"

#include <ATen/core/grad_mode.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/file.h"
#include "nn/formula_weights.h"
#include "nn/unet.h"
#include "pipeline/guidance.h"

namespace invokeai::pipeline {
namespace {

using nlohmann::json;
using nn::testing::uniform;

class AttentionEditTest : public ::testing::Test {
 protected:
  AttentionEditTest()
      : golden_(json::parse(read_file(INVOKEAI_TEST_DATA "/golden/swap.json").value())),
        unet_(nn::parse_unet_config(golden_.at("config")).value()),
        sample_(uniform("sample", {1, 4, 8, 6})),
        original_(uniform("original", {1, 8, 24})),
        edited_(uniform("edited", {1, 8, 24})) {
    nn::testing::fill_by_formula(unet_);
  }

  SwapEdit swap(text::SwapOptions options) const {
    return {.context = edited_,
            .source = at::tensor(golden_.at("source").get<std::vector<std::int64_t>>()),
            .keep = at::tensor(golden_.at("keep").get<std::vector<float>>()),
            .tokens = {},
            .options = options};
  }
  at::Tensor expected(const std::string& use) const {
    for (const json& item : golden_.at("cases"))
      if (item.at("use") == use)
        return at::tensor(item.at("output").get<std::vector<float>>()).reshape({1, 4, 8, 6});
    return {};
  }
  Conditioning conditioning(std::optional<SwapEdit> edit) const {
    Conditioning out;
    const WeightedContext cond{original_, 1.0, {}, std::move(edit)};
    out.stages.push_back({0, uniform("uncond", {1, 8, 24}), {cond}});
    return out;
  }
  static double off(const at::Tensor& a, const at::Tensor& b) {
    return (a - b).abs().max().item<double>();
  }

  json golden_;
  nn::UNet unet_;
  at::Tensor sample_, original_, edited_;
  at::NoGradGuard no_grad_;
};

TEST_F(AttentionEditTest, OneBatchEqualsTwoPassesWithStoredMaps) {
  for (const bool self : {false, true})
    for (const bool cross : {false, true}) {
      const std::string use = self && cross ? "self cross" : self ? "self" : cross ? "cross" : "";
      const SwapEdit edit = swap({});
      AttentionEdit control({{0, 1, self, cross, edit.source, edit.keep}}, {});
      const at::Tensor out =
          unet_.forward(sample_.expand({2, -1, -1, -1}), at::full({2}, 481.0),
                        at::cat({original_, edited_}), {.control = &control});
      EXPECT_LT(off(out.slice(0, 1), expected(use)), 5e-5) << use;
      EXPECT_GT(off(out.slice(0, 1), expected(self ? "" : "self")), 1e-2) << use;
    }
}

TEST_F(AttentionEditTest, EachKindHoldsForItsShareOfTheRun) {
  const Conditioning plain = conditioning({});
  const Conditioning edited =
      conditioning(swap({.s_start = 0.2, .s_end = 0.5, .t_start = 0.4, .t_end = 0.8}));
  const std::vector<std::string> uses{"none", "none",  "self",  "self", "self cross",
                                      "cross", "cross", "cross", "none", "none"};
  Guidance guidance(unet_, edited, 1.0, 10);
  Guidance unedited(unet_, plain, 1.0, 10);
  for (int step = 0; step < 10; ++step) {
    guidance.begin_step(step);
    const at::Tensor got = guidance.predict(sample_, 481, at::kFloat);
    const std::string& use = uses[static_cast<std::size_t>(step)];
    // Outside both shares 2.3.0 draws the original words.
    const at::Tensor wanted =
        use == "none" ? unedited.predict(sample_, 481, at::kFloat) : expected(use);
    EXPECT_LT(off(got, wanted), 5e-5) << step << " " << use;
  }
}

TEST_F(AttentionEditTest, GuidanceStartsFromTheNegativePrompt) {
  const Conditioning edited = conditioning(swap({.t_start = 0}));
  Guidance guidance(unet_, edited, 4.0, 10);
  Conditioning none;
  none.stages.push_back({0, {}, {{edited.stages[0].uncond, 1.0, {}, {}}}});
  const at::Tensor uncond = Guidance(unet_, none, 1.0, 10).predict(sample_, 481, at::kFloat);
  const at::Tensor wanted = uncond + 4 * (expected("self cross") - uncond);
  EXPECT_LT(off(guidance.predict(sample_, 481, at::kFloat), wanted), 2e-4);
}

TEST_F(AttentionEditTest, RecordingChangesNothingAndGivesMapsInOrder) {
  Conditioning watched = conditioning({});
  watched.stages[0].cond[0].tokens = {{"a", 1}, {"star", 5}};
  Guidance guidance(unet_, watched, 2.0, 10);
  const at::Tensor plain = guidance.predict(sample_, 481, at::kFloat);
  std::vector<AttentionRecorder> recorders(1, AttentionRecorder(8, 6));
  guidance.record_into(recorders);
  EXPECT_TRUE(at::equal(guidance.predict(sample_, 481, at::kFloat), plain));
  const std::vector<AttentionMap> maps = recorders[0].take();
  ASSERT_EQ(maps.size(), 2u);
  EXPECT_EQ(maps[0].token, "a");
  EXPECT_EQ(maps[1].token, "star");
  EXPECT_EQ(maps[1].heat.height, 8);
  EXPECT_EQ(maps[1].heat.width, 6);
  EXPECT_EQ(*std::ranges::max_element(maps[1].heat.pixels), 255);
  EXPECT_TRUE(recorders[0].take().empty());
}

TEST_F(AttentionEditTest, MapsLieWhereTheNetworkLooked) {
  at::Tensor maps = at::zeros({2, 12, 3});  // 2 heads, 4 x 3 tokens, 3 words
  maps[0][7][1] = 0.5;                      // row 2, column 1, word 1
  AttentionRecorder recorder(4, 3);
  recorder.add(maps, {.cross = true, .height = 4, .width = 3, .heads = 2}, {{"x", 1}});
  const image::Image heat = recorder.take().at(0).heat;
  for (int y = 0; y < 4; ++y)
    for (int x = 0; x < 3; ++x) EXPECT_EQ(*heat.at(x, y), x == 1 && y == 2 ? 255 : 0);
}

}  // namespace
}  // namespace invokeai::pipeline
