// make-random-model KIND PATH...: a Stable Diffusion model with random weights. See README.md here.
#include <CLI/CLI.hpp>
#include <cstdio>

#include "random_model/model.h"

namespace rm = invokeai::random_model;
namespace fs = std::filesystem;

namespace {

invokeai::Result<> run(const rm::Recipe& recipe, const std::vector<fs::path>& paths) {
  for (const fs::path& path : paths)
    if (fs::exists(path))
      return invokeai::fail(invokeai::ErrorCode::invalid_argument, "",
                            "{} is there already; choose another path", path.string());
  fs::path folder = fs::absolute(paths.front());
  if (!folder.has_filename()) folder = folder.parent_path();
  folder = folder.parent_path();
  std::error_code error;
  fs::create_directories(folder, error);
  if (error)
    return invokeai::fail(invokeai::ErrorCode::io, "", "cannot make the folder {}: {}",
                          folder.string(), error.message());
  TRY_ASSIGN(const rm::RandomModel model, rm::make_random_model(recipe, folder));
  for (const fs::path& path : paths) {
    TRY_VOID(rm::write_model(model, path.has_filename() ? path : path.parent_path()));
    std::printf("wrote %s\n", path.c_str());
  }
  return {};
}

}  // namespace

int main(int argc, char** argv) {
  rm::Recipe recipe;
  std::vector<fs::path> paths;
  CLI::App app(
      "Writes a Stable Diffusion model of the true architecture with random weights, for tests and "
      "measurements; its pictures show nothing. Equal kind, size, type and seed give equal weights "
      "in every layout.");
  app.add_option("KIND", recipe.kind, "sd15, sd15-inpainting or sd21-768 (v-prediction)")
      ->required()
      ->transform(CLI::CheckedTransformer(
          std::map<std::string, rm::Kind>(std::begin(rm::kKinds), std::end(rm::kKinds))))
      ->option_text(" ");
  app.add_option("PATH", paths,
                 "NAME.safetensors or NAME.ckpt for a single file, any other path for a diffusers "
                 "folder. Several paths write the same model in each layout")
      ->required()
      ->option_text("...");
  app.add_flag("--tiny", recipe.tiny,
               "Few channels: about 10 million weights (20 MB in f16) instead of 1,100 million");
  app.add_option("--dtype", recipe.dtype, "Type of the weights; f16 if not given")
      ->transform(CLI::CheckedTransformer(
          std::map<std::string, invokeai::models::DType>{{"f16", invokeai::models::DType::f16},
                                                         {"f32", invokeai::models::DType::f32},
                                                         {"bf16", invokeai::models::DType::bf16}}))
      ->option_text("f16|f32|bf16");
  app.add_option("--seed", recipe.seed, "Another number gives other weights; 0 if not given")
      ->type_name("NUMBER");
  CLI11_PARSE(app, argc, argv);
  const auto result = run(recipe, paths);
  if (result) return 0;
  std::fprintf(stderr, "error: %s\n", result.error().text().c_str());
  return invokeai::exit_status(result.error().code);
}
