#include "jobs/worker_host.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <condition_variable>
#include <csignal>
#include <mutex>
#include <random>
#include <set>
#include <thread>

#include "base/sqlite.h"
#include "image/png.h"
#include "jobs/sqlite_queue.h"
#include "jobs/worker.h"

namespace invokeai::jobs {
namespace {

using namespace std::chrono_literals;
using Kind = WorkerEvent::Kind;
using Clock = std::chrono::steady_clock;

class Host : public ::testing::Test {
 protected:
  void SetUp() override {
    const auto* test = ::testing::UnitTest::GetInstance()->current_test_info();
    folder_ = fs::path(::testing::TempDir()) / fmt::format("host_{}_{}", test->name(), ::getpid());
    fs::remove_all(folder_);
    queue_ = open_sqlite_queue(folder_ / "queue.db").value();
  }
  void TearDown() override {
    host_.reset();
    queue_.reset();
    fs::remove_all(folder_);
  }

  WorkerHostOptions options(int step_milliseconds = 0) const {
    WorkerHostOptions options;
    options.command = {INVOKEAI_BINARY_ROOT "/bin/fake_worker", std::to_string(step_milliseconds)};
    options.notes = folder_ / "notes";
    options.root = folder_;
    options.engine.model_path = "m/demo";
    return options;
  }

  void start(WorkerHostOptions options) {
    host_ = std::make_unique<WorkerHost>(*queue_, std::move(options), [this](const WorkerEvent& e) {
      const std::lock_guard lock(mutex_);
      events_.push_back(e);
      changed_.notify_all();
    });
  }

  std::string submit(const std::string& prompt, int pictures, int max_attempts = 3,
                     std::optional<std::int64_t> seed = 42) {
    JobRequest request{prompt, {}, 0};
    request.values.set("iterations", std::int64_t{pictures});
    request.values.set("steps", std::int64_t{3});
    if (seed) request.values.set("seed", *seed);
    request.values.set("outdir", std::string("out"));
    const auto job = submit_request(*queue_, request, folder_, 0, max_attempts);
    EXPECT_TRUE(job) << job.error().text();
    return job->id;
  }

  /// Waits until an event fits; false after 20 s (as many events as there were then are shown).
  template <class Test>
  bool wait_for(Test fits) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, 20s, [&] { return std::ranges::any_of(events_, fits); });
  }
  bool wait_for(Kind kind) {
    return wait_for([=](const WorkerEvent& e) { return e.kind == kind; });
  }
  JobState wait_for_end(const std::string& id, std::chrono::seconds limit = 20s) {
    const auto deadline = Clock::now() + limit;
    while (Clock::now() < deadline) {
      const JobState state = queue_->job(id)->state;
      if (state != JobState::queued && state != JobState::running) return state;
      std::this_thread::sleep_for(2ms);
    }
    return queue_->job(id)->state;
  }

  std::vector<WorkerEvent> events(Kind kind) {
    const std::lock_guard lock(mutex_);
    std::vector<WorkerEvent> found;
    for (const auto& event : events_)
      if (event.kind == kind) found.push_back(event);
    return found;
  }

  int pid() { return events(Kind::worker_started).back().pid; }

  std::set<std::string> pictures_on_disk() const {
    std::set<std::string> names;
    for (const auto& entry : fs::directory_iterator(folder_ / "out"))
      if (entry.path().extension() == ".png" && !entry.path().filename().string().starts_with('.'))
        names.insert(entry.path().string());
    return names;
  }

  /// Notes and half-written files.
  std::set<std::string> leftovers() const {
    std::set<std::string> names;
    for (const auto* folder : {"notes", "out"})
      for (const auto& entry : fs::directory_iterator(folder_ / folder))
        if (const auto name = entry.path().filename().string();
            name.starts_with('.') || name.ends_with(".json"))
          names.insert(name);
    return names;
  }

