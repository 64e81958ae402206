#include "jobs/worker.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <new>
#include <stdexcept>

#include "image/metadata.h"
#include "image/png.h"
#include "jobs/grid.h"

namespace invokeai::jobs {
namespace {

/// Draws as the fake engine does, then fails in a chosen way before picture `good`.
class FailingEngine final : public pipeline::Engine {
 public:
  FailingEngine(int good, std::function<void()> failure)
      : good_(good), failure_(std::move(failure)) {}
  const pipeline::ModelInfo& model() const override { return fake_->model(); }
  Result<pipeline::Outcome> generate(const pipeline::GenerationRequest& request,
                                     const pipeline::GenerationCallbacks& callbacks,
                                     const CancelToken& cancel) override {
    pipeline::GenerationRequest part = request;
    part.iterations = good_;
    auto outcome = fake_->generate(part, callbacks, cancel);
    failure_();
    return outcome;
  }

 private:
  std::unique_ptr<Engine> fake_ = pipeline::make_fake_engine({});
  int good_;
  std::function<void()> failure_;
};

class Worker : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::temp_directory_path() / fmt::format("invokeai-worker-{}", ::getpid());
    fs::remove_all(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }

  Job job(const std::string& line) const {
    const auto command = parse(line);
    auto job = make_job(command.first, command.second, folder_);
    EXPECT_TRUE(job.has_value()) << job.error().text();
    return *job;
  }

  static std::pair<std::string, SettingValues> parse(const std::string& prompt) {
    SettingValues values;
    values.set("steps", std::int64_t{2});
    values.set("seed", std::int64_t{42});
    values.set("outdir", std::string("out"));
    return {prompt, values};
  }

  static pipeline::EngineOptions demo() {
    pipeline::EngineOptions options;
    options.model_path = "m/demo";
    return options;
  }

  JobReport run(pipeline::Engine& engine, const Job& job) {
    return run_job(engine, job,
                   {{}, {}, [this](const std::string& text) { messages_.push_back(text); }}, {});
  }
  JobReport run(const Job& job) { return run(*engine_, job); }

  std::vector<std::string> files() const {
    std::vector<std::string> names;
    for (const auto& entry : fs::recursive_directory_iterator(folder_))
      if (entry.is_regular_file())
        names.push_back(fs::relative(entry.path(), folder_ / "out").string());
    std::ranges::sort(names);
    return names;
  }

