#pragma once
// The one object behind every route: queue, worker, gallery, models and what the server stores,
// joined by the events they cause.

#include <chrono>
#include <functional>
#include <initializer_list>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "base/settings.h"
#include "gallery/index.h"
#include "jobs/queue.h"
#include "jobs/request.h"
#include "jobs/worker_host.h"
#include "server/events.h"
#include "server/metrics.h"
#include "server/model_list.h"
#include "server/store.h"

namespace invokeai::server {

struct StudioOptions {
  fs::path root;    ///< root folder: models, configs, state/
  fs::path output;  ///< absolute; pictures, with .gallery/ below
  std::vector<std::string> worker_command;
  pipeline::EngineOptions engine;        ///< the model to begin with
  std::vector<ModelEntry> models;        ///< offered whatever the files say
  SettingValues defaults;                ///< what a request that does not say otherwise holds
  std::function<void(const std::string&)> log;  ///< one line each; from any thread
  bool watch = true;                     ///< follow what other programs do in the output folder
  std::size_t pixel_bytes = std::size_t{3} << 29;  ///< of pictures that are decoded at a time
  std::chrono::milliseconds pixel_patience{20'000};  ///< for one that has to wait for others
};

/// A job as a door hands it in.
struct JobOrder {
  std::string prompt;
  SettingValues values;  ///< `init_img` and `init_mask` name pictures of the gallery
  int preview_every = 0;
  bool full_previews = false;
  int priority = 0;
  std::optional<pipeline::CanvasBox> canvas = {};
  std::optional<fs::path> init_picture = {};  ///< a file of store_canvas() in place of init_img
  std::optional<fs::path> mask_picture = {};
  std::string folder = {};  ///< below the output folder
  std::string tag = {};     ///< see jobs::JobRequest
};

enum class EngineState { starting, loading, ready, failed };

struct EngineStatus {
  EngineState state = EngineState::starting;
  std::string message;                      ///< why it failed
  std::optional<pipeline::ModelInfo> model;  ///< what is loaded
};

/// Thread-safe.
class Studio {
 public:
  /// Makes the folders, opens the databases, starts worker and watcher; the index of the gallery is
  /// brought up to date meanwhile. Errors: io, disk_full, bad_file, each naming the file.
  static Result<std::unique_ptr<Studio>> open(StudioOptions options);
  ~Studio();

  const StudioOptions& options() const;
  jobs::JobQueue& queue();
  /// The same queue for reading: never waits for a disk that takes its time with a change.
  jobs::JobQueue& reading();
  gallery::Gallery& gallery();
  ModelList& models();
  Store& store();
  Metrics& metrics();

  /// Checks and hands in; of an order that is refused the stored pictures go. Errors: those of jobs::submit_request(), not_found (model, picture).
  Result<jobs::JobRecord> submit(const JobOrder& order);

  /// The picture of this name on disk. Errors: invalid_argument, not_found.
  Result<fs::path> picture_file(const std::string& name);
  /// Name in the gallery; empty when it lies elsewhere.
  std::string name_of(const fs::path& file) const;
  /// Stores bytes as a new picture below `folder`, with 8 random digits in its name, and indexes it.
  /// Errors: those of decoding and writing.
  Result<gallery::PictureEntry> add_picture(const std::string& folder, const std::string& filename,
                                            std::string_view bytes);

  /// A small version of the picture of this name, on disk. Errors: those of picture_file(),
  /// room_for(), decoding and writing.
  Result<fs::path> thumbnail(const std::string& name);
  /// Memory for decoding these pictures (their bytes), kept while the result is. Waits while others
  /// take it; a thread asks once at a time. Errors: out_of_memory.
  Result<std::shared_ptr<void>> room_for(std::initializer_list<std::string_view> pictures);

  EngineStatus engine() const;
  /// The model that new jobs are drawn with.
  std::string active_model() const;
  /// Errors: not_found, unsupported (it is on no disk).
  Result<ModelEntry> activate_model(const std::string& name);

  [[nodiscard]] std::shared_ptr<void> subscribe(EventHub::Callback callback);
  /// Events for everybody from elsewhere.
  void publish(Event event);

  bool stopping() const;

  /// A place for a request that waits for its job's end, given back when it goes; null when all are
  /// taken, so that some threads are always left for short requests.
  std::shared_ptr<void> waiting_place();

  /// Lets the worker finish what it draws, at most this long; unfinished jobs go back into the
  /// queue. Nothing is drawn afterwards.
  void stop(std::chrono::milliseconds patience);

 private:
  class Thread;
  Result<jobs::JobRecord> hand_in(const JobOrder& order);
  explicit Studio(StudioOptions options);
  Result<> start();
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

/// Requests that may wait for a job at a time; the transport has more threads than that.
inline constexpr int kWaitingPlaces = 24;

/// "init-images" and so on, below the output folder (web spec 1.1).
inline constexpr const char* kUploadFolder = "init-images";
inline constexpr const char* kMaskFolder = "mask-images";
inline constexpr const char* kIntermediateFolder = "intermediates";
inline constexpr const char* kTemporaryFolder = "temp-images";

}  // namespace invokeai::server
