#include "server/studio.h"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstring>
#include <deque>
#include <mutex>
#include <random>
#include <thread>

#include "base/seeds.h"
#include "gallery/outputs.h"
#include "gallery/thumbnails.h"
#include "gallery/watcher.h"
#include "image/codec.h"
#include "image/picture_size.h"
#include "jobs/sqlite_queue.h"
#include "server/canvas_pictures.h"
#include "server/internal/base64.h"
#include "server/memory_budget.h"
#include "server/views.h"
#include "text/dynamic_pair.h"

namespace invokeai::server {

using Json = nlohmann::json;
using Clock = std::chrono::steady_clock;
using Kind = jobs::WorkerEvent::Kind;

namespace {

constexpr std::size_t kMostSettledPictures = 10'000;

/// Width and height from a PNG's header; zero for anything else.
std::pair<int, int> png_size(std::string_view png) {
  if (png.size() < 24) return {0, 0};
  const auto number = [&](std::size_t at) {
    int value = 0;
    for (std::size_t i = at; i < at + 4; ++i)
      value = value << 8 | static_cast<unsigned char>(png[i]);
    return value;
  };
  return {number(16), number(20)};
}

/// How long the rest of a job will take, from how long its steps took so far.
class Remaining {
 public:
  std::optional<double> after(const std::string& job, const pipeline::StepProgress& progress) {
    const double done = progress.picture * double(progress.steps) + progress.step;
    if (job != job_ || done < first_) {
      job_ = job;
      first_ = done;
      start_ = Clock::now();
      return std::nullopt;
    }
    if (done - first_ < 2) return std::nullopt;
    const double left = progress.pictures * double(progress.steps) - done;
    const std::chrono::duration<double> spent = Clock::now() - start_;
    return spent.count() / (done - first_) * std::max(0.0, left);
  }

 private:
  std::string job_;
  double first_ = 0;
  Clock::time_point start_;
};

}  // namespace

/// Everything behind the studio, in the order it is made; `worker` and the threads go first.
struct Studio::Parts {
  explicit Parts(StudioOptions given)
      : options(std::move(given)), models(options.root, options.models), pixels(options.pixel_bytes) {}

  StudioOptions options;
  ModelList models;
  MemoryBudget pixels;
  Metrics metrics;
  std::unique_ptr<jobs::JobQueue> queue, reader;
  std::unique_ptr<gallery::Gallery> gallery;
  std::unique_ptr<Store> store;
  EventHub events;

  std::mutex engine_mutex;  ///< guards the next three
  EngineStatus engine;
  std::string active;    ///< name of the model for new jobs
  std::string previous;  ///< the one before, while `active` was never loaded

  std::unique_ptr<Thread> thread;
  CancelToken stop_indexing;
  std::thread indexer;
  std::unique_ptr<gallery::FolderWatcher> watcher;
  std::unique_ptr<jobs::WorkerHost> worker;
  std::mutex stop_mutex;  ///< one stop() at a time
  std::atomic<bool> stopping = false;
  std::shared_ptr<std::atomic<int>> waiting = std::make_shared<std::atomic<int>>(0);

  void log(const std::string& line) const {
    if (options.log) options.log(line);
  }
};

/// Turns what worker, queue and gallery tell into events, on a thread of its own, so that none of
/// them waits and all events come in one order.
class Studio::Thread {
 public:
  explicit Thread(Studio& studio) : studio_(studio), parts_(*studio.parts_) {
    if (const auto changes = parts_.reader->changes_since(0, 1)) last_seen_ = changes->revision;
    queue_changes_ = parts_.queue->subscribe([this] { wake(queue_changed_); });
    gallery_changes_ = parts_.gallery->subscribe([this] { wake(gallery_changed_); });
    thread_ = std::thread([this] { run(); });
  }

  ~Thread() {
    queue_changes_.reset();
    gallery_changes_.reset();
    wake(stopping_);
    thread_.join();
  }

  void hand_over(const jobs::WorkerEvent& event) {
    const std::lock_guard lock(mutex_);
    from_worker_.push_back(event);
    changed_.notify_one();
  }

 private:
  void wake(bool& flag) {
    const std::lock_guard lock(mutex_);
    flag = true;
    changed_.notify_one();
  }

