// demo-train STAGE --folder DIR ...: makes the bundled demo model. See tools/demo_model/README.md.
#include <CLI/CLI.hpp>
#include <cstdio>

#include "base/file.h"
#include "demo_model/configs.h"
#include "demo_model/trainer.h"

namespace demo = invokeai::demo;

namespace {

invokeai::Result<> write_index(const demo::TrainOptions& options) {
  std::filesystem::create_directories(options.folder / "scheduler");
  TRY_VOID(invokeai::write_file_atomically(options.folder / "scheduler/scheduler_config.json",
                                           demo::scheduler_config().dump(2) + "\n"));
  return invokeai::write_file_atomically(options.folder / "model_index.json",
                                         demo::model_index().dump(2) + "\n");
}

}  // namespace

int main(int argc, char** argv) {
  demo::TrainOptions options;
  std::string stage;
  CLI::App app("Trains the demo model, one stage after the other: tokenizer, vae, text, unet; and the "
               "classifier that measures it");
  app.add_option("stage", stage)->required()->check(CLI::IsMember({"tokenizer", "vae", "text", "unet", "classifier"}));
  app.add_option("--folder", options.folder, "Model folder")->required();
  app.add_option("--training", options.training, "Folder of checkpoints and log")->required();
  app.add_option("--device", options.device, "cpu, cuda");
  app.add_option("--pictures", options.pictures, "Pictures in all")->required();
  app.add_option("--decay", options.decay, "Pictures at the end during which the rate falls to 0");
  app.add_option("--minutes", options.minutes, "Stop after this time");
  app.add_option("--batch", options.batch, "Pictures a step");
  app.add_option("--rate", options.learning_rate, "Learning rate");
  app.add_option("--size", options.size, "Side of the pictures");
  app.add_option("--seed", options.seed, "Seed");
  app.add_option("--from", options.from, "Model folder whose weights the stage begins with");
  app.add_option("--save-minutes", options.save_minutes, "Between checkpoints");
  app.add_option("--cache", options.cache, "Encoded pictures held in memory");
  CLI11_PARSE(app, argc, argv);
  const auto run = stage == "tokenizer" ? demo::make_tokenizer
                   : stage == "vae"     ? demo::train_vae
                   : stage == "text"    ? demo::train_text
                   : stage == "unet"    ? demo::train_unet
                                        : demo::train_shape_classifier;
  auto result = run(options);
  if (result) result = write_index(options);
  if (result) return 0;
  std::fprintf(stderr, "error: %s\n", result.error().text().c_str());
  return invokeai::exit_status(result.error().code);
}
