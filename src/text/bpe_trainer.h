#pragma once
// Learns a byte-pair vocabulary from texts and writes it as a tokenizer folder that CLIP tokenizers
// (ours and the Python one) read. Algorithm: Sennrich 2016, on bytes.

#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "text/byte_pairs.h"

namespace invokeai::text {

struct BpeOptions {
  int vocabulary_size =
      2048;               ///< wanted entries: 512 byte symbols + merges + 2 markers, at least 514
  int minimum_count = 2;  ///< a pair that occurs more rarely is not merged
};

/// Merges in order of frequency; of equally frequent pairs the one that sorts first (by bytes)
/// wins, so that the same texts always give the same list. May stop before the wanted size, when no
/// pair is frequent enough. Texts are cut into words as prompts are. Meant for lists of some
/// thousand merges. Errors: invalid_argument.
Result<std::vector<Merge>> learn_merges(std::span<const std::string> texts,
                                        const BpeOptions& options);

struct TokenizerFolderOptions {
  std::string pad_token = "<|endoftext|>";  ///< must be a vocabulary entry
  int max_length = 77;                      ///< ids per window, markers included
};

/// Writes vocab.json, merges.txt, tokenizer_config.json and special_tokens_map.json, making the
/// folder if needed. Markers have the two last ids. Errors: invalid_argument, io, disk_full.
Result<> write_tokenizer_folder(const std::filesystem::path& folder,
                                const std::vector<Merge>& merges,
                                const TokenizerFolderOptions& options = {});

}  // namespace invokeai::text
