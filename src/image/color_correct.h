#pragma once
// Making what was painted fit what was kept: colours, and the way back into the picture.

#include "image/image.h"

namespace invokeai::image {

/// The generated picture with the mean and the spread of each colour that the original has, both
/// measured where something is kept (alpha and mask above 0), applied to the whole picture:
/// (g - mean_g) / spread_g * spread_o + mean_o, rounded, clipped to 0..255. Nothing kept:
/// unchanged. Differences from 2.3.0 (generation spec, 8.5): it truncates, which darkens by half a
/// level; its product of alpha and mask wraps at 256; and where a colour has no spread (below 1
/// level in either picture) it divides by zero or flattens the painted area, while here only the
/// mean is moved.
///   generated  RGB
///   original   RGB or RGBA of the same size
///   mask       grey, same size, 255 = kept
/// Returns RGB.
Image match_mean_and_spread(const Image& generated, const Image& original, const Image& mask);

/// How much of the original is laid over the generated picture, 0..255: the mask shrunk by half the
/// blur radius (whole pixels) and box-blurred, times the original's alpha. So 255 at least
/// 3/2 blur_radius inside the kept area, and 0 where the original is transparent.
///   mask         grey, 255 = kept, size of the original
///   blur_radius  pixels, at least 0; 0: the mask itself
Image paste_mask(const Image& mask, const Image& original, int blur_radius);

/// The end of inpainting: colours matched, then the original laid over the result under
/// paste_mask(). Where that is 255 the original's pixels come back unchanged.
/// Arguments as above; returns RGB.
Image paste_kept(const Image& generated, const Image& original, const Image& mask, int blur_radius);

/// The picture with the colours of another one, for `init_color`: in CIE-LAB of 8 bits (D65, L
/// times 255/100, a and b plus 128) each channel's histogram is mapped on the reference's, between
/// whose quantiles values are interpolated. Source: generation spec, 7.3 (there OpenCV's integer
/// LAB; ours is computed in double and differs by 1 or 2 levels).
///   picture, reference  RGB or RGBA of any sizes; alpha is dropped, and not looked at
/// Returns RGB of the size of `picture`.
Image match_colors(const Image& picture, const Image& reference);

}  // namespace invokeai::image
