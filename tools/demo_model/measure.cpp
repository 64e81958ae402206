// demo-measure MODEL CLASSIFIER [--captions N] [--steps N] [--cfg X] [--sheet FILE]
// demo-measure MODEL CLASSIFIER --round-trip N
//
// Draws held-out captions with an ordinary model through the ordinary engine and measures the
// pictures: background and object colour, place and size by geometry, shape by the classifier.
// --round-trip judges the autoencoder alone: held-out scenes painted, encoded and decoded again, which
// is the best the whole model can reach. Exit status 1 when a share lies under the floor given with
// --background, --color, --shape.
#include <ATen/core/grad_mode.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cmath>
#include <cstdio>
#include <cstdlib>

#include "demo_model/shape_classifier.h"
#include "drawer/measure.h"
#include "drawer/paint.h"
#include "image/png.h"
#include "models/load_model.h"
#include "models/tensors.h"
#include "pipeline/pixels.h"
#include "pipeline/stable_diffusion.h"

namespace {

using namespace invokeai;

struct Options {
  std::string model, classifier, sheet;
  int captions = 200;
  int round_trip = 0;
  int steps = 20;
  double cfg = 7.5;
  double background = 0, color = 0, shape = 0;  // floors, percent
};

struct Score {
  int background = 0, color = 0, place = 0, size = 0, shape = 0;
};

/// One picture judged against the scene its caption came from.
void judge(const drawer::Scene& scene, const image::Image& picture,
           const demo::ShapeClassifier& classifier, Score& score) {
  const drawer::Object& wanted = scene.objects.front();
  const drawer::Measured seen = drawer::measure(picture);
  score.background += seen.background == scene.background;
  score.color += seen.object == wanted.color;
  score.place += drawer::nearest_place(seen.cx, seen.cy) == wanted.place;
  score.size += drawer::nearest_size(seen.extent) == wanted.size;
  const auto shape = classifier.forward(demo::classifier_input(picture)).argmax(1).item<std::int64_t>();
  score.shape += shape == static_cast<std::int64_t>(wanted.shape);
}

/// The first pictures side by side, eight in a row.
Result<> write_sheet(const std::string& file, const std::vector<image::Image>& pictures) {
  if (pictures.empty()) return {};
  constexpr int kColumns = 8, kGap = 4;
  const int side = pictures.front().width;
  const int rows = (static_cast<int>(pictures.size()) + kColumns - 1) / kColumns;
  image::Image sheet(kColumns * (side + kGap) - kGap, rows * (side + kGap) - kGap, 3);
  std::fill(sheet.pixels.begin(), sheet.pixels.end(), 255);
  for (std::size_t i = 0; i < pictures.size(); ++i)
    for (int y = 0; y < side; ++y)
      std::copy_n(pictures[i].at(0, y), side * 3,
                  sheet.at(static_cast<int>(i % kColumns) * (side + kGap),
                           static_cast<int>(i / kColumns) * (side + kGap) + y));
  TRY_ASSIGN(const std::string bytes, image::encode_png(sheet, {}, 6));
  return write_file_atomically(file, bytes);
}

void print_shares(const Score& score, int count) {
  const auto percent = [&](int right) { return 100.0 * right / count; };
  std::printf("background colour %.1f %%\nobject colour %.1f %%\nshape %.1f %%\nplace %.1f %%\nsize %.1f %%\n",
              percent(score.background), percent(score.color), percent(score.shape),
              percent(score.place), percent(score.size));
}

/// Peak signal-to-noise ratio of the decoded pictures in dB, and what can still be read from them.
Result<bool> measure_round_trip(const Options& options, const demo::ShapeClassifier& classifier) {
  at::NoGradGuard no_grad;
  TRY_ASSIGN(const models::Networks networks, models::load_networks({.path = options.model}));
  const int side = static_cast<int>(networks.unet->config().sample_size * networks.vae->scale());
  Score score;
  double decibels = 0;
  std::vector<image::Image> pictures;
  for (int i = 0; i < options.round_trip; ++i) {
    const drawer::Scene scene = drawer::held_out_scene(i);
    const at::Tensor pixels = pipeline::to_pixels(drawer::paint(scene, side));
    const at::Tensor decoded = networks.vae->decode(networks.vae->encode(pixels).mean).clamp(-1, 1);
    decibels -= 10 * std::log10(((decoded - pixels) / 2).square().mean().item<double>());
    pictures.push_back(pipeline::to_image(decoded));
    judge(scene, pictures.back(), classifier, score);
  }
  std::printf("%d held-out pictures through the autoencoder: %.2f dB\n", options.round_trip,
              decibels / options.round_trip);
  print_shares(score, options.round_trip);
  pictures.resize(std::min<std::size_t>(pictures.size(), 48));
  if (!options.sheet.empty()) TRY_VOID(write_sheet(options.sheet, pictures));
  return true;
}

Result<bool> run(const Options& options) {
  demo::ShapeClassifier classifier;
  TRY_ASSIGN(const auto weights, models::open_tensor_file(options.classifier));
  TRY_VOID(models::load_parameters(classifier, weights, "classifier", at::kCPU, at::kFloat));
  if (options.round_trip > 0) return measure_round_trip(options, classifier);
  TRY_ASSIGN(auto engine, pipeline::StableDiffusion::open({.model_path = options.model}));
  Score score;
  std::vector<image::Image> pictures;
  for (int i = 0; i < options.captions; ++i) {
    const drawer::Scene scene = drawer::held_out_scene(i);
    pipeline::GenerationRequest request;
    request.prompt = drawer::plain_caption(scene);
    request.steps = options.steps;
    request.cfg_scale = options.cfg;
    request.sampler = "k_dpmpp_2";
    request.seed = 1000 + i;
    pipeline::GenerationCallbacks callbacks;
    callbacks.on_image = [&](pipeline::GeneratedImage&& made) -> Result<> {
      judge(scene, made.picture, classifier, score);
      if (pictures.size() < 48) pictures.push_back(std::move(made.picture));
      return {};
    };
    TRY_ASSIGN(const pipeline::Outcome outcome, engine->generate(request, callbacks, {}));
    (void)outcome;
  }
  const auto percent = [&](int right) { return 100.0 * right / options.captions; };
  std::printf("%d held-out captions, %d steps, guidance %.1f\n", options.captions, options.steps, options.cfg);
  print_shares(score, options.captions);
  if (!options.sheet.empty()) TRY_VOID(write_sheet(options.sheet, pictures));
  return percent(score.background) >= options.background && percent(score.color) >= options.color &&
         percent(score.shape) >= options.shape;
}

/// OpenMP threads that spin while they wait make this thirty times slower on a busy machine
/// (pipeline/front/engine_loader.cpp). The setting is read before main, hence the second start;
/// where that fails, the program merely is slower.
void start_again_without_spinning(char** argv) {
  if (std::getenv("GOMP_SPINCOUNT") != nullptr) return;
  ::setenv("GOMP_SPINCOUNT", "0", 1);
  ::execv("/proc/self/exe", argv);
}

}  // namespace

int main(int argc, char** argv) {
  start_again_without_spinning(argv);
  Options options;
  CLI::App app("Measures how well a model of the demo kind follows its captions");
  app.add_option("model", options.model)->required();
  app.add_option("classifier", options.classifier)->required();
  app.add_option("--captions", options.captions);
  app.add_option("--round-trip", options.round_trip, "Judge the autoencoder on so many pictures");
  app.add_option("--steps", options.steps);
  app.add_option("--cfg", options.cfg);
  app.add_option("--sheet", options.sheet, "PNG with the first 48 pictures");
  app.add_option("--background", options.background, "Floor in percent");
  app.add_option("--color", options.color, "Floor in percent");
  app.add_option("--shape", options.shape, "Floor in percent");
  CLI11_PARSE(app, argc, argv);
  const auto good = run(options);
  if (!good) std::fprintf(stderr, "error: %s\n", good.error().text().c_str());
  return good && *good ? 0 : 1;
}
