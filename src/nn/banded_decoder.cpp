#include "nn/banded_decoder.h"

#include <algorithm>
#include <functional>
#include <string>

#include "nn/resnet.h"

namespace invokeai::nn {
namespace {

using std::int64_t;

/// Rows [begin,end) of a map. Where top and bottom meet they may lie beyond, and count on from
/// there.
struct Range {
  int64_t begin = 0, end = 0;
};
using Rows = std::function<at::Tensor(Range)>;

/// Rows `to` of a piece that is rows `from`.
at::Tensor cut(const at::Tensor& piece, Range from, Range to) {
  return piece.slice(2, to.begin - from.begin, to.end - from.begin);
}

/// Rows of a map that is in memory: a view, or a copy across the edge.
at::Tensor rows_of(const at::Tensor& map, Range r) {
  const int64_t height = map.size(2);
  if (r.begin >= 0 && r.end <= height) return map.slice(2, r.begin, r.end);
  std::vector<at::Tensor> parts;
  if (r.begin < 0) parts.push_back(map.slice(2, height + r.begin, height));
  parts.push_back(map.slice(2, std::max<int64_t>(r.begin, 0), std::min(r.end, height)));
  if (r.end > height) parts.push_back(map.slice(2, 0, r.end - height));
  return at::cat(parts, 2).contiguous(at::MemoryFormat::ChannelsLast);
}

/// [1,C,h,w] channels-last -> [h w,C], a view.
at::Tensor as_pixels(const at::Tensor& x) { return as_tokens(x)[0]; }

/// A GroupNorm whose statistics are put together from pieces of a map. Arithmetic in f32, sums
/// beyond some thousand pixels in f64.
class PiecewiseNorm {
 public:
  PiecewiseNorm(Module& norm, int64_t groups, double eps) : groups_(groups), eps_(eps) {
    norm.visit_own_parameters([this](const std::string& name, at::Tensor& p) {
      (name == "weight" ? weight_ : bias_) = p.to(at::kCPU, at::kDouble);
    });
    sum_ = at::zeros_like(weight_), square_ = at::zeros_like(weight_);
  }

  /// Counts a piece in; each pixel of the map once.
  void measure(const at::Tensor& x) {
    each_part(x, [this](const at::Tensor& part, int64_t) {
      sum_ += part.sum(0).to(at::kCPU, at::kDouble);
      square_ += part.square().sum(0).to(at::kCPU, at::kDouble);
      pixels_ += part.size(0);
    });
  }

  /// All of the map has been measured.
  void finish(const at::Device& device) {
    const int64_t width = sum_.size(0) / groups_;
    const auto count = static_cast<double>(pixels_ * width);
    const at::Tensor mean = sum_.view({groups_, width}).sum(1) / count;
    const at::Tensor square = square_.view({groups_, width}).sum(1) / count;
    const at::Tensor scale = ((square - mean.square()).clamp_min(0) + eps_).rsqrt();
    const at::Tensor factor = scale.repeat_interleave(width) * weight_;
    factor_ = factor.to(device, at::kFloat);
    offset_ = (bias_ - mean.repeat_interleave(width) * factor).to(device, at::kFloat);
  }

  /// SiLU of the norm of a piece.
  at::Tensor forward_silu(const at::Tensor& x) const {
    const at::Tensor out = at::empty_like(x, x.options(), at::MemoryFormat::ChannelsLast);
    const at::Tensor pixels = as_pixels(out);
    each_part(x, [&](const at::Tensor& part, int64_t first) {
      at::Tensor y = at::addcmul(offset_, part, factor_);
      pixels.slice(0, first, first + y.size(0)).copy_(at::silu_(y));
    });
    return out;
  }

 private:
  /// Calls `use(pixels [n,C] f32, the first's number)` with all of a piece in turn.
  template <class Use>
  static void each_part(const at::Tensor& x, const Use& use) {
    const at::Tensor pixels = as_pixels(x);
    const int64_t step = std::max<int64_t>(1, kNormedAtOnce / x.size(1));
    for (int64_t i = 0; i < pixels.size(0); i += step)
      use(pixels.slice(0, i, i + step).to(at::kFloat), i);
  }

