#pragma once
// Requests whose mask is given in words. No libtorch here.

#include <optional>

#include "pipeline/engine.h"

namespace invokeai::pipeline {

/// The same request with the mask the engine finds, for one that passed validate(); nothing when the
/// request has no words. Errors: those of Engine::find_words, and invalid_argument when nothing in
/// the picture reaches the threshold.
Result<std::optional<GenerationRequest>> with_found_mask(Engine& engine,
                                                         const GenerationRequest& request);

}  // namespace invokeai::pipeline
