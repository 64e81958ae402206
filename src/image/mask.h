#pragma once
// Masks: grey pictures that say what to keep (255, white) and what to paint anew (0, black), with
// every shade in between meaning "in part". The convention of the original, everywhere in this
// room; only latent_mask() turns it round. Blurring, growing and shrinking: image/filters.h.
// Source: generation spec, 8.1.

#include <optional>
#include <vector>

#include "base/result.h"
#include "image/box.h"
#include "image/image.h"

namespace invokeai::image {

inline constexpr std::uint8_t kKeep = 255;
inline constexpr std::uint8_t kRepaint = 0;

/// Whether any pixel is not fully opaque, and so a mask can be taken from the picture itself.
bool has_transparency(const Image& picture);

/// Whether the colours below fully transparent pixels are lost: there are such pixels, and each is
/// pure black or pure white, as editors leave them. Painting then starts from infill() instead.
bool hidden_colors_erased(const Image& picture);

/// The mask that a picture given as mask means: grey as it is, RGB by its brightness, RGBA by its
/// alpha (transparent: paint anew). RGBA without any transparency is read by brightness, since by
/// alpha it would keep everything: that is how editors save black and white masks (the original
/// takes the alpha).
Image mask_from_picture(const Image& picture);

/// White for black and black for white.
Image inverted(const Image& mask);

/// 255 where the mask is at least `level`, else 0.
///   level  0..256
Image thresholded(const Image& mask, int level = 128);

/// A mask for a picture of another size but the same shape, scaled (Lanczos).
///   width, height  pixels of the picture
/// Errors: invalid_argument when the shapes differ by more than 2 % or a pixel.
Result<Image> matched_mask(const Image& mask, int width, int height);

/// The mask for one picture before it is scaled: the given mask picture if there is one (scaled to
/// the picture when it has its shape), else the picture's alpha; inverted if asked; at last
/// multiplied by the alpha, so that transparent pixels are always painted anew. Inverting the alpha
/// itself therefore means painting everything anew.
///   picture  1, 3 or 4 channels, as loaded
/// Errors: invalid_argument when the mask has another shape than the picture.
Result<Image> make_mask(const Image& picture, const std::optional<Image>& mask_picture,
                        bool invert = false);

enum class MaskCoverage {
  keeps_all,     ///< nothing would be painted
  mixed,         ///< something is kept, something painted, or both in part
  repaints_all,  ///< nothing is kept: as good as no mask
};
MaskCoverage coverage(const Image& mask);

/// Errors: invalid_argument, with advice, when the mask keeps every pixel.
Result<> check_repaints(const Image& mask);

/// The smallest box around all pixels that are not fully kept; none if all are.
std::optional<Box> repaint_box(const Image& mask);

/// The mask for latents, [h,w] rows from the top, turned round: 1 = paint anew, 0 = keep. Each
/// value is 1 - m/255 over the four pixels in the middle of its 8 x 8 (bilinear, not antialiased).
///   mask  sides that are multiples of 8
std::vector<float> latent_mask(const Image& mask);

}  // namespace invokeai::image
