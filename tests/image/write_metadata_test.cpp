#include "image/write_metadata.h"

#include <gtest/gtest.h>

#include "image/read_metadata.h"

namespace invokeai::image {
namespace {

/// A picture whose every value the other tools can hold.
ImageMetadata plain_picture() {
  ImageMetadata picture;
  picture.prompt = "a cat, [dog] on a mat";
  picture.negative_prompt = "bird";
  picture.seed = 4294967295;
  picture.steps = 20;
  picture.width = 640;
  picture.height = 384;
  picture.cfg_scale = 7;
  picture.sampler = "k_heun";
  picture.karras_max = 21;
  picture.seamless = true;
  return picture;
}

AppMetadata some_app() {
  return {.model_id = "sd, 1.5: x",
          .model_hash = "cc6cb27103417325ff94f52b7a5d2dde45a7515b25c255d8e396c90014281516"};
}

FoundMetadata read_back(const TextChunks& texts) {
  const auto found = read_metadata(*encode_png(Image(64, 64, 3), texts));
  EXPECT_TRUE(found) << found.error().message;
  return found ? found->front() : FoundMetadata{};
}

TEST(WriteMetadata, InvokeAi3) {
  EXPECT_EQ(
      as_invokeai_metadata(plain_picture(), some_app()),
      R"({"generation_mode": "txt2img", "positive_prompt": "a cat, on a mat", )"
      R"("negative_prompt": "dog bird", "width": 640, "height": 384, "seed": 4294967295, )"
      R"("rand_device": "cpu", "cfg_scale": 7.0, "steps": 20, "scheduler": "heun_k", )"
      R"("seamless_x": true, "seamless_y": true, "model": {"name": "sd, 1.5: x", )"
      R"("type": "main", "hash": "sha256:cc6cb27103417325ff94f52b7a5d2dde45a7515b25c255d8e396c90014281516"}, )"
      R"("app_version": "2.3.0"})");
}

TEST(WriteMetadata, A1111) {
  EXPECT_EQ(as_a1111_parameters(plain_picture(), some_app()),
            "a cat, on a mat\nNegative prompt: dog bird\n"
            "Steps: 20, Sampler: Heun, Schedule type: Karras, CFG scale: 7, Seed: 4294967295, "
            "Size: 640x384, Model hash: cc6cb27103, Model: \"sd, 1.5: x\", RNG: CPU, Tiling: True");
}

TEST(WriteMetadata, EveryFormReadsBackAsTheSamePicture) {
  const AppMetadata app = some_app();
  const auto form_of = [&](MetadataForm form, const ImageMetadata& picture) {
    const auto written = as_texts(std::span(&picture, 1), app, form);
    EXPECT_TRUE(written.lost.empty());
    const auto found = read_back(written.texts);
    EXPECT_TRUE(found.lost.empty());
    EXPECT_EQ(found.app->model_id, app.model_id);
    return recall_command(found);
  };
  const std::string switches =
      " -s 20 -S 4294967295 -W 640 -H 384 -C 7.0 --karras_max 21 --seamless -A k_heun";
  const ImageMetadata picture = plain_picture();
  EXPECT_EQ(form_of(MetadataForm::dream, picture), "a cat, [dog] on a mat [bird]" + switches);
  EXPECT_EQ(form_of(MetadataForm::invokeai, picture), "a cat, on a mat [dog bird]" + switches);
  EXPECT_EQ(
      form_of(MetadataForm::a1111, picture),
      "a cat, on a mat" + switches + " --negative_prompt \"dog bird\" --prompt_dialect a1111");
  ImageMetadata other = picture;
  other.prompt = "a (cat:1.2)";
  other.negative_prompt = "[dog], \"bird\"";
  other.prompt_dialect = "a1111";
  other.variations = {{5, 0.25}};
  EXPECT_EQ(form_of(MetadataForm::a1111, other), dream_command(other));
  EXPECT_EQ(form_of(MetadataForm::dream, other), dream_command(other));
}

TEST(WriteMetadata, OneSeamlessAxisReadsBackOrIsReported) {
  for (const char* axis : {"x", "y"}) {
    ImageMetadata picture = plain_picture();
    picture.more.set("seamless_axes", std::string(axis));
    const auto invokeai = as_texts(std::span(&picture, 1), {}, MetadataForm::invokeai);
    EXPECT_TRUE(invokeai.lost.empty());
    const ImageMetadata back = read_back(invokeai.texts).picture;
    EXPECT_TRUE(back.seamless);
    EXPECT_EQ(back.more.text("seamless_axes"), axis);
    EXPECT_EQ(as_texts(std::span(&picture, 1), {}, MetadataForm::a1111).lost,
              std::vector<std::string>{"its seamless_axes"});
  }
}

TEST(WriteMetadata, EverySamplerReadsBackOrIsReported) {
  for (const char* sampler :
       {"ddim", "k_dpm_2_a", "k_dpm_2", "k_dpmpp_2_a", "k_dpmpp_2", "k_euler_a", "k_euler",
        "k_heun", "k_lms", "plms", "pndm", "dpmpp_2m", "dpmpp_sde", "unipc", "lcm"}) {
    ImageMetadata picture;
    picture.sampler = sampler;
    for (const auto form : {MetadataForm::invokeai, MetadataForm::a1111}) {
      const auto written = as_texts(std::span(&picture, 1), {}, form);
      const std::string back = read_back(written.texts).picture.sampler;
      // Two pairs of our names are one method elsewhere.
      const bool twin = picture.sampler == "pndm" || picture.sampler == "k_dpmpp_2";
      if (twin) {
        EXPECT_EQ(back, picture.sampler == "pndm" ? "plms" : "dpmpp_2m");
      } else if (written.lost.empty()) {
        EXPECT_EQ(back, sampler);
      }
    }
  }
}

TEST(WriteMetadata, WhatAFormCannotSayIsReported) {
  ImageMetadata picture = plain_picture();
  picture.prompt = "a (cat)1.2";
  picture.sampler = "k_euler_a";
  picture.perlin = 0.1;
  picture.threshold = 1;
  picture.variations = {{1, 0.1}, {2, 0.2}};
  picture.upscale = Upscale{2, std::nullopt};
  const std::vector<ImageMetadata> grid = {picture, picture, picture};
  EXPECT_TRUE(as_texts(grid, {}, MetadataForm::dream).lost.empty());
  EXPECT_EQ(as_texts(grid, {}, MetadataForm::invokeai).lost,
            (std::vector<std::string>{
                "the Karras noise levels of k_euler_a", "its variations", "its Perlin noise",
                "its threshold", "what was done after drawing", "2 of the grid's 3 pictures"}));
  EXPECT_EQ(
      as_texts(grid, {}, MetadataForm::a1111).lost,
      (std::vector<std::string>{"the notation of its prompt, which is of the invoke dialect",
                                "variations beyond the first", "its Perlin noise", "its threshold",
                                "what was done after drawing", "2 of the grid's 3 pictures"}));
}

TEST(WriteMetadata, OnlyTextsOfTheSameNameChange) {
  Image picture(3, 2, 3);
  for (std::size_t i = 0; i < picture.pixels.size(); ++i)
    picture.pixels[i] = static_cast<std::uint8_t>(7 * i);
  const std::string before =
      *encode_png(picture, {{"Author", "me"}, {"parameters", "old"}, {"prompt", "語"}});
  const TextChunks texts = {{"parameters", "new 語"}, {"Dream", "caf\xC3\xA9"}};
  const auto after = with_png_texts(before + "trailing bytes", texts);
  ASSERT_TRUE(after);
  EXPECT_EQ(*read_png_text(*after),
            (TextChunks{texts[0], texts[1], {"Author", "me"}, {"prompt", "語"}}));
  EXPECT_TRUE(after->ends_with("trailing bytes"));
  EXPECT_EQ(decode_png(*after)->pixels, picture.pixels);
  EXPECT_EQ(*with_png_texts(*after, texts), *after);
  const auto pixels_of = [](const std::string& png) { return png.substr(png.find("IDAT")); };
  EXPECT_EQ(pixels_of(*after), pixels_of(before) + "trailing bytes");
}

TEST(WriteMetadata, DamagedFilesStayAsTheyAre) {
  const std::string png = *encode_png(Image(3, 2, 3));
  EXPECT_EQ(with_png_texts("no picture", {}).error().code, ErrorCode::bad_file);
  EXPECT_EQ(with_png_texts(png.substr(0, png.size() - 6), {}).error().code, ErrorCode::bad_file);
  EXPECT_EQ(with_png_texts(png.substr(0, 8), {}).error().code, ErrorCode::bad_file);
  EXPECT_EQ(with_png_texts(png, {{"", "x"}}).error().code, ErrorCode::invalid_argument);
  const fs::path folder = testing::TempDir();
  EXPECT_FALSE(write_png_texts(folder / "missing.png", folder / "missing.png", {}));
  EXPECT_FALSE(fs::exists(folder / "missing.png"));
}

}  // namespace
}  // namespace invokeai::image