  fs::path folder_;
  std::unique_ptr<pipeline::Engine> engine_ = pipeline::make_fake_engine(demo());
  std::vector<std::string> messages_;
};

using Names = std::vector<std::string>;

TEST_F(Worker, PicturesMayHavePromptsOfTheirOwn) {
  Job several = job("a {cat|dog}");
  several.request.iterations = 3;
  several.pictures = {{"a cat", "", 5}, {"a dog", "fog", 6}, {"a cat", "", 7}};
  several.output.name_format = "{prefix}.{seed}.{prompt}.png";
  std::vector<std::pair<int, int>> steps;
  std::vector<std::string> commands;
  const JobReport report = run_job(
      *engine_, several,
      {[&](const pipeline::StepProgress& step) { steps.emplace_back(step.picture, step.pictures); },
       [&](const StoredPicture& stored) { commands.push_back(stored.command); },
       {}},
      {});
  EXPECT_FALSE(report.error.has_value());
  EXPECT_EQ(report.seeds, (std::vector<std::uint32_t>{5, 6, 7}));
  ASSERT_EQ(commands.size(), 3u);
  EXPECT_TRUE(commands[1].starts_with("a dog [fog] -s 2 -S 6 ")) << commands[1];
  EXPECT_EQ(steps,
            (std::vector<std::pair<int, int>>{{0, 3}, {0, 3}, {1, 3}, {1, 3}, {2, 3}, {2, 3}}));
  EXPECT_EQ(files(),
            (std::vector<std::string>{"000001.5.a cat.png", "000001.6.a dog.png",
                                      "000001.7.a cat.png", "invoke_log.md", "invoke_log.txt"}));
  several.output.grid = true;
  EXPECT_EQ(run(several).pictures.size(), 1u);
  const CancelToken cancelled;
  cancelled.cancel();
  EXPECT_EQ(run_job(*engine_, several, {}, cancelled).outcome, pipeline::Outcome::cancelled);
}

TEST_F(Worker, StoresPicturesWithBothTextsAndLogs) {
  Job two = job("a cat");
  two.request.iterations = 2;
  const JobReport report = run(two);
  ASSERT_FALSE(report.error) << report.error->text();
  EXPECT_EQ(report.outcome, pipeline::Outcome::completed);
  ASSERT_EQ(report.pictures.size(), 2u);
  EXPECT_EQ(report.seeds.size(), 2u);
  EXPECT_EQ(report.pictures[0].path, folder_ / "out" / "000001.42.png");
  EXPECT_EQ(report.pictures[0].command, "a cat -s 2 -S 42 -W 64 -H 64 -C 7.5 -A k_lms");
  EXPECT_EQ(report.pictures[1].path.filename(), fmt::format("000001.{}.png", report.seeds[1]));
  EXPECT_EQ(files().size(), 4u) << "two pictures, two logs";
  const auto bytes = read_file(report.pictures[0].path);
  const auto texts = image::read_png_text(*bytes);
  ASSERT_EQ(texts->size(), 2u);
  EXPECT_EQ((*texts)[0].text, report.pictures[0].command);
  EXPECT_NE((*texts)[1].text.find("\"model_id\": \"demo\""), std::string::npos);
  const auto log = read_file(folder_ / "out" / "invoke_log.txt");
  EXPECT_TRUE(log->starts_with(report.pictures[0].path.string() + ": a cat -s 2"));
}

TEST_F(Worker, NumbersGoOnAndNegativePromptIsKept) {
  run(job("a cat"));
  Job again = job("a cat");
  again.request.negative_prompt = "blurry [x]";
  again.request.karras = true;
  const JobReport report = run(again);
  EXPECT_EQ(report.pictures.at(0).path.filename(), "000002.42.png");
  EXPECT_EQ(report.pictures[0].command,
            "a cat -s 2 -S 42 -W 64 -H 64 -C 7.5 --karras_max 3 -A k_lms "
            "--negative_prompt \"blurry [x]\"");
  again.request.sampler = "ddim";  // has noise levels of its own
  EXPECT_EQ(run(again).pictures.at(0).command.find("karras"), std::string::npos);
  again.request.sampler = "k_lms";
  again.request.negative_prompt = "blurry";
  again.request.prompt_dialect = "a1111";
  EXPECT_TRUE(run(again).pictures.at(0).command.ends_with(
      "--negative_prompt \"blurry\" --prompt_dialect a1111"));
  again.request.prompt_dialect = "invoke";
  EXPECT_TRUE(run(again).pictures.at(0).command.starts_with("a cat [blurry] -s 2"));
}

TEST_F(Worker, GridIsOneFile) {
  Job grid = job("a cat");
  grid.request.iterations = 5;
  grid.output.grid = true;
  grid.output.name_format = "{seed}.png";  // not for grids
  const JobReport report = run(grid);
  ASSERT_EQ(report.pictures.size(), 1u);
  EXPECT_EQ(report.seeds.size(), 5u);
  EXPECT_EQ(files(), (Names{"000001.42.png", "invoke_log.md", "invoke_log.txt"}));
  EXPECT_NE(report.pictures[0].command.find("--grid"), std::string::npos);
  const auto picture = image::decode_png(*read_file(report.pictures[0].path));
  EXPECT_EQ(picture->width, 3 * 64);
  EXPECT_EQ(picture->height, 2 * 64);
}

TEST_F(Worker, GridLayout) {
  std::vector<image::Image> pictures;
  for (int i = 0; i < 3; ++i) {
    pictures.emplace_back(2, 1, 3);
    pictures.back().pixels.assign(6, static_cast<std::uint8_t>(10 + i));
  }
  const image::Image row = make_grid(pictures);  // floor(sqrt(3)) = 1 row
  EXPECT_EQ(row.width, 6);
  EXPECT_EQ(row.height, 1);
  EXPECT_EQ(*row.at(4, 0), 12);
  pictures.resize(5, pictures[0]);
  const image::Image grid = make_grid(pictures);  // 2 rows of 3
  EXPECT_EQ(grid.width, 6);
  EXPECT_EQ(grid.height, 2);
  EXPECT_EQ(*grid.at(0, 1), 10);
  EXPECT_EQ(*grid.at(4, 1), 0) << "black filler";
}

TEST_F(Worker, OutOfMemoryKeepsWhatIsFinished) {
  FailingEngine engine(2, [] { throw std::bad_alloc(); });
  const JobReport report = run(engine, job("a cat"));
  EXPECT_EQ(report.pictures.size(), 2u);
  ASSERT_TRUE(report.error);
  EXPECT_EQ(report.error->code, ErrorCode::out_of_memory);
  EXPECT_NE(report.error->message.find("smaller size"), std::string::npos);
  EXPECT_TRUE(fs::exists(folder_ / "out" / "invoke_log.txt"));

  FailingEngine device(1, [] { throw std::runtime_error("CUDA out of memory. Tried\nto"); });
  EXPECT_EQ(run(device, job("a cat")).error->code, ErrorCode::out_of_memory);
}

TEST_F(Worker, FailedGridKeepsWhatIsFinished) {
  FailingEngine engine(2, [] { throw std::bad_alloc(); });
  Job grid = job("a cat");
  grid.output.grid = true;
  const JobReport report = run(engine, grid);
  EXPECT_EQ(report.pictures.size(), 1u);
  EXPECT_EQ(report.error->code, ErrorCode::out_of_memory);
}

TEST_F(Worker, ExceptionsBecomeOneLine) {
  FailingEngine engine(0, [] { throw std::runtime_error("shapes differ\nstack\nof frames"); });
  const JobReport report = run(engine, job("a cat"));
  ASSERT_TRUE(report.error);
  EXPECT_EQ(report.error->code, ErrorCode::internal);
  EXPECT_EQ(report.error->message, "shapes differ");
  FailingEngine odd(0, [] { throw 7; });
  EXPECT_EQ(run(odd, job("a cat")).error->code, ErrorCode::internal);
}

TEST_F(Worker, CancelKeepsFinishedPictures) {
  Job many = job("a cat");
  many.request.iterations = 5;
  const CancelToken cancel;
  const JobEvents events{{}, [&](const StoredPicture&) { cancel.cancel(); }, {}};
  const JobReport report = run_job(*engine_, many, events, cancel);
  EXPECT_EQ(report.outcome, pipeline::Outcome::cancelled);
  EXPECT_FALSE(report.error);
  EXPECT_EQ(files(), (Names{"000001.42.png", "invoke_log.md", "invoke_log.txt"}));
}

TEST_F(Worker, NameFormats) {
  Job named = job("a cat");
  named.output.name_format = "{prompt}-{seed:010d}-{width}x{cfg_scale}.{sampler_name}.png";
  EXPECT_EQ(run(named).pictures.at(0).path.filename(), "a cat-0000000042-64x7.5.k_lms.png");
  EXPECT_TRUE(messages_.empty());
  for (const char* bad : {"{nonsense}.png", "{}.png", "{seed.png", "a}.png"}) {
    messages_.clear();
    named.output.name_format = bad;
    const JobReport report = run(named);
    EXPECT_FALSE(report.error) << bad;
    EXPECT_TRUE(report.pictures.at(0).path.filename().string().ends_with(".42.png")) << bad;
    ASSERT_EQ(messages_.size(), 1u) << bad;
    EXPECT_NE(messages_[0].find("{prefix}.{seed}.png instead"), std::string::npos);
  }
}

TEST_F(Worker, UnusableFolderIsAnErrorNotACrash) {
  Job lost = job("a cat");
  lost.output.folder = "/dev/null/pictures";
  const JobReport report = run(lost);
  ASSERT_TRUE(report.error);
  EXPECT_TRUE(report.pictures.empty());
}

TEST_F(Worker, JobsTakeTheirValuesFromTheSettings) {
  SettingValues values;
  values.set("prompt_as_dir", true);
  values.set("outdir", std::string("/tmp/o"));
  values.set("iterations", std::int64_t{0});
  values.set("grid", true);
  values.set("individual", true);
  values.set("karras_max", std::int64_t{29});
  values.set("steps", std::int64_t{20});
  const auto job = make_job("what/is: it?", values, folder_);
  ASSERT_TRUE(job.has_value());
  EXPECT_EQ(job->output.folder, "/tmp/o/what_is_ it_");
  EXPECT_EQ(job->request.iterations, 1);
  EXPECT_FALSE(job->output.grid);
  EXPECT_TRUE(job->request.karras) << "fewer steps than --karras_max";
  EXPECT_FALSE(job->request.seed.has_value());
  values.set("steps", std::int64_t{29});
  EXPECT_FALSE(make_job("x", values, folder_)->request.karras);
  EXPECT_EQ(output_folder({}, "/r"), "/r/outputs/img-samples");
}

TEST_F(Worker, StartingPicturesAreFoundLoadedAndTold) {
  image::Image picture(70, 80, 3);
  picture.pixels.assign(picture.pixels.size(), 9);
  const std::string bytes = *image::encode_png(picture);
  ASSERT_TRUE(fs::create_directories(folder_ / "out"));
  ASSERT_TRUE(write_file_atomically(folder_ / "out" / "start.png", bytes).has_value());
  auto [prompt, values] = parse("a cat");
  values.set("init_img", std::string("start.png"));
  values.set("strength", 0.4);
  const auto job = make_job(prompt, values, folder_);
  ASSERT_TRUE(job.has_value()) << job.error().text();
  EXPECT_EQ(job->request.init->picture, picture);
  EXPECT_EQ(job->request.init->strength, 0.4);
  const JobReport report = run(*job);
  const std::string start = (folder_ / "out" / "start.png").string();
  EXPECT_EQ(report.pictures.at(0).command,
            "a cat -s 2 -S 42 -W 72 -H 80 -C 7.5 -I " + start + " -A k_lms -f 0.4");
  const auto texts = image::read_png_text(*read_file(report.pictures[0].path));
  const std::string hash =
      sha256_hex({reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()});
  EXPECT_NE((*texts)[1].text.find("\"orig_hash\": \"" + hash), std::string::npos);
  EXPECT_NE((*texts)[1].text.find("\"strength_steps\": 0.4"), std::string::npos);

  values.set("init_img", std::string("nowhere.png"));
  EXPECT_EQ(make_job(prompt, values, folder_).error().code, ErrorCode::not_found);
  ASSERT_TRUE(write_file_atomically(folder_ / "out" / "text.png", "hello").has_value());
  values.set("init_img", std::string("text.png"));
  const auto wrong = make_job(prompt, values, folder_);
  ASSERT_FALSE(wrong.has_value());
  EXPECT_NE(wrong.error().message.find("text.png"), std::string::npos);
}

TEST_F(Worker, WaysToMakeAPictureComeFromTheSettingsAndAreTold) {
  image::Image picture(128, 128, 3);
  ASSERT_TRUE(fs::create_directories(folder_ / "out"));
  ASSERT_TRUE(write_file_atomically(folder_ / "out" / "s.png", *image::encode_png(picture)));
  const std::string start = (folder_ / "out" / "s.png").string();
  auto [prompt, values] = parse("a cat");
  values.set("init_img", start);
  values.set("outcrop", std::vector<std::string>{"top", "64", "left", "100"});
  values.set("seamless", true);
  auto job = make_job(prompt, values, folder_);
  ASSERT_TRUE(job.has_value()) << job.error().text();
  EXPECT_EQ(job->request.init->strength, 0.9) << "as 2.3.0 for --outcrop";
  EXPECT_EQ(job->request.outpaint.seam.size, 96);
  EXPECT_EQ(job->request.outpaint.seam.steps, 20);
  EXPECT_EQ(job->request.outpaint.outcrop.size(), 2u);
  EXPECT_TRUE(job->request.seamless.x && job->request.seamless.y);
  EXPECT_NE(run(*job).pictures.at(0).command.find("-c top 64 left 100"), std::string::npos);

  values.erase("outcrop");
  values.set("seamless_axes", std::string("y"));
  values.set("embiggen", std::vector<double>{2, 0.75, 0.1});
  values.set("embiggen_tiles", std::vector<double>{1, 3});
  job = make_job(prompt, values, folder_);
  ASSERT_TRUE(job.has_value()) << job.error().text();
  EXPECT_FALSE(job->request.seamless.x);
  EXPECT_EQ(job->request.embiggen->overlap, 0.1);
  EXPECT_EQ(job->request.embiggen->strength, 0.4);
  EXPECT_EQ(job->request.embiggen->tiles, (std::vector<int>{1, 3}));

  values.erase("embiggen");
  values.erase("embiggen_tiles");
  values.set("hires_fix", true);
  values.set("strength", 0.5);
  job = make_job(prompt, values, folder_);
  ASSERT_TRUE(job.has_value()) << job.error().text();
  EXPECT_EQ(job->request.hires->strength, 0.5);
}

/// Shows a preview at every step.
class ShowingEngine final : public pipeline::Engine {
 public:
  const pipeline::ModelInfo& model() const override { return fake_->model(); }
  Result<pipeline::Outcome> generate(const pipeline::GenerationRequest& request,
                                     const pipeline::GenerationCallbacks& callbacks,
                                     const CancelToken& cancel) override {
    pipeline::GenerationCallbacks showing = callbacks;
    showing.on_step = [&](const pipeline::StepProgress& step) {
      pipeline::StepProgress shown = step;
      shown.preview = image::Image(8, 8, 3);
      callbacks.on_step(shown);
    };
    return fake_->generate(request, showing, cancel);
  }

