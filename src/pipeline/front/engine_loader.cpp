// The engine is a plug-in: linking libtorch costs a program 0.35 s and 110 MB before its first
// line, and --help, a mistyped switch or a page of the server need none of it.

#include <dlfcn.h>

#include <cstdlib>

#include "base/paths.h"
#include "pipeline/engine.h"

namespace invokeai::pipeline {
namespace {

#ifdef __APPLE__
constexpr const char* kLibraryName = "libinvokeai_engine.dylib";
#else
constexpr const char* kLibraryName = "libinvokeai_engine.so";
#endif

std::string dynamic_error() {
  const char* message = ::dlerror();
  return message != nullptr ? message : "unknown reason";
}

Result<CreateEngine*> load_library(const fs::path& path) {
  if (!fs::exists(path))
    return fail(ErrorCode::not_found, "engine.load",
                "the engine library {} does not exist; is the installation complete?",
                path.string());
  // OpenMP threads that wait by spinning starve each other as soon as anything else runs on the
  // machine (docs/decisions/0005-openmp-does-not-spin.md). Read when the library is loaded.
  ::setenv("GOMP_SPINCOUNT", "0", /*overwrite=*/0);
  // Never closed: the threads and caches of libtorch outlive any single engine.
  void* library = ::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr)
    return fail(ErrorCode::bad_file, "engine.load", "cannot load the engine: {}", dynamic_error());
  void* symbol = ::dlsym(library, kCreateEngineSymbol);
  if (symbol == nullptr)
    return fail(ErrorCode::bad_file, "engine.load", "{} is not an engine: {}", path.string(),
                dynamic_error());
  return reinterpret_cast<CreateEngine*>(symbol);
}

}  // namespace

Result<std::unique_ptr<Engine>> load_engine(const EngineOptions& options) {
  const char* variable = std::getenv("INVOKEAI_ENGINE");
  const std::string choice = variable != nullptr ? variable : "";
  if (choice == "fake") return make_fake_engine(options);
  if (choice == "fake-slow") return make_fake_engine(options, std::chrono::milliseconds(10));
  const fs::path path =
      choice.empty() ? program_folder() / ".." / "lib" / kLibraryName : fs::path(choice);
  TRY_ASSIGN(CreateEngine * create, load_library(path.lexically_normal()));
  Result<std::unique_ptr<Engine>> engine;
  create(options, engine);
  return engine;
}

}  // namespace invokeai::pipeline
