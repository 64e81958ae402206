#include <algorithm>
#include <set>

#include "base/seeds.h"
#include "server/api.h"
#include "server/internal/handlers.h"
#include "text/clip_tokenizer.h"
#include "text/prompt_parser.h"
#include "text/prompt_print.h"
#include "text/wildcards.h"

namespace invokeai::server {
namespace {

constexpr std::size_t kLongestPrompt = std::size_t{100} << 10;
constexpr std::size_t kMostPrompts = 1000;

Result<std::string> prompt_in(const Json& body, const char* key,
                              const std::optional<std::string>& fallback = std::nullopt) {
  TRY_ASSIGN(std::string prompt, text_in(body, key, fallback));
  if (prompt.size() > kLongestPrompt)
    return fail(ErrorCode::invalid_argument, "", "{}: at most {} bytes are read, got {}", key,
                kLongestPrompt, prompt.size());
  return prompt;
}

/// What `GET /prompt/parse` says of one text for the encoder.
Json reading(const text::ClipTokenizer& tokenizer, const std::vector<text::Fragment>& fragments,
             Json tree) {
  Json parts = Json::array();
  std::size_t tokens = 0;
  for (const text::Fragment& fragment : fragments) {
    const std::size_t own = tokenizer.encode(text::tokenizer_text(fragment)).size();
    tokens += own;
    parts.push_back({{"text", fragment.text}, {"weight", fragment.weight}, {"tokens", own}});
  }
  return {{"tokens", tokens},
          {"limit", tokenizer.max_length() - 2},
          {"parts", parts},
          {"tree", std::move(tree)},
          {"notes", Json::array()}};
}

/// The longest of the texts that are encoded one by one, with the parts of all.
Json reading_of_positive(const text::ClipTokenizer& tokenizer, const text::Conjunction& positive,
                         Json tree) {
  std::vector<text::Fragment> all;
  std::size_t longest = 0;
  for (const text::Blend& member : positive.members)
    for (const text::Prompt& prompt : member.parts) {
      const auto fragments = text::fragments(prompt);
      std::size_t tokens = 0;
      for (const text::Fragment& fragment : fragments)
        tokens += tokenizer.encode(text::tokenizer_text(fragment)).size();
      longest = std::max(longest, tokens);
      all.insert(all.end(), fragments.begin(), fragments.end());
    }
  Json json = reading(tokenizer, all, std::move(tree));
  json["tokens"] = longest;
  return json;
}

Result<const text::ClipTokenizer*> shared_tokenizer() {
  static const auto tokenizer = text::ClipTokenizer::builtin(text::ClipFamily::sd1);
  if (!tokenizer) return tl::make_unexpected(tokenizer.error());
  return &*tokenizer;
}

Result<Response> parse(const Request& request) {
  TRY_ASSIGN(const Json body, read_object(request, {"prompt", "negative_prompt", "prompt_dialect"}));
  TRY_ASSIGN(const std::string prompt, prompt_in(body, "prompt"));
  text::ParseOptions options;
  TRY_ASSIGN(options.negative, prompt_in(body, "negative_prompt", ""));
  TRY_ASSIGN(const std::string dialect, text_in(body, "prompt_dialect", "invoke"));
  TRY_ASSIGN(options.dialect, text::parse_dialect(dialect));
  TRY_ASSIGN(const text::ParsedPrompt parsed, text::parse_prompt(prompt, options));
  TRY_ASSIGN(const text::ClipTokenizer* tokenizer, shared_tokenizer());
  Json tree = Json::parse(text::to_json(parsed, -1), nullptr, /*allow_exceptions=*/false);
  Json positive = reading_of_positive(*tokenizer, parsed.positive, tree["positive"]);
  Json negative = reading(*tokenizer, text::fragments(parsed.negative), tree["negative"]);
  for (const text::Note& note : parsed.notes)
    positive["notes"].push_back({{"column", note.column}, {"message", note.message}});
  return Response::json({{"positive", positive}, {"negative", negative}});
}

/// All variants when they are few, else that many different draws.
Result<Response> expand(Studio& studio, const Request& request) {
  TRY_ASSIGN(const Json body, read_object(request, {"prompt", "count", "seed"}));
  TRY_ASSIGN(const std::string prompt, prompt_in(body, "prompt"));
  TRY_ASSIGN(const auto count, whole_in(body, "count", 1, kMostPrompts, 10));
  TRY_ASSIGN(const auto seed, whole_in(body, "seed", 0, 4'294'967'295, random_seed()));
  const fs::path wildcards =
      studio.options().root / studio.options().defaults.text("wildcard_path");
  TRY_ASSIGN(const auto dynamic, text::DynamicPrompt::parse(
                                     prompt, text::wildcard_folder(wildcards.lexically_normal())));
  const auto wanted = static_cast<std::uint64_t>(count);
  Json prompts = Json::array();
  if (dynamic.count() <= wanted) {
    for (std::uint64_t i = 0; i < dynamic.count(); ++i) prompts.push_back(dynamic.variant(i));
  } else {
    auto each = static_cast<std::uint32_t>(seed);
    for (std::uint64_t i = 0; i < wanted; ++i, each = next_seed(each))
      prompts.push_back(dynamic.choose(each));
  }
  return Response::json(
      {{"prompts", prompts}, {"total", static_cast<double>(dynamic.count())}});
}

}  // namespace

void add_prompt_routes(Router& router, Studio& studio) {
  router.post("/api/v1/prompt/parse", handling(parse));
  router.post("/api/v1/prompt/expand",
              handling([&](const Request& request) { return expand(studio, request); }));
}

}  // namespace invokeai::server
