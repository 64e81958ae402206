#include "drawer/captions.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <set>
#include <sstream>

#include "drawer/random.h"

namespace invokeai::drawer {
namespace {

using Words = std::vector<std::string_view>;

const std::array<Words, kShapes> kShapeWords = {{{"circle", "disc"},
                                                 {"square"},
                                                 {"triangle"},
                                                 {"star"},
                                                 {"heart"},
                                                 {"diamond", "rhombus"},
                                                 {"ring", "hoop"},
                                                 {"cross", "plus"},
                                                 {"moon", "crescent"},
                                                 {"flower", "blossom"},
                                                 {"house", "home"},
                                                 {"tree"},
                                                 {"sun"},
                                                 {"cloud"},
                                                 {"fish"},
                                                 {"bird"},
                                                 {"boat", "ship", "sailboat"},
                                                 {"car", "automobile"},
                                                 {"cup", "mug"},
                                                 {"mushroom", "toadstool"},
                                                 {"apple"},
                                                 {"balloon"},
                                                 {"umbrella", "parasol"},
                                                 {"butterfly"},
                                                 {"leaf"},
                                                 {"rocket", "spaceship"},
                                                 {"crown"},
                                                 {"cat", "kitten"}}};
const std::array<Words, kColors> kColorWords = {{{"red", "crimson"},
                                                 {"orange"},
                                                 {"yellow"},
                                                 {"green"},
                                                 {"cyan", "turquoise"},
                                                 {"blue"},
                                                 {"purple", "violet"},
                                                 {"pink", "rose"},
                                                 {"white"},
                                                 {"black"},
                                                 {"brown"},
                                                 {"gray", "grey"},
                                                 {"lime"},
                                                 {"magenta", "fuchsia"}}};
const std::array<Words, kSizes> kSizeWords = {
    {{"small", "little", "tiny"}, {"normal"}, {"big", "large", "huge"}}};
constexpr std::array<std::string_view, kPlaces> kPlaceNames = {"centre", "left", "right", "top",
                                                               "bottom"};
const std::array<Words, kPatterns> kPatternWords = {
    {{"plain"}, {"striped"}, {"dotted", "spotted"}, {"checkered", "chequered"}}};
const std::array<Words, kRenderings> kRenderingWords = {{{"flat"},
                                                         {"shiny", "glossy"},
                                                         {"pencil drawing", "pencil sketch"},
                                                         {"watercolor", "watercolor painting"},
                                                         {"at night", "by night"}}};
constexpr std::array<std::string_view, kBackdrops> kBackdropNames = {"plain", "meadow", "sea",
                                                                     "sky", "room"};
const std::array<Words, kBackdrops> kBackdropPhrases = {
    {{},
     {"on a meadow", "in a green meadow", "on the grass"},
     {"on the sea", "at sea", "on the water"},
     {"in the sky", "in the blue sky", "among the clouds"},
     {"in a room", "on the floor of a room"}}};
const Words kTagsAround = {"picture of", "drawing of"};

template <class Enum, std::size_t N>
std::string_view first(const std::array<Words, N>& table, Enum value) {
  return table[static_cast<int>(value)].front();
}

/// The usual word, or now and then another.
std::string_view one_of(const Words& words, Random* random) {
  if (random == nullptr || words.size() == 1 || random->chance(0.6)) return words.front();
  return words[random->below(static_cast<int>(words.size()))];
}

template <class Enum, std::size_t N>
std::string_view one_of(const std::array<Words, N>& table, Enum value, Random* random) {
  return one_of(table[static_cast<int>(value)], random);
}

/// What stays unsaid, and whether articles are used. Without random numbers the usual words are.
struct Wording {
  bool articles = true;
  bool color = true;
  Random* random = nullptr;
};

std::string with_article(std::string text) {
  const bool vowel = std::string_view("aeiou").find(text[0]) != std::string_view::npos;
  return (vowel ? "an " : "a ") + text;
}

std::string plural(std::string_view noun) {
  if (noun == "fish" || noun == "plus") return std::string(noun);
  if (noun == "leaf") return "leaves";
  if (noun == "butterfly") return "butterflies";
  const bool hissing = noun.ends_with("s") || noun.ends_with("x");
  return std::string(noun) + (hissing ? "es" : "s");
}

/// "big red striped star": adjectives and noun without article.
std::string bare_noun(const Object& object, const Wording& wording, bool many, bool sized) {
  std::string text;
  if (sized && object.size != Size::normal)
    text += fmt::format("{} ", one_of(kSizeWords, object.size, wording.random));
  if (object.pattern != Pattern::plain)
    text += fmt::format("{} ", one_of(kPatternWords, object.pattern, wording.random));
  if (wording.color) text += fmt::format("{} ", one_of(kColorWords, object.color, wording.random));
  const std::string_view noun = one_of(kShapeWords, object.shape, wording.random);
  return text + (many ? plural(noun) : std::string(noun));
}

std::string noun(const Object& object, const Wording& wording, bool sized = true) {
  std::string text = bare_noun(object, wording, false, sized);
  return wording.articles ? with_article(std::move(text)) : text;
}

/// "left of", for an object at the left.
std::string_view relation(Place place, Random* random) {
  const auto either = [&](std::string_view usual, std::string_view other) {
    return random != nullptr && random->chance(0.2) ? other : usual;
  };
  switch (place) {
    case Place::left:
      return either("left of", "to the left of");
    case Place::right:
      return either("right of", "to the right of");
    case Place::top:
      return either("above", "over");
    case Place::bottom:
      return either("below", "under");
    case Place::centre:
      break;
  }
  return "and";
}

/// "at the left", or in other words.
std::string at_place(Place place, Random* random) {
  const std::string_view side = kPlaceNames[static_cast<int>(place)];
  if (random != nullptr && random->chance(0.25))
    return place == Place::left || place == Place::right ? fmt::format("on the {} side", side)
                                                         : fmt::format("near the {}", side);
  return fmt::format("at the {}", side);
}

std::string group(const Scene& scene, const Wording& wording, bool swapped) {
  const std::vector<Object>& objects = scene.objects;
  const auto say = [&](int i) { return noun(objects[i], wording, false); };
  Random* random = wording.random;
  const auto either = [&](std::string_view usual, std::string_view other) {
    return random != nullptr && random->chance(0.3) ? other : usual;
  };
  switch (scene.grouping) {
    case Grouping::inside:
      return fmt::format("{} {} {}", say(0), either("inside", "within"), say(1));
    case Grouping::in_front:
      if (swapped) return fmt::format("{} behind {}", say(1), say(0));
      return fmt::format("{} in front of {}", say(0), say(1));
    case Grouping::between:
      return fmt::format("{} between {} and {}", say(0), say(swapped ? 2 : 1),
                         say(swapped ? 1 : 2));
    case Grouping::several: {
      const std::string_view number = objects.size() == 3   ? "three"
                                      : objects.size() == 2 ? either("two", "a pair of")
                                                            : "several";
      return fmt::format("{} {}", number, bare_noun(objects[0], wording, true, false));
    }
    case Grouping::apart:
      break;
  }
  const Object &near = objects[swapped ? 1 : 0], &far = objects[swapped ? 0 : 1];
  return fmt::format("{} {} {}", noun(near, wording, false), relation(near.place, random),
                     noun(far, wording, false));
}

/// "a red star at the left", or "a red circle above a blue square".
std::string subject(const Scene& scene, const Wording& wording, bool swapped) {
  if (scene.objects.size() > 1) return group(scene, wording, swapped);
  const Object& only = scene.objects.front();
  if (only.place == Place::centre) return noun(only, wording);
  return fmt::format("{} {}", noun(only, wording), at_place(only.place, wording.random));
}

/// Whether the picture has a ground of a named colour.
bool has_ground(const Scene& scene) {
  return scene.backdrop == Backdrop::plain && scene.rendering != Rendering::pencil &&
         scene.rendering != Rendering::night;
}

/// "on a blue background", "in the sky", or nothing.
std::string surroundings(const Scene& scene, const Wording& wording, bool at_length) {
  if (scene.backdrop != Backdrop::plain)
    return std::string(one_of(kBackdropPhrases, scene.backdrop, wording.random));
  if (!has_ground(scene)) return "";
  const std::string ground(one_of(kColorWords, scene.background, wording.random));
  if (!at_length) return "on " + ground;
  return fmt::format("on {} background", wording.articles ? with_article(ground) : ground);
}

/// Says in which manner the picture is made around what it shows.
std::string in_manner(const Scene& scene, std::string text, Random* random) {
  const std::string_view manner = one_of(kRenderingWords, scene.rendering, random);
  const bool after = random != nullptr && random->chance(0.4);
  switch (scene.rendering) {
    case Rendering::flat:
      if (random != nullptr && random->chance(0.08))
        return fmt::format("{} {}", kTagsAround[random->below(2)], text);
      return text;
    case Rendering::shiny:
      return text;  // said of the object
    case Rendering::pencil:
    case Rendering::watercolor:
      return after ? fmt::format("{}, {}", text, manner) : fmt::format("a {} of {}", manner, text);
    case Rendering::night:
      return after ? fmt::format("{}, night", text) : fmt::format("{} {}", text, manner);
  }
  return text;
}

/// Puts "shiny" where the first object's adjectives begin.
std::string polished(const Scene& scene, const std::string& text, Random* random) {
  if (scene.rendering != Rendering::shiny) return text;
  const std::string shiny(one_of(kRenderingWords, scene.rendering, random));
  for (const std::string_view start : {"a pair of ", "two ", "three ", "an ", "a "})
    if (text.starts_with(start)) {
      const std::string head = start == "an " ? "a " : std::string(start);
      return head + shiny + " " + text.substr(start.size());
    }
  return shiny + " " + text;
}

/// "red star, big, left, blue background": the parts in any order that starts with the shape.
std::string tags(const Scene& scene, Random& random) {
  const Object& object = scene.objects.front();
  std::vector<std::string> parts;
  if (object.size != Size::normal) parts.emplace_back(one_of(kSizeWords, object.size, &random));
  if (object.place != Place::centre)
    parts.emplace_back(kPlaceNames[static_cast<int>(object.place)]);
  if (object.pattern != Pattern::plain)
    parts.emplace_back(one_of(kPatternWords, object.pattern, &random));
  if (has_ground(scene))
    parts.push_back(fmt::format("{} background", one_of(kColorWords, scene.background, &random)));
  if (scene.backdrop != Backdrop::plain)
    parts.emplace_back(kBackdropNames[static_cast<int>(scene.backdrop)]);
  if (scene.rendering == Rendering::night)
    parts.emplace_back("night");
  else if (scene.rendering != Rendering::flat)
    parts.emplace_back(one_of(kRenderingWords, scene.rendering, &random));
  for (std::size_t i = parts.size(); i > 1; --i)
    std::swap(parts[i - 1], parts[random.below(static_cast<int>(i))]);
  parts.insert(parts.begin(), fmt::format("{} {}", one_of(kColorWords, object.color, &random),
                                          one_of(kShapeWords, object.shape, &random)));
  return fmt::format("{}", fmt::join(parts, ", "));
}

std::string joined(const std::string& what, const std::string& where) {
  return where.empty() ? what : what + " " + where;
}

}  // namespace

std::string_view name(Shape shape) { return first(kShapeWords, shape); }
std::string_view name(Color color) { return first(kColorWords, color); }
std::string_view name(Size size) { return first(kSizeWords, size); }
std::string_view name(Place place) { return kPlaceNames[static_cast<int>(place)]; }
std::string_view name(Pattern pattern) { return first(kPatternWords, pattern); }
std::string_view name(Rendering rendering) { return first(kRenderingWords, rendering); }
std::string_view name(Backdrop backdrop) { return kBackdropNames[static_cast<int>(backdrop)]; }

const Words& words(Shape shape) { return kShapeWords[static_cast<int>(shape)]; }
const Words& words(Color color) { return kColorWords[static_cast<int>(color)]; }

std::string plain_caption(const Scene& scene) {
  const std::string what = polished(scene, subject(scene, {}, false), nullptr);
  return in_manner(scene, joined(what, surroundings(scene, {}, true)), nullptr);
}

std::string caption(const Scene& scene, std::uint64_t seed) {
  Random random(Random(seed ^ 0xca97100u).next());
  const double omission = random.unit();
  const bool single = scene.objects.size() == 1, swapped = !single && random.chance(0.5);
  Wording wording{.random = &random};
  wording.articles = random.chance(0.6);
  wording.color = omission < 0.05 || omission >= 0.08 || !single;
  const int way = random.below(6);
  if (way == 2 && single && wording.color && omission >= 0.05) return tags(scene, random);
  const std::string what = polished(scene, subject(scene, wording, swapped), &random);
  if (omission < 0.05) return in_manner(scene, what, &random);
  if (has_ground(scene) && (way == 0 || way == 2)) {
    const std::string_view ground = one_of(kColorWords, scene.background, &random);
    return in_manner(scene,
                     way == 0 ? fmt::format("{}, {} background", what, ground)
                              : fmt::format("{} background, {}", ground, what),
                     &random);
  }
  return in_manner(scene, joined(what, surroundings(scene, wording, way != 1)), &random);
}

std::vector<std::string> vocabulary_texts() {
  std::set<std::string> seen = {
      "a",      "an",     "on",     "background", "at",   "of",    "above", "below", "the",
      ",",      "to",     "over",   "under",      "side", "near",  "and",   "in",    "front",
      "behind", "inside", "within", "between",    "two",  "three", "pair",  "night"};
  const auto add = [&](std::string_view text) {
    std::istringstream stream{std::string(text)};
    for (std::string word; stream >> word;) seen.insert(word);
  };
  const auto add_all = [&](const auto& table) {
    for (const Words& list : table)
      for (const std::string_view word : list) add(word);
  };
  add_all(kShapeWords), add_all(kColorWords), add_all(kSizeWords), add_all(kPatternWords);
  add_all(kRenderingWords), add_all(kBackdropPhrases);
  for (const Words& list : kShapeWords)
    for (const std::string_view word : list) add(plural(word));
  for (const std::string_view text : kPlaceNames) add(text);
  for (const std::string_view text : kBackdropNames) add(text);
  for (const std::string_view text : kTagsAround) add(text);
  return {seen.begin(), seen.end()};
}

}  // namespace invokeai::drawer
