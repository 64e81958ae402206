#include "models/formats/pickle.h"

#include "models/formats/support.h"

namespace invokeai::models {
namespace {

using testing::expect_good_message;
using testing::le32;
using testing::le64;

Result<PickleDocument> read(const std::string& pickle) {
  return read_pickle(as_bytes(pickle), {"x.pkl", 1000});
}

std::string show(const PickleDocument& document, PickleId id, int depth = 0);

std::string show_items(const PickleDocument& document, const PickleValue& value, int depth) {
  std::string out;
  const bool dict = value.kind == PickleKind::dict;
  for (std::size_t i = 0; i < value.items.size(); ++i) {
    if (i > 0) out += dict && i % 2 == 1 ? ": " : ", ";
    out += show(document, value.items[i], depth + 1);
  }
  return out;
}

/// Much like Python's repr.
std::string show(const PickleDocument& document, PickleId id, int depth) {
  const PickleValue& value = document.at(id);
  if (depth > 4) return "...";
  const auto inside = [&] { return show_items(document, value, depth); };
  switch (value.kind) {
    case PickleKind::none:
      return "None";
    case PickleKind::boolean:
      return value.integer != 0 ? "True" : "False";
    case PickleKind::integer:
      return std::to_string(value.integer);
    case PickleKind::big_integer:
      return fmt::format("{}-byte integer", value.text.size());
    case PickleKind::real:
      return fmt::format("{}", value.real);
    case PickleKind::text:
      return "'" + value.text + "'";
    case PickleKind::bytes:
      return fmt::format("b<{}>", value.text.size());
    case PickleKind::tuple:
      return "(" + inside() + ")";
    case PickleKind::list:
      return "[" + inside() + "]";
    case PickleKind::dict:
      return "{" + inside() + "}";
    case PickleKind::set:
      return "set(" + inside() + ")";
    case PickleKind::global:
      return "<" + value.text + ">";
    case PickleKind::opaque:
      return "object " + value.text +
             (value.state == kNoPickleValue ? "" : " " + show(document, value.state, depth + 1));
    case PickleKind::storage: {
      const PickleStorage& storage = document.storages[static_cast<std::size_t>(value.integer)];
      return fmt::format("{} {} of {} from {}", storage.type, storage.key, storage.count,
                         storage.view_offset);
    }
    case PickleKind::tensor: {
      const PickleTensor& tensor = document.tensors[static_cast<std::size_t>(value.integer)];
      return fmt::format(
          "tensor {} [{}] stride [{}] at {}", tensor.dtype ? dtype_name(*tensor.dtype) : "other",
          fmt::join(tensor.shape, ","), fmt::join(tensor.strides, ","), tensor.offset);
    }
  }
  return "?";
}

TEST(Pickle, Table) {
  for (const auto& row : testing::read_table("pickles.txt", 3)) {
    SCOPED_TRACE(row[0]);
    const std::string pickle = testing::unescape(row[1]);
    const auto document = read(pickle);
    if (row[2].starts_with("= ")) {
      ASSERT_TRUE(document) << document.error().text();
      EXPECT_EQ("= " + show(*document, document->root), row[2]);
      EXPECT_EQ(document->end, pickle.size());
    } else {
      ASSERT_FALSE(document) << show(*document, document->root);
      expect_good_message(document.error(), "x.pkl: byte 1");
      EXPECT_NE(document.error().text().find(row[2]), std::string::npos) << document.error().text();
    }
  }
}

TEST(Pickle, ErrorsCountBytesFromTheStartOfTheFile) {
  const auto document = read("\x80\x02NN?");
  ASSERT_FALSE(document);
  EXPECT_TRUE(document.error().message.starts_with("x.pkl: byte 1004: "))
      << document.error().message;
}

TEST(Pickle, EveryOpcodeAloneIsHandled) {
  for (int first = 0; first < 256; ++first)
    for (int second = 0; second < 256; ++second) {
      const std::string pickle = {static_cast<char>(first), static_cast<char>(second)};
      const auto document = read(pickle);
      if (!document) expect_good_message(document.error(), "x.pkl");
    }
}

TEST(Pickle, BombsCostNoMoreThanTheirSize) {
  // Billion laughs: each tuple holds the one before ten times. Values are shared, never expanded.
  std::string laughs = "]q";
  laughs += '\0';
  for (int level = 1; level < 200; ++level) {
    laughs += '(';
    for (int i = 0; i < 10; ++i) (laughs += 'h') += static_cast<char>(level - 1);
    (laughs += "tq") += static_cast<char>(level);
  }
  const auto document = read(laughs + '.');
  ASSERT_TRUE(document) << document.error().text();
  EXPECT_EQ(document->values.size(), 200u);

  // 100,000 lists within each other, built from the outside, and tuples from the inside.
  std::string nested(100000, ']');
  nested += std::string(99999, 'a') + '.';
  ASSERT_TRUE(read(nested));
  ASSERT_TRUE(read(")" + std::string(100000, '\x85') + '.'));

  // One list of 50,000 items, copied by calls again and again.
  std::string copies = "ccollections\nOrderedDict\nq" + std::string(1, '\0') + "0(";
  for (int i = 0; i < 50000; ++i) copies += "NN";
  copies +=
      "dq\x01"
      "0";
  for (int i = 0; i < 50000; ++i) copies += std::string("h\0h\x01\x85R0", 7);
  const auto copied = read(copies + "N.");
  ASSERT_FALSE(copied);
  EXPECT_NE(copied.error().message.find("copies more than"), std::string::npos);

  // A text of 1 MB turned into bytes again and again.
  std::string encoded = "c_codecs\nencode\nq" + std::string(1, '\0') + "0X" + le32(1 << 20) +
                        std::string(1 << 20, 'a') +
                        "\x85q\x01"
                        "0";
  for (int i = 0; i < 10000; ++i) encoded += std::string("h\0h\x01R0", 6);
  ASSERT_FALSE(read(encoded + "N."));

  // More values, and more stack, than any model needs.
  const auto many = read(std::string(1'000'001, ']') + '.');
  ASSERT_FALSE(many);
  EXPECT_NE(many.error().message.find("more than 1000000 values"), std::string::npos);
  ASSERT_FALSE(read("N" + std::string(4'000'001, '2') + '.'));
  ASSERT_FALSE(read(std::string(100000, '(') + std::string(100000, '1') + '.'));
}

TEST(Pickle, HugeLengthsAreComparedWithWhatIsThere) {
  for (const std::string& pickle :
       {"\x8D" + le64(UINT64_MAX) + "a", "\x8E" + le64(1ULL << 62) + "a",
        "X" + le32(UINT32_MAX) + "a", "\x8B" + le32(0x80000000) + "a",
        "\x95" + le64(UINT64_MAX) + "N.", "B" + le32(5) + "abcd"}) {
    const auto document = read(pickle);
    ASSERT_FALSE(document);
    EXPECT_NE(document.error().message.find("download incomplete?"), std::string::npos)
        << document.error().message;
  }
}

TEST(Pickle, MemoIndexesCostNothing) {
  EXPECT_TRUE(read("Nr\xFF\xFF\xFF\xFFj\xFF\xFF\xFF\xFF."));
  EXPECT_TRUE(read("Np18446744073709551615\ng18446744073709551615\n."));
}

TEST(Pickle, DictLookupTakesTheLastOfEqualKeys) {
  const auto document = read("(S'a'\nI1\nS'a'\nI2\nS'b'\nI3\nd.");
  ASSERT_TRUE(document) << document.error().text();
  EXPECT_EQ(document->find(document->at(document->root), "a")->integer, 2);
  EXPECT_EQ(document->find(document->at(document->root), "c"), nullptr);
  EXPECT_EQ(document->find(*document->find(document->at(document->root), "a"), "a"), nullptr);
}

TEST(Pickle, UnknownClassesAreReportedOnceEach) {
  const auto document = read(
      "(ca.b\nC\n)\x81"
      "ca.b\nC\n)\x81"
      "cd\nE\n)\x81}bt.");
  ASSERT_TRUE(document) << document.error().text();
  EXPECT_EQ(document->unknown_objects, (std::vector<std::string>{"a.b.C", "d.E"}));
}

}  // namespace
}  // namespace invokeai::models
