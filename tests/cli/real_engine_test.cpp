// The program with the real engine and the demo model: the same file from every process, and one
// line for every model that cannot be used.

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <fstream>
#include <regex>

#include "base/command_line.h"
#include "base/file.h"
#include "image/png.h"

namespace invokeai {
namespace {

const fs::path kDemo = fs::path(INVOKEAI_SOURCE_ROOT) / "models/demo";

struct Finished {
  int status = -1;
  std::string out, error;
};

class RealEngine : public testing::Test {
 protected:
  void SetUp() override {
    if (!INVOKEAI_HAS_ENGINE) GTEST_SKIP() << "built without libtorch";
    std::string folder = (fs::temp_directory_path() / "invokeai-real-XXXXXX").string();
    folder_ = ::mkdtemp(folder.data());
  }
  void TearDown() override {
    if (!folder_.empty()) fs::remove_all(folder_);
  }

  static std::string quoted(const std::string& word) {
    return "'" + std::regex_replace(word, std::regex("'"), "'\\''") + "'";
  }

  /// The program in an environment of its own.
  Finished run(const std::vector<std::string>& words) const {
    std::string command =
        fmt::format("cd {0} && env -i HOME={0} INVOKEAI_ROOT={0}/root PATH=/bin {1}",
                    folder_.string(), INVOKEAI_BINARY_ROOT "/bin/invokeai");
    for (const auto& word : words) command += " " + quoted(word);
    const int status = std::system((command + " >stdout 2>stderr </dev/null").c_str());
    return {WIFEXITED(status) ? WEXITSTATUS(status) : 1000, *read_file(folder_ / "stdout"),
            *read_file(folder_ / "stderr")};
  }

  /// A copy of the demo model to damage.
  fs::path copy(const std::string& name) const {
    fs::copy(kDemo, folder_ / name, fs::copy_options::recursive);
    return folder_ / name;
  }
  static void write(const fs::path& file, const std::string& text) {
    std::ofstream(file, std::ios::binary) << text;
  }
  void write_broken_models() const {
    const std::string shard = "unet/diffusion_pytorch_model-0000{}-of-00003.safetensors";
    fs::resize_file(copy("truncated") / fmt::format(fmt::runtime(shard), 2), 5'000'000);
    fs::remove(copy("shardless") / fmt::format(fmt::runtime(shard), 3));
    fs::remove(copy("headless") / "model_index.json");
    write(folder_ / "text.safetensors", "once upon a time");
    write(folder_ / "empty.ckpt", "");
    write(folder_ / "code.ckpt", "cposix\nsystem\n(S'touch ran'\ntR.");
    const fs::path config = copy("strange") / "unet/config.json";
    write(config, std::regex_replace(*read_file(config), std::regex("\"silu\""), "\"gelu\""));
    const fs::path vocabulary = copy("tokenizer") / "tokenizer/vocab.json";
    write(vocabulary, std::regex_replace(*read_file(vocabulary), std::regex("628"), "49407"));
  }

  std::vector<std::string> files_below(const fs::path& folder) const {
    std::vector<std::string> names;
    if (fs::exists(folder))
      for (const auto& entry : fs::recursive_directory_iterator(folder))
        if (entry.is_regular_file()) names.push_back(entry.path().filename().string());
    std::ranges::sort(names);
    return names;
  }

  fs::path folder_;
};

std::size_t count(const std::string& text, std::string_view part) {
  std::size_t found = 0;
  for (std::size_t at = 0; (at = text.find(part, at)) != text.npos; at += part.size()) ++found;
  return found;
}

TEST_F(RealEngine, MistakesOfTheTable) {
  write_broken_models();
  std::ifstream table(std::string(INVOKEAI_TEST_DATA) + "/cli/tables/real_models.txt");
  int cases = 0;
  for (std::string line; std::getline(table, line);) {
    if (line.empty() || line.starts_with('#')) continue;
    SCOPED_TRACE(line);
    ++cases;
    const auto arrow = line.find(" ==> ");
    std::string input =
        std::regex_replace(line.substr(0, arrow), std::regex("@"), folder_.string());
    input = std::regex_replace(input, std::regex(R"(\\xe9)"), "\xe9");
    const Finished result = run(*shell_words(input));
    EXPECT_EQ(result.status, std::atoi(line.c_str() + arrow + 5)) << result.error;
    EXPECT_EQ(count("\n" + result.error, "\nerror: "), 1u) << result.error;
    EXPECT_NE(result.error.find(line.substr(line.find(" | ") + 3)), std::string::npos)
        << result.error;
    EXPECT_TRUE(result.error.ends_with('\n'));
    EXPECT_EQ(result.out, "");
    EXPECT_EQ(files_below(folder_ / "root"), std::vector<std::string>()) << "left behind";
  }
  EXPECT_GT(cases, 10);
  EXPECT_FALSE(fs::exists(folder_ / "ran")) << "a model file ran code";
}

TEST_F(RealEngine, SameFileFromEveryProcess) {
  const std::vector<std::string> words = {
      "a big red star on a blue background", "-s", "4", "-S", "42", "-n", "2"};
  const Finished first = run(words);
  ASSERT_EQ(first.status, 0) << first.error;
  ASSERT_EQ(run(words).status, 0);
  const fs::path folder = folder_ / "root/outputs/img-samples";
  std::vector<std::string> pictures = files_below(folder);
  std::erase_if(pictures, [](const auto& name) { return !name.ends_with(".png"); });
  ASSERT_EQ(pictures.size(), 4u);
  EXPECT_EQ(*read_file(folder / pictures[0]), *read_file(folder / pictures[2]));
  EXPECT_EQ(*read_file(folder / pictures[1]), *read_file(folder / pictures[3]));
  EXPECT_NE(*read_file(folder / pictures[0]), *read_file(folder / pictures[1]));
  const auto picture = image::decode_png(*read_file(folder / pictures[0]));
  ASSERT_TRUE(picture);
  EXPECT_EQ(picture->width, 256);
}

TEST_F(RealEngine, TenThousandWordsAreCutWithAWarning) {
  std::string prompt = "a red star";
  for (int i = 3; i < 10000; ++i) prompt += " word";
  const auto start = std::chrono::steady_clock::now();
  const Finished drawn = run({prompt, "-s", "1", "-S", "1"});
  EXPECT_EQ(drawn.status, 0) << drawn.error;
  EXPECT_EQ(count(drawn.error, "too long and has been truncated"), 1u)
      << drawn.error.substr(0, 2000);
  EXPECT_LT(drawn.error.size(), 4000u) << "the prompt is not repeated";
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(60))
      << "2 s on an idle machine";
}

}  // namespace
}  // namespace invokeai
