#pragma once
// What a picture tells about its making: the two PNG texts of InvokeAI 2.3.0 (cli spec 5).

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/settings.h"
#include "image/png.h"

namespace invokeai::image {

inline constexpr double kDefaultStrength = 0.75;
inline constexpr std::string_view kDreamKeyword = "Dream";
inline constexpr std::string_view kMetadataKeyword = "sd-metadata";

/// One member of a variation: noise of `seed`, mixed in by `weight` (0..1).
struct Variation {
  std::uint32_t seed = 0;
  double weight = 0;
};

struct Upscale {
  double scale = 2;                ///< 2 or 4
  std::optional<double> strength;  ///< 0..1
};

/// Pixels added at one side; without a number the program chose.
struct Outcrop {
  std::string direction;  ///< top, bottom, left, right
  std::optional<int> pixels;
};

/// One step after generation, as `!fix` records it.
struct Postprocessing {
  std::string tool;
  std::string dream_command;
};

/// How one picture was made. Values as used, not as typed: `width` after rounding, `seed` of this
/// very picture (with variations: of their base).
struct ImageMetadata {
  std::string prompt;  ///< in the invoke dialect its negative part may stand in [...]
  /// More that the picture should not show. Stored in brackets behind the prompt where these mean
  /// that, else apart.
  std::string negative_prompt;
  std::string prompt_dialect = "invoke";  ///< or a1111: the syntax of both prompts
  std::uint32_t seed = 0;
  std::vector<Variation> variations;
  int steps = 50;
  int width = 512;   ///< pixels
  int height = 512;  ///< pixels
  double cfg_scale = 7.5;
  double threshold = 0;
  double perlin = 0;
  std::string sampler = "k_lms";
  std::optional<int> karras_max;
  bool seamless = false;
  bool hires_fix = false;

  std::string init_image;  ///< path; empty = made from noise
  std::string orig_hash;   ///< SHA-256 of that file, lower-case hex
  std::string init_mask;   ///< path or empty
  std::string init_color;  ///< path or empty
  bool fit = false;
  double strength = kDefaultStrength;  ///< on the init image; of the second pass with hires_fix
  double inpaint_replace = 0;
  std::vector<std::string> text_mask;  ///< description, then perhaps a threshold

  std::string facetool = "gfpgan";  ///< or codeformer
  double facetool_strength = 0;     ///< 0 = unused
  double codeformer_fidelity = 0.75;
  std::optional<Upscale> upscale;
  std::vector<double> embiggen;  ///< scale, strength, overlap; empty = unused
  std::vector<int> embiggen_tiles;
  std::optional<double> embiggen_strength;
  std::vector<Outcrop> outcrop;
  std::optional<Outcrop> out_direction;
  std::vector<Postprocessing> postprocessing;

  /// What else the picture depends on and 2.3.0 did not have or did not store: values other than
  /// the defaults, of the settings in kept_besides().
  SettingValues more;
};

/// Wire names of the settings that are stored under keys and switches of their own, beside those of
/// 2.3.0.
std::span<const std::string_view> kept_besides();

/// What made the picture.
struct AppMetadata {
  std::string app_id = "invoke-ai/InvokeAI";
  std::string app_version = "2.3.0";
  std::optional<std::string> model_id;    ///< name of the active model
  std::optional<std::string> model_hash;  ///< SHA-256, lower-case hex; other tools: its start
};

/// Part of a prompt with its share.
struct WeightedText {
  std::string text;
  double weight = 1.0;
};

/// The legacy blend `text:weight text:weight` taken apart, weights divided by their sum (equal when
/// the sum is 0) unless they are not to be `normalised`. Only a colon before a number counts, and none inside [...], (...) or "..." (the
/// mended cli spec 4.6). Anything else, the empty prompt too, is one part of weight 1.
std::vector<WeightedText> weighted_parts(std::string_view prompt, bool normalised = true);

/// The command line that makes the picture again (cli spec 5.1). The prompt is quoted when the
/// command line would otherwise read it differently; line breaks in it become blanks.
std::string dream_command(const ImageMetadata& picture);

/// The same for a grid: the first picture's command, `--grid`, and all seeds as a comment.
std::string grid_dream_command(std::span<const ImageMetadata> pictures);

/// "!fix <path> <switches>": how a finished picture was worked on. The picture itself is not named a
/// second time as the one to start from.
std::string fix_command(const std::string& path, const ImageMetadata& picture);

/// "!mask <path> -tm <words> <threshold>": how a mask was made.
std::string mask_command(const std::string& path, const std::string& words, double threshold);

/// The JSON text of `sd-metadata` (cli spec 5.2), with `seamless`, `hires_fix`, `fit` and
/// `init_img`, which the original forgot to store; `negative_prompt` when it stands apart,
/// `prompt_dialect` when it is not "invoke", `init_color`, `text_mask` and the settings of `more`
/// are keys of our own, there only when they were used.
std::string sd_metadata_json(const ImageMetadata& picture, const AppMetadata& app);

/// The same for a grid: `images` in place of `image`.
std::string grid_metadata_json(std::span<const ImageMetadata> pictures, const AppMetadata& app);

/// Both texts, ready for encode_png.
TextChunks metadata_chunks(const ImageMetadata& picture, const AppMetadata& app);
TextChunks grid_metadata_chunks(std::span<const ImageMetadata> pictures, const AppMetadata& app);

/// Both texts of a picture that `!fix` made: the command of `step`, and the `sd-metadata` of the
/// picture worked on with `step` as the last of its `postprocessing` (cli spec 3.2, 5.3).
///   source  that `sd-metadata`; when it describes no single picture, `drawn` is described afresh
TextChunks fixed_metadata_chunks(std::string_view source, ImageMetadata drawn,
                                 const AppMetadata& app, const Postprocessing& step);

}  // namespace invokeai::image
