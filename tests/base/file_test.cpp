#include "base/file.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <fstream>

namespace invokeai {
namespace {

class FileTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = (fs::temp_directory_path() / "file-test-XXXXXX").string();
    folder_ = ::mkdtemp(name.data());
  }
  void TearDown() override { fs::remove_all(folder_); }

  std::size_t files_in_folder() const {
    return static_cast<std::size_t>(
        std::distance(fs::directory_iterator(folder_), fs::directory_iterator()));
  }

  fs::path folder_;
};

/// Limits the size of files for as long as it lives: writing beyond it fails as on a full disk.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) : old_handler_(std::signal(SIGXFSZ, SIG_IGN)) {
    ::getrlimit(RLIMIT_FSIZE, &old_limit_);
    const rlimit limit{bytes, old_limit_.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &limit);
  }
  ~FileSizeLimit() {
    ::setrlimit(RLIMIT_FSIZE, &old_limit_);
    std::signal(SIGXFSZ, old_handler_);
  }

 private:
  rlimit old_limit_{};
  void (*old_handler_)(int);
};

TEST_F(FileTest, ReadsBackWhatWasWritten) {
  const std::string bytes("a\0b\nc\xFF", 6);
  const fs::path path = folder_ / "with blank é.bin";
  ASSERT_TRUE(write_file_atomically(path, bytes));
  EXPECT_EQ(read_file(path).value(), bytes);
  ASSERT_TRUE(write_file_atomically(path, ""));
  EXPECT_EQ(read_file(path).value(), "");
  EXPECT_EQ(files_in_folder(), 1u) << "no temporary file may remain";
}

TEST_F(FileTest, WrittenFilesHaveTheUsualPermissions) {
  const mode_t mask = ::umask(027);
  ASSERT_TRUE(write_file_atomically(folder_ / "file", "x"));
  ::umask(mask);
  struct stat info {};
  ASSERT_EQ(::stat((folder_ / "file").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0640u);
}

TEST_F(FileTest, AFailedWriteKeepsTheOldContent) {
  const fs::path path = folder_ / "file";
  ASSERT_TRUE(write_file_atomically(path, "old"));
  Result<> result;
  {
    const FileSizeLimit limit(4096);
    result = write_file_atomically(path, std::string(8192, 'x'));
  }
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ErrorCode::io);
  EXPECT_NE(result.error().message.find("File too large"), std::string::npos)
      << result.error().text();
  EXPECT_EQ(read_file(path).value(), "old");
  EXPECT_EQ(files_in_folder(), 1u);
}

/// Set INVOKEAI_TEST_SMALL_DISK to a folder on a file system of at most a megabyte:
///   mount -t tmpfs -o size=64k tmpfs FOLDER
TEST_F(FileTest, AFullDiskIsReportedAsSuch) {
  const char* disk = std::getenv("INVOKEAI_TEST_SMALL_DISK");
  if (disk == nullptr) GTEST_SKIP() << "needs INVOKEAI_TEST_SMALL_DISK";
  const fs::path path = fs::path(disk) / "file";
  ASSERT_TRUE(write_file_atomically(path, "old"));
  const auto result = write_file_atomically(path, std::string(std::size_t{2} << 20, 'x'));
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ErrorCode::disk_full);
  EXPECT_EQ(read_file(path).value(), "old");
  EXPECT_TRUE(write_file_atomically(path, "new")) << "the space must have been given back";
}

TEST_F(FileTest, UnfinishedFilesGoWhenTheirWriterHasEnded) {
  const pid_t child = ::fork();
  if (child == 0) {  // killed amid writing
    std::ofstream(unfinished_name(folder_)) << "half";
    ::kill(::getpid(), SIGKILL);
  }
  ASSERT_EQ(::waitpid(child, nullptr, 0), child);
  const fs::path ours = unfinished_name(folder_), abroad = folder_ / ".part-00000000-1-1.0";
  EXPECT_NE(unfinished_name(folder_), unfinished_name(folder_));
  for (const fs::path& path : {ours, abroad, folder_ / "part-1", folder_ / ".other"})
    std::ofstream(path) << "x";
  ASSERT_EQ(files_in_folder(), 5u);
  remove_unfinished_files(folder_);
  EXPECT_EQ(files_in_folder(), 4u) << "only what the killed process left";
  for (const fs::path& path : {ours, abroad, folder_ / "part-1"})
    EXPECT_TRUE(fs::exists(path)) << path;
  fs::last_write_time(abroad, fs::file_time_type::clock::now() - std::chrono::hours(25));
  remove_unfinished_files(folder_);
  EXPECT_FALSE(fs::exists(abroad));
  EXPECT_EQ(files_in_folder(), 3u);
  remove_unfinished_files(folder_ / "missing");
}

