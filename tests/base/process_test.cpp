#include "base/process.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <set>
#include <thread>
#include <vector>

#include "base/ids.h"

namespace invokeai {
namespace {

TEST(Process, EndedProcessesAreKnownToHaveEnded) {
  EXPECT_TRUE(may_be_running(process_identity()));
  int pipe[2];
  ASSERT_EQ(::pipe(pipe), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    char byte;
    ::close(pipe[1]);
    [[maybe_unused]] const ssize_t got = ::read(pipe[0], &byte, 1);
    ::_exit(0);
  }
  const std::string identity = process_identity(child);
  EXPECT_FALSE(identity.empty());
  EXPECT_NE(identity, process_identity());
  EXPECT_TRUE(may_be_running(identity));
  ::close(pipe[0]);
  ::close(pipe[1]);
  ASSERT_EQ(::waitpid(child, nullptr, 0), child);
  EXPECT_FALSE(may_be_running(identity));
  EXPECT_EQ(process_identity(child), "");
}

TEST(Process, AMarkSaysTheSameInLettersForFileNames) {
  const std::string mark = process_mark();
  EXPECT_EQ(mark.find_first_not_of("0123456789abcdef-"), mark.npos) << mark;
  EXPECT_TRUE(mark_may_be_running(mark));
  EXPECT_FALSE(mark_may_be_running(mark + "0")) << "the same number at another time";
  for (const char* other : {"", "x", "00000000-1-1", "-1-1"})
    EXPECT_TRUE(mark_may_be_running(other)) << other;
}

TEST(Process, TheSameNumberAtAnotherTimeIsAnotherProcess) {
  std::string identity = process_identity();
  identity.back() = identity.back() == '0' ? '1' : '0';
  EXPECT_FALSE(may_be_running(identity));
}

TEST(Process, WhatCannotBeKnownMayBeRunning) {
  for (const char* identity : {"", "x", "other-machine/pid:[1] 1 1", "a b"})
    EXPECT_TRUE(may_be_running(identity)) << identity;
}

TEST(Ids, AreUniqueSortedAndOfVersionSeven) {
  std::string before;
  for (int i = 0; i < 10000; ++i) {
    const std::string id = new_id();
    ASSERT_GT(id, before);
    before = id;
  }
  ASSERT_EQ(before.size(), 36u);
  EXPECT_EQ(before[14], '7');
  EXPECT_NE(std::string("89ab").find(before[19]), std::string::npos);

  std::vector<std::string> made(4000);
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&made, t] {
      for (int i = 0; i < 1000; ++i) made[t * 1000 + i] = new_id();
    });
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(std::set<std::string>(made.begin(), made.end()).size(), made.size());
}

}  // namespace
}  // namespace invokeai
