// Which event of the original front end does what.

#include "server/internal/handlers.h"
#include "server/internal/legacy_gallery.h"
#include "server/internal/legacy_http.h"
#include "server/internal/legacy_models.h"
#include "server/internal/legacy_parameters.h"
#include "server/internal/legacy_progress.h"
#include "server/legacy.h"

namespace invokeai::server {
namespace {

using Client = std::shared_ptr<SocketClient>;

/// Missing arguments are null.
Json argument(const Json& arguments, std::size_t index) {
  return arguments.is_array() && index < arguments.size() ? arguments[index] : Json();
}

class LegacyFrontEnd {
 public:
  LegacyFrontEnd(Router& router, SocketHub& hub, Studio& studio)
      : hub_(hub),
        studio_(studio),
        gallery_(studio),
        progress_(studio, [&hub](const std::string& event, const Json& arguments) {
          hub.emit(event, arguments);
        }) {
    add_legacy_routes(router, studio, [&hub](const std::string& message) {
      hub.emit("error", message_of(message));
    });
    register_events();
    subscription_ = studio.subscribe([this](const Event& event) {
      progress_.hear(event);
      if (event.name == "model") model_changed();
    });
  }

 private:
  /// An error that only this client can do something about.
  static void tell_error(const Client& client, const std::string& message) {
    client->emit("error", message_of(message));
  }

  /// Answers everybody, or the failure to the asker.
  void answer_all(const Client& client, const char* event, const Result<Json>& answer) {
    if (!answer) return tell_error(client, answer.error().message);
    hub_.emit(event, Json::array({*answer}));
  }

  void register_events() {
    hub_.on_connect([this](const Client& client) {
      // A page that comes back while a job runs goes on showing it.
      if (const Json last = progress_.current(); !last.is_null())
        client->emit("progressUpdate", Json::array({last}));
    });
    hub_.on_disconnect([this](const Client& client) { gallery_.forget(client->id()); });
    hub_.on("requestSystemConfig", [this](const Client& client, const Json&) {
      client->emit("systemConfig", Json::array({legacy_system_config(studio_)}));
    });
    register_gallery();
    register_jobs();
    register_models();
  }

  void register_gallery() {
    hub_.on("requestImages", [this](const Client& client, const Json& arguments) {
      std::vector<std::string> problems;
      const Json category = argument(arguments, 0);
      const auto page = gallery_.page(client->id(), category.is_string() ? category : "",
                                      argument(arguments, 1), problems);
      answer(client, page, problems);
    });
    hub_.on("requestLatestImages", [this](const Client& client, const Json& arguments) {
      std::vector<std::string> problems;
      const Json category = argument(arguments, 0);
      const auto page =
          gallery_.newer(category.is_string() ? category : "", argument(arguments, 1), problems);
      answer(client, page, problems);
    });
    hub_.on("deleteImage", [this](const Client& client, const Json& arguments) {
      answer_all(client, "imageDeleted", gallery_.remove(arguments));
    });
    hub_.on("requestSaveStagingAreaImageToGallery",
            [this](const Client& client, const Json& arguments) {
              const Json url = argument(arguments, 0);
              answer_all(client, "galleryImages",
                         gallery_.keep_staged(url.is_string() ? url : ""));
            });
    hub_.on("requestEmptyTempFolder", [this](const Client& client, const Json&) {
      for (const std::string& problem : gallery_.empty_temporary()) tell_error(client, problem);
      hub_.emit("tempFolderEmptied", Json::array());
    });
  }

  void answer(const Client& client, const Result<Json>& page,
              const std::vector<std::string>& problems) {
    for (const std::string& problem : problems) tell_error(client, problem);
    if (!page) return tell_error(client, page.error().message);
    client->emit("galleryImages", Json::array({*page}));
  }

