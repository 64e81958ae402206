#pragma once
// The stack machine behind read_pickle. pickle.cpp has the opcodes that build plain values,
// pickle_objects.cpp those that name, make and fill objects.

#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "models/formats/internal/bytes.h"
#include "models/formats/internal/pickle_globals.h"
#include "models/formats/pickle.h"

namespace invokeai::models {

/// Member functions that return bool return false after storing the error; callers pass it up.
class PickleMachine {
 public:
  PickleMachine(Bytes bytes, const PickleOrigin& origin) : bytes_(bytes), origin_(origin) {}
  Result<PickleDocument> run();

 private:
  using Ids = std::vector<PickleId>;

  // Opcodes, in groups. `step` sends each to one of the others.
  bool step(std::uint8_t opcode);
  bool step_text_form(std::uint8_t opcode);
  bool step_memo(std::uint8_t opcode);
  bool protocol();
  bool frame();
  bool long_integer(std::size_t length_bytes);
  bool binary_integer(std::size_t length, bool is_signed);
  bool binary_real();
  bool counted_text(std::size_t length_bytes, PickleKind kind);
  bool quoted_string();
  bool escaped_unicode();
  bool put(std::uint64_t index);
  bool get(std::uint64_t index);
  bool pop_or_unmark();
  bool collect(PickleKind kind);
  bool short_tuple(std::size_t count);
  bool append(std::size_t count, PickleKind wanted, const char* opcode);

  // Objects (pickle_objects.cpp).
  bool global(std::string_view module, std::string_view name);
  bool global_from_lines();
  bool global_from_stack();
  bool instance_opcode();
  bool persistent_id();
  bool storage_from(const Ids& parts);
  bool reduce();
  bool new_object(bool with_keywords);
  bool build();
  bool call(GlobalMeaning meaning, const std::string& name, const Ids& arguments);
  bool instance_of(PickleId cls, const Ids& arguments);
  bool rebuild_tensor(GlobalMeaning meaning, const Ids& arguments);
  bool rebuild_from_type(const Ids& arguments);
  bool parameter_from(const Ids& arguments);
  bool dict_from(const Ids& arguments);
  bool sequence_from(PickleKind kind, const Ids& arguments);
  bool encoded_bytes(const Ids& arguments);
  bool check_range(const PickleTensor& tensor, const PickleStorage& storage);
  bool opaque(const std::string& name, bool known);

  // Input.
  bool take(std::uint64_t length, Bytes& out);
  bool take_number(std::size_t length, std::uint64_t& out);
  bool take_line(std::string_view& out);

  // Stack.
  bool push(PickleValue value);
  bool push_id(PickleId id);
  bool push_kind(PickleKind kind) { return push({.kind = kind}); }
  bool push_boolean(bool value);
  bool push_integer(std::int64_t value);
  bool push_real(double value);
  bool push_text(PickleKind kind, std::string_view text);
  bool pop(PickleId& id);
  bool pop_mark(Ids& items);
  bool top(PickleId& id);
  /// Counts bytes that are copied from value to value: the only cost that a short pickle could
  /// otherwise make large, by copying one long list again and again.
  bool charge(std::size_t bytes);

  const PickleValue& value(PickleId id) const { return document_.values[id]; }
  std::optional<std::int64_t> integer(PickleId id) const;
  std::optional<std::vector<std::int64_t>> integers(PickleId id) const;

  template <class... Args>
  bool stop(ErrorCode code, const char* origin, fmt::format_string<Args...> format,
            Args&&... args) {
    error_ = Error{code, origin,
                   fmt::format("{}: byte {}: {}", origin_.name, origin_.base + opcode_at_,
                               fmt::format(format, std::forward<Args>(args)...))};
    return false;
  }
  template <class... Args>
  bool bad(fmt::format_string<Args...> format, Args&&... args) {
    return stop(ErrorCode::bad_file, "pickle.read", format, std::forward<Args>(args)...);
  }
  template <class... Args>
  bool unsupported(fmt::format_string<Args...> format, Args&&... args) {
    return stop(ErrorCode::unsupported, "pickle.read", format, std::forward<Args>(args)...);
  }
  bool forbidden(std::string_view name);

  Bytes bytes_;
  const PickleOrigin& origin_;
  PickleDocument document_;
  Ids stack_;
  std::vector<std::size_t> marks_;  ///< stack heights
  std::unordered_map<std::uint64_t, PickleId> memo_;
  std::size_t position_ = 0;
  std::size_t opcode_at_ = 0;
  std::size_t copied_ = 0;
  std::optional<Error> error_;
};

}  // namespace invokeai::models
