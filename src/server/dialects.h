#pragma once
// APIs of other programs, so that their clients work here: one file for each.

#include "server/router.h"
#include "server/studio.h"

namespace invokeai::server {

void add_dialects(Router& router, Studio& studio);

/// AUTOMATIC1111's, below /sdapi/v1.
void add_a1111_dialect(Router& router, Studio& studio);
/// OpenAI's pictures, below /v1.
void add_openai_dialect(Router& router, Studio& studio);

}  // namespace invokeai::server
