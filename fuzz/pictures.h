#pragma once
// What a decoder has to hold to, whatever it is given.

#include "base/result.h"
#include "image/image.h"
#include "image/limits.h"

/// Small enough that a file's claims cannot take the machine's memory.
inline constexpr invokeai::image::DecodeLimits kFuzzLimits{.max_pixels = 1'000'000};

/// An error of one line, or a picture of the size it claims.
inline void check_decoded(const invokeai::Result<invokeai::image::Image>& picture) {
  if (!picture) {
    INVOKEAI_CHECK(picture.error().message.find('\n') == std::string::npos);
    return;
  }
  INVOKEAI_CHECK(picture->width > 0 && picture->height > 0);
  INVOKEAI_CHECK_EQ(picture->pixels.size(),
                    std::size_t(picture->width) * picture->height * picture->channels);
}

/// Stripes with some noise, so that coders have something to code.
inline invokeai::image::Image fuzz_picture(int channels) {
  invokeai::image::Image picture(37, 23, channels);
  std::uint32_t state = 1;
  for (auto& byte : picture.pixels) {
    state = state * 1664525u + 1013904223u;
    byte = static_cast<std::uint8_t>((state >> 24 & 15) + (&byte - picture.pixels.data()) % 240);
  }
  return picture;
}
