#include <algorithm>

#include "demo_model/checkpoint.h"
#include "demo_model/shape_classifier.h"
#include "drawer/measure.h"
#include "drawer/paint.h"
#include "drawer/random.h"
#include "models/formats/safetensors.h"
#include "models/tensors.h"

namespace invokeai::demo {
namespace {

/// What a diffusion model does to a picture: softens it, adds noise, shifts its colours a little.
void disturb(image::Image& picture, drawer::Random& random) {
  const int reach = random.below(3);
  const image::Image before = picture;
  const double noise = random.unit() * 40;
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

drawer::Scene single(std::uint64_t seed) { return drawer::random_scene(seed, {.pair_share = 0}); }

}  // namespace

Result<> train_shape_classifier(const TrainOptions& options) {
  ShapeClassifier network;
  nn::initialise(network, options.seed + 5);
  nn::AdamW optimizer(network, {.beta2 = 0.99, .ema_decay = 0.99});
  drawer::Random random(options.seed);
  double right = 0, seen = 0;
  for (std::int64_t done = 0; done < options.pictures; done += options.batch) {
    std::vector<at::Tensor> inputs;
    std::vector<std::int64_t> labels;
    for (int i = 0; i < options.batch; ++i) {
      const auto scene = single(options.seed * 900'000'000 + done + i);
      image::Image picture = drawer::paint(scene, options.size);
      disturb(picture, random);
      inputs.push_back(classifier_input(picture));
      labels.push_back(static_cast<std::int64_t>(scene.objects[0].shape));
    }
    const at::Tensor target = at::tensor(labels);
    const at::Tensor logits = network.forward(at::cat(inputs));
    at::cross_entropy_loss(logits, target).backward();
    optimizer.step(learning_rate(options, done, static_cast<double>(options.pictures - done)));
    right += (logits.argmax(1) == target).sum().item<double>();
    seen += options.batch;
    if (done / options.batch % 50 == 49) {
      log_line(options, fmt::format("classifier: {} pictures  right {:.1f} %", done, 100 * right / seen));
      right = seen = 0;
    }
  }
  fs::create_directories(options.folder);
  return models::write_safetensors(options.folder / "shape_classifier.safetensors",
                                   models::as_views(optimizer.averaged()), {{"format", "pt"}});
}

}  // namespace invokeai::demo
