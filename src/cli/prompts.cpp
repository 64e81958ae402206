#include "cli/prompts.h"

#include "base/seeds.h"
#include "text/prompt_parser.h"
#include "text/prompt_print.h"
#include "text/wildcards.h"

namespace invokeai::cli {
namespace {

/// Sets the choices of the negative prompt apart from those of the prompt, which has the bare seed.
constexpr std::uint64_t kNegativeChoices = std::uint64_t{1} << 32;

struct DynamicPrompts {
  text::DynamicPrompt prompt, negative;

  bool has_choice() const { return prompt.count() != 1 || negative.count() != 1; }
  jobs::PicturePrompt choose(std::uint32_t seed) const {
    return {prompt.choose(seed), negative.choose(seed + kNegativeChoices), seed};
  }
  std::vector<text::Note> notes() const {
    std::vector<text::Note> notes = prompt.notes();
    notes.insert(notes.end(), negative.notes().begin(), negative.notes().end());
    return notes;
  }
};

Result<DynamicPrompts> parse_dynamic(const std::string& prompt, const std::string& negative,
                                     const fs::path& wildcards) {
  const text::WildcardSource source = text::wildcard_folder(wildcards);
  TRY_ASSIGN(auto first, text::DynamicPrompt::parse(prompt, source));
  TRY_ASSIGN(auto second, text::DynamicPrompt::parse(negative, source));
  return DynamicPrompts{std::move(first), std::move(second)};
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
  TRY_ASSIGN(const DynamicPrompts dynamic,
             parse_dynamic(request.prompt, request.negative_prompt, wildcards));
  if (!dynamic.has_choice()) {  // there may still be escapes to resolve
    const jobs::PicturePrompt settled = dynamic.choose(0);
    request.prompt = settled.prompt;
    request.negative_prompt = settled.negative_prompt;
    return dynamic.notes();
  }
  std::uint32_t seed = request.seed ? *request.seed : random_seed();
  for (int i = 0; i < request.iterations; ++i, seed = next_seed(seed))
    job.pictures.push_back(dynamic.choose(seed));
  return dynamic.notes();
}

Result<std::string> dump_prompt(const std::string& prompt, const SettingValues& values,
                                const fs::path& root) {
  jobs::PicturePrompt settled{prompt, values.text("negative_prompt"), 0};
  std::vector<text::Note> notes;
  if (values.flag("dynamic_prompts")) {
    TRY_ASSIGN(const DynamicPrompts dynamic, parse_dynamic(settled.prompt, settled.negative_prompt,
                                                           wildcard_folder(values, root)));
    settled = dynamic.choose(static_cast<std::uint32_t>(values.integer("seed")));
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
