#include "base/paths.h"

#ifdef __APPLE__
#include <mach-o/dyld.h>
#endif

#include <system_error>

namespace invokeai {

fs::path program_folder() {
  std::error_code error;
#ifdef __APPLE__
  char path[4096];
  std::uint32_t size = sizeof(path);
  if (_NSGetExecutablePath(path, &size) != 0) return {};
  const fs::path program = fs::canonical(path, error);
#else
  const fs::path program = fs::read_symlink("/proc/self/exe", error);
#endif
  return error ? fs::path() : program.parent_path();
}

}  // namespace invokeai
