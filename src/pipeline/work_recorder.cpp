#include "pipeline/work_recorder.h"

#include <c10/core/CachingDeviceAllocator.h>
#include <c10/core/Event.h>
#include <c10/core/StreamGuard.h>
#include <c10/core/impl/VirtualGuardImpl.h>

#include <exception>
#include <utility>

#include "pipeline/internal/device_graph.h"

namespace invokeai::pipeline {
namespace {

class GraphRecording final : public Recording {
 public:
  GraphRecording(std::shared_ptr<DeviceGraph> graph, at::Device device)
      : graph_(std::move(graph)), device_(device) {}
  /// Its memory goes back, so nothing may be running in it any more.
  ~GraphRecording() override {
    try {
      c10::impl::VirtualGuardImpl(device_.type()).synchronizeDevice(device_.index());
    } catch (const c10::Error&) {  // the device failed; whoever uses it next is told
    }
  }
  void replay() override {
    const c10::DeviceGuard here(device_);
    graph_->replay();
  }

 private:
  std::shared_ptr<DeviceGraph> graph_;
  at::Device device_;
};

class GraphRecorder final : public WorkRecorder {
 public:
  explicit GraphRecorder(at::Device device)
      : device_(device),
        backend_(device.type()),
        stream_(backend_.getStreamFromGlobalPool(device)) {}

  void warm_up(const Work& work) override {
    const at::Stream callers = backend_.getStream(device_);
    hand_over(callers, stream_);
    {
      const c10::StreamGuard aside(stream_);
      work();
    }
    hand_over(stream_, callers);
  }

  std::unique_ptr<Recording> record(const Work& work) override {
    backend_.synchronizeDevice(device_.index());
    // A stream keeps the memory of what ran on it; that of the warm-up is not wanted again.
    at::getDeviceAllocator(device_.type())->emptyCache();
    const c10::StreamGuard aside(stream_);
    std::shared_ptr<DeviceGraph> graph = make_device_graph(device_.type());
    TORCH_CHECK(graph != nullptr, "there are no graphs on ", device_);
    // Recordings run one at a time and leave nothing behind in their own memory, so they share it.
    const auto neighbour = pool_holder_.lock();
    graph->begin(neighbour ? neighbour->pool() : DeviceGraph::Pool{0, 0});
    std::exception_ptr problem;
    try {
      work();
    } catch (...) {
      problem = std::current_exception();
    }
    try {
      graph->end();  // after a failure too: the stream must be free again
    } catch (...) {
      // The allocator still asks a graph that could not be ended what belongs to it: it stays for
      // good.
      new std::shared_ptr<DeviceGraph>(graph);
      if (!problem) problem = std::current_exception();
    }
    if (problem) std::rethrow_exception(problem);
    if (!neighbour) pool_holder_ = graph;
    return std::make_unique<GraphRecording>(std::move(graph), device_);
  }

 private:
  /// What `to` does from now on waits for what `from` was asked for.
  void hand_over(at::Stream from, at::Stream to) const {
    c10::Event done(device_.type());
    done.record(from);
    done.block(to);
  }

  at::Device device_;
  c10::impl::VirtualGuardImpl backend_;
  at::Stream stream_;
  std::weak_ptr<DeviceGraph> pool_holder_;  // whose memory the next recording shares
};

}  // namespace

std::unique_ptr<WorkRecorder> make_recorder(at::Device device) {
  if (device.is_cpu()) return nullptr;
  try {
    if (!make_device_graph(device.type())) return nullptr;
    return std::make_unique<GraphRecorder>(device);
  } catch (const c10::Error&) {  // no streams of its own
    return nullptr;
  }
}

}  // namespace invokeai::pipeline
