#pragma once
// What guidance does inside the network's attention: rows that follow the layout of another row
// (.swap(), cli spec 4.8), and heat maps of where the network looked.

#include <string>
#include <vector>

#include "image/image.h"
#include "nn/attention_control.h"
#include "pipeline/conditioning.h"
#include "pipeline/engine.h"

namespace invokeai::pipeline {

/// Averages cross-attention maps over heads, layers and network evaluations of one picture.
class AttentionRecorder {
 public:
  /// Size of the maps: that of the latents.
  AttentionRecorder(std::int64_t height, std::int64_t width) : height_(height), width_(width) {}

  /// maps [heads,L,S] f32 of one row, L = height * width of the site.
  void add(const at::Tensor& maps, const nn::AttentionSite& site,
           const std::vector<ContextToken>& tokens);

  /// A grey map for every token that was seen, in the prompt's order; each is scaled so that its
  /// largest value is 255.
  std::vector<AttentionMap> take();

 private:
  struct Sum {
    ContextToken token;
    at::Tensor heat;  // [h,w] f32
  };
  std::int64_t height_, width_;
  std::vector<Sum> sums_;
};

/// One row of a batch that follows another.
struct RowEdit {
  std::int64_t original = 0;  ///< row index of the original prompt
  std::int64_t edited = 0;    ///< row index that is changed
  bool self = false;          ///< its self-attention uses the original's maps
  bool cross = false;         ///< its cross-attention uses the original's maps where `keep` is 1
  at::Tensor source, keep;    ///< see SwapEdit
};

/// The row whose maps are recorded.
struct RowRecord {
  std::int64_t row = 0;
  const std::vector<ContextToken>& tokens;
  AttentionRecorder& recorder;
};

/// Original and edited prompt run as rows of one batch, so a map is used where it arises and none
/// is kept: 2.3.0 ran the original first and stored all maps, with the same result.
class AttentionEdit : public nn::AttentionControl {
 public:
  AttentionEdit(std::vector<RowEdit> edits, std::vector<RowRecord> records)
      : edits_(std::move(edits)), records_(std::move(records)) {}

  at::Tensor attend(const nn::AttentionSite& site, const nn::AttentionInput& input,
                    bool upcast) override;

 private:
  at::Tensor self_attend(const nn::AttentionSite& site, const nn::AttentionInput& input,
                         bool upcast) const;
  at::Tensor cross_attend(const nn::AttentionSite& site, const nn::AttentionInput& input,
                          bool upcast) const;

  std::vector<RowEdit> edits_;
  std::vector<RowRecord> records_;
};

}  // namespace invokeai::pipeline
