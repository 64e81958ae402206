// config.json files as networks' shapes: defaults, what is refused, and how the message names it.

#include "nn/configs.h"

#include <gtest/gtest.h>

#include <cctype>
#include <nlohmann/json.hpp>

namespace invokeai::nn {
namespace {

using nlohmann::json;

struct Refused {
  const char* network;
  const char* config;
  const char* message;  // a part of it
};

class RefusedConfig : public ::testing::TestWithParam<Refused> {};

/// Network and config, as far as a test's name may hold them.
void PrintTo(const Refused& item, std::ostream* out) {
  for (const char c : fmt::format("{}_{}", item.network, item.config))
    if (std::isalnum(static_cast<unsigned char>(c)) || c == '_') *out << c;
}

std::string problem_of(const std::string& network, const json& config) {
  const auto text = [](const auto& result) {
    return result ? std::string() : result.error().text();
  };
  if (network == "unet") return text(parse_unet_config(config));
  if (network == "vae") return text(parse_vae_config(config));
  return text(parse_clip_text_config(config));
}

TEST_P(RefusedConfig, IsNamedInTheMessage) {
  const Refused& item = GetParam();
  const std::string problem = problem_of(item.network, json::parse(item.config));
  EXPECT_NE(problem.find(item.message), std::string::npos) << item.config << " gives: " << problem;
  EXPECT_EQ(problem.find('\n'), std::string::npos);
}

INSTANTIATE_TEST_SUITE_P(
    Configs, RefusedConfig,
    ::testing::Values(
        // wrong types
        Refused{"unet", R"([1])", "not a JSON object"},
        Refused{"clip", R"("x")", "not a JSON object"}, Refused{"vae", R"(7)", "not a JSON object"},
        Refused{"unet", R"({"in_channels":"four"})", "in_channels has the value \"four\""},
        Refused{"unet", R"({"block_out_channels":320})", "block_out_channels has the value 320"},
        Refused{"unet", R"({"down_block_types":[1,2,3,4]})", "down_block_types"},
        Refused{"unet", R"({"norm_eps":"small"})", "norm_eps"},
        Refused{"unet", R"({"use_linear_projection":"yes"})", "use_linear_projection"},
        Refused{"unet", R"({"attention_head_dim":["8"]})", "attention_head_dim"},
        Refused{"clip", R"({"hidden_act":3})", "hidden_act has the value 3"},
        Refused{"clip", R"({"vocab_size":[]})", "vocab_size"},
        Refused{"vae", R"({"scaling_factor":"0.18"})", "scaling_factor"},
        // out of range
        Refused{"unet", R"({"layers_per_block":0})", "layers_per_block is 0"},
        Refused{"unet", R"({"cross_attention_dim":-1})", "cross_attention_dim is -1"},
        Refused{"unet", R"({"norm_num_groups":0})", "norm_num_groups is 0"},
        Refused{"clip", R"({"num_attention_heads":0})", "num_attention_heads is 0"},
        Refused{"clip", R"({"num_hidden_layers":99999999})", "num_hidden_layers is 99999999"},
        Refused{"vae", R"({"norm_num_groups":0})", "norm_num_groups is 0"},
        Refused{"unet", R"({"block_out_channels":[320,0,1280,1280]})", "block_out_channels is 0"},
        Refused{"unet", R"({"attention_head_dim":[8,0,8,8]})", "attention_head_dim is 0"},
        Refused{"unet", R"({"transformer_layers_per_block":[1,1,1,-2]})",
                "transformer_layers_per_block is -2"},
        Refused{"vae", R"({"block_out_channels":[-64]})", "block_out_channels is -64"},
        // parts that do not fit each other
        Refused{"unet", R"({"block_out_channels":[320,640]})", "differ in length"},
        Refused{"unet", R"({"block_out_channels":[]})", "differ in length"},
        Refused{"unet", R"({"attention_head_dim":[8,8]})",
                "attention_head_dim has 2 entries, wanted 4"},
        Refused{"unet", R"({"attention_head_dim":7})", "do not divide into"},
        Refused{"unet", R"({"norm_num_groups":7})", "do not divide into"},
        Refused{"clip", R"({"hidden_size":100,"num_attention_heads":8})", "not a multiple"},
        Refused{"vae", R"({"block_out_channels":[30]})", "do not divide into"},
        Refused{"vae", R"({"block_out_channels":[]})", "block_out_channels is empty"},
        // not implemented
        Refused{"unet", R"({"act_fn":"mish"})", "act_fn \"mish\" is not supported"},
        Refused{"unet", R"({"down_block_types":["AttnDownBlock2D"]})",
                "AttnDownBlock2D is not supported"},
        Refused{"unet", R"({"class_embed_type":"timestep"})", "class_embed_type"},
        Refused{"unet", R"({"addition_embed_type":"image"})", "addition_embed_type \"image\""},
        Refused{"unet", R"({"num_attention_heads":8})", "num_attention_heads"},
        Refused{"unet", R"({"time_embedding_type":"fourier"})", "time_embedding_type"},
        Refused{"unet", R"({"resnet_time_scale_shift":"scale_shift"})", "resnet_time_scale_shift"},
        Refused{"clip", R"({"hidden_act":"relu"})", "hidden_act relu is not supported"},
        Refused{"vae", R"({"shift_factor":0.1})", "shift_factor"},
        Refused{"vae", R"({"use_quant_conv":false})", "use_quant_conv"},
        Refused{"vae", R"({"down_block_types":["AttnDownEncoderBlock2D"]})",
                "AttnDownEncoderBlock2D"}));

TEST(Configs, EmptyObjectsTakeTheLibrariesDefaults) {
  const auto unet = parse_unet_config(json::object()).value();
  EXPECT_EQ(unet.block_channels, (std::vector<std::int64_t>{320, 640, 1280, 1280}));
  EXPECT_EQ(unet.down_attention, (std::vector<bool>{true, true, true, false}));
  EXPECT_EQ(unet.heads, (std::vector<std::int64_t>{8, 8, 8, 8}));
  EXPECT_EQ(unet.addition_time_dim, 0);
  const auto clip = parse_clip_text_config(json::object()).value();
  EXPECT_EQ(clip.hidden_size, 512);
  EXPECT_EQ(clip.activation, "quick_gelu");
  const auto vae = parse_vae_config(json::object()).value();
  EXPECT_EQ(vae.block_channels, (std::vector<std::int64_t>{64}));
  EXPECT_DOUBLE_EQ(vae.scaling_factor, 0.18215);
}

TEST(Configs, NullMeansAbsentAndUnknownKeysAreIgnored) {
  const auto unet = parse_unet_config(json::parse(
      R"({"class_embed_type":null,"num_attention_heads":null,"in_channels":null,"made_up":[1]})"));
  ASSERT_TRUE(unet) << unet.error().text();
  EXPECT_EQ(unet->in_channels, 4);
}

TEST(Configs, SdxlsSizeConditioningAndDepths) {
  const auto unet = parse_unet_config(json::parse(R"({
      "block_out_channels":[320,640,1280], "attention_head_dim":[5,10,20],
      "transformer_layers_per_block":[1,2,10], "use_linear_projection":true,
      "down_block_types":["DownBlock2D","CrossAttnDownBlock2D","CrossAttnDownBlock2D"],
      "up_block_types":["CrossAttnUpBlock2D","CrossAttnUpBlock2D","UpBlock2D"],
      "addition_embed_type":"text_time", "addition_time_embed_dim":256,
      "projection_class_embeddings_input_dim":2816, "cross_attention_dim":2048})"));
  ASSERT_TRUE(unet) << unet.error().text();
  EXPECT_EQ(unet->transformer_layers, (std::vector<std::int64_t>{1, 2, 10}));
  EXPECT_EQ(unet->down_attention, (std::vector<bool>{false, true, true}));
  EXPECT_EQ(unet->addition_input_dim, 2816);
}

}  // namespace
}  // namespace invokeai::nn
