#include "demo_model/captions.h"

#include "base/file.h"

namespace invokeai::demo {

at::Tensor encode_captions(const text::ClipTokenizer& tokenizer,
                           const std::vector<std::string>& captions) {
  std::vector<std::int64_t> ids;
  for (const auto& caption : captions)
    for (const int id : tokenizer.encode_padded(caption)) ids.push_back(id);
  return at::tensor(ids).reshape(
      {static_cast<std::int64_t>(captions.size()), tokenizer.max_length()});
}

Result<nlohmann::json> read_json(const std::filesystem::path& file) {
  TRY_ASSIGN(const std::string content, read_file(file));
  auto json = nlohmann::json::parse(content, nullptr, /*allow_exceptions=*/false);
  if (json.is_discarded())
    return fail(ErrorCode::bad_file, "json.read", "{} is not valid JSON", file.string());
  return json;
}

}  // namespace invokeai::demo
