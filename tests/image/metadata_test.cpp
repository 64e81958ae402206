#include "image/metadata.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <sstream>

#include "base/file.h"
#include "base/json_settings.h"

namespace invokeai::image {
namespace {

using Json = nlohmann::json;

template <class T>
void take(const Json& json, const char* key, T& field) {
  if (json.contains(key)) field = json.at(key).get<T>();
}

template <class T>
void take(const Json& json, const char* key, std::optional<T>& field) {
  if (json.contains(key)) field = json.at(key).get<T>();
}

Outcrop outcrop_from(const Json& json) {
  Outcrop outcrop{json.at(0), std::nullopt};
  if (!json.at(1).is_null()) outcrop.pixels = json.at(1).get<int>();
  return outcrop;
}

void take_lists(const Json& json, ImageMetadata& picture) {
  for (const auto& pair : json.value("variations", Json::array()))
    picture.variations.push_back({pair.at(0), pair.at(1)});
  for (const auto& pair : json.value("outcrop", Json::array()))
    picture.outcrop.push_back(outcrop_from(pair));
  if (json.contains("out_direction")) picture.out_direction = outcrop_from(json["out_direction"]);
  if (!json.contains("upscale")) return;
  picture.upscale = Upscale{json["upscale"][0], std::nullopt};
  if (json["upscale"].size() > 1) picture.upscale->strength = json["upscale"][1].get<double>();
}

/// Fields of ImageMetadata by their names; lists of pairs where it has small structs.
ImageMetadata picture_from(const std::string& text) {
  const Json json = Json::parse(text);
  ImageMetadata picture;
  take(json, "prompt", picture.prompt);
  take(json, "negative_prompt", picture.negative_prompt);
  take(json, "prompt_dialect", picture.prompt_dialect);
  take(json, "seed", picture.seed);
  take(json, "steps", picture.steps);
  take(json, "width", picture.width);
  take(json, "height", picture.height);
  take(json, "cfg_scale", picture.cfg_scale);
  take(json, "threshold", picture.threshold);
  take(json, "perlin", picture.perlin);
  take(json, "sampler", picture.sampler);
  take(json, "karras_max", picture.karras_max);
  take(json, "seamless", picture.seamless);
  take(json, "hires_fix", picture.hires_fix);
  take(json, "init_image", picture.init_image);
  take(json, "init_mask", picture.init_mask);
  take(json, "init_color", picture.init_color);
  take(json, "fit", picture.fit);
  take(json, "strength", picture.strength);
  take(json, "inpaint_replace", picture.inpaint_replace);
  take(json, "text_mask", picture.text_mask);
  take(json, "facetool", picture.facetool);
  take(json, "facetool_strength", picture.facetool_strength);
  take(json, "codeformer_fidelity", picture.codeformer_fidelity);
  take(json, "embiggen", picture.embiggen);
  take(json, "embiggen_tiles", picture.embiggen_tiles);
  take(json, "embiggen_strength", picture.embiggen_strength);
  take_lists(json, picture);
  if (json.contains("more")) picture.more = settings_from_json(json["more"]).value();
  return picture;
}

std::vector<std::string> table_lines(const std::string& name) {
  std::istringstream file(*read_file(INVOKEAI_TEST_DATA "/image/tables/" + name));
  std::vector<std::string> lines;
  for (std::string line; std::getline(file, line);)
    if (!line.empty() && line[0] != '#') lines.push_back(line);
  return lines;
}

TEST(Metadata, DreamCommands) {
  const auto lines = table_lines("dream_command.txt");
  ASSERT_GE(lines.size(), 40u);
  for (std::size_t i = 0; i + 1 < lines.size(); i += 2)
    EXPECT_EQ(dream_command(picture_from(lines[i])), lines[i + 1]) << lines[i];
}

TEST(Metadata, WeightedParts) {
  const auto lines = table_lines("weighted_parts.txt");
  ASSERT_GE(lines.size(), 20u);
  for (const auto& line : lines) {
    const auto arrow = line.find("=> ");
    std::string shown;
    for (const auto& [text, weight] : weighted_parts(line.substr(0, arrow > 0 ? arrow - 1 : 0)))
      shown += fmt::format("{}{}@{:.3f}", shown.empty() ? "" : " | ", text, weight);
    EXPECT_EQ(shown, line.substr(arrow + 3)) << line;
  }
}

TEST(Metadata, GridCommandListsAllSeeds) {
  const std::vector<ImageMetadata> pictures = {picture_from(R"({"prompt": "x", "seed": 3})"),
                                               picture_from(R"({"prompt": "x", "seed": 9})")};
  EXPECT_EQ(grid_dream_command(pictures),
            "x -s 50 -S 3 -W 512 -H 512 -C 7.5 --grid -A k_lms # [3, 9]");
  const auto chunks = grid_metadata_chunks(pictures, {});
  EXPECT_EQ(chunks[0].text, grid_dream_command(pictures));
  const Json json = Json::parse(chunks[1].text);
  EXPECT_FALSE(json.contains("image"));
  EXPECT_EQ(json.at("images").at(1).at("seed"), 9);
}

TEST(Metadata, FixCommandNamesTheFile) {
  EXPECT_EQ(
      fix_command("out/my cat.png", picture_from(R"({"prompt": "not shown", "upscale": [2]})")),
      "!fix \"out/my cat.png\" -s 50 -S 0 -W 512 -H 512 -C 7.5 -A k_lms -U 2.0");
}

TEST(Metadata, FixCommandNamesItsPictureOnce) {
  EXPECT_EQ(fix_command("cat.png", picture_from(R"({"init_image": "cat.png", "strength": 0.9,
                                                   "outcrop": [["top", 64]]})")),
            "!fix cat.png -s 50 -S 0 -W 512 -H 512 -C 7.5 -A k_lms -f 0.9 -c top 64");
}

TEST(Metadata, WorkOnAPictureIsNotedInItsOwnMetadata) {
  const Postprocessing step{"outcrop", "!fix cat.png -c top 64"};
  const auto json_of = [&](const std::string& source) {
    const TextChunks chunks =
        fixed_metadata_chunks(source, picture_from(R"({"prompt": "a dog", "seed": 3})"), {}, step);
    EXPECT_EQ(chunks.at(0), (TextChunk{"Dream", step.dream_command}));
    EXPECT_EQ(chunks.at(1).keyword, "sd-metadata");
    return Json::parse(chunks.at(1).text);
  };
  const Json noted = {{"tool", step.tool}, {"dream_command", step.dream_command}};
  // All that was there stays, even what we do not know.
  const Json first = json_of(R"({"model": "m", "image": {"prompt": "a cat", "seed": 7, "new": 1}})");
  EXPECT_EQ(first, (Json{{"model", "m"},
                         {"image",
                          {{"prompt", "a cat"},
                           {"seed", 7},
                           {"new", 1},
                           {"postprocessing", Json::array({noted})}}}}));
  EXPECT_EQ(json_of(first.dump()).at("image").at("postprocessing"), Json::array({noted, noted}));
  // A foreign picture, a grid, broken texts: the picture is described afresh.
  for (const char* source : {"", "[", "[]", R"({"image": 3})", R"({"images": [{"seed": 1}]})",
                             R"({"image": {"postprocessing": []}})"}) {
    const Json fresh = json_of(source).at("image");
    EXPECT_EQ(fresh.at("seed"), 3) << source;
    EXPECT_EQ(fresh.at("postprocessing"), Json::array({noted})) << source;
  }
}

TEST(Metadata, WeightsAsTypedAreNotDivided) {
  const auto picture = picture_from(R"({"prompt": "a:2 b:3", "more": {"skip_normalize": true}})");
  const Json image = Json::parse(sd_metadata_json(picture, {})).at("image");
  EXPECT_EQ(image.at("prompt"), Json::parse(R"([{"prompt": "a", "weight": 2.0},
                                                {"prompt": "b", "weight": 3.0}])"));
  EXPECT_EQ(image.at("skip_normalize"), true);
}

TEST(Metadata, TextToImageJsonIsComplete) {
  const AppMetadata app{.model_id = "stable-diffusion-1.5", .model_hash = std::nullopt};
  EXPECT_EQ(
      sd_metadata_json(picture_from(R"({"prompt": "Dalí [ugly:2]", "seed": 42})"), app),
      R"({"model": "stable diffusion", "model_id": "stable-diffusion-1.5", "model_hash": null, )"
      R"("app_id": "invoke-ai/InvokeAI", "app_version": "2.3.0", "image": {"type": "txt2img", )"
      R"("prompt": [{"prompt": "Dal\u00ed [ugly:2]", "weight": 1.0}], "seed": 42, )"
      R"("variations": [], "steps": 50, "cfg_scale": 7.5, "threshold": 0.0, "perlin": 0.0, )"
      R"("width": 512, "height": 512, "sampler": "k_lms", "seamless": false, )"
      R"("hires_fix": false, "postprocessing": null, "facetool": "gfpgan", )"
      R"("facetool_strength": 0.0, "upscale": null, "init_img": null, "init_mask": null}})");
}

TEST(Metadata, ImageToImageJsonTellsOfItsInput) {
  auto picture = picture_from(
      R"({"prompt": "a:1 b:3", "init_image": "in.png", "init_mask": "m.png", "strength": 0.4,
          "inpaint_replace": 0.5, "fit": true, "seamless": true, "hires_fix": true,
          "upscale": [2, 0.75], "variations": [[7, 0.2]]})");
  picture.orig_hash = "ab12";
  picture.postprocessing.push_back({"gfpgan", "!fix x.png -G 0.8"});
  const Json image = Json::parse(sd_metadata_json(picture, {})).at("image");
  const Json expected = Json::parse(
      R"({"type": "img2img", "prompt": [{"prompt": "a", "weight": 0.25}, {"prompt": "b", "weight": 0.75}],
          "seed": 0, "variations": [{"seed": 7, "weight": 0.2}], "steps": 50, "cfg_scale": 7.5,
          "threshold": 0.0, "perlin": 0.0, "width": 512, "height": 512, "sampler": "k_lms",
          "seamless": true, "hires_fix": true,
          "postprocessing": [{"tool": "gfpgan", "dream_command": "!fix x.png -G 0.8"}],
          "facetool": "gfpgan", "facetool_strength": 0.0, "upscale": [2.0, 0.75],
          "init_img": "in.png", "init_mask": "m.png", "strength_steps": 0.4, "fit": true,
          "orig_hash": "ab12", "inpaint_replace": 0.5})");
  EXPECT_EQ(image, expected);
}

