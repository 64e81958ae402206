#pragma once
// Graphs of launches, as libtorch makes them on a device, without a header of the device's makers.

#include <ATen/ATen.h>

#include <functional>
#include <memory>

namespace invokeai::pipeline {

/// One graph. All calls on the device's thread of control: its device and a stream that is not the
/// default one are current during capture.
class DeviceGraph {
 public:
  using Pool = std::pair<unsigned long long, unsigned long long>;  // at::MempoolId_t
  virtual ~DeviceGraph() = default;
  /// Begins to capture what this thread launches; `pool`, {0,0} or that of another graph, is the
  /// memory it allocates from.
  virtual void begin(Pool pool) = 0;
  virtual void end() = 0;
  virtual void replay() = 0;
  virtual Pool pool() = 0;
};

/// Null where a device has none.
std::unique_ptr<DeviceGraph> make_device_graph(at::DeviceType type);

/// at::cuda::CUDAGraph, CUDA's and ROCm's, by the names of its functions in libtorch_cuda or
/// libtorch_hip; null where one is not found. `lookup`: a name to its address.
using SymbolLookup = std::function<void*(const char* name)>;
std::unique_ptr<DeviceGraph> make_cuda_graph(const SymbolLookup& lookup);

}  // namespace invokeai::pipeline
