#pragma once
// The routes of docs/api.md, one function and file for each group.

#include "server/access.h"
#include "server/router.h"
#include "server/studio.h"

namespace invokeai::server {

/// All of them. Studio and access must outlive the router.
void add_api(Router& router, Studio& studio, Access& access);

void add_app_routes(Router& router, Studio& studio, const Access& access);
void add_settings_routes(Router& router, Studio& studio);
void add_job_routes(Router& router, Studio& studio);
void add_event_routes(Router& router, Studio& studio);
void add_image_routes(Router& router, Studio& studio);
void add_board_routes(Router& router, Studio& studio);
void add_model_routes(Router& router, Studio& studio);
void add_prompt_routes(Router& router, Studio& studio);

/// /healthz, /readyz and /metrics.
void add_operation_routes(Router& router, Studio& studio);

/// The text of openapi.json.
std::string_view openapi_text();

}  // namespace invokeai::server
