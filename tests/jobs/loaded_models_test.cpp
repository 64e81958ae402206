#include "jobs/loaded_models.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

namespace invokeai::jobs {
namespace {

constexpr std::int64_t kGiB = std::int64_t{1} << 30;

/// Draws nothing; says how large it is and what it was told.
class Stub final : public pipeline::Engine {
 public:
  Stub(const pipeline::EngineOptions& options, std::vector<std::string>& alive)
      : others_(options.others), alive_(alive) {
    info_.path = options.model_path;
    info_.device = options.device;
    alive_.push_back(info_.path);
  }
  ~Stub() override { std::erase(alive_, info_.path); }
  const pipeline::ModelInfo& model() const override { return info_; }
  Result<pipeline::Outcome> generate(const pipeline::GenerationRequest&,
                                     const pipeline::GenerationCallbacks&,
                                     const CancelToken&) override {
    return pipeline::Outcome::completed;
  }
  std::int64_t weight_bytes() const override { return 2 * kGiB; }
  void share_memory_with(std::int64_t others) override { others_ = others; }
  std::int64_t others() const { return others_; }

 private:
  pipeline::ModelInfo info_;
  std::int64_t others_;
  std::vector<std::string>& alive_;
};

class LoadedModelsTest : public ::testing::Test {
 protected:
  const Stub& use(const std::string& path, int most = 2) {
    pipeline::EngineOptions options{.model_path = path, .device = device_};
    options.max_loaded_models = most;
    options.max_memory = max_memory_;
    const auto engine = models_.get(options);
    EXPECT_TRUE(engine) << engine.error().text();
    EXPECT_EQ((*engine)->model().path, path);
    return dynamic_cast<const Stub&>(**engine);
  }

  std::optional<std::int64_t> free_ = 100 * kGiB;
  std::string device_ = "cpu";
  double max_memory_ = 0;
  int loads_ = 0;
  std::int64_t others_at_load_ = -1;
  std::vector<std::string> alive_;  // in the order of loading
  LoadedModels models_{
      [this](const pipeline::EngineOptions& options) -> Result<std::unique_ptr<pipeline::Engine>> {
        ++loads_;
        if (options.model_path == "missing")
          return fail(ErrorCode::not_found, "models", "there is none");
        others_at_load_ = options.others;
        return std::make_unique<Stub>(options, alive_);
      },
      [this] { return free_; }};
};

using Names = std::vector<std::string>;

TEST_F(LoadedModelsTest, GoingBackLoadsNothing) {
  use("a");
  use("b");
  use("a");
  use("a");
  EXPECT_EQ(loads_, 2);
  EXPECT_EQ(alive_, (Names{"a", "b"}));
}

TEST_F(LoadedModelsTest, TheLeastRecentlyUsedLeaves) {
  use("a");
  use("b");
  use("a");
  use("c");
  EXPECT_EQ(alive_, (Names{"a", "c"}));
  use("d", 3);
  EXPECT_EQ(alive_, (Names{"a", "c", "d"}));
  use("e", 1);
  EXPECT_EQ(alive_, (Names{"e"}));
}

TEST_F(LoadedModelsTest, EachKnowsWhatTheOthersHold) {
  EXPECT_EQ(use("a").others(), 0);
  EXPECT_EQ(use("b").others(), 2 * kGiB);
  EXPECT_EQ(others_at_load_, 2 * kGiB);
  EXPECT_EQ(use("a").others(), 2 * kGiB);
  EXPECT_EQ(use("c", 1).others(), 0);
}

TEST_F(LoadedModelsTest, OthersMakeRoomWhereMemoryIsShort) {
  use("a");
  free_ = 4 * kGiB;
  use("b");
  EXPECT_EQ(alive_, (Names{"b"})) << "too little for one more";
  free_ = 100 * kGiB;
  use("a");
  free_ = kGiB;
  EXPECT_EQ(use("a").others(), 0);
  EXPECT_EQ(alive_, (Names{"a"})) << "the one that draws stays";
  free_ = std::nullopt;
  use("b");
  EXPECT_EQ(alive_, (Names{"a", "b"})) << "nothing is known against it";
}

TEST_F(LoadedModelsTest, ALimitOfMemoryAndAGpuAreForTheOneThatDraws) {
  use("a");
  max_memory_ = 3;
  use("b");
  EXPECT_EQ(alive_, (Names{"b"}));
  max_memory_ = 0;
  device_ = "cuda:0";
  use("c");
  use("d");
  EXPECT_EQ(alive_, (Names{"d"}));
}

TEST_F(LoadedModelsTest, AFailureLeavesTheOthers) {
  use("a");
  EXPECT_FALSE(models_.get({.model_path = "missing"}));
  use("a");
  EXPECT_EQ(loads_, 2);
}

}  // namespace
}  // namespace invokeai::jobs