  void run() {
    while (true) {
      std::unique_lock lock(mutex_);
      // Other programs share the queue; their changes are found by looking.
      changed_.wait_for(lock, std::chrono::seconds(1), [this] {
        return stopping_ || queue_changed_ || gallery_changed_ || !from_worker_.empty();
      });
      if (stopping_) return;
      const bool gallery_changed = std::exchange(gallery_changed_, false);
      queue_changed_ = false;
      lock.unlock();
      hear_worker();
      do {
        queue_changed_again_ = false;
        tell_queue();
      } while (queue_changed_again_);
      if (gallery_changed) publish("gallery", {{"revision", ++gallery_revision_}});
    }
  }

  void hear_worker() {
    std::deque<jobs::WorkerEvent> events;
    {
      const std::lock_guard lock(mutex_);
      events.swap(from_worker_);
    }
    for (const jobs::WorkerEvent& event : events) understand(event);
  }

  void publish(std::string name, Json data, std::string job = {}, std::int64_t revision = -1) {
    parts_.events.notify({std::move(name), std::move(job), revision, std::move(data)});
  }

  void tell_queue() {
    const auto changes = parts_.reader->changes_since(last_seen_);
    if (!changes) return trouble(changes.error());
    if (changes->revision == last_seen_) return;
    // Of too many changes the rest follows in the next round.
    const bool all = changes->complete || changes->jobs.empty();
    last_seen_ = all ? changes->revision : changes->jobs.back().revision;
    queue_changed_again_ = !all;
    // A worker tells of a picture before its job ends, and so do we.
    hear_worker();
    for (const jobs::JobRecord& job : changes->jobs) tell_job(job);
    for (const std::string& id : changes->removed)
      publish("job_removed", {{"id", id}}, id, changes->revision);
    if (auto queue = queue_view(studio_); queue && *queue != queue_) {
      queue_ = *queue;
      publish("queue", std::move(*queue));
    }
  }

  void tell_job(const jobs::JobRecord& job) {
    using enum jobs::JobState;
    if (job.finished && (job.state == completed || job.state == failed || job.state == cancelled)) {
      parts_.metrics.job_ended(jobs::job_state_name(job.state));
      forget_pictures(job);
    }
    if (auto json = view(studio_, job)) publish("job", std::move(*json), job.id, job.revision);
  }

  /// The pictures that came along with a job serve it only; a failed or cancelled one may be tried
  /// again.
  void forget_pictures(const jobs::JobRecord& job) const {
    if (job.state != jobs::JobState::completed) return;
    if (const auto request = jobs::request_from_json(job.request))
      remove_canvas(parts_.options.output, request->values.text("init_img"));
  }

  void trouble(const Error& error) {
    parts_.log(fmt::format("trouble: {}", error.text()));
  }

  void understand(const jobs::WorkerEvent& event) {
    switch (event.kind) {
      case Kind::worker_started:
        parts_.metrics.worker_started();
        parts_.log(fmt::format("worker {} started", event.pid));
        return set_engine([this](EngineStatus& engine) {
          engine = {EngineState::loading, {}, {}};
          if (parts_.active.empty())
            engine = {EngineState::failed, "no model is chosen yet; choose one of the list", {}};
        });
      case Kind::worker_ended:
        parts_.log(fmt::format("worker {} ended: {}", event.pid, event.text));
        return set_engine([](EngineStatus& engine) { engine = {}; });
      case Kind::model_loaded:
        return loaded(event.model);
      case Kind::model_failed:
        return model_failed(event.text);
      case Kind::job_started:
        parts_.log(fmt::format("job {} started", event.job));
        return;
      case Kind::progress:
        return progress(event);
      case Kind::picture:
        return picture(event);
      case Kind::message:
        return publish("message", {{"job", event.job}, {"text", event.text}}, event.job);
      case Kind::job_ended:
        parts_.log(fmt::format("job {} ended", event.job));
        return;
      case Kind::trouble:
        parts_.log(fmt::format("trouble: {}", event.text));
        return;
    }
  }

  template <class Change>
  void set_engine(Change change) {
    {
      const std::lock_guard lock(parts_.engine_mutex);
      change(parts_.engine);
    }
    publish("model", {{"model", model_view(studio_)}, {"engine", engine_view(studio_)}});
  }

