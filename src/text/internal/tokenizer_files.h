#pragma once
// A tokenizer's folder as data: vocabulary, merges and the few settings that matter to CLIP.

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "text/byte_pairs.h"

namespace invokeai::text {

struct TokenizerFiles {
  struct Added {
    std::string text;
    int id = 0;
    bool whole_word = false;
  };
  std::string origin;  ///< folder or "built-in vocabulary", for messages
  std::shared_ptr<const BytePairs> vocabulary;
  std::vector<Added> added;
  std::string bos = "<|startoftext|>";
  std::string eos = "<|endoftext|>";
  std::string pad = "<|endoftext|>";
  int max_length = 77;
};

/// Reads the folder of a tokenizer in the layout of transformers: vocab.json and merges.txt, or
/// tokenizer.json alone (as transformers 5 writes). See ClipTokenizer::from_folder.
Result<TokenizerFiles> read_tokenizer_folder(const std::filesystem::path& folder);

/// The vocabulary inside the program, padding with `pad`; decompressed at the first call.
Result<TokenizerFiles> builtin_tokenizer_files(const std::string& pad);

}  // namespace invokeai::text
