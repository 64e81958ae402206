// The normalised command of cli spec 5.1.

#include <algorithm>

#include "image/internal/negative.h"
#include "image/metadata.h"
#include "image/python_text.h"

namespace invokeai::image {
namespace {

bool is_blank(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

std::string one_line(std::string text) {
  std::replace_if(
      text.begin(), text.end(), [](char c) { return c == '\n' || c == '\r'; }, ' ');
  return text;
}

/// As one double-quoted shell word: only `"` and `\` need a backslash there.
std::string quoted(std::string_view text) {
  std::string result = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') result += '\\';
    result += c;
  }
  return result + '"';
}

/// A switch's value as the shell-like splitter will read it back; line breaks become blanks.
std::string word(const std::string& value) {
  const std::string text = one_line(value);
  const bool plain = !text.empty() && std::none_of(text.begin(), text.end(), [](char c) {
    return is_blank(c) || c == '"' || c == '\'' || c == '\\' || c == '#';
  });
  return plain ? text : quoted(text);
}

/// A path; one that looks like a switch gets a folder in front.
std::string path_word(const std::string& path) {
  return word(path.starts_with('-') ? "./" + path : path);
}

/// Would the command line take part of the prompt, standing at the start of a line and followed by
/// switches, for something else (cli spec 2.1)?
bool needs_quotes(std::string_view prompt) {
  if (prompt.empty()) return false;
  if (is_blank(prompt.front()) || is_blank(prompt.back())) return true;
  if (std::string_view("\"-#!").find(prompt.front()) != std::string_view::npos) return true;
  if (prompt.starts_with("//")) return true;
  for (std::size_t i = 0; i + 1 < prompt.size(); ++i) {
    if (!is_blank(prompt[i]) || prompt[i + 1] != '-') continue;
    std::size_t letter = i + 2;
    if (letter < prompt.size() && prompt[letter] == '-') ++letter;
    if (letter < prompt.size() && is_letter(prompt[letter])) return true;
  }
  return false;
}

std::string prompt_text(const ImageMetadata& picture) {
  const std::string prompt = one_line(prompt_with_negative(picture));
  return needs_quotes(prompt) ? quoted(prompt) : prompt;
}

/// Collects words with single blanks between them.
class CommandLine {
 public:
  void add(std::string_view text) {
    if (text.empty()) return;
    if (!line_.empty()) line_ += ' ';
    line_ += text;
  }
  void add(std::string_view name, std::string_view value) {
    add(name);
    add(value);
  }
  void add(std::string_view name, double value) { add(name, python_float(value)); }
  void add(std::string_view name, int value) { add(name, std::to_string(value)); }
  void add(std::string_view name, std::uint32_t value) { add(name, std::to_string(value)); }
  void add_if(bool set, std::string_view flag) {
    if (set) add(flag);
  }
  std::string take() { return std::move(line_); }

