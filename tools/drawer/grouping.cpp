// Whether objects stand to each other as a scene says.

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "drawer/measure.h"
#include "drawer/pixels.h"

namespace invokeai::drawer {
namespace {

constexpr float kSmallestShare = 0.005f;  // of the picture, to count as an object
constexpr float kSmallestPiece = 0.25f;   // of the largest piece of one colour, to belong to it
constexpr float kSameColor = 0.17f;       // in Oklab
constexpr int kTooFine = 256;             // pixels across
constexpr float kStandsOut = 0.1f;        // from the ground, in Oklab

/// A connected part of a mask. Pixels.
struct Piece {
  int left = std::numeric_limits<int>::max(), top = left, right = -1, bottom = -1, count = 0;

  void include(int x, int y) {
    left = std::min(left, x), right = std::max(right, x);
    top = std::min(top, y), bottom = std::max(bottom, y);
    ++count;
  }
  void include(const Piece& other) {
    left = std::min(left, other.left), right = std::max(right, other.right);
    top = std::min(top, other.top), bottom = std::max(bottom, other.bottom);
    count += other.count;
  }
  float cx() const { return (left + right + 1) / 2.0f; }
  float cy() const { return (top + bottom + 1) / 2.0f; }
};

/// The connected parts of the mask, the largest first. Takes the mask apart.
std::vector<Piece> take_pieces(std::vector<bool>& mask, int width) {
  std::vector<Piece> pieces;
  std::vector<int> open;
  const int height = static_cast<int>(mask.size()) / width;
  for (int start = 0; start < static_cast<int>(mask.size()); ++start) {
    if (!mask[start]) continue;
    Piece piece;
    mask[start] = false;
    open.push_back(start);
    while (!open.empty()) {
      const int at = open.back(), x = at % width, y = at / width;
      open.pop_back();
      piece.include(x, y);
      const auto reach = [&](bool possible, int next) {
        if (!possible || !mask[next]) return;
        mask[next] = false;
        open.push_back(next);
      };
      reach(x > 0, at - 1), reach(x + 1 < width, at + 1);
      reach(y > 0, at - width), reach(y + 1 < height, at + width);
    }
    pieces.push_back(piece);
  }
  std::ranges::sort(pieces, std::ranges::greater{}, &Piece::count);
  return pieces;
}

/// Pieces that are not much smaller than the largest.
std::vector<Piece> large_pieces(std::vector<bool> mask, int width, float smallest_piece) {
  const float least = kSmallestShare * static_cast<float>(mask.size());
  std::vector<Piece> pieces = take_pieces(mask, width);
  if (pieces.empty()) return pieces;
  const float floor = std::max(least, smallest_piece * static_cast<float>(pieces.front().count));
  std::erase_if(pieces,
                [&](const Piece& piece) { return static_cast<float>(piece.count) < floor; });
  return pieces;
}

/// Where the scene's objects lie, in their order; fewer if one is not found. Each pixel belongs to
/// the ground or to the object whose colour is nearest, if it is near.
std::vector<Piece> find_objects(const Scene& scene, const std::vector<Vector>& pixels, int width) {
  std::vector<Vector> colors = {oklab(scene.background)};
  for (const Object& object : scene.objects) colors.push_back(oklab(object.color));
  std::vector<std::vector<bool>> masks(colors.size(), std::vector<bool>(pixels.size()));
  for (std::size_t i = 0; i < pixels.size(); ++i) {
    std::size_t nearest = 0;
    float least = kSameColor * kSameColor;
    for (std::size_t k = 0; k < colors.size(); ++k) {
      const float apart = squared_distance(pixels[i], colors[k]);
      if (apart < least) least = apart, nearest = k;
    }
    masks[nearest][i] = true;
  }
  std::vector<Piece> found;
  for (std::size_t k = 1; k < colors.size(); ++k) {
    const std::vector<Piece> pieces = large_pieces(masks[k], width, kSmallestPiece);
    if (pieces.empty()) return {};
    found.push_back(pieces.front());
    for (const Piece& piece : pieces) found.back().include(piece);
  }
  return found;
}

std::size_t count_objects(const std::vector<Vector>& pixels, Color background, int width) {
  const Vector ground = oklab(background);
  std::vector<bool> mask(pixels.size());
  for (std::size_t i = 0; i < pixels.size(); ++i)
    mask[i] = squared_distance(pixels[i], ground) > kStandsOut * kStandsOut;
  return large_pieces(std::move(mask), width, kSmallestPiece).size();
}

bool stands_at(Place place, const Piece& first, const Piece& second) {
  const float dx = first.cx() - second.cx(), dy = first.cy() - second.cy();
  switch (place) {
    case Place::left:
      return dx < -std::abs(dy);
    case Place::right:
      return dx > std::abs(dy);
    case Place::top:
      return dy < -std::abs(dx);
    case Place::bottom:
      return dy > std::abs(dx);
    case Place::centre:
      break;
  }
  return false;
}

bool is_inside(const Piece& inner, const Piece& outer) {
  return inner.left > outer.left && inner.right < outer.right && inner.top > outer.top &&
         inner.bottom < outer.bottom;
}

/// What is in front stands lower, and both meet but for `gap` pixels, where edges hide.
bool is_in_front(const Piece& first, const Piece& second, int gap) {
  const int across = std::min(first.right, second.right) - std::max(first.left, second.left);
  const int down = std::min(first.bottom, second.bottom) - std::max(first.top, second.top);
  return across > -gap && down > -gap && first.cy() > second.cy();
}

}  // namespace

bool is_grouped_like(const Scene& scene, const image::Image& picture) {
  // On fine pictures the mixed colours along edges hang together and pass for things.
  const int shorter = std::min(picture.width, picture.height);
  if (shorter >= kTooFine) return is_grouped_like(scene, halved(picture));
  std::vector<Vector> pixels = smoothed(picture);
  for (Vector& pixel : pixels) pixel = oklab(pixel);
  if (scene.grouping == Grouping::several)
    return count_objects(pixels, scene.background, picture.width) == scene.objects.size();
  const std::vector<Piece> found = find_objects(scene, pixels, picture.width);
  if (found.size() != scene.objects.size()) return false;
  switch (scene.grouping) {
    case Grouping::apart:
      return found.size() < 2 || stands_at(scene.objects[0].place, found[0], found[1]);
    case Grouping::inside:
      return is_inside(found[0], found[1]);
    case Grouping::in_front:
      return is_in_front(found[0], found[1], shorter / 12);
    case Grouping::between:
      return (found[0].cx() - found[1].cx()) * (found[2].cx() - found[0].cx()) > 0;
    case Grouping::several:
      break;
  }
  return false;
}

}  // namespace invokeai::drawer