  void register_jobs() {
    hub_.on("generateImage", [this](const Client& client, const Json& arguments) {
      const auto order = order_from_legacy(studio_, arguments);
      if (!order) return tell_error(client, order.error().message);
      if (const auto job = studio_.submit(*order); !job) tell_error(client, job.error().message);
    });
    hub_.on("cancel", [this](const Client&, const Json&) { cancel(); });
    hub_.on("runPostprocessing", [](const Client& client, const Json& arguments) {
      const Json what = argument(arguments, 1);
      const std::string type =
          what.is_object() && what.value("type", Json()).is_string() ? what["type"] : "";
      if (type == "esrgan") return tell_error(client, "Upscaling is not installed.");
      if (type == "gfpgan") return tell_error(client, "GFPGAN is not installed.");
      if (type == "codeformer") return tell_error(client, "CodeFormer is not installed.");
      tell_error(client, shown(type) + " is not a valid postprocessing type");
    });
  }

  /// The job that is drawn, or else the next one: the page's button is about what it shows.
  void cancel() {
    auto running = studio_.reading().list({.state = jobs::JobState::running, .limit = 1});
    if (running && running->empty()) running = studio_.reading().waiting(1);
    if (!running || running->empty()) return;
    const auto job = studio_.queue().cancel(running->front().id);
    // One that never ran tells nobody that it ended.
    if (job && job->state == jobs::JobState::cancelled && progress_.current().is_null())
      hub_.emit("processingCanceled", Json::array());
  }

  void register_models() {
    hub_.on("requestModelChange", [this](const Client& client, const Json& arguments) {
      const Json name = argument(arguments, 0);
      change_model(client, name.is_string() ? name.get<std::string>() : "");
    });
    hub_.on("searchForModels", [](const Client& client, const Json& arguments) {
      if (client->caller().role != Role::admin)
        return tell_error(client, "Only an admin may search this machine for models.");
      client->emit("foundModels", Json::array({find_legacy_models(argument(arguments, 0))}));
    });
    hub_.on("addNewModel", [this](const Client& client, const Json& arguments) {
      if (client->caller().role != Role::admin)
        return tell_error(client, "Only an admin may add models.");
      answer_all(client, "newModelAdded", add_legacy_model(studio_, argument(arguments, 0)));
    });
    hub_.on("deleteModel", [this](const Client& client, const Json& arguments) {
      if (client->caller().role != Role::admin)
        return tell_error(client, "Only an admin may delete models.");
      answer_all(client, "modelDeleted", delete_legacy_model(studio_, argument(arguments, 0)));
    });
  }

  void change_model(const Client& client, const std::string& name) {
    {
      const std::lock_guard lock(mutex_);
      awaited_ = name;
    }
    const auto entry = studio_.activate_model(name);
    if (!entry) {
      const std::lock_guard lock(mutex_);
      awaited_.clear();
      return tell_error(client, entry.error().message);
    }
    model_changed();  // it may be loaded already
  }

  /// Tells what became of the change that a page waits for.
  void model_changed() {
    const EngineStatus engine = studio_.engine();
    if (engine.state != EngineState::ready && engine.state != EngineState::failed) return;
    std::string name;
    {
      const std::lock_guard lock(mutex_);
      const bool loaded = engine.state == EngineState::ready;
      if (awaited_.empty() || (loaded && studio_.active_model() != awaited_)) return;
      name.swap(awaited_);
    }
    const auto list = legacy_model_list(studio_);
    const bool failed = engine.state == EngineState::failed;
    hub_.emit(failed ? "modelChangeFailed" : "modelChanged",
              Json::array({Json{{"model_name", name},
                                {"model_list", list ? *list : Json::object()}}}));
    if (failed) hub_.emit("error", message_of("The model was not loaded: " + engine.message));
  }

  SocketHub& hub_;
  Studio& studio_;
  LegacyGallery gallery_;
  LegacyProgress progress_;
  std::mutex mutex_;     ///< guards awaited_
  std::string awaited_;  ///< name of the model that a page waits for
  std::shared_ptr<void> subscription_;
};

}  // namespace

std::shared_ptr<void> add_legacy(Router& router, SocketHub& hub, Studio& studio) {
  return std::make_shared<LegacyFrontEnd>(router, hub, studio);
}

}  // namespace invokeai::server