 private:
  std::string line_;
};

/// `named`: a path that stands in the command already.
void add_input(CommandLine& line, const ImageMetadata& picture, std::string_view named) {
  if (picture.init_image != named) line.add("-I", path_word(picture.init_image));
  line.add("-A", picture.sampler);
  line.add_if(picture.fit, "--fit");
  if (!picture.init_mask.empty()) line.add("-M", path_word(picture.init_mask));
  if (!picture.init_color.empty()) line.add("--init_color", path_word(picture.init_color));
  if (picture.strength > 0) line.add("-f", picture.strength);
  if (picture.inpaint_replace > 0) line.add("--inpaint_replace", picture.inpaint_replace);
  line.add_if(!picture.text_mask.empty(), "-tm");
  for (const auto& text : picture.text_mask) line.add(word(text));
}

void add_outcrop(CommandLine& line, const Outcrop& outcrop) {
  line.add(outcrop.direction);
  if (outcrop.pixels) line.add(std::to_string(*outcrop.pixels));
}

void add_postprocessing(CommandLine& line, const ImageMetadata& picture) {
  if (picture.facetool_strength != 0) {
    line.add("-G", picture.facetool_strength);
    line.add("-ft", picture.facetool);
    if (picture.facetool == "codeformer") line.add("-cf", picture.codeformer_fidelity);
  }
  line.add_if(!picture.outcrop.empty(), "-c");
  for (const auto& outcrop : picture.outcrop) add_outcrop(line, outcrop);
  if (picture.upscale) {
    line.add("-U", picture.upscale->scale);
    if (picture.upscale->strength) line.add(python_float(*picture.upscale->strength));
  }
  line.add_if(!picture.embiggen.empty(), "--embiggen");
  for (const double value : picture.embiggen) line.add(python_float(value));
  line.add_if(!picture.embiggen_tiles.empty(), "--embiggen_tiles");
  for (const int tile : picture.embiggen_tiles) line.add(std::to_string(tile));
  if (picture.embiggen_strength) line.add("--embiggen_strength", *picture.embiggen_strength);
  if (picture.out_direction) {
    line.add("-D");
    add_outcrop(line, *picture.out_direction);
  }
}

/// Settings by the first spelling of their switches.
void add_more(CommandLine& line, const SettingValues& more) {
  const auto first_word = [](std::string_view flags) { return flags.substr(0, flags.find(' ')); };
  for (const auto& [name, value] : more.given()) {
    const Setting& each = setting(name);
    const std::string_view flag = first_word(each.flags);
    if (const auto* on = std::get_if<bool>(&value))
      line.add(*on ? flag : first_word(each.off));
    else if (const auto* whole = std::get_if<std::int64_t>(&value))
      line.add(flag, std::to_string(*whole));
    else if (const auto* real = std::get_if<double>(&value))
      line.add(flag, *real);
    else if (const auto* text = std::get_if<std::string>(&value))
      line.add(flag, word(*text));
  }
}

void add_switches(CommandLine& line, const ImageMetadata& picture, bool grid,
                  std::string_view named = {}) {
  line.add("-s", picture.steps);
  line.add("-S", picture.seed);
  line.add("-W", picture.width);
  line.add("-H", picture.height);
  line.add("-C", picture.cfg_scale);
  if (picture.karras_max) line.add("--karras_max", *picture.karras_max);
  if (picture.perlin > 0) line.add("--perlin", picture.perlin);
  if (picture.threshold > 0) line.add("--threshold", picture.threshold);
  line.add_if(grid, "--grid");
  line.add_if(picture.seamless, "--seamless");
  line.add_if(picture.hires_fix, "--hires_fix");
  if (picture.init_image.empty()) {
    line.add("-A", picture.sampler);
    if (!picture.init_color.empty()) line.add("--init_color", path_word(picture.init_color));
    if (picture.hires_fix && picture.strength != kDefaultStrength) line.add("-f", picture.strength);
  } else {
    add_input(line, picture, named);
  }
  add_postprocessing(line, picture);
  std::string variations;
  for (const auto& [seed, weight] : picture.variations) {
    if (!variations.empty()) variations += ',';
    variations += std::to_string(seed) + ':' + python_float(weight);
  }
  if (!variations.empty()) line.add("-V", variations);
  if (negative_stands_apart(picture))
    line.add("--negative_prompt", quoted(one_line(picture.negative_prompt)));
  if (picture.prompt_dialect != "invoke")
    line.add("--prompt_dialect", word(picture.prompt_dialect));
  add_more(line, picture.more);
}

std::string command(const ImageMetadata& picture, bool grid) {
  CommandLine line;
  line.add(prompt_text(picture));
  add_switches(line, picture, grid);
  return line.take();
}

}  // namespace

std::string dream_command(const ImageMetadata& picture) { return command(picture, false); }

std::string grid_dream_command(std::span<const ImageMetadata> pictures) {
  if (pictures.empty()) return {};
  std::string seeds;
  for (const auto& picture : pictures)
    seeds += (seeds.empty() ? "" : ", ") + std::to_string(picture.seed);
  return command(pictures.front(), true) + " # [" + seeds + "]";
}

std::string fix_command(const std::string& path, const ImageMetadata& picture) {
  CommandLine line;
  line.add("!fix", path_word(path));
  add_switches(line, picture, false, path);
  return line.take();
}

std::string mask_command(const std::string& path, const std::string& words, double threshold) {
  CommandLine line;
  line.add("!mask", path_word(path));
  line.add("-tm", word(words));
  line.add(python_float(threshold));
  return line.take();
}

}  // namespace invokeai::image
