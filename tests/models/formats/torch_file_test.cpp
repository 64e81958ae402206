#include "models/formats/torch_file.h"

#include "models/formats/support.h"

namespace invokeai::models {
namespace {

using testing::dense_bytes;
using testing::expect_good_message;
using testing::make_zip;
using testing::Scratch;
using testing::slurp;
using testing::tensor_of;
using testing::ZipEntry;

Result<TensorSource> read(const std::string& file) {
  return read_torch_file(as_bytes(file), nullptr, "x.ckpt");
}

std::string problem(const std::string& file) {
  const auto source = read(file);
  if (source) return "fine";
  expect_good_message(source.error(), "x.ckpt");
  return source.error().text();
}

#define EXPECT_PROBLEM(file, part)                                                            \
  do {                                                                                        \
    const std::string text = problem(file);                                                   \
    EXPECT_NE(text.find(part), std::string::npos) << "wanted: " << part << "\ngot: " << text; \
  } while (false)

/// {"w": tensor of six floats in storage KEY}, protocol 0.
std::string pickle_of_six(const std::string& key = "0", const std::string& count = "6") {
  return "(S'w'\nctorch._utils\n_rebuild_tensor_v2\n((S'storage'\nctorch\nFloatStorage\nS'" + key +
         "'\nS'cpu'\nI" + count + "\ntQI0\n(I6\nt(I1\ntI00\n}tRd.";
}

std::string zip_of(const std::string& pickle, const std::vector<ZipEntry>& storages = {}) {
  std::vector<ZipEntry> entries = {{"top/data.pkl", pickle}};
  entries.insert(entries.end(), storages.begin(), storages.end());
  entries.push_back({"top/version", "3\n"});
  return make_zip(entries);
}

std::map<std::string, TensorView> some_tensors() {
  return {{"f32", tensor_of<float>(DType::f32, {2, 3}, {0, 1, 2, 3, 4, 5})},
          {"turned", tensor_of<float>(DType::f32, {3, 2}, {0, 1, 2, 3, 4, 5}, {1, 3})},
          {"f16", tensor_of<std::uint16_t>(DType::f16, {2}, {0x3C00, 0x4000})},
          {"bf16", tensor_of<std::uint16_t>(DType::bf16, {2}, {0x3F80, 0x4000})},
          {"f8", tensor_of<std::uint8_t>(DType::f8_e4m3, {3}, {0x38, 0x40, 0x44})},
          {"u16", tensor_of<std::uint16_t>(DType::u16, {2}, {1, 65535})},
          {"scalar", tensor_of<std::int64_t>(DType::i64, {}, {-5})},
          {"empty", tensor_of<float>(DType::f32, {0, 7}, {})},
          {"flag", tensor_of<std::uint8_t>(DType::boolean, {2}, {0, 1})}};
}

TEST(TorchFile, RoundTripNestedAndFlat) {
  const Scratch scratch;
  const auto tensors = some_tensors();
  for (const bool nested : {true, false}) {
    const fs::path path = scratch / "model.ckpt";
    const auto written =
        write_torch_file(path, tensors, {nested, {{"global_step", 840000}, {"big", 1LL << 40}}});
    ASSERT_TRUE(written) << written.error().text();
    const auto source = open_tensor_file(path);
    ASSERT_TRUE(source) << source.error().text();
    EXPECT_EQ(source->metadata, (std::map<std::string, std::string>{{"big", "1099511627776"},
                                                                    {"global_step", "840000"}}));
    ASSERT_EQ(source->tensors.size(), tensors.size());
    for (const auto& [name, view] : tensors) {
      SCOPED_TRACE(name);
      const TensorView* read_back = source->find(name);
      ASSERT_NE(read_back, nullptr);
      EXPECT_EQ(read_back->dtype, view.dtype);
      EXPECT_EQ(read_back->shape, view.shape);
      EXPECT_EQ(dense_bytes(*read_back), dense_bytes(view));
    }
  }
}

TEST(TorchFile, WrittenStoragesAreAlignedAndBytesReproducible) {
  const Scratch scratch;
  ASSERT_TRUE(write_torch_file(scratch / "a", some_tensors()));
  ASSERT_TRUE(write_torch_file(scratch / "b", some_tensors()));
  EXPECT_EQ(slurp(scratch / "a"), slurp(scratch / "b"));
  const auto source = open_tensor_file(scratch / "a");
  ASSERT_TRUE(source) << source.error().text();
  for (const auto& [name, view] : source->tensors)
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(view.data.data()) % 64, 0u) << name;
}

TEST(TorchFile, RefusesNamesItCannotWrite) {
  const Scratch scratch;
  const TensorView one = tensor_of<float>(DType::f32, {1}, {0});
  EXPECT_FALSE(write_torch_file(scratch / "f", {{"\xFF", one}}));
  EXPECT_FALSE(write_torch_file(scratch / "f", {{"step", one}}, {false, {{"step", 1}}}));
  EXPECT_TRUE(fs::is_empty(scratch.path()));
}

TEST(TorchFile, StoragesMustBeThereAndLongEnough) {
  const std::string six(24, '\0');
  EXPECT_EQ(problem(zip_of(pickle_of_six(), {{"top/data/0", six}})), "fine");
  EXPECT_EQ(problem(zip_of(pickle_of_six(), {{"top/data/0", six + "more"}})), "fine");
  EXPECT_PROBLEM(zip_of(pickle_of_six()), "storage '0' is not in the archive");
  EXPECT_PROBLEM(zip_of(pickle_of_six(), {{"top/data/0", six.substr(1)}}),
                 "storage '0' should have 24 bytes, it has 23");
  EXPECT_PROBLEM(zip_of(pickle_of_six("../version"), {{"top/data/0", six}}),
                 "is not in the archive");
  EXPECT_PROBLEM(zip_of(pickle_of_six("0", "5"), {{"top/data/0", six}}), "reaches beyond storage");
  // Two ids for one storage, the second claiming more than there is.
  const std::string twice = "(" + pickle_of_six().substr(1, pickle_of_six().size() - 3) + "S'v'\n" +
                            pickle_of_six("0", "7").substr(6);
  EXPECT_PROBLEM(zip_of(twice, {{"top/data/0", six}}), "should have 28 bytes, it has 24");
}

TEST(TorchFile, LayoutOfTheArchiveIsChecked) {
  EXPECT_PROBLEM(make_zip({{"a/b.txt", "x"}}), "a zip archive without FOLDER/data.pkl");
  EXPECT_PROBLEM(make_zip({{"data.pkl", "N."}}), "a zip archive without FOLDER/data.pkl");
  EXPECT_PROBLEM(make_zip({{"a/data.pkl", "N."}, {"a/constants.pkl", "N."}}),
                 "TorchScript program");
  EXPECT_PROBLEM(make_zip({{"a/data.pkl", "}."}, {"a/byteorder", "middle"}}),
                 "byteorder is 'middle'");
  EXPECT_PROBLEM(make_zip({{"a/data.pkl", "}.", 0, -1, -1, 77}}), "does not match its checksum");
  EXPECT_PROBLEM(make_zip({{"a/data.pkl", "cos\nsystem\n(S'id'\ntR."}}),
                 "[pickle.forbidden] x.ckpt: byte 40: forbidden global 'os.system'");
  EXPECT_PROBLEM(make_zip({{"a/data.pkl", "N"}}), "ends without its STOP");
}

TEST(TorchFile, UnwrappingAndFlatteningEndEvenForObjectsThatHoldThemselves) {
  EXPECT_PROBLEM(zip_of("}p0\nS'state_dict'\ng0\ns."), "state_dict is nested more than 16 times");
  EXPECT_PROBLEM(zip_of("}p0\nS'a'\ng0\ns."), "nested more than 16 deep");
  EXPECT_PROBLEM(zip_of("]p0\ng0\na."), "nested more than 16 deep");
  // A tree of ten levels whose every dict holds the next one under ten names.
  std::string laughs = "}p0\n0";
  for (int level = 1; level <= 10; ++level) {
    laughs += "(";
    for (int i = 0; i < 10; ++i) laughs += fmt::format("S'{}'\ng{}\n", i, level - 1);
    laughs += fmt::format("dp{}\n", level);
  }
  EXPECT_PROBLEM(zip_of(laughs + "."), "more than 1000000 entries");
  // Long names, repeated on every path.
  std::string names = "(";
  for (int i = 0; i < 300; ++i) names += fmt::format("S'{}{}'\nI1\n", std::string(1000, 'n'), i);
  names += "dp0\n0(";
  for (int i = 0; i < 300; ++i) names += fmt::format("S'{}{}'\ng0\n", std::string(1000, 'm'), i);
  EXPECT_PROBLEM(zip_of(names + "d."), "names take more than");
}

TEST(TorchFile, ScalarsBesideAndInsideTheStateDictBecomeMetadata) {
  const auto source = read(zip_of(
      "(S'epoch'\nI3\nS'lr'\nF0.5\nS'state_dict'\n(S'name'\nS'x'\nS'flag'\nI01\nS'sub'\n(I7\nI8\nd"
      "S'nothing'\nNS'sizes'\n(I1\nI2\ntdS'note'\nS'outer'\nd."));
  ASSERT_TRUE(source) << source.error().text();
  EXPECT_EQ(source->metadata, (std::map<std::string, std::string>{{"epoch", "3"},
                                                                  {"lr", "0.5"},
                                                                  {"note", "outer"},
                                                                  {"name", "x"},
                                                                  {"flag", "true"},
                                                                  {"sub.7", "8"}}));
  EXPECT_TRUE(source->tensors.empty());
}

TEST(TorchFile, ComplexTensorsAreNamedNotDropped) {
  std::string pickle = pickle_of_six();
  pickle.replace(pickle.find("FloatStorage"), 12, "ComplexFloatStorage");
  EXPECT_PROBLEM(zip_of(pickle, {{"top/data/0", std::string(48, '\0')}}),
                 "tensor 'w' has an element type (torch.ComplexFloatStorage)");
}

// ---- the older layout

const std::string kMagic = std::string(
    "\x80\x02\x8a\x0al\xfc\x9c"
    "F\xf9 j\xa8P\x19.");

std::string legacy_of(const std::string& object, const std::string& keys, const std::string& data,
                      const std::string& system = "}.", const std::string& version = "I1001\n.") {
  return kMagic + version + system + object + keys + data;
}

TEST(TorchFile, LegacyStoragesAreChecked) {
  const std::string keys = "(S'0'\nl.";
  const std::string six = testing::le64(6) + std::string(24, '\1');
  EXPECT_EQ(problem(legacy_of(pickle_of_six(), keys, six)), "fine");
  EXPECT_PROBLEM(legacy_of(pickle_of_six(), keys, six.substr(0, 31)),
                 "claims 6 elements of 4 bytes, 23 bytes are left; download incomplete?");
  EXPECT_PROBLEM(legacy_of(pickle_of_six(), keys, six.substr(0, 5)), "is cut off");
  EXPECT_PROBLEM(legacy_of(pickle_of_six(), keys, testing::le64(UINT64_MAX / 2) + six), "claims");
  EXPECT_PROBLEM(legacy_of(pickle_of_six(), keys, testing::le64(5) + std::string(20, '\1')),
                 "should have 24 bytes, it has 20");
  EXPECT_PROBLEM(legacy_of(pickle_of_six(), "].", ""), "storage '0' is missing");
  EXPECT_PROBLEM(legacy_of(pickle_of_six(), "(S'9'\nl.", six), "storage '9' is used nowhere");
  EXPECT_PROBLEM(legacy_of(pickle_of_six(), "(S'0'\nS'0'\nl.", six + six), "is there twice");
  EXPECT_PROBLEM(legacy_of(pickle_of_six(), "N.", six), "are not a list");
  EXPECT_PROBLEM(legacy_of(pickle_of_six(), keys, six, "}.", "I1002\n."), "not version 1001");
  EXPECT_PROBLEM(legacy_of("cos\nsystem\n.", keys, six), "forbidden global 'os.system'");
  EXPECT_PROBLEM("\x80\x02}.", "a bare pickle, not written by torch.save");
}

TEST(TorchFile, LegacyBigEndianIsSwapped) {
  const std::string file = legacy_of(
      pickle_of_six(), "(S'0'\nl.",
      std::string("\0\0\0\0\0\0\0\x06", 8) + std::string(20, '\0') + std::string("\x3F\x80\0\0", 4),
      "(S'little_endian'\nI00\nd.");
  const auto source = read(file);
  ASSERT_TRUE(source) << source.error().text();
  const std::string bytes = dense_bytes(*source->find("w"));
  float last = 0;
  std::memcpy(&last, bytes.data() + 20, 4);
  EXPECT_EQ(last, 1.0f);
}

TEST(TorchFile, ViewsWithinStoragesOfVeryOldFiles) {
  std::string pickle = pickle_of_six("0", "8");
  pickle.replace(pickle.find("I8\n"), 3, "I8\n(S'view'\nI2\nI6\nt");
  std::string data = testing::le64(8);
  for (int i = 0; i < 8; ++i) data += std::string(4, static_cast<char>(i));
  const std::string file = legacy_of(pickle, "(S'0'\nl.", data);
  const auto source = read(file);
  ASSERT_TRUE(source) << source.error().text();
  EXPECT_EQ(dense_bytes(*source->find("w")), data.substr(8 + 2 * 4));
}

}  // namespace
}  // namespace invokeai::models
