#include <cmath>

#include "image/compose.h"
#include "image/convert.h"
#include "image/resize.h"
#include "image/tiles.h"
#include "pipeline/internal/picture_pass.h"
#include "pipeline/internal/ways.h"

namespace invokeai::pipeline {
namespace {

/// The starting picture at its final size, RGB.
Result<image::Image> enlarged(const InitImage& init, double scale) {
  const Size size = init_size({static_cast<int>(std::lround(init.picture.width * scale)),
                               static_cast<int>(std::lround(init.picture.height * scale))},
                              false, {});
  if (size.width > kLargestSide || size.height > kLargestSide)
    return fail(ErrorCode::invalid_argument, "embiggen",
                "{} times the picture is {} x {} pixels, at most {} a side are drawn; take a "
                "smaller scale",
                scale, size.width, size.height, kLargestSide);
  return image::with_channels(
      image::resize(init.picture, size.width, size.height, image::ResizeFilter::lanczos), 3);
}

Result<image::TileLayout> lay_out(const Batch& batch, const image::Image& picture) {
  const Size tile = batch.order().size;
  TRY_ASSIGN(image::TileLayout layout,
             image::make_tile_layout(picture.width, picture.height, tile.width, tile.height,
                                     batch.request().embiggen->overlap));
  if (layout.count() == 1)
    return fail(ErrorCode::invalid_argument, "embiggen",
                "{} x {} pixels fit into one tile of {} x {}; take a larger scale, or smaller tiles "
                "with -W and -H",
                picture.width, picture.height, tile.width, tile.height);
  return layout;
}

}  // namespace

Result<Outcome> draw_tiles(Batch& batch) {
  const EmbiggenOptions& options = *batch.request().embiggen;
  TRY_ASSIGN(const image::Image background, enlarged(*batch.request().init, options.scale));
  TRY_ASSIGN(const image::TileLayout layout, lay_out(batch, background));
  TRY_ASSIGN(const std::vector<int> tiles,
             image::parse_tile_numbers({options.tiles.begin(), options.tiles.end()}, layout));
  if (options.scale > 1)
    batch.order().tell("embiggen enlarges the picture with a Lanczos filter, without an upscaler");
  TRY_ASSIGN(Pass pass, batch.pass(options.strength));
  batch.expect(pass.plan.evaluations() * static_cast<int>(tiles.size()));

  std::vector<std::vector<image::PaintedTile>> painted(static_cast<std::size_t>(batch.count()));
  for (const int tile : tiles) {
    batch.move_seeds(tile);
    const image::Image start = image::crop(background, layout.box(tile));
    batch.skip_text_to_image();
    TRY_VOID(start_from_pictures(batch, {.pictures = {&start, 1}}, pass));
    const auto latents = batch.denoise(pass);
    if (!latents) return Outcome::cancelled;
    for (int i = 0; i < batch.count(); ++i) {
      TRY_ASSIGN(image::Image picture, batch.decode(*latents, i));
      painted[static_cast<std::size_t>(i)].push_back({tile, std::move(picture)});
    }
  }
  batch.share_time();
  for (int i = 0; i < batch.count(); ++i) {
    TRY_ASSIGN(const Outcome outcome,
               batch.deliver(i, image::assembled(layout, background,
                                                 painted[static_cast<std::size_t>(i)])));
    if (outcome == Outcome::cancelled) return outcome;
  }
  return Outcome::completed;
}

}  // namespace invokeai::pipeline
