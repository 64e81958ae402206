#include "cli/gallery_program.h"

#include <charconv>
#include <cstdlib>
#include <ctime>
#include <map>
#include <optional>

#include "base/settings.h"
#include "cli/console.h"
#include "gallery/import.h"
#include "gallery/index.h"
#include "jobs/job.h"

namespace invokeai::cli {
namespace {

constexpr const char* kHelp = R"(invokeai-gallery [--outdir FOLDER] COMMAND

  reindex                 bring the index up to date with the files
  list [FILTERS]          pictures, newest first
  search WORDS [FILTERS]  pictures whose prompt holds all the words, or beginnings of words;
                          "quoted words" stand beside each other
  import FOLDER           copy the pictures of another outputs folder (InvokeAI 2.x), then reindex
  bin                     what was deleted
  bin add PATH            delete a picture
  bin restore ID          put it back where it was
  bin empty               delete for good

  --outdir -o FOLDER      the gallery; else outputs/img-samples below $INVOKEAI_ROOT or
                          ~/invokeai
  FILTERS: --kind result|grid|upload|mask|intermediate|temporary, --model NAME, --sampler NAME,
  --size WIDTHxHEIGHT, --starred, --board NAME, --limit NUMBER (50), --skip NUMBER
)";

template <class... Arguments>
tl::unexpected<Error> mistake(fmt::format_string<Arguments...> format, Arguments&&... arguments) {
  return fail(ErrorCode::invalid_argument, "", format, std::forward<Arguments>(arguments)...);
}

struct Command {
  std::vector<std::string> words;
  std::map<std::string, std::string, std::less<>> options;

  std::string option(std::string_view name) const {
    const auto found = options.find(name);
    return found == options.end() ? std::string() : found->second;
  }
};

Result<Command> read_command(const std::vector<std::string>& arguments) {
  Command command;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    std::string name = arguments[i];
    if (name == "-o") name = "--outdir";
    if (name == "-h") name = "--help";
    if (!name.starts_with("--")) {
      command.words.push_back(name);
      continue;
    }
    const auto equals = name.find('=');
    std::optional<std::string> value;
    if (equals != name.npos) {
      value = name.substr(equals + 1);
      name.resize(equals);
    }
    name.erase(0, 2);
    const bool is_flag = name == "help" || name == "starred";
    const bool takes_value = name == "outdir" || name == "kind" || name == "model" ||
                             name == "sampler" || name == "size" || name == "board" ||
                             name == "limit" || name == "skip";
    if (!is_flag && !takes_value)
      return mistake("there is no option {}; --help shows them", shown("--" + name));
    if (is_flag && value) return mistake("--{} takes no value", name);
    if (takes_value && !value) {
      if (++i == arguments.size()) return mistake("--{} needs a value", name);
      value = arguments[i];
    }
    command.options[name] = value.value_or("");
  }
  return command;
}

Result<int> read_count(const Command& command, std::string_view name, int otherwise) {
  const std::string text = command.option(name);
  if (text.empty()) return otherwise;
  int value = 0;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc() || stop != end || value < 0)
    return mistake("--{} takes a whole number of at least 0, not {}", name, shown(text));
  return value;
}

Result<> read_size(const std::string& text, gallery::GalleryFilter& filter) {
  if (text.empty()) return {};
  int width = 0, height = 0;
  const char* end = text.data() + text.size();
  const auto first = std::from_chars(text.data(), end, width);
  if (first.ec == std::errc() && first.ptr != end && *first.ptr == 'x') {
    const auto second = std::from_chars(first.ptr + 1, end, height);
    if (second.ec == std::errc() && second.ptr == end) {
      filter.width = width;
      filter.height = height;
      return {};
    }
  }
  return mistake("--size takes a size like 512x768, not {}", shown(text));
}

class Program {
 public:
  Program(const Command& command, Console& console) : command_(command), console_(console) {}

  Result<> run() {
    const auto& words = command_.words;
    const std::string& verb = words.front();
    TRY_VOID(check_words(verb, words.size() - 1));
    if (verb == "import") TRY_VOID(import_folder(words[1]));
    TRY_ASSIGN(gallery_, gallery::Gallery::open({outdir()}));
    if (verb == "reindex" || verb == "import") return reindex();
    if (verb == "bin") return words.size() == 1 ? list_bin() : change_bin();
    std::string search;
    for (std::size_t i = 1; i < words.size(); ++i) search += (i > 1 ? " " : "") + words[i];
    return list(search);
  }

 private:
  Result<> check_words(const std::string& verb, std::size_t given) const {
    if (verb == "reindex" || verb == "list") {
      if (given > 0) return mistake("{} takes no {}", verb, shown(command_.words[1]));
    } else if (verb == "search") {
      if (given == 0) return mistake("search needs words to look for");
    } else if (verb == "import") {
      if (given != 1) return mistake("import takes one folder, not {}", given);
    } else if (verb == "bin") {
      const std::string action = given > 0 ? command_.words[1] : "";
      const bool fits = given == 0 || (given == 1 && action == "empty") ||
                        (given == 2 && (action == "add" || action == "restore"));
      if (!fits) return mistake("bin stands alone or with add PATH, restore ID or empty");
    } else {
      return mistake("there is no command {}; --help shows them", shown(verb));
    }
    return {};
  }

