#pragma once
// The box of a canvas as clients hand it in with a job.

#include <nlohmann/json.hpp>

#include "server/studio.h"

namespace invokeai::server {

/// {box: {left, top, width, height}, scale?, size?, picture?, mask?, temporary?}, each checked.
/// Pictures that come along are stored for the job; otherwise the order's `init_img` and `init_mask`
/// name them. Errors: invalid_argument, bad_file (a picture that cannot be read), disk_full, io.
Result<> fill_in_canvas(Studio& studio, const nlohmann::json& canvas, JobOrder& order);

/// The same box for an answer: {box, scale, size?}.
nlohmann::json view(const pipeline::CanvasBox& canvas);

}  // namespace invokeai::server
