// The key maps against the complete list of names and shapes of SD 1.5, its inpainting model and
// SD 2.1 (tests/golden/keymap.json), in both directions.

#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "models/convert/checkpoint.h"
#include "models/convert/key_map.h"
#include "small_model.h"

namespace invokeai::models {
namespace {

using nlohmann::json;
using testing::Shapes;

const json& keymap() {
  static const json map =
      json::parse(std::ifstream(std::string(INVOKEAI_TEST_DATA) + "/golden/keymap.json"));
  return map;
}

Shape shape_of(const json& list) { return list.get<Shape>(); }

/// Both layouts of one published model, as names and shapes.
struct Model {
  Shapes ldm;
  Shapes unet;
  Shapes vae;
  Shapes text;
};

Model golden_model(bool sd2, bool inpainting) {
  Model model;
  const auto add_unet = [&](const json& record) {
    const Shape shape = shape_of(record[sd2 && record.size() > 3 ? 3 : 2]);
    model.ldm[record[0]] = shape;
    model.unet[record[1]] = shape;
  };
  for (const json& record : keymap()["unet"]) add_unet(record);
  if (inpainting) {
    for (const json& record : keymap()["inpainting"]) add_unet(record);
  }
  for (const json& record : keymap()["vae"]) {
    model.vae[record[1]] = shape_of(record[2]);
    model.ldm[record[0]] = shape_of(record[record.size() > 3 ? 3 : 2]);
  }
  for (const json& record : keymap()[sd2 ? "text_encoder_sd2" : "text_encoder_sd1"]) {
    Shape shape = shape_of(record[2]);
    model.text[record[1]] = shape;
    if (record.size() > 3) shape[0] *= 3;
    model.ldm[record[0]] = shape;
  }
  return model;
}

class PublishedModel : public ::testing::TestWithParam<std::pair<bool, bool>> {};

TEST_P(PublishedModel, SplitsIntoDiffusersNames) {
  const auto [sd2, inpainting] = GetParam();
  const Model model = golden_model(sd2, inpainting);
  Shapes file = model.ldm;
  if (sd2) {
    for (const json& record : keymap()["text_encoder_sd2_dropped"]) {
      file[record[0]] = shape_of(record[1]);
    }
  }
  file["betas"] = {1000};
  file["model_ema.decay"] = {};
  const auto split = split_checkpoint(testing::source_of(file, true));
  ASSERT_TRUE(split) << split.error().text();
  EXPECT_EQ(testing::shapes_of(split->unet), model.unet);
  EXPECT_EQ(testing::shapes_of(split->vae), model.vae);
  EXPECT_EQ(testing::shapes_of(split->text_encoder), model.text);
  EXPECT_EQ(split->leftover, std::vector<std::string>{});
  EXPECT_EQ(split->open_clip, sd2);
  EXPECT_EQ(split->unet.tensors.size(), 686u);
  EXPECT_EQ(split->vae.tensors.size(), 248u);
  EXPECT_EQ(split->text_encoder.tensors.size(), sd2 ? 372u : 196u);
}

TEST_P(PublishedModel, JoinsIntoLdmNames) {
  const auto [sd2, inpainting] = GetParam();
  const Model model = golden_model(sd2, inpainting);
  SplitCheckpoint split;
  split.unet = testing::source_of(model.unet, true);
  split.vae = testing::source_of(model.vae, true);
  split.text_encoder = testing::source_of(model.text, true);
  split.open_clip = sd2;
  const auto file = join_checkpoint(split);
  ASSERT_TRUE(file) << file.error().text();
  EXPECT_EQ(testing::shapes_of(*file), model.ldm);
}

INSTANTIATE_TEST_SUITE_P(KeyMap, PublishedModel,
                         ::testing::Values(std::pair(false, false), std::pair(false, true),
                                           std::pair(true, false), std::pair(true, true)));

TEST(KeyMap, RowsOfFusedAttentionAreThoseOfTheGoldenList) {
  int fused = 0;
  for (const json& record : keymap()["text_encoder_sd2"]) {
    const std::string ldm = record[0].get<std::string>().substr(23);  // cond_stage_model.model.
    const Shape shape = shape_of(record[2]);
    const auto back = hf_to_open_clip(record[1].get<std::string>(), shape);
    ASSERT_TRUE(back) << record[1];
    EXPECT_EQ(back->name, ldm);
    ASSERT_EQ(back->rows.has_value(), record.size() > 3) << record[1];
    if (!back->rows) continue;
    ++fused;
    EXPECT_EQ(*back->rows, (Rows{record[3][0], record[3][1]}));
  }
  EXPECT_EQ(fused, 23 * 6);
}

TEST(KeyMap, OldVaeAttentionNamesBecomeCurrentOnes) {
  const Model model = golden_model(false, false);
  for (const int rank : {2, 3, 4}) {
    Shapes old;
    for (const auto& [name, shape] : model.vae) {
      std::string renamed = name;
      Shape reshaped = shape;
      for (const auto& [current, former] : keymap()["vae_old_names"].items()) {
        const auto at = renamed.find("attentions.0." + current + ".");
        if (at == std::string::npos) continue;
        renamed.replace(at + 13, current.size(), former.get<std::string>());
        if (reshaped.size() == 2) reshaped.resize(static_cast<std::size_t>(rank), 1);
      }
      old[renamed] = reshaped;
    }
    ASSERT_NE(old, model.vae);
    const TensorSource canonical = canonical_part(testing::source_of(old, true), Part::vae);
    EXPECT_EQ(testing::shapes_of(canonical), model.vae) << "rank " << rank;
  }
}

TEST(KeyMap, TextEncoderPrefixIsAddedAndBuffersAreDropped) {
  const Model model = golden_model(false, false);
  Shapes bare;
  for (const auto& [name, shape] : model.text) bare[name.substr(11)] = shape;
  bare["embeddings.position_ids"] = {1, 77};
  bare["logit_scale"] = {};
  const TensorSource canonical = canonical_part(testing::source_of(bare, true), Part::text_encoder);
  EXPECT_EQ(testing::shapes_of(canonical), model.text);

  Shapes file = model.ldm;
  for (const auto& [name, shape] : model.text) {
    file.erase("cond_stage_model.transformer." + name);
    file["cond_stage_model.transformer." + name.substr(11)] = shape;
  }
  const auto split = split_checkpoint(testing::source_of(file, true));
  ASSERT_TRUE(split);
  EXPECT_EQ(testing::shapes_of(split->text_encoder), model.text);
}

TEST(KeyMap, NamesOutsideTheRulesAreUnknown) {
  const UNetLayout layout;
  for (const char* name : {"input_blocks.1.0.in_layers.1.weight", "input_blocks.01.0.op.weight",
                           "input_blocks.99999.0.op.weight", "middle_block.3.in_layers.0.weight",
                           "output_blocks.0.3.conv.weight", "input_blocks.0.1.norm.weight", "",
                           "input_blocks.1.1.foo.weight", "time_embed.0", "out.1.weight"}) {
    EXPECT_FALSE(unet_to_diffusers(name, layout)) << name;
  }
  EXPECT_FALSE(vae_to_diffusers("decoder.up.4.block.0.norm1.weight", 4));
  EXPECT_FALSE(vae_to_diffusers("encoder.mid.block_3.norm1.weight", 4));
  EXPECT_FALSE(canonical_text("text_model.foo"));
}

}  // namespace
}  // namespace invokeai::models
