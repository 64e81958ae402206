// run-networks MODEL INPUTS OUTPUTS: a model's networks on tensors of a file, in f32 on the CPU.
#include <ATen/core/grad_mode.h>

#include <CLI/CLI.hpp>
#include <cstdio>

#include "models/formats/safetensors.h"
#include "models/load_model.h"
#include "models/tensors.h"

namespace models = invokeai::models;
namespace fs = std::filesystem;
using invokeai::Result;

namespace {

using Tensors = std::map<std::string, at::Tensor>;

Result<Tensors> read_inputs(const fs::path& path) {
  TRY_ASSIGN(const models::TensorSource source, models::open_tensor_file(path));
  Tensors inputs;
  for (const auto& [name, view] : source.tensors) inputs[name] = models::as_tensor(view);
  return inputs;
}

/// Runs each network whose inputs are there.
Result<Tensors> run(const models::Networks& networks, const Tensors& inputs) {
  const at::NoGradGuard no_grad;
  const auto has = [&](auto... names) { return (inputs.contains(names) && ...); };
  Tensors outputs;
  if (has("ids")) outputs["text"] = networks.text_encoder->forward(inputs.at("ids"));
  if (has("sample", "timesteps", "context"))
    outputs["prediction"] =
        networks.unet->forward(inputs.at("sample"), inputs.at("timesteps"), inputs.at("context"));
  if (has("pixels")) {
    const auto distribution = networks.vae->encode(inputs.at("pixels"));
    outputs["mean"] = distribution.mean;
    outputs["log_variance"] = distribution.log_variance;
  }
  if (has("latents")) outputs["decoded"] = networks.vae->decode(inputs.at("latents"));
  if (outputs.empty())
    return invokeai::fail(invokeai::ErrorCode::invalid_argument, "",
                          "the inputs hold nothing to run; wanted ids, or sample with timesteps "
                          "and context, or pixels, or latents");
  return outputs;
}

Result<> run_file(const fs::path& model, const fs::path& inputs_path, const fs::path& output) {
  TRY_ASSIGN(const Tensors inputs, read_inputs(inputs_path));
  models::LoadOptions options;
  options.path = model;
  TRY_ASSIGN(const models::Networks networks, models::load_networks(options));
  TRY_ASSIGN(const Tensors outputs, run(networks, inputs));
  return models::write_safetensors(output, models::as_views(outputs), {{"format", "pt"}});
}

/// Shapes that do not fit end as exceptions of the tensor library.
Result<> run_safely(const fs::path& model, const fs::path& inputs, const fs::path& output) try {
  return run_file(model, inputs, output);
} catch (const c10::Error& error) {
  return invokeai::fail(invokeai::ErrorCode::invalid_argument, "run-networks", "{}",
                        error.what_without_backtrace());
}

}  // namespace

int main(int argc, char** argv) {
  fs::path model, inputs, outputs;
  CLI::App app(
      "Runs the networks of a model in f32 on the CPU and writes what they give, to compare it "
      "with "
      "other programs' results.\n"
      "  ids [B,S] i64                        -> text [B,S,D]\n"
      "  sample [B,C,h,w], timesteps [B],\n"
      "  context [B,S,D] f32                  -> prediction [B,4,h,w]\n"
      "  pixels [B,3,H,W] f32 in [-1,1]       -> mean, log_variance [B,4,H/8,W/8]\n"
      "  latents [B,4,h,w] f32, unscaled      -> decoded [B,3,8h,8w]");
  app.add_option("model", model, "Diffusers folder, .safetensors or .ckpt")->required();
  app.add_option("inputs", inputs, "File of tensors with the names above, .safetensors")
      ->required();
  app.add_option("outputs", outputs, "Safetensors file to write")->required();
  CLI11_PARSE(app, argc, argv);
  const auto result = run_safely(model, inputs, outputs);
  if (result) return 0;
  std::fprintf(stderr, "error: %s\n", result.error().text().c_str());
  return invokeai::exit_status(result.error().code);
}