 private:
  std::unique_ptr<Engine> fake_ = pipeline::make_fake_engine({});
};

TEST_F(Worker, IntermediatePicturesAreStored) {
  ShowingEngine engine;
  Job stored = job("a cat");
  EXPECT_EQ(run(engine, stored).pictures.size(), 1u);
  EXPECT_FALSE(fs::exists(folder_ / "out" / "intermediates")) << "only when asked for";
  stored.output.intermediates = 1;
  EXPECT_FALSE(run(engine, stored).error);
  EXPECT_TRUE(fs::exists(folder_ / "out" / "intermediates" / "000002" / "0001.png"));
  EXPECT_TRUE(fs::exists(folder_ / "out" / "intermediates" / "000002" / "0002.png"));
  stored.request.iterations = 2;
  EXPECT_FALSE(run(engine, stored).error);
  EXPECT_TRUE(fs::exists(folder_ / "out" / "intermediates" / "000003.2" / "0002.png"));
}

TEST_F(Worker, VariationsAreTold) {
  auto [prompt, values] = parse("a cat");
  values.set("with_variations", std::string("3:0.25,4:0.5"));
  const auto job = make_job(prompt, values, folder_);
  ASSERT_TRUE(job.has_value()) << job.error().text();
  EXPECT_EQ(run(*job).pictures.at(0).command,
            "a cat -s 2 -S 42 -W 64 -H 64 -C 7.5 -A k_lms -V 3:0.25,4:0.5");
  for (const char* bad : {"", "3", "3:", "3:x", "3,0.1", "3:0.1,", "-1:0.2", "3:0.1:4"}) {
    values.set("with_variations", std::string(bad));
    const auto refused = make_job(prompt, values, folder_);
    ASSERT_FALSE(refused.has_value()) << bad;
    EXPECT_NE(refused.error().message.find("-V takes seed:weight"), std::string::npos);
  }
}

TEST_F(Worker, OutputFolderCheck) {
  EXPECT_TRUE(check_output_folder(folder_ / "a" / "b").has_value());
  EXPECT_TRUE(fs::is_directory(folder_ / "a" / "b"));
  for (const char* bad : {"/dev/null", "/dev/null/x", "/proc/1/x"}) {
    const auto result = check_output_folder(bad);
    ASSERT_FALSE(result.has_value()) << bad;
    EXPECT_NE(result.error().message.find("--outdir"), std::string::npos);
  }
}

}  // namespace
}  // namespace invokeai::jobs
