// The session's commands that begin with "!".

#include <algorithm>
#include <fstream>

#include "base/paths.h"
#include "cli/fetch.h"
#include "cli/launch.h"
#include "cli/prompts.h"
#include "cli/session.h"
#include "jobs/fix.h"
#include "jobs/text_mask.h"

namespace invokeai::cli {
namespace {

Error needs(std::string_view command, std::string_view what, std::string_view instead) {
  return {ErrorCode::unsupported, "",
          fmt::format("{} needs {}, which this version does not have{}", command, what, instead)};
}

Error unknown_command(std::string_view name) {
  return {ErrorCode::invalid_argument, "",
          fmt::format("there is no command {}; there are {} and !N; -h explains them", shown(name),
                      fmt::join(command_names(), " "))};
}

/// Prompt and switches of a line whose "prompt" is a file name; what the switches need is left
/// unsaid, so that the file can be looked for first.
struct FileLine {
  std::string file;
  ParsedWords switches;
};

Result<FileLine> parse_file_line(std::string_view command, std::string_view rest, WordsFrom from) {
  TRY_ASSIGN(SplitLine split, split_prompt_line(rest));
  if (!rest.starts_with('"')) {  // completion writes "my\ picture.png"
    TRY_ASSIGN(const auto words, shell_words(split.prompt));
    split.prompt = fmt::format("{}", fmt::join(words, " "));
  }
  if (split.prompt.empty())
    return fail(ErrorCode::invalid_argument, "", "{} wants a picture: {} FILE, then switches",
                command, command);
  TRY_ASSIGN(ParsedWords parsed, parse_words(split.words, from));
  if (!parsed.free_words.empty())
    return fail(ErrorCode::invalid_argument, "",
                "left-over words {}: behind the file stand only switches and their values",
                shown(fmt::format("{}", fmt::join(parsed.free_words, " "))));
  return FileLine{std::move(split.prompt), std::move(parsed)};
}

std::vector<std::string> texts_of(const std::vector<std::uint32_t>& seeds) {
  std::vector<std::string> texts;
  for (const std::uint32_t seed : seeds) texts.push_back(fmt::format("{}", seed));
  return texts;
}

bool has_ending(const fs::path& path, std::initializer_list<const char*> endings) {
  return std::any_of(endings.begin(), endings.end(),
                     [&](const char* ending) { return path.extension() == ending; });
}

}  // namespace

std::optional<int> Session::run_bang(const CommandLine& line) {
  switch (line.command) {
    case Command::fix:
      return fix(line.rest);
    case Command::mask:
      return finish(mask(line.rest));
    case Command::models:
      return fail_with(needs(shown(line.name), "the list of models",
                             "; another model: start with --model FOLDER_OR_FILE"));
    case Command::replay:
      return replay(line.rest);
    case Command::history:
      return finish(show_history());
    case Command::search:
      return finish(search_history(line.rest));
    case Command::clear:
      return finish(history_.clear());
    case Command::recall:
      return finish(recall_line(line.name.substr(1)));
    case Command::fetch:
      return finish(fetch(line.rest));
    case Command::dream:
    case Command::unknown:
      break;
  }
  return fail_with(unknown_command(line.name));
}

void Session::offer_line(const std::string& line) {
  if (reader_ == nullptr || !reader_->prefill(line)) console_.result("# " + line);
}

std::optional<int> Session::replay(std::string_view rest) {
  if (in_batch_)
    return fail_with({ErrorCode::invalid_argument, "",
                      "!replay works at the prompt only, not inside a file of commands"});
  const auto words = shell_words(rest);
  if (!words) return fail_with(words.error());
  if (words->size() != 1)
    return fail_with({ErrorCode::invalid_argument, "", "!replay wants one file: !replay FILE"});
  std::error_code ignored;
  std::ifstream file(words->front());
  if (!file.is_open() || fs::is_directory(words->front(), ignored))
    return fail_with(
        {ErrorCode::not_found, "", fmt::format("cannot read the file {}", shown(words->front()))});
  StreamReader lines(file);
  switch (run_lines(lines)) {
    case BatchEnd::quit:
      return std::nullopt;
    case BatchEnd::interrupted:
      return kInterrupted;
    case BatchEnd::end_of_file:
      break;
  }
  return 0;
}

Result<> Session::show_history() const {
  std::string text;
  for (const std::string& line : history_.search("")) text += printable(line) + "\n";
  console_.page(text.empty() ? "<empty history>\n" : text);
  return {};
}

Result<> Session::search_history(std::string_view text) {
  if (text.empty())
    return fail(ErrorCode::invalid_argument, "", "!search wants a text: !search TEXT");
  std::vector<std::string> found = history_.search(text);
  found.pop_back();  // this very command, which holds the text
  if (found.empty()) console_.info(fmt::format("no earlier command holds {}", shown(text)));
  for (const std::string& line : found) console_.result(line);
  return {};
}

Result<> Session::recall_line(std::string_view number) {
  const auto line = history_.at(number);
  if (!line)
    return fail(ErrorCode::invalid_argument, "",
                "there is no line {} in the history; !history shows lines 1 to {}", shown(number),
                history_.lines().size());
  offer_line(*line);
  return {};
}

Result<fs::path> Session::find_picture(std::string_view name) const {
  const fs::path typed{std::string(name)};
  const fs::path in_output = jobs::output_folder(defaults_, root_) / typed;
  std::error_code ignored;
  for (const fs::path& path : {typed, in_output})
    if (fs::is_regular_file(path, ignored)) return path;
  return fail(ErrorCode::not_found, "", "there is no file {}, neither here nor in {}", shown(name),
              in_output.parent_path().string());
}

Result<> Session::fetch(std::string_view rest) {
  TRY_ASSIGN(const auto words, shell_words(rest));
  if (words.size() == 2) return fetch_many(words[0], words[1]);
  if (words.size() != 1)
    return fail(ErrorCode::invalid_argument, "",
                "!fetch wants a picture, or a pattern and a file to write: !fetch FILE, !fetch "
                "'*.png' commands.txt");
  TRY_ASSIGN(const fs::path picture, find_picture(words.front()));
  TRY_ASSIGN(const Fetched fetched, fetch_commands(picture, wildcard_folder(defaults_, root_)));
  for (const std::string& lost : fetched.lost) console_.info(lost);
  if (fetched.commands.size() > 1)
    console_.info(
        fmt::format("a grid of {} pictures; this is the first of them", fetched.commands.size()));
  offer_line(fetched.commands.front());
  return {};
}

Result<> Session::fetch_many(const fs::path& pattern, const fs::path& file) {
  const auto placed = [&](const fs::path& path) {  // a bare name means the output folder
    return path.has_parent_path() ? path : jobs::output_folder(defaults_, root_) / path;
  };
  TRY_ASSIGN(const auto pictures, matching_pictures(placed(pattern)));
  if (pictures.empty())
    return fail(ErrorCode::not_found, "", "no picture matches {}; nothing is written",
                placed(pattern).string());
  std::string text;
  std::size_t commands = 0, failed = 0;
  for (const fs::path& picture : pictures) {
    const auto fetched = fetch_commands(picture, wildcard_folder(defaults_, root_));
    if (!fetched) {
      ++failed;
      console_.error(fetched.error());
      continue;
    }
    text += fmt::format("# {}\n", printable(picture.string()));
    for (const std::string& lost : fetched->lost)
      text += fmt::format("# lost: {}\n", printable(lost));
    text += fmt::format("{}\n", fmt::join(fetched->commands, "\n"));
    commands += fetched->commands.size();
  }
  TRY_VOID(write_file_atomically(placed(file), text));
  console_.info(fmt::format("{} commands of {} pictures are in {}; !replay draws them", commands,
                            pictures.size() - failed, placed(file).string()));
  return {};
}

Result<jobs::Job> Session::make_fix_job(std::string_view rest, SettingValues& values) {
  TRY_ASSIGN(FileLine line, parse_file_line("!fix", rest, WordsFrom::fix_line));
  TRY_ASSIGN(const fs::path picture, find_picture(line.file));
  if (line.switches.refused) return tl::make_unexpected(std::move(*line.switches.refused));
  for (const std::string& notice : line.switches.notices) console_.notice(notice);
  values.merge(line.switches.values);
  take_recommended(values);
  TRY_ASSIGN(jobs::Job job,
             jobs::make_fix_job(picture, values.text("new_prompt"), values, root_));
  TRY_VOID(settle(job, values));
  return job;
}

int Session::fix(std::string_view rest) {
  SettingValues values = defaults_;
  const auto job = make_fix_job(rest, values);
  return job ? run_job(*job, values) : fail_with(job.error());
}

Result<> Session::mask(std::string_view rest) {
  TRY_ASSIGN(FileLine line, parse_file_line("!mask", rest, WordsFrom::prompt_line));
  TRY_ASSIGN(const fs::path picture, find_picture(line.file));
  if (!line.switches.values.has("text_mask"))
    return fail(ErrorCode::invalid_argument, "", "!mask {} wants the words to look for: -tm TEXT",
                shown(picture.string()));
  TRY_ASSIGN(const pipeline::WordMask words,
             jobs::parse_text_mask(line.switches.values.words("text_mask")));
  SettingValues values = defaults_;
  values.merge(line.switches.values);
  const fs::path folder = jobs::output_folder(values, root_);
  TRY_VOID(jobs::check_output_folder(folder));
  TRY_ASSIGN(const auto written, jobs::write_masks(engine_, picture, words, folder));
  for (const fs::path& each : written) console_.result(printable(each.string()));
  return {};
}

CompletionSources Session::completion_sources() const {
  CompletionSources sources;
  sources.list_folder = list_folder;
  sources.root = root_;
  sources.output_folder = jobs::output_folder(defaults_, root_);
  if (const char* home = std::getenv("HOME")) sources.home = home;
  sources.seeds = texts_of(all_seeds_);
  for (const fs::path& model : bundled_models(process_environment, program_folder()))
    sources.models.push_back(model.filename().string());
  for (const FolderEntry& entry : list_folder(root_ / "models")) {
    std::error_code ignored;
    const bool folder = fs::exists(root_ / "models" / entry.name / "model_index.json", ignored);
    const bool file = !entry.is_folder && has_ending(entry.name, {".ckpt", ".safetensors"});
    if (folder || file) sources.models.push_back(entry.name);
    if (file) sources.checkpoints.push_back(entry.name);
  }
  for (const FolderEntry& entry : list_folder(root_ / defaults_.text("embedding_path")))
    if (has_ending(entry.name, {".pt", ".bin", ".safetensors"}))
      sources.triggers.push_back(fmt::format("<{}>", fs::path(entry.name).stem().string()));
  return sources;
}

}  // namespace invokeai::cli
