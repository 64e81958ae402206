#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <set>
#include <thread>

#include "base/process.h"
#include "base/sqlite.h"
#include "jobs/sqlite_queue.h"

namespace invokeai::jobs {
namespace {

using namespace std::chrono_literals;

class Queue : public ::testing::Test {
 protected:
  void SetUp() override {
    const auto* test = ::testing::UnitTest::GetInstance()->current_test_info();
    folder_ = fs::path(::testing::TempDir()) / fmt::format("queue_{}_{}", test->name(), ::getpid());
    fs::remove_all(folder_);
    queue_ = open();
  }
  void TearDown() override {
    queue_.reset();
    fs::remove_all(folder_);
  }

  std::unique_ptr<JobQueue> open() {
    auto queue =
        open_sqlite_queue(folder_ / "queue.db", {busy_milliseconds_, [this] { return now_; }});
    EXPECT_TRUE(queue) << queue.error().text();
    return std::move(*queue);
  }

  std::string submit(const std::string& request, int pictures = 1, int priority = 0) {
    auto job = queue_->submit({request, pictures, priority, 3});
    EXPECT_TRUE(job) << job.error().text();
    return job->id;
  }

  Lease take(JobQueue& queue) {
    auto lease = queue.take(process_identity(), 10s);
    EXPECT_TRUE(lease && *lease) << "a job was expected";
    return **lease;
  }
  Lease take() { return take(*queue_); }

  bool nothing_to_take() {
    auto lease = queue_->take(process_identity(), 10s);
    EXPECT_TRUE(lease) << lease.error().text();
    return !*lease;
  }

  JobState state(const std::string& id) { return queue_->job(id)->state; }

  /// Requests in the order they would run.
  std::string order() {
    std::string all;
    const auto jobs = queue_->waiting(100);
    for (const JobRecord& job : *jobs) all += job.request;
    return all;
  }

  static PictureResult picture(int index) {
    return {index, fmt::format("/o/{}.png", index), 7, 0.5, 64, 64, "a cat -s 2"};
  }