TEST_F(FileTest, WritingIntoAMissingFolderFails) {
  const auto result = write_file_atomically(folder_ / "missing" / "file", "x");
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ErrorCode::not_found);
  EXPECT_NE(result.error().message.find((folder_ / "missing").string()), std::string::npos);
}

TEST_F(FileTest, WritingOverAFolderFailsAndLeavesNothingBehind) {
  fs::create_directory(folder_ / "taken");
  const auto result = write_file_atomically(folder_ / "taken", "x");
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ErrorCode::io);
  EXPECT_EQ(files_in_folder(), 1u);
}

TEST_F(FileTest, WhatIsNoRegularFileIsNotRead) {
  EXPECT_EQ(read_file(folder_).error().code, ErrorCode::bad_file);
  EXPECT_EQ(read_file("/dev/zero").error().code, ErrorCode::bad_file);
  EXPECT_EQ(read_file(folder_ / "missing").error().code, ErrorCode::not_found);
  ASSERT_TRUE(write_file_atomically(folder_ / "file", "x"));
  EXPECT_EQ(read_file(folder_ / "file" / "below").error().code, ErrorCode::not_found);
}

TEST_F(FileTest, ReadingStopsAtTheLimit) {
  ASSERT_TRUE(write_file_atomically(folder_ / "file", "12345"));
  EXPECT_EQ(read_file(folder_ / "file", 5).value(), "12345");
  const auto result = read_file(folder_ / "file", 4);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ErrorCode::bad_file);
  EXPECT_NE(result.error().message.find("5 bytes"), std::string::npos);
}

TEST_F(FileTest, MapsFilesIntoMemory) {
  ASSERT_TRUE(write_file_atomically(folder_ / "file", "mapped"));
  const auto file = MappedFile::open(folder_ / "file");
  ASSERT_TRUE(file) << file.error().text();
  const auto bytes = (*file)->bytes();
  EXPECT_EQ(std::string(bytes.begin(), bytes.end()), "mapped");
  EXPECT_EQ((*file)->path(), folder_ / "file");
  // The map outlives the name.
  fs::remove(folder_ / "file");
  EXPECT_EQ((*file)->bytes()[0], 'm');
}

TEST_F(FileTest, MapsAnEmptyFileAsNoBytes) {
  ASSERT_TRUE(write_file_atomically(folder_ / "file", ""));
  const auto file = MappedFile::open(folder_ / "file");
  ASSERT_TRUE(file) << file.error().text();
  EXPECT_TRUE((*file)->bytes().empty());
}

/// Bytes of the process that lie in memory, from its statm.
long resident_bytes() {
  long pages = 0, resident = 0;
  std::ifstream("/proc/self/statm") >> pages >> resident;
  return resident * sysconf(_SC_PAGESIZE);
}

TEST_F(FileTest, GivesPagesBackAndReadsThemAgain) {
  std::string text(32 << 20, 'a');
  for (std::size_t i = 0; i < text.size(); i += 997) text[i] = static_cast<char>('b' + i % 20);
  ASSERT_TRUE(write_file_atomically(folder_ / "file", text));
  const auto file = MappedFile::open(folder_ / "file").value();
  const auto bytes = file->bytes();
  const auto same = [&] { return std::equal(text.begin(), text.end(), bytes.begin()); };
  ASSERT_TRUE(same());
  const long before = resident_bytes();
  file->give_back(bytes.subspan(100, bytes.size() - 200));
  EXPECT_LT(resident_bytes(), before - (30 << 20));
  EXPECT_TRUE(same());
}

TEST_F(FileTest, KnowsWhatItHolds) {
  ASSERT_TRUE(write_file_atomically(folder_ / "file", "mapped"));
  const auto file = MappedFile::open(folder_ / "file").value();
  const std::uint8_t other[1] = {};
  EXPECT_TRUE(file->holds(file->bytes()));
  EXPECT_TRUE(file->holds(file->bytes().subspan(5)));
  EXPECT_FALSE(file->holds(other));
  EXPECT_FALSE(file->holds({}));
}

TEST_F(FileTest, MappingFailsLikeReading) {
  EXPECT_EQ(MappedFile::open(folder_ / "missing").error().code, ErrorCode::not_found);
  EXPECT_EQ(MappedFile::open(folder_).error().code, ErrorCode::bad_file);
}

TEST(Sha256, MatchesThePublishedExamples) {  // FIPS 180-2, appendix B.1, and the empty message
  const std::string text = "abc";
  EXPECT_EQ(sha256_hex({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()}),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(sha256_hex({}), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

}  // namespace
}  // namespace invokeai
