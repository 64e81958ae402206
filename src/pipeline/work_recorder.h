#pragma once
// Work that an accelerator records once and repeats: one launch in place of a thousand.

#include <ATen/ATen.h>

#include <functional>
#include <memory>

namespace invokeai::pipeline {

/// Recorded work. It reads and writes the memory it was recorded with, whatever lies there by then.
class Recording {
 public:
  virtual ~Recording() = default;
  virtual void replay() = 0;
};

class WorkRecorder {
 public:
  using Work = std::function<void()>;
  virtual ~WorkRecorder() = default;
  /// Runs the work the way it will be recorded, so that whatever is set up or tuned by a first run
  /// is there already. What it leaves must lie in memory that was there before.
  virtual void warm_up(const Work& work) = 0;
  /// What the work asks of the device, recorded without being run. Throws what the work throws, and
  /// c10::Error where the device refuses.
  virtual std::unique_ptr<Recording> record(const Work& work) = 0;
};

/// That of a device; null where it has none, or this libtorch (before 2.13) does not know it.
std::unique_ptr<WorkRecorder> make_recorder(at::Device device);

}  // namespace invokeai::pipeline
