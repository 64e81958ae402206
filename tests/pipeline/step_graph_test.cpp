// Recorded steps, on a recorder that keeps the work and runs it again: it reads and writes the same
// memory as a graph of a device does, whatever lies there by then.

#include "pipeline/step_graph.h"

#include <ATen/Context.h>
#include <ATen/core/grad_mode.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <new>
#include <thread>

#include "nn/formula_weights.h"
#include "pipeline/device.h"
#include "pipeline/engine_support.h"
#include "pipeline/guidance.h"
#include "pipeline/internal/device_graph.h"

namespace invokeai::pipeline {
namespace {

using nn::testing::uniform;

struct Counts {
  int warmed = 0, recorded = 0, replayed = 0, alive = 0;
  std::function<void()> on_record;  // may throw
};

class FakeRecording : public Recording {
 public:
  FakeRecording(Counts& counts, WorkRecorder::Work work) : counts_(counts), work_(std::move(work)) {
    ++counts_.alive;
  }
  ~FakeRecording() override { --counts_.alive; }
  void replay() override {
    ++counts_.replayed;
    work_();
  }

 private:
  Counts& counts_;
  WorkRecorder::Work work_;
};

class FakeRecorder : public WorkRecorder {
 public:
  explicit FakeRecorder(Counts& counts) : counts_(counts) {}
  void warm_up(const Work& work) override {
    ++counts_.warmed;
    work();
  }
  std::unique_ptr<Recording> record(const Work& work) override {
    ++counts_.recorded;
    if (counts_.on_record) counts_.on_record();
    return std::make_unique<FakeRecording>(counts_, work);
  }

 private:
  Counts& counts_;
};

nn::UNetConfig narrow() {
  nn::UNetConfig config;
  config.block_channels = {32, 64, 96, 96};
  config.cross_attention_dim = 24;
  config.heads = {2, 2, 2, 2};
  return config;
}

class StepGraphTest : public ::testing::Test {
 protected:
  StepGraphTest() : unet_(narrow()), graphs_(unet_, std::make_unique<FakeRecorder>(counts_)) {
    nn::testing::fill_by_formula(unet_);
    graphs_.allow(true);
  }

  static at::Tensor sample(const std::string& name, std::int64_t side = 8) {
    return uniform(name, {1, 4, side, side});
  }
  static at::Tensor context(const std::string& name) { return uniform(name, {2, 8, 24}); }

  at::Tensor plain(const at::Tensor& input, double timestep, const at::Tensor& context) const {
    return unet_.forward(input.expand({context.size(0), -1, -1, -1}),
                         at::full({context.size(0)}, timestep), context);
  }
  /// A recorded evaluation says what a plain one says.
  void expect_plain(const at::Tensor& input, double timestep, const at::Tensor& context,
                    const char* what) {
    const auto output = graphs_.predict(input, timestep, context);
    ASSERT_TRUE(output) << what;
    EXPECT_LT((*output - plain(input, timestep, context)).abs().max().item<double>(), 1e-5) << what;
  }
  void expect_counts(int warmed, int recorded, int replayed, int alive) {
    EXPECT_EQ(counts_.warmed, warmed);
    EXPECT_EQ(counts_.recorded, recorded);
    EXPECT_EQ(counts_.replayed, replayed);
    EXPECT_EQ(counts_.alive, alive);
  }

