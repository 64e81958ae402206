#include "pipeline/attention_edit.h"

#include <algorithm>
#include <numeric>

#include "nn/layers.h"

namespace invokeai::pipeline {
namespace {

at::Tensor row(const at::Tensor& x, std::int64_t index) { return x.slice(0, index, index + 1); }

/// Maps [1,heads,L,S] of one row.
at::Tensor row_maps(const nn::AttentionSite& site, const nn::AttentionInput& input,
                    std::int64_t index) {
  return nn::attention_maps(row(input.q, index), row(input.k, index), site.heads);
}

/// The original's maps for what both prompts say, the edited prompt's own for the rest.
at::Tensor mixed_maps(const nn::AttentionSite& site, const nn::AttentionInput& input,
                      const RowEdit& edit) {
  const at::Tensor original = row_maps(site, input, edit.original);
  const at::Tensor keep = edit.keep.to(original.device());
  return keep * original.index_select(3, edit.source.to(original.device())) +
         (1 - keep) * row_maps(site, input, edit.edited);
}

}  // namespace

void AttentionRecorder::add(const at::Tensor& maps, const nn::AttentionSite& site,
                            const std::vector<ContextToken>& tokens) {
  const at::Tensor mean = maps.mean(0).t().reshape({1, -1, site.height, site.width});  // [1,S,h,w]
  const at::Tensor sized = at::upsample_bilinear2d(mean, {height_, width_}, false)[0].cpu();
  for (const ContextToken& token : tokens) {
    const auto same = [&](const Sum& sum) {
      return sum.token.position == token.position && sum.token.text == token.text;
    };
    const auto known = std::ranges::find_if(sums_, same);
    if (known == sums_.end())
      sums_.push_back({token, sized[token.position].clone()});
    else
      known->heat += sized[token.position];
  }
}

std::vector<AttentionMap> AttentionRecorder::take() {
  std::ranges::stable_sort(sums_, {}, [](const Sum& sum) { return sum.token.position; });
  std::vector<AttentionMap> result;
  for (const Sum& sum : sums_) {
    image::Image heat(static_cast<int>(width_), static_cast<int>(height_), 1);
    const double largest = std::max(sum.heat.max().item<double>(), 1e-12);
    const at::Tensor bytes = (sum.heat * (255 / largest)).round().to(at::kByte).contiguous();
    std::copy_n(bytes.const_data_ptr<std::uint8_t>(), heat.pixels.size(), heat.pixels.begin());
    result.push_back({sum.token.text, std::move(heat)});
  }
  sums_.clear();
  return result;
}

at::Tensor AttentionEdit::attend(const nn::AttentionSite& site, const nn::AttentionInput& input,
                                 bool upcast) {
  return site.cross ? cross_attend(site, input, upcast) : self_attend(site, input, upcast);
}

/// The original's map applied to the edited row's values: its queries and keys stand in.
at::Tensor AttentionEdit::self_attend(const nn::AttentionSite& site,
                                      const nn::AttentionInput& input, bool upcast) const {
  std::vector<std::int64_t> rows(static_cast<std::size_t>(input.q.size(0)));
  std::iota(rows.begin(), rows.end(), 0);
  bool changed = false;
  for (const RowEdit& edit : edits_) {
    if (!edit.self) continue;
    rows[static_cast<std::size_t>(edit.edited)] = edit.original;
    changed = true;
  }
  if (!changed) return nn::attention(input.q, input.k, input.v, site.heads, false, upcast);
  const at::Tensor from = at::tensor(rows).to(input.q.device());
  return nn::attention(input.q.index_select(0, from), input.k.index_select(0, from), input.v,
                       site.heads, false, upcast);
}

at::Tensor AttentionEdit::cross_attend(const nn::AttentionSite& site,
                                       const nn::AttentionInput& input, bool upcast) const {
  at::Tensor out = nn::attention(input.q, input.k, input.v, site.heads, false, upcast);
  for (const RowEdit& edit : edits_)
    if (edit.cross)
      row(out, edit.edited)
          .copy_(nn::apply_maps(mixed_maps(site, input, edit), row(input.v, edit.edited)));
  for (const RowRecord& record : records_) {
    const auto edit = std::ranges::find_if(
        edits_, [&](const RowEdit& e) { return e.cross && e.edited == record.row; });
    const at::Tensor maps = edit == edits_.end() ? row_maps(site, input, record.row)
                                                 : mixed_maps(site, input, *edit);
    record.recorder.add(maps[0], site, record.tokens);
  }
  return out;
}

}  // namespace invokeai::pipeline
