#include "image/picture_size.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "image/jpeg.h"
#include "image/png.h"
#include "image/webp.h"

namespace invokeai::image {
namespace {

TEST(PictureSize, OfEveryFormat) {
  const Image picture(70, 40, 3);
  EXPECT_EQ(*read_picture_size(*encode_png(picture)), (PictureSize{70, 40}));
  EXPECT_EQ(*read_picture_size(*encode_jpeg(picture)), (PictureSize{70, 40}));
  EXPECT_EQ(*read_picture_size(*encode_webp(picture)), (PictureSize{70, 40}));
  for (const std::string& bytes :
       {*encode_png(picture), *encode_jpeg(picture), *encode_webp(picture)})
    for (std::size_t length = 0; length < std::min<std::size_t>(bytes.size(), 300); ++length)
      (void)read_picture_size(std::string(bytes, 0, length));  // no crash at any cut
  EXPECT_FALSE(read_picture_size("hello, world"));
}

}  // namespace
}  // namespace invokeai::image
