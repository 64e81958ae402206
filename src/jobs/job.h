#pragma once
// One command of a user, as every door hands it to the worker.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/file.h"
#include "base/result.h"
#include "base/settings.h"
#include "gallery/names.h"
#include "pipeline/engine.h"

namespace invokeai::jobs {

/// How finished pictures are stored.
struct OutputOptions {
  fs::path folder;
  std::string name_format{gallery::kDefaultNameFormat};
  gallery::NameValues name_values;  ///< what `name_format` may use; the worker adds size and seed
  int png_compression = 6;          ///< 0..9
  int intermediates = 0;            ///< store every n-th step in intermediates/; 0 = none
  bool grid = false;                ///< one file with all pictures in place of single ones
};

/// What one picture of a job is drawn from.
struct PicturePrompt {
  std::string prompt;
  std::string negative_prompt;
  std::uint32_t seed = 0;
};

/// Where the pictures of a request came from, as its metadata tells.
struct Sources {
  std::string init_image;  ///< path, empty: none
  std::string orig_hash;   ///< SHA-256 of that file, lower-case hex
  std::string init_mask;   ///< path, empty: none
  std::string init_color;  ///< path, empty: none
};

/// A finished picture that is worked on (`!fix`, cli spec 3.2).
struct Fix {
  fs::path picture;
  std::string tool;         ///< outcrop, outpaint or embiggen
  std::string sd_metadata;  ///< the picture's own, empty when it has none
  std::optional<image::ImageMetadata> drawn;  ///< how it was drawn, as far as it tells
};

struct Job {
  pipeline::GenerationRequest request;
  /// One for each picture when their prompts differ (dynamic prompts), in place of the request's
  /// own prompts and seed; they are drawn one at a time. Empty: all are drawn from the request.
  std::vector<PicturePrompt> pictures;
  Sources sources;
  std::optional<Fix> fix;  ///< the request works on this picture; there is one result
  OutputOptions output;
};

/// Fills in a job from settings (values of the session, those of the command on top of them).
/// Relative output folders lie below `root`. Pictures are loaded from the path as typed, else from
/// the output folder. Errors: invalid_argument (also from pipeline::validate), and those of
/// image::load_image, naming the file; a negative seed must have been replaced by the one it recalls.
/// `canvas`: only this part of the starting picture is painted.
Result<Job> make_job(const std::string& prompt, const SettingValues& values, const fs::path& root,
                     const std::optional<pipeline::CanvasBox>& canvas = std::nullopt);

/// Sets what the preset stands for (presets.h), then what the model recommends, where the user gave
/// nothing. One line about what was set, to be told
/// once; empty when nothing was.
std::string take_recommended(SettingValues& values, const SettingValues& recommended);

/// The file as typed, or else in the output folder (cli spec 2.5). Errors: not_found.
Result<fs::path> find_picture(std::string_view typed, const fs::path& output);

/// Where the pictures of these settings go, before any sub-folder for the prompt.
fs::path output_folder(const SettingValues& values, const fs::path& root);

/// Makes the folder if need be and checks that files can be made in it, so that no picture is drawn
/// for a place that cannot take it. Errors: io, disk_full, each with the system's reason.
Result<> check_output_folder(const fs::path& folder);

}  // namespace invokeai::jobs
