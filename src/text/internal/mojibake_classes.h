#pragma once
// Classes of the roughly 400 characters that occur when UTF-8 is misread; a set of bits each.

#include <cstdint>

namespace invokeai::text {

enum MojibakeClass : std::uint32_t {
  kCommon = 1u << 0,  ///< seen in many contexts, misread or not
  kC1 = 1u << 1,      ///< control characters that nobody writes
  kBad = 1u << 2,     ///< hardly ever meant
  kCurrency = 1u << 3,
  kStartPunctuation = 1u << 4,  ///< opening quotes and marks that begin a word
  kEndPunctuation = 1u << 5,
  kNumeric = 1u << 6,
  kKaomoji = 1u << 7,  ///< letters that make faces, and so stand in odd places
  kUpperAccented = 1u << 8,
  kLowerAccented = 1u << 9,
  kUpperCommon = 1u << 10,  ///< Greek and Cyrillic capitals
  kLowerCommon = 1u << 11,
  kBox = 1u << 12,  ///< line drawing
  kAsciiUpper = 1u << 13,
  kAsciiLower = 1u << 14,
  kBlank = 1u << 15,     ///< white space of any kind
  kWord = 1u << 16,      ///< letter, number or underscore
  kFirstOf2 = 1u << 17,  ///< reads as the first byte of a two-byte UTF-8 sequence
  kFirstOf3 = 1u << 18,
  kFirstOf4 = 1u << 19,
  kContinuation = 1u << 20,        ///< reads as a continuation byte; a space may stand for 0xA0
  kStrictContinuation = 1u << 21,  ///< the same without spaces, dashes, quotes and ellipses
};

/// All classes a character belongs to.
std::uint32_t classes_of(char32_t c);

}  // namespace invokeai::text
