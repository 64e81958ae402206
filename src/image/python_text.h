#pragma once
// Numbers and JSON as Python prints them: files and file names of InvokeAI carry that look.

#include <nlohmann/json_fwd.hpp>
#include <string>

namespace invokeai::image {

/// repr(float): shortest digits that read back the same, "7.5", "2.0", "1e-05", "nan".
std::string python_float(double value);

/// json.dumps with its defaults: ", " and ": " between, everything beyond ASCII as \uXXXX (pairs
/// for astral characters), broken UTF-8 as \ufffd. Numbers that are not finite become null.
std::string python_json(const nlohmann::ordered_json& value);

}  // namespace invokeai::image
