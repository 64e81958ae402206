// Commands stored in pictures, also those that the command line itself would misread.

#include <algorithm>

#include "base/command_line.h"
#include "image/internal/readers.h"

namespace invokeai::image {
namespace {

using Words = std::vector<std::string>;

constexpr int kMaxGroups = 200;  // switches with their values; there are fewer kinds

bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// "-s 50 -S 42 -W ", which only the program itself writes in this order.
bool starts_normal_switches(std::string_view text) {
  for (const std::string_view flag : {"-s ", "-S ", "-W "}) {
    if (!text.starts_with(flag)) return false;
    text.remove_prefix(flag.size());
    if (flag == "-W ") return true;
    const std::size_t end = text.find(' ');
    if (end == 0 || end == text.npos) return false;
    if (!std::all_of(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(end), is_digit))
      return false;
    text.remove_prefix(end + 1);
  }
  return false;
}

/// Where the switches of a normalised command begin, so that nothing in the prompt can be taken for
/// one.
std::optional<std::size_t> find_normal_switches(std::string_view text) {
  for (std::size_t at = text.rfind("-s "); at != text.npos; at = text.rfind("-s ", at - 1)) {
    if ((at == 0 || text[at - 1] == ' ') && starts_normal_switches(text.substr(at))) return at;
    if (at == 0) break;
  }
  return std::nullopt;
}

std::string unquoted(const std::string& prompt) {
  if (!prompt.starts_with('"')) return prompt;
  const auto words = shell_words(prompt);
  return words && words->size() == 1 ? words->front() : prompt;
}

/// Words as a shell splits them; quotes without a partner are text.
Words lenient_words(std::string_view text) {
  if (auto words = shell_words(text)) return std::move(*words);
  Words words;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(' '), text.size());
    if (end > 0) words.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return words;
}

bool is_switch(std::string_view word) {
  return word.size() > 1 && word[0] == '-' && !is_digit(word[1]) && word[1] != '.';
}

template <class Names>
bool any_of(std::string_view word, const Names& names) {
  return std::find(std::begin(names), std::end(names), word) != std::end(names);
}

/// Switches that say nothing about the picture itself; -b was version 1's batch size.
constexpr std::string_view kNoMatter[] = {
    "-n", "-o", "-i", "-z", "-t", "-F", "--grid", "-g", "--full_precision", "--individual"};
constexpr std::string_view kNoMatterSettings[] = {
    "iterations",         "batch_size",    "outdir",       "fnformat",
    "png_compression",    "grid",          "individual",   "log_tokenization",
    "save_intermediates", "save_original", "use_mps_noise"};
constexpr std::string_view kSampler[] = {"-A", "-m", "--sampler"};
constexpr std::string_view kPaths[] = {"-I", "--init_img", "-M", "--init_mask", "--init_color"};

std::string joined(Words::const_iterator first, Words::const_iterator last) {
  return fmt::format("{}", fmt::join(first, last, " "));
}

/// InvokeAI wrote some values without quotes: words of one switch that belong together are joined.
Words mended(Words group) {
  const bool text_mask = group[0] == "-tm" || group[0] == "--text_mask";
  if (group.size() < 3 || (!text_mask && !any_of(group[0], kPaths))) return group;
  const bool threshold = text_mask && parse_number(group.back()).has_value();
  const auto end = group.cend() - (threshold ? 1 : 0);
  Words result{group[0], joined(group.cbegin() + 1, end)};
  if (threshold) result.push_back(group.back());
  return result;
}

Outcrop outcrop_of(const Words& words, std::size_t& at) {
  Outcrop outcrop{words[at++], std::nullopt};
  if (at == words.size()) return outcrop;
  if (const auto pixels = parse_whole(words[at]); pixels && *pixels <= 8192) {
    outcrop.pixels = static_cast<int>(*pixels);
    ++at;
  }
  return outcrop;
}

/// Takes over the values of one command.
class SwitchReader {
 public:
  explicit SwitchReader(Finding& finding) : finding_(finding) {}

  void read(const Words& words) {
    auto start = words.begin();
    while (start != words.end() && !is_switch(*start)) ++start;
    if (start != words.begin()) lose_words(joined(words.begin(), start));
    for (int groups = 0; start != words.end() && groups < kMaxGroups; ++groups) {
      const auto end = std::find_if(start + 1, words.end(), is_switch);
      read_group(mended(Words(start, end)));
      start = end;
    }
  }

 private:
  void lose_words(std::string_view words) {
    finding_.lose("{} is not understood", in_quotes(words));
  }

  void read_group(const Words& group) {
    if (any_of(group[0], kNoMatter) || group[0].starts_with("-b")) return;
    if (any_of(group[0], kSampler) && group.size() == 2) {
      finding_.own_sampler(group[1]);
      return;
    }
    if (group[0] == "--prompt_dialect" && group.size() == 2) {
      if (group[1] == "a1111") finding_.picture().prompt_dialect = group[1];
      return;
    }
    if (group[0] == "--inpaint_replace" && group.size() == 1) {
      finding_.lose("--inpaint_replace stands there without its value");
      return;
    }
    const auto parsed = parse_words(group, WordsFrom::prompt_line);
    if (!parsed) {
      finding_.lose("{}: {}", in_quotes(joined(group.begin(), group.end())),
                    parsed.error().message);
      return;
    }
    if (!parsed->free_words.empty())
      lose_words(joined(parsed->free_words.begin(), parsed->free_words.end()));
    for (const auto& [name, value] : parsed->values.given())
      if (any_of(name, kept_besides()))
        finding_.picture().more.set(name, value);
      else if (!take_number(name, value) && !take_text(name, value) && !take_list(name, value) &&
               !any_of(name, kNoMatterSettings))
        finding_.lose("{}: this switch is not kept", group[0]);
  }