  Counts counts_;
  at::NoGradGuard no_grad_;
  nn::UNet unet_;
  StepGraphs graphs_;
};

TEST_F(StepGraphTest, RunsThenRecordsThenRepeats) {
  const at::Tensor prompt = context("prompt");
  for (int i = 0; i < 4; ++i)
    expect_plain(sample("sample" + std::to_string(i)), 900 - 250.5 * i, prompt, "a step");
  expect_counts(1, 1, 3, 1);
  EXPECT_NE(graphs_.take_remark().value_or("").find("recorded"), std::string::npos);
  EXPECT_FALSE(graphs_.take_remark());
}

TEST_F(StepGraphTest, RunsOnceOnTheThreadThatRecords) {
  const at::Tensor prompt = context("prompt");
  const auto on_another_thread = [&] {
    std::jthread([&] {
      const at::NoGradGuard no_grad;
      expect_plain(sample("a"), 500, prompt, "another thread");
    });
  };
  on_another_thread();
  expect_plain(sample("a"), 500, prompt, "run again");
  expect_counts(2, 0, 0, 0);
  expect_plain(sample("a"), 500, prompt, "recorded");
  on_another_thread();
  expect_counts(2, 1, 2, 1);
}

TEST_F(StepGraphTest, ResultsStayAsTheyWere) {
  const at::Tensor prompt = context("prompt");
  graphs_.predict(sample("a"), 500, prompt);
  const at::Tensor first = graphs_.predict(sample("a"), 500, prompt).value();
  const at::Tensor before = first.clone();
  graphs_.predict(sample("b"), 100, prompt);
  EXPECT_TRUE(at::equal(first, before));
}

TEST_F(StepGraphTest, AnotherPromptOfTheSameShapeTakesTheSameRecording) {
  const at::Tensor prompt = context("prompt"), other = context("other");
  EXPECT_GT(
      (plain(sample("a"), 500, prompt) - plain(sample("a"), 500, other)).abs().max().item<double>(),
      1e-3);
  for (const at::Tensor& asked : {prompt, prompt, other, other, prompt})
    expect_plain(sample("a"), 500, asked, "alternating prompts");
  expect_counts(1, 1, 4, 1);
  // A tensor that is gone must not be taken for a new one at its address.
  for (int i = 0; i < 4; ++i)
    expect_plain(sample("a"), 500, context("prompt" + std::to_string(i)), "new");
}

TEST_F(StepGraphTest, EverySizeHasItsOwnAndTheOldestGoes) {
  const at::Tensor prompt = context("prompt");
  for (const std::int64_t side : {8, 10, 12, 14, 16}) {
    expect_plain(sample("a", side), 500, prompt, "first");
    expect_plain(sample("a", side), 500, prompt, "second");
  }
  expect_counts(5, 5, 5, 4);
  expect_plain(sample("a", 10), 400, prompt, "still there");
  expect_counts(5, 5, 6, 4);
  expect_plain(sample("a", 8), 400, prompt, "gone, begins anew");
  EXPECT_EQ(counts_.warmed, 6);
}

TEST_F(StepGraphTest, RowsAndTypesTellThemApart) {
  const at::Tensor prompt = context("prompt"), one_row = prompt.slice(0, 1);
  for (int i = 0; i < 2; ++i) expect_plain(sample("a"), 500, prompt, "two rows");
  for (int i = 0; i < 2; ++i) expect_plain(sample("a"), 500, one_row, "one row");
  expect_counts(2, 2, 2, 2);
}

TEST_F(StepGraphTest, WrappingTellsThemApart) {
  const at::Tensor prompt = context("prompt");
  const auto wrap = [this](nn::Wrap wrap) {
    nn::set_wrap(unet_, wrap);
    graphs_.set_wrap(wrap);
  };
  for (int i = 0; i < 2; ++i) expect_plain(sample("a"), 500, prompt, "plain edges");
  wrap({.x = true, .y = false});
  for (int i = 0; i < 2; ++i) expect_plain(sample("a"), 500, prompt, "edges that meet");
  wrap({});
  expect_plain(sample("a"), 500, prompt, "plain edges again");
  expect_counts(2, 2, 3, 2);
}

TEST_F(StepGraphTest, WeightsThatWentAndCameBackAreRecordedAnew) {
  const at::Tensor prompt = context("prompt");
  for (int i = 0; i < 2; ++i) expect_plain(sample("a"), 500, prompt, "before");
  unet_.drop();
  nn::testing::fill_by_formula(unet_);
  expect_plain(sample("a"), 500, prompt, "loaded again");
  EXPECT_EQ(counts_.alive, 0);
  expect_counts(2, 1, 1, 0);
  expect_plain(sample("a"), 500, prompt, "recorded again");
  expect_counts(2, 2, 2, 1);
  // One block alone, as streaming takes them.
  nn::Module& block = *unet_.blocks().front();
  std::vector<at::Tensor> kept;
  block.visit_parameters([&](const std::string&, at::Tensor& p) { kept.push_back(p); });
  block.drop();
  std::size_t next = 0;
  block.visit_parameters([&](const std::string&, at::Tensor& p) { p = kept[next++] * 1.5; });
  expect_plain(sample("a"), 500, prompt, "one block is another");
}

TEST_F(StepGraphTest, NotAllowedGivesBackAndStaysAway) {
  const at::Tensor prompt = context("prompt");
  for (int i = 0; i < 2; ++i) expect_plain(sample("a"), 500, prompt, "allowed");
  EXPECT_EQ(graphs_.recorded(), 1u);
  graphs_.allow(false);
  EXPECT_EQ(counts_.alive, 0);
  EXPECT_FALSE(graphs_.predict(sample("a"), 500, prompt));
  graphs_.allow(true);
  for (int i = 0; i < 2; ++i) expect_plain(sample("a"), 500, prompt, "allowed again");
  EXPECT_EQ(graphs_.recorded(), 1u);
  graphs_.release();
  EXPECT_EQ(counts_.alive, 0);
}

TEST_F(StepGraphTest, ADeviceThatRefusesIsAskedOnce) {
  const at::Tensor prompt = context("prompt");
  counts_.on_record = [] {
    TORCH_CHECK(false, "operation not permitted when stream is capturing");
  };
  expect_plain(sample("a"), 500, prompt, "warm-up");
  for (int i = 0; i < 3; ++i) EXPECT_FALSE(graphs_.predict(sample("a"), 500, prompt));
  EXPECT_FALSE(graphs_.predict(sample("b", 10), 500, prompt));
  expect_counts(1, 1, 0, 0);
  const std::string remark = graphs_.take_remark().value_or("");
  EXPECT_NE(remark.find("not recorded: operation not permitted"), std::string::npos) << remark;
  EXPECT_EQ(remark.find('\n'), std::string::npos);
}

TEST_F(StepGraphTest, AShapeThatMemoryIsTooSmallForIsLeftAlone) {
  const at::Tensor prompt = context("prompt");
  counts_.on_record = [] { throw std::bad_alloc(); };
  expect_plain(sample("a", 16), 500, prompt, "warm-up");
  for (int i = 0; i < 3; ++i) EXPECT_FALSE(graphs_.predict(sample("a", 16), 500, prompt));
  EXPECT_EQ(counts_.recorded, 1);
  counts_.on_record = {};
  for (int i = 0; i < 2; ++i) expect_plain(sample("a"), 500, prompt, "a smaller one");
  // After memory was made room for, it is tried again.
  graphs_.release();
  for (int i = 0; i < 2; ++i) expect_plain(sample("a", 16), 500, prompt, "with room");
}

TEST(StepGraphs, WithoutARecorderNothingIsRecorded) {
  EXPECT_EQ(make_recorder(at::kCPU), nullptr);
  const at::NoGradGuard no_grad;
  nn::UNet unet(narrow());
  StepGraphs graphs(unet, nullptr);
  graphs.allow(true);
  EXPECT_FALSE(graphs.in_use());
  EXPECT_FALSE(graphs.predict(uniform("a", {1, 4, 8, 8}), 500, uniform("c", {2, 8, 24})));
  EXPECT_FALSE(graphs.take_remark());
}

class RecordedGuidanceTest : public StepGraphTest {
 protected:
  RecordedGuidanceTest() {
    for (int stage = 0; stage < 2; ++stage)
      conditioning_.stages.push_back(
          {stage * 3,
           uniform("uncond", {1, 8, 24}),
           {{uniform("cond" + std::to_string(stage), {1, 8, 24}), 1.0, {}, {}}}});
  }
  /// Largest difference to the same run without recordings, over all steps.
  double difference(GuidanceThrift thrift, std::int64_t batch) {
    Guidance ordinary(unet_, conditioning_, 7.5, 6, thrift);
    thrift.graphs = &graphs_;
    Guidance recorded(unet_, conditioning_, 7.5, 6, thrift);
    double most = 0;
    for (int step = 0; step < 6; ++step) {
      ordinary.begin_step(step);
      recorded.begin_step(step);
      const at::Tensor input = uniform("input" + std::to_string(step), {batch, 4, 8, 8});
      const at::Tensor a = ordinary.predict(input, 900 - 150 * step, at::kFloat);
      const at::Tensor b = recorded.predict(input, 900 - 150 * step, at::kFloat);
      most = std::max(most, (a - b).abs().max().item<double>());
    }
    return most;
  }
  Conditioning conditioning_;
};

TEST_F(RecordedGuidanceTest, PicturesOfABatchAndStagesOfAPromptShareOneRecording) {
  EXPECT_LT(difference({}, 3), 1e-4);
  expect_counts(1, 1, 17, 1);
}

TEST_F(RecordedGuidanceTest, ReusedFeaturesAndSingleRowsAreNotRecorded) {
  EXPECT_LT(difference({.cache_steps = 2}, 1), 1e-6);
  EXPECT_LT(difference({.row_by_row = true}, 1), 1e-6);
  expect_counts(0, 0, 0, 0);
}

TEST_F(RecordedGuidanceTest, AttentionThatIsWatchedIsNotRecorded) {
  Guidance guidance(unet_, conditioning_, 7.5, 6, {.graphs = &graphs_});
  std::vector<AttentionRecorder> recorders(1, AttentionRecorder(8, 8));
  guidance.record_into(recorders);
  guidance.predict(sample("a"), 500, at::kFloat);
  expect_counts(0, 0, 0, 0);
}

TEST_F(RecordedGuidanceTest, ARefusalInTheMiddleOfARunChangesNothing) {
  counts_.on_record = [] { TORCH_CHECK(false, "no"); };
  EXPECT_LT(difference({}, 2), 1e-4);
  expect_counts(1, 1, 0, 0);
}

/// The demo model with a recorder on the CPU.
std::unique_ptr<StableDiffusion> open_demo(EngineOptions options, Counts& counts) {
  options.model_path = testing::demo_model().string();
  options.device = "cpu";
  auto engine = StableDiffusion::open(options).value();
  engine->record_with(std::make_unique<FakeRecorder>(counts));
  return engine;
}

TEST(RecordedEngine, DrawsTheSamePictures) {
  const auto plain = testing::open_engine(testing::demo_model(), "float32");
  Counts counts;
  const auto engine =
      open_demo({.model_path = {}, .precision = "float32", .verbose = true}, counts);
  GenerationRequest request = testing::quick_request("a red circle");
  request.iterations = 2;
  EXPECT_EQ(testing::pictures(*engine, request), testing::pictures(*plain, request));
  EXPECT_EQ(counts.recorded, 1);
  EXPECT_EQ(counts.replayed, 5);
  // Another prompt, other edges, another size, the first one again.
  request.prompt = "a blue star";
  EXPECT_EQ(testing::pictures(*engine, request), testing::pictures(*plain, request));
  EXPECT_EQ(counts.recorded, 1);
  request.seamless = {.x = true, .y = true};
  EXPECT_EQ(testing::pictures(*engine, request), testing::pictures(*plain, request));
  request.seamless = {};
  request.width = 96;
  const testing::Drawn drawn = testing::draw(*engine, request);
  EXPECT_EQ(drawn.images(), testing::pictures(*plain, request));
  EXPECT_EQ(counts.recorded, 3);
  EXPECT_TRUE(std::ranges::any_of(drawn.messages, [](const std::string& message) {
    return message.find("12 x 8 cells are recorded") != message.npos;
  }));
  request.width = 64;
  EXPECT_EQ(testing::pictures(*engine, request), testing::pictures(*plain, request));
  EXPECT_EQ(counts.recorded, 3);
}

TEST(RecordedEngine, RecordsNothingWhereItDoesNotFitOrMustRepeat) {
  for (const EngineOptions& options :
       {EngineOptions{.model_path = {}, .precision = "float32", .max_memory = 0.01},
        EngineOptions{.model_path = {}, .precision = "float32", .deterministic = true}}) {
    Counts counts;
    const auto engine = open_demo(options, counts);
    testing::pictures(*engine, testing::quick_request("a red circle"));
    EXPECT_EQ(counts.warmed, 0);
  }
}

TEST(TunedConvolutions, HoldWhileOneLives) {
  const bool before = at::globalContext().benchmarkCuDNN();
  {
    const TunedConvolutions tuned(true);
    EXPECT_TRUE(at::globalContext().benchmarkCuDNN());
    const TunedConvolutions not_wanted(false);
    EXPECT_TRUE(at::globalContext().benchmarkCuDNN());
  }
  EXPECT_EQ(at::globalContext().benchmarkCuDNN(), before);
}

/// A stand-in for at::cuda::CUDAGraph: what was called, in order.
std::vector<std::string>& calls() {
  static std::vector<std::string> all;
  return all;
}

void* stand_in(const char* mangled) {
  using Pool = DeviceGraph::Pool;
  const std::string name = mangled;
  const auto is = [&name](const char* part) { return name.find(part) != name.npos; };
  const auto address = [](auto* function) { return reinterpret_cast<void*>(function); };
  if (is("C1Eb")) return address(+[](void*, bool) { calls().push_back("construct"); });
  if (is("D1Ev")) return address(+[](void*) { calls().push_back("destroy"); });
  if (is("capture_begin"))
    return address(+[](void*, Pool pool, int mode) {
      calls().push_back("begin " + std::to_string(pool.first) + " " + std::to_string(mode));
    });
  if (is("capture_end")) return address(+[](void*) { calls().push_back("end"); });
  if (is("replay")) return address(+[](void*) { calls().push_back("replay"); });
  if (is("pool")) return address(+[](void*) { return Pool{7, 0}; });
  return nullptr;
}

TEST(CudaGraph, IsCalledByTheNamesOfItsFunctions) {
  calls().clear();
  {
    const auto graph = make_cuda_graph(stand_in);
    ASSERT_NE(graph, nullptr);
    graph->begin({5, 0});
    graph->end();
    graph->replay();
    EXPECT_EQ(graph->pool(), (DeviceGraph::Pool{7, 0}));
  }
  EXPECT_EQ(calls(),
            (std::vector<std::string>{"construct", "begin 5 1", "end", "replay", "destroy"}));
}

TEST(CudaGraph, IsNotThereWhereAFunctionIsMissing) {
  for (const char* missing : {"C1Eb", "D1Ev", "capture_begin", "capture_end", "replay", "pool"})
    EXPECT_EQ(make_cuda_graph([missing](const char* name) -> void* {
                return std::string(name).find(missing) == std::string::npos ? stand_in(name)
                                                                            : nullptr;
              }),
              nullptr)
        << missing;
  EXPECT_EQ(make_device_graph(at::kCPU), nullptr);
}

}  // namespace
}  // namespace invokeai::pipeline
