#include "models/formats/zip.h"

#include <zlib.h>

#include <algorithm>

#include "models/formats/internal/bytes.h"
#include "models/formats/internal/wording.h"

namespace invokeai::models {
namespace {

constexpr std::uint32_t kLocalSignature = 0x04034b50;
constexpr std::uint32_t kCentralSignature = 0x02014b50;
constexpr std::uint32_t kEndSignature = 0x06054b50;
constexpr std::uint32_t kZip64EndSignature = 0x06064b50;
constexpr std::uint32_t kZip64LocatorSignature = 0x07064b50;
constexpr std::uint64_t kLocalSize = 30;
constexpr std::uint64_t kCentralSize = 46;
constexpr std::uint64_t kEndSize = 22;
constexpr std::uint64_t kZip64EndSize = 56;
constexpr std::uint64_t kZip64LocatorSize = 20;
constexpr std::uint32_t kInZip64Extra = 0xFFFFFFFF;
constexpr std::uint16_t kStored = 0;
constexpr std::uint16_t kDeflated = 8;

// Trained weights hardly shrink at all, pickles about tenfold, masks of zeros up to 1000-fold.
constexpr std::uint64_t kRatioFreeSize = 4 << 20;
constexpr std::uint64_t kMaxRatio = 200;
constexpr std::uint64_t kMaxInflated = std::uint64_t{16} << 30;

/// True when `length` bytes at `offset` lie within `size`.
bool inside(std::uint64_t offset, std::uint64_t length, std::uint64_t size) {
  return offset <= size && length <= size - offset;
}

bool climbs_out(std::string_view name) {
  if (name.empty() || name[0] == '/' || name.find('\\') != name.npos ||
      name.find('\0') != name.npos)
    return true;
  while (!name.empty()) {
    const std::string_view part = name.substr(0, name.find('/'));
    if (part == "..") return true;
    name.remove_prefix(std::min(name.size(), part.size() + 1));
  }
  return false;
}

}  // namespace

template <class... Args>
tl::unexpected<Error> ZipArchive::bad(std::uint64_t at, fmt::format_string<Args...> format,
                                      Args&&... args) const {
  return fail(ErrorCode::bad_file, "zip.read", "{}: byte {}: {}", name_, at,
              fmt::format(format, std::forward<Args>(args)...));
}

Result<ZipArchive> ZipArchive::open(std::span<const std::uint8_t> bytes,
                                    std::shared_ptr<const void> owner, std::string name) {
  ZipArchive archive;
  archive.bytes_ = bytes;
  archive.owner_ = std::move(owner);
  archive.name_ = std::move(name);
  TRY_ASSIGN(const Directory directory, archive.find_directory());
  TRY_VOID(archive.read_directory(directory));
  TRY_VOID(archive.check_overlaps(directory.offset));
  return archive;
}

const ZipMember* ZipArchive::find(const std::string& name) const {
  const auto found = by_name_.find(name);
  return found == by_name_.end() ? nullptr : &members_[found->second];
}

/// The end record is the last thing in the file but for a comment of up to 65535 bytes.
Result<std::uint64_t> ZipArchive::find_end() const {
  constexpr std::uint64_t kMaxComment = 0xFFFF;
  if (bytes_.size() < kEndSize) return bad(0, "too short for a zip archive; download incomplete?");
  const std::uint64_t last = bytes_.size() - kEndSize;
  const std::uint64_t first = last > kMaxComment ? last - kMaxComment : 0;
  for (std::uint64_t at = last + 1; at-- > first;)
    if (little_endian<std::uint32_t>(bytes_, at) == kEndSignature &&
        at + kEndSize + little_endian<std::uint16_t>(bytes_, at + 20) == bytes_.size())
      return at;
  return bad(bytes_.size(), "the zip archive has no end record; download incomplete?");
}

Result<ZipArchive::Directory> ZipArchive::find_directory() const {
  TRY_ASSIGN(const std::uint64_t end, find_end());
  const bool has_zip64 =
      end >= kZip64LocatorSize &&
      little_endian<std::uint32_t>(bytes_, end - kZip64LocatorSize) == kZip64LocatorSignature;
  Directory directory{little_endian<std::uint32_t>(bytes_, end + 16),
                      little_endian<std::uint32_t>(bytes_, end + 12),
                      little_endian<std::uint16_t>(bytes_, end + 10)};
  if (has_zip64) {
    TRY_ASSIGN(directory, zip64_directory(end - kZip64LocatorSize));
  } else if (little_endian<std::uint16_t>(bytes_, end + 4) != 0 ||
             little_endian<std::uint16_t>(bytes_, end + 8) != directory.entries) {
    return bad(end, "the zip archive is split over several files, give it as one");
  }
  if (!inside(directory.offset, directory.size, end))
    return bad(end, "the directory claims {} bytes at {}, beyond its end record", directory.size,
               directory.offset);
  if (directory.entries > directory.size / kCentralSize)
    return bad(end, "the directory claims {} entries in {} bytes", directory.entries,
               directory.size);
  return directory;
}

Result<ZipArchive::Directory> ZipArchive::zip64_directory(std::uint64_t locator) const {
  const auto at = little_endian<std::uint64_t>(bytes_, locator + 8);
  if (!inside(at, kZip64EndSize, locator) ||
      little_endian<std::uint32_t>(bytes_, at) != kZip64EndSignature)
    return bad(locator, "the zip64 end record is not where it should be, at {}", at);
  const Directory directory{little_endian<std::uint64_t>(bytes_, at + 48),
                            little_endian<std::uint64_t>(bytes_, at + 40),
                            little_endian<std::uint64_t>(bytes_, at + 32)};
  if (!inside(directory.offset, directory.size, at))
    return bad(at, "the directory claims {} bytes at {}, beyond its end record", directory.size,
               directory.offset);
  return directory;
}

Result<> ZipArchive::read_directory(const Directory& directory) {
  const std::uint64_t end = directory.offset + directory.size;
  std::uint64_t at = directory.offset;
  for (std::uint64_t i = 0; i < directory.entries; ++i) {
    std::uint64_t next = 0;
    TRY_ASSIGN(ZipMember member, member_at(at, end, next));
    if (!inside(member.header_offset, kLocalSize, directory.offset) ||
        !inside(member.header_offset + kLocalSize, member.stored_size, directory.offset))
      return bad(at, "member {} claims {} bytes at {}, beyond the directory",
                 in_quotes(member.name), member.stored_size, member.header_offset);
    if (!by_name_.emplace(member.name, members_.size()).second)
      return bad(at, "member {} is there twice", in_quotes(member.name));
    members_.push_back(std::move(member));
    at = next;
  }
  return {};
}

Result<ZipMember> ZipArchive::member_at(std::uint64_t at, std::uint64_t end,
                                        std::uint64_t& next) const {
  if (!inside(at, kCentralSize, end) ||
      little_endian<std::uint32_t>(bytes_, at) != kCentralSignature)
    return bad(at, "the directory has no entry where one should be");
  const auto flags = little_endian<std::uint16_t>(bytes_, at + 8);
  const auto name_size = little_endian<std::uint16_t>(bytes_, at + 28);
  const auto extra_size = little_endian<std::uint16_t>(bytes_, at + 30);
  const auto comment_size = little_endian<std::uint16_t>(bytes_, at + 32);
  next = at + kCentralSize + name_size + extra_size + comment_size;
  if (next > end) return bad(at, "a directory entry reaches beyond the directory");
  ZipMember member;
  member.name = as_text(bytes_.subspan(at + kCentralSize, name_size));
  member.method = little_endian<std::uint16_t>(bytes_, at + 10);
  member.crc = little_endian<std::uint32_t>(bytes_, at + 16);
  member.stored_size = little_endian<std::uint32_t>(bytes_, at + 20);
  member.size = little_endian<std::uint32_t>(bytes_, at + 24);
  member.header_offset = little_endian<std::uint32_t>(bytes_, at + 42);
  if (climbs_out(member.name) || !valid_utf8(member.name))
    return bad(at, "member name {} leads out of the archive's folder", in_quotes(member.name));
  if ((flags & 1) != 0)
    return fail(ErrorCode::unsupported, "zip.read", "{}: byte {}: member {} is encrypted", name_,
                at, in_quotes(member.name));
  TRY_VOID(read_zip64_extra(at, bytes_.subspan(at + kCentralSize + name_size, extra_size), member));
  if (member.method == kStored && member.size != member.stored_size)
    return bad(at, "stored member {} has two different sizes", in_quotes(member.name));
  return member;
}

/// Field 1 holds, in this order, those of the three numbers that are all ones in the entry itself.
Result<> ZipArchive::read_zip64_extra(std::uint64_t at, std::span<const std::uint8_t> extra,
                                      ZipMember& member) const {
  std::vector<std::uint64_t*> wanted;
  for (std::uint64_t* number : {&member.size, &member.stored_size, &member.header_offset})
    if (*number == kInZip64Extra) wanted.push_back(number);
  while (!wanted.empty() && extra.size() >= 4) {
    const auto id = little_endian<std::uint16_t>(extra, 0);
    const std::size_t size = little_endian<std::uint16_t>(extra, 2);
    if (size > extra.size() - 4) break;
    if (id == 1) {
      if (size < wanted.size() * 8) break;
      for (std::size_t i = 0; i < wanted.size(); ++i)
        *wanted[i] = little_endian<std::uint64_t>(extra, 4 + 8 * i);
      return {};
    }
    extra = extra.subspan(4 + size);
  }
  if (wanted.empty()) return {};
  return bad(at, "member {} lacks its zip64 sizes", in_quotes(member.name));
}

/// Overlapping members are how a few kilobytes become terabytes; honest writers never make them.
Result<> ZipArchive::check_overlaps(std::uint64_t directory_offset) {
  std::vector<ZipMember*> sorted;
  for (ZipMember& member : members_) sorted.push_back(&member);
  std::sort(sorted.begin(), sorted.end(), [](const ZipMember* a, const ZipMember* b) {
    return a->header_offset < b->header_offset;
  });
  for (std::size_t i = 0; i < sorted.size(); ++i) {
    ZipMember& member = *sorted[i];
    member.limit = i + 1 < sorted.size() ? sorted[i + 1]->header_offset : directory_offset;
    const std::uint64_t least = kLocalSize + member.name.size() + member.stored_size;
    if (!inside(member.header_offset, least, member.limit))
      return bad(member.header_offset, "member {} overlaps what follows it",
                 in_quotes(member.name));
  }
  return {};
}

Result<ZipContent> ZipArchive::read(const ZipMember& member, Check check) {
  const std::uint64_t at = member.header_offset;
  if (little_endian<std::uint32_t>(bytes_, at) != kLocalSignature)
    return bad(at, "member {} is not where the directory says", in_quotes(member.name));
  const auto name_size = little_endian<std::uint16_t>(bytes_, at + 26);
  const auto extra_size = little_endian<std::uint16_t>(bytes_, at + 28);
  const std::uint64_t data = at + kLocalSize + name_size + extra_size;
  if (!inside(data, member.stored_size, member.limit))
    return bad(at, "member {} overlaps what follows it", in_quotes(member.name));
  if (as_text(bytes_.subspan(at + kLocalSize, name_size)) != member.name)
    return bad(at, "member {} has another name where it lies", in_quotes(member.name));
  ZipContent content{bytes_.subspan(data, member.stored_size), owner_, data};
  if (member.method == kDeflated) return inflate(member, std::move(content));
  if (member.method != kStored)
    return fail(ErrorCode::unsupported, "zip.read",
                "{}: byte {}: member {} is packed by method {}, known are stored and deflated",
                name_, at, in_quotes(member.name), member.method);
  if (check == Check::crc && crc32_z(0, content.bytes.data(), content.bytes.size()) != member.crc)
    return bad(data, "member {} does not match its checksum; the file is damaged",
               in_quotes(member.name));
  return content;
}

Result<ZipContent> ZipArchive::inflate(const ZipMember& member, ZipContent packed) {
  if (member.size > kRatioFreeSize && member.size / kMaxRatio > member.stored_size)
    return bad(packed.file_offset, "member {} claims to inflate from {} to {} bytes; refused",
               in_quotes(member.name), member.stored_size, member.size);
  inflated_ += member.size;
  if (inflated_ > kMaxInflated)
    return bad(packed.file_offset, "the archive inflates to more than {} bytes; refused",
               kMaxInflated);
  const auto buffer = make_buffer(member.size);
  if (!buffer)
    return fail(ErrorCode::out_of_memory, "zip.read", "{}: no memory for the {} bytes of member {}",
                name_, member.size, in_quotes(member.name));
  z_stream stream{};
  if (inflateInit2(&stream, -MAX_WBITS) != Z_OK)
    return fail(ErrorCode::out_of_memory, "zip.read", "{}: no memory to inflate", name_);
  // zlib counts in 32 bits, so both sides are given in pieces.
  constexpr std::uint64_t kPiece = 1 << 30;
  std::uint64_t taken = 0, made = 0;
  int status = Z_OK;
  while (status == Z_OK) {
    const std::uint64_t in = std::min(kPiece, packed.bytes.size() - taken);
    const std::uint64_t out = std::min(kPiece, member.size - made);
    stream.next_in = const_cast<Bytef*>(packed.bytes.data() + taken);
    stream.avail_in = static_cast<uInt>(in);
    stream.next_out = buffer.get() + made;
    stream.avail_out = static_cast<uInt>(out);
    status = ::inflate(&stream, Z_NO_FLUSH);
    taken += in - stream.avail_in;
    made += out - stream.avail_out;
  }
  inflateEnd(&stream);
  if (status != Z_STREAM_END || made != member.size ||
      crc32_z(0, buffer.get(), member.size) != member.crc)
    return bad(packed.file_offset, "member {} does not inflate to what it should; file is damaged",
               in_quotes(member.name));
  return ZipContent{{buffer.get(), member.size}, buffer, packed.file_offset};
}

}  // namespace invokeai::models
