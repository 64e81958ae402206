#pragma once
// The front of the engine: what the doors ask for and what they get. No libtorch here.

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/cancel.h"
#include "base/result.h"
#include "base/settings.h"
#include "image/image.h"
#include "image/metadata.h"
#include "pipeline/modes.h"
#include "pipeline/recommended.h"

namespace invokeai::pipeline {

/// One request, as every door fills it in. Defaults are those of InvokeAI 2.3.0 (cli spec 2.3);
/// allowed ranges stand in base/settings (the one settings table).
struct GenerationRequest {
  std::string prompt;                    ///< prompt language of 2.3.0; `[...]` holds negative parts
  std::string negative_prompt;           ///< joined to the negative parts of `prompt`
  std::string prompt_dialect = "invoke";  ///< how to read both: invoke or a1111
  std::string long_prompts = "truncate";  ///< beyond 75 tokens: truncate, or continue in further
                                          ///< windows (which a1111 always does)
  bool skip_normalize = false;           ///< weights of `text:weight text:weight` as typed, not
                                         ///< divided by their sum
  int steps = 50;                        ///< length of the noise schedule, 1..999
  double cfg_scale = 7.5;                ///< guidance g in e_u + g*(e_c - e_u), >= 1; 1 = no guidance
  std::optional<std::uint32_t> seed;     ///< of the first picture; none = random
  int iterations = 1;                    ///< pictures, seeds chained as in generation spec 1.1
  int first_picture = 0;                 ///< begin the chain at this one, 0..iterations; the rest exists
  int batch_size = 1;                    ///< pictures denoised together; never changes the result
  int width = 0;                         ///< pixels, multiple of 8; 0 = the model's own size
  int height = 0;                        ///< pixels, multiple of 8; 0 = the model's own size
  std::string sampler = "k_lms";         ///< name from sampling spec 2.4
  bool karras = false;                   ///< Karras noise levels instead of the model's own
  double eta = 0.0;                      ///< DDIM only: 0 deterministic .. 1 ancestral
  double threshold = 0.0;                ///< limit for latents, see pipeline/latent_rules.h; 0 = off
  double h_symmetry_time_pct = 0.0;      ///< mirror left to right at this share of the run; 0 = off
  double v_symmetry_time_pct = 0.0;      ///< mirror top to bottom at this share of the run; 0 = off
  bool capture_attention = false;        ///< fill GeneratedImage::attention
  double perlin = 0.0;                   ///< 0..1, share of Perlin noise in the starting noise
  int cache_steps = 1;                   ///< of so many evaluations in a row only the first computes
                                         ///< the whole network; 1 = all do
  int preview_every = 0;                 ///< preview each n steps; 0 = none
  bool full_previews = false;            ///< decoded previews of full size, one at the end too

