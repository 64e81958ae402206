// A model on disk to networks: what is loaded, and one clear line for everything that is wrong.

#include "models/load_model.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include "models/whole_model.h"

namespace invokeai::models {
namespace {

using testing::WholeModel;
using testing::write_text;

class LoadModel : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    std::string folder = (fs::temp_directory_path() / "load-XXXXXX").string();
    scratch_ = ::mkdtemp(folder.data());
    model_ = testing::make_whole_model(/*sd2=*/false);
    ASSERT_TRUE(testing::write_folder(scratch_ / "good", model_));
  }
  static void TearDownTestSuite() { fs::remove_all(scratch_); }

  /// A fresh copy of the good folder.
  static fs::path copy() {
    const fs::path folder = scratch_ / "copy";
    fs::remove_all(folder);
    fs::copy(scratch_ / "good", folder, fs::copy_options::recursive);
    return folder;
  }

  static Result<Networks> load(const fs::path& path, at::ScalarType dtype = at::kFloat) {
    return load_networks({.path = path, .device = at::kCPU, .dtype = dtype, .stated = {}});
  }

  /// One line that names the file, says `part`, and is not our own mistake.
  static void expect_error(const Result<Networks>& result, const std::string& named,
                           const std::string& part) {
    ASSERT_FALSE(result) << "was accepted";
    const Error& error = result.error();
    EXPECT_NE(error.code, ErrorCode::internal) << error.text();
    EXPECT_NE(error.message.find(named), std::string::npos)
        << error.text() << "\nnames no " << named;
    EXPECT_NE(error.message.find(part), std::string::npos) << error.text() << "\nlacks " << part;
    EXPECT_EQ(error.message.find('\n'), std::string::npos) << error.text();
    EXPECT_LT(error.message.size(), 600u) << error.text();
  }

  static inline fs::path scratch_;
  static inline WholeModel model_;
};

std::string le64(std::uint64_t value) {
  std::string bytes;
  for (int i = 0; i < 8; ++i) bytes += static_cast<char>(value >> (8 * i));
  return bytes;
}

/// Changes the tensors of a .safetensors file.
void rewrite(const fs::path& file, const std::string& tensor, bool drop) {
  const auto source = open_safetensors(file);
  ASSERT_TRUE(source) << source.error().text();
  auto tensors = source->tensors;
  ASSERT_TRUE(tensors.contains(tensor)) << tensor;
  if (drop)
    tensors.erase(tensor);
  else if (TensorView& view = tensors[tensor]; view.shape.size() > 1)
    view.shape = {view.element_count()};
  else
    view.shape = {view.element_count() / 2, 2};
  ASSERT_TRUE(write_safetensors(file.string() + ".new", tensors, source->metadata));
  fs::rename(file.string() + ".new", file);
}

/// Does what one line of the table says.
void damage(const fs::path& folder, const std::string& action, const std::string& name,
            const std::string& argument) {
  const fs::path file = folder / name;
  ASSERT_TRUE(fs::exists(file)) << name;
  if (action == "remove") {
    fs::remove(file);
  } else if (action == "cut") {
    ASSERT_GT(fs::file_size(file), std::stoull(argument));
    fs::resize_file(file, std::stoull(argument));
  } else if (action == "write") {
    write_text(file, argument);
  } else if (action == "claim") {
    write_text(file, le64(std::stoull(argument)) + "{\"a\":{}}");
  } else if (action == "header") {
    write_text(file, le64(argument.size()) + argument + std::string(16, '\0'));
  } else if (action == "set") {
    const auto blank = argument.find(' ');
    auto config = nlohmann::json::parse(*read_file(file));
    config[argument.substr(0, blank)] = nlohmann::json::parse(argument.substr(blank + 1));
    write_text(file, config.dump());
  } else {
    ASSERT_TRUE(action == "drop" || action == "reshape") << action;
    rewrite(file, argument, action == "drop");
  }
}

