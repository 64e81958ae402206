// Numbers too large for half precision: the picture is drawn in float32 instead, and what is broken
// in float32 too is an error.

#include <limits>

#include "models/formats/safetensors.h"
#include "models/tensors.h"
#include "pipeline/engine_support.h"

namespace invokeai::pipeline {
namespace {

using testing::demo_model;
using testing::draw;
using testing::Drawn;
using testing::open_engine;
using testing::quick_request;
using testing::Scratch;

constexpr float kBeyondHalf = 3.4e38f;  // finite in float32, infinite in bfloat16 and float16

/// Changes one tensor, f32.
using Change = std::function<void(at::Tensor&)>;

/// The demo model with some tensors of one of its networks changed.
void write_changed(const fs::path& folder, const std::string& part,
                   const std::vector<std::string>& stems,
                   const std::map<std::string, Change>& changes) {
  fs::copy(demo_model(), folder, fs::copy_options::recursive);
  const auto source = models::open_component(demo_model() / part, stems, /*half=*/false);
  ASSERT_TRUE(source) << source.error().text();
  std::map<std::string, models::TensorView> tensors = source->tensors;
  for (const auto& [name, change] : changes) {
    ASSERT_TRUE(tensors.contains(name)) << name;
    at::Tensor tensor = models::as_tensor(tensors[name]).to(at::kFloat).clone();
    change(tensor);
    tensors[name] = models::as_view(tensor);
  }
  fs::remove_all(folder / part / (stems.front() + ".safetensors.index.json"));
  ASSERT_TRUE(
      models::write_safetensors(folder / part / (stems.front() + ".safetensors"), tensors, {}));
}

/// A number that is always 0 meets a weight that only float32 can hold: 0 times infinity is no
/// number, 0 times any other weight is 0.
const Change kSilence = [](at::Tensor& t) { t[0].zero_(); };
const Change kOverflow = [](at::Tensor& t) { t[0][0].fill_(kBeyondHalf); };

bool tells(const Drawn& drawn, const std::string& part) {
  return std::ranges::count_if(drawn.messages, [&](const std::string& message) {
           return message.find(part) != std::string::npos;
         }) == 1;
}

class Overflow : public ::testing::TestWithParam<int> {};

TEST_P(Overflow, OfTheNetworkIsDrawnAgainInFloat32) {
  const Scratch scratch;
  const std::string block = "down_blocks.2.attentions.0.transformer_blocks.0.attn1.";
  write_changed(scratch / "model", "unet", {"diffusion_pytorch_model"},
                {{block + "to_v.weight", kSilence}, {block + "to_out.0.weight", kOverflow}});
  const auto exact = open_engine(scratch / "model", "float32");
  const auto half = open_engine(scratch / "model", "bfloat16");
  ASSERT_TRUE(exact && half);
  GenerationRequest request = quick_request("a red star on a blue background");
  request.iterations = 3;
  request.batch_size = GetParam();
  request.sampler = "k_euler_a";
  const Drawn wanted = draw(*exact, request);
  ASSERT_TRUE(wanted.outcome) << wanted.outcome.error().text();
  EXPECT_TRUE(wanted.messages.empty());
  for (int again = 0; again < 2; ++again) {
    const Drawn got = draw(*half, request);
    ASSERT_TRUE(got.outcome) << got.outcome.error().text();
    EXPECT_EQ(got.images(), wanted.images());
    EXPECT_TRUE(tells(got, "The network overflowed in bfloat16")) << "once a request";
    EXPECT_EQ(got.messages.size(), 1u);
    for (std::size_t i = 0; i < 3; ++i) EXPECT_EQ(got.pictures[i].seed, wanted.pictures[i].seed);
  }
  EXPECT_EQ(half->model().precision, "bfloat16");
  // Each picture's steps are reported twice: until the overflow is seen, and in float32.
  const int batches = (request.iterations + GetParam() - 1) / GetParam();
  EXPECT_EQ(static_cast<int>(draw(*half, request).steps.size()), 3 * batches + 3 * 3);
  EXPECT_EQ(draw(*half, request, 3 + 2).outcome, Outcome::cancelled) << "in the second attempt";
}
INSTANTIATE_TEST_SUITE_P(Batches, Overflow, ::testing::Values(1, 2));

TEST(OverflowOf, TheTextEncoderIsEncodedAgainInFloat32) {
  const Scratch scratch;
  const std::string block = "text_model.encoder.layers.0.self_attn.";
  write_changed(scratch / "model", "text_encoder", {"model"},
                {{block + "v_proj.weight", kSilence},
                 {block + "v_proj.bias", kSilence},
                 {block + "out_proj.weight", kOverflow}});
  const auto exact = open_engine(scratch / "model", "float32");
  const auto half = open_engine(scratch / "model", "bfloat16");
  ASSERT_TRUE(exact && half);
  const GenerationRequest request = quick_request("a red star on a blue background");
  const Drawn wanted = draw(*exact, request), got = draw(*half, request);
  ASSERT_TRUE(wanted.outcome && got.outcome);
  EXPECT_TRUE(tells(got, "The text encoder overflowed in bfloat16"));
  EXPECT_EQ(got.steps.size(), 3u) << "the UNet did not overflow";
  EXPECT_GT(testing::psnr(got.pictures[0].picture, wanted.pictures[0].picture), 28);
}

TEST(OverflowOf, AnythingInFloat32IsADamagedModel) {
  struct Case {
    const char* part;
    std::vector<std::string> stems;
    const char* tensor;
    const char* message;
  };
  const Change damage = [](at::Tensor& t) { t.fill_(std::numeric_limits<float>::quiet_NaN()); };
  for (const Case& each : {Case{"unet",
                                {"diffusion_pytorch_model"},
                                "conv_out.bias",
                                "the network's output is not finite"},
                           Case{"text_encoder",
                                {"model"},
                                "text_model.final_layer_norm.bias",
                                "the text encoder's output is not finite"},
                           Case{"vae",
                                {"diffusion_pytorch_model"},
                                "decoder.conv_out.bias",
                                "the decoder gives no valid picture"}}) {
    for (const char* precision : {"float32", "bfloat16"}) {
      SCOPED_TRACE(fmt::format("{} in {}", each.part, precision));
      const Scratch scratch;
      write_changed(scratch / "model", each.part, each.stems, {{each.tensor, damage}});
      const auto engine = open_engine(scratch / "model", precision);
      ASSERT_TRUE(engine);
      const Drawn drawn = draw(*engine, quick_request("a star"));
      ASSERT_FALSE(drawn.outcome);
      EXPECT_EQ(drawn.outcome.error().code, ErrorCode::bad_file);
      EXPECT_NE(drawn.outcome.error().message.find(each.message), std::string::npos)
          << drawn.outcome.error().text();
      EXPECT_TRUE(drawn.outcome.error().message.starts_with((scratch / "model").string()));
      EXPECT_TRUE(drawn.pictures.empty());
    }
  }
}

}  // namespace
}  // namespace invokeai::pipeline
