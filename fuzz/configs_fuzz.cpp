// Any bytes as the config.json of a network: a config whose numbers can be divided by, or an error
// of one line.

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string_view>

#include "nn/configs.h"

namespace {

using namespace invokeai;

template <class T>
bool ok(const Result<T>& result) {
  if (!result) INVOKEAI_CHECK(result.error().message.find('\n') == std::string::npos);
  return result.has_value();
}

void check_configs(const nlohmann::json& json) {
  if (const auto text = nn::parse_clip_text_config(json); ok(text))
    INVOKEAI_CHECK_EQ(text->hidden_size % text->heads, 0);
  if (const auto vae = nn::parse_vae_config(json); ok(vae)) {
    INVOKEAI_CHECK(!vae->block_channels.empty());
    for (const auto channels : vae->block_channels) INVOKEAI_CHECK_EQ(channels % vae->groups, 0);
  }
  if (const auto unet = nn::parse_unet_config(json); ok(unet)) {
    const std::size_t levels = unet->block_channels.size();
    INVOKEAI_CHECK(levels > 0);
    INVOKEAI_CHECK_EQ(unet->heads.size(), levels);
    INVOKEAI_CHECK_EQ(unet->transformer_layers.size(), levels);
    for (std::size_t i = 0; i < levels; ++i) {
      INVOKEAI_CHECK_EQ(unet->block_channels[i] % unet->groups, 0);
      INVOKEAI_CHECK_EQ(unet->block_channels[i] % unet->heads[i], 0);
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto json = nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!json.is_discarded()) check_configs(json);
  return 0;
}