  at::Tensor weight_, bias_;    // [C] f64
  at::Tensor sum_, square_;     // [C] f64, of what was measured
  at::Tensor factor_, offset_;  // [C] f32: y = x factor + offset
  int64_t groups_, pixels_ = 0;
  double eps_;
};

/// The layers of a ResnetBlock.
struct ResnetParts {
  explicit ResnetParts(Module& block) {
    block.visit_named_modules([this](const std::string& name, Module& node) {
      if (name == "norm1") norm1 = &node;
      if (name == "norm2") norm2 = &node;
      if (name == "conv1") conv1 = dynamic_cast<Conv2d*>(&node);
      if (name == "conv2") conv2 = dynamic_cast<Conv2d*>(&node);
      if (name == "conv_shortcut") shortcut = dynamic_cast<Conv2d*>(&node);
    });
    TORCH_CHECK(norm1 && norm2 && conv1 && conv2, "not a residual block");
  }
  Module *norm1 = nullptr, *norm2 = nullptr;
  Conv2d *conv1 = nullptr, *conv2 = nullptr, *shortcut = nullptr;
};

/// Bands of maps of one height.
class Bands {
 public:
  Bands(int64_t height, Wrap wrap) : height_(height), step_(band_rows(height)), wrap_(wrap) {}

  /// With `rows` more on both sides, as far as there are any.
  Range widen(Range r, int64_t rows) const {
    r = {r.begin - rows, r.end + rows};
    return wrap_.y ? r : Range{std::max<int64_t>(r.begin, 0), std::min(r.end, height_)};
  }

  template <class Use>
  void each(const Use& use) const {
    for (int64_t begin = 0; begin < height_; begin += step_)
      use(Range{begin, std::min(begin + step_, height_)});
  }

  /// Fills `map` with what `rows` gives, which may read the same map two rows beyond what it is
  /// asked for: a band is written when the next one has been computed, the first one last of all
  /// where top and bottom meet.
  void fill(at::Tensor& map, const Rows& rows,
            const std::function<void(const at::Tensor&)>& see) const {
    std::vector<std::pair<Range, at::Tensor>> waiting;
    const std::size_t first = wrap_.y ? 1 : 0;
    const auto write = [&](std::size_t i) {
      const auto& [range, piece] = waiting[i];
      map.slice(2, range.begin, range.end).copy_(piece);
      waiting.erase(waiting.begin() + static_cast<std::ptrdiff_t>(i));
    };
    each([&](Range r) {
      at::Tensor piece = rows(r);
      if (see) see(piece);
      if (!map.defined())
        map = at::empty({1, piece.size(1), height_, piece.size(3)}, piece.options(),
                        at::MemoryFormat::ChannelsLast);
      if (waiting.size() > first) write(first);
      waiting.emplace_back(r, std::move(piece));
    });
    while (!waiting.empty()) write(0);
  }

 private:
  int64_t height_, step_;
  Wrap wrap_;
};

/// One residual block over all bands.
class BandedResnet {
 public:
  BandedResnet(Module& block, int64_t groups, double eps, Bands bands)
      : parts_(block),
        norm1_(*parts_.norm1, groups, eps),
        norm2_(*parts_.norm2, groups, eps),
        bands_(bands) {}

  PiecewiseNorm& first_norm() { return norm1_; }  ///< measures the input before `run`