  void loaded(const pipeline::ModelInfo& model) {
    parts_.log(fmt::format("model {} ({}) on {} in {}, loaded in {:.1f} s", model.name, model.kind,
                           model.device, model.precision, model.load_seconds));
    set_engine([&](EngineStatus& engine) {
      engine = {EngineState::ready, {}, model};
      parts_.previous.clear();
    });
  }

  /// Back to the model before, which certainly can be loaded.
  void model_failed(const std::string& why) {
    parts_.log(fmt::format("the model was not loaded: {}", why));
    std::string previous;
    set_engine([&](EngineStatus& engine) {
      engine = {EngineState::failed, why, {}};
      previous = std::exchange(parts_.previous, {});
      if (!previous.empty()) parts_.active = previous;
    });
    publish("message", {{"job", nullptr}, {"text", "the model was not loaded: " + why}});
    if (const auto entry = parts_.models.find(previous); !previous.empty() && entry) {
      pipeline::EngineOptions options = parts_.options.engine;
      options.model_path = entry->path.string();
      parts_.worker->load(std::move(options));
    }
  }

  void progress(const jobs::WorkerEvent& event) {
    parts_.metrics.step();
    const pipeline::StepProgress& step = event.progress;
    const auto seconds = remaining_.after(event.job, step);
    if (!event.preview_png.empty()) preview(event);
    publish("progress",
            {{"job", event.job},
             {"picture", step.picture},
             {"pictures", step.pictures},
             {"step", step.step},
             {"steps", step.steps},
             {"seconds_left", seconds ? Json(*seconds) : Json()}},
            event.job);
  }

  void preview(const jobs::WorkerEvent& event) {
    const pipeline::StepProgress& step = event.progress;
    const auto [width, height] = png_size(event.preview_png);
    const int scale = is_full_preview(event.job) ? 1 : 8;
    publish("preview",
            {{"job", event.job},
             {"picture", step.picture},
             {"step", step.step},
             {"steps", step.steps},
             {"width", width * scale},
             {"height", height * scale},
             {"image", png_data_url(event.preview_png)}},
            event.job);
  }

  /// Asked once for each job.
  bool is_full_preview(const std::string& id) {
    if (preview_job_ == id) return full_previews_;
    preview_job_ = id;
    full_previews_ = false;
    if (const auto job = parts_.reader->job(id))
      if (const auto request = jobs::request_from_json(job->request))
        full_previews_ =
            request->full_previews || request->values.integer("save_intermediates") > 0;
    return full_previews_;
  }

  void picture(const jobs::WorkerEvent& event) {
    parts_.metrics.picture(event.picture.seconds);
    const std::string name = studio_.name_of(event.picture.path);
    if (!name.empty())
      if (const auto updated = parts_.gallery->update({name}); !updated) trouble(updated.error());
    publish("picture", {{"job", event.job}, {"result", view(studio_, event.picture)}}, event.job);
  }

  Studio& studio_;
  Parts& parts_;
  std::mutex mutex_;  ///< guards what follows up to `from_worker_`
  std::condition_variable changed_;
  bool stopping_ = false, queue_changed_ = false, gallery_changed_ = false;
  std::deque<jobs::WorkerEvent> from_worker_;

