#include "base/result.h"

#include <gtest/gtest.h>

#include <memory>
#include <set>

namespace invokeai {
namespace {

Result<int> half(int number) {
  if (number % 2 != 0)
    return fail(ErrorCode::invalid_argument, "half", "wanted an even number, got {}", number);
  return number / 2;
}

Result<int> quarter(int number) {
  TRY_ASSIGN(const int once, half(number));
  TRY_ASSIGN(const int twice, half(once));
  return twice;
}

Result<> check_quarter(int number, bool& reached_end) {
  TRY_VOID(quarter(number));
  reached_end = true;
  return {};
}

TEST(Result, CarriesTheValueThrough) {
  EXPECT_EQ(quarter(12).value(), 3);
  bool reached_end = false;
  EXPECT_TRUE(check_quarter(12, reached_end));
  EXPECT_TRUE(reached_end);
}

TEST(Result, PassesTheFirstErrorOn) {
  const auto result = quarter(6);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ErrorCode::invalid_argument);
  EXPECT_EQ(result.error().message, "wanted an even number, got 3");
  bool reached_end = false;
  EXPECT_EQ(check_quarter(7, reached_end).error().message, "wanted an even number, got 7");
  EXPECT_FALSE(reached_end);
}

TEST(Result, MovesValuesThatCannotBeCopied) {
  const auto make = []() -> Result<std::unique_ptr<int>> { return std::make_unique<int>(5); };
  const auto use = [&]() -> Result<int> {
    TRY_ASSIGN(const std::unique_ptr<int> value, make());
    return *value;
  };
  EXPECT_EQ(use().value(), 5);
}

TEST(Error, TextNamesTheOriginIfThereIsOne) {
  EXPECT_EQ((Error{ErrorCode::io, "png.write", "cannot open x"}.text()),
            "[png.write] cannot open x");
  EXPECT_EQ((Error{ErrorCode::io, "", "cannot open x"}.text()), "cannot open x");
}

TEST(Error, EveryCodeHasAnOwnNameAndAnExitStatus) {
  std::set<std::string> names;
  for (int code = 0; code <= static_cast<int>(ErrorCode::internal); ++code) {
    names.insert(error_code_name(static_cast<ErrorCode>(code)));
    EXPECT_NE(exit_status(static_cast<ErrorCode>(code)), 0);
  }
  EXPECT_EQ(names.size(), static_cast<std::size_t>(ErrorCode::internal) + 1);
  EXPECT_EQ(exit_status(ErrorCode::invalid_argument), 2);
  EXPECT_EQ(exit_status(ErrorCode::io), 1);
}

TEST(CheckDeathTest, PrintsBothValues) {
  testing::GTEST_FLAG(death_test_style) = "threadsafe";
  const int rows = 3;
  EXPECT_DEATH(INVOKEAI_CHECK_EQ(rows, 4), "rows == 4: 3 != 4");
  EXPECT_DEATH(INVOKEAI_CHECK(rows > 5), "rows > 5");
  INVOKEAI_CHECK_EQ(rows, 3);
}

}  // namespace
}  // namespace invokeai
