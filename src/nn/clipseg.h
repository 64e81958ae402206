#pragma once
// CLIPSeg (Lueddecke & Ecker 2022): where a picture shows what a text says. CLIP's two towers and a
// small decoder; tensor names of transformers' CLIPSegForImageSegmentation.

#include <memory>
#include <vector>

#include "nn/clip_text.h"
#include "nn/configs.h"
#include "nn/layers.h"

namespace invokeai::nn {

class ClipSeg : public Module {
 public:
  explicit ClipSeg(const ClipSegConfig& config);
  ~ClipSeg() override;

  /// What the text means to the decoder: the projected state of its end marker, not normalised.
  ///   ids [1,S] i64, end: place of the first end marker  ->  [1,projection]
  at::Tensor encode_text(const at::Tensor& ids, std::int64_t end) const;

  /// Logits of "this pixel shows it".
  ///   pixels [1,3,N,N] f32 normalised as CLIP's, N a multiple of the patch side
  ///   text   [1,projection]  ->  [N,N]
  at::Tensor forward(const at::Tensor& pixels, const at::Tensor& text) const;

  const ClipSegConfig& config() const { return config_; }

 private:
  class Vision;
  class Decoder;

  ClipSegConfig config_;
  ClipText text_;
  Linear text_projection_;
  std::unique_ptr<Vision> vision_;
  std::unique_ptr<Decoder> decoder_;
};

}  // namespace invokeai::nn
