#include "image/png.h"

#include <png.h>

#include <algorithm>
#include <csetjmp>
#include <cstring>
#include <optional>

#include "image/internal/png_chunks.h"
#include "image/orientation.h"

// libpng reports errors by jumping back to a setjmp. The rule that keeps this sound: everything
// with a destructor lives in Writer or Reader, which the caller of the setjmp function owns, and
// the functions that call libpng hold plain values only.

namespace invokeai::image {
namespace {

/// Where libpng's callbacks leave what went wrong.
struct Problem {
  std::string message;
};

[[noreturn]] void on_error(png_structp png, png_const_charp message) {
  static_cast<Problem*>(png_get_error_ptr(png))->message = message;
  png_longjmp(png, 1);
}

void on_warning(png_structp, png_const_charp) {}

// ---- writing ----

struct Writer : Problem {
  png_structp png = nullptr;
  png_infop info = nullptr;
  std::vector<std::string> storage;  ///< what `texts` points to
  std::vector<png_text> texts;
  std::string bytes;

  Writer() = default;
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;
  ~Writer() { png_destroy_write_struct(&png, &info); }

  Result<> add_texts(const TextChunks& chunks) {
    storage.reserve(2 * chunks.size());
    for (const auto& chunk : chunks) {
      TRY_ASSIGN(std::string keyword, encode_keyword(chunk.keyword));
      LatinOrUtf8 encoded = encode_text(chunk.text);
      storage.push_back(std::move(keyword));
      storage.push_back(std::move(encoded.bytes));
      png_text text{};
      text.compression = encoded.latin1 ? PNG_TEXT_COMPRESSION_NONE : PNG_ITXT_COMPRESSION_NONE;
      text.key = storage[storage.size() - 2].data();
      text.text = storage.back().data();
      text.text_length = storage.back().size();
      texts.push_back(text);
    }
    return {};
  }
};

void append_bytes(png_structp png, png_bytep data, std::size_t size) {
  auto* writer = static_cast<Writer*>(png_get_io_ptr(png));
  bool stored = true;
  try {
    writer->bytes.append(reinterpret_cast<const char*>(data), size);
  } catch (const std::bad_alloc&) {
    stored = false;
  }
  if (!stored) png_error(png, "out of memory");
}

/// False when libpng gave up; the reason is in writer.message.
bool write_all(Writer& writer, const Image& picture, int compression) {
  if (setjmp(png_jmpbuf(writer.png))) return false;
  png_set_write_fn(writer.png, &writer, append_bytes, nullptr);
  // Lifts libpng's bound of a million pixels a side.
  png_set_user_limits(writer.png, PNG_UINT_31_MAX, PNG_UINT_31_MAX);
  png_set_compression_level(writer.png, compression);
  const int color = picture.channels == 1   ? PNG_COLOR_TYPE_GRAY
                    : picture.channels == 3 ? PNG_COLOR_TYPE_RGB
                                            : PNG_COLOR_TYPE_RGBA;
  png_set_IHDR(writer.png, writer.info, static_cast<png_uint_32>(picture.width),
               static_cast<png_uint_32>(picture.height), 8, color, PNG_INTERLACE_NONE,
               PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
  if (!writer.texts.empty())
    png_set_text(writer.png, writer.info, writer.texts.data(),
                 static_cast<int>(writer.texts.size()));
  png_write_info(writer.png, writer.info);
  for (int y = 0; y < picture.height; ++y) png_write_row(writer.png, picture.at(0, y));
  png_write_end(writer.png, nullptr);
  return true;
}

// ---- reading pixels ----

struct Reader : Problem {
  png_structp png = nullptr;
  png_infop info = nullptr;
  std::string_view bytes;
  std::size_t position = 0;
  png_uint_32 width = 0;
  png_uint_32 height = 0;
  std::size_t row_bytes = 0;  ///< as stored in the file
  int channels = 0;           ///< as delivered
  int orientation = 1;
  Image picture;
  std::vector<png_bytep> rows;

  Reader() = default;
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;
  ~Reader() { png_destroy_read_struct(&png, &info, nullptr); }
};

void take_bytes(png_structp png, png_bytep data, std::size_t size) {
  auto* reader = static_cast<Reader*>(png_get_io_ptr(png));
  if (size > reader->bytes.size() - reader->position) png_error(png, "the file ends too early");
  std::memcpy(data, reader->bytes.data() + reader->position, size);
  reader->position += size;
}

/// Chunks we have no use for are skipped unread: damage in them must not cost the picture.
void skip_useless_chunks(png_structp png) {
  static const png_byte kNames[] =
      "tEXt\0zTXt\0iTXt\0iCCP\0sPLT\0hIST\0tIME\0pCAL\0sCAL\0oFFs\0pHYs\0sBIT\0bKGD\0gAMA\0cHRM\0"
      "sRGB";
  png_set_keep_unknown_chunks(png, PNG_HANDLE_CHUNK_NEVER, kNames, sizeof(kNames) / 5);
}

bool read_header(Reader& reader) {
  if (setjmp(png_jmpbuf(reader.png))) return false;
  png_structp png = reader.png;
  png_set_read_fn(png, &reader, take_bytes);
  png_set_user_limits(png, PNG_UINT_31_MAX, PNG_UINT_31_MAX);  // check_size() decides
  skip_useless_chunks(png);
  png_read_info(png, reader.info);
  reader.width = png_get_image_width(png, reader.info);
  reader.height = png_get_image_height(png, reader.info);
  reader.row_bytes = png_get_rowbytes(png, reader.info);
  png_bytep exif = nullptr;
  png_uint_32 exif_size = 0;
  if (png_get_eXIf_1(png, reader.info, &exif_size, &exif) != 0)
    reader.orientation = exif_orientation({reinterpret_cast<const char*>(exif), exif_size});
  return true;
}

/// Sets up the delivery of 8-bit rows. libpng allocates for the claimed width here, so the claim
/// must have been checked.
bool prepare_rows(Reader& reader) {
  if (setjmp(png_jmpbuf(reader.png))) return false;
  png_structp png = reader.png;
  const bool alpha = (png_get_color_type(png, reader.info) & PNG_COLOR_MASK_ALPHA) != 0 ||
                     png_get_valid(png, reader.info, PNG_INFO_tRNS) != 0;
  png_set_scale_16(png);
  png_set_expand(png);
  if (alpha) png_set_gray_to_rgb(png);
  png_set_interlace_handling(png);
  png_read_update_info(png, reader.info);
  reader.channels = png_get_channels(png, reader.info);
  if (png_get_rowbytes(png, reader.info) !=
      static_cast<std::size_t>(reader.width) * static_cast<std::size_t>(reader.channels))
    png_error(png, "unexpected row size");
  return true;
}

bool read_pixels(Reader& reader) {
  if (setjmp(png_jmpbuf(reader.png))) return false;
  png_read_image(reader.png, reader.rows.data());
  return true;
}

tl::unexpected<Error> damaged(const Reader& reader) {
  return fail(ErrorCode::bad_file, "png.read", "damaged PNG ({}); fetch or make the file again",
              reader.message);
}

}  // namespace

Result<std::string> encode_png(const Image& picture, const TextChunks& texts, int compression) {
  if (compression < 0 || compression > 9)
    return fail(ErrorCode::invalid_argument, "png.write",
                "PNG compression {} is outside 0 (fast) to 9 (small)", compression);
  const bool possible = picture.width > 0 && picture.height > 0 &&
                        (picture.channels == 1 || picture.channels == 3 || picture.channels == 4);
  if (!possible || picture.pixels.size() !=
                       static_cast<std::size_t>(picture.width) * picture.height * picture.channels)
    return fail(ErrorCode::invalid_argument, "png.write",
                "cannot store a picture of {} x {} pixels, {} channels and {} bytes", picture.width,
                picture.height, picture.channels, picture.pixels.size());
  Writer writer;
  TRY_VOID(writer.add_texts(texts));
  writer.png = png_create_write_struct(PNG_LIBPNG_VER_STRING, static_cast<Problem*>(&writer),
                                       on_error, on_warning);
  if (writer.png != nullptr) writer.info = png_create_info_struct(writer.png);
  if (writer.info == nullptr)
    return fail(ErrorCode::out_of_memory, "png.write", "no memory left to write a PNG");
  if (!write_all(writer, picture, compression))
    return fail(ErrorCode::internal, "png.write", "cannot write the PNG: {}", writer.message);
  return std::move(writer.bytes);
}

Result<Image> decode_png(std::string_view bytes, const DecodeLimits& limits) {
  Reader reader;
  reader.bytes = bytes;
  reader.png = png_create_read_struct(PNG_LIBPNG_VER_STRING, static_cast<Problem*>(&reader),
                                      on_error, on_warning);
  if (reader.png != nullptr) reader.info = png_create_info_struct(reader.png);
  if (reader.info == nullptr)
    return fail(ErrorCode::out_of_memory, "png.read", "no memory left to read a PNG");
  if (!read_header(reader)) return damaged(reader);
  TRY_VOID(check_size(reader.width, reader.height, limits));
  // Deflate shrinks at most 1032 times: a tiny file cannot hold the pixels of a huge header, and we
  // find out before allocating them.
  if (reader.row_bytes * reader.height / 1032 > bytes.size())
    return fail(ErrorCode::bad_file, "png.read",
                "damaged PNG (its header claims {} x {} pixels, but it has only {} bytes)",
                reader.width, reader.height, bytes.size());
  if (!prepare_rows(reader)) return damaged(reader);
  reader.picture =
      Image(static_cast<int>(reader.width), static_cast<int>(reader.height), reader.channels);
  reader.rows.resize(reader.height);
  for (int y = 0; y < reader.picture.height; ++y) reader.rows[y] = reader.picture.at(0, y);
  if (!read_pixels(reader)) return damaged(reader);
  return apply_orientation(std::move(reader.picture), reader.orientation);
}

}  // namespace invokeai::image
