// Golden files read and written again, in both formats. The copies stay in the build folder, where
// scripts/oracles/check_written_files.py opens them with the Python packages.

#include "models/formats/safetensors.h"
#include "models/formats/support.h"
#include "models/formats/torch_file.h"

namespace invokeai::models {
namespace {

using testing::dense_bytes;
using testing::golden;

void expect_equal(const TensorSource& a, const TensorSource& b) {
  ASSERT_EQ(a.tensors.size(), b.tensors.size());
  for (const auto& [name, view] : a.tensors) {
    const TensorView* other = b.find(name);
    ASSERT_NE(other, nullptr) << name;
    EXPECT_EQ(view.dtype, other->dtype) << name;
    EXPECT_EQ(view.shape, other->shape) << name;
    EXPECT_EQ(dense_bytes(view), dense_bytes(*other)) << name;
  }
}

TEST(WrittenFiles, HoldWhatWasReadFromTorchAndSafetensors) {
  const fs::path folder = fs::path(INVOKEAI_BINARY_ROOT) / "written-formats";
  fs::create_directories(folder);
  for (const std::string name :
       {"dtypes.pt", "views.pt", "checkpoint-legacy.ckpt", "dtypes.safetensors"}) {
    SCOPED_TRACE(name);
    const auto source = open_tensor_file(golden(name));
    ASSERT_TRUE(source) << source.error().text();
    const fs::path torch_copy = folder / (name + ".ckpt"), flat_copy = folder / (name + ".bin"),
                   safe_copy = folder / (name + ".safetensors");
    ASSERT_TRUE(write_torch_file(torch_copy, source->tensors, {true, {{"global_step", 840000}}}));
    ASSERT_TRUE(write_torch_file(flat_copy, source->tensors, {false, {}}));
    ASSERT_TRUE(write_safetensors(safe_copy, source->tensors, {{"format", "pt"}}));
    for (const fs::path& copy : {torch_copy, flat_copy, safe_copy}) {
      const auto again = open_tensor_file(copy);
      ASSERT_TRUE(again) << again.error().text();
      expect_equal(*source, *again);
    }
  }
}

}  // namespace
}  // namespace invokeai::models
