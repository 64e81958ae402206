#include "cli/completion.h"

#include <algorithm>
#include <optional>

#include "base/settings.h"
#include "base/utf8.h"
#include "cli/commands.h"

namespace invokeai::cli {
namespace {

using Texts = std::vector<std::string>;

constexpr std::string_view kPictures = ".png .jpg .jpeg .gif .webp";
constexpr std::string_view kCheckpoints = ".ckpt .vae .safetensors";
constexpr std::string_view kTexts = ".txt";

/// A word of the line, backslashes resolved.
struct Word {
  std::size_t begin = 0;
  std::string text;
};

/// The words before the cursor; the last is the one to complete, empty behind a blank.
std::vector<Word> words_before(std::string_view line) {
  std::vector<Word> words{{0, ""}};
  for (std::size_t at = 0; at < line.size(); ++at) {
    if (line[at] == '\\' && at + 1 < line.size()) {
      words.back().text += line[++at];
    } else if (line[at] != ' ' && line[at] != '\t') {
      words.back().text += line[at];
    } else if (words.back().text.empty()) {
      words.back().begin = at + 1;
    } else {
      words.push_back({at + 1, ""});
    }
  }
  return words;
}

/// How a word must be typed to be read as it is.
std::string typed(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == ' ' || c == '\\' || c == '"' || c == '\'') out += '\\';
    out += c;
  }
  return out;
}

std::string lower(std::string text) {
  for (char& c : text)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return text;
}

template <class Visit>
void for_each_part(std::string_view list, Visit visit) {
  while (!list.empty()) {
    const std::size_t end = std::min(list.find(' '), list.size());
    if (end > 0) visit(list.substr(0, end));
    list.remove_prefix(std::min(end + 1, list.size()));
  }
}

bool has_ending(const std::string& name, std::string_view endings) {
  bool found = false;
  for_each_part(endings, [&](auto ending) { found = found || lower(name).ends_with(ending); });
  return found;
}

/// The setting that takes a value and has this spelling; those of the prompt line come first.
const Setting* valued_setting(std::string_view spelling) {
  const Setting* found = nullptr;
  for (const Setting& setting : all_settings()) {
    if (setting.type == SettingType::flag) continue;
    for_each_part(setting.flags, [&](std::string_view flag) {
      if (flag == spelling && (found == nullptr || setting.prompt != Use::none)) found = &setting;
    });
  }
  return found;
}

class Completer {
 public:
  Completer(std::string_view line, const CompletionSources& sources)
      : sources_(sources), line_(line), words_(words_before(line)) {}

  Completion run() {
    const std::string& word = words_.back().text;
    const bool first = words_.size() == 1;
    if (first && word.starts_with('!'))
      offer(command_names(), word);
    else if (!first && words_.front().text.starts_with('!') && !word.starts_with('-') &&
             !valued_setting(words_[words_.size() - 2].text))
      argument(words_.front().text, word);
    else if (const auto* setting = first ? nullptr : valued_setting(words_[words_.size() - 2].text);
             setting != nullptr && !word.starts_with('-'))
      value(*setting, word);
    else if (word.starts_with('-'))
      switch_or_glued(word);
    else if (const auto bracket = word.rfind('<'); bracket != word.npos)
      trigger(word, bracket);
    else if (word.empty())
      offer(first ? command_names() : switches(), word);
    return finish();
  }

 private:
  /// Takes those that begin with `start`; the replaced part begins `kept` bytes into the word.
  void offer(const Texts& all, std::string_view start, std::size_t kept = 0) {
    kept_ = kept;
    start_ = start;
    for (const std::string& each : all)
      if (each.starts_with(start)) found_.push_back(each);
  }

  static Texts switches() {
    Texts all;
    for (const Setting& setting : all_settings())
      if (setting.prompt == Use::works || setting.prompt == Use::ignored)
        for (const auto list : {setting.flags, setting.off})
          for_each_part(list, [&](std::string_view flag) { all.emplace_back(flag); });
    return all;
  }

  void argument(const std::string& command, const std::string& word) {
    const auto is = [&](std::string_view name) { return command.starts_with(name); };
    if (is("!fix") || is("!mask") || is("!fetch"))
      files(word, 0, "", kPictures, true);
    else if (is("!replay"))
      files(word, 0, "", kTexts, false);
    else if (is("!import") || is("!convert"))
      files(word, 0, sources_.root, kCheckpoints, false);
    else if (is("!optimize"))
      offer(sources_.checkpoints, word);
    else if (is("!switch") || is("!edit") || is("!del"))
      offer(sources_.models, word);
    else if (is("!dream") && word.empty())
      offer(switches(), word);
  }

  void value(const Setting& setting, const std::string& word, std::size_t kept = 0) {
    const std::string start = word.substr(kept);
    if (setting.name == "model")
      offer(sources_.models, start, kept);
    else if (setting.name == "seed")
      offer(sources_.seeds, start, kept);
    else if (!setting.choices.empty())
      offer(choices_of(setting), start, kept);
    else if (setting.name == "from_file")
      files(word, kept, "", kTexts, false);
    else if (setting.name == "outdir" || setting.name == "embedding_path" ||
             setting.name == "wildcard_path")
      files(word, kept, sources_.root, "", false);
    else if (setting.type == SettingType::path)
      files(word, kept, "", kPictures, true);
  }

