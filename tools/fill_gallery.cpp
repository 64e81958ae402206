// Fills a folder with small pictures that carry metadata, to try a large gallery.
//   fill_gallery FOLDER COUNT     pictures 000001.<seed>.png ..., one minute apart up to now

#include <charconv>
#include <cstdio>
#include <random>
#include <string_view>

#include "base/file.h"
#include "image/metadata.h"

namespace {

using namespace invokeai;

constexpr const char* kWords[] = {"red",   "fox",    "snow",   "castle", "portrait", "sea",
                                  "night", "forest", "robot",  "cat",    "garden",   "storm",
                                  "city",  "lamp",   "winter", "bridge", "horse",    "dragon"};
constexpr const char* kSamplers[] = {"ddim", "k_lms", "k_euler_a", "k_heun"};
constexpr const char* kModels[] = {"stable-diffusion-1.5", "stable-diffusion-2.1", "demo"};

std::string random_prompt(std::mt19937& random) {
  std::string prompt = "a";
  for (int i = 0; i < 8; ++i) prompt += std::string(" ") + kWords[random() % std::size(kWords)];
  return prompt;
}

Result<> draw(const fs::path& folder, int number, int count, std::mt19937& random) {
  image::ImageMetadata metadata;
  metadata.prompt = random_prompt(random);
  metadata.seed = random();
  metadata.sampler = kSamplers[random() % std::size(kSamplers)];
  image::AppMetadata app;
  app.model_id = kModels[random() % std::size(kModels)];
  image::Image picture(16, 16, 3);
  for (auto& byte : picture.pixels) byte = static_cast<std::uint8_t>(random());
  TRY_ASSIGN(const std::string bytes,
             image::encode_png(picture, image::metadata_chunks(metadata, app), 1));
  const fs::path path = folder / fmt::format("{:06}.{}.png", number, metadata.seed);
  // Not write_file_atomically(): a hundred thousand waits for the disk are of no use here.
  std::FILE* file = std::fopen(path.c_str(), "wb");
  const bool written =
      file != nullptr && std::fwrite(bytes.data(), 1, bytes.size(), file) == bytes.size();
  if (file == nullptr || std::fclose(file) != 0 || !written)
    return fail(ErrorCode::io, "fill_gallery", "cannot write {}", path.string());
  fs::last_write_time(path,
                      fs::file_time_type::clock::now() - std::chrono::minutes(count - number));
  return {};
}

}  // namespace

int main(int argc, char** argv) {
  int count = 0;
  const std::string_view text = argc == 3 ? argv[2] : "";
  std::from_chars(text.data(), text.data() + text.size(), count);
  if (count < 1) {
    std::fprintf(stderr, "fill_gallery FOLDER COUNT\n");
    return 2;
  }
  std::error_code ignored;
  fs::create_directories(argv[1], ignored);
  std::mt19937 random(1);
  for (int number = 1; number <= count; ++number)
    if (auto done = draw(argv[1], number, count, random); !done) {
      std::fprintf(stderr, "%s\n", done.error().text().c_str());
      return 1;
    }
  return 0;
}
