// Random models: the same in every layout, and of order one from end to end.

#include <ATen/core/grad_mode.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>

#include "image/codec.h"
#include "models/formats/safetensors.h"
#include "models/load_model.h"
#include "models/tensors.h"
#include "random_model/model.h"
#include "random_model/weights.h"

namespace invokeai::random_model {
namespace {

const std::string kPrograms = INVOKEAI_BINARY_ROOT "/bin/";

class RandomModelFiles : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = (fs::temp_directory_path() / "random-model-XXXXXX").string();
    folder_ = ::mkdtemp(name.data());
  }
  void TearDown() override { fs::remove_all(folder_); }

  /// Exit status of a command of plain words.
  int run(const std::string& command) const {
    const int status =
        std::system(fmt::format("OMP_NUM_THREADS=1 GOMP_SPINCOUNT=0 {}{} >{}/out 2>&1 </dev/null",
                                kPrograms, command, folder_.string())
                        .c_str());
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1000;
  }
  std::string printed() const { return read_file(folder_ / "out").value_or("?"); }

  std::string path(const std::string& name) const { return (folder_ / name).string(); }

  fs::path folder_;
};

class EveryKind : public RandomModelFiles, public testing::WithParamInterface<std::string> {};

at::Tensor filled(const std::string& name, at::IntArrayRef shape, at::ScalarType type = at::kFloat,
                  std::uint64_t seed = 0) {
  at::Tensor out = at::empty(shape, at::TensorOptions().dtype(type));
  fill_random(name, seed, out);
  return out;
}

TEST(RandomWeights, DependOnNameSeedAndIndexAlone) {
  const at::Tensor a = filled("unet.a.weight", {3, 2000, 700});  // more than one chunk
  EXPECT_TRUE(a.equal(filled("unet.a.weight", {3, 2000, 700})));
  EXPECT_FALSE(a.equal(filled("unet.b.weight", {3, 2000, 700})));
  EXPECT_FALSE(a.equal(filled("unet.a.weight", {3, 2000, 700}, at::kFloat, 1)));
  EXPECT_TRUE(a.to(at::kHalf).equal(filled("unet.a.weight", {3, 2000, 700}, at::kHalf)));
  EXPECT_TRUE(a.to(at::kBFloat16).equal(filled("unet.a.weight", {3, 2000, 700}, at::kBFloat16)));
}

TEST(RandomWeights, HaveTheSpreadOfTheirRole) {
  const auto spread = [](const std::string& name, at::IntArrayRef shape) {
    return filled(name, shape).std().item<double>();
  };
  EXPECT_NEAR(spread("unet.x.to_q.weight", {400, 400}), 1 / 20.0, 0.0005);
  EXPECT_NEAR(spread("unet.x.conv1.weight", {100, 50, 3, 3}), 1 / std::sqrt(450.0), 0.0005);
  EXPECT_NEAR(spread("unet.x.to_out.0.weight", {400, 400}), 0.5 / 20, 0.0005);
  EXPECT_NEAR(spread("text_encoder.x.token_embedding.weight", {400, 400}), 1, 0.01);
  const at::Tensor norm = filled("unet.x.norm1.weight", {1000});
  EXPECT_NEAR(norm.mean().item<double>(), 1, 0.01);
  EXPECT_NEAR(norm.std().item<double>(), 0.1 / std::sqrt(3.0), 0.005);
  EXPECT_NEAR(filled("unet.x.norm1.bias", {1000}).mean().item<double>(), 0, 0.01);
}

models::Networks loaded(const fs::path& path) {
  models::LoadOptions options;
  options.path = path;
  auto networks = models::load_networks(options);
  if (!networks) throw std::runtime_error(networks.error().text());
  return std::move(*networks);
}

