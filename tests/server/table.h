#pragma once
// Reader of the tables in tests/server/tables: `input => expected`, one case a line; # begins a
// comment. \r \n \t \x1e and \xff stand for those bytes.

#include <gtest/gtest.h>

#include <fstream>
#include <string>
#include <string_view>
#include <vector>

namespace invokeai::server {

struct TableCase {
  std::string line, input, expected;
};

inline std::string unescaped(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const std::string_view rest = text.substr(i);
    if (rest.starts_with("\\x1e") || rest.starts_with("\\xff")) {
      out += rest[2] == '1' ? '\x1e' : '\xff';
      i += 3;
    } else if (rest.starts_with("\\r") || rest.starts_with("\\n") || rest.starts_with("\\t")) {
      out += rest[1] == 'r' ? '\r' : rest[1] == 'n' ? '\n' : '\t';
      ++i;
    } else {
      out += text[i];
    }
  }
  return out;
}

inline std::vector<TableCase> read_table(const std::string& file) {
  std::ifstream stream(std::string(INVOKEAI_TEST_DATA) + "/server/tables/" + file);
  std::vector<TableCase> cases;
  for (std::string line; std::getline(stream, line);) {
    const std::size_t arrow = line.find(" =>");
    if (line.starts_with('#') || arrow == std::string::npos) continue;
    const std::string expected = line.size() > arrow + 4 ? line.substr(arrow + 4) : "";
    cases.push_back({line, unescaped(line.substr(0, arrow)), unescaped(expected)});
  }
  EXPECT_FALSE(cases.empty()) << file;
  return cases;
}

/// The parts between separators, without blanks around them.
inline std::vector<std::string> split(std::string_view text, std::string_view separator) {
  std::vector<std::string> parts;
  for (bool more = true; more;) {
    const std::size_t end = text.find(separator);
    more = end != std::string_view::npos;
    std::string_view part = text.substr(0, end);
    while (part.starts_with(' ')) part.remove_prefix(1);
    while (part.ends_with(' ')) part.remove_suffix(1);
    parts.emplace_back(part);
    if (more) text.remove_prefix(end + separator.size());
  }
  return parts;
}

/// "! part of the message" against an error.
template <class T>
void expect_error(const Result<T>& result, const TableCase& c) {
  ASSERT_FALSE(result) << c.line;
  EXPECT_NE(result.error().message.find(c.expected.substr(2)), std::string::npos)
      << c.line << '\n' << result.error().message;
}

}  // namespace invokeai::server
