#pragma once
// The routes of docs/api.md, one function and file for each group.

#include "server/router.h"
#include "server/studio.h"

namespace invokeai::server {

/// All of them. The studio must outlive the router.
void add_api(Router& router, Studio& studio);

void add_app_routes(Router& router, Studio& studio);
void add_settings_routes(Router& router, Studio& studio);
void add_job_routes(Router& router, Studio& studio);
void add_event_routes(Router& router, Studio& studio);
void add_image_routes(Router& router, Studio& studio);
void add_board_routes(Router& router, Studio& studio);
void add_model_routes(Router& router, Studio& studio);
void add_prompt_routes(Router& router, Studio& studio);
void add_user_routes(Router& router, Studio& studio);

/// /healthz, /readyz and /metrics.
void add_operation_routes(Router& router, Studio& studio);

inline constexpr const char* kApi = "/api/v1";
inline constexpr const char* kSessionCookie = "invokeai_session";

/// Who sends a request: the user of its session cookie; without any users everybody on this machine
/// is an admin and others are users.
Caller caller_of(Studio& studio, const Request& request);

/// The text of openapi.json.
std::string_view openapi_text();

}  // namespace invokeai::server