  /// What a single run without accidents would draw.
  std::vector<std::uint32_t> expected_seeds(int pictures) const {
    const auto engine = pipeline::make_fake_engine({});
    pipeline::GenerationRequest request;
    request.seed = 42;
    request.steps = 1;
    request.iterations = pictures;
    std::vector<std::uint32_t> seeds;
    EXPECT_TRUE(engine->generate(request,
                                 {{},
                                  [&](pipeline::GeneratedImage&& made) -> Result<> {
                                    seeds.push_back(made.seed);
                                    return {};
                                  },
                                  {}},
                                 {}));
    return seeds;
  }

  /// Every picture recorded once, with the right seed, its file there and readable, and no other.
  void expect_whole(const std::string& id, int pictures) {
    const auto results = queue_->results(id);
    ASSERT_TRUE(results);
    ASSERT_EQ(results->size(), static_cast<std::size_t>(pictures));
    const auto seeds = expected_seeds(pictures);
    std::set<std::string> recorded;
    for (int i = 0; i < pictures; ++i) {
      const PictureResult& result = (*results)[i];
      EXPECT_EQ(result.index, i);
      EXPECT_EQ(result.seed, seeds[i]) << "picture " << i;
      recorded.insert(result.path.string());
      const auto bytes = read_file(result.path);
      ASSERT_TRUE(bytes) << bytes.error().text();
      EXPECT_TRUE(image::decode_png(*bytes)) << result.path;
    }
    EXPECT_EQ(recorded, pictures_on_disk());
    EXPECT_EQ(leftovers(), (std::set<std::string>{}));
  }

  fs::path folder_;
  std::unique_ptr<JobQueue> queue_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<WorkerEvent> events_;  // guarded by mutex_
  std::unique_ptr<WorkerHost> host_;
};

TEST_F(Host, DrawsStoresAndTells) {
  start(options());
  const std::string id = submit("a cat", 2);
  EXPECT_EQ(wait_for_end(id), JobState::completed);
  ASSERT_TRUE(wait_for(Kind::job_ended));
  expect_whole(id, 2);
  EXPECT_EQ(events(Kind::model_loaded).at(0).model.name, "demo");
  const auto steps = events(Kind::progress);
  ASSERT_EQ(steps.size(), 6u);
  EXPECT_EQ(steps[4].progress.picture, 1);
  EXPECT_EQ(steps[4].progress.step, 2);
  EXPECT_EQ(steps[4].progress.steps, 3);
  const auto pictures = events(Kind::picture);
  ASSERT_EQ(pictures.size(), 2u);
  EXPECT_EQ(pictures[1].picture.command.substr(0, 10), "a cat -s 3");
  EXPECT_EQ(pictures[1].picture.width, 64);
  EXPECT_EQ(events(Kind::worker_started).size(), 1u);
}

TEST_F(Host, PreviewsArePictures) {
  start(options());
  JobRequest request{"a cat", {}, 1};
  request.values.set("outdir", std::string("out"));
  request.values.set("steps", std::int64_t{1});
  ASSERT_TRUE(submit_request(*queue_, request, folder_));
  ASSERT_TRUE(wait_for([](const WorkerEvent& e) { return !e.preview_png.empty(); }));
  EXPECT_EQ(image::decode_png(events(Kind::progress).at(0).preview_png)->width, 8);
}

TEST_F(Host, AGridIsOneResult) {
  start(options());
  JobRequest request{"a cat", {}, 0};
  request.values.set("outdir", std::string("out"));
  request.values.set("iterations", std::int64_t{4});
  request.values.set("grid", true);
  const auto job = submit_request(*queue_, request, folder_);
  EXPECT_EQ(job->pictures, 1);
  EXPECT_EQ(wait_for_end(job->id), JobState::completed);
  EXPECT_EQ(queue_->results(job->id)->at(0).width, 128);
}

TEST_F(Host, ASeedIsDrawnWhenTheJobIsHandedIn) {
  const std::string id = submit("a cat", 1, 3, std::nullopt);
  const auto request = request_from_json(queue_->job(id)->request);
  ASSERT_TRUE(request && request->values.has("seed"));
  start(options());
  EXPECT_EQ(wait_for_end(id), JobState::completed);
  EXPECT_EQ(queue_->results(id)->at(0).seed, request->values.integer("seed"));
}

