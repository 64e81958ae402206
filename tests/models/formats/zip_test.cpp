#include "models/formats/zip.h"

#include "models/formats/support.h"

namespace invokeai::models {
namespace {

using testing::crc_of;
using testing::deflated;
using testing::expect_good_message;
using testing::make_zip;
using testing::ZipEntry;

Result<ZipArchive> open(const std::string& file) {
  return ZipArchive::open(as_bytes(file), nullptr, "x.zip");
}

/// Opens and reads everything; the message of the first error.
std::string problem(const std::string& file) {
  auto archive = open(file);
  if (!archive) {
    expect_good_message(archive.error(), "x.zip: byte ");
    return archive.error().text();
  }
  for (const ZipMember& member : archive->members())
    if (const auto content = archive->read(member, ZipArchive::Check::crc); !content) {
      expect_good_message(content.error(), "x.zip: byte ");
      return content.error().text();
    }
  return "fine";
}

#define EXPECT_PROBLEM(file, part)                                                            \
  do {                                                                                        \
    const std::string text = problem(file);                                                   \
    EXPECT_NE(text.find(part), std::string::npos) << "wanted: " << part << "\ngot: " << text; \
  } while (false)

TEST(Zip, StoredMembersAreReadInPlaceAndDeflatedOnesInflated) {
  const std::string text(5000, 'x');
  const std::string file = make_zip({{"a/stored", "hello"},
                                     {"a/packed", deflated(text), 8, 5000, -1, crc_of(text)},
                                     {"a/empty", ""}});
  auto archive = open(file);
  ASSERT_TRUE(archive) << archive.error().text();
  ASSERT_EQ(archive->members().size(), 3u);
  const auto stored = archive->read(*archive->find("a/stored"), ZipArchive::Check::crc);
  ASSERT_TRUE(stored) << stored.error().text();
  EXPECT_EQ(as_text(stored->bytes), "hello");
  EXPECT_EQ(as_text(stored->bytes).data(), file.data() + file.find("hello"));
  EXPECT_EQ(stored->file_offset, file.find("hello"));
  const auto packed = archive->read(*archive->find("a/packed"), ZipArchive::Check::none);
  ASSERT_TRUE(packed) << packed.error().text();
  EXPECT_EQ(as_text(packed->bytes), text);
  EXPECT_EQ(archive->find("a/other"), nullptr);
}

TEST(Zip, ACommentAtTheEndIsAllowed) {
  std::string file = make_zip({{"a", "b"}});
  file[file.size() - 2] = 5;
  EXPECT_EQ(problem(file + "hello"), "fine");
  EXPECT_PROBLEM(file + "hell", "no end record; download incomplete?");
}

TEST(Zip, BombsAreRefused) {
  // 100 MB of zeros in 100 kB, honestly declared: no weights shrink a thousandfold.
  EXPECT_PROBLEM(make_zip({{"a", deflated(std::string(100 << 20, '\0')), 8, 100 << 20}}),
                 "claims to inflate from");
  // The size is a lie, smaller or larger than what comes out.
  const std::string packed = deflated(std::string(100000, 'x'));
  EXPECT_PROBLEM(make_zip({{"a", packed, 8, 10}}), "does not inflate to what it should");
  EXPECT_PROBLEM(make_zip({{"a", packed, 8, 200000}}), "does not inflate to what it should");
  EXPECT_PROBLEM(make_zip({{"a", packed, 8, 0xFFFFFFFE}}), "claims to inflate from");
  EXPECT_PROBLEM(make_zip({{"a", packed, 8, 100000, -1, 0}}), "does not inflate to what it should");
  EXPECT_PROBLEM(make_zip({{"a", "not deflate at all", 8, 100}}), "does not inflate");
  EXPECT_PROBLEM(make_zip({{"a", "", 8, 0}}), "does not inflate");
  // Members that share their bytes.
  EXPECT_PROBLEM(make_zip({{"a", packed, 8, 100000}, {"b", packed, 8, 100000, 0}}), "overlaps");
}

TEST(Zip, OffsetsAndNamesAreChecked) {
  EXPECT_PROBLEM(make_zip({{"a", "x", 0, -1, 1000000}}), "beyond the directory");
  EXPECT_PROBLEM(make_zip({{"a", "xxxxxxxx", 0, -1, 20}}), "beyond the directory");
  EXPECT_PROBLEM(make_zip({{"a", std::string(50, 'x'), 0, -1, 1}}), "overlaps what follows it");
  EXPECT_PROBLEM(make_zip({{"a", std::string(50, 'x')}, {"b", std::string(50, 'y'), 0, -1, 40}}),
                 "overlaps what follows it");
  EXPECT_PROBLEM(make_zip({{"a", std::string(99, 'x')}, {"b", "y", 0, -1, 2}}), "overlaps");
  EXPECT_PROBLEM(make_zip({{"a", "x", 0, 2}}), "two different sizes");
  EXPECT_PROBLEM(make_zip({{"a", "x"}, {"a", "y"}}), "is there twice");
  EXPECT_PROBLEM(make_zip({{"a", "x", 0, -1, -1, -1, "b"}}), "another name where it lies");
  for (const char* name : {"../a", "a/../../b", "..", "/etc/passwd", "a\\b", ""})
    EXPECT_PROBLEM(make_zip({{name, "x"}}), "leads out of the archive's folder");
  EXPECT_PROBLEM(make_zip({{"\xFF", "x"}}), "leads out");
  EXPECT_EQ(problem(make_zip({{"a..b/..c", "x"}})), "fine");
}

TEST(Zip, DamageAndUnsupportedFeaturesAreNamed) {
  EXPECT_PROBLEM(make_zip({{"a", "hello", 0, -1, -1, 12345}}), "does not match its checksum");
  EXPECT_PROBLEM(make_zip({{"a", "x", 14}}), "method 14, known are stored and deflated");
  ZipEntry encrypted{"a", "x"};
  encrypted.flags = 1;
  EXPECT_PROBLEM(make_zip({encrypted}), "is encrypted");
  EXPECT_PROBLEM("PK\x03\x04", "too short");
  EXPECT_PROBLEM("PK\x03\x04" + std::string(100, 'x'), "no end record");
  std::string file = make_zip({{"a", "x"}});
  file[file.size() - 22 + 10] = 9;  // entries in the directory
  EXPECT_PROBLEM(file, "split over several files");
  file[file.size() - 22 + 8] = 9;
  EXPECT_PROBLEM(file, "claims 9 entries in 47 bytes");
  file = make_zip({{"a", "x"}});
  file[file.size() - 22 + 16] = '\x7F';  // offset of the directory
  EXPECT_PROBLEM(file, "beyond its end record");
  file = make_zip({{"a", "x"}});
  file[0] = 'Q';
  EXPECT_PROBLEM(file, "is not where the directory says");
  file = make_zip({{"a", "x"}});
  file[file.find(testing::le32(0x02014b50))] = 'Q';
  EXPECT_PROBLEM(file, "no entry where one should be");
}

TEST(Zip, Zip64RecordsAreReadAndChecked) {
  std::string file = make_zip({{"a", "hello"}});
  const std::size_t end = file.size() - 22;
  const std::size_t directory = file.find(testing::le32(0x02014b50));
  const auto with_record = [&](std::uint64_t record_at, std::uint64_t size, std::uint64_t offset,
                               std::uint64_t entries) {
    std::string out = file.substr(0, end) + testing::le32(0x06064b50) + testing::le64(44) +
                      std::string(12, '\0') + testing::le64(entries) + testing::le64(entries) +
                      testing::le64(size) + testing::le64(offset);
    out +=
        testing::le32(0x07064b50) + testing::le32(0) + testing::le64(record_at) + testing::le32(1);
    return out + testing::le32(0x06054b50) + testing::le32(0) + std::string(12, '\xFF') +
           testing::le16(0);
  };
  const std::uint64_t size = end - directory;
  EXPECT_EQ(problem(with_record(end, size, directory, 1)), "fine");
  EXPECT_PROBLEM(with_record(end + 1, size, directory, 1), "not where it should be");
  EXPECT_PROBLEM(with_record(UINT64_MAX, size, directory, 1), "not where it should be");
  EXPECT_PROBLEM(with_record(end, UINT64_MAX, directory, 1), "beyond its end record");
  EXPECT_PROBLEM(with_record(end, size, UINT64_MAX, 1), "beyond its end record");
  EXPECT_PROBLEM(with_record(end, size, directory, UINT64_MAX), "entries in 47 bytes");
  EXPECT_PROBLEM(with_record(end, size, directory, 2), "claims 2 entries");
}

}  // namespace
}  // namespace invokeai::models
