#pragma once
// How well a model of the demo kind follows its captions.

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "demo_model/judge.h"
#include "pipeline/stable_diffusion.h"

namespace invokeai::demo {

/// How pictures are drawn, and which captions are measured.
struct Trial {
  drawer::Vocabulary vocabulary = drawer::Vocabulary::full;
  int steps = 20;
  double cfg = 7.5;
  std::string sampler = "k_euler_a";
  /// Of the pictures; without it the model's own, of the drawer's 256x256.
  std::optional<drawer::Extent> extent = {};
  std::optional<drawer::Rendering> style = {};  ///< the manner that a fine-tune draws everything in
  bool kinds = false;                           ///< also count the shapes by kind of thing
};

/// Right answers to one question.
struct Tally {
  std::string question;
  int right = 0;
  int asked = 0;

  void add(bool is_right) { right += is_right, ++asked; }
  double percent() const { return asked == 0 ? 0 : 100.0 * right / asked; }
};

struct Measurement {
  std::vector<Tally> tallies;
  std::vector<image::Image> pictures;  ///< all that were drawn
};

/// Held-out scenes of one object: background colour, object colour, shape, place, size; and the
/// manner, if a style is expected; and the shapes by kind, if wanted.
Result<Measurement> measure_captions(pipeline::Engine& engine, const Judge& judge,
                                     const Trial& trial, int count);
/// The same scenes repainted: the drawer's picture of another thing in another colour at the same
/// place, a box around it masked, the caption says the scene. The ground is then right by itself
/// unless the repainting spoils it.
Result<Measurement> measure_repainting(pipeline::Engine& engine, const Judge& judge,
                                       const Trial& trial, int count);
/// Held-out pairs, one of them repainted likewise; the caption tells of that one alone, and colours
/// are matched to those around, as is usual: whether the two stand as they should.
Result<Measurement> measure_repainting_pairs(pipeline::Engine& engine, const Trial& trial,
                                             int count);
/// Held-out scenes of several objects: whether they are grouped so, by kind of grouping and in all.
Result<Measurement> measure_groups(pipeline::Engine& engine, const Trial& trial, int count);
/// Random scenes: rendering and backdrop of all, the pattern of single objects on a plain backdrop.
Result<Measurement> measure_manners(pipeline::Engine& engine, const Judge& judge,
                                    const Trial& trial, int count);
/// Captions that leave the object's colour open, drawn twice from the same noise: how often the
/// colour of the first picture is gone when the second time the prompt asks for its absence.
Result<Measurement> measure_negatives(pipeline::Engine& engine, const Trial& trial, int count);

/// The same questions asked of the drawer's own pictures, in the style if one is expected: what the
/// eyes are worth.
Measurement measure_drawn(const Judge& judge, const Trial& trial, int count);

/// The autoencoder alone: held-out scenes painted, encoded and decoded again, which is the best the
/// whole model can reach. `decibels`: mean of the peak signal-to-noise ratios.
Result<Measurement> measure_round_trip(const std::string& model, const Judge& judge,
                                       const Trial& trial, int count, double& decibels);

}  // namespace invokeai::demo