TEST_F(Host, PicturesWithPromptsOfTheirOwnKeepTheirPlaces) {
  JobRequest request{"a {cat|dog}", {}, 0, false, {{"a cat", "", 5}, {"a dog", "", 9}}};
  request.values.set("outdir", std::string("out"));
  request.values.set("iterations", std::int64_t{2});
  const auto job = submit_request(*queue_, request, folder_);
  ASSERT_TRUE(job) << job.error().text();
  start(options());
  EXPECT_EQ(wait_for_end(job->id), JobState::completed);
  const auto results = queue_->results(job->id).value();
  ASSERT_EQ(results.size(), 2u);
  EXPECT_EQ(results[0].index, 0);
  EXPECT_EQ(results[1].index, 1);
  EXPECT_EQ(results[1].seed, 9u);
  EXPECT_NE(results[1].command.find("a dog"), std::string::npos);
}

TEST_F(Host, AnotherModelIsLoadedWhenNothingIsDrawn) {
  start(options());
  ASSERT_TRUE(wait_for(Kind::model_loaded));
  host_->load({.model_path = "m/other"});
  ASSERT_TRUE(wait_for([](const WorkerEvent& e) {
    return e.kind == Kind::model_loaded && e.model.name == "other";
  }));
  EXPECT_EQ(wait_for_end(submit("a cat", 1)), JobState::completed);
  EXPECT_EQ(events(Kind::model_loaded).size(), 2u) << "jobs without a model use that one";
  host_->load({.model_path = "missing"});
  EXPECT_TRUE(wait_for(Kind::model_failed));
}

TEST_F(Host, CancelTakesAStepNotAPicture) {
  start(options(50));
  const std::string id = submit("a cat", 200);
  ASSERT_TRUE(wait_for(Kind::picture));
  const auto asked = Clock::now();
  ASSERT_TRUE(queue_->cancel(id));
  EXPECT_EQ(wait_for_end(id), JobState::cancelled);
  EXPECT_LT(Clock::now() - asked, 500ms);
  const auto done = queue_->results(id)->size();
  EXPECT_GE(done, 1u);
  EXPECT_EQ(pictures_on_disk().size(), done);
  const std::string next = submit("a dog", 1);
  EXPECT_EQ(wait_for_end(next), JobState::completed) << "the worker lives on";
  EXPECT_EQ(events(Kind::worker_started).size(), 1u);
}

TEST_F(Host, AnEngineThatKillsItsProcessFailsTheJobAndNothingElse) {
  start(options());
  const std::string bad = submit("crash", 1, 2), good = submit("a cat", 1);
  EXPECT_EQ(wait_for_end(bad), JobState::failed);
  EXPECT_NE(queue_->job(bad)->error->message.find("2 times in a row"), std::string::npos);
  EXPECT_EQ(wait_for_end(good), JobState::completed);
  EXPECT_NE(events(Kind::worker_ended).at(0).text.find("signal 9"), std::string::npos);
}

TEST_F(Host, AFrozenProcessIsEnded) {
  auto quick = options();
  quick.ping_every = 20ms;
  quick.ping_limit = 300ms;
  start(quick);
  const std::string id = submit("freeze", 1, 1);
  EXPECT_EQ(wait_for_end(id), JobState::failed);
  ASSERT_TRUE(wait_for(Kind::worker_ended));
  EXPECT_NE(events(Kind::worker_ended).at(0).text.find("no sign of life"), std::string::npos);
}

TEST_F(Host, ALongStepIsNotAFrozenProcess) {
  auto quick = options(700);
  quick.ping_every = 20ms;
  quick.ping_limit = 300ms;
  start(quick);
  EXPECT_EQ(wait_for_end(submit("a cat", 1)), JobState::completed);
  EXPECT_TRUE(events(Kind::worker_ended).empty());
}

