#include "cli/launch.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <map>

#include "cli/console.h"

namespace invokeai::cli {
namespace {

class LaunchTest : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::temp_directory_path() / fmt::format("invokeai-launch-{}", ::getpid());
    fs::remove_all(folder_);
    fs::create_directories(folder_ / "root");
    variables_ = {{"HOME", (folder_ / "home").string()},
                  {"INVOKEAI_ROOT", (folder_ / "root").string()}};
  }
  void TearDown() override { fs::remove_all(folder_); }

  void write(const fs::path& name, std::string_view text) const {
    fs::create_directories((folder_ / name).parent_path());
    ASSERT_TRUE(write_file_atomically(folder_ / name, text).has_value());
  }

  Environment environment() const {
    return [this](const char* name) {
      const auto found = variables_.find(name);
      return found == variables_.end() ? "" : found->second;
    };
  }

  Result<Launch> launch(const std::vector<std::string>& words) const {
    return read_launch(words, environment());
  }

  Result<ModelChoice> model(const std::vector<std::string>& words) const {
    return choose_model(*launch(words), environment(), folder_ / "bin");
  }

  fs::path folder_;
  std::map<std::string, std::string> variables_;
};

using Words = std::vector<std::string>;

TEST_F(LaunchTest, RootFolderInOrder) {
  const std::string current = fs::current_path().string();
  EXPECT_EQ(launch({"--root_dir", "x"})->root, current + "/x");
  EXPECT_EQ(launch({})->root, folder_ / "root");
  variables_["INVOKEAI_ROOT"] = "";
  variables_["VIRTUAL_ENV"] = "/opt/thing/.venv";
  EXPECT_EQ(launch({})->root, "/opt/thing");
  variables_.erase("VIRTUAL_ENV");
  EXPECT_EQ(launch({})->root, folder_ / "home" / "invokeai");
}

TEST_F(LaunchTest, CommandLineWinsOverInitFile) {
  write("root/invokeai.init",
        "# settings\n\n--outdir=\"/my pictures\" -s20\r\n-g\n--no-nsfw_checker # fine\n-C5");
  const auto read = launch({"-s", "30", "--no-grid"});
  ASSERT_TRUE(read.has_value()) << read.error().text();
  EXPECT_EQ(read->values.text("outdir"), "/my pictures");
  EXPECT_EQ(read->values.integer("steps"), 30);
  EXPECT_EQ(read->values.real("cfg_scale"), 5);
  EXPECT_FALSE(read->values.flag("grid"));
  EXPECT_TRUE(read->root_ready);
  ASSERT_EQ(read->notices.size(), 1u) << "only where the settings are from";
}

TEST_F(LaunchTest, TheInitFileIsThatOfTheRootFolderInUse) {
  write("root/invokeai.init", "-s 11");
  write("other/invokeai.init", "-s 12");
  write("venv-parent/invokeai.init", "-s 13");
  write("home/invokeai/invokeai.init", "-s 14");
  EXPECT_EQ(launch({})->values.integer("steps"), 11) << "the environment's";
  EXPECT_EQ(launch({"--root_dir", (folder_ / "other").string()})->values.integer("steps"), 12);
  variables_.erase("INVOKEAI_ROOT");
  variables_["VIRTUAL_ENV"] = (folder_ / "venv-parent/.venv").string();
  EXPECT_EQ(launch({})->values.integer("steps"), 13);
  variables_.erase("VIRTUAL_ENV");
  EXPECT_EQ(launch({})->values.integer("steps"), 14);
}

TEST_F(LaunchTest, OldInitFileAndRootDirInside) {
  write("home/.invokeai", "--root_dir /elsewhere -s 7 --gui --dump_prompt json --help");
  const auto read = launch({});
  ASSERT_TRUE(read.has_value());
  EXPECT_EQ(read->root, folder_ / "root");
  EXPECT_EQ(read->values.integer("steps"), 7);
  EXPECT_FALSE(read->values.has("dump_prompt") || read->values.has("help"));
  ASSERT_EQ(read->notices.size(), 4u);
  EXPECT_NE(read->notices[0].find("deprecated"), std::string::npos);
  EXPECT_NE(read->notices[2].find("--gui"), std::string::npos);
  EXPECT_NE(read->notices[3].find("--root_dir"), std::string::npos);
}

TEST_F(LaunchTest, BrokenInitFiles) {
  write("root/invokeai.init", "-s 20\n--outdir='x\n");
  EXPECT_EQ(launch({}).error().code, ErrorCode::bad_file);
  EXPECT_NE(launch({}).error().message.find("line 2"), std::string::npos);
  EXPECT_TRUE(launch({"--version"}).has_value()) << "works all the same";
  write("root/invokeai.init", "--nonsense");
  EXPECT_EQ(launch({}).error().code, ErrorCode::invalid_argument);
  write("root/invokeai.init", "words");
  EXPECT_EQ(launch({}).error().code, ErrorCode::invalid_argument);
}

TEST_F(LaunchTest, NoModelAtAllIsOneModel) {
  EXPECT_EQ(engine_options(launch({"--max_loaded_models", "3"})->values)->max_loaded_models, 3);
  const auto none = launch({"--max_loaded_models", "0"});
  EXPECT_EQ(engine_options(none->values)->max_loaded_models, 1);
  ASSERT_EQ(none->notices.size(), 1u);
  EXPECT_NE(none->notices[0].find("--max_loaded_models 0"), std::string::npos);
}

