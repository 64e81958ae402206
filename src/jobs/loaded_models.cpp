#include "jobs/loaded_models.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "base/system_memory.h"
#include "jobs/internal/frames.h"

namespace invokeai::jobs {
namespace {

constexpr std::int64_t kRoomToLoad = std::int64_t{5} << 30;  // SD 1.5 and a picture of 1024x1024
constexpr std::int64_t kRoomToDraw = std::int64_t{2} << 30;

}  // namespace

LoadedModels::LoadedModels(LoadEngine load, FreeMemory free_memory)
    : load_(std::move(load)), free_memory_(std::move(free_memory)) {
  if (!free_memory_) free_memory_ = [] { return invokeai::free_memory(); };
}

Result<pipeline::Engine*> LoadedModels::get(const pipeline::EngineOptions& options) {
  const std::string key = to_json(options).dump();
  const auto found = std::ranges::find(models_, key, &Model::options);
  if (found != models_.end()) {
    models_.splice(models_.begin(), models_, found);
    make_room(1, static_cast<int>(models_.size()), kRoomToDraw);
  } else {
    TRY_VOID(load(options, key));
  }
  models_.front().engine->share_memory_with(bytes_from(std::next(models_.begin())));
  return models_.front().engine.get();
}

Result<> LoadedModels::load(const pipeline::EngineOptions& options, const std::string& key) {
  const bool alone = options.max_memory > 0 || std::ranges::any_of(models_, [](const Model& model) {
                       return model.engine->model().device != "cpu";
                     });
  const int most = alone ? 1 : std::max(options.max_loaded_models, 1);
  make_room(0, most - 1, kRoomToLoad);
  pipeline::EngineOptions shared = options;
  shared.others = bytes_from(models_.begin());
  TRY_ASSIGN(auto engine, load_(shared));
  models_.push_front({key, std::move(engine)});
  return {};
}

void LoadedModels::make_room(int least, int most, std::int64_t wanted) {
  while (std::cmp_greater(models_.size(), most)) models_.pop_back();
  while (std::cmp_greater(models_.size(), least) && free_memory_().value_or(wanted) < wanted)
    models_.pop_back();
}

std::int64_t LoadedModels::bytes_from(std::list<Model>::const_iterator first) const {
  return std::accumulate(
      first, models_.cend(), std::int64_t{0},
      [](std::int64_t sum, const Model& model) { return sum + model.engine->weight_bytes(); });
}

}  // namespace invokeai::jobs
