// Any bytes as a zip archive: its directory is refused, or every member is read or refused, within
// the bytes and without filling the memory.

#include <cstdint>

#include "models/formats/zip.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace invokeai::models;
  auto archive = ZipArchive::open({data, size}, nullptr, "fuzz");
  if (!archive) return 0;
  for (const ZipMember& member : archive->members()) {
    const auto content = archive->read(member, ZipArchive::Check::crc);
    if (content) INVOKEAI_CHECK_EQ(content->bytes.size(), member.size);
  }
  return 0;
}
