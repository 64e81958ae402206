#pragma once
// Names for things that are made once.

#include <string>

namespace invokeai {

/// A new UUID of version 7 (RFC 9562), lower case: 48 bits of time in milliseconds, then a counter
/// that grows within the millisecond, then random bits. Texts of one process sort in the order they
/// were made, whichever thread asked. Source of chance: the system's.
std::string new_id();

}  // namespace invokeai