  /// Writes to `map`, which may be what `source` reads. With `keeps_inner` one more map is held and
  /// no convolution is computed twice. `see` is shown all of the result.
  void run(const Rows& source, at::Tensor& map, bool keeps_inner, at::Device device,
           const std::function<void(const at::Tensor&)>& see) {
    norm1_.finish(device);
    const Rows inner_rows = [&](Range r) {
      const Range wide = bands_.widen(r, 1);
      return inner(source(wide), wide, r);
    };
    const auto measure = [this](const at::Tensor& piece) { norm2_.measure(piece); };
    at::Tensor kept;
    if (keeps_inner)
      bands_.fill(kept, inner_rows, measure);
    else
      bands_.each([&](Range r) { measure(inner_rows(r)); });
    norm2_.finish(device);
    bands_.fill(
        map, [&](Range r) { return outer(source, kept, r); }, see);
  }

 private:
  at::Tensor inner(const at::Tensor& x, Range from, Range to) const {
    return cut(parts_.conv1->forward(norm1_.forward_silu(x)), from, to);
  }

  at::Tensor outer(const Rows& source, const at::Tensor& kept, Range r) const {
    const Range wide = bands_.widen(r, 1), read = kept.defined() ? wide : bands_.widen(r, 2);
    const at::Tensor x = source(read);
    at::Tensor h = kept.defined() ? rows_of(kept, wide) : inner(x, read, wide);
    h = norm2_.forward_silu(h);
    at::Tensor rest = cut(x, read, wide);
    if (parts_.shortcut) rest = parts_.shortcut->forward(rest);
    return cut(parts_.conv2->forward_add(h, rest), wide, r);
  }

  ResnetParts parts_;
  PiecewiseNorm norm1_, norm2_;
  Bands bands_;
};

int64_t floor_half(int64_t x) { return x >= 0 ? x / 2 : -((1 - x) / 2); }

/// Rows of the doubled map behind its convolution.
at::Tensor enlarge(const at::Tensor& map, const Conv2d& convolution, const Bands& bands, Range r) {
  const Range wide = bands.widen(r, 1);
  const Range small{floor_half(wide.begin), floor_half(wide.end + 1)};
  at::Tensor x = rows_of(map, small);
  const int64_t height = 2 * x.size(2), width = 2 * x.size(3);
  x = convolution.forward_enlarged(std::move(x), height, width);
  return cut(x, {2 * small.begin, 2 * small.end}, r);
}

}  // namespace

int64_t band_rows(int64_t height) { return std::max<int64_t>(32, (height + 15) / 16); }

at::Tensor run_in_bands(at::Tensor x, const DecoderTail& tail, Wrap wrap) {
  TORCH_CHECK(x.dim() == 4 && x.size(0) == 1, "one picture at a time, got ", x.sizes());
  const at::Device device = x.device();
  PiecewiseNorm norm_out(*tail.norm_out, tail.groups, tail.eps);
  for (const DecoderTail::Level& level : tail.levels) {
    const bool last = &level == &tail.levels.back();
    const Bands bands(2 * x.size(2), wrap);
    std::vector<BandedResnet> resnets;
    for (Module* block : level.resnets) resnets.emplace_back(*block, tail.groups, tail.eps, bands);
    at::Tensor map;
    Rows source = [&](Range r) { return enlarge(x, *level.enlarged, bands, r); };
    bands.each([&](Range r) { resnets.front().first_norm().measure(source(r)); });
    for (std::size_t i = 0; i < resnets.size(); ++i) {
      PiecewiseNorm* next = i + 1 < resnets.size() ? &resnets[i + 1].first_norm()
                            : last                 ? &norm_out
                                                   : nullptr;
      const auto see = [next](const at::Tensor& piece) {
        if (next) next->measure(piece);
      };
      resnets[i].run(source, map, /*keeps_inner=*/!last, device, see);
      source = [&map](Range r) { return rows_of(map, r); };
      x.reset();  // only the first one reads the level before
    }
    x = std::move(map);
  }
  norm_out.finish(device);
  const Bands bands(x.size(2), wrap);
  at::Tensor picture;
  bands.fill(picture,
             [&](Range r) {
               const Range wide = bands.widen(r, 1);
               return cut(tail.conv_out->forward(norm_out.forward_silu(rows_of(x, wide))), wide, r);
             },
             {});
  return picture;
}

}  // namespace invokeai::nn
