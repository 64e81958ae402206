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

/// Mean of the cross entropies of two groups of answers, the first `split` and the rest.
at::Tensor confusion(const at::Tensor& logits, int split, const std::vector<std::int64_t>& first,
                     const std::vector<std::int64_t>& second) {
  return at::cross_entropy_loss(logits.slice(1, 0, split), at::tensor(first)) +
         at::cross_entropy_loss(logits.slice(1, split), at::tensor(second));
}

}  // namespace

Result<> train_judge(const TrainOptions& options) {
  Judge judge;
  nn::initialise(judge, options.seed + 5);
  nn::AdamW optimizer(judge, {.beta2 = 0.99, .ema_decay = 0.99});
  drawer::Random random(options.seed);
  Stream scenes(options.seed * 900'000'000);
  Sitting sitting(options, "judge", 0);
  while (sitting.goes_on()) {
    std::vector<at::Tensor> crops, wholes;
    std::vector<std::int64_t> shapes, patterns, renderings, backdrops;
    for (int i = 0; i < options.batch; ++i) {
      const bool portrait = i < options.batch / 2;
      const drawer::Scene scene = scenes.take(portrait);
      image::Image picture = drawer::paint(scene, options.size);
      disturb(picture, random);
      wholes.push_back(manner_input(picture));
      renderings.push_back(static_cast<std::int64_t>(scene.rendering));
      backdrops.push_back(static_cast<std::int64_t>(scene.backdrop));
      if (!portrait) continue;
      crops.push_back(object_input(picture));
      shapes.push_back(static_cast<std::int64_t>(scene.objects[0].shape));
      patterns.push_back(static_cast<std::int64_t>(scene.objects[0].pattern));
    }
    const at::Tensor loss =
        confusion(judge.see_object(at::cat(crops)), drawer::kShapes, shapes, patterns) +
        confusion(judge.see_manner(at::cat(wholes)), drawer::kRenderings, renderings, backdrops);
    loss.backward();
    const double gradient = optimizer.step(sitting.learning_rate());
    sitting.advance(options.batch, loss.item<double>(), gradient);
  }
  fs::create_directories(options.folder);
  return models::write_safetensors(options.folder / "judge.safetensors",
                                   models::as_views(optimizer.averaged()), {{"format", "pt"}});
}

}  // namespace invokeai::demo
