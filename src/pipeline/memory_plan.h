#pragma once
// What stays in memory and what is computed piece by piece, so that a picture fits.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace invokeai::pipeline {

/// Bytes that a picture of some size takes, from the shapes of the networks.
struct MemoryNeeds {
  std::int64_t program = 0;  ///< the process without any weights
  std::int64_t text_weights = 0;
  std::int64_t decoder_weights = 0;
  std::int64_t encoder_weights = 0;            ///< 0 where no picture is encoded
  std::int64_t unet_rest = 0;                  ///< weights of the UNet outside its blocks
  std::vector<std::int64_t> blocks;            ///< weights of its blocks
  std::int64_t text = 0;                       ///< beside the weights, while it runs
  std::int64_t step_all_rows = 0;              ///< one evaluation, guidance in one batch
  std::int64_t step_one_row = 0;               ///< row by row
  std::int64_t encode = 0;
  std::int64_t decode = 0;                     ///< in one piece
  std::int64_t decode_in_bands = 0;            ///< a few rows at a time, in twice the time
};

/// From the fastest to the leanest; each does what those before it do, too.
enum class Thrift {
  keep_all,      ///< all networks stay in memory
  free_text,     ///< the text encoder leaves after encoding
  row_by_row,    ///< with and without the prompt one after the other
  free_decoder,  ///< the decoder is there only for decoding, in bands
  stream_unet,   ///< some blocks of the UNet are read from the file at each step
  stream_all,    ///< all of them
};

struct MemoryPlan {
  Thrift thrift = Thrift::free_text;
  bool row_by_row = false;           ///< rows of guidance one after the other
  bool in_bands = false;             ///< pictures decoded a few rows at a time
  std::vector<std::size_t> streamed = {}; ///< indices of MemoryNeeds::blocks
  /// Blocks that leave while a prompt is encoded or a picture decoded, so that neither takes more
  /// than the steps do. They are read again for the next step: a fifth of a second in SD 1.5.
  std::vector<std::size_t> lent_to_text = {}, lent_to_decoder = {};
  std::int64_t text_peak = 0, step_peak = 0, decode_peak = 0;  ///< bytes, the process as a whole
  bool fits = true;                  ///< within what was given

  bool operator==(const MemoryPlan&) const = default;
  std::int64_t peak() const;
  bool keeps_text() const { return thrift == Thrift::keep_all; }
  bool keeps_decoder() const { return thrift < Thrift::free_decoder; }
  /// One line for the user: what is done and what it takes.
  std::string text() const;
};

/// What a plan may choose from.
struct MemoryLimits {
  std::optional<std::int64_t> bytes;       ///< for the whole process; none: unlimited
  Thrift first = Thrift::free_text;        ///< nothing faster than this
  bool lends = false;                      ///< blocks may make room between steps
  bool same_numbers = false;               ///< only what leaves every bit of a picture as it is
};

/// The fastest plan that fits, or the leanest where none does (`fits` is false then).
MemoryPlan plan_memory(const MemoryNeeds& needs, const MemoryLimits& limits);

/// The next leaner one; nothing after the leanest.
std::optional<Thrift> leaner(Thrift thrift);

/// "1.25 GiB"
std::string memory_text(std::int64_t bytes);

}  // namespace invokeai::pipeline