TEST_F(Host, FailuresOfTheWorkerReachTheJob) {
  auto other = options();
  other.choose_engine = [](const JobRequest& request) -> Result<pipeline::EngineOptions> {
    if (request.prompt == "none") return fail(ErrorCode::not_found, "", "no model is called none");
    pipeline::EngineOptions engine;
    engine.model_path = request.prompt;
    return engine;
  };
  start(other);
  const std::string missing = submit("missing", 1), none = submit("none", 1);
  const std::string fine = submit("fine", 1);
  EXPECT_EQ(wait_for_end(missing), JobState::failed);
  EXPECT_EQ(queue_->job(missing)->error->message, "there is no model missing");
  EXPECT_EQ(queue_->job(missing)->error->code, ErrorCode::not_found);
  EXPECT_EQ(wait_for_end(none), JobState::failed);
  EXPECT_EQ(wait_for_end(fine), JobState::completed);
  EXPECT_EQ(events(Kind::model_loaded).back().model.name, "fine");
}

TEST_F(Host, AProgramThatIsNotThereIsTriedAgainAndNamed) {
  auto broken = options();
  broken.command = {"/nonexistent/worker"};
  start(broken);
  ASSERT_TRUE(wait_for([this](const WorkerEvent& e) { return e.kind == Kind::worker_ended; }));
  EXPECT_NE(events(Kind::worker_ended).at(0).text.find("/nonexistent/worker"), std::string::npos);
}

TEST_F(Host, AnOrderlyStopReturnsTheJob) {
  start(options(20));
  const std::string id = submit("a cat", 50);
  ASSERT_TRUE(wait_for(Kind::picture));
  host_->stop(0ms);
  const auto job = queue_->job(id);
  EXPECT_EQ(job->state, JobState::queued);
  EXPECT_EQ(job->attempts, 0);
  EXPECT_GE(job->done, 1);
  EXPECT_EQ(pictures_on_disk().size(), static_cast<std::size_t>(job->done));
  host_.reset();
  start(options());
  EXPECT_EQ(wait_for_end(id), JobState::completed);
  expect_whole(id, 50);
}

TEST_F(Host, APatientStopFinishesTheJob) {
  start(options());
  const std::string id = submit("a cat", 5);
  ASSERT_TRUE(wait_for(Kind::job_started));
  host_->stop(20s);
  EXPECT_EQ(queue_->job(id)->state, JobState::completed);
}

TEST_F(Host, ALockedQueueIsWaitedFor) {
  queue_ = open_sqlite_queue(folder_ / "queue.db", {.busy_milliseconds = 20}).value();
  start(options(20));
  const std::string id = submit("a cat", 3);
  ASSERT_TRUE(wait_for(Kind::picture));
  {
    auto other = sql::Database::open(folder_ / "queue.db");
    auto lock = other->begin();
    ASSERT_TRUE(lock);
    ASSERT_TRUE(wait_for(Kind::trouble));
  }
  EXPECT_EQ(wait_for_end(id), JobState::completed);
  expect_whole(id, 3);
}

TEST_F(Host, APictureNamedButNotRecordedIsFoundAgain) {
  // The server died after the file had got its name and before the result was recorded.
  const std::string id = submit("a cat", 3);
  start(options());
  EXPECT_EQ(wait_for_end(id), JobState::completed);
  host_.reset();
  const PictureResult last = queue_->results(id)->at(2);
  // Back to that moment: the result is unknown, the note is there.
  {
    auto database = sql::Database::open(folder_ / "queue.db");
    ASSERT_TRUE(database->run("DELETE FROM results WHERE picture = 2"));
    ASSERT_TRUE(database->run("UPDATE jobs SET state = 0, done = 2"));
  }
  struct stat info {};
  ASSERT_EQ(::stat(last.path.c_str(), &info), 0);
  ASSERT_TRUE(write_file_atomically(
      folder_ / "notes" / (id + "-2.json"),
      fmt::format(R"({{"index": 2, "path": "{}", "temporary": "{}", "device": {}, "inode": {},
                       "seed": {}, "seconds": 1.0, "width": 64, "height": 64, "command": "c"}})",
                  last.path.string(), (folder_ / "out/.new-x").string(), info.st_dev, info.st_ino,
                  last.seed)));
  const std::size_t drawn = events(Kind::progress).size();
  start(options());
  EXPECT_EQ(wait_for_end(id), JobState::completed);
  expect_whole(id, 3);
  EXPECT_EQ(events(Kind::progress).size(), drawn) << "nothing was drawn again";
}