  bool take_number(std::string_view name, const SettingValue& value) {
    ImageMetadata& picture = finding_.picture();
    const auto whole = [&] { return static_cast<int>(std::get<std::int64_t>(value)); };
    const auto real = [&] { return std::get<double>(value); };
    const auto flag = [&] { return std::get<bool>(value); };
    if (name == "seed")
      finding_.seed(std::max<std::int64_t>(0, std::get<std::int64_t>(value)));
    else if (name == "steps")
      picture.steps = whole();
    else if (name == "width")
      picture.width = whole();
    else if (name == "height")
      picture.height = whole();
    else if (name == "karras_max")
      picture.karras_max = whole();
    else if (name == "cfg_scale")
      picture.cfg_scale = real();
    else if (name == "threshold")
      picture.threshold = real();
    else if (name == "perlin")
      picture.perlin = real();
    else if (name == "strength")
      picture.strength = real();
    else if (name == "inpaint_replace")
      picture.inpaint_replace = real();
    else if (name == "facetool_strength")
      picture.facetool_strength = real();
    else if (name == "codeformer_fidelity")
      picture.codeformer_fidelity = real();
    else if (name == "embiggen_strength")
      picture.embiggen_strength = real();
    else if (name == "karras")
      finding_.karras(flag());
    else if (name == "seamless")
      picture.seamless = flag();
    else if (name == "hires_fix")
      picture.hires_fix = flag();
    else if (name == "fit")
      picture.fit = flag();
    else
      return false;
    return true;
  }

  bool take_text(std::string_view name, const SettingValue& value) {
    ImageMetadata& picture = finding_.picture();
    const auto* text = std::get_if<std::string>(&value);
    if (text == nullptr) return false;
    if (name == "sampler_name")
      picture.sampler = *text;
    else if (name == "init_img")
      picture.init_image = *text;
    else if (name == "init_mask")
      picture.init_mask = *text;
    else if (name == "init_color")
      picture.init_color = *text;
    else if (name == "facetool")
      picture.facetool = *text;
    else if (name == "negative_prompt")
      picture.negative_prompt = *text;
    else if (name == "with_variations")
      take_variations(*text);
    else
      return false;
    return true;
  }

  bool take_list(std::string_view name, const SettingValue& value) {
    ImageMetadata& picture = finding_.picture();
    if (const auto* words = std::get_if<Words>(&value)) {
      std::size_t at = 0;
      if (name == "text_mask") {
        picture.text_mask = *words;
      } else if (name == "outcrop") {
        while (at < words->size()) picture.outcrop.push_back(outcrop_of(*words, at));
      } else if (name == "out_direction" && !words->empty()) {
        picture.out_direction = outcrop_of(*words, at);
      } else {
        return false;
      }
      return true;
    }
    const auto* numbers = std::get_if<std::vector<double>>(&value);
    if (numbers == nullptr || numbers->empty()) return false;
    if (name == "upscale") {
      picture.upscale = Upscale{numbers->front(), std::nullopt};
      if (numbers->size() > 1) picture.upscale->strength = (*numbers)[1];
    } else if (name == "embiggen") {
      picture.embiggen = *numbers;
    } else if (name == "embiggen_tiles") {
      for (const double tile : *numbers)
        picture.embiggen_tiles.push_back(static_cast<int>(std::min(tile, 1e6)));
    } else {
      return false;
    }
    return true;
  }

  void take_variations(std::string_view list) {
    while (!list.empty()) {
      const std::size_t end = std::min(list.find(','), list.size());
      const std::string_view pair = list.substr(0, end);
      const std::size_t colon = std::min(pair.find(':'), pair.size());
      finding_.variation(std::string(pair.substr(0, colon)),
                         std::string(pair.substr(std::min(colon + 1, pair.size()))));
      list.remove_prefix(std::min(end + 1, list.size()));
    }
  }

  Finding& finding_;
};

/// InvokeAI 2.3.2 and later name the model in a comment.
void take_model_comment(std::string_view switches, Finding& finding) {
  constexpr std::string_view kMark = "# model_id=";
  const std::size_t at = switches.rfind(kMark);
  if (at == switches.npos) return;
  const std::string_view name = switches.substr(at + kMark.size());
  finding.app().model_id = name.substr(0, name.find(' '));
}

}  // namespace

std::optional<DreamPrompt> read_dream(std::string_view dream, Finding& finding) {
  const std::string clean = without_controls(dream);
  std::string_view line = strip_blanks(clean);
  if (line.starts_with("!dream ")) line = strip_blanks(line.substr(7));
  const bool fixed = line.starts_with("!fix ");
  if (fixed) line = strip_blanks(line.substr(5));
  if (line.empty() || line.starts_with('!')) return std::nullopt;
  DreamPrompt prompt;
  if (const auto at = find_normal_switches(line)) {
    prompt.raw = strip_blanks(line.substr(0, *at));
    prompt.text = unquoted(prompt.raw);
    take_model_comment(line.substr(*at), finding);
    SwitchReader(finding).read(lenient_words(line.substr(*at)));
  } else if (auto split = split_prompt_line(line)) {
    prompt.raw = prompt.text = std::move(split->prompt);
    SwitchReader(finding).read(split->words);
  } else {
    prompt.raw = prompt.text = line;
    finding.lose("the command is not understood: {}", split.error().message);
  }
  if (!fixed) return prompt;
  finding.lose("it was made with !fix out of {}, whose prompt is not stored with the command",
               in_quotes(prompt.text));
  return DreamPrompt{};
}

}  // namespace invokeai::image
