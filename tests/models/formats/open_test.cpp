// What a user reads when the file is not what its name promises.

#include "models/formats/safetensors.h"
#include "models/formats/support.h"

namespace invokeai::models {
namespace {

using testing::expect_good_message;
using testing::Scratch;
using testing::tensor_of;

TEST(OpenTensorFile, SaysWhatAFileIsThatHoldsNoModel) {
  const Scratch scratch;
  const std::string tar = std::string(257, 'a') + "ustar" + std::string(300, '\0');
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"", "empty; download it again"},
      {"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 4265380512\n",
       "a Git LFS pointer: the weights themselves were not downloaded"},
      {"<!DOCTYPE html><html><body>login</body>", "a web page: the download needs a login"},
      {"\n  <HTML>", "a web page"},
      {"Entry not found", "text: 'Entry not found'"},
      {"{\"error\": \"gated\"}", "JSON text, perhaps a settings file or an error message"},
      {"{ not even json", "JSON text"},
      {tar, "a torch file from before 2019 (tar layout)"},
      {"GGUF\x03", "a GGUF file"},
      {"\x1F\x8B\x08", "packed with gzip"},
      {"\x89PNG\r\n\x1a\n", "a PNG picture"},
      {std::string("PK\x05\x06") + std::string(18, '\0'), "an empty zip archive"},
      {"\x80\x04N.", "a bare pickle, not written by torch.save"},
      {"}.", "a bare pickle, not written by torch.save"},
      {"cos\nsystem\n(S'id'\ntR.", "forbidden global 'os.system'"},
      {"\x80\x03"
       "cos\nsystem\n.",
       "forbidden global 'os.system'"},
      {"\x80\x02\xFF\xFF", "byte 2: instruction 0xff"},
      {std::string("\x01\x02\x03\x04\0\0\0\0\0\0", 10), "neither .safetensors nor a torch file"},
  };
  for (const auto& [content, part] : cases) {
    const auto source = open_tensor_file(scratch.write("model.ckpt", content));
    ASSERT_FALSE(source) << part;
    expect_good_message(source.error(), "model.ckpt: byte ");
    EXPECT_NE(source.error().message.find(part), std::string::npos) << source.error().message;
  }
}

TEST(OpenTensorFile, MissingFilesAndFoldersAreErrors) {
  const Scratch scratch;
  const auto missing = open_tensor_file(scratch / "no.ckpt");
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, ErrorCode::not_found);
  EXPECT_FALSE(open_tensor_file(scratch.path()));
}

TEST(OpenTensorFile, GoesByContentNotByName) {
  const Scratch scratch;
  ASSERT_TRUE(write_safetensors(scratch / "model.ckpt",
                                {{"a", tensor_of<float>(DType::f32, {1}, {0})}}, {}));
  const auto source = open_tensor_file(scratch / "model.ckpt");
  ASSERT_TRUE(source) << source.error().text();
  EXPECT_NE(source->find("a"), nullptr);
}

class Shards : public ::testing::Test {
 protected:
  void SetUp() override {
    const TensorView one = tensor_of<float>(DType::f32, {1}, {1});
    ASSERT_TRUE(write_safetensors(scratch_ / "m-1.safetensors", {{"a", one}, {"b", one}},
                                  {{"format", "pt"}}));
    ASSERT_TRUE(write_safetensors(scratch_ / "m-2.safetensors", {{"c", one}}, {}));
  }
  Result<TensorSource> open(const std::string& weight_map) {
    return open_tensor_file(
        scratch_.write("m.index.json", "{\"metadata\": {}, \"weight_map\": " + weight_map + "}"));
  }
  Scratch scratch_;
};

TEST_F(Shards, AnIndexOpensAllFilesItNames) {
  const auto source =
      open("{\"a\": \"m-1.safetensors\", \"b\": \"m-1.safetensors\", \"c\": \"m-2.safetensors\"}");
  ASSERT_TRUE(source) << source.error().text();
  EXPECT_EQ(source->order, (std::vector<std::string>{"a", "b", "c"}));
  EXPECT_EQ(source->tensors.size(), 3u);
  EXPECT_EQ(source->metadata.at("format"), "pt");
}

TEST_F(Shards, AnIndexNamesOnlyFilesBesideIt) {
  for (const char* file : {"\"../m-1.safetensors\"", "\"/etc/passwd\"", "\"\"", "\"..\"", "5",
                           "\"sub/m-1.safetensors\""}) {
    const auto source = open(fmt::format("{{\"a\": {}}}", file));
    ASSERT_FALSE(source) << file;
    EXPECT_NE(source.error().message.find("not a file beside the index"), std::string::npos)
        << source.error().message;
  }
  EXPECT_NE(open("{\"a\": \"m.index.json\"}").error().message.find("names another index"),
            std::string::npos);
  EXPECT_NE(open("{\"a\": \"m-3.safetensors\"}").error().message.find("m-3.safetensors"),
            std::string::npos);
  EXPECT_NE(open("{\"a\": \"m-2.safetensors\"}").error().message.find("tensor 'a' is not in"),
            std::string::npos);
}

}  // namespace
}  // namespace invokeai::models