  // Of the thread:
  std::int64_t last_seen_ = 0;  ///< revision of the queue
  bool queue_changed_again_ = false;
  std::int64_t gallery_revision_ = 0;
  Json queue_;
  Remaining remaining_;
  std::string preview_job_;
  bool full_previews_ = false;
  std::shared_ptr<void> queue_changes_, gallery_changes_;
  std::thread thread_;
};

Studio::Studio(StudioOptions options) : parts_(std::make_unique<Parts>(std::move(options))) {}

Studio::~Studio() { stop(std::chrono::milliseconds(0)); }

Result<std::unique_ptr<Studio>> Studio::open(StudioOptions options) {
  std::unique_ptr<Studio> studio(new Studio(std::move(options)));
  TRY_VOID(studio->start());
  return studio;
}

Result<> Studio::start() {
  Parts& parts = *parts_;
  const StudioOptions& options = parts.options;
  const fs::path state = options.root / "state";
  for (const char* folder : {"", kUploadFolder, kMaskFolder, kIntermediateFolder, kTemporaryFolder})
    TRY_VOID(jobs::check_output_folder(options.output / folder));
  TRY_VOID(jobs::check_output_folder(state));
  TRY_ASSIGN(parts.queue, jobs::open_sqlite_queue(state / "queue.db"));
  TRY_ASSIGN(parts.reader, jobs::open_sqlite_queue(state / "queue.db"));
  TRY_VOID(remove_forgotten_canvases(options.output, *parts.reader));
  TRY_ASSIGN(parts.store, Store::open(state / "server.db"));
  TRY_ASSIGN(parts.gallery, gallery::Gallery::open({options.output}));
  if (const auto entry = parts.models.at(options.engine.model_path)) parts.active = entry->name;
  parts.thread = std::make_unique<Thread>(*this);
  parts.indexer = std::thread([&parts] {
    if (const auto report = parts.gallery->reindex(parts.stop_indexing); !report)
      parts.log(fmt::format("trouble: {}", report.error().text()));
  });
  if (options.watch)
    parts.watcher =
        gallery::watch_folder(options.output, {}, [&parts](const std::vector<std::string>& paths) {
          const auto report =
              paths.empty() ? parts.gallery->reindex() : parts.gallery->update(paths);
          if (!report) parts.log(fmt::format("trouble: {}", report.error().text()));
        });
  parts.worker = std::make_unique<jobs::WorkerHost>(
      *parts.queue,
      jobs::WorkerHostOptions{
          .command = options.worker_command,
          .notes = state / "notes",
          .root = options.root,
          .engine = options.engine,
          .load_at_once = !options.engine.model_path.empty(),
          .choose_engine =
              [&parts](const jobs::JobRequest& request) -> Result<pipeline::EngineOptions> {
            pipeline::EngineOptions engine = parts.options.engine;
            if (!request.values.has("model")) return engine;
            TRY_ASSIGN(const ModelEntry entry, parts.models.find(request.values.text("model")));
            engine.model_path = entry.path.string();
            return engine;
          }},
      [thread = parts.thread.get()](const jobs::WorkerEvent& event) { thread->hand_over(event); });
  return {};
}

void Studio::stop(std::chrono::milliseconds patience) {
  Parts& parts = *parts_;
  parts.stopping = true;
  const std::lock_guard lock(parts.stop_mutex);
  // It stays, idle, as requests under way may still want another model.
  if (parts.worker != nullptr) parts.worker->stop(patience);
  parts.watcher.reset();
  parts.stop_indexing.cancel();
  if (parts.indexer.joinable()) parts.indexer.join();
  parts.thread.reset();
}

bool Studio::stopping() const { return parts_->stopping; }

std::shared_ptr<void> Studio::waiting_place() {
  const auto waiting = parts_->waiting;
  if (++*waiting > kWaitingPlaces) {
    --*waiting;
    return nullptr;
  }
  return {waiting.get(), [waiting](void*) { --*waiting; }};
}

const StudioOptions& Studio::options() const { return parts_->options; }
jobs::JobQueue& Studio::queue() { return *parts_->queue; }
jobs::JobQueue& Studio::reading() { return *parts_->reader; }
gallery::Gallery& Studio::gallery() { return *parts_->gallery; }
ModelList& Studio::models() { return parts_->models; }
Store& Studio::store() { return *parts_->store; }
Metrics& Studio::metrics() { return parts_->metrics; }

std::shared_ptr<void> Studio::subscribe(EventHub::Callback callback) {
  return parts_->events.subscribe(std::move(callback));
}

void Studio::publish(Event event) { parts_->events.notify(event); }

EngineStatus Studio::engine() const {
  const std::lock_guard lock(parts_->engine_mutex);
  return parts_->engine;
}

std::string Studio::active_model() const {
  const std::lock_guard lock(parts_->engine_mutex);
  return parts_->active;
}

Result<ModelEntry> Studio::activate_model(const std::string& name) {
  TRY_ASSIGN(ModelEntry entry, parts_->models.find(name));
  if (entry.path.empty())
    return fail(ErrorCode::unsupported, "",
                "{} names the repository {} only, and this version never goes on line; give it a "
                "folder or file in configs/models.yaml",
                name, entry.repo_id);
  pipeline::EngineOptions options = parts_->options.engine;
  options.model_path = entry.path.string();
  {
    const std::lock_guard lock(parts_->engine_mutex);
    if (parts_->active == name && parts_->engine.state == EngineState::ready) return entry;
    if (parts_->engine.state == EngineState::ready) parts_->previous = parts_->active;
    parts_->active = name;
    parts_->engine.state = EngineState::loading;
    parts_->engine.message.clear();
  }
  parts_->worker->load(std::move(options));
  publish({"model", {}, -1, {{"model", model_view(*this)}, {"engine", engine_view(*this)}}});
  return entry;
}

std::string Studio::name_of(const fs::path& file) const {
  const fs::path relative = file.lexically_normal().lexically_relative(parts_->options.output);
  const std::string name = relative.generic_string();
  return name.empty() || name == "." || name.starts_with("..") ? std::string() : name;
}

Result<fs::path> Studio::picture_file(const std::string& name) {
  return parts_->gallery->file(name);
}

namespace {

constexpr std::uint64_t kBytesPerPixel = 8;  // RGBA, and a copy of it on the way

/// What decoding takes; 0 for what is no picture, which is found out at once.
std::uint64_t decoded_bytes(std::string_view picture) {
  const auto size = image::read_picture_size(picture);
  return size ? static_cast<std::uint64_t>(size->width) * size->height * kBytesPerPixel : 0;
}

/// The bytes of a file without reading them all; empty where there is none.
std::string_view bytes_of(const std::shared_ptr<const MappedFile>& file) {
  if (!file) return {};
  return {reinterpret_cast<const char*>(file->bytes().data()), file->bytes().size()};
}

std::shared_ptr<const MappedFile> map_file(const fs::path& path) {
  if (path.empty()) return nullptr;
  auto file = MappedFile::open(path);
  return file ? *file : nullptr;
}

}  // namespace

Result<std::shared_ptr<void>> Studio::room_for(std::initializer_list<std::string_view> pictures) {
  std::uint64_t bytes = 0;
  for (const std::string_view picture : pictures) bytes += decoded_bytes(picture);
  auto room = parts_->pixels.wait_for(bytes, parts_->options.pixel_patience);
  if (room) return std::shared_ptr<void>(std::move(room));
  return fail(ErrorCode::out_of_memory, "",
              "other large pictures fill the memory for decoding; try again in some seconds");
}

Result<fs::path> Studio::thumbnail(const std::string& name) {
  TRY_ASSIGN(const fs::path file, picture_file(name));
  const fs::path cache = parts_->gallery->state() / "thumbnails";
  if (const auto known = gallery::find_thumbnail(file, cache)) return *known;
  TRY_ASSIGN(const auto room, room_for({bytes_of(map_file(file))}));
  return gallery::ensure_thumbnail(file, cache);
}

namespace {

/// ASCII letters, digits, dots, dashes and underlines; blanks become underlines (web spec 1.3).
std::string sanitised_stem(const std::string& filename) {
  std::string stem;
  const std::string base = filename.substr(filename.find_last_of("/\\") + 1);
  for (const char c : base.substr(0, base.find_last_of('.'))) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    if (plain || c == '-' || c == '_' || (c == '.' && !stem.empty())) stem += c;
    if (c == ' ') stem += '_';
  }
  stem.resize(std::min<std::size_t>(stem.size(), 100));
  return stem.empty() ? "picture" : stem;
}

const char* ending_of(image::PictureFormat format) {
  switch (format) {
    case image::PictureFormat::jpeg:
      return ".jpg";
    case image::PictureFormat::webp:
      return ".webp";
    case image::PictureFormat::png:
      break;
  }
  return ".png";
}

}  // namespace

