// invokeai: draws pictures from words, from the command line or in a browser.

#include <string>
#include <vector>

#include "base/paths.h"
#include "cli/program.h"
#include "jobs/worker_process.h"
#include "server/program.h"

int main(int argc, char** argv) {
  using namespace invokeai;
  const std::vector<std::string> arguments(argv + (argc > 0 ? 1 : 0), argv + argc);
  if (!arguments.empty() && arguments.front() == server::kWorkerArgument)
    return jobs::worker_main();
  return cli::run(arguments, [](const cli::WebLaunch& launch) {
    return server::serve(
        {launch.values, launch.root, launch.engine, launch.bundled, program_folder() / "invokeai"});
  });
}
