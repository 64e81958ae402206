// Configs read off names and shapes, against the values that the published folders have
// (models-and-training spec 2.1).

#include "models/convert/infer_config.h"

#include <gtest/gtest.h>

#include "small_model.h"

namespace invokeai::models {
namespace {

using nlohmann::json;

SplitCheckpoint model_of(const testing::UNetSize& unet, const testing::VaeSize& vae,
                         const testing::TextSize& text) {
  SplitCheckpoint split;
  split.unet = testing::source_of(testing::unet_shapes(unet), true);
  split.vae = testing::source_of(testing::vae_shapes(vae), true);
  split.text_encoder = testing::source_of(testing::text_shapes(text), true);
  return split;
}

/// Every entry of `expected` must be in the config.
void expect_entries(const json& config, const json& expected) {
  for (const auto& [key, value] : expected.items())
    EXPECT_EQ(config.value(key, json()), value) << key;
}

const testing::VaeSize kVae{{128, 256, 512, 512}, 2, 4};
const testing::UNetSize kSd1{{320, 640, 1280, 1280}, {1, 1, 1, 0}, 1, 2, 4, 768, false, 0};
const testing::UNetSize kSd2{{320, 640, 1280, 1280}, {1, 1, 1, 0}, 1, 2, 4, 1024, true, 0};

TEST(InferConfig, Sd1) {
  const auto configs =
      infer_configs(model_of(kSd1, kVae, {768, 12, 3072, 49408, 0}), parse_kind("sd1").value());
  ASSERT_TRUE(configs) << configs.error().text();
  expect_entries(configs->unet, json::parse(R"({
    "_class_name": "UNet2DConditionModel", "sample_size": 64, "in_channels": 4, "out_channels": 4,
    "block_out_channels": [320, 640, 1280, 1280], "layers_per_block": 2,
    "down_block_types": ["CrossAttnDownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D",
                         "DownBlock2D"],
    "up_block_types": ["UpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D",
                       "CrossAttnUpBlock2D"],
    "cross_attention_dim": 768, "attention_head_dim": 8, "use_linear_projection": false,
    "transformer_layers_per_block": 1, "upcast_attention": false, "norm_num_groups": 32,
    "mid_block_type": "UNetMidBlock2DCrossAttn"})"));
  expect_entries(configs->vae, json::parse(R"({
    "_class_name": "AutoencoderKL", "in_channels": 3, "out_channels": 3, "latent_channels": 4,
    "block_out_channels": [128, 256, 512, 512], "layers_per_block": 2, "sample_size": 512,
    "scaling_factor": 0.18215, "norm_num_groups": 32, "use_quant_conv": true,
    "use_post_quant_conv": true,
    "up_block_types": ["UpDecoderBlock2D", "UpDecoderBlock2D", "UpDecoderBlock2D",
                       "UpDecoderBlock2D"]})"));
  expect_entries(configs->text_encoder, json::parse(R"({
    "hidden_size": 768, "intermediate_size": 3072, "num_hidden_layers": 12,
    "num_attention_heads": 12, "hidden_act": "quick_gelu", "vocab_size": 49408,
    "max_position_embeddings": 77, "layer_norm_eps": 1e-5})"));
  expect_entries(configs->scheduler, json::parse(R"({
    "_class_name": "PNDMScheduler", "beta_start": 0.00085, "beta_end": 0.012,
    "beta_schedule": "scaled_linear", "num_train_timesteps": 1000, "steps_offset": 1,
    "prediction_type": "epsilon", "clip_sample": false, "set_alpha_to_one": false})"));
  EXPECT_TRUE(configs->text_encoder_2.is_null());
}

TEST(InferConfig, Sd2) {
  SplitCheckpoint split = model_of(kSd2, kVae, {1024, 23, 4096, 49408, 0});
  split.open_clip = true;
  const auto v = infer_configs(split, parse_kind("sd2-v").value());
  ASSERT_TRUE(v) << v.error().text();
  expect_entries(v->unet, json::parse(R"({
    "sample_size": 96, "cross_attention_dim": 1024, "attention_head_dim": [5, 10, 20, 20],
    "use_linear_projection": true, "upcast_attention": true})"));
  expect_entries(v->vae, {{"sample_size", 768}});
  expect_entries(v->text_encoder, json::parse(R"({
    "hidden_size": 1024, "intermediate_size": 4096, "num_hidden_layers": 23,
    "num_attention_heads": 16, "hidden_act": "gelu"})"));
  expect_entries(v->scheduler,
                 {{"_class_name", "DDIMScheduler"}, {"prediction_type", "v_prediction"}});
  const auto base = infer_configs(split, parse_kind("sd2-base").value());
  ASSERT_TRUE(base);
  expect_entries(base->unet, {{"sample_size", 64}, {"upcast_attention", false}});
  expect_entries(base->scheduler, {{"prediction_type", "epsilon"}});
}

TEST(InferConfig, InpaintingHasNineChannels) {
  testing::UNetSize size = kSd1;
  size.in_channels = 9;
  const auto config = infer_unet_config(testing::source_of(testing::unet_shapes(size), true),
                                        parse_kind("sd1-inpainting").value());
  ASSERT_TRUE(config);
  EXPECT_EQ((*config)["in_channels"], 9);
}

TEST(InferConfig, SdxlAndItsRefiner) {
  const testing::UNetSize base{{320, 640, 1280}, {0, 2, 10}, 10, 2, 4, 2048, true, 2816};
  const auto config = infer_unet_config(testing::source_of(testing::unet_shapes(base), true),
                                        parse_kind("sdxl").value());
  ASSERT_TRUE(config);
  expect_entries(*config, json::parse(R"({
    "sample_size": 128, "attention_head_dim": [5, 10, 20], "addition_embed_type": "text_time",
    "transformer_layers_per_block": [1, 2, 10], "projection_class_embeddings_input_dim": 2816,
    "down_block_types": ["DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"],
    "up_block_types": ["CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"]})"));
  const testing::UNetSize refiner{{384, 768, 1536, 1536}, {0, 4, 4, 0}, 4, 2, 4, 1280, true, 2560};
  const TensorSource tensors = testing::source_of(testing::unet_shapes(refiner), true);
  EXPECT_EQ(tensors.tensors.size(), 1220u);
  const auto refiner_config = infer_unet_config(tensors, parse_kind("sdxl-refiner").value());
  ASSERT_TRUE(refiner_config);
  expect_entries(*refiner_config, json::parse(R"({
    "attention_head_dim": [6, 12, 24, 24], "transformer_layers_per_block": 4})"));
}

TEST(InferConfig, SmallModelsFollowTheSameRules) {
  const SplitCheckpoint split = model_of({}, {}, {});
  const auto configs = infer_configs(split, parse_kind("sd1").value());
  ASSERT_TRUE(configs) << configs.error().text();
  expect_entries(configs->unet, json::parse(R"({
    "block_out_channels": [64, 128, 192], "cross_attention_dim": 128, "attention_head_dim": 8,
    "down_block_types": ["CrossAttnDownBlock2D", "CrossAttnDownBlock2D", "DownBlock2D"],
    "up_block_types": ["UpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D"],
    "norm_num_groups": 32})"));
  expect_entries(configs->vae, json::parse(R"({
    "block_out_channels": [16, 32, 64, 128], "norm_num_groups": 16, "sample_size": 512})"));
  expect_entries(configs->text_encoder, json::parse(R"({
    "hidden_size": 128, "num_hidden_layers": 3, "num_attention_heads": 2,
    "intermediate_size": 512, "vocab_size": 300})"));
}

TEST(InferConfig, OwnFilesKeepTheirExactConfigs) {
  SplitCheckpoint split = model_of({}, {}, {});
  const auto inferred = infer_configs(split, parse_kind("sd1").value());
  ASSERT_TRUE(inferred);
  ModelConfigs exact = *inferred;
  exact.unet["sample_size"] = 16;
  exact.unet["attention_head_dim"] = 4;
  split.metadata[kConfigMetadataKey] = configs_to_metadata(exact);
  const auto read = infer_configs(split, parse_kind("sd1").value());
  ASSERT_TRUE(read) << read.error().text();
  EXPECT_EQ(read->unet, exact.unet);
  EXPECT_EQ(read->scheduler, exact.scheduler);
  for (const char* text : {"", "[]", "{", R"({"unet":{}})", R"({"unet":1,"vae":{}})"}) {
    split.metadata[kConfigMetadataKey] = text;
    const auto broken = infer_configs(split, parse_kind("sd1").value());
    ASSERT_FALSE(broken) << text;
    EXPECT_EQ(broken.error().code, ErrorCode::bad_file);
  }
}

TEST(InferConfig, IncompleteModelsAreRefusedByName) {
  for (const char* name : {"conv_in.weight", "down_blocks.1.resnets.0.conv1.weight"}) {
    TensorSource unet = testing::source_of(testing::unet_shapes({}), true);
    unet.tensors.erase(name);
    const auto config = infer_unet_config(unet, {});
    ASSERT_FALSE(config) << name;
    EXPECT_NE(config.error().message.find(std::string("test.") + name + " is missing"),
              std::string::npos)
        << config.error().message;
  }
  TensorSource vae = testing::source_of(testing::vae_shapes({}), true);
  vae.tensors["decoder.conv_in.weight"] = testing::hollow_tensor({});
  EXPECT_FALSE(infer_vae_config(vae, {}));
  EXPECT_FALSE(infer_text_config({}, false));
  EXPECT_FALSE(infer_vae_config({}, {}));
}

}  // namespace
}  // namespace invokeai::models
