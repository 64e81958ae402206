// invokeai-gallery: finds, imports and deletes pictures of an output folder.

#include <string>
#include <vector>

#include "cli/gallery_program.h"

int main(int argc, char** argv) {
  return invokeai::cli::run_gallery(
      std::vector<std::string>(argv + (argc > 0 ? 1 : 0), argv + argc));
}
