// The maker of the demo model: every stage and every kind of model, a few pictures long.

#include <gtest/gtest.h>

#include <fstream>
#include <set>
#include <sstream>

#include "demo_model/checkpoint.h"
#include "demo_model/configs.h"
#include "demo_model/data.h"
#include "demo_model/diffusion.h"
#include "demo_model/sheets.h"
#include "demo_model/trainer.h"
#include "demo_model/warm_start.h"
#include "image/png.h"
#include "models/load_model.h"
#include "models/tensors.h"

namespace invokeai::demo {
namespace {

const fs::path kDemo = fs::path(INVOKEAI_SOURCE_ROOT) / "models/demo";

/// A folder of its own for each test, removed at its end.
class Maker : public ::testing::Test {
 protected:
  void SetUp() override {
    const auto* test = ::testing::UnitTest::GetInstance()->current_test_info();
    folder_ = fs::path(::testing::TempDir()) / (std::string("demo_model_") + test->name());
    fs::remove_all(folder_);
    options_ = {.folder = folder_ / "model",
                .training = folder_ / "training",
                .pictures = 2,
                .batch = 2,
                .size = 64,
                .cache = 4,
                .portraits = 2,
                .sheet = 0};
  }
  void TearDown() override { fs::remove_all(folder_); }

  std::string log() const {
    std::stringstream text;
    text << std::ifstream(options_.training / "log.txt").rdbuf();
    return text.str();
  }

