#pragma once
// Classifier-free guidance (Ho & Salimans 2022): the network asked with and without the prompt.

#include <vector>

#include "nn/unet.h"
#include "pipeline/attention_edit.h"
#include "pipeline/conditioning.h"

namespace invokeai::pipeline {

/// The denoiser of one run. Keeps references: network and conditioning must outlive it.
class Guidance {
 public:
  /// `scale` is g in e_u + g * sum of w_k (e_k - e_u), >= 1; `steps` is the number of base steps
  /// the run has.
  Guidance(const nn::UNet& unet, const Conditioning& conditioning, double scale, int steps)
      : unet_(unet), conditioning_(conditioning), scale_(scale), steps_(steps) {}

  /// The base step, from 0, that the next evaluations belong to.
  void begin_step(int step) { step_ = step; }

  /// From now on attention to the first prompt is added to the recorder of each picture; they must
  /// outlive this object. Blends have no maps, as their tokens mix.
  void record_into(std::vector<AttentionRecorder>& recorders) { recorders_ = &recorders; }

  /// Guided network output for every picture of the batch.
  ///   model_input [B,4,h,w] f32, scaled for the model;  timestep 0..999, may be fractional
  ///   dtype       the type of the network's weights
  /// Result [B,4,h,w] f32. Each picture is evaluated on its own so that its numbers don't depend on
  /// the batch it came in.
  at::Tensor predict(const at::Tensor& model_input, double timestep, at::ScalarType dtype) const;

 private:
  struct Rows;
  Rows make_rows() const;
  at::Tensor predict_one(const at::Tensor& x, double timestep, std::size_t picture) const;

  const nn::UNet& unet_;
  const Conditioning& conditioning_;
  double scale_;
  int steps_;
  int step_ = 0;
  std::vector<AttentionRecorder>* recorders_ = nullptr;
};

}  // namespace invokeai::pipeline