TEST_F(LoadModel, GoodFolder) {
  for (const auto dtype : {at::kFloat, at::kBFloat16}) {
    const auto networks = load(scratch_ / "good", dtype);
    ASSERT_TRUE(networks) << networks.error().text();
    EXPECT_EQ(kind_name(networks->kind), "sd1");
    EXPECT_FALSE(networks->open_clip);
    EXPECT_FALSE(networks->tokenizer_folder);
    std::size_t seen = 0;
    networks->unet->visit_parameters([&](const std::string& name, at::Tensor& loaded) {
      ++seen;
      const TensorView* wanted = model_.parts.unet.find(name);
      ASSERT_NE(wanted, nullptr) << name;
      EXPECT_EQ(loaded.scalar_type(), dtype);
      EXPECT_TRUE(loaded.equal(as_tensor(*wanted).to(dtype))) << name;
    });
    EXPECT_EQ(seen, model_.parts.unet.tensors.size());
  }
}

TEST_F(LoadModel, BrokenFoldersOfTheTable) {
  std::ifstream table(std::string(INVOKEAI_TEST_DATA) + "/models/tables/broken_models.txt");
  int cases = 0;
  for (std::string line; std::getline(table, line);) {
    if (line.empty() || line.starts_with('#')) continue;
    ++cases;
    SCOPED_TRACE(line);
    const auto arrow = line.find(" ==> "), bar = line.find(" | ", arrow);
    ASSERT_TRUE(arrow != line.npos && bar != line.npos);
    std::istringstream words(line.substr(0, arrow));
    std::string action, name, argument;
    words >> action >> name >> std::ws;
    std::getline(words, argument);
    const fs::path folder = copy();
    damage(folder, action, name, argument);
    const std::string named = line.substr(arrow + 5, bar - arrow - 5);
    expect_error(load(folder), named == "." ? folder.string() : (folder / named).string(),
                 line.substr(bar + 3));
  }
  EXPECT_GT(cases, 40);
}

TEST_F(LoadModel, BrokenSingleFiles) {
  const fs::path good = scratch_ / "single.safetensors", bad = scratch_ / "bad.safetensors";
  ASSERT_TRUE(testing::write_single_file(good, model_));
  const auto damaged = [&](const std::string& action, const std::string& argument) {
    fs::copy_file(good, bad, fs::copy_options::overwrite_existing);
    damage(scratch_, action, "bad.safetensors", argument);
    return load(bad);
  };
  expect_error(load(scratch_ / "nowhere.ckpt"), "nowhere.ckpt", "does not exist");
  expect_error(damaged("cut", "500000"), bad, "download incomplete?");
  expect_error(damaged("write", "once upon a time"), bad, "not a model file but text");
  expect_error(damaged("drop", "model.diffusion_model.out.2.bias"), bad,
               "conv_out.bias is missing");
  expect_error(damaged("drop", "model.diffusion_model.input_blocks.0.0.weight"), bad, "");
  expect_error(damaged("reshape", "model.diffusion_model.time_embed.0.weight"), bad, "");
  expect_error(damaged("reshape", "first_stage_model.decoder.conv_in.weight"), bad, "");
  WholeModel without = model_;
  without.parts.vae.tensors.clear();
  ASSERT_TRUE(testing::write_single_file(bad, without));
  expect_error(load(bad), bad, "holds no VAE; a whole model has");
  without = model_;
  without.parts.text_encoder.tensors.clear();
  ASSERT_TRUE(testing::write_single_file(bad, without));
  expect_error(load(bad), bad, "");
  // Torch files cut anywhere: the directory of the archive is at the end.
  const fs::path checkpoint = scratch_ / "single.ckpt";
  ASSERT_TRUE(testing::write_single_file(checkpoint, model_));
  for (const std::uintmax_t kept : {30u, 4000u, 1000000u}) {
    fs::copy_file(checkpoint, scratch_ / "cut.ckpt", fs::copy_options::overwrite_existing);
    fs::resize_file(scratch_ / "cut.ckpt", kept);
    expect_error(load(scratch_ / "cut.ckpt"), scratch_ / "cut.ckpt", "");
  }
}

}  // namespace
}  // namespace invokeai::models
