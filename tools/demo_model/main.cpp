// demo-train STAGE --folder DIR ...: makes the bundled demo model. See tools/demo_model/README.md.
#include <CLI/CLI.hpp>
#include <cstdio>

#include "demo_model/trainer.h"

namespace demo = invokeai::demo;
using invokeai::drawer::Vocabulary;

int main(int argc, char** argv) {
  demo::TrainOptions options;
  std::string stage;
  CLI::App app(
      "Trains the demo model, one stage after the other: tokenizer, vae, text, unet; and the "
      "judge that measures it");
  app.add_option("stage", stage)
      ->required()
      ->check(CLI::IsMember({"tokenizer", "vae", "text", "unet", "judge"}));
  app.add_option("--folder", options.folder, "Model folder")->required();
  app.add_option("--training", options.training, "Folder of checkpoints and log")->required();
  app.add_option("--device", options.device, "cpu, cuda");
  app.add_option("--pictures", options.pictures, "Pictures in all")->required();
  app.add_option("--decay", options.decay, "Pictures at the end during which the rate falls to 0");
  app.add_option("--minutes", options.minutes, "Stop after this time");
  app.add_option("--batch", options.batch, "Pictures a step");
  app.add_option("--rate", options.learning_rate, "Learning rate");
  app.add_option("--size", options.size, "Side of the pictures");
  app.add_option("--learn-size", options.learn_size,
                 "Side of the pictures that the UNet learns from, where smaller ones come first");
  app.add_option("--crop", options.crop, "Side of the squares that the VAE stage learns from");
  app.add_option("--seed", options.seed, "Seed");
  app.add_option("--from", options.from, "Model folder whose weights the stage begins with");
  const auto named = [](const auto& values) {
    return CLI::CheckedTransformer(values, CLI::ignore_case);
  };
  app.add_option("--kind", options.kind, "text_to_image, inpainting")
      ->transform(named(std::map<std::string, demo::Kind>{
          {"text_to_image", demo::Kind::text_to_image}, {"inpainting", demo::Kind::inpainting}}));
  app.add_option("--prediction", options.prediction, "noise, velocity")
      ->transform(named(std::map<std::string, demo::Prediction>{
          {"noise", demo::Prediction::noise}, {"velocity", demo::Prediction::velocity}}));
  app.add_option("--style", options.style, "Paint everything so: shiny, pencil, watercolor, night")
      ->transform(named(invokeai::drawer::styles()));
  app.add_option("--vocabulary", options.vocabulary, "basic, full")
      ->transform(named(std::map<std::string, Vocabulary>{{"basic", Vocabulary::basic},
                                                          {"full", Vocabulary::full}}));
  app.add_flag(
      "--shared", options.shared,
      "Leave text encoder, autoencoder and the UNet's deepest level as they are and link to them");
  app.add_option("--overshoot", options.overshoot, "How far latents are pushed outwards");
  app.add_option("--offset", options.offset, "Deviation of the means of noise");
  app.add_option("--sheet", options.sheet, "Pictures on the sheets of the UNet stage");
  app.add_option("--save-minutes", options.save_minutes, "Between checkpoints");
  app.add_option("--cache", options.cache, "Encoded pictures held in memory");
  app.add_option("--portraits", options.portraits,
                 "Further encoded pictures, of one thing on a plain ground");
  app.add_option(
      "--other-sizes", options.other_sizes,
      "Further encoded pictures in each of seven other sizes, from 3/4 of --size to 6/4");
  CLI11_PARSE(app, argc, argv);
  const auto run = stage == "tokenizer" ? demo::make_tokenizer
                   : stage == "vae"     ? demo::train_vae
                   : stage == "text"    ? demo::train_text
                   : stage == "unet"    ? demo::train_unet
                                        : demo::train_judge;
  const auto result = run(options);
  if (result) return 0;
  std::fprintf(stderr, "error: %s\n", result.error().text().c_str());
  return invokeai::exit_status(result.error().code);
}
