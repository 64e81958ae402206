#include "pipeline/guidance.h"

namespace invokeai::pipeline {
namespace {

/// What the network sees of the latents [1,4,h,w]. A model for inpainting without a picture is told
/// to repaint everything: a mask of ones and an empty picture.
at::Tensor network_input(const nn::UNet& unet, const at::Tensor& x) {
  if (unet.config().in_channels != 9) return x;
  return at::cat({x, at::ones_like(x.slice(1, 0, 1)), at::zeros_like(x)}, 1);
}

bool within(double share, double start, double end) { return start <= share && share < end; }

}  // namespace

/// The batch the network is asked with: the unconditional row if there is guidance, then every
/// prompt, one that is being edited behind its original.
struct Guidance::Rows {
  std::vector<at::Tensor> contexts;
  std::vector<std::int64_t> results;  // row of each prompt's prediction
  std::vector<RowEdit> edits;
  bool guided = false;
  const std::vector<ContextToken>* first_tokens = nullptr;  // of the first prompt's row
};

Guidance::Rows Guidance::make_rows() const {
  const ConditioningStage& stage = conditioning_.at(step_);
  const double share = steps_ > 0 ? double(step_) / steps_ : 0;
  Rows rows;
  rows.guided = scale_ != 1.0 || stage.cond.size() > 1 || stage.cond.front().weight != 1.0;
  if (rows.guided) rows.contexts.push_back(stage.uncond);
  for (const WeightedContext& cond : stage.cond) {
    const std::vector<ContextToken>* tokens = &cond.tokens;
    rows.contexts.push_back(cond.context);
    if (cond.edit) {
      const text::SwapOptions& o = cond.edit->options;
      const bool self = within(share, o.s_start, o.s_end);
      const bool cross = within(share, o.t_start, o.t_end);
      if (self || cross) {
        const auto original = static_cast<std::int64_t>(rows.contexts.size()) - 1;
        rows.contexts.push_back(cond.edit->context);
        rows.edits.push_back(
            {original, original + 1, self, cross, cond.edit->source, cond.edit->keep});
        tokens = &cond.edit->tokens;
      }
    }
    rows.results.push_back(static_cast<std::int64_t>(rows.contexts.size()) - 1);
    if (!rows.first_tokens) rows.first_tokens = tokens;
  }
  return rows;
}

at::Tensor Guidance::predict(const at::Tensor& model_input, double timestep,
                             at::ScalarType dtype) const {
  std::vector<at::Tensor> outputs;
  for (std::int64_t i = 0; i < model_input.size(0); ++i)
    outputs.push_back(predict_one(model_input.slice(0, i, i + 1).to(dtype), timestep,
                                  static_cast<std::size_t>(i)));
  return at::cat(outputs);
}

/// All rows in one batch; guidance 1 needs the prompt alone.
at::Tensor Guidance::predict_one(const at::Tensor& x, double timestep, std::size_t picture) const {
  const Rows rows = make_rows();
  const auto count = static_cast<std::int64_t>(rows.contexts.size());
  const at::Tensor context = at::cat(rows.contexts).to(x.device(), x.scalar_type());
  const at::Tensor times =
      at::full({count}, timestep, at::TensorOptions().dtype(at::kFloat).device(x.device()));

  std::vector<RowRecord> records;
  if (recorders_) records.push_back({rows.results[0], *rows.first_tokens, (*recorders_)[picture]});
  AttentionEdit edit(rows.edits, std::move(records));
  const bool plain = rows.edits.empty() && !recorders_;

  const at::Tensor input = network_input(unet_, x).expand({count, -1, -1, -1});
  const at::Tensor e =
      unet_.forward(input, times, context, nullptr, plain ? nullptr : &edit).to(at::kFloat);
  const auto prediction = [&](std::int64_t row) { return e.slice(0, row, row + 1); };
  if (!rows.guided) return prediction(rows.results[0]);
  at::Tensor result = prediction(0);
  const std::vector<WeightedContext>& cond = conditioning_.at(step_).cond;
  for (std::size_t k = 0; k < cond.size(); ++k)
    result = result + (prediction(rows.results[k]) - prediction(0)) * (scale_ * cond[k].weight);
  return result;
}

}  // namespace invokeai::pipeline
