#include "cli/launch.h"

#include <algorithm>
#include <cstdlib>

#include "base/command_line.h"

namespace invokeai::cli {
namespace {

/// The words of a file, each line split on its own so that a lost quote costs one line only.
Result<std::vector<std::string>> words_of_file(const fs::path& path) {
  TRY_ASSIGN(const std::string text, read_file(path, std::size_t{1} << 20));
  std::vector<std::string> words;
  int number = 1;
  for (std::size_t start = 0; start < text.size(); ++number) {
    const std::size_t end = std::min(text.find('\n', start), text.size());
    auto line = shell_words(std::string_view(text).substr(start, end - start));
    if (!line)
      return fail(ErrorCode::bad_file, "", "{}, line {}: {}", shown(path.string()), number,
                  line.error().message);
    words.insert(words.end(), line->begin(), line->end());
    start = end + 1;
  }
  return words;
}

/// Replaces each @file by the words of that file. A prompt in one word with blanks may begin with
/// @.
Result<std::vector<std::string>> with_files(std::span<const std::string> arguments) {
  std::vector<std::string> words;
  for (const std::string& word : arguments) {
    if (!word.starts_with('@') || word.find(' ') != word.npos) {
      words.push_back(word);
      continue;
    }
    TRY_ASSIGN(const auto inserted, words_of_file(word.substr(1)));
    words.insert(words.end(), inserted.begin(), inserted.end());
  }
  return words;
}

fs::path home(const Environment& environment) { return environment("HOME"); }

fs::path root_folder(const SettingValues& values, const Environment& environment) {
  fs::path root = values.text("root_dir");
  if (root.empty()) root = environment("INVOKEAI_ROOT");
  if (const std::string venv = environment("VIRTUAL_ENV"); root.empty() && !venv.empty())
    root = fs::path(venv).lexically_normal().parent_path();
  if (root.empty()) root = home(environment) / "invokeai";
  return fs::absolute(root).lexically_normal();
}

/// The init file to read, if there is one.
std::optional<fs::path> find_init_file(Launch& launch, const Environment& environment) {
  std::error_code ignored;
  if (const fs::path file = launch.root / "invokeai.init"; fs::exists(file, ignored)) return file;
  const fs::path old = home(environment) / ".invokeai";
  if (!fs::is_regular_file(old, ignored)) return std::nullopt;
  launch.notices.push_back(fmt::format("{} is deprecated; move it to {}", old.string(),
                                       (launch.root / "invokeai.init").string()));
  return old;
}

Result<SettingValues> read_init_file(Launch& launch, const fs::path& file) {
  TRY_ASSIGN(const auto words, words_of_file(file));
  auto parsed = parse_words(words, WordsFrom::init_file);
  if (!parsed)
    return fail(parsed.error().code, "", "in {}: {}", file.string(), parsed.error().message);
  if (!parsed->free_words.empty())
    return fail(ErrorCode::invalid_argument, "", "in {}: {} is neither a switch nor its value",
                file.string(), shown(parsed->free_words.front()));
  launch.notices.insert(launch.notices.end(), parsed->notices.begin(), parsed->notices.end());
  // What can only be refused on the command line must not lock the user out here.
  if (parsed->refused)
    launch.notices.push_back(fmt::format("in {}: {}", file.string(), parsed->refused->message));
  if (parsed->values.has("root_dir"))
    launch.notices.push_back(
        fmt::format("--root_dir in {} has no effect: the file was found through the root folder",
                    file.string()));
  for (const char* name : {"root_dir", "help", "version", "dump_prompt"})
    parsed->values.erase(name);
  return std::move(parsed->values);
}

Result<> take_prompt(Launch& launch, ParsedWords& parsed) {
  if (parsed.free_words.size() > 1)
    return fail(ErrorCode::invalid_argument, "",
                "left-over words {}: put the whole prompt in quotes, as in invokeai \"a red star\"",
                shown(fmt::format("{}", fmt::join(std::span(parsed.free_words).subspan(1), " "))));
  if (!parsed.free_words.empty()) launch.prompt = parsed.free_words.front();
  if (parsed.values.has("prompt")) launch.prompt = parsed.values.text("prompt");
  parsed.values.erase("prompt");
  if (launch.prompt && parsed.values.has("from_file"))
    return fail(ErrorCode::invalid_argument, "",
                "a prompt and --from_file exclude each other; give one of them");
  return {};
}

bool is_device(std::string_view name) {
  if (name == "auto" || name == "cpu" || name == "cuda" || name == "mps") return true;
  if (!name.starts_with("cuda:") || name.size() == 5 || name.size() > 8) return false;
  return std::ranges::all_of(name.substr(5), [](char c) { return c >= '0' && c <= '9'; });
}

}  // namespace

std::string process_environment(const char* name) {
  const char* value = std::getenv(name);
  return value != nullptr ? value : "";
}

Result<Launch> read_launch(std::span<const std::string> arguments, const Environment& environment) {
  Launch launch;
  TRY_ASSIGN(const auto words, with_files(arguments));
  TRY_ASSIGN(ParsedWords parsed, parse_words(words, WordsFrom::shell));
  if (parsed.values.flag("help") || parsed.values.flag("version")) {
    launch.values = std::move(parsed.values);
    return launch;
  }
  if (parsed.refused) return tl::make_unexpected(std::move(*parsed.refused));
  TRY_VOID(take_prompt(launch, parsed));
  launch.root = root_folder(parsed.values, environment);
  if (const auto file = find_init_file(launch, environment)) {
    launch.notices.push_back(fmt::format("settings from {}", file->string()));
    TRY_ASSIGN(launch.values, read_init_file(launch, *file));
  }
  launch.notices.insert(launch.notices.end(), parsed.notices.begin(), parsed.notices.end());
  launch.values.merge(parsed.values);
  if (const auto models = launch.values.integer("max_loaded_models"); models < 1)
    launch.notices.push_back(
        fmt::format("--max_loaded_models {}: the model that draws is kept all the same", models));
  std::error_code ignored;
  launch.root_ready = fs::exists(launch.root / "invokeai.init", ignored) ||
                      fs::exists(launch.root / "configs" / "models.yaml", ignored);
  return launch;
}

Result<pipeline::EngineOptions> engine_options(const SettingValues& values) {
  pipeline::EngineOptions options;
  options.device = values.text("device");
  options.precision = values.text("precision");
  options.max_memory = values.real("max_memory");
  options.deterministic = !values.flag("xformers");
  options.verbose = values.flag("verbose");
  options.max_loaded_models =
      static_cast<int>(std::clamp<std::int64_t>(values.integer("max_loaded_models"), 1, 100));
  if (!is_device(options.device))
    return fail(ErrorCode::invalid_argument, "",
                "--device takes one of auto, cpu, cuda, cuda:N, mps, not {}",
                shown(options.device));
  if (values.flag("always_use_cpu")) {
    if (options.device != "auto" && options.device != "cpu")
      return fail(ErrorCode::invalid_argument, "",
                  "--always_use_cpu and --device {} contradict each other; leave one out",
                  options.device);
    options.device = "cpu";
  }
  if (values.flag("full_precision")) {
    if (options.precision != "auto" && options.precision != "float32")
      return fail(ErrorCode::invalid_argument, "",
                  "--full_precision and --precision {} contradict each other; leave one out",
                  options.precision);
    options.precision = "float32";
  }
  return options;
}

namespace {

Result<fs::path> demo_model(const Environment& environment, const fs::path& program_folder) {
  if (const std::string path = environment("INVOKEAI_DEMO_MODEL"); !path.empty()) {
    if (fs::exists(path)) return fs::absolute(path);
    return fail(ErrorCode::not_found, "", "INVOKEAI_DEMO_MODEL names {}, which does not exist",
                shown(path));
  }
  const fs::path installed = (program_folder / "../share/invokeai/models/demo").lexically_normal();
  const fs::path in_sources = (program_folder / "../../../models/demo").lexically_normal();
  for (const fs::path& path : {installed, in_sources})
    if (fs::exists(path)) return path;
  return fail(ErrorCode::not_found, "",
              "the demo model is missing (looked for {}); name a model with --model <folder or "
              "file>",
              installed.string());
}

}  // namespace

std::vector<fs::path> bundled_models(const Environment& environment,
                                     const fs::path& program_folder) {
  std::vector<fs::path> models;
  const auto demo = demo_model(environment, program_folder);
  if (!demo) return models;
  std::error_code ignored;
  for (const fs::directory_entry& entry : fs::directory_iterator(demo->parent_path(), ignored))
    if (entry.path() == *demo || (entry.path().filename().string().starts_with("demo-") &&
                                  fs::exists(entry.path() / "model_index.json", ignored)))
      models.push_back(entry.path());
  std::ranges::sort(models);
  return models;
}

Result<ModelChoice> choose_model(const Launch& launch, const Environment& environment,
                                 const fs::path& program_folder) {
  const std::string wanted = launch.values.text("model");
  const fs::path models = launch.root / "models";
  if (wanted.empty()) {
    TRY_ASSIGN(const fs::path demo, demo_model(environment, program_folder));
    return ModelChoice{
        demo, launch.root_ready
                  ? fmt::format("no --model given, so the demo model draws; others: --model "
                                "<folder or file>, or a name below {}",
                                models.string())
                  : fmt::format("the root folder {} is not set up, so the demo model draws; to use "
                                "another: --model <folder or file>, or put it into {} and give its "
                                "name",
                                launch.root.string(), models.string())};
  }
  std::error_code ignored;
  for (const fs::path& path : {fs::path(wanted), models / wanted,
                               models / (wanted + ".safetensors"), models / (wanted + ".ckpt")})
    if (fs::exists(path, ignored)) return ModelChoice{fs::absolute(path).lexically_normal(), ""};
  for (const fs::path& model : bundled_models(environment, program_folder))
    if (model.filename() == wanted) return ModelChoice{model, ""};
  return fail(ErrorCode::not_found, "",
              "there is no model {}: no such folder or file here, none of that name in {}, "
              "and none came with the program",
              shown(wanted), models.string());
}

}  // namespace invokeai::cli
