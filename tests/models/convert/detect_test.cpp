#include "models/convert/detect.h"

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "small_model.h"

namespace invokeai::models {
namespace {

/// One row of tables/detect.txt.
struct Row {
  std::string width, channels, also, step, yaml, file, stated, arrow, kind, certainty;
};

TensorSource file_of(const Row& row) {
  testing::Shapes shapes;
  const std::string unet = "model.diffusion_model.";
  if (row.channels != "-") {
    shapes[unet + "input_blocks.0.0.weight"] = {row.channels == "7" ? 256 : 320,
                                                std::stoi(row.channels), 3, 3};
  }
  if (row.width != "-") {
    shapes[unet + "input_blocks.2.1.transformer_blocks.0.attn2.to_k.weight"] = {
        320, std::stoi(row.width)};
  }
  std::string metadata;
  std::istringstream names(row.also);
  for (std::string name; std::getline(names, name, '+');) {
    if (name.starts_with("metadata:"))
      metadata = name.substr(9);
    else if (name != "-")
      shapes[name] = {1};
  }
  TensorSource source = testing::source_of(shapes, true);
  if (row.step != "-") source.metadata["global_step"] = row.step;
  if (!metadata.empty()) {
    source.metadata["invokeai.config"] =
        fmt::format(R"({{"scheduler":{{"prediction_type":"{}"}}}})", metadata);
  }
  return source;
}

Evidence evidence_of(const Row& row) {
  Evidence evidence;
  evidence.file_name = row.file;
  if (row.stated != "-") evidence.stated = parse_kind(row.stated).value();
  if (row.yaml == "none")
    evidence.yaml = "model:\n  params:\n    timesteps: 1000\n";
  else if (row.yaml != "-") {
    evidence.yaml = fmt::format(
        "model:\n  # parameterization: \"x\"\n  params:\n    parameterization: \"{}\" # type\r\n",
        row.yaml);
  }
  return evidence;
}

TEST(Detect, Table) {
  std::ifstream table(std::string(INVOKEAI_TEST_DATA) + "/models/convert/tables/detect.txt");
  int rows = 0;
  for (std::string line; std::getline(table, line);) {
    if (line.empty() || line.front() == '#') continue;
    SCOPED_TRACE(line);
    Row row;
    std::istringstream fields(line);
    fields >> row.width >> row.channels >> row.also >> row.step >> row.yaml >> row.file >>
        row.stated >> row.arrow >> row.kind >> row.certainty;
    ASSERT_EQ(row.arrow, "=>");
    ++rows;
    const auto detection = detect_kind(file_of(row), evidence_of(row));
    if (row.certainty == "error") {
      ASSERT_FALSE(detection);
      EXPECT_EQ(detection.error().code, ErrorCode::invalid_argument);
      continue;
    }
    ASSERT_TRUE(detection) << detection.error().text();
    EXPECT_EQ(kind_name(detection->kind), row.kind);
    EXPECT_EQ(detection->certain, row.certainty == "certain");
    EXPECT_TRUE(detection->reason.starts_with(row.kind + ": ")) << detection->reason;
  }
  EXPECT_GT(rows, 45);
}

TEST(Detect, NamesAndKindsAgree) {
  for (const char* name :
       {"sd1", "sd1-v", "sd1-inpainting", "sd1-pix2pix", "sd2", "sd2-base", "sd2-v",
        "sd2-inpainting", "sd2-inpainting-v", "sd2-depth", "sdxl", "sdxl-v", "sdxl-inpainting",
        "sdxl-refiner", "upscaler", "controlnet", "vae"}) {
    const auto kind = parse_kind(name);
    ASSERT_TRUE(kind) << name;
    EXPECT_EQ(kind_name(*kind), name);
  }
  for (const char* name : {"", "sd", "sd3", "sd12", "unknown", "sd1-foo", "sd1v", "-v", "sd2-vv"}) {
    EXPECT_FALSE(parse_kind(name)) << name;
  }
  EXPECT_TRUE(parse_kind("sd2-v")->upcast_attention());
  EXPECT_FALSE(parse_kind("sd2-base")->upcast_attention());
}

TEST(Detect, ReadsTheYamlBesideTheFile) {
  const fs::path folder = fs::path(::testing::TempDir()) / "invokeai_detect";
  fs::create_directories(folder);
  std::ofstream(folder / "model.yaml") << "model:\n  params:\n    parameterization: 'v'\n";
  Row row{"1024", "4", "-", "875000", "-", "-", "-", "=>", "", ""};
  EXPECT_EQ(kind_name(detect_file(file_of(row), folder / "model.ckpt")->kind), "sd2-v");
  EXPECT_EQ(kind_name(detect_file(file_of(row), folder / "other.ckpt")->kind), "sd2-base");
  EXPECT_EQ(
      kind_name(
          detect_file(file_of(row), folder / "model.ckpt", parse_kind("sd2-base").value())->kind),
      "sd2-base");
  fs::remove_all(folder);
}

}  // namespace
}  // namespace invokeai::models
