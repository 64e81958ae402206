// invokeai-metadata: tells how pictures were made, and writes that in other tools' forms.

#include <iostream>
#include <string>
#include <vector>

#include "cli/metadata_program.h"

int main(int argc, char** argv) {
  return invokeai::cli::run_metadata(
      std::vector<std::string>(argv + (argc > 0 ? 1 : 0), argv + argc), std::cout, std::cerr);
}
