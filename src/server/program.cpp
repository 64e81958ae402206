#include "server/program.h"

#include <fmt/chrono.h>

#include <atomic>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <mutex>
#include <thread>

#include "jobs/job.h"
#include "server/api.h"
#include "server/dialects.h"
#include "server/http_server.h"
#include "server/internal/service.h"
#include "server/legacy.h"
#include "server/static_page.h"
#include "server/views.h"

namespace invokeai::server {
namespace {

using namespace std::chrono_literals;

/// How long a picture may be finished after SIGTERM; systemd kills after 90 s.
constexpr auto kPatience = 30s;

/// Lines for journals and people: time, then key=value pairs. From any thread.
class Log {
 public:
  void line(std::string_view level, std::string_view message) {
    const auto now = std::chrono::time_point_cast<std::chrono::milliseconds>(
        std::chrono::system_clock::now());
    const std::time_t seconds = std::chrono::system_clock::to_time_t(now);
    std::string quoted;
    for (const char c : message) {
      if (c == '"' || c == '\\') quoted += '\\';
      quoted += static_cast<unsigned char>(c) < ' ' ? ' ' : c;
    }
    const std::string text = fmt::format(
        "{:%FT%T}.{:03}Z level={} msg=\"{}\"\n", fmt::gmtime(seconds),
        now.time_since_epoch().count() % 1000, level, quoted);
    const std::lock_guard lock(mutex_);
    std::fputs(text.c_str(), stderr);
  }

  void access(const AccessRecord& record) {
    line("info", fmt::format("{} {} {} from {}{} {} bytes {:.1f} ms", record.method, record.path,
                             record.status, record.remote,
                             record.user.empty() ? "" : " (" + record.user + ")", record.bytes,
                             double(record.duration.count()) / 1000));
  }