TEST_F(LaunchTest, FilesOfWords) {
  write("more.txt", "-s 11 -n 3\n");
  const std::string file = "@" + (folder_ / "more.txt").string();
  EXPECT_EQ(launch({"-s", "5", file})->values.integer("steps"), 11);
  EXPECT_EQ(launch({file, "-s", "5"})->values.integer("steps"), 5);
  EXPECT_EQ(launch({"@/nowhere"}).error().code, ErrorCode::not_found);
  EXPECT_EQ(launch({"@home with a cat"})->prompt, "@home with a cat");
}

TEST_F(LaunchTest, Prompts) {
  EXPECT_FALSE(launch({"-s", "20"})->prompt.has_value());
  EXPECT_EQ(launch({"a cat", "-n4"})->prompt, "a cat");
  EXPECT_EQ(launch({"-n", "4", "a cat"})->prompt, "a cat");
  EXPECT_EQ(launch({"--prompt", "a dog"})->prompt, "a dog");
  EXPECT_FALSE(launch({"--prompt", "a dog"})->values.has("prompt_as_dir"));
  EXPECT_EQ(launch({""})->prompt, "");
  EXPECT_EQ(launch({"--", "-odd"})->prompt, "-odd");
  EXPECT_NE(launch({"a", "red", "star"}).error().message.find("'red star'"), std::string::npos);
  EXPECT_FALSE(launch({"a cat", "--from_file", "x"}).has_value());
}

TEST_F(LaunchTest, EngineOptions) {
  const auto options = [this](const Words& words) { return engine_options(launch(words)->values); };
  EXPECT_EQ(options({})->device, "auto");
  EXPECT_EQ(options({"--always_use_cpu"})->device, "cpu");
  EXPECT_EQ(options({"--device", "cuda:1"})->device, "cuda:1");
  EXPECT_EQ(options({"-F"})->precision, "float32");
  EXPECT_EQ(options({"--precision", "autocast"})->precision, "autocast");
  EXPECT_EQ(options({})->max_memory, 0);
  EXPECT_EQ(options({"--max_memory", "2.5"})->max_memory, 2.5);
  EXPECT_FALSE(options({"--xformers"})->deterministic);
  EXPECT_TRUE(options({"--no-xformers"})->deterministic);
  EXPECT_TRUE(options({"--verbose"})->verbose);
  for (const Words& bad :
       {Words{"--device", "gpu"}, Words{"--device", "cuda:"}, Words{"--device", "cuda:x"},
        Words{"-F", "--precision", "float16"}, Words{"--always_use_cpu", "--device", "cuda"}})
    EXPECT_FALSE(options(bad).has_value()) << fmt::format("{}", fmt::join(bad, " "));
}

TEST_F(LaunchTest, ModelsThatCameWithTheProgram) {
  for (const char* name : {"demo", "demo-pencil", "demo-broken", "other"})
    fs::create_directories(folder_ / "share/invokeai/models" / name);
  for (const char* name : {"demo", "demo-pencil", "other"})
    write(fs::path("share/invokeai/models") / name / "model_index.json", "{}");
  const fs::path models = folder_ / "share/invokeai/models";
  EXPECT_EQ(bundled_models(environment(), folder_ / "bin"),
            (std::vector{models / "demo", models / "demo-pencil"}));
  EXPECT_EQ(model({"--model", "demo-pencil"})->path, models / "demo-pencil");
  EXPECT_EQ(model({"--model", "other"}).error().code, ErrorCode::not_found);
  // The user's own of that name comes first.
  fs::create_directories(folder_ / "root/models/demo-pencil");
  EXPECT_EQ(model({"--model", "demo-pencil"})->path, folder_ / "root/models/demo-pencil");
  variables_["INVOKEAI_DEMO_MODEL"] = "/nowhere";
  EXPECT_TRUE(bundled_models(environment(), folder_ / "bin").empty());
}

TEST_F(LaunchTest, Models) {
  EXPECT_EQ(model({}).error().code, ErrorCode::not_found);
  fs::create_directories(folder_ / "share/invokeai/models/demo");
  EXPECT_EQ(model({})->path, folder_ / "share/invokeai/models/demo");
  EXPECT_NE(model({})->remark.find("not set up"), std::string::npos);
  EXPECT_EQ(model({"--model", "demo"})->remark, "");
  write("root/models/mine.safetensors", "x");
  write("root/configs/models.yaml", "");
  EXPECT_EQ(model({"--model", "mine"})->path, folder_ / "root/models/mine.safetensors");
  EXPECT_EQ(model({"--model", folder_.string()})->path, folder_);
  EXPECT_EQ(model({"--model", "other"}).error().code, ErrorCode::not_found);
  EXPECT_EQ(model({})->remark.find("not set up"), std::string::npos);
  variables_["INVOKEAI_DEMO_MODEL"] = "/nowhere";
  EXPECT_EQ(model({}).error().code, ErrorCode::not_found);
}

TEST(ConsoleText, PaceBarAndControlCharacters) {
  EXPECT_EQ(pace(20, 8), "2.50 steps/s");
  EXPECT_EQ(pace(2, 5), "2.50 s/step");
  EXPECT_EQ(pace(0, 5), "");
  EXPECT_EQ(pace(1, 0), "");
  EXPECT_EQ(bar(1, 4, 8), "[##......]");
  EXPECT_EQ(bar(4, 4, 8), "[########]");
  EXPECT_EQ(bar(0, 0, 2), "[..]");
  EXPECT_EQ(printable("a\x1b[2Jb\nc\x7f 猫"), "a?[2Jb?c? 猫");
}

}  // namespace
}  // namespace invokeai::cli