  fs::path folder_;
  int busy_milliseconds_ = 10000;
  UnixTime now_{1'000'000};
  std::unique_ptr<JobQueue> queue_;
};

TEST_F(Queue, AJobComesBackAsItWasHandedIn) {
  const auto job = queue_->submit({R"({"prompt": "a cat"})", 3, 5, 2});
  ASSERT_TRUE(job) << job.error().text();
  queue_ = open();
  const auto again = queue_->job(job->id);
  ASSERT_TRUE(again);
  EXPECT_EQ(again->request, R"({"prompt": "a cat"})");
  EXPECT_EQ(again->pictures, 3);
  EXPECT_EQ(again->priority, 5);
  EXPECT_EQ(again->max_attempts, 2);
  EXPECT_EQ(again->state, JobState::queued);
  EXPECT_EQ(again->submitted, now_);
  EXPECT_FALSE(again->started || again->finished || again->error);
}

TEST_F(Queue, NonsenseIsRefused) {
  EXPECT_EQ(queue_->submit({"{}", 0}).error().code, ErrorCode::invalid_argument);
  EXPECT_EQ(queue_->submit({"{}", 1, 0, 0}).error().code, ErrorCode::invalid_argument);
  EXPECT_EQ(queue_->job("x").error().code, ErrorCode::not_found);
  EXPECT_EQ(queue_->cancel("x").error().code, ErrorCode::not_found);
  EXPECT_EQ(queue_->results("x").error().code, ErrorCode::not_found);
}

TEST_F(Queue, PrioritiesFirstThenTheOrderOfSubmission) {
  submit("a");
  submit("b", 1, 1);
  submit("c");
  const std::string d = submit("d", 1, 1);
  EXPECT_EQ(order(), "bdac");
  EXPECT_EQ(take().job.request, "b");
  ASSERT_TRUE(queue_->set_priority(d, -1));
  EXPECT_EQ(order(), "acd");
}

TEST_F(Queue, PlacesAreCounted) {
  const std::string first = submit("{}"), second = submit("{}"), urgent = submit("{}", 1, 5);
  EXPECT_EQ(queue_->count(JobState::queued).value(), 3);
  EXPECT_EQ(queue_->jobs_before(urgent).value(), 0);
  EXPECT_EQ(queue_->jobs_before(first).value(), 1);
  EXPECT_EQ(queue_->jobs_before(second).value(), 2);
  take();
  EXPECT_EQ(queue_->count(JobState::running).value(), 1);
  EXPECT_EQ(queue_->jobs_before(first).value(), 0);
  EXPECT_EQ(queue_->jobs_before(urgent).value(), 0) << "it runs";
}

TEST_F(Queue, JobsAreMovedBesideOthers) {
  const std::string a = submit("a"), b = submit("b"), c = submit("c"), d = submit("d", 1, 2);
  ASSERT_TRUE(queue_->move(c, Place::before, a));
  EXPECT_EQ(order(), "dcab");
  ASSERT_TRUE(queue_->move(a, Place::after, b));
  EXPECT_EQ(order(), "dcba");
  ASSERT_TRUE(queue_->move(b, Place::after, d)) << "takes over the priority";
  EXPECT_EQ(order(), "dbca");
  EXPECT_EQ(queue_->job(b)->priority, 2);
  ASSERT_TRUE(queue_->move(a, Place::after, a));
  EXPECT_EQ(order(), "dbca");
  // Always into the same gap, until there is none left.
  for (int i = 0; i < 100; ++i) {
    ASSERT_TRUE(queue_->move(c, Place::before, a));
    ASSERT_TRUE(queue_->move(a, Place::before, c));
  }
  EXPECT_EQ(order(), "dbac");
  take();
  const auto running = queue_->move(a, Place::before, d);
  ASSERT_FALSE(running);
  EXPECT_NE(running.error().message.find("is running; only queued jobs"), std::string::npos);
}

TEST_F(Queue, PausedHandsOutNothing) {
  submit("a");
  ASSERT_TRUE(queue_->set_paused(true));
  EXPECT_TRUE(nothing_to_take());
  queue_ = open();
  EXPECT_TRUE(*queue_->paused()) << "also after a restart";
  ASSERT_TRUE(queue_->set_paused(false));
  EXPECT_EQ(take().job.request, "a");
}

TEST_F(Queue, ResultsAreRecordedOnce) {
  const std::string id = submit("a", 2);
  const Lease lease = take();
  EXPECT_EQ(lease.first_missing, 0);
  EXPECT_EQ(*queue_->record(lease, picture(0)), Recording::recorded);
  PictureResult other = picture(0);
  other.path = "/o/double.png";
  EXPECT_EQ(*queue_->record(lease, other), Recording::known_already);
  EXPECT_EQ(queue_->job(id)->done, 1);
  const auto results = queue_->results(id);
  ASSERT_EQ(results->size(), 1u);
  EXPECT_EQ(results->front().path, "/o/0.png");
  EXPECT_EQ(results->front().seed, 7u);
  EXPECT_EQ(results->front().command, "a cat -s 2");
}

TEST_F(Queue, AJobIsCompleteOnlyWithAllItsPictures) {
  const std::string a = submit("a", 2), b = submit("b", 2);
  Lease lease = take();
  ASSERT_TRUE(queue_->record(lease, picture(0)));
  ASSERT_TRUE(queue_->record(lease, picture(1)));
  EXPECT_TRUE(*queue_->finish(lease, JobState::completed));
  EXPECT_EQ(state(a), JobState::completed);
  EXPECT_EQ(queue_->job(a)->finished, now_);
  EXPECT_FALSE(*queue_->finish(lease, JobState::failed)) << "the lease has ended";
  lease = take();
  ASSERT_TRUE(queue_->record(lease, picture(0)));
  EXPECT_TRUE(*queue_->finish(lease, JobState::completed));
  EXPECT_EQ(state(b), JobState::failed);
  EXPECT_NE(queue_->job(b)->error->message.find("1 of 2"), std::string::npos);
}

TEST_F(Queue, CancelAtAnyTime) {
  const std::string a = submit("a"), b = submit("b");
  EXPECT_EQ(queue_->cancel(b)->state, JobState::cancelled);
  const Lease lease = take();
  EXPECT_EQ(*queue_->heartbeat(lease, 10s), LeaseState::held);
  EXPECT_TRUE(queue_->cancel(a)->cancel_requested);
  EXPECT_EQ(state(a), JobState::running);
  EXPECT_EQ(*queue_->heartbeat(lease, 10s), LeaseState::cancel_requested);
  EXPECT_TRUE(*queue_->finish(lease, JobState::cancelled));
  EXPECT_EQ(queue_->cancel(a)->state, JobState::cancelled) << "again is fine";
}

TEST_F(Queue, ACancelledJobDoesNotReturnWhenItsWorkerDies) {
  const std::string a = submit("a");
  const Lease lease = take();
  ASSERT_TRUE(queue_->cancel(a));
  ASSERT_TRUE(queue_->release(lease, Release::crashed));
  EXPECT_EQ(state(a), JobState::cancelled);
}

TEST_F(Queue, RetryGoesOnWhereItStopped) {
  const std::string a = submit("a", 3), b = submit("b");
  Lease lease = take();
  ASSERT_TRUE(queue_->record(lease, picture(0)));
  ASSERT_TRUE(queue_->finish(lease, JobState::failed, Error{ErrorCode::disk_full, "x", "full"}));
  EXPECT_EQ(queue_->job(a)->error->message, "full");
  EXPECT_EQ(queue_->job(a)->error->code, ErrorCode::disk_full);
  EXPECT_EQ(queue_->retry(b).error().code, ErrorCode::invalid_argument);
  ASSERT_TRUE(queue_->retry(a));
  EXPECT_FALSE(queue_->job(a)->error || queue_->job(a)->finished);
  EXPECT_EQ(order(), "ba");
  take();
  EXPECT_EQ(take().first_missing, 1);
}

TEST_F(Queue, AJobThatKillsEveryWorkerFails) {
  const std::string a = submit("a", 2);
  for (int i = 0; i < 2; ++i) {
    ASSERT_TRUE(queue_->release(take(), Release::crashed));
    EXPECT_EQ(state(a), JobState::queued);
  }
  const Lease good = take();
  ASSERT_TRUE(queue_->record(good, picture(0)));  // a result clears the count
  ASSERT_TRUE(queue_->release(good, Release::crashed));
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(queue_->release(take(), Release::returned));
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(queue_->release(take(), Release::crashed));
  EXPECT_EQ(state(a), JobState::failed);
  EXPECT_NE(queue_->job(a)->error->message.find("3 times in a row while drawing picture 2 of 2"),
            std::string::npos);
}

TEST_F(Queue, ALeaseThatRanOutIsWorthNothing) {
  const std::string a = submit("a", 2);
  const Lease lost = take();
  now_ += 9s;
  ASSERT_EQ(*queue_->heartbeat(lost, 10s), LeaseState::held);
  now_ += 9s;
  EXPECT_TRUE(nothing_to_take());
  now_ += 2s;
  const Lease lease = take();
  EXPECT_EQ(lease.job.id, a);
  EXPECT_EQ(*queue_->heartbeat(lost, 10s), LeaseState::lost);
  EXPECT_EQ(*queue_->record(lost, picture(0)), Recording::lease_lost);
  EXPECT_FALSE(*queue_->finish(lost, JobState::failed));
  ASSERT_TRUE(queue_->release(lost, Release::crashed));
  EXPECT_EQ(state(a), JobState::running);
  EXPECT_EQ(*queue_->record(lease, picture(0)), Recording::recorded);
}

TEST_F(Queue, TheJobOfADeadProcessReturnsAtOnce) {
  const std::string a = submit("a");
  int ready[2];
  ASSERT_EQ(::pipe(ready), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    auto queue = open_sqlite_queue(folder_ / "queue.db");
    const bool taken = queue && (*queue)->take(process_identity(), 3600s).value().has_value();
    [[maybe_unused]] const ssize_t put = ::write(ready[1], taken ? "y" : "n", 1);
    ::pause();
  }
  char answer = 0;
  ASSERT_EQ(::read(ready[0], &answer, 1), 1);
  EXPECT_EQ(answer, 'y');
  now_ = std::chrono::duration_cast<UnixTime>(std::chrono::system_clock::now().time_since_epoch());
  EXPECT_TRUE(nothing_to_take());
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  EXPECT_EQ(take().job.id, a);
  ::close(ready[0]);
  ::close(ready[1]);
}

TEST_F(Queue, PagesAreStableWhileJobsComeIn) {
  std::vector<std::string> ids;
  for (int i = 0; i < 7; ++i) ids.push_back(submit(std::to_string(i)));
  const auto first = queue_->list({.limit = 3});
  ASSERT_EQ(first->size(), 3u);
  EXPECT_EQ(first->front().id, ids[6]);
  submit("new");
  const auto second = queue_->list({.older_than = first->back().id, .limit = 10});
  ASSERT_EQ(second->size(), 4u);
  EXPECT_EQ(second->front().id, ids[3]);
  take();
  EXPECT_EQ(queue_->list({.state = JobState::running})->size(), 1u);
  EXPECT_EQ(queue_->list({.state = JobState::queued})->size(), 7u);
}

TEST_F(Queue, FollowersSeeEveryChange) {
  const auto start = queue_->changes_since(0);
  const std::string a = submit("a", 2), b = submit("b");
  auto changes = queue_->changes_since(start->revision);
  ASSERT_EQ(changes->jobs.size(), 2u);
  EXPECT_EQ(changes->jobs[0].id, a);
  const Lease lease = take();
  ASSERT_TRUE(queue_->record(lease, picture(0)));
  ASSERT_TRUE(queue_->set_paused(true));
  changes = queue_->changes_since(changes->revision);
  ASSERT_EQ(changes->jobs.size(), 1u);
  EXPECT_EQ(changes->jobs[0].done, 1);
  EXPECT_TRUE(changes->paused);
  EXPECT_TRUE(changes->complete);
  EXPECT_TRUE(queue_->changes_since(changes->revision)->jobs.empty());
  ASSERT_TRUE(queue_->cancel(b));
  EXPECT_FALSE(queue_->changes_since(0, 1)->complete);
  EXPECT_FALSE(queue_->changes_since(1'000'000)->complete) << "of another queue";
}

// A change that commits while another program looks belongs to its next look, or it is seen twice.
TEST_F(Queue, FollowersSeeEveryChangeOnce) {
  const std::string id = submit("a");
  const auto follower = open();
  std::jthread writer([&](const std::stop_token& stop) {
    for (int i = 0; !stop.stop_requested(); ++i) ASSERT_TRUE(queue_->set_priority(id, 1 + i % 2));
  });
  std::int64_t seen = follower->changes_since(0)->revision;
  for (int changed = 0; changed < 300;) {
    const auto changes = follower->changes_since(seen);
    ASSERT_TRUE(changes) << changes.error().text();
    for (const JobRecord& job : changes->jobs) ASSERT_LE(job.revision, changes->revision);
    changed += !changes->jobs.empty();
    seen = changes->revision;
  }
}

TEST_F(Queue, OldJobsAreForgotten) {
  const std::string a = submit("a"), b = submit("b"), c = submit("c");
  ASSERT_TRUE(queue_->cancel(a));
  now_ += 100s;
  ASSERT_TRUE(queue_->cancel(b));
  const auto before = queue_->changes_since(0);
  EXPECT_EQ(*queue_->prune(now_ - 50s), 1);
  EXPECT_FALSE(queue_->job(a));
  EXPECT_TRUE(queue_->job(b) && queue_->job(c));
  EXPECT_EQ(queue_->changes_since(before->revision)->removed, std::vector{a});
}

TEST_F(Queue, SubscribersAreWokenUntilTheyLeave) {
  int calls = 0;
  auto token = queue_->subscribe([&] { ++calls; });
  submit("a");
  EXPECT_EQ(calls, 1);
  EXPECT_FALSE(queue_->submit({"{}", 0}));
  EXPECT_EQ(calls, 1) << "nothing changed";
  take();
  EXPECT_EQ(calls, 2);
  EXPECT_TRUE(nothing_to_take());
  EXPECT_EQ(calls, 2) << "looking is no change, else idle workers would wake each other for ever";
  token.reset();
  submit("b");
  EXPECT_EQ(calls, 2);
}

TEST_F(Queue, ManyThreadsTakeEachJobOnce) {
  constexpr int kJobs = 60;
  for (int i = 0; i < kJobs; ++i) submit(std::to_string(i));
  std::mutex mutex;
  std::multiset<std::string> taken;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back(
        [&, own = t % 2 == 0 ? open_sqlite_queue(folder_ / "queue.db").value() : nullptr] {
          JobQueue& queue = own ? *own : *queue_;  // same and separate connections
          while (auto lease = queue.take(process_identity(), 3600s * 24 * 365 * 100).value()) {
            queue.record(*lease, picture(0)).value();
            queue.finish(*lease, JobState::completed).value();
            const std::lock_guard lock(mutex);
            taken.insert(lease->job.request);
          }
        });
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(taken.size(), std::size_t{kJobs});
  EXPECT_EQ(std::set<std::string>(taken.begin(), taken.end()).size(), std::size_t{kJobs});
}

TEST_F(Queue, StorageFailuresAreClear) {
  const auto nowhere = open_sqlite_queue("/dev/null/queue.db");
  ASSERT_FALSE(nowhere);
  EXPECT_EQ(nowhere.error().code, ErrorCode::io);
  busy_milliseconds_ = 50;
  queue_ = open();
  auto other = sql::Database::open(folder_ / "queue.db");
  auto lock = other->begin();
  const auto locked = queue_->submit({"{}"});
  ASSERT_FALSE(locked);
  EXPECT_NE(locked.error().message.find("locked by another program"), std::string::npos);
  EXPECT_EQ(order(), "") << "readable meanwhile";
}

}  // namespace
}  // namespace invokeai::jobs
