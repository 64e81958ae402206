#pragma once
// CLIP's tokenizer: a prompt in, token ids out. Follows the Python tokenizer with text repair that
// InvokeAI 2.3.0 used, id for id; tests/golden/tokens.json holds the reference.

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "text/byte_pairs.h"

namespace invokeai::text {

/// Which padding the built-in vocabulary uses: sd1 repeats the end marker, sd2 uses "!" (id 0).
enum class ClipFamily { sd1, sd2 };

/// Where an added token (an embedding's trigger) is found in a prompt.
enum class TokenMatch {
  anywhere,    ///< also inside words, as Stable Diffusion 1 and 2 did: a trigger "zxc" cuts "azxcb"
  whole_word,  ///< only where no letter or digit touches it
};

struct TokenizerFiles;

/// Immutable vocabulary (shared between copies) plus the added tokens of this copy.
/// All const members are safe to call from several threads.
class ClipTokenizer {
 public:
  /// Reads vocab.json + merges.txt, or tokenizer.json alone; markers, padding, length and added
  /// tokens come from tokenizer_config.json, special_tokens_map.json (which wins) and
  /// added_tokens.json where present. Errors: not_found, bad_file (with the file's name).
  static Result<ClipTokenizer> from_folder(const std::filesystem::path& folder);

  /// OpenAI's vocabulary of 49408 entries, carried inside the program. Errors: bad_file if the
  /// program was built with a damaged vocabulary.
  static Result<ClipTokenizer> builtin(ClipFamily family);

  /// Content ids of a prompt: no markers, no padding, not cut. Bytes that are no UTF-8 count as
  /// U+FFFD; reject them earlier with check_utf8 (base/utf8.h). Time grows about linearly.
  std::vector<int> encode(std::string_view text) const;

  /// Exactly max_length() ids: start marker, at most max_length()-2 content ids, end marker,
  /// padding.
  std::vector<int> encode_padded(std::string_view text) const;

  /// The whole prompt in windows of max_length() ids, each with markers and padding; at least one.
  std::vector<std::vector<int>> encode_windows(std::string_view text) const;

  /// Puts markers and padding around content ids and cuts what does not fit.
  std::vector<int> pad(const std::vector<int>& content) const;

  /// Adds a token that is matched literally (and case-sensitively) before anything else is done to
  /// the prompt; at one place the longest match wins. Always makes a new id, counting up from
  /// vocab_size(), even where the text is a vocabulary entry. Returns the id.
  /// Errors: invalid_argument when the text is empty or was added before.
  Result<int> add_token(std::string_view text, TokenMatch match = TokenMatch::anywhere);

  /// Text of an id as it stands in vocab.json ("cat</w>"), or the added token; empty if unknown.
  std::string token_text(int id) const;
  /// Readable text of ids: byte symbols decoded, a blank for each "</w>", markers as they are.
  std::string decode(const std::vector<int>& ids) const;

  int bos() const { return bos_; }
  int eos() const { return eos_; }
  int pad_id() const { return pad_; }
  /// Ids per window with markers, 77 for all published models.
  int max_length() const { return max_length_; }
  /// One more than the largest id, added tokens included: rows the embedding matrix must have.
  int vocab_size() const { return next_id_; }

 private:
  struct AddedToken {
    std::string text;
    int id = 0;
    TokenMatch match = TokenMatch::anywhere;
  };
  ClipTokenizer() = default;
  static Result<ClipTokenizer> make(const TokenizerFiles& files);
  void insert_added(AddedToken token);
  const AddedToken* added_at(std::string_view text, std::size_t position) const;
  bool swallows_space(const AddedToken& token) const;
  void encode_plain(std::u32string_view piece, std::vector<int>& ids) const;

  std::shared_ptr<const BytePairs> vocabulary_;
  std::vector<AddedToken> added_;  // longest first, so that the first match is the longest
  int bos_ = 0;
  int eos_ = 0;
  int pad_ = 0;
  int max_length_ = 77;
  int next_id_ = 0;
};

/// The merges of the built-in vocabulary in order of rank; write_tokenizer_folder makes them a
/// tokenizer folder as published models have it. Errors: as ClipTokenizer::builtin.
Result<std::vector<Merge>> builtin_merges();

}  // namespace invokeai::text
