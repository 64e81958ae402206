#include "pipeline/guidance.h"

#include <algorithm>

#include "pipeline/device.h"

namespace invokeai::pipeline {
namespace {

/// What the network sees: the latents [B,4,h,w], and the surroundings where it was made for
/// inpainting. Without a picture it is told to repaint everything: a mask of ones, an empty picture.
at::Tensor network_input(const nn::UNet& unet, const at::Tensor& x, const at::Tensor& surroundings) {
  if (unet.config().in_channels != 9) return x;
  if (surroundings.defined()) return at::cat({x, surroundings.to(x.options())}, 1);
  return at::cat({x, at::ones_like(x.slice(1, 0, 1)), at::zeros_like(x)}, 1);
}

at::Tensor times_of(std::int64_t count, double timestep, const at::Tensor& input) {
  return at::full({count}, timestep, at::TensorOptions().dtype(at::kFloat).device(input.device()));
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
                             at::ScalarType dtype, const at::Tensor& surroundings) {
  const TunedConvolutions tuned(thrift_.tune);
  const at::Tensor input = network_input(unet_, model_input, surroundings).to(dtype);
  std::vector<at::Tensor> outputs;
  for (std::int64_t i = 0; i < input.size(0); ++i)
    outputs.push_back(predict_one(input.slice(0, i, i + 1), timestep,
                                  static_cast<std::size_t>(i)));
  ++evaluation_;
  return at::cat(outputs);
}

/// The rows in one batch or each alone, with the contexts laid out once for all steps of a stage.
std::vector<Guidance::Asked>& Guidance::asked_for(const Rows& rows, const at::Tensor& input) {
  const ConditioningStage* stage = &conditioning_.at(step_);
  if (asked_stage_ == stage) return asked_;
  asked_stage_ = stage;
  evaluation_ = 0;
  asked_.clear();
  const std::size_t together = thrift_.row_by_row ? 1 : rows.contexts.size();
  for (std::size_t i = 0; i < rows.contexts.size(); i += together)
    asked_.push_back({at::cat(at::TensorList(rows.contexts).slice(i, together))
                          .to(input.device(), input.scalar_type()),
                      {},
                      {}});
  return asked_;
}

/// From a recording, where everything is the same at each step but the numbers.
std::optional<at::Tensor> Guidance::ask_recorded(Asked& asked, const at::Tensor& input,
                                                 double timestep) {
  if (!thrift_.graphs || thrift_.row_by_row || thrift_.cache_steps > 1) return std::nullopt;
  return thrift_.graphs->predict(input, timestep, asked.context);
}

/// What the network says to every row, [rows,4,h,w], where nothing looks into its attention.
at::Tensor Guidance::ask(const Rows& rows, const at::Tensor& input, double timestep,
                         std::size_t picture) {
  std::vector<at::Tensor> outputs;
  for (Asked& asked : asked_for(rows, input)) {
    if (auto output = ask_recorded(asked, input, timestep)) {
      outputs.push_back(std::move(*output));
      continue;
    }
    const std::int64_t count = asked.context.size(0);
    nn::UNetHelp help{.keys = &asked.keys};
    if (thrift_.cache_steps > 1) {
      asked.deep.resize(std::max(asked.deep.size(), picture + 1));
      help.deep = &asked.deep[picture];
      help.deep->reuse = evaluation_ % thrift_.cache_steps != 0;
    }
    outputs.push_back(unet_.forward(input.expand({count, -1, -1, -1}),
                                    times_of(count, timestep, input), asked.context, help));
  }
  return outputs.size() == 1 ? outputs.front() : at::cat(outputs);
}

/// All rows in one batch; guidance 1 needs the prompt alone.
at::Tensor Guidance::predict_one(const at::Tensor& input, double timestep, std::size_t picture) {
  const Rows rows = make_rows();
  at::Tensor e;
  if (rows.edits.empty() && !recorders_) {
    e = ask(rows, input, timestep, picture).to(at::kFloat);
  } else {
    const auto count = static_cast<std::int64_t>(rows.contexts.size());
    std::vector<RowRecord> records;
    if (recorders_)
      records.push_back({rows.results[0], *rows.first_tokens, (*recorders_)[picture]});
    AttentionEdit edit(rows.edits, std::move(records));
    e = unet_
            .forward(input.expand({count, -1, -1, -1}), times_of(count, timestep, input),
                     at::cat(rows.contexts).to(input.device(), input.scalar_type()),
                     {.control = &edit})
            .to(at::kFloat);
  }
  const auto prediction = [&](std::int64_t row) { return e.slice(0, row, row + 1); };
  if (!rows.guided) return prediction(rows.results[0]);
  at::Tensor result = prediction(0);
  const std::vector<WeightedContext>& cond = conditioning_.at(step_).cond;
  for (std::size_t k = 0; k < cond.size(); ++k)
    result = result + (prediction(rows.results[k]) - prediction(0)) * (scale_ * cond[k].weight);
  return result;
}

}  // namespace invokeai::pipeline
