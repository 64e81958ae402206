#include "image/read_metadata.h"

#include "image/internal/file_texts.h"
#include "image/internal/png_chunks.h"
#include "image/internal/readers.h"

namespace invokeai::image {
namespace {

constexpr std::size_t kMaxPlainText = std::size_t{1} << 20;
constexpr std::size_t kMaxJson = std::size_t{8} << 20;

/// The first text of this name, unless it is longer than any program would write.
std::string_view text_of(const TextChunks& texts, std::string_view keyword,
                         std::size_t limit = kMaxJson) {
  for (const TextChunk& chunk : texts)
    if (chunk.keyword == keyword && chunk.text.size() <= limit) return chunk.text;
  return {};
}

/// Width and height from a PNG's header, when they are of a picture we could have drawn.
std::optional<std::pair<int, int>> png_size(std::string_view bytes) {
  if (!bytes.starts_with(kPngSignature)) return std::nullopt;
  bytes.remove_prefix(kPngSignature.size());
  const auto header = take_chunk(bytes);
  if (!header || header->type != "IHDR" || header->data.size() < 8) return std::nullopt;
  constexpr std::uint32_t kLargest = 8192;
  const std::uint32_t width = big_endian(header->data), height = big_endian(header->data.substr(4));
  if (width < 64 || height < 64 || width > kLargest || height > kLargest) return std::nullopt;
  return std::pair(static_cast<int>(width), static_cast<int>(height));
}

std::vector<FoundMetadata> read_texts(const TextChunks& texts, std::string_view file_bytes) {
  auto found = read_invokeai2(text_of(texts, kDreamKeyword, kMaxPlainText),
                              text_of(texts, kMetadataKeyword), png_size(file_bytes));
  if (!found.empty()) return found;
  if (const auto json = text_of(texts, "invokeai_metadata"); !json.empty())
    if (auto one = read_invokeai3(json)) {
      if (!text_of(texts, "invokeai_workflow").empty())
        one->lost.push_back("it was drawn by a workflow, of which only a summary is read");
      return {std::move(*one)};
    }
  for (const std::string_view keyword : {std::string_view("parameters"), kUserComment})
    if (auto one = read_a1111(text_of(texts, keyword, kMaxPlainText))) return {std::move(*one)};
  if (auto one = read_comfyui(text_of(texts, "prompt"))) return {std::move(*one)};
  return {};
}

std::string names_of(const TextChunks& texts) {
  std::string names;
  for (std::size_t i = 0; i < texts.size() && i < 10; ++i)
    names += (i > 0 ? ", " : "") + in_quotes(texts[i].keyword);
  return texts.empty() ? "no texts at all" : "texts named " + names;
}

}  // namespace

Result<std::vector<FoundMetadata>> read_metadata(std::string_view file_bytes) {
  TRY_ASSIGN(const TextChunks texts, file_texts(file_bytes));
  auto found = read_texts(texts, file_bytes);
  if (found.empty())
    return fail(ErrorCode::not_found, "metadata.read",
                "does not say how it was made: it has {}, none of which we can read as InvokeAI, "
                "AUTOMATIC1111 or ComfyUI metadata",
                names_of(texts));
  return found;
}

std::string recall_command(const FoundMetadata& found) { return dream_command(found.picture); }

}  // namespace invokeai::image
