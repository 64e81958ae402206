#include "pipeline/step_graph.h"

#include <c10/util/intrusive_ptr.h>
#include <fmt/format.h>

#include <algorithm>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "pipeline/model_memory.h"

namespace invokeai::pipeline {
namespace {

/// Where the parameters of a network were: a recording reads them there. Weights that went and came
/// back are other tensors, and so are packed ones.
class Whereabouts {
 public:
  void note(nn::Module& network) {
    parameters_.clear();
    network.visit_parameters([this](const std::string&, at::Tensor& parameter) {
      parameters_.emplace_back(&parameter, Seen(parameter.getIntrusivePtr()));
    });
  }
  bool same() const {
    return std::ranges::all_of(parameters_, [](const auto& noted) {
      return noted.first->unsafeGetTensorImpl() == noted.second._unsafe_get_target();
    });
  }

 private:
  /// Keeps no weights, but their address is given to nobody else.
  using Seen = c10::weak_intrusive_ptr<c10::TensorImpl, c10::UndefinedTensorImpl>;
  std::vector<std::pair<const at::Tensor*, Seen>> parameters_;
};

bool same_layers(const nn::ContextKeys& a, const nn::ContextKeys& b) {
  return std::ranges::equal(a.layers, b.layers, [](const auto& left, const auto& right) {
    return left.first == right.first && left.second.k.sizes() == right.second.k.sizes() &&
           left.second.v.sizes() == right.second.v.sizes();
  });
}

}  // namespace

/// What tells recordings apart.
struct StepGraphs::Key {
  std::vector<std::int64_t> input, context;
  at::ScalarType dtype;
  bool wrap_x, wrap_y;
  bool operator==(const Key&) const = default;
};

/// A recording and the memory it reads and writes.
struct StepGraphs::Entry {
  explicit Entry(Key k) : key(std::move(k)) {}

  Key key;
  at::Tensor sample;     // [n,C,h,w] channels-last
  at::Tensor timesteps;  // [n] f32
  at::Tensor context;    // [n,S,D]
  nn::ContextKeys keys;  // of it
  at::Tensor result;     // [n,out,h,w]
  at::Tensor adopted;    // the tensor whose values `context` holds
  Whereabouts weights;
  std::thread::id warm;  // that it ran on once: what libraries set up, some keep for each thread
  bool refused = false;  // it cannot be recorded
  std::unique_ptr<Recording> recording;  // last, as it uses all of the above
};

StepGraphs::StepGraphs(nn::UNet& unet, std::unique_ptr<WorkRecorder> recorder)
    : unet_(unet), recorder_(std::move(recorder)) {}

StepGraphs::~StepGraphs() = default;

void StepGraphs::release() { entries_.clear(); }

void StepGraphs::set_recorder(std::unique_ptr<WorkRecorder> recorder) {
  release();
  recorder_ = std::move(recorder);
}

void StepGraphs::allow(bool allowed) {
  allowed_ = allowed;
  if (!allowed) release();
}

std::size_t StepGraphs::recorded() const {
  return static_cast<std::size_t>(std::ranges::count_if(
      entries_, [](const auto& entry) { return entry->recording != nullptr; }));
}

StepGraphs::Entry* StepGraphs::entry_for(const at::Tensor& input, const at::Tensor& context) {
  Key key{input.sizes().vec(), context.sizes().vec(), input.scalar_type(), wrap_.x, wrap_.y};
  const auto found =
      std::ranges::find_if(entries_, [&](const auto& entry) { return entry->key == key; });
  if (found != entries_.end()) {
    entries_.splice(entries_.begin(), entries_, found);
    if (entries_.front()->refused || entries_.front()->weights.same())
      return entries_.front().get();
    entries_.pop_front();
  }
  if (entries_.size() == kMost) entries_.pop_back();
  auto entry = std::make_unique<Entry>(std::move(key));
  const std::int64_t rows = context.size(0);
  std::vector<std::int64_t> shape = input.sizes().vec();
  shape[0] = rows;
  entry->sample = at::empty(shape, input.options(), at::MemoryFormat::ChannelsLast);
  entry->timesteps = at::empty({rows}, input.options().dtype(at::kFloat));
  entry->context = at::empty_like(context, at::MemoryFormat::Contiguous);
  shape[1] = unet_.config().out_channels;
  entry->result = at::empty(shape, input.options());
  entry->weights.note(unet_);
  return entries_.emplace_front(std::move(entry)).get();
}

/// Another prompt of the same shape: its values move to where the recording reads them.
void StepGraphs::adopt(Entry& entry, const at::Tensor& context) {
  if (entry.adopted.is_same(context)) return;
  entry.context.copy_(context);
  nn::ContextKeys fresh = unet_.keys_of(entry.context);
  if (entry.keys.layers.empty()) {
    entry.keys = std::move(fresh);
  } else {
    TORCH_CHECK(same_layers(entry.keys, fresh), "keys of a context changed their shape");
    for (auto& [layer, kept] : entry.keys.layers) {
      kept.k.copy_(fresh.layers.at(layer).k);
      kept.v.copy_(fresh.layers.at(layer).v);
    }
  }
  entry.adopted = context;
}

/// Leaves in `result` what the network says to what the entry holds.
at::Tensor StepGraphs::run(Entry& entry) {
  const auto work = [this, &entry] {
    entry.result.copy_(
        unet_.forward(entry.sample, entry.timesteps, entry.context, {.keys = &entry.keys}));
  };
  if (!entry.recording && entry.warm != std::this_thread::get_id()) {
    recorder_->warm_up(work);
    entry.warm = std::this_thread::get_id();
  } else {
    if (!entry.recording) {
      entry.recording = recorder_->record(work);
      remark_ = fmt::format("steps of {} x {} cells are recorded and repeated as one launch",
                            entry.key.input[3], entry.key.input[2]);
    }
    entry.recording->replay();
  }
  return entry.result.clone();  // the next evaluation writes there again
}

std::optional<at::Tensor> StepGraphs::predict(const at::Tensor& input, double timestep,
                                              const at::Tensor& context) {
  if (!in_use()) return std::nullopt;
  Entry* entry = nullptr;
  try {
    entry = entry_for(input, context);
    if (entry->refused) return std::nullopt;
    adopt(*entry, context);
    entry->sample.copy_(input);
    entry->timesteps.fill_(timestep);
    return run(*entry);
  } catch (const std::exception& exception) {
    const std::string_view what = exception.what();
    remark_ = fmt::format("steps are not recorded: {}", what.substr(0, what.find('\n')));
    if (entry && is_out_of_memory(exception)) {
      entry->recording.reset();
      *entry = Entry(std::move(entry->key));
      entry->refused = true;
    } else {
      // A device that refused once is left alone; what it was asked then may have left traces.
      entries_.clear();
      recorder_.reset();
    }
  }
  return std::nullopt;
}

}  // namespace invokeai::pipeline
