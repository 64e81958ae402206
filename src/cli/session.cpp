#include "cli/session.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "base/utf8.h"
#include "cli/fetch.h"
#include "cli/interrupt.h"
#include "cli/prompts.h"
#include "cli/token_log.h"
#include "jobs/fix.h"

namespace invokeai::cli {
namespace {

std::string count_of(std::size_t count, const char* thing) {
  return fmt::format("{} {}{}", count, thing, count == 1 ? "" : "s");
}

bool is_comment(std::string_view line) { return line.starts_with('#') || line.starts_with("//"); }

}  // namespace

Session::Session(pipeline::Engine& engine, SettingValues defaults, fs::path root, Console& console,
                 History history)
    : engine_(engine),
      defaults_(std::move(defaults)),
      root_(std::move(root)),
      console_(console),
      history_(std::move(history)),
      command_number_(history_.lines().size()) {}

int Session::fail_with(const Error& error) {
  console_.error(error);
  // What this version does not do is, to a script, a switch that does not exist.
  return error.code == ErrorCode::unsupported ? 2 : exit_status(error.code);
}

Result<> Session::recall_seed(SettingValues& values) {
  if (!values.has("seed") || values.integer("seed") >= 0) return {};
  const std::int64_t back = values.integer("seed");
  const auto known = static_cast<std::int64_t>(last_seeds_.size());
  if (back < -known)
    return fail(ErrorCode::invalid_argument, "",
                "-S {} asks for an earlier seed, but the last command drew {}", back,
                count_of(last_seeds_.size(), "picture"));
  const std::int64_t seed = last_seeds_[static_cast<std::size_t>(known + back)];
  console_.info(fmt::format("reusing previous seed {}", seed));
  values.set("seed", seed);
  return {};
}

/// "-I -2" is the last but one picture of the session (2.3.0: of the last command).
Result<> Session::recall_picture(SettingValues& values) {
  const std::string typed = values.text("init_img");
  const bool number = typed.size() > 1 && typed.front() == '-' &&
                      typed.find_first_not_of("0123456789", 1) == typed.npos;
  if (!number) return {};
  std::size_t back = 0;
  std::from_chars(typed.data() + 1, typed.data() + typed.size(), back);
  if (back < 1 || back > all_pictures_.size())
    return fail(ErrorCode::invalid_argument, "",
                "-I {} asks for an earlier picture, but this session has drawn {}", typed,
                count_of(all_pictures_.size(), "picture"));
  const fs::path& picture = all_pictures_[all_pictures_.size() - back];
  console_.info(fmt::format("reusing previous picture {}", printable(picture.string())));
  values.set("init_img", picture.string());
  return {};
}

/// The prompt that the starting picture was drawn with, and in `values` how to read it. Nothing
/// where it has none; that the picture is not there is found out later.
std::string Session::stored_prompt(SettingValues& values) {
  const auto picture =
      jobs::find_picture(values.text("init_img"), jobs::output_folder(values, root_));
  if (!picture) return {};
  const auto found = stored_picture(*picture);
  if (!found) {
    console_.info(fmt::format("{} holds no prompt", printable(picture->string())));
    return {};
  }
  console_.info(fmt::format("retrieved the prompt {} from {}", shown(found->prompt),
                            printable(picture->string())));
  return jobs::take_stored_prompt(*found, values);
}

void Session::take_recommended(SettingValues& values) {
  if (const std::string told = jobs::take_recommended(values, engine_.model().recommended);
      !told.empty())
    console_.notice(told);
}

/// Chooses from {a|b} and __file__, and makes sure that the result can be stored.
Result<> Session::settle(jobs::Job& job, const SettingValues& values) {
  if (values.flag("dynamic_prompts")) {
    TRY_ASSIGN(const auto notes, settle_dynamic_prompts(job, wildcard_folder(values, root_)));
    for (const text::Note& note : notes)
      console_.notice(fmt::format("prompt, column {}: {}", note.column, note.message));
  }
  return jobs::check_output_folder(job.output.folder);
}

Result<jobs::Job> Session::make_job(std::string prompt, SettingValues& values) {
  TRY_VOID(recall_seed(values));
  TRY_VOID(recall_picture(values));
  if (prompt.empty() && values.has("init_img")) prompt = stored_prompt(values);
  take_recommended(values);
  TRY_ASSIGN(jobs::Job job, jobs::make_job(prompt, values, root_));
  TRY_VOID(settle(job, values));
  return job;
}

Result<> Session::show_tokens(const jobs::Job& job, const SettingValues& values) {
  if (!tokenizer_) {
    TRY_ASSIGN(tokenizer_, tokenizer_of(engine_.model()));
  }
  std::vector<jobs::PicturePrompt> pictures = job.pictures;
  if (pictures.empty()) pictures.push_back({job.request.prompt, job.request.negative_prompt, 0});
  const TokenLogOptions options{
      .marks = console_.likes_colours() ? TokenMarks::colours : TokenMarks::bars,
      .continued = prompts_are_continued(values)};
  for (std::size_t i = 0; i < pictures.size(); ++i) {
    const bool seen = std::any_of(pictures.begin(), pictures.begin() + i, [&](const auto& other) {
      return other.prompt == pictures[i].prompt &&
             other.negative_prompt == pictures[i].negative_prompt;
    });
    if (seen) continue;
    TRY_ASSIGN(const text::ParsedPrompt parsed, understand(pictures[i], values));
    console_.block(token_log(parsed, *tokenizer_, options));
  }
  return {};
}

jobs::JobReport Session::draw(const jobs::Job& job) {
  const std::size_t expected =
      job.output.grid ? 1 : static_cast<std::size_t>(job.request.iterations);
  std::size_t stored = 0;
  const jobs::JobEvents events{
      [&](const pipeline::StepProgress& progress) { console_.progress(progress); },
      [&](const jobs::StoredPicture& picture) {
        // The remark is a comment to the command line, so the text can be typed again as it stands.
        const std::string number = expected > 1
                                       ? fmt::format("{}.{}", command_number_ + 1, ++stored)
                                       : fmt::format("{}", command_number_ + 1);
        const bool has_comment = picture.command.find(" # ") != std::string::npos;
        console_.result(fmt::format("[{}] {}: {}{}seed {}, {:.2f} s", number, picture.path.string(),
                                    picture.command, has_comment ? "; " : " # ", picture.seed,
                                    picture.seconds));
      },
      [&](const std::string& message) { console_.notice(message); }};
  const CancelToken cancel;
  const InterruptGuard guard(cancel);
  console_.start_progress();
  jobs::JobReport report = jobs::run_job(engine_, job, events, cancel);
  console_.end_progress();
  return report;
}

int Session::run_command(const PromptCommand& command) {
  for (const std::string& notice : command.notices) console_.notice(notice);
  SettingValues values = defaults_;
  values.merge(command.values);
  const auto job = make_job(command.prompt, values);
  if (!job) return fail_with(job.error());
  return run_job(*job, values);
}

int Session::run_job(const jobs::Job& job, const SettingValues& values) {
  if (values.flag("log_tokenization"))
    if (auto ok = show_tokens(job, values); !ok) return fail_with(ok.error());
  jobs::JobReport report = draw(job);
  if (!report.pictures.empty()) {
    ++command_number_;
    last_seeds_ = std::move(report.seeds);
    all_seeds_.insert(all_seeds_.end(), last_seeds_.begin(), last_seeds_.end());
    for (const jobs::StoredPicture& picture : report.pictures)
      all_pictures_.push_back(picture.path);
    console_.info(
        fmt::format("{} in {:.2f} s", count_of(last_seeds_.size(), "picture"), report.seconds));
  }
  if (report.error) return fail_with(*report.error);
  if (report.outcome == pipeline::Outcome::completed) return 0;
  console_.info("interrupted; finished pictures are kept");
  return kInterrupted;
}

std::optional<int> Session::run_line(std::string_view line) {
  line = strip_blanks(line);
  if (line.empty() || is_comment(line)) return 0;
  if (line == "q") return std::nullopt;
  if (auto ok = check_utf8(line); !ok) return fail_with(ok.error());
  if (!line.starts_with("!history"))
    if (auto ok = history_.add(line); !ok) console_.notice(ok.error().text());
  if (line.starts_with('!')) {
    const CommandLine bang = read_command(line);
    if (bang.command != Command::dream) return run_bang(bang);
    if (bang.rest.empty())
      return fail_with({ErrorCode::invalid_argument, "", "!dream wants a prompt: !dream PROMPT"});
    line = bang.rest;
  }
  auto command = parse_prompt_line(line);
  if (!command) return fail_with(command.error());
  if (command->values.flag("help")) {
    console_.page(help_page(HelpPage::prompt) + command_help());
    return 0;
  }
  return run_command(*command);
}

int Session::run_interactive(LineReader& reader) {
  const std::string prompt = fmt::format("({}) invoke> ", printable(engine_.model().name));
  while (const auto line = reader.next(prompt)) {
    reader_ = &reader;
    if (!run_line(*line)) break;
  }
  reader_ = nullptr;
  console_.info("good-bye");
  return 0;
}

Session::BatchEnd Session::run_lines(LineReader& reader) {
  LineReader* const reader_before = std::exchange(reader_, &reader);
  in_batch_ = true;
  BatchEnd end = BatchEnd::end_of_file;
  int commands = 0, failed = 0;
  while (const auto line = reader.next("")) {
    const std::string_view command = strip_blanks(*line);
    if (command.empty() || is_comment(command)) continue;
    if (command != "q") console_.result(fmt::format("# {}", command));
    const auto status = run_line(command);
    if (!status) {
      end = BatchEnd::quit;
      break;
    }
    ++commands;
    failed += *status != 0 ? 1 : 0;
    if (*status == kInterrupted) {
      end = BatchEnd::interrupted;
      break;
    }
  }
  in_batch_ = false;
  reader_ = reader_before;
  if (end != BatchEnd::interrupted)
    console_.info(
        fmt::format("{} done, {} failed", count_of(commands - failed, "command"), failed));
  return end;
}

int Session::run_batch(LineReader& reader) {
  return run_lines(reader) == BatchEnd::interrupted ? kInterrupted : 0;
}

}  // namespace invokeai::cli
