#include <algorithm>

#include "demo_model/checkpoint.h"
#include "demo_model/judge.h"
#include "demo_model/sitting.h"
#include "drawer/paint.h"
#include "drawer/random.h"
#include "models/formats/safetensors.h"
#include "models/tensors.h"

namespace invokeai::demo {
namespace {

/// What a diffusion model does to a picture: softens it, adds noise.
void disturb(image::Image& picture, drawer::Random& random) {
  const int reach = random.below(3);
  const image::Image before = picture;
  const double noise = random.unit() * random.unit() * 40;
  for (int y = 0; y < picture.height; ++y)
    for (int x = 0; x < picture.width; ++x)
      for (int c = 0; c < 3; ++c) {
        int sum = 0, count = 0;
        for (int v = std::max(0, y - reach); v <= std::min(picture.height - 1, y + reach); ++v)
          for (int u = std::max(0, x - reach); u <= std::min(picture.width - 1, x + reach); ++u)
            sum += before.at(u, v)[c], ++count;
        const double value = static_cast<double>(sum) / count + random.around_zero(noise);
        picture.at(x, y)[c] = static_cast<std::uint8_t>(std::clamp(value, 0.0, 255.0));
      }
}

/// Whether the object's eye can know what it sees.
bool is_portrait(const drawer::Scene& scene) {
  const bool clear =
      scene.rendering == drawer::Rendering::flat || scene.rendering == drawer::Rendering::shiny;
  return clear && scene.objects.size() == 1 && scene.backdrop == drawer::Backdrop::plain;
}

/// Scenes one after the other, portraits alone where they are wanted.
class Stream {
 public:
  explicit Stream(std::uint64_t seed) : next_(seed) {}
  drawer::Scene take(bool portrait) {
    drawer::Scene scene = drawer::random_scene(next_++);
    while (portrait && !is_portrait(scene)) scene = drawer::random_scene(next_++);
    return scene;
  }

 private:
  std::uint64_t next_;
};

/// A picture as the eyes see it, and what they should say.
struct Lesson {
  at::Tensor crop, whole;  // the crop of a portrait alone
  drawer::Scene scene;
};

/// Painting takes longer than learning: each lesson is repeated a few times, among others.
class Lessons {
 public:
  explicit Lessons(const TrainOptions& options)
      : options_(options), random_(options.seed), scenes_(options.seed * 900'000'000) {}

  /// A quarter of them are new, half of them portraits.
  std::vector<Lesson> take(int count) {
    for (int i = 0; i < (count + 3) / 4; ++i) learn_of(i % 2 == 0);
    std::vector<Lesson> out;
    for (int i = 0; i < count; ++i) {
      const std::vector<Lesson>& from = i % 2 == 0 ? portraits_ : others_;
      // The newest come last.
      const int newest = static_cast<int>(from.size()) - 1 - i / 2;
      out.push_back(from[i / 2 < count / 8 ? std::max(newest, 0)
                                           : random_.below(static_cast<int>(from.size()))]);
    }
    return out;
  }

 private:
  void learn_of(bool portrait) {
    Lesson lesson{.crop = {}, .whole = {}, .scene = scenes_.take(portrait)};
    image::Image picture = drawer::paint(lesson.scene, options_.size);
    disturb(picture, random_);
    lesson.whole = manner_input(picture);
    if (portrait) lesson.crop = object_input(picture);
    std::vector<Lesson>& list = portrait ? portraits_ : others_;
    if (list.size() == kMost) list.erase(list.begin());
    list.push_back(std::move(lesson));
  }

  static constexpr std::size_t kMost = 4000;  // of each, some 60 KB a piece
  const TrainOptions& options_;
  drawer::Random random_;
  Stream scenes_;
  std::vector<Lesson> portraits_, others_;
};

/// Mean cross entropy of the answers from `first` to `last`.
template <class Enum>
at::Tensor confusion(const at::Tensor& logits, int first, int last,
                     const std::vector<Enum>& wanted) {
  std::vector<std::int64_t> classes(wanted.size());
  std::ranges::transform(wanted, classes.begin(),
                         [](Enum value) { return static_cast<std::int64_t>(value); });
  return at::cross_entropy_loss(logits.slice(1, first, last), at::tensor(classes));
}

at::Tensor confusion_of(const Judge& judge, const std::vector<Lesson>& lessons) {
  std::vector<at::Tensor> crops, wholes;
  std::vector<drawer::Shape> shapes;
  std::vector<drawer::Pattern> patterns;
  std::vector<drawer::Rendering> renderings;
  std::vector<drawer::Backdrop> backdrops;
  for (const Lesson& lesson : lessons) {
    wholes.push_back(lesson.whole);
    renderings.push_back(lesson.scene.rendering);
    backdrops.push_back(lesson.scene.backdrop);
    if (!lesson.crop.defined()) continue;
    crops.push_back(lesson.crop);
    shapes.push_back(lesson.scene.objects[0].shape);
    patterns.push_back(lesson.scene.objects[0].pattern);
  }
  using namespace drawer;
  const at::Tensor object = judge.see_object(at::cat(crops));
  const at::Tensor manner = judge.see_manner(at::cat(wholes));
  return confusion(object, 0, kShapes, shapes) +
         confusion(object, kShapes, kShapes + kPatterns, patterns) +
         confusion(manner, 0, kRenderings, renderings) +
         confusion(manner, kRenderings, kRenderings + kBackdrops, backdrops);
}

}  // namespace

Result<> train_judge(const TrainOptions& options) {
  Judge judge;
  nn::initialise(judge, options.seed + 5);
  nn::Optimizer optimizer(judge, {.beta2 = 0.99, .ema_decay = 0.99});
  Lessons lessons(options);
  Sitting sitting(options, "judge", 0);
  while (sitting.goes_on()) {
    const at::Tensor loss = confusion_of(judge, lessons.take(options.batch));
    loss.backward();
    const double gradient = optimizer.step(sitting.learning_rate());
    sitting.advance(options.batch, loss.item<double>(), gradient);
  }
  fs::create_directories(options.folder);
  return models::write_safetensors(options.folder / "judge.safetensors",
                                   models::as_views(optimizer.averaged()), {{"format", "pt"}});
}

}  // namespace invokeai::demo
