// Starting pictures, masks and pictures to take colours from, good and bad, at the command line.

#include <regex>

#include "base/command_line.h"
#include "cli/run_program.h"
#include "image/png.h"

namespace invokeai {
namespace {

using namespace cli::test;

class StartingPictures : public Program {
 protected:
  void SetUp() override {
    Program::SetUp();
    write("8000.png", image::Image(8000, 8000, 1));
    write("long.png", image::Image(9000, 8, 3));
    write("grey.png", filled(64, 64, 3, 128));
    write("white.png", filled(64, 64, 1, 255));
    write("black.png", filled(64, 64, 1, 0));
    write("clear.png", filled(64, 64, 4, 0));
    write("opaque.png", filled(64, 64, 4, 255));
    write("half.png", half(64, 64));
    write("half-large.png", half(256, 256));
    write("half-wide.png", half(128, 64));
  }

  static image::Image filled(int width, int height, int channels, std::uint8_t value) {
    image::Image picture(width, height, channels);
    std::ranges::fill(picture.pixels, value);
    return picture;
  }
  static image::Image half(int width, int height) {
    image::Image picture(width, height, 1);
    for (int y = 0; y < height; ++y) std::fill_n(picture.at(0, y), width / 2, std::uint8_t{255});
    return picture;
  }
  void write(const char* name, const image::Image& picture) const {
    ASSERT_TRUE(write_file_atomically(folder_ / name, *image::encode_png(picture, {}, 1)));
  }
};

TEST_F(StartingPictures, OfTheTable) {
  std::ifstream table(std::string(INVOKEAI_TEST_DATA) + "/cli/tables/init_pictures.txt");
  int cases = 0;
  for (std::string row; std::getline(table, row);) {
    if (row.empty() || row.starts_with('#')) continue;
    ++cases;
    std::string line = std::regex_replace(row, std::regex("~"),
                                          std::string(INVOKEAI_TEST_DATA) + "/golden/pictures");
    line = std::regex_replace(line, std::regex("@"), folder_.string());
    const auto arrow = line.find(" ==> ");
    const int status = std::atoi(line.c_str() + arrow + 5);
    const std::string part = line.substr(line.find(" | ") + 3);
    Words words = *shell_words(line.substr(0, arrow));
    words.insert(words.end(), {"-s", "1", "-S", "1"});
    const Finished done = run(words);
    EXPECT_EQ(done.status, status) << row << "\n" << done.error;
    if (status == 0) {
      EXPECT_NE(done.out.find(part), std::string::npos) << row << "\n" << done.out;
      EXPECT_EQ(count(done.error, "error: "), 0u) << row << "\n" << done.error;
      continue;
    }
    EXPECT_EQ(count("\n" + done.error, "\nerror: "), 1u) << row << "\n" << done.error;
    EXPECT_NE(done.error.find(part), std::string::npos) << row << "\n" << done.error;
    EXPECT_EQ(done.out, "") << row;
    EXPECT_EQ(done.error.find("loading "), std::string::npos) << row << ": found before loading";
  }
  EXPECT_GT(cases, 40);
}

}  // namespace
}  // namespace invokeai
