// invokeai: draws pictures from words, from the command line.

#include <string>
#include <vector>

#include "cli/program.h"

int main(int argc, char** argv) {
  return invokeai::cli::run(std::vector<std::string>(argv + (argc > 0 ? 1 : 0), argv + argc));
}