 private:
  std::mutex mutex_;
};

int fail_with(const Error& error) {
  std::fprintf(stderr, "error: %s\n", error.text().c_str());
  return exit_status(error.code);
}

HttpServerOptions http_options(const SettingValues& values) {
  HttpServerOptions options;
  options.host = values.text("host");
  options.port = static_cast<std::uint16_t>(values.integer("port"));
  options.certfile = values.text("certfile");
  options.keyfile = values.text("keyfile");
  // 2.3.0 took several words or one with commas.
  for (const std::string& word : values.words("cors"))
    for (std::size_t at = 0; at < word.size();) {
      const std::size_t end = std::min(word.find(',', at), word.size());
      if (end > at) options.cors.push_back(word.substr(at, end - at));
      at = end + 1;
    }
  options.pool_threads = kWaitingPlaces + 8;
  options.hosts = values.words("allowed_hosts");
  return options;
}

AccessOptions access_options(const ServeOptions& options) {
  const char* variable = std::getenv("INVOKEAI_TOKEN");
  std::string token = options.values.text("token");
  if (token.empty() && variable != nullptr) token = variable;
  return {.file = options.root / "state" / "users.json",
          .bound = options.values.text("host"),
          .token = std::move(token),
          .open_to_all = options.values.flag("no_auth")};
}

StudioOptions studio_options(const ServeOptions& options, Log& log) {
  StudioOptions studio;
  studio.root = options.root;
  studio.output = jobs::output_folder(options.values, options.root);
  studio.worker_command = {options.program.string(), kWorkerArgument};
  studio.engine = options.engine;
  const fs::path model = options.engine.model_path;
  std::error_code ignored;
  if (!model.empty()) {
    const bool folder = fs::is_directory(model, ignored);
    studio.models.push_back({.name = (folder ? model.filename() : model.stem()).string(),
                             .description = "the model this program was started with",
                             .format = folder ? "diffusers" : "ckpt",
                             .path = model.lexically_normal(),
                             .is_default = true});
  }
  for (const fs::path& bundled : options.bundled) {
    if (fs::exists(options.root / "models" / bundled.filename(), ignored)) continue;
    studio.models.push_back({.name = bundled.filename().string(),
                             .description = "came with the program",
                             .format = "diffusers",
                             .path = bundled.lexically_normal()});
  }
  for (const auto& [name, value] : options.values.given())
    if (is_open_setting(setting(name)) || name == "wildcard_path")
      if (name != "model") studio.defaults.set(name, value);
  studio.log = [&log](const std::string& text) { log.line("info", text); };
  return studio;
}

void tell_address(const HttpServerOptions& options, std::uint16_t port) {
  const char* scheme = options.certfile.empty() ? "http" : "https";
  const bool everywhere = options.host == "0.0.0.0" || options.host == "::";
  fmt::print(">> Started the web server\n");
  if (everywhere)
    fmt::print(">> Point your browser at {}://localhost:{}, or use this machine's name or address\n",
               scheme, port);
  else
    fmt::print(">> Default host address is 127.0.0.1; use --host 0.0.0.0 to serve other machines\n"
               ">> Point your browser at {}://{}:{}\n",
               scheme, options.host.find(':') == std::string::npos ? options.host : "[" + options.host + "]", port);
  std::fflush(stdout);
}

/// Waits for a signal, giving signs of life meanwhile as long as the network answers.
int wait_for_signal(Signals& signals, HttpServer& server) {
  const auto interval = watchdog_interval().value_or(std::chrono::hours(1));
  while (true) {
    if (const auto signal = signals.wait(interval)) return *signal;
    if (server.responds(5s)) notify_service("WATCHDOG=1");
  }
}

/// The end of a second signal: the queue has the job as the worker's owner died.
void stop_studio(Studio& studio, Signals& signals, std::chrono::milliseconds patience) {
  std::atomic<bool> stopped = false;
  std::thread stopper([&] {
    studio.stop(patience);
    stopped = true;
  });
  while (!stopped)
    if (signals.wait(50ms)) std::_Exit(0);  // jobs and pictures survive that as they do a kill
  stopper.join();
}

}  // namespace

fs::path page_folder(const fs::path& program_folder) {
  std::error_code ignored;
  const char* named = std::getenv("INVOKEAI_WEB_PAGE");
  for (const fs::path& folder :
       {fs::path(named != nullptr ? named : ""), program_folder / "../share/invokeai/web",
        program_folder / "../../../web/dist"})
    if (!folder.empty() && fs::exists(folder / "index.html", ignored))
      return folder.lexically_normal();
  return {};
}

int serve(const ServeOptions& options) {
  Signals signals;
  Log log;
  const HttpServerOptions http = http_options(options.values);
  auto server = HttpServer::open(http);
  if (!server) return fail_with(server.error());
  auto access = Access::open(access_options(options));
  if (!access) return fail_with(access.error());
  auto studio = Studio::open(studio_options(options, log));
  if (!studio) return fail_with(studio.error());
  Router& router = (*server)->router();
  add_api(router, **studio, **access);
  add_operation_routes(router, **studio);
  add_dialects(router, **studio);
  const auto legacy = add_legacy(router, (*server)->sockets(), **studio);
  add_page_routes(router, **access, page_folder(options.program.parent_path()),
                  options.values.flag("web_develop"));
  (*server)->set_authenticate(
      [&](const Request& request) { return (*access)->authenticate(request); });
  const bool verbose = options.values.flag("web_verbose");
  (*server)->set_access_log([&](const AccessRecord& record) {
    (*studio)->metrics().request(record.status, record.duration);
    if (verbose || record.status >= 500) log.access(record);
  });
  (*server)->set_notes([&](const std::string& note) { log.line("warning", note); });
  (*server)->start();
  tell_address(http, (*server)->port());
  notify_service("READY=1");

  const int signal = wait_for_signal(signals, **server);
  notify_service("STOPPING=1");
  log.line("info", signal == SIGTERM ? "stopping after the picture that is being drawn"
                                     : "stopping; the job goes on at the next start");
  stop_studio(**studio, signals, signal == SIGTERM ? kPatience : 0s);
  (*server)->stop(2s);
  return 0;
}

}  // namespace invokeai::server
