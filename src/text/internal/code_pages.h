#pragma once
// Single-byte encodings in which UTF-8 gets misread.

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace invokeai::text {

/// Bytes below 0x80 are ASCII in all of them.
class CodePage {
 public:
  /// high: characters of the bytes 0x80-0xFF. forgiving: byte 0x1A stands for U+FFFD, the character
  /// that a program writes for what it could not read.
  CodePage(const char16_t (&high)[128], bool forgiving);

  /// The bytes that read as `text`, or nothing if some character does not occur in this encoding.
  std::optional<std::string> encode(std::u32string_view text) const;
  bool forgiving() const { return forgiving_; }

 private:
  struct Entry {
    char32_t character;
    char byte;
  };
  Entry entries_[128];  // sorted by character
  bool forgiving_;
};

/// The encodings in the order in which they are tried: Latin-1, Windows-1252, -1251, -1250, -1253,
/// -1254, ISO 8859-2, Mac Roman, code page 437. Holes of the Windows pages hold the control
/// character of the same number, as browsers have it.
std::span<const CodePage> misread_code_pages();

/// Character of a byte in Windows-1252, holes filled likewise.
char32_t windows_1252(std::uint8_t byte);

}  // namespace invokeai::text
