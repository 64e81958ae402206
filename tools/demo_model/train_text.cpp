#include <chrono>

#include "demo_model/captions.h"
#include "demo_model/checkpoint.h"
#include "demo_model/configs.h"
#include "demo_model/data.h"
#include "drawer/captions.h"
#include "nn/clip_text.h"
#include "text/bpe_trainer.h"

namespace invokeai::demo {
namespace {

/// What a caption can say of its scene: background, and for up to two objects (left or upper one
/// first) colour, shape, size and place. One linear head each; "not said" is a class of its own.
constexpr int kQuestions = 9;
constexpr int kClasses = 11;

/// The heads on the encoder's last token, thrown away after this stage.
class Questions : public nn::Module {
 public:
  explicit Questions(std::int64_t width) : answers_(width, kQuestions * kClasses) { add("answers", answers_); }
  at::Tensor forward(const at::Tensor& x) const {  // [B,S,width] -> [B,S,questions,classes]
    return answers_.forward(x).unflatten(-1, {kQuestions, kClasses});
  }

 private:
  nn::Linear answers_;
};

bool says(const std::string& caption, std::string_view word) {
  return caption.find(word) != std::string::npos;
}

/// Classes of the answers, 10 for what the caption leaves open.
std::array<std::int64_t, kQuestions> answers(const drawer::Scene& scene, const std::string& caption) {
  std::array<std::int64_t, kQuestions> out;
  out.fill(10);
  const auto number = [](auto value) { return static_cast<std::int64_t>(value); };
  if (says(caption, drawer::name(scene.background))) out[0] = number(scene.background);
  std::size_t at = 1;
  for (const auto& object : scene.objects) {
    if (says(caption, drawer::name(object.color))) out[at] = number(object.color);
    out[at + 1] = number(object.shape);
    out[at + 2] = number(object.size);
    out[at + 3] = number(object.place);
    at += 4;
  }
  return out;
}

}  // namespace

Result<> make_tokenizer(const TrainOptions& options) {
  std::vector<std::string> texts;
  for (int i = 0; i < 4000; ++i) texts.push_back(drawer::caption(drawer::random_scene(i), i));
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
  nn::AdamW encoder_optimizer(encoder, {.beta2 = 0.99}), question_optimizer(questions, {.beta2 = 0.99});

  const auto start = std::chrono::steady_clock::now();
  double shown = 0;
  const auto elapsed = [&] {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  };
  for (std::int64_t done = 0; done < options.pictures && elapsed() < options.minutes * 60;) {
    const auto scenes = random_scenes(options.seed * 3'000'000'000 + done, options.batch);
    std::vector<std::string> captions;
    std::vector<std::int64_t> wanted;
    for (std::size_t i = 0; i < scenes.size(); ++i) {
      captions.push_back(drawer::caption(scenes[i], done + i));
      for (const auto answer : answers(scenes[i], captions.back())) wanted.push_back(answer);
    }
    // Short windows here: the end marker's state is what is asked, and padding repeats it.
    const at::Tensor ids = encode_captions(tokenizer, captions).slice(1, 0, 28).to(device);
    const at::Tensor hidden = encoder.forward(ids);
    const at::Tensor logits = questions.forward(hidden.slice(1, 22, 28));  // [B,6,questions,classes]
    const at::Tensor target = at::tensor(wanted).reshape({options.batch, 1, kQuestions})
                                  .expand({options.batch, 6, kQuestions}).to(device);
    const at::Tensor loss = at::cross_entropy_loss(logits.reshape({-1, kClasses}), target.reshape({-1}));
    loss.backward();
    encoder_optimizer.step(learning_rate(options, done, static_cast<double>(options.pictures - done)));
    question_optimizer.step(learning_rate(options, done, static_cast<double>(options.pictures - done)));
    done += options.batch;
    if (elapsed() - shown > 10 || done >= options.pictures) {
      shown = elapsed();
      const double right = (logits.argmax(-1) == target).to(at::kFloat).mean().item<double>();
      log_line(options, fmt::format("text: {:7d} captions  loss {:.4f}  right {:.1f} %", done,
                                    loss.item<double>(), 100 * right));
    }
  }
  return save_network(options.folder / "text_encoder", "model",
                      encoder_optimizer.averaged(), json.dump(2) + "\n");
}

}  // namespace invokeai::demo