  /// Where `invokeai` puts its pictures, unless told otherwise.
  fs::path outdir() const {
    if (const std::string given = command_.option("outdir"); !given.empty()) return given;
    if (const char* root = std::getenv("INVOKEAI_ROOT"); root != nullptr && *root != '\0')
      return jobs::output_folder({}, root);
    const char* home = std::getenv("HOME");
    return jobs::output_folder({}, fs::path(home != nullptr ? home : ".") / "invokeai");
  }

  Result<> import_folder(const std::string& source) {
    std::error_code ignored;
    fs::create_directories(outdir(), ignored);
    TRY_ASSIGN(const gallery::ImportReport report, gallery::import_outputs(source, outdir()));
    for (const std::string& problem : report.problems) console_.notice(problem);
    console_.info(fmt::format("{} copied ({} under a new name), {} there already", report.copied,
                              report.renamed, report.known));
    return {};
  }

  Result<> reindex() {
    TRY_ASSIGN(const gallery::IndexReport report, gallery_->reindex());
    for (const std::string& problem : report.problems) console_.notice(problem);
    console_.result(fmt::format("{} new, {} changed, {} gone, {} as before", report.added,
                                report.changed, report.removed, report.unchanged));
    return {};
  }

  Result<gallery::PageRequest> page_request(const std::string& search) {
    gallery::PageRequest request;
    gallery::GalleryFilter& filter = request.filter;
    filter.search = search;
    filter.model = command_.option("model");
    filter.sampler = command_.option("sampler");
    filter.starred = command_.options.contains("starred");
    if (const std::string kind = command_.option("kind"); !kind.empty()) {
      filter.kind = gallery::picture_kind_from(kind);
      if (!filter.kind) return mistake("there is no kind {}; --help shows them", shown(kind));
    }
    TRY_VOID(read_size(command_.option("size"), filter));
    if (const std::string name = command_.option("board"); !name.empty()) {
      TRY_ASSIGN(const std::vector<gallery::Board> boards, gallery_->boards());
      for (const auto& board : boards)
        if (board.name == name) filter.board = board.id;
      if (filter.board.empty())
        return fail(ErrorCode::not_found, "", "there is no board {}", shown(name));
    }
    TRY_ASSIGN(request.limit, read_count(command_, "limit", 50));
    TRY_ASSIGN(request.skip, read_count(command_, "skip", 0));
    return request;
  }

  Result<> list(const std::string& search) {
    TRY_ASSIGN(const gallery::PageRequest request, page_request(search));
    TRY_ASSIGN(const gallery::GalleryPage page, gallery_->page(request));
    for (const gallery::PictureEntry& picture : page.pictures) {
      const std::time_t time = picture.created / 1'000'000;
      std::tm parts{};
      ::localtime_r(&time, &parts);
      char date[32];
      std::strftime(date, sizeof date, "%Y-%m-%d %H:%M:%S", &parts);
      console_.result(fmt::format("{}  {}{}  {}x{}  {}", date, picture.path,
                                  picture.starred ? " *" : "", picture.width, picture.height,
                                  printable(picture.prompt)));
    }
    if (page.more) {
      TRY_ASSIGN(const std::int64_t all, gallery_->count(request.filter));
      console_.info(fmt::format("{} of {}; --skip {} shows the next", page.pictures.size(), all,
                                request.skip + request.limit));
    }
    return {};
  }

  Result<> list_bin() {
    TRY_ASSIGN(const std::vector<gallery::BinEntry> entries, gallery_->bin());
    for (const auto& entry : entries)
      console_.result(fmt::format("{}  {}", entry.id, printable(entry.path)));
    return {};
  }

  Result<> change_bin() {
    const std::string& action = command_.words[1];
    if (action == "add") {
      TRY_ASSIGN(const gallery::BinEntry entry, gallery_->remove(command_.words[2]));
      console_.result(fmt::format("{}  {}", entry.id, printable(entry.path)));
    } else if (action == "restore") {
      TRY_ASSIGN(const gallery::PictureEntry picture, gallery_->restore(command_.words[2]));
      console_.result(printable(picture.path));
    } else {
      TRY_ASSIGN(const int count, gallery_->empty_bin());
      console_.info(fmt::format("{} deleted for good", count));
    }
    return {};
  }

  const Command& command_;
  Console& console_;
  std::unique_ptr<gallery::Gallery> gallery_;
};

int report(const Error& error, Console& console) {
  console.error(error);
  return exit_status(error.code);
}

}  // namespace

int run_gallery(const std::vector<std::string>& arguments) {
  Console console;
  const auto command = read_command(arguments);
  if (!command) return report(command.error(), console);
  if (command->options.contains("help")) {
    console.page(kHelp);
    return 0;
  }
  if (command->words.empty())
    return report({ErrorCode::invalid_argument, "", "a command is missing; --help shows them"},
                  console);
  if (auto done = Program(*command, console).run(); !done) return report(done.error(), console);
  return 0;
}

}  // namespace invokeai::cli
