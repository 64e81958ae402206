#pragma once
// From the prompt as typed to the prompt as drawn: dynamic parts, dialect and parser.

#include <vector>

#include "base/settings.h"
#include "jobs/job.h"
#include "text/prompt_tree.h"

namespace invokeai::cli {

/// Reads a settled prompt the way the engine will: in its dialect, with the negative prompt given
/// apart. Errors: those of text::parse_prompt.
Result<text::ParsedPrompt> understand(const jobs::PicturePrompt& picture,
                                      const SettingValues& values);

/// Settles `{a|b}` and `__file__` (files of the folder `wildcards`): each picture chooses with its
/// own seed, so that the same seed gives the same words. Fills `job.pictures` when there is a
/// choice. What looks like a choice but is none is noted. Errors: those of DynamicPrompt::parse.
Result<std::vector<text::Note>> settle_dynamic_prompts(jobs::Job& job, const fs::path& wildcards);

/// The whole text of `--dump_prompt json`: one JSON object (docs/prompts.md), dynamic parts settled
/// with the seed, 0 if there is none. Errors: those of the two above.
Result<std::string> dump_prompt(const std::string& prompt, const SettingValues& values,
                                const fs::path& root);

/// Where files for `__name__` are looked up.
fs::path wildcard_folder(const SettingValues& values, const fs::path& root);

}  // namespace invokeai::cli
