#include "jobs/text_mask.h"

#include <algorithm>
#include <charconv>

#include "base/command_line.h"
#include "gallery/names.h"
#include "gallery/outputs.h"
#include "image/codec.h"
#include "image/compose.h"
#include "image/convert.h"
#include "image/mask.h"
#include "image/metadata.h"
#include "image/python_text.h"
#include "image/word_mask.h"

namespace invokeai::jobs {
namespace {

constexpr std::size_t kLongestWords = 50;  // characters in a file's name

std::optional<double> number_in(const std::string& word) {
  double number = 0;
  const char* last = word.data() + word.size();
  const auto read = std::from_chars(word.data(), last, number);
  if (read.ec != std::errc() || read.ptr != last) return std::nullopt;
  return number;
}

/// The words as part of a file's name: at most 50 characters, none that file systems refuse.
std::string name_part(std::string_view words) {
  std::string part;
  std::size_t characters = 0;
  for (const char c : words) {
    const auto byte = static_cast<unsigned char>(c);
    if ((byte & 0xC0) != 0x80 && characters++ == kLongestWords) break;
    const bool refused = byte < 32 || std::string_view("<>:\"/\\|?*").find(c) != std::string_view::npos;
    part += refused ? '_' : c;
  }
  while (part.ends_with(' ') || part.ends_with('.')) part.pop_back();
  return part;
}

}  // namespace

Result<pipeline::WordMask> parse_text_mask(std::vector<std::string> values) {
  pipeline::WordMask mask;
  const auto number = values.size() > 1 ? number_in(values.back()) : std::nullopt;
  if (number && !(*number >= 0 && *number <= 1))
    return fail(ErrorCode::invalid_argument, "", "-tm takes a threshold from 0 to 1, not {}",
                *number);
  if (number) {
    mask.threshold = *number;
    values.pop_back();
  }
  if (values.size() != 1)
    return fail(ErrorCode::invalid_argument, "",
                "-tm takes a description and perhaps a threshold, such as -tm \"red hair\" 0.5, not "
                "{}",
                shown(fmt::format("{}", fmt::join(values, " "))));
  mask.text = std::move(values.front());
  if (strip_blanks(mask.text).empty())
    return fail(ErrorCode::invalid_argument, "", "-tm wants the words to look for");
  return mask;
}

Result<std::vector<fs::path>> write_masks(pipeline::Engine& engine, const fs::path& picture,
                                          const pipeline::WordMask& words,
                                          const fs::path& folder) {
  TRY_ASSIGN(const image::Image loaded, image::load_image(picture));
  TRY_ASSIGN(const image::Image heat, engine.find_words(loaded, words.text));
  const int width = loaded.width, height = loaded.height;
  const image::Image colours = image::with_channels(loaded, 3);
  const image::Image found = image::over_picture(heat, width, height);
  const std::pair<const char*, image::Image> pictures[] = {
      {"deselected", image::with_alpha(colours, image::inverted(found))},
      {"selected", image::with_alpha(colours, found)},
      {"masked", image::word_mask(heat, words.threshold, width, height)}};
  const image::TextChunks texts = {
      {std::string(image::kDreamKeyword),
       image::mask_command(picture.string(), words.text, words.threshold)}};
  TRY_ASSIGN(std::int64_t prefix, gallery::next_prefix(folder));
  std::vector<fs::path> written;
  for (const auto& [kind, each] : pictures) {
    gallery::PictureName name{.folder = folder,
                              .format = "{prefix}.{name}.{words}.{kind}.png",
                              .values = {},
                              .prefix = prefix};
    name.values["name"] = picture.stem().string();
    name.values["words"] = name_part(words.text);
    name.values["kind"] = std::string(kind);
    TRY_ASSIGN(const gallery::SavedPicture saved, gallery::save_picture(name, each, texts));
    prefix = saved.prefix;
    written.push_back(saved.path);
  }
  return written;
}

}  // namespace invokeai::jobs
