// Small parts of the server: base64, model lists, what is stored.

#include <gtest/gtest.h>
#include <unistd.h>

#include <thread>

#include "server/internal/base64.h"
#include "server/memory_budget.h"
#include "server/model_list.h"
#include "server/store.h"

namespace invokeai::server {
namespace {

TEST(Base64, FollowsTheStandard) {
  const std::pair<std::string, std::string> cases[] = {
      {"", ""},         {"f", "Zg=="},         {"fo", "Zm8="},        {"foo", "Zm9v"},
      {"foob", "Zm9vYg=="}, {"fooba", "Zm9vYmE="}, {"foobar", "Zm9vYmFy"}, {"\xff\xfe", "//4="}};
  for (const auto& [bytes, text] : cases) {
    EXPECT_EQ(base64_encode(bytes), text);
    EXPECT_EQ(base64_decode(text), bytes);
  }
  EXPECT_EQ(base64_decode("Zm9v\r\nYg"), "foob");
  for (const char* bad : {"Z", "Zm9v!", "Zm=9v", "Zm9vY"}) EXPECT_FALSE(base64_decode(bad)) << bad;
  EXPECT_EQ(bytes_of_data_url("data:image/png;base64,Zm9v"), "foo");
  EXPECT_EQ(bytes_of_data_url("Zm9v"), "foo");
  EXPECT_FALSE(bytes_of_data_url("data:image/png,foo"));
  EXPECT_FALSE(bytes_of_data_url("data:image/png;base64"));
}

TEST(MemoryBudget, IsSharedAndGivenBack) {
  const MemoryBudget budget(100);
  auto one = budget.share(), other = budget.share();
  EXPECT_TRUE(one->resize(60));
  EXPECT_FALSE(other->resize(41));
  EXPECT_TRUE(other->resize(40));
  EXPECT_FALSE(one->resize(61));
  EXPECT_EQ(budget.left(), 0u);
  EXPECT_TRUE(one->resize(10));
  EXPECT_EQ(budget.left(), 50u);
  other = nullptr;
  EXPECT_EQ(budget.left(), 90u);
}

TEST(MemoryBudget, WhoMayWaitWaits) {
  const MemoryBudget budget(100);
  using std::chrono::milliseconds;
  auto all = budget.wait_for(1'000, milliseconds(0));
  ASSERT_NE(all, nullptr) << "what is larger than everything comes alone";
  EXPECT_EQ(budget.left(), 0u);
  EXPECT_EQ(budget.wait_for(1, milliseconds(20)), nullptr);
  EXPECT_NE(budget.wait_for(0, milliseconds(0)), nullptr);
  std::thread giver([&] { all = nullptr; });
  EXPECT_NE(budget.wait_for(100, milliseconds(10'000)), nullptr);
  giver.join();
}

class InFolder : public ::testing::Test {
 protected:
  void SetUp() override {
    const auto* test = ::testing::UnitTest::GetInstance()->current_test_info();
    folder_ = fs::path(::testing::TempDir()) / fmt::format("parts_{}_{}", test->name(), ::getpid());
    fs::remove_all(folder_);
    fs::create_directories(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }
  void write(const std::string& name, const std::string& text) const {
    fs::create_directories((folder_ / name).parent_path());
    ASSERT_TRUE(write_file_atomically(folder_ / name, text));
  }
  static std::vector<std::string> names(const std::vector<ModelEntry>& entries) {
    std::vector<std::string> names;
    for (const ModelEntry& entry : entries) names.push_back(entry.name);
    return names;
  }
  fs::path folder_;
};

using Models = InFolder;

TEST_F(Models, ComeFromListFolderAndStart) {
  write("configs/models.yaml", R"(
sd-1.5:
  description: The first
  repo_id: runwayml/stable-diffusion-v1-5
  format: diffusers
  default: true
  vae: {repo_id: stabilityai/sd-vae-ft-mse}
ckpt:
  description: A file
  weights: models/x.ckpt
  config: configs/v1.yaml
  width: 768
  height: "768"
  vae: None
old-vae:
  config: configs/VAE/x.yaml
)");
  write("models/x.ckpt", "");
  write("models/Another/model_index.json", "{}");
  write("models/readme.txt", "");
  const ModelList models(folder_, {{.name = "demo", .path = folder_ / "demo"}});
  const auto entries = models.entries().value();
  EXPECT_EQ(names(entries), (std::vector<std::string>{"Another", "ckpt", "demo", "sd-1.5"}));
  EXPECT_EQ(entries[1].width, 768);
  EXPECT_EQ(entries[1].height, 768);
  EXPECT_EQ(entries[1].vae, "");
  EXPECT_EQ(entries[1].path, folder_ / "models/x.ckpt");
  EXPECT_TRUE(entries[3].is_default);
  EXPECT_TRUE(entries[3].path.empty());
  EXPECT_EQ(models.at(folder_ / "models/Another")->name, "Another");
  EXPECT_EQ(models.find("none").error().code, ErrorCode::not_found);
}

TEST_F(Models, AreAddedChangedAndRemoved) {
  write("configs/models.yaml", "kept:\n  path: /k\n  format: diffusers\n  extra: 7\n");
  ModelList models(folder_, {});
  EXPECT_FALSE(models.put({.name = "new", .path = "/m/new.ckpt"}).value());
  EXPECT_TRUE(models.put({.name = "new", .description = "x", .path = "/m/new.ckpt"}).value());
  EXPECT_EQ(models.find("new")->description, "x");
  EXPECT_NE(read_file(folder_ / "configs/models.yaml")->find("extra: 7"), std::string::npos);
  EXPECT_TRUE(models.remove("new").value());
  EXPECT_FALSE(models.remove("new").value());
  EXPECT_EQ(names(models.entries().value()), std::vector<std::string>{"kept"});
  EXPECT_EQ(models.put({}).error().code, ErrorCode::invalid_argument);
}

TEST_F(Models, ABrokenListIsNamed) {
  for (const char* text : {"a: [", "- a\n- b\n", "a: &x [*x]"}) {
    write("configs/models.yaml", text);
    const auto entries = ModelList(folder_, {}).entries();
    if (entries) continue;  // odd, but a map of something that is no model
    EXPECT_EQ(entries.error().code, ErrorCode::bad_file) << text;
    EXPECT_NE(entries.error().message.find("models.yaml"), std::string::npos);
  }
  write("configs/models.yaml", "- a\n");
  EXPECT_FALSE(ModelList(folder_, {}).entries());
}

TEST_F(Models, AreSearchedFor) {
  write("a/b/x.ckpt", "");
  write("a/y.safetensors", "");
  write("a/z.txt", "");
  const auto found = ModelList::search(folder_);
  ASSERT_EQ(found.size(), 2u);
  EXPECT_EQ(found[0].name, "x");
  EXPECT_TRUE(ModelList::search(folder_ / "none").empty());
}

using Stored = InFolder;

TEST_F(Stored, SurvivesARestart) {
  for (int run = 0; run < 2; ++run) {
    const auto store = Store::open(folder_ / "server.db").value();
    if (run == 0) {
      EXPECT_EQ(store->remembered("ann").value(), "{}");
      ASSERT_TRUE(store->remember("ann", R"({"a":1})"));
      ASSERT_TRUE(store->put_preset({"mine", "x", "y", "{}"}));
      ASSERT_TRUE(store->put_preset({"mine", "z", "y", "{}"}));
    }
    EXPECT_EQ(store->remembered("ann").value(), R"({"a":1})");
    EXPECT_EQ(store->remembered("bob").value(), "{}");
    ASSERT_EQ(store->presets()->size(), 1u);
    EXPECT_EQ(store->presets()->front().prompt, "z");
  }
  const auto store = Store::open(folder_ / "server.db").value();
  EXPECT_TRUE(store->remove_preset("mine").value());
  EXPECT_FALSE(store->remove_preset("mine").value());
}

}  // namespace
}  // namespace invokeai::server
