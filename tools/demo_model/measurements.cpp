#include "demo_model/measurements.h"

#include <ATen/core/grad_mode.h>

#include <algorithm>
#include <cmath>
#include <functional>

#include "drawer/captions.h"
#include "drawer/measure.h"
#include "drawer/paint.h"
#include "image/mask.h"
#include "models/load_model.h"
#include "pipeline/pixels.h"

namespace invokeai::demo {
namespace {

/// Answers about one object, in the order they are printed.
class Portraits {
 public:
  Portraits(const Judge& judge, const Trial& trial) : judge_(judge), trial_(trial) {
    for (int i = 0; i < drawer::kShapes; ++i)
      kinds_.push_back({fmt::format("- {}", drawer::name(static_cast<drawer::Shape>(i)))});
  }

  void look(const drawer::Scene& scene, const image::Image& picture) {
    const drawer::Object& wanted = scene.objects.front();
    const drawer::Measured seen = drawer::measure(picture, trial_.vocabulary);
    background_.add(seen.background == scene.background);
    color_.add(seen.object == wanted.color);
    const Verdict verdict = judge_.judge(picture, trial_.vocabulary);
    shape_.add(verdict.shape == wanted.shape);
    kinds_[static_cast<int>(wanted.shape)].add(verdict.shape == wanted.shape);
    place_.add(drawer::nearest_place(seen.cx, seen.cy) == wanted.place);
    size_.add(drawer::nearest_size(seen.extent) == wanted.size);
    manner_.add(verdict.rendering == trial_.style);
  }
  std::vector<Tally> tallies() const {
    std::vector<Tally> out = {background_, color_, shape_, place_, size_};
    if (trial_.style) out.push_back(manner_);
    if (trial_.kinds) out.insert(out.end(), kinds_.begin(), kinds_.end());
    return out;
  }

 private:
  const Judge& judge_;
  const Trial& trial_;
  std::vector<Tally> kinds_;
  Tally background_{"background colour"}, color_{"object colour"}, shape_{"shape"}, place_{"place"},
      size_{"size"}, manner_{"manner"};
};

class Groups {
 public:
  explicit Groups(std::string question) : all_{std::move(question)} {}

  void look(const drawer::Scene& scene, const image::Image& picture) {
    const bool right = drawer::is_grouped_like(scene, picture);
    all_.add(right);
    kinds_[static_cast<int>(scene.grouping)].add(right);
  }
  std::vector<Tally> tallies() const {
    std::vector<Tally> out = {all_};
    for (const Tally& kind : kinds_)
      if (kind.asked > 0 && kind.asked < all_.asked) out.push_back(kind);
    return out;
  }

 private:
  Tally all_;
  std::array<Tally, drawer::kGroupings> kinds_ = {
      {{"- apart"}, {"- inside"}, {"- in front of"}, {"- between"}, {"- two or three"}}};
};

class Manners {
 public:
  explicit Manners(const Judge& judge) : judge_(judge) {}

  void look(const drawer::Scene& scene, const image::Image& picture) {
    const Verdict seen = judge_.judge(picture, drawer::Vocabulary::full);
    rendering_.add(seen.rendering == scene.rendering);
    backdrop_.add(seen.backdrop == scene.backdrop);
    const bool clear =
        scene.rendering == drawer::Rendering::flat || scene.rendering == drawer::Rendering::shiny;
    if (clear && scene.objects.size() == 1 && scene.backdrop == drawer::Backdrop::plain)
      pattern_.add(seen.pattern == scene.objects[0].pattern);
  }
  std::vector<Tally> tallies() const { return {rendering_, backdrop_, pattern_}; }