TEST(Metadata, EmptyPromptIsStillAList) {
  const Json json = Json::parse(sd_metadata_json({}, {}));
  EXPECT_EQ(json.at("image").at("prompt"), Json::parse(R"([{"prompt": "", "weight": 1.0}])"));
  EXPECT_TRUE(json.at("model_id").is_null());
}

TEST(Metadata, NegativeWordsStandInThePromptOrApart) {
  const auto image_of = [](const char* fields) {
    return Json::parse(sd_metadata_json(picture_from(fields), {})).at("image");
  };
  const Json together = image_of(R"({"prompt": "a", "negative_prompt": "b"})");
  EXPECT_EQ(together.at("prompt").at(0).at("prompt"), "a [b]");
  EXPECT_FALSE(together.contains("negative_prompt"));
  EXPECT_FALSE(together.contains("prompt_dialect"));
  const Json apart =
      image_of(R"({"prompt": "a:1 AND b:2", "negative_prompt": "c", "prompt_dialect": "a1111"})");
  EXPECT_EQ(apart.at("prompt"), Json::parse(R"([{"prompt": "a:1 AND b:2", "weight": 1.0}])"));
  EXPECT_EQ(apart.at("negative_prompt"), "c");
  EXPECT_EQ(apart.at("prompt_dialect"), "a1111");
}

