#include "image/python_text.h"

#include <gtest/gtest.h>

#include <limits>
#include <nlohmann/json.hpp>

namespace invokeai::image {
namespace {

TEST(PythonText, FloatsPrintAsRepr) {
  const std::pair<double, const char*> cases[] = {{7.5, "7.5"},
                                                  {2, "2.0"},
                                                  {0, "0.0"},
                                                  {-0.0, "-0.0"},
                                                  {1e-5, "1e-05"},
                                                  {0.0001, "0.0001"},
                                                  {0.1, "0.1"},
                                                  {1e16, "1e+16"},
                                                  {1e15, "1000000000000000.0"},
                                                  {1.5e300, "1.5e+300"},
                                                  {1.0 / 3, "0.3333333333333333"},
                                                  {123456.789, "123456.789"},
                                                  {-2.5e-7, "-2.5e-07"},
                                                  {5e-324, "5e-324"},
                                                  {9007199254740993.0, "9007199254740992.0"}};
  for (const auto& [value, text] : cases) EXPECT_EQ(python_float(value), text);
  EXPECT_EQ(python_float(std::numeric_limits<double>::infinity()), "inf");
  EXPECT_EQ(python_float(std::numeric_limits<double>::quiet_NaN()), "nan");
}

TEST(PythonText, JsonHasPythonsSeparatorsAndEscapes) {
  const nlohmann::ordered_json value = {
      {"b", {1, -2, 2.0, nullptr, true}},
      {"a", "quote \" slash \\ tab \t bell \a del \x7F é 語 🐈"},
      {"empty",
       {{"list", nlohmann::ordered_json::array()}, {"object", nlohmann::ordered_json::object()}}}};
  EXPECT_EQ(
      python_json(value),
      "{\"b\": [1, -2, 2.0, null, true], \"a\": \"quote \\\" slash \\\\ tab \\t bell \\u0007 del "
      "\x7F \\u00e9 \\u8a9e \\ud83d\\udc08\", \"empty\": {\"list\": [], \"object\": {}}}");
}

TEST(PythonText, BrokenUtf8AndInfinityStayValidJson) {
  EXPECT_EQ(python_json("a\xFF"), "\"a\\ufffd\"");
  EXPECT_EQ(python_json(std::numeric_limits<double>::infinity()), "null");
}

}  // namespace
}  // namespace invokeai::image
