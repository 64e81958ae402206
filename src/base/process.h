#pragma once
// Telling processes apart, also after a restart of the machine.

#include <string>
#include <string_view>

namespace invokeai {

/// A text that names one process for good: start of the machine, process table (containers have
/// their own), number and start time. `pid` 0 is this process. Empty when there is no such process
/// or the system does not tell.
std::string process_identity(int pid = 0);

/// False only when that process has certainly ended: another machine's, another container's or an
/// unreadable identity counts as running.
bool may_be_running(std::string_view identity);

/// The identity of this process short enough for the name of a file: letters, digits and two
/// hyphens.
std::string process_mark();

/// may_be_running() for a mark.
bool mark_may_be_running(std::string_view mark);

}  // namespace invokeai
