// What the programs load when a picture is first wanted: the only library linked to libtorch.

#include "pipeline/stable_diffusion.h"

extern "C" __attribute__((visibility("default"))) void invokeai_create_engine(
    const invokeai::pipeline::EngineOptions& options,
    invokeai::Result<std::unique_ptr<invokeai::pipeline::Engine>>& result) {
  using namespace invokeai;
  try {
    auto engine = pipeline::StableDiffusion::open(options);
    if (engine)
      result = std::move(*engine);
    else
      result = tl::make_unexpected(std::move(engine).error());
  } catch (const std::bad_alloc&) {
    result = fail(ErrorCode::out_of_memory, "engine", "not enough memory to load {}", options.model_path);
  } catch (const std::exception& error) {
    const std::string text = error.what();
    result = fail(ErrorCode::internal, "engine", "cannot load {}: {}", options.model_path,
                  text.substr(0, text.find('\n')));
  }
}
