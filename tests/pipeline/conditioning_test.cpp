// Prompts to tensors, against formulas computed with transformers
// (scripts/oracles/make_conditioning_golden.py): same formula weights, same prompts.

#include "pipeline/conditioning.h"

#include <ATen/core/grad_mode.h>
#include <gtest/gtest.h>

#include <map>
#include <nlohmann/json.hpp>

#include "base/file.h"
#include "nn/formula_weights.h"
#include "text/prompt_parser.h"

namespace invokeai::pipeline {
namespace {

using nlohmann::json;

const json& golden() {
  static const json all =
      json::parse(read_file(INVOKEAI_TEST_DATA "/golden/conditioning.json").value());
  return all;
}

/// The demo model's tokenizer with a small encoder of formula weights.
class ConditioningTest : public ::testing::Test {
 protected:
  ConditioningTest()
      : tokenizer_(text::ClipTokenizer::from_folder(INVOKEAI_SOURCE_ROOT "/models/demo/tokenizer")
                       .value()),
        encoder_(nn::parse_clip_text_config(golden().at("config")).value()) {
    nn::testing::fill_by_formula(encoder_);
  }

  Conditioning encode(const std::string& prompt, EncodeOptions options = {},
                      const std::string& negative = {}) {
    const auto parsed =
        text::parse_prompt(prompt, {.dialect = options.dialect, .negative = negative});
    return encode_prompt(parsed.value(), options, tokenizer_, encoder_, at::kCPU);
  }
  Conditioning encode_a1111(const std::string& prompt, int steps = 1) {
    return encode(prompt, {.dialect = text::PromptDialect::a1111, .steps = steps});
  }

  /// Sixteen numbers that stand for a context [1,S,16].
  at::Tensor project(const at::Tensor& context) {
    at::Tensor& matrix = matrices_[context.numel()];
    if (!matrix.defined())
      matrix = nn::testing::uniform("projection", {16, context.numel()}).to(at::kDouble);
    return at::mv(matrix, context.flatten().to(at::kDouble)) / 4;
  }

  void compare(const at::Tensor& context, const json& expected, const std::string& where) {
    const at::Tensor wanted = at::tensor(expected.get<std::vector<double>>());
    const double off = (project(context) - wanted).abs().max().item<double>();
    largest_ = std::max(largest_, off);
    EXPECT_LT(off, 1e-4) << where;
  }

