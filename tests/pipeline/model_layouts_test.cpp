// One model, however it is stored: the pictures are the same, byte for byte.

#include "models/whole_model.h"
#include "pipeline/engine_support.h"

namespace invokeai::pipeline {
namespace {

using models::testing::FolderWeights;
using models::testing::make_whole_model;
using models::testing::WholeModel;
using models::testing::write_folder;
using models::testing::write_single_file;
using testing::Scratch;

std::vector<image::Image> drawn_by(const fs::path& model, const std::string& kind) {
  auto engine = StableDiffusion::open(
      {.model_path = model.string(), .device = "cpu", .precision = "float32", .model_kind = kind});
  EXPECT_TRUE(engine) << (engine ? "" : engine.error().text());
  if (!engine) return {};
  EXPECT_TRUE((*engine)->model().kind.starts_with(kind)) << (*engine)->model().kind;
  EXPECT_EQ((*engine)->model().native_width, 512);
  GenerationRequest request = testing::quick_request("a (red)1.3 star of the sea [blurry]");
  request.iterations = 2;
  return testing::pictures(**engine, request);
}

class Layouts : public ::testing::TestWithParam<std::string> {};

TEST_P(Layouts, GiveIdenticalPictures) {
  const std::string kind = GetParam();
  const WholeModel model = make_whole_model(kind.starts_with("sd2"));
  const Scratch scratch;
  const auto written = [](const Result<>& result) { ASSERT_TRUE(result) << result.error().text(); };
  written(write_folder(scratch / "folder", model));
  written(write_folder(scratch / "pickles", model, FolderWeights::pickles));
  written(write_single_file(scratch / "single.safetensors", model));
  written(write_single_file(scratch / "single.ckpt", model));
  fs::copy(scratch / "single.ckpt", scratch / "misnamed.safetensors");

  const auto wanted = drawn_by(scratch / "folder", kind);
  ASSERT_EQ(wanted.size(), 2u);
  EXPECT_NE(wanted[0], wanted[1]);
  EXPECT_GT(testing::spread(wanted[0]), 4) << "a picture to compare, not one grey";
  for (const char* name : {"pickles", "single.safetensors", "single.ckpt", "misnamed.safetensors"})
    EXPECT_EQ(drawn_by(scratch / name, kind), wanted) << name;
}
INSTANTIATE_TEST_SUITE_P(Kinds, Layouts, ::testing::Values("sd1", "sd2-base"),
                         [](const auto& info) { return info.param.substr(0, 3); });

}  // namespace
}  // namespace invokeai::pipeline