void expect_equal(nn::Module& a, nn::Module& b) {
  const auto wanted = models::parameters_of(a);
  const auto got = models::parameters_of(b);
  ASSERT_EQ(wanted.size(), got.size());
  for (const auto& [name, tensor] : wanted) EXPECT_TRUE(tensor.equal(got.at(name))) << name;
}

TEST_P(EveryKind, HoldTheSameModelInEveryLayout) {
  const std::string kind = GetParam();
  ASSERT_EQ(run(fmt::format("make-random-model {} {} {} {} --tiny --seed 3", kind, path("m"),
                            path("m.safetensors"), path("m.ckpt"))),
            0)
      << printed();
  const models::Networks folder = loaded(folder_ / "m");
  EXPECT_EQ(folder.kind,
            model_kind(std::find_if(std::begin(kKinds), std::end(kKinds), [&](auto& k) {
                         return k.first == kind;
                       })->second));
  for (const char* name : {"m.safetensors", "m.ckpt"}) {
    SCOPED_TRACE(name);
    const models::Networks file = loaded(folder_ / name);
    EXPECT_EQ(file.kind, folder.kind);
    EXPECT_EQ(file.kind_reason, "");
    EXPECT_EQ(file.open_clip, folder.open_clip);
    EXPECT_EQ(file.scheduler, folder.scheduler);
    EXPECT_EQ(file.unet->config().heads, folder.unet->config().heads);
    EXPECT_EQ(file.unet->config().upcast_attention, folder.unet->config().upcast_attention);
    EXPECT_EQ(file.text_encoder->config().layers, folder.text_encoder->config().layers);
    expect_equal(*folder.unet, *file.unet);
    expect_equal(*folder.vae, *file.vae);
    expect_equal(*folder.text_encoder, *file.text_encoder);
  }
}

TEST_P(EveryKind, DrawTheSamePictureInEveryLayout) {
  ASSERT_EQ(run(fmt::format("make-random-model {} {} {} {} --tiny", GetParam(), path("m"),
                            path("m.safetensors"), path("m.ckpt"))),
            0)
      << printed();
  std::optional<image::Image> first;
  for (const char* name : {"m", "m.safetensors", "m.ckpt"}) {
    SCOPED_TRACE(name);
    const fs::path pictures = folder_ / "pictures" / name;
    ASSERT_EQ(run(fmt::format("invokeai 'a castle [a tree]' --root_dir {} --model {} --device cpu "
                              "--precision float32 -A ddim -s 2 -S 5 -W 128 -H 64 --outdir {}",
                              path("root"), path(name), pictures.string())),
              0)
        << printed();
    std::vector<fs::path> found;
    for (const auto& entry : fs::directory_iterator(pictures))
      if (entry.path().extension() == ".png") found.push_back(entry.path());
    ASSERT_EQ(found.size(), 1u) << printed();
    auto picture = image::load_image(found.front());
    ASSERT_TRUE(picture) << picture.error().text();
    ASSERT_EQ(picture->width, 128);
    ASSERT_EQ(picture->height, 64);
    if (!first) first = *picture;
    EXPECT_TRUE(picture->pixels == first->pixels);
  }
  // A constant picture would be the same in every layout, too.
  const auto [low, high] = std::minmax_element(first->pixels.begin(), first->pixels.end());
  EXPECT_LT(*low, 100);
  EXPECT_GT(*high, 155);
}

TEST_P(EveryKind, KeepNumbersOfOrderOne) {
  ASSERT_EQ(run(fmt::format("make-random-model {} {} --tiny", GetParam(), path("m"))), 0)
      << printed();
  const models::Networks networks = loaded(folder_ / "m");
  const at::NoGradGuard no_grad;
  const at::Tensor ids = at::arange(77).unsqueeze(0) * 600;
  const at::Tensor text = networks.text_encoder->forward(ids);
  const std::int64_t channels = networks.kind.in_channels;
  const at::Tensor sample = 3 * filled("unet.sample", {channels, 16, 16}).unsqueeze(0);
  const at::Tensor prediction = networks.unet->forward(sample, at::full({1}, 500.f), text);
  const at::Tensor latents = 3 * filled("latents", {4, 8, 8}).unsqueeze(0);
  const at::Tensor pixels = networks.vae->decode(latents);
  const auto moments = networks.vae->encode(pixels);
  const auto spread = [](const at::Tensor& t) { return t.std().item<double>(); };
  EXPECT_NEAR(spread(text), 1, 0.1);
  EXPECT_NEAR(spread(prediction), 1, 0.5);
  EXPECT_NEAR(spread(pixels), 0.4, 0.2);
  EXPECT_NEAR(spread(moments.mean), 1, 0.5);
}

