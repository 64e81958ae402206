#pragma once
// The web page: files of one folder, or a page of our own that says where it is missing.

#include "base/file.h"
#include "server/access.h"
#include "server/router.h"

namespace invokeai::server {

/// Everything that no other route answers. `folder` empty: the page has not been built. `develop`:
/// / leads to the development server of the page (--web_develop).
void add_page_routes(Router& router, Access& access, const fs::path& folder, bool develop);

}  // namespace invokeai::server
