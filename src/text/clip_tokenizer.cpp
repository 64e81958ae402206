#include "text/clip_tokenizer.h"

#include <algorithm>
#include <unordered_map>

#include "base/utf8.h"
#include "text/internal/tokenizer_files.h"
#include "text/normalize.h"
#include "text/words.h"

namespace invokeai::text {
namespace {

/// White space in the sense of Python's str.strip, which includes four separators.
bool is_blank(char32_t c) { return is_white_space(c) || (c >= 0x1C && c <= 0x1F); }

bool is_word_character(char32_t c) { return is_letter(c) || is_number(c) || c == U'_'; }

/// Whether no letter, digit or underscore touches text[begin, end).
bool stands_alone(std::string_view text, std::size_t begin, std::size_t end) {
  std::size_t start = begin;
  while (start > 0 && begin - start < 4) {
    --start;
    if ((static_cast<unsigned char>(text[start]) & 0xC0) != 0x80) break;
  }
  const std::u32string before = decode_utf8(text.substr(start, begin - start));
  const std::u32string after = decode_utf8(text.substr(end, 4));
  return (before.empty() || !is_word_character(before.back())) &&
         (after.empty() || !is_word_character(after.front()));
}

}  // namespace

Result<ClipTokenizer> ClipTokenizer::from_folder(const std::filesystem::path& folder) {
  TRY_ASSIGN(const TokenizerFiles files, read_tokenizer_folder(folder));
  return make(files);
}

Result<ClipTokenizer> ClipTokenizer::builtin(ClipFamily family) {
  TRY_ASSIGN(const TokenizerFiles files,
             builtin_tokenizer_files(family == ClipFamily::sd1 ? "<|endoftext|>" : "!"));
  return make(files);
}

Result<ClipTokenizer> ClipTokenizer::make(const TokenizerFiles& files) {
  ClipTokenizer made;
  made.vocabulary_ = files.vocabulary;
  made.max_length_ = files.max_length;
  made.next_id_ = files.vocabulary->size();
  for (const auto& [text, id, whole_word] : files.added) {
    made.insert_added({text, id, whole_word ? TokenMatch::whole_word : TokenMatch::anywhere});
    made.next_id_ = std::max(made.next_id_, id + 1);
  }
  for (const auto& [special, place] :
       {std::pair{&files.bos, &made.bos_}, std::pair{&files.eos, &made.eos_},
        std::pair{&files.pad, &made.pad_}}) {
    const std::string& text = *special;
    const auto known = std::find_if(made.added_.begin(), made.added_.end(),
                                    [&](const AddedToken& added) { return added.text == text; });
    const int id = known != made.added_.end() ? known->id : files.vocabulary->find(text);
    if (id < 0)
      return fail(ErrorCode::bad_file, "tokenizer.read",
                  "{}: the special token \"{}\" is not in the vocabulary", files.origin, text);
    if (known == made.added_.end()) made.insert_added({text, id, TokenMatch::anywhere});
    *place = id;
  }
  return made;
}

void ClipTokenizer::insert_added(AddedToken token) {
  const auto same = std::find_if(added_.begin(), added_.end(),
                                 [&](const AddedToken& added) { return added.text == token.text; });
  if (same != added_.end()) {
    *same = std::move(token);
    return;
  }
  const auto place = std::find_if(added_.begin(), added_.end(), [&](const AddedToken& added) {
    return added.text.size() < token.text.size();
  });
  added_.insert(place, std::move(token));
}

Result<int> ClipTokenizer::add_token(std::string_view text, TokenMatch match) {
  if (text.empty())
    return fail(ErrorCode::invalid_argument, "tokenizer.add", "an added token needs a text");
  for (const AddedToken& added : added_)
    if (added.text == text)
      return fail(ErrorCode::invalid_argument, "tokenizer.add",
                  "the token \"{}\" is already there; choose another name", text);
  insert_added({std::string(text), next_id_, match});
  return next_id_++;
}

const ClipTokenizer::AddedToken* ClipTokenizer::added_at(std::string_view text,
                                                         std::size_t position) const {
  for (const AddedToken& added : added_) {
    if (!text.substr(position).starts_with(added.text)) continue;
    if (added.match == TokenMatch::whole_word &&
        !stands_alone(text, position, position + added.text.size()))
      continue;
    return &added;
  }
  return nullptr;
}

void ClipTokenizer::encode_plain(std::u32string_view piece, std::vector<int>& ids) const {
  for (const std::string& word : split_words(piece)) {
    if (word == kStartMarker || word == kEndMarker) {
      const int id = vocabulary_->find(word);
      ids.push_back(id < 0 ? vocabulary_->unknown() : id);
    } else {
      vocabulary_->encode_word(word, ids);
    }
  }
}

/// White space beside an added token is removed before the clean-up, which could take it for a part
/// of misread text; beside the two markers it is kept. Both as in the reference.
bool ClipTokenizer::swallows_space(const AddedToken& token) const {
  return token.id != bos_ && token.id != eos_;
}

std::vector<int> ClipTokenizer::encode(std::string_view text) const {
  std::vector<int> ids;
  const AddedToken* before = nullptr;
  const auto encode_piece = [&](std::string_view bytes, const AddedToken* after) {
    const std::u32string piece = decode_utf8(bytes);
    std::u32string_view kept = piece;
    while (before != nullptr && swallows_space(*before) && !kept.empty() && is_blank(kept.front()))
      kept.remove_prefix(1);
    while (after != nullptr && swallows_space(*after) && !kept.empty() && is_blank(kept.back()))
      kept.remove_suffix(1);
    encode_plain(kept, ids);
  };
  std::size_t piece = 0;
  for (std::size_t position = 0; position < text.size();) {
    const AddedToken* added = added_at(text, position);
    if (added == nullptr) {
      ++position;
      continue;
    }
    encode_piece(text.substr(piece, position - piece), added);
    ids.push_back(added->id);
    before = added;
    position += added->text.size();
    piece = position;
  }
  encode_piece(text.substr(piece), nullptr);
  return ids;
}

std::vector<int> ClipTokenizer::pad(const std::vector<int>& content) const {
  const std::size_t kept = std::min<std::size_t>(content.size(), max_length_ - 2);
  std::vector<int> ids{bos_};
  ids.insert(ids.end(), content.begin(), content.begin() + static_cast<std::ptrdiff_t>(kept));
  ids.push_back(eos_);
  ids.resize(static_cast<std::size_t>(max_length_), pad_);
  return ids;
}

std::vector<int> ClipTokenizer::encode_padded(std::string_view text) const {
  return pad(encode(text));
}

std::vector<std::vector<int>> ClipTokenizer::encode_windows(std::string_view text) const {
  const std::vector<int> content = encode(text);
  const std::size_t width = static_cast<std::size_t>(max_length_) - 2;
  std::vector<std::vector<int>> windows;
  for (std::size_t begin = 0; begin == 0 || begin < content.size(); begin += width) {
    const std::size_t end = std::min(begin + width, content.size());
    windows.push_back(pad({content.begin() + static_cast<std::ptrdiff_t>(begin),
                           content.begin() + static_cast<std::ptrdiff_t>(end)}));
  }
  return windows;
}

std::string ClipTokenizer::token_text(int id) const {
  for (const AddedToken& added : added_)
    if (added.id == id) return added.text;
  return vocabulary_->token_text(id);
}

std::string ClipTokenizer::decode(const std::vector<int>& ids) const {
  static const std::unordered_map<char32_t, char> kBytes = [] {
    std::unordered_map<char32_t, char> bytes;
    for (int byte = 0; byte < 256; ++byte)
      bytes.emplace(decode_utf8(byte_symbols()[byte])[0], static_cast<char>(byte));
    return bytes;
  }();
  std::string text;
  for (const int id : ids) {
    std::string token = vocabulary_->token_text(id);
    const bool ends_word = token.ends_with("</w>");
    if (ends_word) token.resize(token.size() - 4);
    if (token.empty()) text += token_text(id);
    for (const char32_t symbol : decode_utf8(token)) {
      const auto byte = kBytes.find(symbol);
      if (byte != kBytes.end()) text += byte->second;
    }
    if (ends_word) text += ' ';
  }
  while (text.ends_with(' ')) text.pop_back();
  return text;
}

}  // namespace invokeai::text
