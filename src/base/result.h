#pragma once
// Results and errors: bad input travels as a value, see docs/ARCHITECTURE.md "Four kinds of failure".

#include <fmt/format.h>

#include <string>
#include <tl/expected.hpp>
#include <utility>

namespace invokeai {

/// What kind of failure this is; decides exit status, HTTP status and socket event in one table.
enum class ErrorCode {
  invalid_argument,  ///< a value the user gave is outside what is allowed
  not_found,         ///< a file, model or setting that was named does not exist
  bad_file,          ///< a file exists but its content is not what its format promises
  unsupported,       ///< well-formed, but something this program does not do
  io,                ///< reading or writing failed
  disk_full,         ///< no space left where the result should go
  out_of_memory,     ///< host or device memory ran out
  internal,          ///< our own mistake, reported instead of crashing
};

/// Name used in JSON and logs, e.g. "bad_file".
const char* error_code_name(ErrorCode code);

/// Exit status of a program that ends with this error: 2 for what the user typed, 1 otherwise.
int exit_status(ErrorCode code);

/// One failure. `message` says what was wanted, what came and what to do, in one line.
struct Error {
  ErrorCode code = ErrorCode::internal;
  std::string origin;   ///< where it was noticed, e.g. "safetensors.read"; may be empty
  std::string message;  ///< one line, no trailing full stop needed
  /// "[origin] message", or just the message when there is no origin.
  std::string text() const;
};

template <class T = void>
using Result = tl::expected<T, Error>;

/// Makes the failing side of a Result: `return fail(ErrorCode::io, "png.write", "cannot open {}", path);`
template <class... Args>
tl::unexpected<Error> fail(ErrorCode code, std::string origin, fmt::format_string<Args...> format,
                           Args&&... args) {
  return tl::make_unexpected(
      Error{code, std::move(origin), fmt::format(format, std::forward<Args>(args)...)});
}

/// Our own bug, never reachable by user input: prints both values and aborts.
[[noreturn]] void check_failed(const char* file, int line, const std::string& what);

}  // namespace invokeai

#define INVOKEAI_CONCAT_(a, b) a##b
#define INVOKEAI_CONCAT(a, b) INVOKEAI_CONCAT_(a, b)

/// TRY_ASSIGN(auto value, expression): unwraps a Result or returns its error from this function.
#define TRY_ASSIGN(declaration, expression) \
  TRY_ASSIGN_(INVOKEAI_CONCAT(try_result_, __LINE__), declaration, expression)
#define TRY_ASSIGN_(temporary, declaration, expression)                         \
  auto temporary = (expression);                                                \
  if (!temporary) return tl::make_unexpected(std::move(temporary).error());     \
  declaration = std::move(*temporary)

/// TRY_VOID(expression): returns the error from this function if the Result<> failed.
#define TRY_VOID(expression)                                                              \
  do {                                                                                    \
    auto try_result = (expression);                                                       \
    if (!try_result) return tl::make_unexpected(std::move(try_result).error());           \
  } while (false)

#define INVOKEAI_CHECK(condition)                                                            \
  do {                                                                              \
    if (!(condition)) ::invokeai::check_failed(__FILE__, __LINE__, #condition);     \
  } while (false)

#define INVOKEAI_CHECK_EQ(a, b)                                                                    \
  do {                                                                                    \
    const auto& check_a = (a);                                                            \
    const auto& check_b = (b);                                                            \
    if (!(check_a == check_b))                                                            \
      ::invokeai::check_failed(__FILE__, __LINE__,                                        \
                               fmt::format("{} == {}: {} != {}", #a, #b, check_a, check_b)); \
  } while (false)
