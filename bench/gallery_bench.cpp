// Times the gallery index on a folder that fill_gallery made.   gallery_bench FOLDER
// Prints seconds to index everything and again with nothing changed, and milliseconds for pages of
// 50: median, 99th percentile, longest.

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <functional>
#include <random>

#include "gallery/index.h"

namespace {

using namespace invokeai;
using Clock = std::chrono::steady_clock;

double milliseconds_since(Clock::time_point start) {
  return std::chrono::duration<double, std::milli>(Clock::now() - start).count();
}

/// Runs `action` many times; false when one fails.
bool measure(const char* what, int times, const std::function<bool()>& action) {
  std::vector<double> spent;
  for (int i = 0; i < times; ++i) {
    const auto start = Clock::now();
    if (!action()) {
      std::fprintf(stderr, "%s failed\n", what);
      return false;
    }
    spent.push_back(milliseconds_since(start));
  }
  std::ranges::sort(spent);
  std::printf("%-36s median %8.2f ms  p99 %8.2f ms  longest %8.2f ms\n", what, spent[times / 2],
              spent[std::min(times - 1, times * 99 / 100)], spent.back());
  return true;
}

bool measure_index(gallery::Gallery& gallery, const char* what) {
  const auto start = Clock::now();
  const auto report = gallery.reindex();
  if (!report) {
    std::fprintf(stderr, "%s\n", report.error().text().c_str());
    return false;
  }
  std::printf("%-36s %lld new, %lld as before: %.2f s\n", what,
              static_cast<long long>(report->added), static_cast<long long>(report->unchanged),
              milliseconds_since(start) / 1000);
  return report->added + report->unchanged > 0;
}

bool measure_pages(gallery::Gallery& gallery) {
  const auto count = gallery.count({});
  const auto newest = gallery.page({.limit = 1});
  if (!count || !newest || newest->pictures.empty()) return false;
  std::mt19937 random(1);
  const std::int64_t last = newest->pictures.front().created;
  const auto page = [&](const gallery::PageRequest& request) {
    const auto found = gallery.page(request);
    return found && !found->pictures.empty();
  };
  return measure("first page", 500, [&] { return page({}); }) &&
         measure("jump to any date", 1000,
                 [&] {
                   const auto back =
                       static_cast<std::int64_t>(random() % (*count - 1)) * 60'000'000;
                   return page({.older_than = gallery::GalleryCursor{last - back, "~"}});
                 }) &&
         measure("jump to any position", 500,
                 [&] { return page({.skip = static_cast<int>(random() % *count)}); }) &&
         measure("search, one word, first page", 100,
                 [&] { return page({.filter = {.search = "dragon"}}); }) &&
         measure("search, two words, any position", 100,
                 [&] { return page({.filter = {.search = "red fox"}, .skip = 30}); }) &&
         measure("filter by model and sampler", 200,
                 [&] {
                   return page({.filter = {.model = "demo", .sampler = "k_heun"}, .skip = 20});
                 }) &&
         measure("count of all", 100, [&] { return gallery.count({}).has_value(); });
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "gallery_bench FOLDER\n");
    return 2;
  }
  const fs::path index = fs::path(argv[1]) / ".gallery";
  fs::remove_all(index);
  const auto gallery = gallery::Gallery::open({argv[1]});
  if (!gallery) {
    std::fprintf(stderr, "%s\n", gallery.error().text().c_str());
    return 1;
  }
  const bool done = measure_index(**gallery, "index everything") &&
                    measure_index(**gallery, "index again, nothing changed") &&
                    measure_pages(**gallery);
  return done ? 0 : 1;
}
