// How much memory there is, as the system and containers tell it.

#include "base/system_memory.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>

namespace invokeai {
namespace {

namespace fs = std::filesystem;

class FreeMemory : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string folder = (fs::temp_directory_path() / "memory-XXXXXX").string();
    root_ = ::mkdtemp(folder.data());
  }
  void TearDown() override { fs::remove_all(root_); }
  void write(const std::string& file, const std::string& text) const {
    fs::create_directories((root_ / file).parent_path());
    std::ofstream(root_ / file) << text;
  }
  fs::path root_;
};

TEST_F(FreeMemory, IsWhatTheSystemCallsAvailable) {
  EXPECT_FALSE(free_memory(root_));
  write("proc/meminfo", "MemTotal:  1000 kB\nMemFree:  10 kB\nMemAvailable:  600 kB\n");
  EXPECT_EQ(free_memory(root_), 600 * 1024);
}

TEST_F(FreeMemory, ObeysTheContainer) {
  write("proc/meminfo", "MemAvailable:  600 kB\n");
  write("proc/self/cgroup", "1:name=systemd:/elsewhere\n0::/shop/box\n");
  write("sys/fs/cgroup/shop/box/memory.max", "max\n");
  write("sys/fs/cgroup/shop/box/memory.current", "1000\n");
  EXPECT_EQ(free_memory(root_), 600 * 1024) << "no limit";
  write("sys/fs/cgroup/shop/memory.max", "400000\n");
  write("sys/fs/cgroup/shop/memory.current", "100000\n");
  EXPECT_EQ(free_memory(root_), 300000) << "the limit of the group above";
  write("sys/fs/cgroup/shop/memory.stat", "anon 5\ninactive_file 50000\n");
  EXPECT_EQ(free_memory(root_), 350000) << "unused pages of files can go";
  write("sys/fs/cgroup/shop/box/memory.max", "500\n");
  EXPECT_EQ(free_memory(root_), 0) << "more than allowed is taken already";
}

TEST(ResidentMemory, GrowsWithWhatIsTouched) {
  const std::int64_t before = resident_memory();
  ASSERT_GT(before, 1 << 20);
  std::string large(64 << 20, 'x');
  EXPECT_GT(resident_memory(), before + (48 << 20)) << large[1000];
  ASSERT_TRUE(free_memory());
  EXPECT_GT(*free_memory(), 0);
}

}  // namespace
}  // namespace invokeai
