#pragma once
// Reader of the prompt tables in tests/text/tables: blocks of lines, each with a mark in front.
//   # name of the case
//   option skip_normalize          (any number)
//   > the prompt                   (\n is a line end; `+> ` continues on a further line)
//   = the tree as describe() writes it
//   - the negative part, if it is not empty
//   ! columns of the notes, in order, if there are any
//   x a part of the error message, instead of a tree

#include <fstream>
#include <string>
#include <vector>

namespace invokeai::text {

struct PromptCase {
  std::string name, prompt, tree, error, columns;
  std::string negative = "FlattenedPrompt:[Fragment:''@1.0]";
  std::vector<std::string> options;
};

inline std::vector<PromptCase> read_prompt_table(const std::string& file) {
  std::ifstream stream(std::string(INVOKEAI_TEST_DATA) + "/text/tables/" + file);
  std::vector<PromptCase> cases;
  for (std::string line; std::getline(stream, line);) {
    const std::string rest = line.size() > 2 ? line.substr(2) : "";
    if (line.rfind("# ", 0) == 0) cases.emplace_back().name = rest;
    if (line.rfind("option ", 0) == 0) cases.back().options.push_back(line.substr(7));
    if (line.rfind(">", 0) == 0) cases.back().prompt = rest;
    if (line.rfind("+> ", 0) == 0) cases.back().prompt += '\n' + line.substr(3);
    if (line.rfind("= ", 0) == 0) cases.back().tree = rest;
    if (line.rfind("- ", 0) == 0) cases.back().negative = rest;
    if (line.rfind("! ", 0) == 0) cases.back().columns = rest;
    if (line.rfind("x ", 0) == 0) cases.back().error = rest;
  }
  return cases;
}

}  // namespace invokeai::text
