#include "pipeline/internal/device_graph.h"

#include <cstddef>
#include <optional>
#include <utility>

#if __has_include(<dlfcn.h>)
#include <dlfcn.h>
#endif
#if __has_include(<ATen/core/GraphImplInterface.h>)
#include <ATen/core/GraphImplInterface.h>
#define INVOKEAI_REGISTERED_GRAPHS 1
#endif

namespace invokeai::pipeline {
namespace {

/// The functions of at::cuda::CUDAGraph, each with the object first. Its header asks for those of
/// the CUDA toolkit, which a machine that only runs pictures does not have (decision 0084).
struct CudaGraphFunctions {
  void (*construct)(void* self, bool keep_graph);
  void (*destroy)(void* self);
  void (*begin)(void* self, DeviceGraph::Pool pool, int mode);
  void (*end)(void* self);
  void (*replay)(void* self);
  DeviceGraph::Pool (*pool)(void* self);

  /// Nothing where one is missing: no CUDA in this libtorch, or another form of the class.
  static std::optional<CudaGraphFunctions> find(const SymbolLookup& lookup) {
    CudaGraphFunctions found{};
    const auto take = [&lookup](auto& function, const char* name) {
      void* address = lookup(name);
      if (address)
        function = reinterpret_cast<std::remove_reference_t<decltype(function)>>(address);
      return address != nullptr;
    };
    const bool all =
        take(found.construct, "_ZN2at4cuda9CUDAGraphC1Eb") &&
        take(found.destroy, "_ZN2at4cuda9CUDAGraphD1Ev") &&
        (take(found.begin,
              "_ZN2at4cuda9CUDAGraph13capture_beginESt4pairIyyE21cudaStreamCaptureMode") ||
         take(found.begin,
              "_ZN2at4cuda9CUDAGraph13capture_beginESt4pairIyyE20hipStreamCaptureMode")) &&
        take(found.end, "_ZN2at4cuda9CUDAGraph11capture_endEv") &&
        take(found.replay, "_ZN2at4cuda9CUDAGraph6replayEv") &&
        take(found.pool, "_ZN2at4cuda9CUDAGraph4poolEv");
    if (!all) return std::nullopt;
    return found;
  }
};

class CudaGraph final : public DeviceGraph {
 public:
  explicit CudaGraph(const CudaGraphFunctions& functions) : f_(functions) {
    f_.construct(object_, /*keep_graph=*/false);
  }
  ~CudaGraph() override { f_.destroy(object_); }
  CudaGraph(const CudaGraph&) = delete;
  CudaGraph& operator=(const CudaGraph&) = delete;

  void begin(Pool pool) override {
    constexpr int kThreadLocal = 1;  // cudaStreamCaptureModeThreadLocal: other threads go on
    f_.begin(object_, pool, kThreadLocal);
  }
  void end() override { f_.end(object_); }
  void replay() override { f_.replay(object_); }
  Pool pool() override { return f_.pool(object_); }

 private:
  CudaGraphFunctions f_;
  // Room for the object, of which libtorch 2.13 takes less than 600 bytes.
  alignas(std::max_align_t) std::byte object_[8192];
};

#ifdef INVOKEAI_REGISTERED_GRAPHS
/// What a backend has registered with libtorch's device layer, as that of Intel's cards does.
class RegisteredGraph final : public DeviceGraph {
 public:
  explicit RegisteredGraph(std::unique_ptr<at::GraphImplInterface> graph)
      : graph_(std::move(graph)) {}
  void begin(Pool pool) override { graph_->capture_begin(pool, at::GraphCaptureMode::ThreadLocal); }
  void end() override { graph_->capture_end(); }
  void replay() override { graph_->replay(); }
  Pool pool() override { return graph_->pool(); }

 private:
  std::unique_ptr<at::GraphImplInterface> graph_;
};
#endif

void* loaded_symbol([[maybe_unused]] const char* name) {
#if __has_include(<dlfcn.h>)
  return ::dlsym(RTLD_DEFAULT, name);  // the libraries this one was linked with are searched, too
#else
  return nullptr;
#endif
}

}  // namespace

std::unique_ptr<DeviceGraph> make_cuda_graph(const SymbolLookup& lookup) {
  const auto functions = CudaGraphFunctions::find(lookup);
  if (!functions) return nullptr;
  return std::make_unique<CudaGraph>(*functions);
}

std::unique_ptr<DeviceGraph> make_device_graph(at::DeviceType type) {
#ifdef INVOKEAI_REGISTERED_GRAPHS
  if (at::has_graph_impl(type))
    return std::make_unique<RegisteredGraph>(at::create_graph_impl(type));
#endif
  return type == at::kCUDA ? make_cuda_graph(loaded_symbol) : nullptr;
}

}  // namespace invokeai::pipeline