 private:
  const Judge& judge_;
  Tally rendering_{"rendering"}, backdrop_{"backdrop"}, pattern_{"pattern"};
};

/// Scenes that no training has seen.
drawer::Scene fresh_scene(int index) { return drawer::random_scene(0xf7e5'0000'0000u + index); }

drawer::Extent painted_extent(const Trial& trial) { return trial.extent.value_or(256); }

Result<image::Image> draw(pipeline::Engine& engine, const Trial& trial, const std::string& prompt,
                          int index, pipeline::GenerationRequest request = {}) {
  if (request.prompt.empty()) request.prompt = prompt;
  if (trial.extent) request.width = trial.extent->width, request.height = trial.extent->height;
  request.steps = trial.steps;
  request.cfg_scale = trial.cfg;
  request.sampler = trial.sampler;
  request.seed = static_cast<std::uint32_t>(1000 + index);
  image::Image picture;
  pipeline::GenerationCallbacks callbacks;
  callbacks.on_image = [&](pipeline::GeneratedImage&& made) -> Result<> {
    picture = std::move(made.picture);
    return {};
  };
  TRY_ASSIGN(const pipeline::Outcome outcome, engine.generate(request, callbacks, {}));
  (void)outcome;
  return picture;
}

/// White but for a box around the object.
image::Image box_around(const drawer::Object& object, drawer::Extent extent) {
  image::Image mask(extent.width, extent.height, 1);
  std::ranges::fill(mask.pixels, image::kKeep);
  const float reach = object.radius * 1.25f * static_cast<float>(extent.shorter());
  const auto span = [&](float centre, int length) {
    const auto pixel = [&](float at) {
      return std::clamp(static_cast<int>(std::lround(at)), 0, length);
    };
    const float middle = centre * static_cast<float>(length);
    return std::pair{pixel(middle - reach), pixel(middle + reach)};
  };
  const auto [left, right] = span(object.cx, extent.width);
  const auto [top, bottom] = span(object.cy, extent.height);
  for (int y = top; y < bottom; ++y) std::fill_n(mask.at(left, y), right - left, image::kRepaint);
  return mask;
}

/// The scene with another thing in another colour in its first object's place: those of the next
/// scene whose colour can be told from all others.
drawer::Scene with_another_object(drawer::Scene scene, int index, drawer::Vocabulary vocabulary) {
  drawer::Object& object = scene.objects.front();
  drawer::Object other = object;
  const auto has_color = [&](const drawer::Object& one) { return one.color == other.color; };
  while (std::ranges::any_of(scene.objects, has_color) || other.color == scene.background ||
         other.shape == object.shape)
    other = drawer::held_out_scene(++index, vocabulary).objects.front();
  object.shape = other.shape;
  object.color = other.color;
  return scene;
}

/// What a picture is made from besides its caption.
using Beginning = std::function<pipeline::GenerationRequest(const drawer::Scene&, int index)>;

/// Draws `count` scenes as their plain captions say and shows them to the answers.
template <class Answers>
Result<Measurement> measure_drawings(pipeline::Engine& engine, const Trial& trial, int count,
                                     Answers answers,
                                     const std::function<drawer::Scene(int)>& scene_of,
                                     const Beginning& beginning = {}) {
  Measurement out;
  for (int i = 0; i < count; ++i) {
    const drawer::Scene scene = scene_of(i);
    TRY_ASSIGN(image::Image picture,
               draw(engine, trial, drawer::plain_caption(scene), i,
                    beginning ? beginning(scene, i) : pipeline::GenerationRequest{}));
    answers.look(scene, picture);
    out.pictures.push_back(std::move(picture));
  }
  out.tallies = answers.tallies();
  return out;
}

/// Another thing in the first object's place, and the box around it masked.
pipeline::GenerationRequest repainting(const drawer::Scene& scene, int index, const Trial& trial) {
  const drawer::Extent extent = painted_extent(trial);
  pipeline::GenerationRequest request;
  request.init = pipeline::InitImage{
      .picture = drawer::paint(with_another_object(scene, index, trial.vocabulary), extent),
      .strength = 1};
  request.inpaint.mask = box_around(scene.objects.front(), extent);
  return request;
}

}  // namespace

Result<Measurement> measure_captions(pipeline::Engine& engine, const Judge& judge,
                                     const Trial& trial, int count) {
  return measure_drawings(engine, trial, count, Portraits(judge, trial),
                          [&](int i) { return drawer::held_out_scene(i, trial.vocabulary); });
}

Result<Measurement> measure_repainting(pipeline::Engine& engine, const Judge& judge,
                                       const Trial& trial, int count) {
  const auto another_masked = [&](const drawer::Scene& scene, int i) {
    pipeline::GenerationRequest request = repainting(scene, i, trial);
    request.inpaint.match_colors = false;
    return request;
  };
  return measure_drawings(
      engine, trial, count, Portraits(judge, trial),
      [&](int i) { return drawer::held_out_scene(i, trial.vocabulary); }, another_masked);
}

Result<Measurement> measure_repainting_pairs(pipeline::Engine& engine, const Trial& trial,
                                             int count) {
  std::vector<drawer::Scene> pairs;
  for (int i = 0; static_cast<int>(pairs.size()) < count; ++i) {
    drawer::Scene scene = drawer::held_out_group(i);
    if (scene.grouping == drawer::Grouping::apart) pairs.push_back(std::move(scene));
  }
  const auto one_masked = [&](const drawer::Scene& scene, int i) {
    pipeline::GenerationRequest request = repainting(scene, i, trial);
    drawer::Scene said = scene;
    said.objects.resize(1);
    request.prompt = drawer::plain_caption(said);
    return request;
  };
  return measure_drawings(
      engine, trial, count, Groups("one of two repainted"), [&](int i) { return pairs[i]; },
      one_masked);
}

Result<Measurement> measure_groups(pipeline::Engine& engine, const Trial& trial, int count) {
  return measure_drawings(engine, trial, count, Groups("relation"), drawer::held_out_group);
}

Result<Measurement> measure_manners(pipeline::Engine& engine, const Judge& judge,
                                    const Trial& trial, int count) {
  return measure_drawings(engine, trial, count, Manners(judge), fresh_scene);
}

Result<Measurement> measure_negatives(pipeline::Engine& engine, const Trial& trial, int count) {
  Measurement out{.tallies = {{"negative prompt"}}, .pictures = {}};
  for (int i = 0; i < count; ++i) {
    const drawer::Scene scene = drawer::held_out_scene(i, trial.vocabulary);
    const std::string open =
        fmt::format("a {} on a {} background", drawer::name(scene.objects[0].shape),
                    drawer::name(scene.background));
    TRY_ASSIGN(image::Image picture, draw(engine, trial, open, i));
    const drawer::Color color = drawer::measure(picture, trial.vocabulary).object;
    out.pictures.push_back(std::move(picture));
    TRY_ASSIGN(image::Image without,
               draw(engine, trial, fmt::format("{} [{}]", open, drawer::name(color)), i));
    out.tallies[0].add(drawer::measure(without, trial.vocabulary).object != color);
    out.pictures.push_back(std::move(without));
  }
  return out;
}

Measurement measure_drawn(const Judge& judge, const Trial& trial, int count) {
  const drawer::Extent extent = painted_extent(trial);
  Portraits portraits(judge, trial);
  Groups groups("relation");
  Manners manners(judge);
  for (int i = 0; i < count; ++i) {
    drawer::Scene single = drawer::held_out_scene(i, trial.vocabulary);
    const drawer::Scene group = drawer::held_out_group(i);
    if (trial.style) single.rendering = *trial.style;
    portraits.look(single, drawer::paint(single, extent));
    groups.look(group, drawer::paint(group, extent));
    manners.look(fresh_scene(i), drawer::paint(fresh_scene(i), extent));
  }
  Measurement out{.tallies = portraits.tallies(), .pictures = {}};
  for (const std::vector<Tally>& more : {groups.tallies(), manners.tallies()})
    out.tallies.insert(out.tallies.end(), more.begin(), more.end());
  return out;
}

Result<Measurement> measure_round_trip(const std::string& model, const Judge& judge,
                                       const Trial& trial, int count, double& decibels) {
  at::NoGradGuard no_grad;
  TRY_ASSIGN(const models::Networks networks, models::load_networks({.path = model}));
  const int side = static_cast<int>(networks.unet->config().sample_size * networks.vae->scale());
  const bool basic = trial.vocabulary == drawer::Vocabulary::basic;
  Portraits portraits(judge, trial);
  Measurement out;
  decibels = 0;
  for (int i = 0; i < count; ++i) {
    // Half of them in any manner: what an autoencoder meets is not portraits alone.
    const bool portrait = basic || i % 2 == 0;
    const drawer::Scene scene =
        portrait ? drawer::held_out_scene(i, trial.vocabulary) : fresh_scene(i);
    const at::Tensor pixels = pipeline::to_pixels(drawer::paint(scene, side));
    const at::Tensor decoded = networks.vae->decode(networks.vae->encode(pixels).mean).clamp(-1, 1);
    decibels -= 10 * std::log10(((decoded - pixels) / 2).square().mean().item<double>()) / count;
    out.pictures.push_back(pipeline::to_image(decoded));
    if (portrait) portraits.look(scene, out.pictures.back());
  }
  out.tallies = portraits.tallies();
  return out;
}

}  // namespace invokeai::demo