TEST(Metadata, KeysOfOurOwnStandOnlyWhereTheyWereUsed) {
  const Json plain = Json::parse(sd_metadata_json(picture_from(R"({"prompt": "x"})"), {}))["image"];
  for (const std::string_view name : kept_besides()) EXPECT_FALSE(plain.contains(name)) << name;
  for (const char* name : {"init_color", "text_mask", "strength_steps"})
    EXPECT_FALSE(plain.contains(name)) << name;
  const Json image = Json::parse(sd_metadata_json(
      picture_from(R"({"prompt": "x", "init_color": "c.png", "text_mask": ["hair", "0.4"],
                       "hires_fix": true, "strength": 0.5,
                       "more": {"long_prompts": "continue", "h_symmetry_time_pct": 0.5}})"),
      {}))["image"];
  EXPECT_EQ(image["long_prompts"], "continue");
  EXPECT_EQ(image["h_symmetry_time_pct"], 0.5);
  EXPECT_EQ(image["init_color"], "c.png");
  EXPECT_EQ(image["text_mask"], Json({"hair", "0.4"}));
  EXPECT_EQ(image["strength_steps"], 0.5) << "of the second pass";
  EXPECT_EQ(image["type"], "txt2img");
}

TEST(Metadata, MaskCommandIsOneShellLine) {
  EXPECT_EQ(mask_command("my cat.png", "red \"hair\"", 0.5),
            "!mask \"my cat.png\" -tm \"red \\\"hair\\\"\" 0.5");
}

TEST(Metadata, ChunksSurviveAPng) {
  const auto chunks = metadata_chunks(picture_from(R"({"prompt": "語 Dalí 🐈", "seed": 1})"), {});
  ASSERT_EQ(chunks.size(), 2u);
  EXPECT_EQ(chunks[0].keyword, "Dream");
  EXPECT_EQ(chunks[1].keyword, "sd-metadata");
  EXPECT_EQ(*read_png_text(*encode_png(Image(1, 1, 3), chunks)), chunks);
}

}  // namespace
}  // namespace invokeai::image
