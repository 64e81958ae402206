#pragma once
// How much memory there is, and how much of it this process has.

#include <cstdint>
#include <filesystem>
#include <optional>

namespace invokeai {

/// Bytes of this process that are in memory now; 0 where the system does not tell.
std::int64_t resident_memory();

/// Bytes this process could take beyond what it has, without anything being swapped out: what the
/// system counts as available, or what is left of the container's limit if that is less. Nothing
/// where the system does not tell.
///   root  of the file system that is asked, for tests
std::optional<std::int64_t> free_memory(const std::filesystem::path& root = "/");

}  // namespace invokeai
