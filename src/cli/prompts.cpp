#include "cli/prompts.h"

#include "base/seeds.h"
#include "text/dynamic_pair.h"
#include "text/prompt_parser.h"
#include "text/prompt_print.h"

namespace invokeai::cli {
namespace {

jobs::PicturePrompt choose(const text::DynamicPair& dynamic, std::uint32_t seed) {
  text::SettledPair settled = dynamic.choose(seed);
  return {std::move(settled.prompt), std::move(settled.negative_prompt), seed};
}

}  // namespace

Result<text::ParsedPrompt> understand(const jobs::PicturePrompt& picture,
                                      const SettingValues& values) {
  text::ParseOptions options;
  TRY_ASSIGN(options.dialect, text::parse_dialect(values.text("prompt_dialect")));
  options.skip_normalize = values.flag("skip_normalize");
  options.negative = picture.negative_prompt;
  return text::parse_prompt(picture.prompt, options);
}

Result<std::vector<text::Note>> settle_dynamic_prompts(jobs::Job& job, const fs::path& wildcards) {
  pipeline::GenerationRequest& request = job.request;
  TRY_ASSIGN(const auto dynamic,
             text::DynamicPair::parse(request.prompt, request.negative_prompt,
                                      text::wildcard_folder(wildcards)));
  if (!dynamic.has_choice()) {  // there may still be escapes to resolve
    const jobs::PicturePrompt settled = choose(dynamic, 0);
    request.prompt = settled.prompt;
    request.negative_prompt = settled.negative_prompt;
    return dynamic.notes();
  }
  std::uint32_t seed = request.seed ? *request.seed : random_seed();
  for (int i = 0; i < request.iterations; ++i, seed = next_seed(seed))
    job.pictures.push_back(choose(dynamic, seed));
  return dynamic.notes();
}

Result<std::string> dump_prompt(const std::string& prompt, const SettingValues& values,
                                const fs::path& root) {
  jobs::PicturePrompt settled{prompt, values.text("negative_prompt"), 0};
  std::vector<text::Note> notes;
  if (values.flag("dynamic_prompts")) {
    TRY_ASSIGN(const auto dynamic,
               text::DynamicPair::parse(settled.prompt, settled.negative_prompt,
                                        text::wildcard_folder(wildcard_folder(values, root))));
    settled = choose(dynamic, static_cast<std::uint32_t>(values.integer("seed")));
    notes = dynamic.notes();
  }
  TRY_ASSIGN(text::ParsedPrompt parsed, understand(settled, values));
  parsed.notes.insert(parsed.notes.begin(), notes.begin(), notes.end());
  return text::to_json(parsed) + "\n";
}

fs::path wildcard_folder(const SettingValues& values, const fs::path& root) {
  return (root / values.text("wildcard_path")).lexically_normal();
}

}  // namespace invokeai::cli
