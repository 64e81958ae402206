#include "cli/token_log.h"

#include "base/file.h"
#include "base/utf8.h"
#include "cli/console.h"
#include "image/python_text.h"
#include "text/prompt_print.h"

namespace invokeai::cli {
namespace {

using text::Blend;
using text::Prompt;
using text::SwapSide;

constexpr int kColours = 6;  // red to cyan, ANSI 31..36

class TokenLog {
 public:
  TokenLog(const text::ClipTokenizer& tokenizer, const TokenLogOptions& options)
      : tokenizer_(tokenizer), options_(options) {}

  std::vector<std::string> take() { return std::move(lines_); }

  void add(std::string line) { lines_.push_back("[TOKENLOG] " + std::move(line)); }

  /// `label` is what stands in the parentheses of the heading.
  void add_prompt(const Prompt& prompt, const std::string& label) {
    if (prompt.has_swap()) {
      add_texts(prompt, SwapSide::original, ".swap originals");
      add_texts(prompt, SwapSide::edited, ".swap replacements");
    } else {
      add_texts(prompt, SwapSide::original, label);
    }
  }

  void add_member(const Blend& blend, const std::string& label) {
    if (blend.syntax == Blend::Syntax::plain) return add_prompt(blend.parts.front(), label);
    const bool shares = blend.syntax == Blend::Syntax::legacy;
    const std::vector<double> weights = shares ? blend.factors() : blend.weights;
    for (std::size_t i = 0; i < blend.parts.size(); ++i)
      add_prompt(blend.parts[i],
                 fmt::format("blend part {}, weight={}", i + 1, image::python_float(weights[i])));
  }

 private:
  /// The ids of a prompt, one list for each block that BREAK makes.
  std::vector<std::vector<int>> blocks(const Prompt& prompt, SwapSide side) const {
    std::vector<std::vector<int>> blocks(1);
    const auto append = [&](const text::Fragment& fragment) {
      const auto ids = tokenizer_.encode(text::tokenizer_text(fragment));
      blocks.back().insert(blocks.back().end(), ids.begin(), ids.end());
    };
    for (const text::Piece& piece : prompt.pieces) {
      if (const auto* fragment = std::get_if<text::Fragment>(&piece)) {
        append(*fragment);
      } else if (const auto* swap = std::get_if<text::Swap>(&piece)) {
        for (const auto& each : side == SwapSide::original ? swap->original : swap->edited)
          append(each);
      } else {
        blocks.emplace_back();
      }
    }
    return blocks;
  }

  void add_texts(const Prompt& prompt, SwapSide side, const std::string& label) {
    const auto all = blocks(prompt, side);
    for (std::size_t i = 0; i < all.size(); ++i)
      add_tokens(all[i], i == 0 ? label : fmt::format("{}, block {}", label, i + 1));
  }

  void add_tokens(const std::vector<int>& ids, const std::string& label) {
    const auto room = static_cast<std::size_t>(tokenizer_.max_length() - 2);
    const auto edge = ids.begin() + static_cast<std::ptrdiff_t>(std::min(room, ids.size()));
    add(fmt::format("Tokens ({}) ({}):", label, edge - ids.begin()));
    if (edge != ids.begin()) lines_.push_back(marked({ids.begin(), edge}));
    if (edge == ids.end()) return;
    add(fmt::format("Tokens {} ({}):", options_.continued ? "Continued" : "Discarded",
                    ids.end() - edge));
    lines_.push_back(marked({edge, ids.end()}));
  }

  /// A blank stands for the end of a word; bytes that are no whole character show as their symbols.
  std::string text_of(int id) const {
    std::string symbols = tokenizer_.token_text(id);
    const bool ends_word = symbols.ends_with("</w>");
    if (ends_word) symbols.resize(symbols.size() - 4);
    const std::string text = tokenizer_.decode({id});
    return printable(check_utf8(text) ? text : symbols) + (ends_word ? " " : "");
  }

  std::string marked(const std::vector<int>& ids) const {
    const bool colours = options_.marks == TokenMarks::colours;
    std::string line;
    for (std::size_t i = 0; i < ids.size(); ++i)
      line += colours ? fmt::format("\x1b[0;3{};40m{}", i % kColours + 1, text_of(ids[i]))
                      : text_of(ids[i]) + "|";
    return colours ? line + "\x1b[0m" : line;
  }

  const text::ClipTokenizer& tokenizer_;
  TokenLogOptions options_;
  std::vector<std::string> lines_;
};

}  // namespace

bool prompts_are_continued(const SettingValues& values) {
  return values.text("long_prompts") == "continue" || values.text("prompt_dialect") == "a1111";
}

std::vector<std::string> token_log(const text::ParsedPrompt& parsed,
                                   const text::ClipTokenizer& tokenizer,
                                   const TokenLogOptions& options) {
  TokenLog log(tokenizer, options);
  const text::Conjunction& positive = parsed.positive;
  const bool several = positive.members.size() > 1;
  log.add("Parsed Prompt: " +
          printable(several ? describe(positive) : describe(positive.members.front())));
  log.add("Parsed Negative Prompt: " + printable(describe(parsed.negative)));
  for (std::size_t i = 0; i < positive.members.size(); ++i)
    log.add_member(positive.members[i], several
                                            ? fmt::format("prompt {}, weight={}", i + 1,
                                                          image::python_float(positive.weights[i]))
                                            : "prompt");
  log.add_prompt(parsed.negative, "unconditioning");
  return log.take();
}

Result<text::ClipTokenizer> tokenizer_of(const pipeline::ModelInfo& model) {
  std::error_code ignored;
  if (const fs::path own = fs::path(model.path) / "tokenizer"; fs::is_directory(own, ignored))
    return text::ClipTokenizer::from_folder(own);
  return text::ClipTokenizer::builtin(model.kind.starts_with("sd2") ? text::ClipFamily::sd2
                                                                    : text::ClipFamily::sd1);
}

}  // namespace invokeai::cli
