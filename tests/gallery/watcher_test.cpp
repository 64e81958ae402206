#include "gallery/watcher.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <condition_variable>
#include <mutex>
#include <set>

#include "gallery/index.h"
#include "image/png.h"

namespace invokeai::gallery {
namespace {

using namespace std::chrono_literals;

class Watcher : public ::testing::Test {
 protected:
  void SetUp() override {
    const auto* test = ::testing::UnitTest::GetInstance()->current_test_info();
    root_ = fs::path(::testing::TempDir()) / fmt::format("watch_{}_{}", test->name(), ::getpid());
    fs::remove_all(root_);
    fs::create_directories(root_ / "sub");
  }
  void TearDown() override {
    watcher_.reset();
    fs::remove_all(root_);
  }

  void watch(const WatchOptions& options) {
    watcher_ = watch_folder(root_, options, [this](const std::vector<std::string>& paths) {
      const std::lock_guard lock(mutex_);
      seen_.insert(paths.begin(), paths.end());
      ++calls_;
      changed_.notify_all();
    });
  }

  bool wait_for(const std::string& path) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, 10s, [&] { return seen_.contains(path); });
  }

  fs::path root_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::set<std::string> seen_;
  int calls_ = 0;
  std::unique_ptr<FolderWatcher> watcher_;
};

TEST_F(Watcher, TellsWhatOtherProgramsDo) {
  watch({.settle = 20ms});
  if (!watcher_->told_by_system()) GTEST_SKIP() << "no watches on this system";
  ASSERT_TRUE(write_file_atomically(root_ / "a.png", "x"));
  EXPECT_TRUE(wait_for("a.png"));
  ASSERT_TRUE(write_file_atomically(root_ / "sub/b.png", "x"));
  EXPECT_TRUE(wait_for("sub/b.png"));
  fs::create_directories(root_ / "new/deep");
  EXPECT_TRUE(wait_for("new"));
  ASSERT_TRUE(write_file_atomically(root_ / "new/deep/c.png", "x"));
  EXPECT_TRUE(wait_for("new/deep/c.png"));
  fs::rename(root_ / "a.png", root_ / "d.png");
  EXPECT_TRUE(wait_for("d.png"));
  fs::remove(root_ / "sub/b.png");
  const std::lock_guard lock(mutex_);
  for (const auto& path : seen_) EXPECT_EQ(path.find(".part"), path.npos) << path;
}

TEST_F(Watcher, PollingAsksAgainAndAgain) {
  watch({.poll = true, .poll_every = 5ms});
  EXPECT_FALSE(watcher_->told_by_system());
  std::unique_lock lock(mutex_);
  EXPECT_TRUE(changed_.wait_for(lock, 10s, [&] { return calls_ >= 3; }));
  EXPECT_TRUE(seen_.empty());
}

TEST_F(Watcher, TheIndexFollows) {
  const auto gallery = Gallery::open({root_}).value();
  const auto watcher =
      watch_folder(root_, {.settle = 20ms}, [&](const std::vector<std::string>& paths) {
        EXPECT_TRUE(paths.empty() ? gallery->reindex() : gallery->update(paths));
        const std::lock_guard lock(mutex_);
        changed_.notify_all();
      });
  const auto holds = [&](std::int64_t count) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, 10s, [&] { return gallery->count({}).value() == count; });
  };
  const std::string bytes = *image::encode_png(image::Image(8, 8, 3));
  ASSERT_TRUE(write_file_atomically(root_ / "sub/a.png", bytes));
  EXPECT_TRUE(holds(1));
  fs::rename(root_ / "sub", root_ / "other");
  ASSERT_TRUE(write_file_atomically(root_ / "other/b.png", bytes));
  EXPECT_TRUE(holds(2));
  EXPECT_TRUE(gallery->picture("other/a.png"));
  fs::remove_all(root_ / "other");
  EXPECT_TRUE(holds(0));
}

}  // namespace
}  // namespace invokeai::gallery
