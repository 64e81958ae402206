#include "cli/prompts.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <set>

#include "base/seeds.h"

namespace invokeai::cli {
namespace {

class Prompts : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::temp_directory_path() / fmt::format("invokeai-prompts-{}", ::getpid());
    fs::remove_all(folder_);
    fs::create_directories(folder_ / "wildcards");
    std::ofstream(folder_ / "wildcards" / "colour.txt") << "red\nblue\n\n# no colour\ngreen\n";
    std::ofstream(folder_ / "wildcards" / "empty.txt") << "# nothing\n";
  }
  void TearDown() override { fs::remove_all(folder_); }

  jobs::Job job(const std::string& prompt, int iterations = 1,
                const std::string& negative = "") const {
    jobs::Job job;
    job.request.prompt = prompt;
    job.request.negative_prompt = negative;
    job.request.seed = 42;
    job.request.iterations = iterations;
    return job;
  }

  Result<std::vector<text::Note>> settle(jobs::Job& job) const {
    return settle_dynamic_prompts(job, folder_ / "wildcards");
  }

  fs::path folder_;
};

TEST_F(Prompts, EachPictureChoosesWithItsSeed) {
  jobs::Job first = job("a __colour__ {star|moon}", 20, "{x|y|z}");
  ASSERT_TRUE(settle(first).has_value());
  ASSERT_EQ(first.pictures.size(), 20u);
  std::set<std::string> seen, negative;
  std::uint32_t seed = 42;
  for (const jobs::PicturePrompt& picture : first.pictures) {
    EXPECT_EQ(picture.seed, seed) << "the chain that a plain prompt has";
    seed = next_seed(seed);
    seen.insert(picture.prompt);
    negative.insert(picture.negative_prompt);
    jobs::Job again = job("a __colour__ {star|moon}", 1, "{x|y|z}");
    again.request.seed = picture.seed;
    ASSERT_TRUE(settle(again).has_value());
    EXPECT_EQ(again.pictures.front().prompt, picture.prompt);
    EXPECT_EQ(again.pictures.front().negative_prompt, picture.negative_prompt);
  }
  EXPECT_GT(seen.size(), 3u);
  EXPECT_EQ(negative, (std::set<std::string>{"x", "y", "z"}));
  for (const std::string& text : seen) EXPECT_EQ(text.find_first_of("{}_|"), text.npos) << text;
}

TEST_F(Prompts, WithoutAChoiceOnePromptServesAll) {
  jobs::Job plain = job("a (red)1.3 star {x} __nowhere__ \\{a\\|b\\}", 3);
  const auto notes = settle(plain);
  ASSERT_TRUE(notes.has_value());
  EXPECT_TRUE(plain.pictures.empty());
  EXPECT_EQ(notes->size(), 1u) << "there is no file for __nowhere__";
  EXPECT_EQ(plain.request.prompt.substr(0, 31), "a (red)1.3 star {x} __nowhere__");
}

TEST_F(Prompts, BrokenFilesAreErrors) {
  jobs::Job broken = job("a __empty__ star");
  const auto notes = settle(broken);
  ASSERT_FALSE(notes.has_value());
  EXPECT_EQ(notes.error().code, ErrorCode::bad_file);
}

TEST_F(Prompts, UnderstandsBothDialects) {
  SettingValues values;
  EXPECT_EQ(understand({"(a:1.3)", "", 0}, values)->positive.members.front().parts.size(), 2u)
      << "a blend, to 2.3.0";
  values.set("prompt_dialect", std::string("a1111"));
  const auto parsed = understand({"(a:1.3)", "fog", 0}, values);
  ASSERT_TRUE(parsed.has_value());
  const auto& piece = parsed->positive.members.front().parts.front().pieces.front();
  EXPECT_EQ(std::get<text::Fragment>(piece), (text::Fragment{"a", 1.3}));
  EXPECT_EQ(std::get<text::Fragment>(parsed->negative.pieces.front()).text, "fog");
}

TEST_F(Prompts, DumpIsJson) {
  SettingValues values;
  values.set("seed", std::int64_t{7});
  const auto dumped = dump_prompt("a __colour__ (cat)1.5 [fog] __none__", values, folder_);
  ASSERT_TRUE(dumped.has_value()) << dumped.error().text();
  const auto json = nlohmann::json::parse(*dumped);
  const auto& pieces = json["positive"]["members"][0]["parts"][0]["pieces"];
  EXPECT_EQ(pieces[1]["text"], "cat");
  EXPECT_EQ(pieces[1]["weight"], 1.5);
  EXPECT_EQ(pieces[0]["text"].get<std::string>().find("__"), std::string::npos) << "settled";
  EXPECT_EQ(json["negative"][0]["text"], "fog");
  EXPECT_EQ(json["notes"].size(), 1u);
  EXPECT_EQ(*dumped, *dump_prompt("a __colour__ (cat)1.5 [fog] __none__", values, folder_));
  values.set("dynamic_prompts", false);
  EXPECT_NE(dump_prompt("{a|b}", values, folder_)->find("{a|b}"), std::string::npos);
  EXPECT_FALSE(dump_prompt("(\"a\",\"b\").blend(1)", values, folder_).has_value());
}

TEST_F(Prompts, TheManualShowsTheRealOutput) {
  const std::string manual = *read_file(INVOKEAI_SOURCE_ROOT "/docs/prompts.md");
  const std::string command = "invokeai --dump_prompt json \"a (red)1.5 cat.swap(dog) [fog]\"";
  const std::size_t begin = manual.find("```json\n", manual.find(command)) + 8;
  const std::string example = manual.substr(begin, manual.find("```", begin) - begin);
  const auto dumped = dump_prompt("a (red)1.5 cat.swap(dog) [fog]", {}, folder_);
  EXPECT_EQ(nlohmann::ordered_json::parse(example), nlohmann::ordered_json::parse(*dumped));
  const std::size_t schema = manual.find("```json\n", begin) + 8;
  EXPECT_TRUE(nlohmann::json::accept(manual.substr(schema, manual.find("```", schema) - schema)));
}

TEST_F(Prompts, ExamplesOfTheManualAreUnderstood) {
  std::ifstream manual(INVOKEAI_SOURCE_ROOT "/docs/prompts.md");
  SettingValues values;
  int examples = 0;
  for (std::string row; std::getline(manual, row);) {
    if (row.starts_with("## The dialect `a1111`"))
      values.set("prompt_dialect", std::string("a1111"));
    if (!row.starts_with("| `")) continue;
    const std::string prompt = row.substr(3, row.find('`', 3) - 3);
    if (prompt.starts_with("t_") || prompt.starts_with("s_") || prompt == "shape_freedom") continue;
    ++examples;
    EXPECT_TRUE(understand({prompt, "", 0}, values).has_value()) << prompt;
  }
  EXPECT_GT(examples, 25);
}

}  // namespace
}  // namespace invokeai::cli
