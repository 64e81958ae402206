// The program itself, on the fake engine.

#include <sys/mount.h>

#include <regex>

#include "base/command_line.h"
#include "cli/run_program.h"
#include "image/png.h"

namespace invokeai {
namespace {

using namespace cli::test;

TEST_F(Program, VersionAndHelpNeedNoEngine) {
  variables_[0] = "INVOKEAI_ENGINE=/nowhere/engine.so";
  const auto start = std::chrono::steady_clock::now();
  const Finished version = run({"--version"});
  const auto took = std::chrono::steady_clock::now() - start;
  EXPECT_EQ(version.status, 0);
  EXPECT_EQ(version.out, "InvokeAI 2.3.0\n");
  EXPECT_EQ(version.error, "");
#ifndef __SANITIZE_ADDRESS__
  EXPECT_LT(took, std::chrono::milliseconds(500)) << "50 ms on an idle machine";
#endif
  const Finished help = run({"--help"});
  EXPECT_EQ(help.status, 0);
  EXPECT_NE(help.out.find("--steps, -s"), std::string::npos);
  EXPECT_FALSE(fs::exists(folder_ / "root"));
}

TEST_F(Program, DrawsFourStars) {
  const Finished drawn =
      run({"a big red star on a blue background", "-s", "20", "-S", "42", "-n", "4"});
  EXPECT_EQ(drawn.status, 0) << drawn.error;
  const std::string first =
      "[1.1] " + (outputs() / "000001.42.png").string() +
      ": a big red star on a blue background -s 20 -S 42 -W 64 -H 64 -C 7.5 -A k_lms # seed 42, ";
  EXPECT_TRUE(drawn.out.starts_with(first)) << drawn.out;
  EXPECT_EQ(count(drawn.out, "\n"), 4u);
  EXPECT_TRUE(std::regex_search(drawn.error, std::regex("picture 4/4: step 20/20, [0-9.]+ st")))
      << drawn.error;
  EXPECT_EQ(count(drawn.error, "the fake engine paints without networks"), 1u);
  EXPECT_NE(drawn.error.find("--model <folder or file>"), std::string::npos);
  EXPECT_NE(drawn.error.find("4 pictures in "), std::string::npos);
  EXPECT_EQ(files_in(outputs()).size(), 6u);
  // What was printed draws the same picture again.
  const std::string line = drawn.out.substr(drawn.out.find(": ") + 2);
  EXPECT_EQ(run({"--from_file", "-"}, line.substr(0, line.find('\n'))).status, 0);
  EXPECT_EQ(*read_file(outputs() / "000001.42.png"), *read_file(outputs() / "000002.42.png"));
}

TEST_F(Program, MistakesOfTheTable) {
  std::ifstream table(std::string(INVOKEAI_TEST_DATA) + "/cli/tables/mistakes.txt");
  const Words before = files_in(folder_ / "root");
  std::string line;
  int cases = 0;
  while (std::getline(table, line)) {
    if (line.empty() || line.starts_with('#')) continue;
    ++cases;
    const auto arrow = line.find(" ==> ");
    const std::string input =
        std::regex_replace(line.substr(0, arrow), std::regex("@"), folder_.string());
    const int status = std::atoi(line.c_str() + arrow + 5);
    const std::string part = line.substr(line.find(" | ") + 3);
    const Finished result = run(*shell_words(input));
    EXPECT_EQ(result.status, status) << line << "\n" << result.error;
    EXPECT_EQ(count("\n" + result.error, "\nerror: "), 1u) << line << "\n" << result.error;
    EXPECT_NE(result.error.find(part), std::string::npos) << line << "\n" << result.error;
    EXPECT_TRUE(result.error.ends_with('\n') && result.out.empty()) << line;
    EXPECT_EQ(result.error.find("loading "), std::string::npos) << line << ": found before loading";
  }
  EXPECT_GT(cases, 30);
  EXPECT_EQ(files_in(folder_ / "root"), before) << "nothing is left behind";
}

TEST_F(Program, BrokenUtf8AndLongPrompts) {
  const Finished broken = run({"caf\xe9"});
  EXPECT_EQ(broken.status, 2);
  EXPECT_NE(broken.error.find("error: prompt: the text is not UTF-8: byte 3"), std::string::npos)
      << broken.error;
  std::string prompt = "word";
  for (int i = 1; i < 10000; ++i) prompt += " word";
  EXPECT_EQ(run({prompt, "-s2"}).status, 0);
  EXPECT_EQ(run({"Dalí 猫", "-s2"}).status, 0);
}

TEST_F(Program, MissingEngineAndModel) {
  variables_[0] = "INVOKEAI_ENGINE=/nowhere/engine.so";
  const Finished engine = run({"a cat"});
  EXPECT_EQ(engine.status, 1);
  EXPECT_NE(engine.error.find("error: [engine.load] the engine library /nowhere/engine.so"),
            std::string::npos);
  variables_[1] = "INVOKEAI_DEMO_MODEL=/nowhere/demo";
  EXPECT_EQ(run({"a cat"}).status, 1);
}

TEST_F(Program, BatchSkipsBadLines) {
  const Finished batch = run({"--from_file", "-", "-s3"},
                             "\xef\xbb\xbf# a comment\n\n// another\n  a cat -n2 -S7\r\nbad -s 0\n"
                             "!models\nx\xff\n!dream again -S -1 # note\nq\nnever\n");
  EXPECT_EQ(batch.status, 0);
  EXPECT_EQ(count(batch.out, "\n# ") + batch.out.starts_with("# "), 5u) << batch.out;
  EXPECT_EQ(count(batch.error, "error: "), 3u) << batch.error;
  EXPECT_NE(batch.error.find("2 commands done, 3 failed"), std::string::npos) << batch.error;
  EXPECT_NE(batch.error.find("reusing previous seed"), std::string::npos);
  EXPECT_EQ(files_in(outputs()).size(), 6u) << "three pictures, two logs, the history";
}

TEST_F(Program, BatchFromAFileAndInitFile) {
  std::ofstream(folder_ / "prompts.txt") << "one\ntwo -s 5 -o here";
  fs::create_directories(folder_ / "root");
  std::ofstream(folder_ / "root" / "invokeai.init") << "-s 4 --xformers --free_gpu_mem\n";
  const Finished batch = run({"--from_file", (folder_ / "prompts.txt").string()});
  EXPECT_EQ(batch.status, 0);
  EXPECT_NE(batch.out.find("one -s 4 "), std::string::npos);
  EXPECT_NE(batch.out.find("root/here/000001."), std::string::npos) << batch.out;
  EXPECT_EQ(count(batch.error, "--free_gpu_mem has no effect"), 1u);
  EXPECT_EQ(count(batch.error, "xformers"), 0u);
}

TEST_F(Program, LinesFromAPipeKeepGoingAfterErrors) {
  const Finished session = run({}, "-h\nbad -W 65\na cat -s2 -S5 -g -n4\n");
  EXPECT_EQ(session.status, 0);
  EXPECT_NE(session.out.find("usage: a prompt in plain words"), std::string::npos);
  EXPECT_NE(session.out.find("[1] "), std::string::npos);
  EXPECT_NE(session.error.find("the nearest are 64 and 72"), std::string::npos);
  EXPECT_NE(session.error.find("good-bye"), std::string::npos);
}

/// One session of the table; each part is looked for behind the one before it.
struct ScriptedSession {
  std::string name, input;
  Words words, out, error, absent;
};

std::vector<ScriptedSession> read_sessions(const std::string& folder) {
  std::ifstream table(std::string(INVOKEAI_TEST_DATA) + "/cli/tables/sessions.txt");
  std::vector<ScriptedSession> sessions;
  bool in_head = true;
  for (std::string row; std::getline(table, row);) {
    if (row.empty()) in_head = false;
    if (in_head || row.empty()) continue;
    const std::string rest = std::regex_replace(row.substr(std::min<std::size_t>(2, row.size())),
                                                std::regex("%"), folder);
    switch (row[0]) {
      case '#':
        sessions.push_back({rest, "", {}, {}, {}, {}});
        break;
      case ':':
        sessions.back().words = *shell_words(rest);
        break;
      case '>':
        sessions.back().input += rest + "\n";
        break;
      case 'o':
        sessions.back().out.push_back(rest);
        break;
      case 'e':
        sessions.back().error.push_back(rest);
        break;
      case '-':
        sessions.back().absent.push_back(rest);
        break;
      default:
        ADD_FAILURE() << "unknown row " << row;
    }
  }
  return sessions;
}

void expect_in_order(const std::string& text, const Words& parts, const std::string& name) {
  std::size_t at = 0;
  for (const std::string& part : parts) {
    const std::size_t found = text.find(part, at);
    EXPECT_NE(found, text.npos) << name << ": " << part << "\n" << text;
    if (found != text.npos) at = found + part.size();
  }
}

TEST_F(Program, SessionsOfTheTable) {
  std::ofstream(folder_ / "replay.txt") << "from a file -s2 -S1\n# remark\n!replay more.txt\n";
  std::ofstream(folder_ / "quit.txt") << "before -s2 -S1\nq\nnever\n";
  const std::string foreign = *image::encode_png(
      image::Image(64, 64, 3),
      {{"invokeai_metadata",
        R"({"positive_prompt": "a fox", "seed": 1, "steps": 20, "scheduler": "euler", "seamless_x": true,
            "loras": [{"model": {"name": "pixel"}, "weight": 0.75}], "app_version": "5.4.3"})"}});
  ASSERT_TRUE(write_file_atomically(folder_ / "foreign.png", foreign));
  const auto sessions = read_sessions(folder_.string());
  EXPECT_GT(sessions.size(), 15u);
  for (const ScriptedSession& session : sessions) {
    fs::remove_all(folder_ / "root");
    fs::create_directories(folder_ / "root" / "wildcards");
    std::ofstream(folder_ / "root" / "wildcards" / "colour.txt") << "blue\n";
    const Finished done = run(session.words, session.input);
    EXPECT_EQ(done.status, 0) << session.name;
    expect_in_order(done.out, session.out, session.name);
    expect_in_order(done.error, session.error, session.name);
    for (const std::string& part : session.absent)
      EXPECT_EQ((done.out + done.error).find(part), std::string::npos)
          << session.name << ": " << part << "\n"
          << done.out << done.error;
  }
}

TEST_F(Program, FetchedFilesSayWhatTheirCommandsLack) {
  const std::string foreign = *image::encode_png(
      image::Image(64, 64, 3),
      {{"invokeai_metadata", R"({"positive_prompt": "a fox", "seed": 1, "clip_skip": 2})"}});
  ASSERT_TRUE(write_file_atomically(folder_ / "foreign.png", foreign));
  const std::string folder = folder_.string();
  EXPECT_EQ(run({}, "!fetch " + folder + "/*.png " + folder + "/all.txt\n").status, 0);
  EXPECT_EQ(read_file(folder_ / "all.txt").value_or(""),
            "# " + folder + "/foreign.png\n" +
                "# lost: the last 2 layers of the text encoder were left out\n" +
                "a fox -s 50 -S 1 -W 512 -H 512 -C 7.5 -A k_lms\n");
}

TEST_F(Program, DumpsPromptsWithoutAnEngine) {
  variables_[0] = "INVOKEAI_ENGINE=/nowhere/engine.so";
  const Finished dumped = run({"--dump_prompt", "json", "a (red)1.5 cat"});
  EXPECT_EQ(dumped.status, 0) << dumped.error;
  EXPECT_TRUE(dumped.out.starts_with("{\n") && dumped.out.ends_with("}\n")) << dumped.out;
  EXPECT_NE(dumped.out.find("\"weight\": 1.5"), std::string::npos);
  EXPECT_EQ(dumped.error, "");
  EXPECT_FALSE(fs::exists(folder_ / "root"));
}

TEST_F(Program, PromptAsFolder) {
  const Finished drawn = run({"a/b: c?", "-s2", "-p", "-S1"});
  EXPECT_EQ(drawn.status, 0);
  EXPECT_TRUE(fs::exists(outputs() / "a_b_ c_" / "000001.1.png")) << drawn.out;
}

TEST_F(Program, CtrlCKeepsFinishedPictures) {
  variables_[0] = "INVOKEAI_ENGINE=fake-slow";
  const pid_t child = start({"a cat", "-n", "100", "-s", "20", "-S", "1"});
  ASSERT_TRUE(wait_for_file(outputs() / "000001.1.png"));
  ::kill(child, SIGINT);
  const Finished stopped = finish(child);
  EXPECT_EQ(stopped.status, 130);
  EXPECT_NE(stopped.error.find("interrupted"), std::string::npos);
  const Words files = files_in(outputs());
  EXPECT_LT(files.size(), 50u);
  EXPECT_EQ(count(stopped.out, "\n") + 2, files.size()) << "pictures and two logs";
  for (const auto& name : files) {
    if (!name.ends_with(".png")) continue;
    EXPECT_TRUE(image::decode_png(*read_file(outputs() / name)).has_value()) << name;
  }
}

TEST_F(Program, CtrlCEndsABatch) {
  variables_[0] = "INVOKEAI_ENGINE=fake-slow";
  const pid_t child = start({"--from_file", "-"}, "one -s2 -S1\ntwo -n100\nthree\n");
  ASSERT_TRUE(wait_for_file(outputs() / "000001.1.png"));
  for (int i = 0; i < 500 && count(*read_file(folder_ / "stdout"), "# two") == 0; ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  ::kill(child, SIGINT);
  const Finished stopped = finish(child);
  EXPECT_EQ(stopped.status, 130);
  EXPECT_EQ(stopped.out.find("# three"), std::string::npos);
}

/// A small file system of its own, for tests that fill it.
class FullDisk : public Program {
 protected:
  void SetUp() override {
    Program::SetUp();
    disk_ = folder_ / "disk";
    fs::create_directories(disk_);
    mounted_ =
        ::geteuid() == 0 && ::mount("tmpfs", disk_.c_str(), "tmpfs", 0, "size=256k,mode=700") == 0;
    if (!mounted_) GTEST_SKIP() << "needs the right to mount a file system";
  }
  void TearDown() override {
    if (mounted_) ::umount(disk_.c_str());
    Program::TearDown();
  }
  fs::path disk_;
  bool mounted_ = false;
};

TEST_F(FullDisk, IsReportedAndNothingHalfWrittenStays) {
  // Unpacked 256x256 pictures have 196,608 bytes: one fits.
  const Finished drawn =
      run({"a cat", "-s2", "-n3", "-W256", "-H256", "-z0", "-S1", "-o", disk_.string()});
  EXPECT_EQ(drawn.status, 1);
  EXPECT_NE(drawn.error.find("no space left"), std::string::npos) << drawn.error;
  EXPECT_EQ(files_in(disk_), (Words{"000001.1.png", "invoke_log.md", "invoke_log.txt"}));
  EXPECT_TRUE(image::decode_png(*read_file(disk_ / "000001.1.png")).has_value());
}

}  // namespace
}  // namespace invokeai
