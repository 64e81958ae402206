#include "cli/metadata_program.h"

#include <nlohmann/json.hpp>
#include <optional>

#include "base/file.h"
#include "base/settings.h"
#include "cli/console.h"
#include "image/python_text.h"
#include "image/read_metadata.h"
#include "image/write_metadata.h"

namespace invokeai::cli {
namespace {

constexpr std::string_view kHelp =
    "usage: invokeai-metadata [--json | --line] FILE...\n"
    "       invokeai-metadata --write FORM [--output NEW.png] FILE.png...\n"
    "\n"
    "Tells how pictures were made: PNG, JPEG and WebP by InvokeAI, AUTOMATIC1111 and ComfyUI.\n"
    "\n"
    "  --json         one JSON object a picture, each on a line\n"
    "  --line         only the command for the invoke> line\n"
    "  --write FORM   store it as dream (InvokeAI 2), invokeai (3 to 6) or a1111 as well; texts "
    "of\n"
    "                 the same names are replaced, the pixels stay as they are\n"
    "  --output FILE  write there in place of the file itself\n"
    "  -h, --help     show this page\n";

enum class Report { readable, json, line };

struct Options {
  Report report = Report::readable;
  std::optional<image::MetadataForm> form;
  std::optional<fs::path> output;
  std::vector<fs::path> files;
  bool help = false;
};

Result<Options> parse(const std::vector<std::string>& arguments) {
  const auto mistake = [](const std::string& what) {
    return fail(ErrorCode::invalid_argument, "", "{}; --help explains", what);
  };
  Options options;
  bool only_files = false;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const std::string& word = arguments[i];
    const bool takes_value = word == "--write" || word == "--output";
    if (only_files || !word.starts_with('-')) {
      options.files.emplace_back(word);
    } else if (takes_value && i + 1 == arguments.size()) {
      return mistake("a value is missing behind " + word);
    } else if (word == "--write") {
      options.form = image::metadata_form(arguments[++i]);
      if (!options.form)
        return mistake("--write takes dream, invokeai or a1111, not " + shown(arguments[i]));
    } else if (word == "--output") {
      options.output = arguments[++i];
    } else if (word == "--json") {
      options.report = Report::json;
    } else if (word == "--line") {
      options.report = Report::line;
    } else if (word == "--help" || word == "-h") {
      options.help = true;
    } else if (word == "--") {
      only_files = true;
    } else {
      return mistake("there is no switch " + shown(word));
    }
  }
  if (options.help) return options;
  if (options.files.empty()) return mistake("no file is given");
  if (options.output && (!options.form || options.files.size() > 1))
    return mistake("--output goes with --write and one file");
  return options;
}

void print_readable(const image::FoundMetadata& found, const fs::path& file, std::ostream& out) {
  out << printable(file.string()) << "\n  made by: " << printable(found.software) << '\n';
  if (found.app && found.app->model_id)
    out << "  model:   " << printable(*found.app->model_id) << '\n';
  if (found.app && found.app->model_hash)
    out << "  hash:    " << printable(*found.app->model_hash) << '\n';
  out << "  command: " << printable(image::recall_command(found)) << '\n';
  for (const std::string& line : found.lost) out << "  lost:    " << printable(line) << '\n';
}

void print_json(const image::FoundMetadata& found, const fs::path& file, std::ostream& out) {
  const image::AppMetadata app = found.app.value_or(image::AppMetadata{"", "", {}, {}});
  nlohmann::ordered_json json = {{"file", file.string()},
                                 {"software", found.software},
                                 {"command", image::recall_command(found)}};
  json["metadata"] =
      nlohmann::ordered_json::parse(image::sd_metadata_json(found.picture, app), nullptr, false);
  json["lost"] = found.lost;
  out << image::python_json(json) << '\n';
}

Result<> write(const std::vector<image::FoundMetadata>& found, const Options& options,
               const fs::path& file, std::ostream& out) {
  std::vector<image::ImageMetadata> pictures;
  for (const auto& each : found) pictures.push_back(each.picture);
  image::AppMetadata app;  // these texts are of our making, only the model is the finder's
  if (found.front().app) {
    app.model_id = found.front().app->model_id;
    app.model_hash = found.front().app->model_hash;
  }
  const auto written = image::as_texts(pictures, app, *options.form);
  const fs::path target = options.output.value_or(file);
  TRY_VOID(image::write_png_texts(file, target, written.texts));
  out << "wrote " << printable(target.string()) << '\n';
  for (const std::string& line : written.lost) out << "  lost:    " << printable(line) << '\n';
  return {};
}

Result<> run_file(const Options& options, const fs::path& file, std::ostream& out) {
  TRY_ASSIGN(const std::string bytes, read_file(file));
  TRY_ASSIGN(const auto found, image::read_metadata(bytes));
  if (options.form) return write(found, options, file, out);
  for (const image::FoundMetadata& each : found) {
    if (options.report == Report::line) out << printable(image::recall_command(each)) << '\n';
    if (options.report == Report::json) print_json(each, file, out);
    if (options.report == Report::readable) print_readable(each, file, out);
  }
  return {};
}

}  // namespace

int run_metadata(const std::vector<std::string>& arguments, std::ostream& out,
                 std::ostream& errors) {
  const auto options = parse(arguments);
  if (!options) {
    errors << "error: " << options.error().message << '\n';
    return 2;
  }
  if (options->help) {
    out << kHelp;
    return 0;
  }
  int status = 0;
  for (const fs::path& file : options->files)
    if (const auto done = run_file(*options, file, out); !done) {
      errors << "error: " << printable(file.string()) << ": " << printable(done.error().message)
             << '\n';
      status = 1;
    }
  return status;
}

}  // namespace invokeai::cli
