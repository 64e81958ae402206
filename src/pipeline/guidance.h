#pragma once
// Classifier-free guidance (Ho & Salimans 2022): the network asked with and without the prompt.

#include <optional>
#include <vector>

#include "nn/unet.h"
#include "pipeline/attention_edit.h"
#include "pipeline/conditioning.h"
#include "pipeline/step_graph.h"

namespace invokeai::pipeline {

/// How a run spares memory or time.
struct GuidanceThrift {
  bool row_by_row = false;  ///< rows one after the other rather than in one batch
  int cache_steps = 1;      ///< of so many evaluations in a row only the first is whole
  bool tune = false;        ///< see TunedConvolutions
  StepGraphs* graphs =
      nullptr;  ///< records evaluations whose rows are in one batch, where not null
};

/// The denoiser of one run. Keeps references: network and conditioning must outlive it.
class Guidance {
 public:
  /// `scale` is g in e_u + g * sum of w_k (e_k - e_u), >= 1; `steps` is the number of base steps
  /// the run has.
  Guidance(const nn::UNet& unet, const Conditioning& conditioning, double scale, int steps,
           const GuidanceThrift& thrift = {})
      : unet_(unet), conditioning_(conditioning), scale_(scale), steps_(steps), thrift_(thrift) {}

  /// The base step, from 0, that the next evaluations belong to.
  void begin_step(int step) { step_ = step; }

  /// From now on attention to the first prompt is added to the recorder of each picture; they must
  /// outlive this object. Blends have no maps, as their tokens mix.
  void record_into(std::vector<AttentionRecorder>& recorders) { recorders_ = &recorders; }

  /// Guided network output for every picture of the batch.
  ///   model_input [B,4,h,w] f32, scaled for the model;  timestep 0..999, may be fractional
  ///   dtype       the type of the network's weights
  ///   surroundings  [B,5,h,w] f32, for inpainting models: mask (1 = repaint) and latents of what is
  ///                 kept; undefined: repaint everything. Other models don't look at it.
  /// Result [B,4,h,w] f32. Each picture is evaluated on its own so that its numbers don't depend on
  /// the batch it came in.
  at::Tensor predict(const at::Tensor& model_input, double timestep, at::ScalarType dtype,
                     const at::Tensor& surroundings = {});

 private:
  struct Rows;
  /// Rows that the network is asked with at once, and what it may keep of them.
  struct Asked {
    at::Tensor context;  // [n,S,D] in the type of the weights
    nn::ContextKeys keys;
    std::vector<nn::DeepFeatures> deep;  // of each picture
  };
  Rows make_rows() const;
  std::vector<Asked>& asked_for(const Rows& rows, const at::Tensor& input);
  at::Tensor predict_one(const at::Tensor& input, double timestep, std::size_t picture);
  std::optional<at::Tensor> ask_recorded(Asked& asked, const at::Tensor& input, double timestep);
  at::Tensor ask(const Rows& rows, const at::Tensor& input, double timestep, std::size_t picture);

  const nn::UNet& unet_;
  const Conditioning& conditioning_;
  double scale_;
  int steps_;
  GuidanceThrift thrift_;
  int step_ = 0;
  int evaluation_ = 0;  // since the rows changed
  std::vector<Asked> asked_;
  const ConditioningStage* asked_stage_ = nullptr;  // that `asked_` is of
  std::vector<AttentionRecorder>* recorders_ = nullptr;
};

}  // namespace invokeai::pipeline
