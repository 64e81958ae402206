#pragma once
// Building blocks of the format tests: scratch files, escaped text tables, small zips and tensors.

#include <gtest/gtest.h>
#include <unistd.h>
#include <zlib.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "models/formats/internal/bytes.h"
#include "models/formats/tensor_source.h"

namespace invokeai::models::testing {

/// A folder of its own, removed at the end of the test.
class Scratch {
 public:
  Scratch() {
    std::string folder = (fs::temp_directory_path() / "formats-XXXXXX").string();
    path_ = ::mkdtemp(folder.data());
  }
  ~Scratch() { fs::remove_all(path_); }
  fs::path operator/(const std::string& name) const { return path_ / name; }
  fs::path write(const std::string& name, const std::string& content) const {
    std::ofstream(path_ / name, std::ios::binary) << content;
    return path_ / name;
  }
  const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

inline std::string slurp(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

inline fs::path golden(const std::string& name) {
  return fs::path(INVOKEAI_TEST_DATA) / "golden/formats" / name;
}

/// "\n", "\\" and "\xNN" of a table cell as the bytes they stand for.
inline std::string unescape(std::string_view cell) {
  std::string out;
  for (std::size_t i = 0; i < cell.size(); ++i) {
    if (cell[i] != '\\' || i + 1 == cell.size()) {
      out += cell[i];
    } else if (cell[++i] == 'x') {
      out += static_cast<char>(std::stoi(std::string(cell.substr(i + 1, 2)), nullptr, 16));
      i += 2;
    } else {
      out += cell[i] == 'n' ? '\n' : cell[i];
    }
  }
  return out;
}

/// Rows of a table, cells separated by tabs (several count as one); '#' begins a comment line.
inline std::vector<std::vector<std::string>> read_table(const std::string& name,
                                                        std::size_t columns) {
  std::ifstream file(fs::path(INVOKEAI_TEST_DATA) / "models/formats/tables" / name);
  std::vector<std::vector<std::string>> rows;
  for (std::string line; std::getline(file, line);) {
    if (line.empty() || line[0] == '#') continue;
    std::vector<std::string> cells;
    std::istringstream stream(line);
    for (std::string cell; std::getline(stream, cell, '\t');)
      if (!cell.empty()) cells.push_back(cell);
    EXPECT_EQ(cells.size(), columns) << name << ": " << line;
    if (cells.size() == columns) rows.push_back(cells);
  }
  EXPECT_FALSE(rows.empty()) << name;
  return rows;
}

/// A tensor over a copy of the given numbers.
template <class T>
TensorView tensor_of(DType dtype, std::vector<std::int64_t> shape, const std::vector<T>& numbers,
                     std::vector<std::int64_t> strides = {}) {
  auto copy = std::make_shared<std::vector<T>>(numbers);
  const Bytes bytes(reinterpret_cast<const std::uint8_t*>(copy->data()), copy->size() * sizeof(T));
  return {dtype, std::move(shape), std::move(strides), bytes, copy};
}

inline std::string dense_bytes(const TensorView& view) {
  std::string out(static_cast<std::size_t>(view.element_count()) * element_size(view.dtype), '\0');
  copy_contiguous(view, {reinterpret_cast<std::uint8_t*>(out.data()), out.size()});
  return out;
}

inline std::string le32(std::uint32_t value) {
  std::string out;
  append_little_endian(out, value);
  return out;
}
inline std::string le16(std::uint16_t value) {
  std::string out;
  append_little_endian(out, value);
  return out;
}
inline std::string le64(std::uint64_t value) {
  std::string out;
  append_little_endian(out, value);
  return out;
}

/// One member of a hand-made zip; the lies are what hostile archives tell.
struct ZipEntry {
  std::string name;
  std::string content;  ///< as stored in the file
  std::uint16_t method = 0;
  std::int64_t claimed_size = -1;  ///< -1: the truth
  std::int64_t claimed_offset = -1;
  std::int64_t claimed_crc = -1;
  std::string local_name = {};  ///< empty: the same
  std::uint16_t flags = 0;
};

inline std::string make_zip(const std::vector<ZipEntry>& entries) {
  std::string file, directory;
  for (const ZipEntry& entry : entries) {
    const std::string& local = entry.local_name.empty() ? entry.name : entry.local_name;
    const auto stored = static_cast<std::uint32_t>(entry.content.size());
    const auto size =
        entry.claimed_size < 0 ? stored : static_cast<std::uint32_t>(entry.claimed_size);
    const auto offset = entry.claimed_offset < 0 ? static_cast<std::uint32_t>(file.size())
                                                 : static_cast<std::uint32_t>(entry.claimed_offset);
    const auto crc = entry.claimed_crc < 0
                         ? static_cast<std::uint32_t>(crc32_z(
                               0, reinterpret_cast<const Bytef*>(entry.content.data()), stored))
                         : static_cast<std::uint32_t>(entry.claimed_crc);
    const std::string common = le16(20) + le16(entry.flags) + le16(entry.method) + le32(0) +
                               le32(crc) + le32(stored) + le32(size);
    file += le32(0x04034b50) + common + le16(static_cast<std::uint16_t>(local.size())) + le16(0) +
            local + entry.content;
    directory += le32(0x02014b50) + le16(20) + common +
                 le16(static_cast<std::uint16_t>(entry.name.size())) + le16(0) + le16(0) + le16(0) +
                 le16(0) + le32(0) + le32(offset) + entry.name;
  }
  const auto count = static_cast<std::uint16_t>(entries.size());
  return file + directory + le32(0x06054b50) + le32(0) + le16(count) + le16(count) +
         le32(static_cast<std::uint32_t>(directory.size())) +
         le32(static_cast<std::uint32_t>(file.size())) + le16(0);
}

/// Raw deflate, as zip members hold it.
inline std::string deflated(const std::string& content) {
  z_stream stream{};
  deflateInit2(&stream, 9, Z_DEFLATED, -MAX_WBITS, 9, Z_DEFAULT_STRATEGY);
  std::string out(deflateBound(&stream, content.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(content.data()));
  stream.avail_in = static_cast<uInt>(content.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  deflate(&stream, Z_FINISH);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

inline std::int64_t crc_of(const std::string& content) {
  return static_cast<std::int64_t>(
      crc32_z(0, reinterpret_cast<const Bytef*>(content.data()), content.size()));
}

/// Every message must be one line that begins with the file's name.
inline void expect_good_message(const Error& error, const std::string& name) {
  EXPECT_EQ(error.message.find('\n'), std::string::npos) << error.message;
  EXPECT_TRUE(error.message.starts_with(name) || error.message.find(name) != std::string::npos)
      << error.message;
  EXPECT_LT(error.message.size(), 1000u);
}

}  // namespace invokeai::models::testing
