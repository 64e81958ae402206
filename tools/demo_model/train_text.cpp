#include <algorithm>

#include "demo_model/captions.h"
#include "demo_model/checkpoint.h"
#include "demo_model/configs.h"
#include "demo_model/data.h"
#include "demo_model/sitting.h"
#include "drawer/captions.h"
#include "nn/clip_text.h"
#include "text/bpe_trainer.h"

namespace invokeai::demo {
namespace {

/// What a caption can say of its scene, one linear head each: the ground; for up to three objects
/// colour and shape; of the first its place, size and pattern; rendering, backdrop, grouping. "Not
/// said" is a class of its own, the last.
constexpr int kWindow = 40;  // tokens: longer than any caption
constexpr int kAsked = 6;    // tokens at the window's end, all of them padding
constexpr int kMostObjects = 3, kQuestions = 1 + 2 * kMostObjects + 6,
              kClasses = drawer::kShapes + 1;

/// The heads on the encoder's last token, thrown away after this stage.
class Questions : public nn::Module {
 public:
  explicit Questions(std::int64_t width) : answers_(width, kQuestions * kClasses) {
    add("answers", answers_);
  }
  at::Tensor forward(const at::Tensor& x) const {  // [B,S,width] -> [B,S,questions,classes]
    return answers_.forward(x).unflatten(-1, {kQuestions, kClasses});
  }

 private:
  nn::Linear answers_;
};

bool says(const std::string& caption, const std::vector<std::string_view>& any) {
  return std::ranges::any_of(
      any, [&](std::string_view word) { return caption.find(word) != caption.npos; });
}

/// Objects in an order that the caption tells: of a pair the left or upper one first, and those
/// around the middle one by colour.
std::vector<drawer::Object> told_apart(const drawer::Scene& scene) {
  std::vector<drawer::Object> objects = scene.objects;
  if (scene.grouping == drawer::Grouping::several) objects.resize(1);
  if (scene.grouping == drawer::Grouping::between && objects[2].color < objects[1].color)
    std::swap(objects[1], objects[2]);
  const bool pair = scene.grouping == drawer::Grouping::apart && objects.size() == 2;
  if (pair &&
      (objects[0].place == drawer::Place::right || objects[0].place == drawer::Place::bottom))
    std::swap(objects[0], objects[1]);
  return objects;
}

/// One more than the kinds of grouping: three of the same are told from two.
std::int64_t number_of_grouping(const drawer::Scene& scene) {
  const bool three = scene.grouping == drawer::Grouping::several && scene.objects.size() == 3;
  return three ? drawer::kGroupings : static_cast<std::int64_t>(scene.grouping);
}

/// Classes of the answers, the last one for what the caption leaves open.
std::array<std::int64_t, kQuestions> answers(const drawer::Scene& scene,
                                             const std::string& caption) {
  std::array<std::int64_t, kQuestions> out;
  out.fill(kClasses - 1);
  const auto number = [](auto value) { return static_cast<std::int64_t>(value); };
  const std::vector<drawer::Object> objects = told_apart(scene);
  if (scene.backdrop == drawer::Backdrop::plain && says(caption, drawer::words(scene.background)))
    out[0] = number(scene.background);
  std::size_t at = 1;
  for (const drawer::Object& object : objects) {
    if (says(caption, drawer::words(object.color))) out[at] = number(object.color);
    out[at + 1] = number(object.shape);
    at += 2;
  }
  at = 1 + 2 * kMostObjects;
  out[at++] = number(objects[0].place);
  out[at++] = number(scene.objects.size() == 1 ? objects[0].size : drawer::Size::normal);
  out[at++] = number(scene.objects[0].pattern);
  out[at++] = number(scene.rendering);
  out[at++] = number(scene.backdrop);
  out[at++] = number_of_grouping(scene);
  return out;
}

}  // namespace

Result<> make_tokenizer(const TrainOptions& options) {
  std::vector<std::string> texts;
  for (int i = 0; i < 8000; ++i) texts.push_back(drawer::caption(drawer::random_scene(i), i));
  for (const auto& word : drawer::vocabulary_texts())
    for (int i = 0; i < 50; ++i) texts.push_back(word);
  TRY_ASSIGN(const auto merges, text::learn_merges(texts, {.vocabulary_size = 1024}));
  return text::write_tokenizer_folder(options.folder / "tokenizer", merges);
}

Result<> train_text(const TrainOptions& options) {
  const at::Device device(options.device);
  TRY_ASSIGN(const text::ClipTokenizer tokenizer,
             text::ClipTokenizer::from_folder(options.folder / "tokenizer"));
  const auto json = text_config(tokenizer.vocab_size());
  TRY_ASSIGN(const nn::ClipTextConfig config, nn::parse_clip_text_config(json));
  nn::ClipText encoder(config);
  Questions questions(config.hidden_size);
  nn::initialise(encoder, options.seed + 2);
  nn::initialise(questions, options.seed + 3);
  nn::convert(encoder, device, at::kFloat);
  nn::convert(questions, device, at::kFloat);
  nn::Optimizer encoder_optimizer(encoder, {.beta2 = 0.99}),
      question_optimizer(questions, {.beta2 = 0.99});

  Sitting sitting(options, "text", 0);
  double right = 0;  // running mean of some fifty steps
  while (sitting.goes_on()) {
    const std::int64_t done = sitting.done();
    const auto scenes = random_scenes(options.seed * 3'000'000'000 + done, options.batch);
    std::vector<std::string> captions;
    std::vector<std::int64_t> wanted;
    for (std::size_t i = 0; i < scenes.size(); ++i) {
      captions.push_back(drawer::caption(scenes[i], done + i));
      for (const auto answer : answers(scenes[i], captions.back())) wanted.push_back(answer);
    }
    // Short windows here: the end marker's state is what is asked, and padding repeats it.
    const at::Tensor ids = encode_captions(tokenizer, captions).slice(1, 0, kWindow).to(device);
    const at::Tensor hidden = encoder.forward(ids);
    const at::Tensor logits = questions.forward(
        hidden.slice(1, kWindow - kAsked, kWindow));  // [B,asked,questions,classes]
    const at::Tensor target = at::tensor(wanted)
                                  .reshape({options.batch, 1, kQuestions})
                                  .expand({options.batch, kAsked, kQuestions})
                                  .to(device);
    const at::Tensor loss =
        at::cross_entropy_loss(logits.reshape({-1, kClasses}), target.reshape({-1}));
    loss.backward();
    const double gradient = encoder_optimizer.step(sitting.learning_rate());
    question_optimizer.step(sitting.learning_rate());
    const at::Tensor hits = (logits.argmax(-1) == target).to(at::kFloat).mean();
    right += 0.02 * (hits.item<double>() - right);
    sitting.advance(options.batch, loss.item<double>(), gradient);
  }
  log_line(options, fmt::format("text: {:.1f} % of the answers right", 100 * right));
  return save_network(options.folder / "text_encoder", "model", encoder_optimizer.averaged(),
                      json.dump(2) + "\n");
}

}  // namespace invokeai::demo
