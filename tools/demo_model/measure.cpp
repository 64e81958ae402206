// demo-measure MODEL JUDGE [--captions N] [--repaint N] [--repaint-pairs N]
//     [--groups N] [--manners N] [--negatives N]
//   demo-measure MODEL JUDGE --round-trip N
//   demo-measure MODEL JUDGE --drawn N
//
// Draws held-out captions with an ordinary model through the ordinary engine and measures the
// pictures, see measurements.h. --round-trip judges the autoencoder alone, --drawn the judge
// itself. Exit status 1 when a share lies under its floor (--floor "shape=85").
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <cstdlib>

#include "demo_model/measurements.h"
#include "demo_model/sheets.h"
#include "models/tensors.h"

namespace {

using namespace invokeai;

struct Options {
  std::string model, judge, sheet;
  int captions = 0, repaint = 0, repaint_pairs = 0, groups = 0, manners = 0, negatives = 0;
  int round_trip = 0, drawn = 0;
  demo::Trial trial;
  std::map<std::string, double> floors;  // percent, or dB for "round trip"
};

/// Prints the lines of a table; false if one lies under its floor.
bool print(const std::vector<demo::Tally>& tallies, const std::map<std::string, double>& floors) {
  bool good = true;
  for (const demo::Tally& tally : tallies) {
    const auto floor = floors.find(tally.question);
    const bool low = floor != floors.end() && tally.percent() < floor->second;
    good = good && !low;
    std::printf("| %s | %.1f %% | %d |%s\n", tally.question.c_str(), tally.percent(), tally.asked,
                low ? "  <- under the floor" : "");
  }
  std::fflush(stdout);
  return good;
}

Result<bool> run(const Options& options) {
  demo::Judge judge;
  TRY_ASSIGN(const auto weights, models::open_tensor_file(options.judge));
  TRY_VOID(models::load_parameters(judge, weights, "judge", at::kCPU, at::kFloat));
  bool good = true;
  std::vector<image::Image> pictures;
  const auto take = [&](demo::Measurement&& measured) {
    good = print(measured.tallies, options.floors) && good;
    const std::size_t count = std::min<std::size_t>(measured.pictures.size(), 48);
    std::move(measured.pictures.begin(), measured.pictures.begin() + count,
              std::back_inserter(pictures));
  };
  std::printf("| %d steps, guidance %g | right | of |\n|---|---|---|\n", options.trial.steps,
              options.trial.cfg);
  if (options.drawn > 0) take(demo::measure_drawn(judge, options.trial, options.drawn));
  if (options.round_trip > 0) {
    double decibels = 0;
    TRY_ASSIGN(auto measured, demo::measure_round_trip(options.model, judge, options.trial,
                                                       options.round_trip, decibels));
    std::printf("| round trip | %.2f dB | %d |\n", decibels, options.round_trip);
    const auto floor = options.floors.find("round trip");
    good = floor == options.floors.end() || decibels >= floor->second;
    take(std::move(measured));
  }
  if (options.captions + options.repaint + options.repaint_pairs + options.groups +
          options.manners + options.negatives >
      0) {
    TRY_ASSIGN(auto engine, pipeline::StableDiffusion::open({.model_path = options.model}));
    TRY_ASSIGN(auto captions,
               demo::measure_captions(*engine, judge, options.trial, options.captions));
    if (options.captions > 0) take(std::move(captions));
    TRY_ASSIGN(auto repainted,
               demo::measure_repainting(*engine, judge, options.trial, options.repaint));
    if (options.repaint > 0) take(std::move(repainted));
    TRY_ASSIGN(auto pairs,
               demo::measure_repainting_pairs(*engine, options.trial, options.repaint_pairs));
    if (options.repaint_pairs > 0) take(std::move(pairs));
    TRY_ASSIGN(auto groups, demo::measure_groups(*engine, options.trial, options.groups));
    if (options.groups > 0) take(std::move(groups));
    TRY_ASSIGN(auto manners, demo::measure_manners(*engine, judge, options.trial, options.manners));
    if (options.manners > 0) take(std::move(manners));
    TRY_ASSIGN(auto negatives, demo::measure_negatives(*engine, options.trial, options.negatives));
    if (options.negatives > 0) take(std::move(negatives));
  }
  if (!options.sheet.empty()) TRY_VOID(demo::write_sheet(options.sheet, pictures));
  return good;
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
  std::vector<std::string> floors;
  std::vector<int> size;
  CLI::App app("Measures how well a model of the demo kind follows its captions");
  app.add_option("model", options.model)->required();
  app.add_option("judge", options.judge)->required();
  app.add_option("--captions", options.captions, "Held-out scenes of one object");
  app.add_option("--repaint", options.repaint,
                 "The same scenes, repainted where something else was");
  app.add_option("--repaint-pairs", options.repaint_pairs,
                 "Held-out scenes of two objects, one of them repainted");
  app.add_option("--groups", options.groups, "Held-out scenes of several");
  app.add_option("--manners", options.manners, "Scenes in all renderings, before all backdrops");
  app.add_option("--negatives", options.negatives, "Colours that must go away");
  app.add_option("--round-trip", options.round_trip, "Judge the autoencoder on so many pictures");
  app.add_option("--drawn", options.drawn, "Judge the judge on so many of the drawer's pictures");
  app.add_option("--size", size,
                 "Side of the pictures, or width and height; without it the model's own, of the "
                 "drawer's 256")
      ->expected(1, 2);
  app.add_flag("--kinds", options.trial.kinds, "Count the shapes by kind of thing too");
  app.add_option("--style", options.trial.style,
                 "Manner expected of all: shiny, pencil, watercolor, night")
      ->transform(CLI::CheckedTransformer(drawer::styles()));
  app.add_option("--steps", options.trial.steps);
  app.add_option("--cfg", options.trial.cfg);
  app.add_option("--sampler", options.trial.sampler);
  app.add_option("--vocabulary", options.trial.vocabulary, "basic, full")
      ->transform(CLI::CheckedTransformer(std::map<std::string, drawer::Vocabulary>{
          {"basic", drawer::Vocabulary::basic}, {"full", drawer::Vocabulary::full}}));
  app.add_option("--sheet", options.sheet, "PNG with the first 48 pictures of each measurement");
  app.add_option("--floor", floors, "What must be reached, e.g. \"shape=85\"");
  CLI11_PARSE(app, argc, argv);
  if (!size.empty()) options.trial.extent = {size.front(), size.back()};
  for (const std::string& floor : floors) {
    const std::size_t equals = floor.find('=');
    char* end = nullptr;
    const double value =
        equals == std::string::npos ? 0 : std::strtod(floor.c_str() + equals + 1, &end);
    if (end == nullptr || *end != '\0') {
      std::fprintf(stderr, "error: --floor %s: a question and a number are wanted, e.g. shape=85\n",
                   floor.c_str());
      return 2;
    }
    options.floors[floor.substr(0, equals)] = value;
  }
  const auto good = run(options);
  if (!good) std::fprintf(stderr, "error: %s\n", good.error().text().c_str());
  return good && *good ? 0 : 1;
}