Result<gallery::PictureEntry> Studio::add_picture(const std::string& folder,
                                                  const std::string& filename,
                                                  std::string_view bytes) {
  TRY_ASSIGN(auto room, room_for({bytes}));
  // Decoded once, so that what cannot be shown is refused now.
  if (auto decoded = image::decode_image(bytes, filename); !decoded) {
    Error error = std::move(decoded).error();
    // What comes from a client is a bad file, whatever else it may be.
    if (error.code == ErrorCode::unsupported) error.code = ErrorCode::bad_file;
    return tl::make_unexpected(std::move(error));
  }
  room = nullptr;
  const char* ending = ending_of(*image::detect_format(bytes));
  for (int attempt = 0; attempt < 10; ++attempt) {
    const std::string base =
        fmt::format("{}.{:08x}{}", sanitised_stem(filename), random_seed(), ending);
    const std::string name = folder.empty() ? base : folder + "/" + base;
    TRY_ASSIGN(const bool written,
               gallery::write_output(parts_->options.output / name, bytes, gallery::Existing::keep));
    if (!written) continue;
    TRY_VOID(parts_->gallery->update({name}));
    return parts_->gallery->picture(name);
  }
  return fail(ErrorCode::io, "", "no free name for {} in {}", shown(filename),
              parts_->options.output.string());
}

