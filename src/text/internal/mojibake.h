#pragma once
// Text that was UTF-8 and was read as something else ("schÃ¶n" for "schön"): found and put right.
// The heuristic is that of ftfy 6.1 (Robyn Speer), which the reference tokenizer applies: its
// classes of characters and its list of unlikely neighbours are facts we must share to get the same
// ids.

#include <string>
#include <string_view>

namespace invokeai::text {

/// Whether some characters stand side by side as they hardly would in real text.
bool looks_misread(std::u32string_view text);

/// Undoes misreadings until the text looks right or nothing more can be done.
std::u32string repair_mojibake(std::u32string_view text);

/// U+0080-U+009F, which nobody writes, become the Windows-1252 characters of those bytes.
std::u32string replace_c1_controls(std::u32string_view text);

}  // namespace invokeai::text