TEST_F(RandomModelFiles, AreNotWrittenOverOthers) {
  ASSERT_EQ(run("make-random-model sd15 --tiny " + path("m.ckpt")), 0) << printed();
  EXPECT_EQ(run("make-random-model sd15 --tiny " + path("n") + " " + path("m.ckpt")), 2);
  EXPECT_NE(printed().find("m.ckpt is there already; choose another path"), std::string::npos)
      << printed();
  EXPECT_FALSE(fs::exists(folder_ / "n"));
  EXPECT_EQ(std::distance(fs::directory_iterator(folder_), {}), 2) << "the model and `out`";
}

TEST_F(RandomModelFiles, RunNetworksWritesWhatTheNetworksGive) {
  ASSERT_EQ(run("make-random-model sd15 --tiny " + path("m")), 0) << printed();
  const std::map<std::string, at::Tensor> inputs = {{"ids", at::arange(154).view({2, 77})},
                                                    {"latents", filled("x", {1, 4, 4, 6})}};
  ASSERT_TRUE(models::write_safetensors(folder_ / "in", models::as_views(inputs), {}));
  ASSERT_EQ(run(fmt::format("run-networks {} {} {}", path("m"), path("in"), path("out.st"))), 0)
      << printed();
  const auto outputs = models::open_tensor_file(folder_ / "out.st");
  ASSERT_TRUE(outputs);
  ASSERT_EQ(outputs->tensors.size(), 2u);
  const models::Networks networks = loaded(folder_ / "m");
  const at::NoGradGuard no_grad;
  const auto expect_close = [&](const char* name, const at::Tensor& wanted) {
    ASSERT_TRUE(outputs->find(name)) << name;
    EXPECT_TRUE(at::allclose(models::as_tensor(*outputs->find(name)), wanted, 1e-4, 1e-4)) << name;
  };
  expect_close("text", networks.text_encoder->forward(inputs.at("ids")));
  expect_close("decoded", networks.vae->decode(inputs.at("latents")));
}

TEST_F(RandomModelFiles, RunNetworksSaysWhatItWants) {
  ASSERT_EQ(run("make-random-model sd15 --tiny " + path("m")), 0) << printed();
  const auto fails_with = [&](const std::map<std::string, at::Tensor>& inputs, const char* text) {
    ASSERT_TRUE(models::write_safetensors(folder_ / "in", models::as_views(inputs), {}));
    EXPECT_EQ(run(fmt::format("run-networks {} {} {}", path("m"), path("in"), path("o"))), 2);
    EXPECT_NE(printed().find(text), std::string::npos) << printed();
    EXPECT_FALSE(fs::exists(folder_ / "o"));
  };
  fails_with({{"sample", filled("x", {1, 4, 8, 8})}}, "wanted ids, or sample with timesteps");
  fails_with({{"ids", at::zeros({1, 78}, at::kLong)}}, "ids must be [B,S<=77], got [1, 78]");
}

INSTANTIATE_TEST_SUITE_P(RandomModel, EveryKind,
                         testing::Values("sd15", "sd15-inpainting", "sd21-768"), [](const auto& p) {
                           std::string name = p.param;
                           std::erase(name, '-');
                           return name;
                         });

}  // namespace
}  // namespace invokeai::random_model