namespace {

/// Choices of a dynamic prompt, settled now, so that a job which goes on after a crash draws the
/// same words.
Result<std::vector<jobs::PicturePrompt>> settle(const std::string& prompt,
                                                const SettingValues& values, const fs::path& root) {
  std::vector<jobs::PicturePrompt> pictures;
  if (!values.flag("dynamic_prompts")) return pictures;
  TRY_ASSIGN(const auto dynamic,
             text::DynamicPair::parse(
                 prompt, values.text("negative_prompt"),
                 text::wildcard_folder((root / values.text("wildcard_path")).lexically_normal())));
  const auto count = static_cast<std::size_t>(std::max<std::int64_t>(1, values.integer("iterations")));
  const text::SettledPair plain = dynamic.choose(0);
  const bool as_typed = plain.prompt == prompt && plain.negative_prompt == values.text("negative_prompt");
  if (!dynamic.has_choice() && as_typed) return pictures;
  if (count > kMostSettledPictures)
    return fail(ErrorCode::invalid_argument, "",
                "iterations: at most {} pictures of a prompt with choices are wanted, got {}",
                kMostSettledPictures, count);
  auto seed = static_cast<std::uint32_t>(values.integer("seed"));
  for (std::size_t i = 0; i < count; ++i, seed = next_seed(seed)) {
    text::SettledPair settled = dynamic.choose(seed);
    pictures.push_back({std::move(settled.prompt), std::move(settled.negative_prompt), seed});
  }
  return pictures;
}

}  // namespace

Result<jobs::JobRecord> Studio::submit(const JobOrder& order) {
  auto job = hand_in(order);
  if (!job && order.init_picture) remove_canvas(parts_->options.output, *order.init_picture);
  return job;
}

Result<jobs::JobRecord> Studio::hand_in(const JobOrder& order) {
  jobs::JobRequest request{order.prompt, parts_->options.defaults, order.preview_every,
                           order.full_previews, {}, order.canvas, order.tag};
  SettingValues& values = request.values;
  values.merge(order.values);
  if (!values.has("model")) {
    if (const std::string active = active_model(); !active.empty()) values.set("model", active);
  } else {
    TRY_VOID(parts_->models.find(values.text("model")));
  }
  const auto set_picture = [&](const char* setting, const std::optional<fs::path>& file) -> Result<> {
    if (file) {
      values.set(setting, file->string());
    } else if (const std::string name = values.text(setting); !name.empty()) {
      TRY_ASSIGN(const fs::path found, picture_file(name));
      values.set(setting, found.string());
    }
    return {};
  };
  TRY_VOID(set_picture("init_img", order.init_picture));
  TRY_VOID(set_picture("init_mask", order.mask_picture));
  values.set("outdir", (parts_->options.output / order.folder).lexically_normal().string());
  if (!values.has("seed")) values.set("seed", std::int64_t{random_seed()});
  if (values.integer("seed") >= 0) {
    TRY_ASSIGN(request.pictures, settle(order.prompt, values, parts_->options.root));
  }
  const auto start = map_file(values.text("init_img")), mask = map_file(values.text("init_mask"));
  TRY_ASSIGN(const auto room, room_for({bytes_of(start), bytes_of(mask)}));
  return jobs::submit_request(*parts_->queue, std::move(request), parts_->options.root,
                              order.priority);
}

}  // namespace invokeai::server