TEST_F(Host, WhatDiedTogetherWithItsServerIsClearedAway) {
  fs::create_directories(folder_ / "out");
  fs::create_directories(folder_ / "notes");
  const pid_t child = ::fork();
  if (child == 0) {  // its server is gone too: nobody sees it end
    for (const char* folder : {"out", "notes"})
      if (std::FILE* file = std::fopen(unfinished_name(folder_ / folder).c_str(), "w"))
        std::fputs("half", file), std::fflush(file);
    ::kill(::getpid(), SIGKILL);
  }
  ASSERT_EQ(::waitpid(child, nullptr, 0), child);
  ASSERT_EQ(leftovers().size(), 2u);
  start(options());
  const std::string id = submit("a cat", 1);
  EXPECT_EQ(wait_for_end(id), JobState::completed);
  expect_whole(id, 1);
}

TEST_F(Host, AHundredKilledWorkersLoseAndDoubleNothing) {
  constexpr int kPictures = 200, kKills = 100;
  start(options(6));  // ms a step: the job must outlast the kills on a fast machine too
  const std::string id = submit("a cat", kPictures, /*max_attempts=*/50);
  std::mt19937 random(1);
  int kills = 0;
  std::chrono::nanoseconds longest{};
  while (kills < kKills) {
    std::this_thread::sleep_for(std::chrono::microseconds(random() % 60'000));
    const auto started = events(Kind::worker_started), ended = events(Kind::worker_ended);
    if (queue_->job(id)->state == JobState::completed) break;
    if (started.size() <= ended.size()) continue;  // between two lives
    const auto before = queue_->job(id)->done;
    if (::kill(started.back().pid, SIGKILL) != 0) continue;
    ++kills;
    const auto killed = Clock::now();
    // Work goes on when the next process has the job.
    const std::size_t starts = events(Kind::job_started).size();
    ASSERT_TRUE(wait_for([&](const WorkerEvent&) {
      return static_cast<std::size_t>(
                 std::ranges::count(events_, Kind::job_started, &WorkerEvent::kind)) > starts ||
             queue_->job(id)->done == kPictures;
    })) << "after kill "
        << kills << " at picture " << before;
    longest = std::max<std::chrono::nanoseconds>(longest, Clock::now() - killed);
  }
  EXPECT_EQ(wait_for_end(id, 120s), JobState::completed);
  host_.reset();
  expect_whole(id, kPictures);
  EXPECT_LT(longest, 2s);
  EXPECT_GE(kills, kKills * 9 / 10) << "the job was over too soon to be a test";
  std::printf("%d kills, longest pause %.0f ms\n", kills,
              std::chrono::duration<double, std::milli>(longest).count());
}

TEST_F(Host, KilledServersLoseAndDoubleNothing) {
  constexpr int kPictures = 200, kKills = 25;
  const std::string id = submit("a cat", kPictures, /*max_attempts=*/50);
  std::mt19937 random(2);
  std::chrono::nanoseconds longest{};
  for (int kill = 0; kill <= kKills; ++kill) {
    const int before = queue_->job(id)->done;
    const auto started = Clock::now();
    const std::string program = INVOKEAI_BINARY_ROOT "/bin/fake_worker";
    const pid_t server = ::fork();
    if (server == 0) {
      ::execl(program.c_str(), program.c_str(), "2", folder_.c_str(), nullptr);
      ::_exit(127);
    }
    while (queue_->job(id)->done == before && before < kPictures && Clock::now() - started < 20s)
      std::this_thread::sleep_for(2ms);
    longest = std::max<std::chrono::nanoseconds>(longest, Clock::now() - started);
    if (kill == kKills) {
      EXPECT_EQ(wait_for_end(id, 60s), JobState::completed);
    }
    std::this_thread::sleep_for(std::chrono::microseconds(random() % 60'000));
    ::kill(server, SIGKILL);
    ::waitpid(server, nullptr, 0);
  }
  std::this_thread::sleep_for(50ms);  // the last worker notices that its server is gone
  expect_whole(id, kPictures);
  EXPECT_LT(longest, 2s);
  std::printf("%d kills, longest pause to the next picture %.0f ms\n", kKills,
              std::chrono::duration<double, std::milli>(longest).count());
}

}  // namespace
}  // namespace invokeai::jobs
