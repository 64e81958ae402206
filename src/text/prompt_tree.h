#pragma once
// What a prompt means: weighted pieces of text, swaps, blends and conjunctions, with every number
// spelled out. Both dialects parse to these types; see cli-and-prompts spec section 4.

#include <cstddef>
#include <string>
#include <variant>
#include <vector>

namespace invokeai::text {

enum class PromptDialect { invoke, a1111 };

/// Something the reader of a prompt should be told, e.g. that a bracket was kept as text.
struct Note {
  std::size_t column = 1;  ///< 1-based, in characters of the prompt as typed; 0: the whole prompt
  std::string message;     ///< one line
  bool operator==(const Note&) const = default;
};

/// When a fragment is part of the prompt (a1111 `[a:b:0.4]` and `[a|b]`).
struct Visibility {
  enum class Kind { until, from, turn };
  Kind kind = Kind::until;
  double when = 0;  ///< until, from: below 1 a share of all steps, otherwise a number of steps
  int turn = 0;     ///< turn: shown in the steps with step % turns == turn
  int turns = 1;

  /// Whether the fragment is seen in `step` (from 0) of `steps`.
  bool shown(int step, int steps) const;
  bool operator==(const Visibility&) const = default;
};

/// A run of text with one weight.
struct Fragment {
  std::string text;         ///< without the backslashes of `\(`, `\)` and `\"`
  double weight = 1;        ///< finite, zero or more in the invoke dialect
  std::string source = {};  ///< the words as typed, escapes kept, one blank between; for printing
  std::vector<Visibility> visibility = {};  ///< all must hold; empty: always shown

  bool shown(int step, int steps) const;
  bool operator==(const Fragment& other) const {
    return text == other.text && weight == other.weight && visibility == other.visibility;
  }
};

/// Shares of the run during which attention maps of the original are kept (spec 4.5, 4.8).
struct SwapOptions {
  double s_start = 0.0;
  double s_end = 0.2062994740159002;  ///< 1 - cbrt(shape_freedom), for shape_freedom 0.5
  double t_start = 0.1;
  double t_end = 1.0;
  bool operator==(const SwapOptions&) const = default;
};

/// `original.swap(edited, options)`; neither side is empty, an empty one holds an empty fragment.
struct Swap {
  std::vector<Fragment> original;
  std::vector<Fragment> edited;
  SwapOptions options;
  bool operator==(const Swap&) const = default;
};

/// a1111 `BREAK`: what follows begins a new block of 75 tokens.
struct Break {
  bool operator==(const Break&) const = default;
};

using Piece = std::variant<Fragment, Swap, Break>;

/// One text for the encoder.
struct Prompt {
  std::vector<Piece> pieces;
  bool has_swap() const;
  bool operator==(const Prompt&) const = default;
};

/// Weighted sum of encoded prompts; a plain prompt is a blend of one.
struct Blend {
  enum class Syntax { plain, blend, legacy };
  std::vector<Prompt> parts;
  std::vector<double> weights;  ///< as written, one for each part
  bool normalize = true;
  Syntax syntax = Syntax::plain;

  /// The factors to use: `weights`, divided by their sum if `normalize`.
  std::vector<double> factors() const;
  bool operator==(const Blend&) const = default;
};

/// Prompts that are denoised side by side, their guidance added with these weights.
struct Conjunction {
  std::vector<Blend> members;  ///< at least one
  std::vector<double> weights;
  bool operator==(const Conjunction&) const = default;
};

/// a1111 `<lora:name:weight>`.
struct LoraRequest {
  std::string name;
  double weight = 1;
  bool operator==(const LoraRequest&) const = default;
};

struct ParsedPrompt {
  Conjunction positive;
  Prompt negative;
  std::vector<LoraRequest> loras;
  std::vector<Note> notes;

  /// Same meaning; notes are not compared.
  bool operator==(const ParsedPrompt& other) const {
    return positive == other.positive && negative == other.negative && loras == other.loras;
  }
};

enum class SwapSide { original, edited };

/// A fragment as one step shows it, and where in the prompt it stands.
struct PlacedFragment {
  Fragment fragment;
  std::size_t piece = 0;  ///< index in Prompt::pieces
  std::size_t block = 0;  ///< number of breaks before it
  bool swapped = false;   ///< one side of a swap
};

/// The weighted texts to encode in `step` of `steps`, swaps replaced by one of their sides.
std::vector<PlacedFragment> placed_fragments(const Prompt& prompt,
                                             SwapSide side = SwapSide::original, int step = 0,
                                             int steps = 1);

/// The same without their places.
std::vector<Fragment> fragments(const Prompt& prompt, SwapSide side = SwapSide::original,
                                int step = 0, int steps = 1);

/// Steps (from 1, rising, below `steps`) at which `fragments` gives something new.
std::vector<int> changes(const Prompt& prompt, int steps);

/// Text for the tokenizer: also drops the backslash before `+ - . , = :`, which the tree keeps
/// because the original did.
std::string tokenizer_text(const Fragment& fragment);

}  // namespace invokeai::text
