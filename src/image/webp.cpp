#include "image/webp.h"

#include <webp/decode.h>
#include <webp/demux.h>
#include <webp/encode.h>

#include <algorithm>
#include <cstring>
#include <memory>

#include "image/convert.h"
#include "image/orientation.h"

namespace invokeai::image {
namespace {

struct DeleteDemuxer {
  void operator()(WebPDemuxer* demuxer) const { WebPDemuxDelete(demuxer); }
};

struct FrameIterator : WebPIterator {
  FrameIterator() : WebPIterator{} {}
  FrameIterator(const FrameIterator&) = delete;
  FrameIterator& operator=(const FrameIterator&) = delete;
  ~FrameIterator() { WebPDemuxReleaseIterator(this); }
};

tl::unexpected<Error> damaged(const char* reason) {
  return fail(ErrorCode::bad_file, "webp.read", "damaged WebP ({}); fetch or make the file again",
              reason);
}

Result<Image> decode_frame(const WebPData& data, int width, int height) {
  WebPBitstreamFeatures features;
  if (WebPGetFeatures(data.bytes, data.size, &features) != VP8_STATUS_OK)
    return damaged("unreadable frame header");
  if (features.width != width || features.height != height)
    return damaged("frame and header disagree about the size");
  Image frame(width, height, features.has_alpha ? 4 : 3);
  const auto decode = features.has_alpha ? WebPDecodeRGBAInto : WebPDecodeRGBInto;
  if (decode(data.bytes, data.size, frame.pixels.data(), frame.pixels.size(),
             width * frame.channels) == nullptr)
    return damaged("unreadable pixels");
  return frame;
}

int stored_orientation(const WebPDemuxer* demuxer) {
  WebPChunkIterator chunk{};
  int orientation = 1;
  if (WebPDemuxGetChunk(demuxer, "EXIF", 1, &chunk) != 0)
    orientation =
        exif_orientation({reinterpret_cast<const char*>(chunk.chunk.bytes), chunk.chunk.size});
  WebPDemuxReleaseChunkIterator(&chunk);
  return orientation;
}

/// The frame at its place on an otherwise transparent canvas.
Image place(const Image& frame, int width, int height, int left, int top) {
  if (frame.width == width && frame.height == height) return frame;
  const Image rgba = with_channels(frame, 4);
  Image canvas(width, height, 4);
  for (int y = 0; y < rgba.height; ++y)
    std::memcpy(canvas.at(left, top + y), rgba.at(0, y), static_cast<std::size_t>(rgba.width) * 4);
  return canvas;
}

}  // namespace

Result<Image> decode_webp(std::string_view bytes, const DecodeLimits& limits) {
  const WebPData data{reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()};
  const std::unique_ptr<WebPDemuxer, DeleteDemuxer> demuxer(WebPDemux(&data));
  if (!demuxer) return damaged("truncated, or its chunks make no sense");
  const auto width = WebPDemuxGetI(demuxer.get(), WEBP_FF_CANVAS_WIDTH);
  const auto height = WebPDemuxGetI(demuxer.get(), WEBP_FF_CANVAS_HEIGHT);
  TRY_VOID(check_size(width, height, limits));
  FrameIterator first;
  if (WebPDemuxGetFrame(demuxer.get(), 1, &first) == 0) return damaged("no picture in it");
  if (first.x_offset < 0 || first.y_offset < 0 || first.width < 1 || first.height < 1 ||
      first.x_offset + std::int64_t{first.width} > width ||
      first.y_offset + std::int64_t{first.height} > height)
    return damaged("first frame outside the canvas");
  TRY_ASSIGN(const Image frame, decode_frame(first.fragment, first.width, first.height));
  return apply_orientation(place(frame, static_cast<int>(width), static_cast<int>(height),
                                 first.x_offset, first.y_offset),
                           stored_orientation(demuxer.get()));
}

Result<std::string> encode_webp(const Image& picture, double quality) {
  if (!(quality >= 0 && quality <= 100))
    return fail(ErrorCode::invalid_argument, "webp.write", "WebP quality {} is outside 0 to 100",
                quality);
  if (picture.pixels.empty() || std::max(picture.width, picture.height) > WEBP_MAX_DIMENSION)
    return fail(ErrorCode::invalid_argument, "webp.write",
                "WebP holds sides of 1 to {} pixels, this picture has {} x {}; scale it down first",
                WEBP_MAX_DIMENSION, picture.width, picture.height);
  const Image color = with_channels(picture, picture.channels == 4 ? 4 : 3);
  const auto encode = color.channels == 4 ? WebPEncodeRGBA : WebPEncodeRGB;
  std::uint8_t* memory = nullptr;
  const std::size_t size =
      encode(color.pixels.data(), color.width, color.height, color.width * color.channels,
             static_cast<float>(quality), &memory);
  const std::unique_ptr<std::uint8_t, void (*)(void*)> owner(memory, WebPFree);
  if (size == 0)
    return fail(ErrorCode::out_of_memory, "webp.write", "no memory left to write a WebP");
  return std::string(reinterpret_cast<const char*>(memory), size);
}

}  // namespace invokeai::image
