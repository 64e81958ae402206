#pragma once
// Jobs as clients hand them in.

#include <nlohmann/json.hpp>

#include "server/studio.h"

namespace invokeai::server {

/// {prompt, negative_prompt?, values?, preview_every?, full_previews?, priority?, canvas?}, each
/// checked. Errors: invalid_argument, unsupported, and those of fill_in_canvas().
Result<JobOrder> order_from(Studio& studio, const nlohmann::json& body);

/// Waits until a job has ended. `gone` is looked at meanwhile; when it is set the job is cancelled.
/// Errors: those of the queue; internal when the server stops before.
Result<jobs::JobRecord> wait_for_end(Studio& studio, const std::string& id,
                                     const CancelToken& gone);

}  // namespace invokeai::server