  /// "--outdir=pic", "-Ipic" and "-Ak_l" hold a value; other words are switches.
  void switch_or_glued(const std::string& word) {
    const std::size_t equals = word.find('=');
    if (equals != word.npos) {
      if (const Setting* setting = valued_setting(word.substr(0, equals)))
        value(*setting, word, equals + 1);
      return;
    }
    offer(switches(), word);
    if (!found_.empty() || word.starts_with("--") || word.size() < 3) return;
    if (const Setting* setting = valued_setting(word.substr(0, 2))) value(*setting, word, 2);
  }

  void trigger(const std::string& word, std::size_t bracket) {
    offer(sources_.triggers, word.substr(bracket), bracket);
    finished_with_blank_ = false;
  }

  /// Files below `base` (empty: the current folder) whose names have one of the endings, and all
  /// folders; pictures also from the output folder.
  void files(const std::string& word, std::size_t kept, const fs::path& base,
             std::string_view endings, bool in_output_folder) {
    std::string path = word.substr(kept);
    if (!sources_.home.empty() && (path == "~" || path.starts_with("~/")))
      path.replace(0, 1, sources_.home);
    const std::size_t slash = path.rfind('/');
    const std::string folder = slash == path.npos ? "" : path.substr(0, slash + 1);
    kept_ = kept;
    folder_ = typed(folder);
    start_ = path.substr(folder.size());
    add_files(base / folder, endings);
    if (in_output_folder && !folder.starts_with('/'))
      add_files(sources_.output_folder / folder, endings);
  }

  void add_files(const fs::path& folder, std::string_view endings) {
    for (const FolderEntry& entry : sources_.list_folder(folder.empty() ? "." : folder)) {
      if (!entry.name.starts_with(start_)) continue;
      if (entry.name.starts_with('.') && !start_.starts_with('.')) continue;
      if (entry.is_folder || has_ending(entry.name, endings))
        found_.push_back(entry.is_folder ? entry.name + "/" : entry.name);
    }
  }

  Completion finish() {
    std::ranges::sort(found_);
    found_.erase(std::unique(found_.begin(), found_.end()), found_.end());
    const std::size_t begin = words_.back().begin;
    Completion completion{begin, std::string(line_.substr(begin)), found_};
    if (found_.empty()) return completion;
    std::string common = found_.front();
    for (const std::string& each : found_) {
      const auto end = std::ranges::mismatch(common, each).in1;
      common.erase(end, common.end());
    }
    // A common start may end within a character.
    while (!common.empty() && !check_utf8(common)) common.pop_back();
    completion.text = typed(words_.back().text.substr(0, kept_)) + folder_ + typed(common);
    if (found_.size() == 1 && finished_with_blank_ && !common.ends_with('/'))
      completion.text += ' ';
    return completion;
  }

  const CompletionSources& sources_;
  std::string_view line_;
  std::vector<Word> words_;
  std::size_t kept_ = 0;  // bytes of the word that stay before what is completed
  std::string start_;     // what a candidate must begin with
  std::string folder_;    // stands before each candidate, as typed
  Texts found_;
  bool finished_with_blank_ = true;
};

}  // namespace

Completion complete(std::string_view line, std::size_t cursor, const CompletionSources& sources) {
  return Completer(line.substr(0, std::min(cursor, line.size())), sources).run();
}

std::vector<FolderEntry> list_folder(const fs::path& folder) {
  std::vector<FolderEntry> entries;
  std::error_code error;
  for (fs::directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) {
    std::error_code ignored;
    entries.push_back({at->path().filename().string(), at->is_directory(ignored)});
  }
  return entries;
}

std::vector<std::string> in_columns(const std::vector<std::string>& candidates, std::size_t width,
                                    std::size_t limit) {
  const std::size_t count = std::min(candidates.size(), limit);
  std::vector<std::size_t> lengths;
  for (std::size_t i = 0; i < count; ++i) lengths.push_back(decode_utf8(candidates[i]).size());
  const std::size_t cell = lengths.empty() ? 1 : *std::ranges::max_element(lengths) + 2;
  const std::size_t columns = std::max<std::size_t>(1, width / cell);
  const std::size_t rows = (count + columns - 1) / columns;
  std::vector<std::string> lines;
  for (std::size_t row = 0; row < rows; ++row) {
    std::string line;
    for (std::size_t i = row; i < count; i += rows) {
      line += candidates[i];
      if (i + rows < count) line.append(cell - lengths[i], ' ');
    }
    lines.push_back(std::move(line));
  }
  if (count < candidates.size())
    lines.push_back(fmt::format("... and {} more", candidates.size() - count));
  return lines;
}

}  // namespace invokeai::cli
