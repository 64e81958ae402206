#pragma once
// The random numbers of a batch of pictures, with variations of their starting noise.

#include <ATen/ATen.h>

#include <cstdint>
#include <vector>

#include "image/metadata.h"
#include "sampling/noise.h"

namespace invokeai::pipeline {

/// Where the numbers of one picture come from.
struct PictureSeed {
  std::uint32_t base = 0;
  std::vector<image::Variation> variations;  ///< mixed into the starting noise in this order

  /// The seed whose stream goes on after the start: 2.3.0 records it as the picture's own.
  std::uint32_t own() const { return variations.empty() ? base : variations.back().seed; }
};

/// Rows of every draw belong to one picture each and never depend on the others.
class PictureNoise {
 public:
  /// perlin: 0..1, the share of Perlin noise in `starting`.
  PictureNoise(const std::vector<PictureSeed>& seeds, double perlin);

  /// Noise to start a pass from: every seed of a picture gives its tensor, mixed spherically. Equal
  /// seeds and places in the order of draws give equal tensors, so that a small variation stays
  /// small in every mode.  shape: of one picture, {4,h,w}  ->  [B,4,h,w] f32 on the device.
  at::Tensor starting(at::IntArrayRef shape, at::Device device);
  /// Unit normal numbers of each picture's base seed; the other streams move along.
  at::Tensor plain(at::IntArrayRef shape, at::Device device);
  /// Fresh noise for the steps of a sampler, from each picture's own stream alone (as 2.3.0). Refers
  /// to this object.
  sampling::NoiseSource steps();

 private:
  struct Picture {
    std::vector<sampling::NoiseStream> streams;  // base, then one a variation; the last is its own
    std::vector<double> weights;                 // of streams 1, 2, ...
  };
  std::vector<Picture> pictures_;
  double perlin_;
};

}  // namespace invokeai::pipeline