  /// Noise of `seed` is pulled towards that of each of these in turn (generation spec 1.5).
  std::vector<image::Variation> variations;
  double variation_amount = 0;           ///< 0..1: each picture is pulled towards one more, random
  std::optional<InitImage> init;         ///< none: from noise alone
  std::optional<image::Image> init_color;  ///< give finished pictures the colours of this one
  InpaintOptions inpaint;                ///< needs `init` with a mask or transparent parts
  OutpaintOptions outpaint;              ///< needs `init`
  std::optional<CanvasBox> canvas;       ///< needs `init`, and fixes the size
  std::optional<HiresOptions> hires;
  std::optional<EmbiggenOptions> embiggen;  ///< needs `init`
  Seamless seamless;
};

/// Which model to load and how to run it.
struct EngineOptions {
  std::string model_path;           ///< diffusers folder or single file
  std::string device = "auto";      ///< auto, cpu, cuda, cuda:N, mps
  std::string precision = "auto";   ///< auto, float32, float16, bfloat16, autocast (as float16), int8
  std::string model_kind = "auto";  ///< override: auto, sd1, sd1-inpainting, sd2-base, sd2-v, ...
  int threads = 0;                  ///< CPU threads; 0 = all cores this process may use
  double max_memory = 0;            ///< GiB the process may take, on a GPU of its memory; 0 = what is free
  bool deterministic = false;       ///< the same bytes on any number of threads, for a little time
  bool verbose = false;             ///< tell how memory is used, one line a request
  std::string clipseg_path = {};    ///< folder with the network that finds words in pictures
  int max_loaded_models = 2;        ///< kept by whoever loads engines, this one included
  std::int64_t others = 0;  ///< bytes of the weights of other models that this process keeps
};

/// What was loaded, for messages and metadata.
struct ModelInfo {
  std::string name;             ///< last part of the path
  std::string path;
  std::string kind;             ///< e.g. "sd1", "sd1-inpainting", "sd2-base", "sd2-v"
  std::string prediction;       ///< "epsilon", "v_prediction" or "sample"
  int native_width = 512;       ///< pixels
  int native_height = 512;      ///< pixels
  std::string hash;             ///< lower-case hex SHA-256 as 2.3.0 stores it; empty until asked for
  std::string device;           ///< e.g. "cpu"
  std::string precision;        ///< e.g. "bfloat16", "int8"
  std::string device_reason;    ///< one line: why this device and precision
  double load_seconds = 0;
  SettingValues recommended;    ///< what to draw with where the user says nothing (recommended.h)
};

/// State after one sampler step.
struct StepProgress {
  int picture = 0;         ///< index of the picture within the request
  int pictures = 1;
  int step = 0;            ///< evaluations of the network so far, 1-based
  int steps = 0;           ///< true total for this picture, e.g. 2N-1 for k_heun
  double timestep = 0;     ///< 0..999, may be fractional
  std::optional<image::Image> preview;  ///< RGB, an eighth of the size or full, when asked for
};

/// Where the network looked for one token of the prompt.
struct AttentionMap {
  std::string token;   ///< its text
  image::Image heat;   ///< grey, an eighth of the picture's size, 255 where the attention is largest
};

/// One finished picture.
struct GeneratedImage {
  image::Image picture;  ///< RGB
  int index = 0;         ///< within the request, from 0
  std::uint32_t seed = 0;  ///< its own; with variations that of the last one
  double seconds = 0;
  int width = 0;   ///< as made (after defaults were filled in)
  int height = 0;
  std::uint32_t base_seed = 0;                ///< of the noise before variations
  std::vector<image::Variation> variations = {};  ///< all that were mixed in, a random one last
  std::vector<AttentionMap> attention = {};  ///< in the prompt's order, when asked for
};

struct GenerationCallbacks {
  std::function<void(const StepProgress&)> on_step;         ///< may be empty
  std::function<Result<>(GeneratedImage&&)> on_image;       ///< an error stops the request
  std::function<void(const std::string&)> on_message;       ///< warnings for the user, one line each
};

/// How a request ended without an error. Pictures finished before a cancel were delivered.
enum class Outcome { completed, cancelled };

/// A loaded model, ready to draw. Not thread-safe: one request at a time.
class Engine {
 public:
  virtual ~Engine() = default;
  virtual const ModelInfo& model() const = 0;
  /// Draws `request.iterations` pictures (less those before `first_picture`), each handed to `on_image` as soon as it is finished.
  /// The token is looked at before every network evaluation.
  virtual Result<Outcome> generate(const GenerationRequest& request,
                                   const GenerationCallbacks& callbacks,
                                   const CancelToken& cancel) = 0;
  /// Where a picture shows what the words say: grey, 255 where it surely does, in the square of
  /// image/word_mask.h. Errors: not_found (no such network), and those of loading it; unsupported by
  /// an engine that does not override this.
  virtual Result<image::Image> find_words(const image::Image& picture, const std::string& words);

  /// Bytes of the weights that stay in memory between requests, about.
  virtual std::int64_t weight_bytes() const { return 0; }
  /// From now on other models of this process keep so many bytes; at first EngineOptions::others.
  virtual void share_memory_with(std::int64_t others) { (void)others; }
};

/// Checks what can be checked without a model: ranges, sizes, UTF-8. Errors: invalid_argument.
Result<> validate(const GenerationRequest& request);

/// Sampler names in the order they are listed to users, 2.3.0's first.
const std::vector<std::string>& sampler_names();

/// Paints a picture that depends on prompt, seed and size only; for tests of everything around the
/// engine. Each step takes `step_time`.
std::unique_ptr<Engine> make_fake_engine(const EngineOptions& options,
                                         std::chrono::milliseconds step_time = {});

/// Loads libtorch and the engine behind it on first use: the plug-in library ../lib/ beside the
/// program. The environment variable INVOKEAI_ENGINE names another library, or "fake" / "fake-slow"
/// (10 ms a step) for the fake engine.
/// Errors: not_found (engine library), and everything loading a model can meet.
Result<std::unique_ptr<Engine>> load_engine(const EngineOptions& options);

/// What the plug-in library exports, as `extern "C" void invokeai_create_engine(...)`: loads a model
/// and puts the engine, or the reason why there is none, into `result`. Throws nothing.
using CreateEngine = void(const EngineOptions& options, Result<std::unique_ptr<Engine>>& result);
inline constexpr const char* kCreateEngineSymbol = "invokeai_create_engine";

}  // namespace invokeai::pipeline
