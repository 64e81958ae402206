#pragma once
// `--log_tokenization`: what the parser and the tokenizer make of a prompt (cli spec 4.10).

#include <string>
#include <vector>

#include "base/settings.h"
#include "pipeline/engine.h"
#include "text/clip_tokenizer.h"
#include "text/prompt_tree.h"

namespace invokeai::cli {

/// How the ends of tokens are made visible: colours that change from token to token, as 2.3.0 has
/// it, or a bar behind each where colours would be noise.
enum class TokenMarks { colours, bars };

struct TokenLogOptions {
  TokenMarks marks = TokenMarks::bars;
  bool continued = false;  ///< what does not fit is read in further windows, not lost
};

/// Whether prompts go on in further windows: on request, in the a1111 dialect always.
bool prompts_are_continued(const SettingValues& values);

/// The lines to show, the first "[TOKENLOG] Parsed Prompt: ...". Every text that is encoded has a
/// heading with its number of tokens and a line with all of them; what does not fit into the
/// encoder's window (75 tokens of the usual 77) follows as discarded, or as continued. An end of a word is shown as
/// a blank. Unlike 2.3.0 each fragment is tokenized alone, as the encoder will do, and the edge is
/// that of the encoder, not two tokens behind it.
std::vector<std::string> token_log(const text::ParsedPrompt& parsed,
                                   const text::ClipTokenizer& tokenizer,
                                   const TokenLogOptions& options = {});

/// The tokenizer of a loaded model: its own files, or else the built-in vocabulary with the padding
/// of its family. Errors: bad_file.
Result<text::ClipTokenizer> tokenizer_of(const pipeline::ModelInfo& model);

}  // namespace invokeai::cli
