#pragma once
// Evaluations of the UNet, recorded on an accelerator once for each shape and repeated. A step is a
// thousand launches, which take a fast card longer to be told than to carry out.

#include <list>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "nn/unet.h"
#include "pipeline/work_recorder.h"

namespace invokeai::pipeline {

/// Keeps a reference: the network must outlive it. One request at a time.
class StepGraphs {
 public:
  /// recorder: null where there is none.
  StepGraphs(nn::UNet& unet, std::unique_ptr<WorkRecorder> recorder);
  ~StepGraphs();
  StepGraphs(const StepGraphs&) = delete;
  StepGraphs& operator=(const StepGraphs&) = delete;

  void set_recorder(std::unique_ptr<WorkRecorder> recorder);
  /// Whether evaluations are recorded. Forbidden, what was recorded is given back.
  void allow(bool allowed);
  bool has_recorder() const { return recorder_ != nullptr; }
  bool in_use() const { return allowed_ && recorder_; }
  /// How convolutions wrap from now on: recordings of other ways stay for when they are asked for.
  void set_wrap(nn::Wrap wrap) { wrap_ = wrap; }
  /// Gives back what was recorded.
  void release();
  std::size_t recorded() const;

  /// What `UNet::forward` says to this, from a recording; nothing where it must be asked itself:
  /// not allowed, weights not in memory, or the device refused.
  ///   input [1,C,h,w], seen by every row;  context [n,S,D]; both in the type of the weights
  /// The first evaluation of a shape is run, the second recorded, all further ones repeated. A
  /// context is known by its identity: as long as the same tensor comes, its keys are made once.
  /// Result: [n,out,h,w], in memory of its own.
  std::optional<at::Tensor> predict(const at::Tensor& input, double timestep,
                                    const at::Tensor& context);

  /// What the user may want to know since the last call, one line.
  std::optional<std::string> take_remark() { return std::exchange(remark_, std::nullopt); }

 private:
  struct Entry;
  struct Key;
  Entry* entry_for(const at::Tensor& input, const at::Tensor& context);
  at::Tensor run(Entry& entry);
  void adopt(Entry& entry, const at::Tensor& context);

  /// Hires passes take two sizes, an embiggened picture three; beyond that memory is worth more.
  static constexpr std::size_t kMost = 4;

  nn::UNet& unet_;
  std::unique_ptr<WorkRecorder> recorder_;
  bool allowed_ = false;
  nn::Wrap wrap_;
  std::list<std::unique_ptr<Entry>> entries_;  // used last comes first
  std::optional<std::string> remark_;
};

}  // namespace invokeai::pipeline
