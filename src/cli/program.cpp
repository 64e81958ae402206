#include "cli/program.h"

#include <unistd.h>

#include <fstream>
#include <iostream>

#include "base/paths.h"
#include "cli/launch.h"
#include "cli/prompts.h"
#include "cli/session.h"
#include "image/metadata.h"

namespace invokeai::cli {
namespace {

constexpr int kUnreadable = 255;

/// A mistake in what was typed is 2, whatever kind it is; a broken init file 255 (cli spec 1.5).
int launch_status(const Error& error) {
  return error.code == ErrorCode::bad_file ? kUnreadable : 2;
}

/// Everything that can be found wrong before the model is loaded.
Result<> check_early(const Launch& launch) {
  if (launch.prompt) {
    TRY_ASSIGN(const jobs::Job job, jobs::make_job(*launch.prompt, launch.values, launch.root));
    return jobs::check_output_folder(job.output.folder);
  }
  return jobs::check_output_folder(jobs::output_folder(launch.values, launch.root));
}

Result<std::unique_ptr<pipeline::Engine>> load(const Launch& launch, Console& console) {
  TRY_ASSIGN(pipeline::EngineOptions options, engine_options(launch.values));
  TRY_ASSIGN(const ModelChoice model, choose_model(launch, process_environment, program_folder()));
  options.model_path = model.path.string();
  options.clipseg_path = (launch.root / launch.values.text("clipseg_path")).lexically_normal();
  if (!model.remark.empty()) console.info(model.remark);
  console.info(fmt::format("loading {}", options.model_path));
  TRY_ASSIGN(auto engine, pipeline::load_engine(options));
  const pipeline::ModelInfo& info = engine->model();
  console.info(fmt::format("model {} ({}) on {} in {}: {}", info.name, info.kind, info.device,
                           info.precision, info.device_reason));
  return engine;
}

/// The batch file, if one is asked for; "-" is standard input.
struct Batch {
  std::ifstream file;
  bool from_input = false;
  bool open(const std::string& path) {
    from_input = path == "-";
    if (from_input) return true;
    file.open(path);
    std::error_code ignored;
    return file.is_open() && !fs::is_directory(path, ignored);
  }
  std::istream& stream() { return from_input ? std::cin : file; }
};

int run_session(const Launch& launch, pipeline::Engine& engine, Batch& batch, Console& console) {
  if (launch.prompt)
    return Session(engine, launch.values, launch.root, console)
        .run_command({*launch.prompt, {}, {}});
  std::vector<std::string> notices;
  History history = History::open(jobs::output_folder(launch.values, launch.root), notices);
  for (const std::string& notice : notices) console.notice(notice);
  Session session(engine, launch.values, launch.root, console, std::move(history));
  if (launch.values.has("from_file")) {
    StreamReader lines(batch.stream());
    return session.run_batch(lines);
  }
  if (::isatty(STDIN_FILENO) == 0) {
    StreamReader lines(std::cin);
    return session.run_interactive(lines);
  }
  console.info("type a prompt, -h for help, q to quit");
  TerminalReader terminal(session.history(), [&](std::string_view line, std::size_t cursor) {
    return complete(line, cursor, session.completion_sources());
  });
  return session.run_interactive(terminal);
}

/// `--dump_prompt json`: needs no engine.
int run_dump(const Launch& launch, Console& console) {
  const auto text = launch.prompt
                        ? dump_prompt(*launch.prompt, launch.values, launch.root)
                        : fail(ErrorCode::invalid_argument, "",
                               "--dump_prompt wants a prompt: invokeai --dump_prompt json \"a red "
                               "star\"");
  if (!text) {
    console.error(text.error());
    return exit_status(text.error().code);
  }
  console.output(*text);
  return 0;
}

/// An unknown model is no reason not to serve: another one can be chosen in the browser.
int run_web(const Launch& launch, const ServeWeb& serve, Console& console) {
  if (launch.prompt || launch.values.has("from_file")) {
    console.error({ErrorCode::invalid_argument, "",
                   "--web and a prompt or --from_file exclude each other; give one of them"});
    return 2;
  }
  auto options = engine_options(launch.values);
  if (!options) {
    console.error(options.error());
    return exit_status(options.error().code);
  }
  const auto model = choose_model(launch, process_environment, program_folder());
  if (model) {
    options->model_path = model->path.string();
    if (!model->remark.empty()) console.info(model->remark);
  } else {
    console.notice(model.error().message);
  }
  return serve({launch.values, launch.root, *options,
                bundled_models(process_environment, program_folder())});
}

int run_guarded(const std::vector<std::string>& arguments, const ServeWeb& serve,
                Console& console) {
  const auto fail_with = [&](const Error& error, int status) {
    console.error(error);
    return status;
  };
  const auto launch = read_launch(arguments, process_environment);
  if (!launch) return fail_with(launch.error(), launch_status(launch.error()));
  if (launch->values.flag("help")) {
    console.page(help_page(HelpPage::launch));
    return 0;
  }
  if (launch->values.flag("version")) {
    console.result("InvokeAI " + image::AppMetadata().app_version);
    return 0;
  }
  for (const std::string& notice : launch->notices) console.notice(notice);
  for (const char* obsolete : {"laion400m", "weights"})
    if (launch->values.has(obsolete))
      return fail_with({ErrorCode::invalid_argument, "",
                        fmt::format("--{} is obsolete; name the model with --model", obsolete)},
                       kUnreadable);
  if (launch->values.has("dump_prompt")) return run_dump(*launch, console);
  if (auto ok = check_early(*launch); !ok)
    return fail_with(ok.error(), exit_status(ok.error().code));
  if (launch->values.flag("web")) return run_web(*launch, serve, console);
  Batch batch;
  if (const std::string path = launch->values.text("from_file"); !path.empty() && !batch.open(path))
    return fail_with(
        {ErrorCode::not_found, "", fmt::format("cannot read the batch file {}", shown(path))},
        kUnreadable);
  auto engine = load(*launch, console);
  if (!engine) return fail_with(engine.error(), exit_status(engine.error().code));
  return run_session(*launch, **engine, batch, console);
}

}  // namespace

int run(const std::vector<std::string>& arguments, const ServeWeb& serve) {
  Console console;
  try {
    return run_guarded(arguments, serve, console);
  } catch (const std::exception& exception) {
    // Outside of drawing, where the worker stands guard, only the system can fail like this.
    console.error({ErrorCode::internal, "", exception.what()});
    return 1;
  }
}

}  // namespace invokeai::cli
