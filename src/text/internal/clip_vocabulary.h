#pragma once
// The built-in vocabulary as it was downloaded; cmake/ClipVocabulary.cmake makes the definition.

#include <cstdint>
#include <span>

namespace invokeai::text {

/// bpe_simple_vocab_16e6.txt.gz, one merge per line after a header.
std::span<const std::uint8_t> clip_vocabulary_gz();

}  // namespace invokeai::text
