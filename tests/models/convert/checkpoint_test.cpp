// Splitting and joining with real bytes, on small models.

#include "models/convert/checkpoint.h"

#include <gtest/gtest.h>

#include <numeric>

#include "models/convert/check_tensors.h"
#include "models/convert/tensor_ops.h"
#include "small_model.h"

namespace invokeai::models {
namespace {

using testing::Shapes;

SplitCheckpoint small_model(bool open_clip) {
  SplitCheckpoint split;
  testing::UNetSize unet;
  unet.linear = open_clip;
  split.unet = testing::source_of(testing::unet_shapes(unet));
  split.vae = testing::source_of(testing::vae_shapes({}));
  split.text_encoder = testing::source_of(testing::text_shapes({}));
  split.open_clip = open_clip;
  return split;
}

void expect_same(const TensorSource& got, const TensorSource& wanted) {
  ASSERT_EQ(testing::shapes_of(got), testing::shapes_of(wanted));
  for (const auto& [name, view] : wanted.tensors) {
    EXPECT_EQ(testing::bytes_of(*got.find(name)), testing::bytes_of(view)) << name;
  }
}

TEST(Checkpoint, SmallModelsSurviveTheRoundTrip) {
  for (const bool open_clip : {false, true}) {
    const SplitCheckpoint model = small_model(open_clip);
    const auto file = join_checkpoint(model);
    ASSERT_TRUE(file) << file.error().text();
    // Three levels of two layers: the last output block's up-sampler comes after its attention.
    EXPECT_TRUE(file->find("model.diffusion_model.output_blocks.2.1.conv.weight"));
    EXPECT_TRUE(file->find("model.diffusion_model.output_blocks.5.2.conv.weight"));
    EXPECT_TRUE(file->find("model.diffusion_model.input_blocks.6.0.op.weight"));
    const auto again = split_checkpoint(*file);
    ASSERT_TRUE(again) << again.error().text();
    expect_same(again->unet, model.unet);
    expect_same(again->vae, model.vae);
    expect_same(again->text_encoder, model.text_encoder);
    EXPECT_EQ(again->open_clip, open_clip);
    EXPECT_TRUE(again->leftover.empty());
  }
}

TEST(Checkpoint, SplittingCopiesNothing) {
  const auto file = join_checkpoint(small_model(true));
  ASSERT_TRUE(file);
  const TensorView& fused =
      *file->find("cond_stage_model.model.transformer.resblocks.1.attn.in_proj_weight");
  const auto split = split_checkpoint(*file);
  ASSERT_TRUE(split);
  const TensorView& key =
      *split->text_encoder.find("text_model.encoder.layers.1.self_attn.k_proj.weight");
  EXPECT_EQ(key.data.data(), fused.data.data() + 128 * 128);
  EXPECT_EQ(key.owner, fused.owner);
}

TEST(Checkpoint, FusedRowsAreQueryKeyValueInThisOrder) {
  // f32 values 0, 1, 2, ... in a [6,2] weight: query holds 0-3, key 4-7, value 8-11.
  auto values = std::make_shared<std::vector<float>>(12);
  std::iota(values->begin(), values->end(), 0.0f);
  TensorView fused;
  fused.shape = {6, 2};
  fused.data = {reinterpret_cast<const std::uint8_t*>(values->data()), 48};
  fused.owner = values;
  TensorSource file;
  file.tensors["model.diffusion_model.input_blocks.0.0.weight"] =
      testing::hollow_tensor({2, 4, 3, 3});
  file.tensors["cond_stage_model.model.transformer.resblocks.0.attn.in_proj_weight"] = fused;
  const auto split = split_checkpoint(file);
  ASSERT_TRUE(split);
  float expected = 0;
  for (const char* part : {"q_proj", "k_proj", "v_proj"}) {
    const TensorView* view = split->text_encoder.find(
        fmt::format("text_model.encoder.layers.0.self_attn.{}.weight", part));
    ASSERT_TRUE(view);
    EXPECT_EQ(view->shape, (Shape{2, 2}));
    const auto* floats = reinterpret_cast<const float*>(view->data.data());
    for (int i = 0; i < 4; ++i) EXPECT_EQ(floats[i], expected++) << part;
  }
}

TEST(Checkpoint, FusedRowsThatAreNoMultipleOfThreeAreRefused) {
  const auto split = split_checkpoint(testing::source_of(
      {{"model.diffusion_model.input_blocks.0.0.weight", {2, 4, 3, 3}},
       {"cond_stage_model.model.transformer.resblocks.0.attn.in_proj_weight", {7, 2}}}));
  ASSERT_FALSE(split);
  EXPECT_EQ(split.error().code, ErrorCode::bad_file);
  EXPECT_NE(split.error().message.find("7 rows"), std::string::npos) << split.error().message;
}

TEST(Checkpoint, LastLayerOfAFullOpenClipTowerIsDropped) {
  auto file = join_checkpoint(small_model(true));
  ASSERT_TRUE(file);
  file->tensors["cond_stage_model.model.text_projection"] = testing::hollow_tensor({128, 128});
  file->tensors["cond_stage_model.model.logit_scale"] = testing::hollow_tensor({});
  const auto split = split_checkpoint(*file);
  ASSERT_TRUE(split);
  EXPECT_TRUE(split->text_encoder.find("text_model.encoder.layers.1.layer_norm1.weight"));
  EXPECT_FALSE(split->text_encoder.find("text_model.encoder.layers.2.layer_norm1.weight"));
  EXPECT_TRUE(split->leftover.empty());
}

TEST(Checkpoint, AveragesAreUsedPerTensorWhereTheyAre) {
  auto file = join_checkpoint(small_model(false));
  ASSERT_TRUE(file);
  const std::string front = "model.diffusion_model.";
  TensorSource with_averages = *file;
  std::string lacking;
  int averages = 0;
  for (const auto& [name, view] : file->tensors) {
    if (!name.starts_with(front)) continue;
    if (lacking.empty()) {
      lacking = name;
      continue;
    }
    with_averages.tensors[ema_name(name.substr(6))] =
        testing::noise_tensor(view.shape, 1000 + averages);
    ++averages;
  }
  ASSERT_GT(averages, 100);
  with_averages.tensors["model_ema.decay"] = testing::hollow_tensor({});

  const auto averaged = split_checkpoint(with_averages);
  ASSERT_TRUE(averaged);
  EXPECT_EQ(averaged->ema_tensors, averages);
  EXPECT_TRUE(averaged->leftover.empty());
  const std::string bias = "time_embedding.linear_1.bias";
  const TensorView* average = with_averages.find("model_ema.diffusion_modeltime_embed0bias");
  ASSERT_TRUE(average);
  EXPECT_EQ(averaged->unet.find(bias)->data.data(), average->data.data());
  EXPECT_EQ(averaged->unet.tensors.size(), small_model(false).unet.tensors.size());

  const auto plain = split_checkpoint(with_averages, {.use_ema = false});
  ASSERT_TRUE(plain);
  EXPECT_EQ(plain->ema_tensors, 0);
  expect_same(plain->unet, small_model(false).unet);

  // A hundred averages or fewer are leftovers of something else, not an averaged model.
  TensorSource few = *file;
  for (const auto& [name, view] : with_averages.tensors) {
    if (name.starts_with("model_ema.") && few.tensors.size() < file->tensors.size() + 100) {
      few.tensors[name] = view;
    }
  }
  EXPECT_EQ(split_checkpoint(few)->ema_tensors, 0);
}

TEST(Checkpoint, SdxlHasTwoTextEncodersAndAVectorCondition) {
  SplitCheckpoint model;
  testing::UNetSize unet;
  unet.channels = {320, 640, 1280};
  unet.depths = {0, 2, 10};
  unet.mid_depth = 10;
  unet.context = 2048;
  unet.linear = true;
  unet.vector = 2816;
  model.unet = testing::source_of(testing::unet_shapes(unet), true);
  std::int64_t parameters = 0;
  for (const auto& [name, view] : model.unet.tensors) parameters += testing::count_of(view.shape);
  EXPECT_EQ(model.unet.tensors.size(), 1680u);
  EXPECT_EQ(parameters, 2567463684);
  model.text_encoder = testing::source_of(testing::text_shapes({}));
  testing::TextSize second;
  second.projection = 96;
  model.text_encoder_2 = testing::source_of(testing::text_shapes(second));

  const auto file = join_checkpoint(model);
  ASSERT_TRUE(file) << file.error().text();
  EXPECT_TRUE(file->find("model.diffusion_model.label_emb.0.2.weight"));
  ASSERT_TRUE(file->find("model.diffusion_model.output_blocks.2.2.conv.weight"));
  EXPECT_TRUE(file->find("conditioner.embedders.0.transformer.text_model.final_layer_norm.bias"));
  EXPECT_EQ(file->find("conditioner.embedders.1.model.text_projection")->shape, (Shape{128, 96}));
  const auto again = split_checkpoint(*file);
  ASSERT_TRUE(again) << again.error().text();
  EXPECT_EQ(testing::shapes_of(again->unet), testing::shapes_of(model.unet));
  expect_same(again->text_encoder, model.text_encoder);
  expect_same(again->text_encoder_2, model.text_encoder_2);

  TensorSource other_export = *file;
  for (const std::string kind : {"weight", "bias"}) {
    auto node =
        other_export.tensors.extract("model.diffusion_model.output_blocks.2.2.conv." + kind);
    node.key() = "model.diffusion_model.output_blocks.2.1.conv." + kind;
    other_export.tensors.insert(std::move(node));
  }
  EXPECT_EQ(testing::shapes_of(split_checkpoint(other_export)->unet),
            testing::shapes_of(model.unet));
}

TEST(Checkpoint, StandAloneVaeIsFoundUnderEveryPrefixAndNaming) {
  const SplitCheckpoint model = small_model(false);
  const auto file = join_checkpoint(model);
  ASSERT_TRUE(file);
  for (const std::string prefix : {"", "first_stage_model.", "vae."}) {
    TensorSource alone;
    alone.tensors[prefix + "loss.logvar"] = testing::hollow_tensor({});
    alone.tensors["model_ema.decay"] = testing::hollow_tensor({});
    for (const auto& [name, view] : file->tensors) {
      if (name.starts_with("first_stage_model.")) alone.tensors[prefix + name.substr(18)] = view;
    }
    const auto vae = vae_of_file(alone);
    ASSERT_TRUE(vae) << vae.error().text();
    expect_same(*vae, model.vae);
  }
  const auto folder_names = vae_of_file(model.vae);
  ASSERT_TRUE(folder_names);
  expect_same(*folder_names, model.vae);
  EXPECT_EQ(vae_of_file(model.unet).error().code, ErrorCode::bad_file);
}

TEST(Checkpoint, FilesWithoutUNetSayWhatTheyHold) {
  const auto vae = split_checkpoint(testing::source_of({{"decoder.conv_in.weight", {8, 4, 3, 3}}}));
  ASSERT_FALSE(vae);
  EXPECT_NE(vae.error().message.find("only a VAE"), std::string::npos) << vae.error().message;
  const auto other = split_checkpoint(testing::source_of({{"foo.bar", {2}}}));
  ASSERT_FALSE(other);
  EXPECT_NE(other.error().message.find("1 tensors, first foo.bar"), std::string::npos);
}

TEST(Checkpoint, UnknownNamesAreListedAndCannotBeExported) {
  auto file = join_checkpoint(small_model(false));
  ASSERT_TRUE(file);
  for (const char* name :
       {"zebra", "model.diffusion_model.extra.weight", "first_stage_model.encoder.down.0.attn.0.q",
        "cond_stage_model.transformer.extra.weight", "alphas_cumprod_prev", "v_pred"}) {
    file->tensors[name] = testing::hollow_tensor({1});
  }
  const auto split = split_checkpoint(*file);
  ASSERT_TRUE(split);
  EXPECT_EQ(split->leftover,
            (std::vector<std::string>{"cond_stage_model.transformer.extra.weight",
                                      "first_stage_model.encoder.down.0.attn.0.q",
                                      "model.diffusion_model.extra.weight", "zebra"}));
  SplitCheckpoint strange = small_model(true);
  strange.unet.tensors["adapter.weight"] = testing::hollow_tensor({1});
  EXPECT_EQ(join_checkpoint(strange).error().code, ErrorCode::unsupported);
  SplitCheckpoint torn = small_model(true);
  torn.text_encoder.tensors.erase("text_model.encoder.layers.0.self_attn.k_proj.bias");
  const auto error = join_checkpoint(torn).error();
  EXPECT_NE(error.message.find("query, key and value"), std::string::npos) << error.message;
}

TEST(TensorOps, StridedTensorsAreSlicedAndStacked) {
  // [3,2] column-major over the bytes 0..5: rows are (0,3) (1,4) (2,5).
  TensorView view;
  view.dtype = DType::u8;
  auto bytes = std::make_shared<std::vector<std::uint8_t>>(6);
  std::iota(bytes->begin(), bytes->end(), std::uint8_t{0});
  view.shape = {3, 2};
  view.strides = {1, 3};
  view.data = *bytes;
  view.owner = bytes;
  const auto tail = view_rows(view, {1, 3});
  ASSERT_TRUE(tail);
  EXPECT_EQ(testing::bytes_of(*tail), (std::vector<std::uint8_t>{1, 4, 2, 5}));
  const std::vector<TensorView> parts = {*tail, view};
  const auto stacked = concatenate_rows(parts);
  ASSERT_TRUE(stacked);
  EXPECT_EQ(stacked->shape, (Shape{5, 2}));
  EXPECT_EQ(testing::bytes_of(*stacked), (std::vector<std::uint8_t>{1, 4, 2, 5, 0, 3, 1, 4, 2, 5}));
  EXPECT_FALSE(view_rows(view, {1, 4}));
  view.data = view.data.first(5);
  EXPECT_FALSE(view_rows(view, {0, 1}));
}

TEST(CheckTensors, NamesTheFirstFaultAndCountsThem) {
  TensorSource unet =
      testing::source_of({{"conv_in.weight", {320, 9, 3, 3}}, {"proj.weight", {8, 8}}});
  unet.name = "unet";
  EXPECT_TRUE(check_tensors(unet, {{"proj.weight", {8, 8, 1, 1}}}));
  EXPECT_EQ(check_tensors(unet, {{"conv_in.weight", {320, 4, 3, 3}}, {"b", {1}}}).error().message,
            "unet.conv_in.weight has shape [320, 9, 3, 3], expected [320, 4, 3, 3]; 1 tensors "
            "misshapen and 1 missing; is this the right kind of model?");
  EXPECT_EQ(check_tensors(unet, {{"b", {1}}, {"a", {1}}, {"proj.weight", {8, 8}}}).error().message,
            "unet: 2 of 3 tensors missing, first a; is this a full model?");
}

}  // namespace
}  // namespace invokeai::models
