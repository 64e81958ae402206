#include "gallery/watcher.h"

#include <cerrno>
#include <condition_variable>
#include <map>
#include <mutex>
#include <set>
#include <stop_token>
#include <thread>
#include <utility>

#ifdef __linux__
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <unistd.h>
#endif

namespace invokeai::gallery {
namespace {

class Poller final : public FolderWatcher {
 public:
  Poller(std::chrono::milliseconds every, Changed changed)
      : thread_([=](const std::stop_token& stop) {
          std::mutex mutex;
          std::condition_variable_any never;
          std::unique_lock lock(mutex);
          while (!never.wait_for(lock, stop, every, [] { return false; }) && !stop.stop_requested())
            changed({});
        }) {}
  bool told_by_system() const override { return false; }

 private:
  std::jthread thread_;
};

#ifdef __linux__

class Inotify final : public FolderWatcher {
 public:
  Inotify(fs::path root, std::chrono::milliseconds settle, Changed changed)
      : root_(std::move(root)), settle_(settle), changed_(std::move(changed)) {}
  ~Inotify() override {
    if (thread_.joinable()) {
      const std::uint64_t one = 1;
      [[maybe_unused]] const ssize_t put = ::write(stop_, &one, sizeof one);
      thread_.join();
    }
    ::close(inotify_);
    ::close(stop_);
  }

  /// False when the system has no watch for a folder.
  bool start() {
    inotify_ = ::inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    stop_ = ::eventfd(0, EFD_CLOEXEC);
    if (inotify_ < 0 || stop_ < 0 || !add("")) return false;
    thread_ = std::thread([this] { run(); });
    return true;
  }
  bool told_by_system() const override { return true; }

 private:
  static bool is_hidden(std::string_view name) { return name.starts_with('.'); }

  /// Watches a folder and those in it. A file that comes before its folder is watched is not lost:
  /// the folder itself is reported as changed.
  bool add(const std::string& path) {
    const fs::path folder = path.empty() ? root_ : root_ / path;
    const int watch = ::inotify_add_watch(
        inotify_, folder.c_str(),
        IN_CLOSE_WRITE | IN_MOVED_FROM | IN_MOVED_TO | IN_DELETE | IN_CREATE | IN_ONLYDIR);
    if (watch < 0) return errno == ENOENT || errno == ENOTDIR;
    folders_[watch] = path;
    std::error_code error;
    for (fs::directory_iterator entry(folder, error), end; !error && entry != end;
         entry.increment(error)) {
      const std::string name = entry->path().filename().string();
      if (is_hidden(name) || !entry->is_directory(error) || entry->is_symlink(error)) continue;
      if (!add(path.empty() ? name : path + "/" + name)) return false;
    }
    return true;
  }

  void run() {
    while (true) {
      pollfd watched[2] = {{inotify_, POLLIN, 0}, {stop_, POLLIN, 0}};
      const int wait = pending_.empty() && !anything_ ? -1 : static_cast<int>(settle_.count());
      const int ready = ::poll(watched, 2, wait);
      if ((watched[1].revents & POLLIN) != 0) return;
      if (ready == 0) report();
      if ((watched[0].revents & POLLIN) != 0) read_events();
    }
  }

  void report() {
    const std::vector<std::string> paths(pending_.begin(), pending_.end());
    pending_.clear();
    const bool anything = std::exchange(anything_, false);
    changed_(anything ? std::vector<std::string>() : paths);
  }

  void read_events() {
    alignas(inotify_event) char buffer[16 << 10];
    for (ssize_t got; (got = ::read(inotify_, buffer, sizeof buffer)) > 0;)
      for (ssize_t at = 0; at < got;) {
        const auto* event = reinterpret_cast<const inotify_event*>(buffer + at);
        take(*event);
        at += static_cast<ssize_t>(sizeof(inotify_event)) + event->len;
      }
  }

  void take(const inotify_event& event) {
    if ((event.mask & IN_Q_OVERFLOW) != 0) anything_ = true;
    const auto folder = folders_.find(event.wd);
    if (folder == folders_.end()) return;
    if ((event.mask & IN_IGNORED) != 0) {
      folders_.erase(folder);
      return;
    }
    const std::string name = event.len > 0 ? event.name : "";
    const bool is_folder = (event.mask & IN_ISDIR) != 0;
    if (name.empty() || is_hidden(name)) return;
    // A new file is told of when it is closed, a linked one (no bytes follow) at once: both are
    // reported, and the index opens it once or twice.
    const std::string path = folder->second.empty() ? name : folder->second + "/" + name;
    if (is_folder && (event.mask & (IN_CREATE | IN_MOVED_TO)) != 0 && !add(path)) anything_ = true;
    pending_.insert(path);
  }

  const fs::path root_;
  const std::chrono::milliseconds settle_;
  const Changed changed_;
  int inotify_ = -1;
  int stop_ = -1;
  // Of the thread:
  std::map<int, std::string> folders_;  // by watch
  std::set<std::string> pending_;
  bool anything_ = false;
  std::thread thread_;
};

#endif

}  // namespace

std::unique_ptr<FolderWatcher> watch_folder(const fs::path& root, const WatchOptions& options,
                                            FolderWatcher::Changed changed) {
#ifdef __linux__
  if (!options.poll) {
    auto watcher = std::make_unique<Inotify>(root, options.settle, changed);
    if (watcher->start()) return watcher;
  }
#endif
  return std::make_unique<Poller>(options.poll_every, std::move(changed));
}

}  // namespace invokeai::gallery