  text::ClipTokenizer tokenizer_;
  nn::ClipText encoder_;
  std::map<std::int64_t, at::Tensor> matrices_;
  double largest_ = 0;
  at::NoGradGuard no_grad_;
};

std::vector<std::vector<std::int64_t>> kept(const SwapEdit& edit) {
  std::vector<std::vector<std::int64_t>> pairs;
  for (std::int64_t i = 0; i < edit.keep.size(0); ++i)
    if (edit.keep[i].item<float>() == 1) pairs.push_back({i, edit.source[i].item<std::int64_t>()});
  return pairs;
}

TEST_F(ConditioningTest, EqualsTheReference) {
  ASSERT_EQ(golden().at("cases").size(), 300u);
  for (const json& item : golden().at("cases")) {
    const std::string prompt = item.at("prompt");
    EncodeOptions options{.dialect = text::parse_dialect(std::string(item.at("dialect"))).value(),
                          .steps = golden().at("steps")};
    if (item.value("long", "") == "continue") options.long_prompts = LongPrompts::carry_on;
    const Conditioning got = encode(prompt, options, item.value("negative", ""));
    const json& stages = item.at("stages");
    ASSERT_EQ(got.stages.size(), stages.size()) << prompt;
    for (std::size_t s = 0; s < stages.size(); ++s) {
      const ConditioningStage& stage = got.stages[s];
      const json& wanted = stages[s];
      EXPECT_EQ(stage.first_step, wanted.at("first_step")) << prompt;
      ASSERT_EQ(stage.uncond.size(1), 77 * wanted.at("windows").get<int>()) << prompt;
      compare(stage.uncond, wanted.at("uncond"), prompt + " (negative)");
      ASSERT_EQ(stage.cond.size(), wanted.at("cond").size()) << prompt;
      for (std::size_t k = 0; k < stage.cond.size(); ++k) {
        const json& cond = wanted.at("cond")[k];
        EXPECT_NEAR(stage.cond[k].weight, cond.at("weight").get<double>(), 1e-12) << prompt;
        compare(stage.cond[k].context, cond.at("context"), prompt);
        ASSERT_EQ(stage.cond[k].edit.has_value(), cond.contains("edited")) << prompt;
        if (!stage.cond[k].edit) continue;
        compare(stage.cond[k].edit->context, cond.at("edited"), prompt + " (edited)");
        EXPECT_EQ(json(kept(*stage.cond[k].edit)), cond.at("kept")) << prompt;
      }
    }
    for (const json& cut : item.value("cut", json::array())) {
      const std::string part = fmt::format("is {} token(s) too long", cut.get<int>());
      EXPECT_TRUE(std::ranges::any_of(got.messages, [&](const std::string& message) {
        return message.find(part) != std::string::npos;
      })) << prompt << ": " << part;
    }
  }
  RecordProperty("largest", fmt::format("{:.2g}", largest_));
  fmt::print("largest difference {:.2g}\n", largest_);
}

TEST_F(ConditioningTest, WeightOneIsThePlainPrompt) {
  const at::Tensor plain = encode("a red star").stages[0].cond[0].context;
  EXPECT_TRUE(at::equal(encode("a (red)1.0 star").stages[0].cond[0].context, plain));
  EXPECT_TRUE(at::equal(encode_a1111("a (red:1.0) star").stages[0].cond[0].context, plain));
  EXPECT_FALSE(at::equal(encode("a (red)1.2 star").stages[0].cond[0].context, plain));
}

TEST_F(ConditioningTest, A1111RestoresTheMeanOfEachWindow) {
  std::string words;
  for (int i = 0; i < 75; ++i) words += "red ";
  const at::Tensor plain = encode_a1111(words + "star star").stages[0].cond[0].context;
  const at::Tensor heavy = encode_a1111("(" + words + ":1.4) star star").stages[0].cond[0].context;
  ASSERT_EQ(plain.size(1), 154);
  EXPECT_NEAR(heavy.slice(1, 0, 77).mean().item<double>(),
              plain.slice(1, 0, 77).mean().item<double>(), 1e-6);
  EXPECT_FALSE(at::equal(heavy.slice(1, 0, 77), plain.slice(1, 0, 77)));
  EXPECT_TRUE(at::equal(heavy.slice(1, 77), plain.slice(1, 77)));  // no weight in this window
}

TEST_F(ConditioningTest, LongPromptsAreCutWithAWordOrContinued) {
  std::string words;
  for (int i = 0; i < 40; ++i) words += "red star ";
  const Conditioning cut = encode(words + "moon");
  EXPECT_EQ(cut.stages[0].cond[0].context.size(1), 77);
  ASSERT_EQ(cut.messages.size(), 1u);
  EXPECT_NE(cut.messages[0].find("6 token(s) too long"), std::string::npos) << cut.messages[0];
  EXPECT_NE(cut.messages[0].find("star moon"), std::string::npos) << cut.messages[0];

  const Conditioning on = encode(words + "moon", {.long_prompts = LongPrompts::carry_on});
  EXPECT_TRUE(on.messages.empty());
  EXPECT_EQ(on.stages[0].cond[0].context.size(1), 154);
  EXPECT_EQ(on.stages[0].uncond.size(1), 154);  // filled up
  EXPECT_TRUE(
      at::equal(on.stages[0].cond[0].context.slice(1, 0, 77), cut.stages[0].cond[0].context));
  EXPECT_TRUE(at::equal(on.stages[0].uncond.slice(1, 77), encode("").stages[0].cond[0].context));
}

TEST_F(ConditioningTest, BreakBeginsAWindow) {
  const at::Tensor context = encode_a1111("a red star BREAK a moon").stages[0].cond[0].context;
  ASSERT_EQ(context.size(1), 154);
  EXPECT_TRUE(at::equal(context.slice(1, 0, 77), encode("a red star").stages[0].cond[0].context));
  EXPECT_TRUE(at::equal(context.slice(1, 77), encode("a moon").stages[0].cond[0].context));
}

TEST_F(ConditioningTest, SchedulesEncodeEachTextOnce) {
  const Conditioning turns = encode_a1111("a [red|blue] star", 6);
  ASSERT_EQ(turns.stages.size(), 6u);
  for (int i = 2; i < 6; ++i)  // the same memory, not only the same numbers
    EXPECT_TRUE(turns.at(i).cond[0].context.is_alias_of(turns.at(i - 2).cond[0].context)) << i;
  EXPECT_FALSE(at::equal(turns.at(0).cond[0].context, turns.at(1).cond[0].context));

  const Conditioning edit = encode_a1111("a [red:blue:0.4] star", 10);
  ASSERT_EQ(edit.stages.size(), 2u);
  EXPECT_TRUE(
      at::equal(edit.at(3).cond[0].context, encode("a red star").stages[0].cond[0].context));
  EXPECT_TRUE(
      at::equal(edit.at(4).cond[0].context, encode("a blue star").stages[0].cond[0].context));
}

TEST_F(ConditioningTest, TellsWhatItDoesNotDo) {
  const Conditioning lora = encode_a1111("a star <lora:crayon:0.7>");
  ASSERT_EQ(lora.messages.size(), 1u);
  EXPECT_NE(lora.messages[0].find("LoRA 'crayon' is not applied"), std::string::npos);
  const Conditioning two = encode("a red.swap(blue, s_end=0.5) star.swap(moon)");
  ASSERT_EQ(two.messages.size(), 1u);
  EXPECT_NE(two.messages[0].find("options of the first .swap() hold"), std::string::npos);
  EXPECT_DOUBLE_EQ(two.stages[0].cond[0].edit->options.s_end, 0.5);
}

TEST_F(ConditioningTest, TokensNameTheirPositions) {
  const Conditioning swap = encode("a red.swap(big blue) star");
  const WeightedContext& cond = swap.stages[0].cond[0];
  ASSERT_EQ(cond.tokens.size(), 3u);
  EXPECT_EQ(cond.tokens[1].text, "red");
  EXPECT_EQ(cond.tokens[2].position, 3);
  ASSERT_EQ(cond.edit->tokens.size(), 4u);
  EXPECT_EQ(cond.edit->tokens[3].text, "star");
  EXPECT_EQ(cond.edit->tokens[3].position, 4);
}

}  // namespace
}  // namespace invokeai::pipeline
