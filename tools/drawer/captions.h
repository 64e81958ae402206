#pragma once
// Scenes in words.

#include <string>
#include <vector>

#include "drawer/scene.h"

namespace invokeai::drawer {

/// Says the scene in one of many ways, lower case, chosen by the seed: synonyms, several phrasings,
/// tags alone. Size and place are named unless they are normal and centre; 5 % leave out the
/// ground, 3 % the colour of a single object.
std::string caption(const Scene& scene, std::uint64_t seed);

/// Says everything about the scene in the plainest way: "a big red star on a blue background".
std::string plain_caption(const Scene& scene);

/// Every word that a caption may hold, and the comma, each once.
std::vector<std::string> vocabulary_texts();

/// Every way to say it, the usual word first.
const std::vector<std::string_view>& words(Shape shape);
const std::vector<std::string_view>& words(Color color);

}  // namespace invokeai::drawer
