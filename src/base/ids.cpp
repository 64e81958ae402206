#include "base/ids.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <mutex>
#include <random>

namespace invokeai {
namespace {

/// Milliseconds and a 12-bit counter, always larger than the pair before.
std::uint64_t next_tick() {
  static std::mutex mutex;  // guards last
  static std::uint64_t last = 0;
  const auto now = std::chrono::duration_cast<std::chrono::milliseconds>(
      std::chrono::system_clock::now().time_since_epoch());
  const std::lock_guard lock(mutex);
  // A clock that was set back, or more than 4096 ids in a millisecond, borrow from the future.
  last = std::max(last + 1, static_cast<std::uint64_t>(now.count()) << 12);
  return last;
}

}  // namespace

std::string new_id() {
  const std::uint64_t tick = next_tick();
  std::random_device random;
  const std::uint32_t high = random(), low = random();
  const std::uint64_t milliseconds = tick >> 12;
  return fmt::format("{:08x}-{:04x}-7{:03x}-{:04x}-{:04x}{:08x}", milliseconds >> 16,
                     milliseconds & 0xffff, tick & 0xfff, 0x8000 | ((high >> 16) & 0x3fff),
                     high & 0xffff, low);
}

}  // namespace invokeai