  fs::path folder_;
  TrainOptions options_;
};

#define EXPECT_WORKS(call) \
  if (const auto worked = call; !worked) ADD_FAILURE() << worked.error().text()

TEST(LearningRate, WarmsUpStaysAndFallsAlongACosine) {
  const TrainOptions options{.decay = 1000, .batch = 10, .learning_rate = 2};
  EXPECT_NEAR(learning_rate(options, 0, 5000), 0.02, 1e-9);
  EXPECT_NEAR(learning_rate(options, 490, 4510), 1, 1e-9);
  EXPECT_NEAR(learning_rate(options, 2000, 3000), 2, 1e-9);
  EXPECT_NEAR(learning_rate(options, 4500, 500), 1, 1e-9);
  EXPECT_NEAR(learning_rate(options, 5000, 0), 0, 1e-9);
}

TEST(Configs, LargerPicturesGetFinerLevelsAroundTheSameMiddle) {
  for (const auto& [size, widths] : {std::pair(128, std::vector<std::int64_t>{64, 128, 256}),
                                     std::pair(256, std::vector<std::int64_t>{64, 64, 128, 256})}) {
    const auto config = nn::parse_unet_config(unet_config(size));
    ASSERT_TRUE(config) << config.error().text();
    EXPECT_EQ(config->block_channels, widths);
    EXPECT_EQ(config->sample_size, size / 8);
  }
}

TEST_F(Maker, SheetsHoldWidePictures) {
  std::vector<image::Image> pictures;
  for (const std::uint8_t grey : {10, 20, 30}) {
    pictures.emplace_back(6, 2, 3);
    std::ranges::fill(pictures.back().pixels, grey);
  }
  fs::create_directories(folder_);
  EXPECT_WORKS(write_sheet(folder_ / "sheet.png", pictures, 2));
  const auto bytes = read_file(folder_ / "sheet.png");
  ASSERT_TRUE(bytes.has_value());
  const auto sheet = image::decode_png(*bytes);
  ASSERT_TRUE(sheet.has_value()) << sheet.error().text();
  EXPECT_EQ(sheet->width, 6 + 4 + 6);
  EXPECT_EQ(sheet->height, 2 + 4 + 2);
  EXPECT_EQ(*sheet->at(15, 1), 20);
  EXPECT_EQ(*sheet->at(0, 7), 30);
  EXPECT_EQ(*sheet->at(0, 3), 255);
}

TEST_F(Maker, MakesAModelFromNothing) {
  EXPECT_WORKS(make_tokenizer(options_));
  EXPECT_WORKS(train_vae(options_));
  EXPECT_WORKS(train_text(options_));
  EXPECT_WORKS(train_unet(options_));
  const auto networks = models::load_networks({.path = options_.folder});
  ASSERT_TRUE(networks.has_value()) << networks.error().text();
  EXPECT_EQ(networks->unet->config().in_channels, 4);
  EXPECT_EQ(networks->kind.prediction, models::Prediction::epsilon);
  EXPECT_TRUE(fs::exists(options_.training / "vae-sheet.png"));
  // Latents fit the factor of Stable Diffusion, so programs that know no other draw with it too.
  EXPECT_EQ(networks->vae->config().scaling_factor, 0.18215);
  const at::NoGradGuard no_grad;
  const at::Tensor latents =
      networks->vae->encode(paint_batch(random_scenes(7, 16), options_.size)).mean * 0.18215;
  EXPECT_NEAR(latents.std().item<double>(), latent_deviation(options_.size), 0.15);
}

TEST_F(Maker, GoesOnWhereItStopped) {
  options_.from = kDemo;
  EXPECT_WORKS(train_unet(options_));
  options_.pictures = 6;
  options_.sheet = 1;
  EXPECT_WORKS(train_unet(options_));
  EXPECT_NE(log().find("2 pictures done"), std::string::npos) << log();
  EXPECT_NE(log().find("6 pictures  loss"), std::string::npos) << log();
  EXPECT_NE(log().find("6 pictures encoded"), std::string::npos) << "4 of all kinds, 2 portraits";
  EXPECT_TRUE(fs::exists(options_.training / "unet-sheet.png"));
  EXPECT_TRUE(fs::exists(options_.training / "unet-loss.png"));
}

TEST_F(Maker, BeginsWithSmallerPictures) {
  options_.from = kDemo;
  options_.size = 128;
  options_.learn_size = 64;
  EXPECT_WORKS(train_unet(options_));
  options_.pictures = 4;
  options_.learn_size = 0;
  EXPECT_WORKS(train_unet(options_));
  EXPECT_NE(log().find("2 pictures done"), std::string::npos) << log();
  const auto networks = models::load_networks({.path = options_.folder});
  ASSERT_TRUE(networks.has_value()) << networks.error().text();
  EXPECT_EQ(networks->unet->config().sample_size, 16);
}

TEST_F(Maker, LearnsFromOtherSizesToo) {
  options_.from = kDemo;
  options_.kind = Kind::inpainting;
  options_.other_sizes = 2;
  options_.pictures = 24;
  EXPECT_WORKS(train_unet(options_));
  EXPECT_NE(log().find("20 pictures encoded"), std::string::npos) << "6, and 2 in seven sizes";
  for (const char* size : {"48", "64", "80", "96", "48x64", "64x48", "64x96", "96x64"}) {
    const bool kept = std::ranges::any_of(
        fs::directory_iterator(options_.training), [&](const fs::directory_entry& file) {
          return file.path().string().find(fmt::format("-{}-any-", size)) != std::string::npos;
        });
    EXPECT_TRUE(kept) << size;
  }
  EXPECT_NE(log().find("24 pictures  loss"), std::string::npos) << log();
}

TEST_F(Maker, FineTunesForInpaintingFromFourChannels) {
  options_.from = kDemo;
  options_.kind = Kind::inpainting;
  EXPECT_WORKS(train_unet(options_));
  const auto networks = models::load_networks({.path = options_.folder});
  ASSERT_TRUE(networks.has_value()) << networks.error().text();
  EXPECT_EQ(networks->unet->config().in_channels, 9);
}

TEST_F(Maker, FineTunesToVelocityAndToAStyle) {
  options_.from = kDemo;
  options_.prediction = Prediction::velocity;
  options_.style = drawer::Rendering::pencil;
  EXPECT_WORKS(train_unet(options_));
  const auto networks = models::load_networks({.path = options_.folder});
  ASSERT_TRUE(networks.has_value()) << networks.error().text();
  EXPECT_EQ(networks->kind.prediction, models::Prediction::v);
}

TEST_F(Maker, SiblingsShareTheirDepths) {
  options_.from = kDemo;
  EXPECT_WORKS(train_unet(options_));
  TrainOptions sibling = options_;
  sibling.folder = folder_ / "sibling";
  sibling.training = folder_ / "sibling-training";
  sibling.from = options_.folder;
  sibling.kind = Kind::inpainting;
  sibling.shared = true;
  EXPECT_WORKS(train_unet(sibling));
  EXPECT_TRUE(fs::exists(sibling.folder / "invokeai.json"));
  for (const char* part : {"vae", "text_encoder", "tokenizer",
                           "unet/diffusion_pytorch_model-00001-of-00003.safetensors"}) {
    ASSERT_TRUE(fs::is_symlink(sibling.folder / part)) << part;
    EXPECT_TRUE(fs::read_symlink(sibling.folder / part).is_relative()) << part;
  }
  fs::remove_all(folder_ / "both");
  fs::create_directories(folder_ / "both");
  for (const char* name : {"model", "sibling"}) fs::rename(folder_ / name, folder_ / "both" / name);
  const auto first = models::load_networks({.path = folder_ / "both/model"}),
             second = models::load_networks({.path = folder_ / "both/sibling"});
  ASSERT_TRUE(first.has_value()) << first.error().text();
  ASSERT_TRUE(second.has_value()) << second.error().text();
  const auto weights = models::parameters_of(*first->unet),
             others = models::parameters_of(*second->unet);
  int deep = 0, learned = 0;
  for (const auto& [name, weight] : weights) {
    if (is_deep(name, first->unet->config())) {
      ++deep;
      EXPECT_TRUE(weight.equal(others.at(name))) << name;
    } else {
      learned += weight.sizes() != others.at(name).sizes() || !weight.equal(others.at(name));
    }
  }
  EXPECT_GT(deep, 50);
  EXPECT_GT(learned, 50);
}

TEST_F(Maker, RefusesToShareFilesThatHoldMore) {
  const auto networks = models::load_networks({.path = kDemo});
  ASSERT_TRUE(networks.has_value()) << networks.error().text();
  const fs::path mixed = folder_ / "mixed";
  fs::create_directories(mixed);
  for (const char* part : {"vae", "tokenizer", "text_encoder"})
    fs::copy(kDemo / part, mixed / part, fs::copy_options::recursive);
  EXPECT_WORKS(save_network(mixed / "unet", "diffusion_pytorch_model",
                            models::parameters_of(*networks->unet),
                            read_file(kDemo / "unet/config.json").value()));
  options_.from = mixed;
  options_.shared = true;
  const auto trained = train_unet(options_);
  ASSERT_FALSE(trained.has_value());
  EXPECT_NE(trained.error().text().find("holds other weights beside those to be shared"),
            std::string::npos)
      << trained.error().text();
}

// Readers prefer a whole file to shards, even to later ones.
TEST_F(Maker, FilesOfAnEarlierLayoutGo) {
  fs::create_directories(folder_);
  for (const char* name : {"net-00001-of-00002.safetensors", "net.safetensors.index.json", "other"})
    std::ofstream(folder_ / name) << "x";
  EXPECT_WORKS(save_network(folder_, "net", {{"a", at::ones({2})}}, "{}"));
  std::set<std::string> names;
  for (const auto& entry : fs::directory_iterator(folder_))
    names.insert(entry.path().filename().string());
  EXPECT_EQ(names, (std::set<std::string>{"config.json", "net.safetensors", "other"}));
}

TEST_F(Maker, SaysWhatIsMissing) {
  const auto trained = train_unet(options_);
  ASSERT_FALSE(trained.has_value());
  EXPECT_NE(trained.error().text().find("tokenizer"), std::string::npos) << trained.error().text();
}

TEST(WarmStart, ReadsZerosInNewChannels) {
  const auto networks = models::load_networks({.path = kDemo});
  ASSERT_TRUE(networks.has_value()) << networks.error().text();
  nn::UNetConfig config = networks->unet->config();
  config.in_channels = 9;
  nn::UNet wider(config);
  nn::initialise(wider, 1);
  const auto taken = warm_start(wider, kDemo / "unet", "diffusion_pytorch_model");
  ASSERT_TRUE(taken.has_value());
  EXPECT_EQ(static_cast<std::size_t>(*taken), models::parameters_of(wider).size());
  // With zeros in the new channels' kernels the wider network answers as the narrower one.
  const at::Tensor latents = at::randn({1, 4, 16, 16}), rest = at::randn({1, 5, 16, 16});
  const at::Tensor timestep = at::tensor({500.0f}), context = at::randn({1, 77, 128});
  const at::Tensor narrow = networks->unet->forward(latents, timestep, context);
  EXPECT_LT((wider.forward(at::cat({latents, rest}, 1), timestep, context) - narrow)
                .abs()
                .max()
                .item<float>(),
            1e-4);
}

// So a network that grew a layer draws at first as it did without.
TEST(WarmStart, NewAttentionChangesNothingAtFirst) {
  const auto networks = models::load_networks({.path = kDemo});
  ASSERT_TRUE(networks.has_value()) << networks.error().text();
  nn::UNetConfig config = networks->unet->config();
  config.down_attention.front() = config.up_attention.back() = true;
  nn::UNet richer(config);
  nn::initialise(richer, 1);
  const auto taken = warm_start(richer, kDemo / "unet", "diffusion_pytorch_model");
  ASSERT_TRUE(taken.has_value());
  EXPECT_LT(static_cast<std::size_t>(*taken), models::parameters_of(richer).size());
  const at::Tensor latents = at::randn({1, 4, 16, 16}), timestep = at::tensor({500.0f}),
                   context = at::randn({1, 77, 128});
  EXPECT_LT((richer.forward(latents, timestep, context) -
             networks->unet->forward(latents, timestep, context))
                .abs()
                .max()
                .item<float>(),
            1e-4);
}

TEST(Diffusion, LatentsShrinkAsPicturesGrow) {
  EXPECT_EQ(latent_deviation(128), 1.0);
  EXPECT_EQ(latent_deviation(256), 0.75);
  EXPECT_EQ(latent_deviation(512), 0.375);
}

TEST(Diffusion, TimestepsAreSpreadAndMostWhereOutlinesAreSettled) {
  drawer::Random random(5);
  const at::Tensor some = spread_timesteps(80, 0.75, random),
                   others = spread_timesteps(80, 0.75, random);
  EXPECT_FALSE(at::equal(some, others));
  EXPECT_TRUE(at::equal(at::floor_divide(some.slice(0, 0, 20), 50), at::arange(20))) << some;
  // The medians of sixty in order: 0.67 x 0.75 lies between steps 170 and 171.
  EXPECT_NEAR(some[49].item<double>(), 168, 3);
  EXPECT_NEAR(some[50].item<double>(), 173, 3);
  EXPECT_GE(some.min().item<std::int64_t>(), 0);
  EXPECT_LE(some.max().item<std::int64_t>(), 999);
}

TEST(Diffusion, UsesTheNoiseLevelsOfStableDiffusion) {
  const at::Tensor alphas = alphas_cumprod();
  ASSERT_EQ(alphas.numel(), 1000);
  EXPECT_NEAR(alphas[999].item<double>(), 0.00466, 1e-4);
  EXPECT_NEAR(alphas[0].item<double>(), 0.99915, 1e-4);
}

}  // namespace
}  // namespace invokeai::demo
