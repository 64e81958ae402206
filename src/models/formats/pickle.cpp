#include "models/formats/pickle.h"

#include <bit>
#include <charconv>

#include "models/formats/internal/pickle_machine.h"
#include "models/formats/internal/wording.h"

namespace invokeai::models {
namespace {

// A training checkpoint with optimiser state needs about 200,000 values.
constexpr std::size_t kMaxValues = 1'000'000;
constexpr std::size_t kMaxStack = 4'000'000;
constexpr std::size_t kMaxOpcodes = 50'000'000;
constexpr std::size_t kMaxCopied = 64 << 20;
constexpr std::size_t kMark = SIZE_MAX;

/// All of `text` as a number, or nothing.
template <class T>
std::optional<T> parse_number(std::string_view text, int base = 10) {
  T number{};
  std::from_chars_result result{};
  if constexpr (std::is_floating_point_v<T>)
    result = std::from_chars(text.data(), text.data() + text.size(), number);
  else
    result = std::from_chars(text.data(), text.data() + text.size(), number, base);
  if (result.ec != std::errc() || result.ptr != text.data() + text.size()) return {};
  return number;
}

void append_utf8(std::string& out, std::uint32_t code) {
  if (code < 0x80) {
    out += static_cast<char>(code);
  } else if (code < 0x800) {
    out += static_cast<char>(0xC0 | code >> 6);
    out += static_cast<char>(0x80 | (code & 0x3F));
  } else if (code < 0x10000) {
    out += static_cast<char>(0xE0 | code >> 12);
    out += static_cast<char>(0x80 | (code >> 6 & 0x3F));
    out += static_cast<char>(0x80 | (code & 0x3F));
  } else {
    out += static_cast<char>(0xF0 | code >> 18);
    out += static_cast<char>(0x80 | (code >> 12 & 0x3F));
    out += static_cast<char>(0x80 | (code >> 6 & 0x3F));
    out += static_cast<char>(0x80 | (code & 0x3F));
  }
}

/// Two's complement, little-endian, at most 8 bytes.
std::int64_t signed_little_endian(Bytes bytes) {
  std::uint64_t bits = 0;
  for (std::size_t i = 0; i < bytes.size(); ++i) bits |= std::uint64_t{bytes[i]} << (8 * i);
  if (!bytes.empty() && bytes.size() < 8 && bytes.back() >= 0x80) bits |= ~0ULL << 8 * bytes.size();
  return static_cast<std::int64_t>(bits);
}

}  // namespace

const PickleValue* PickleDocument::find(const PickleValue& dict, std::string_view key) const {
  if (dict.kind != PickleKind::dict) return nullptr;
  for (std::size_t i = dict.items.size(); i >= 2; i -= 2) {
    const PickleValue& name = at(dict.items[i - 2]);
    if (name.kind == PickleKind::text && name.text == key) return &at(dict.items[i - 1]);
  }
  return nullptr;
}

Result<PickleDocument> read_pickle(std::span<const std::uint8_t> bytes,
                                   const PickleOrigin& origin) {
  return PickleMachine(bytes, origin).run();
}

Result<PickleDocument> PickleMachine::run() {
  for (std::size_t opcodes = 0; position_ < bytes_.size(); ++opcodes) {
    opcode_at_ = position_;
    const std::uint8_t opcode = bytes_[position_++];
    if (opcode == '.') {  // STOP
      if (!pop(document_.root)) break;
      document_.end = position_;
      return std::move(document_);
    }
    if (opcodes == kMaxOpcodes) {
      unsupported("the pickle has more than {} instructions; refused", kMaxOpcodes);
      break;
    }
    if (!step(opcode)) break;
  }
  if (!error_) {
    opcode_at_ = position_;
    bad("the pickle ends without its STOP; download incomplete?");
  }
  return tl::make_unexpected(std::move(*error_));
}

bool PickleMachine::step(std::uint8_t opcode) {
  switch (opcode) {
    case 'N':
      return push_kind(PickleKind::none);
    case 0x88:
      return push_boolean(true);
    case 0x89:
      return push_boolean(false);
    case 'K':
      return binary_integer(1, false);
    case 'M':
      return binary_integer(2, false);
    case 'J':
      return binary_integer(4, true);
    case 0x8A:
      return long_integer(1);
    case 0x8B:
      return long_integer(4);
    case 'G':
      return binary_real();
    case 0x8C:
      return counted_text(1, PickleKind::text);
    case 'X':
      return counted_text(4, PickleKind::text);
    case 0x8D:
      return counted_text(8, PickleKind::text);
    case 'C':
      return counted_text(1, PickleKind::bytes);
    case 'B':
      return counted_text(4, PickleKind::bytes);
    case 0x8E:
      return counted_text(8, PickleKind::bytes);
    // Strings of Python 2 were bytes and text in one; names in old checkpoints are such.
    case 'U':
      return counted_text(1, PickleKind::none);
    case 'T':
      return counted_text(4, PickleKind::none);
    case '(':
      marks_.push_back(stack_.size());
      return true;
    case '0':
      return pop_or_unmark();
    case ')':
      return push_kind(PickleKind::tuple);
    case ']':
      return push_kind(PickleKind::list);
    case '}':
      return push_kind(PickleKind::dict);
    case 0x8F:
      return push_kind(PickleKind::set);
    case 't':
      return collect(PickleKind::tuple);
    case 'l':
      return collect(PickleKind::list);
    case 'd':
      return collect(PickleKind::dict);
    case 0x91:
      return collect(PickleKind::set);
    case 0x85:
      return short_tuple(1);
    case 0x86:
      return short_tuple(2);
    case 0x87:
      return short_tuple(3);
    case 'a':
      return append(1, PickleKind::list, "APPEND");
    case 'e':
      return append(kMark, PickleKind::list, "APPENDS");
    case 0x90:
      return append(kMark, PickleKind::set, "ADDITEMS");
    case 's':
      return append(2, PickleKind::dict, "SETITEM");
    case 'u':
      return append(kMark, PickleKind::dict, "SETITEMS");
    case 'c':
      return global_from_lines();
    case 0x93:
      return global_from_stack();
    case 'i':
      return instance_opcode();
    case 'R':
      return reduce();
    case 0x81:
      return new_object(false);
    case 0x92:
      return new_object(true);
    case 'b':
      return build();
    case 'Q':
      return persistent_id();
    case 0x80:
      return protocol();
    case 0x95:
      return frame();
    default:
      return step_text_form(opcode);
  }
}

bool PickleMachine::step_text_form(std::uint8_t opcode) {
  std::string_view line;
  switch (opcode) {
    case 'S':
      return quoted_string();
    case 'V':
      return escaped_unicode();
    case 'I':
    case 'L': {
      if (!take_line(line)) return false;
      if (opcode == 'I' && (line == "00" || line == "01")) return push_boolean(line == "01");
      if (opcode == 'L' && line.ends_with('L')) line.remove_suffix(1);
      const auto number = parse_number<std::int64_t>(line);
      return number ? push_integer(*number) : bad("{} is not a whole number", in_quotes(line));
    }
    case 'F': {
      if (!take_line(line)) return false;
      const auto number = parse_number<double>(line);
      return number ? push_real(*number) : bad("{} is not a number", in_quotes(line));
    }
    default:
      return step_memo(opcode);
  }
}

bool PickleMachine::step_memo(std::uint8_t opcode) {
  std::uint64_t index = 0;
  std::string_view line;
  Ids dropped;
  switch (opcode) {
    case 'q':
      return take_number(1, index) && put(index);
    case 'r':
      return take_number(4, index) && put(index);
    case 'h':
      return take_number(1, index) && get(index);
    case 'j':
      return take_number(4, index) && get(index);
    case 0x94:
      return put(memo_.size());
    case 'p':
    case 'g': {
      if (!take_line(line)) return false;
      const auto number = parse_number<std::uint64_t>(line);
      if (!number) return bad("{} is not a memo number", in_quotes(line));
      return opcode == 'p' ? put(*number) : get(*number);
    }
    case '1':
      return pop_mark(dropped);
    case '2': {
      PickleId id;
      return top(id) && push_id(id);
    }
    default:
      return unsupported("instruction 0x{:02x} is not one that model files use; refused", opcode);
  }
}

// ---- input

bool PickleMachine::take(std::uint64_t length, Bytes& out) {
  const std::size_t left = bytes_.size() - position_;
  if (length > left) return bad("wanted {} bytes, {} are left; download incomplete?", length, left);
  out = bytes_.subspan(position_, length);
  position_ += length;
  return true;
}

bool PickleMachine::take_number(std::size_t length, std::uint64_t& out) {
  Bytes bytes;
  if (!take(length, bytes)) return false;
  out = 0;
  for (std::size_t i = 0; i < length; ++i) out |= std::uint64_t{bytes[i]} << (8 * i);
  return true;
}

bool PickleMachine::take_line(std::string_view& out) {
  const std::string_view rest = as_text(bytes_.subspan(position_));
  const std::size_t length = rest.find('\n');
  if (length == std::string_view::npos) return bad("a text line has no end");
  out = rest.substr(0, length);
  position_ += length + 1;
  return true;
}

// ---- stack

bool PickleMachine::push(PickleValue value) {
  if (document_.values.size() == kMaxValues)
    return unsupported("the pickle has more than {} values; refused", kMaxValues);
  document_.values.push_back(std::move(value));
  return push_id(static_cast<PickleId>(document_.values.size() - 1));
}

bool PickleMachine::push_id(PickleId id) {
  if (stack_.size() == kMaxStack)
    return unsupported("the pickle stacks more than {} values; refused", kMaxStack);
  stack_.push_back(id);
  return true;
}

bool PickleMachine::push_boolean(bool value) {
  return push({.kind = PickleKind::boolean, .integer = value});
}

bool PickleMachine::push_integer(std::int64_t value) {
  return push({.kind = PickleKind::integer, .integer = value});
}

bool PickleMachine::push_real(double value) {
  return push({.kind = PickleKind::real, .real = value});
}

bool PickleMachine::push_text(PickleKind kind, std::string_view text) {
  if (kind == PickleKind::none) kind = valid_utf8(text) ? PickleKind::text : PickleKind::bytes;
  if (kind == PickleKind::text && !valid_utf8(text))
    return bad("a text of {} bytes is not UTF-8", text.size());
  return push({.kind = kind, .text = std::string(text)});
}

bool PickleMachine::top(PickleId& id) {
  if (stack_.size() == (marks_.empty() ? 0 : marks_.back()))
    return bad("an instruction needs a value, the stack is empty");
  id = stack_.back();
  return true;
}

bool PickleMachine::pop(PickleId& id) {
  if (!top(id)) return false;
  stack_.pop_back();
  return true;
}

bool PickleMachine::pop_mark(Ids& items) {
  if (marks_.empty()) return bad("an instruction needs a MARK, there is none");
  items.assign(stack_.begin() + static_cast<std::ptrdiff_t>(marks_.back()), stack_.end());
  stack_.resize(marks_.back());
  marks_.pop_back();
  return true;
}

bool PickleMachine::pop_or_unmark() {
  PickleId id;
  if (marks_.empty() || stack_.size() > marks_.back()) return pop(id);
  marks_.pop_back();
  return true;
}

bool PickleMachine::charge(std::size_t bytes) {
  copied_ += bytes;
  return copied_ <= kMaxCopied ||
         unsupported("the pickle copies more than {} bytes of its own values; refused", kMaxCopied);
}

bool PickleMachine::put(std::uint64_t index) {
  PickleId id;
  if (!top(id)) return false;
  memo_[index] = id;
  return memo_.size() <= kMaxValues ||
         unsupported("the pickle remembers more than {} values; refused", kMaxValues);
}

bool PickleMachine::get(std::uint64_t index) {
  const auto found = memo_.find(index);
  return found != memo_.end() ? push_id(found->second) : bad("memo {} was never set", index);
}

// ---- plain values

bool PickleMachine::protocol() {
  std::uint64_t version = 0;
  if (!take_number(1, version)) return false;
  return version <= 5 || unsupported("pickle protocol {}, known are 0 to 5", version);
}

bool PickleMachine::frame() {
  std::uint64_t length = 0;
  if (!take_number(8, length)) return false;
  const std::size_t left = bytes_.size() - position_;
  return length <= left ||
         bad("a frame of {} bytes, {} are left; download incomplete?", length, left);
}

bool PickleMachine::binary_integer(std::size_t length, bool is_signed) {
  Bytes bytes;
  if (!take(length, bytes)) return false;
  std::uint64_t bits = 0;
  for (std::size_t i = 0; i < length; ++i) bits |= std::uint64_t{bytes[i]} << (8 * i);
  return push_integer(is_signed ? signed_little_endian(bytes) : static_cast<std::int64_t>(bits));
}

bool PickleMachine::long_integer(std::size_t length_bytes) {
  std::uint64_t length = 0;
  Bytes bytes;
  if (!take_number(length_bytes, length) || !take(length, bytes)) return false;
  if (length <= 8) return push_integer(signed_little_endian(bytes));
  return push_text(PickleKind::big_integer, as_text(bytes));
}

bool PickleMachine::binary_real() {
  Bytes bytes;
  if (!take(8, bytes)) return false;
  std::uint64_t bits = 0;
  for (const std::uint8_t byte : bytes) bits = bits << 8 | byte;
  return push_real(std::bit_cast<double>(bits));
}

bool PickleMachine::counted_text(std::size_t length_bytes, PickleKind kind) {
  std::uint64_t length = 0;
  Bytes bytes;
  if (!take_number(length_bytes, length) || !take(length, bytes)) return false;
  return push_text(kind, as_text(bytes));
}

/// A Python literal such as 'a\'b\x00', protocol 0's string.
bool PickleMachine::quoted_string() {
  std::string_view line;
  if (!take_line(line)) return false;
  const char mark = line.empty() ? '\0' : line.front();
  if (line.size() < 2 || (mark != '\'' && mark != '"') || line.back() != mark)
    return bad("a string has no quotes");
  line = line.substr(1, line.size() - 2);
  std::string text;
  for (std::size_t i = 0; i < line.size(); ++i) {
    if (line[i] != '\\') {
      text += line[i];
      continue;
    }
    const char kind = ++i < line.size() ? line[i] : '\0';
    const auto code = kind == 'x' && i + 2 < line.size()
                          ? parse_number<std::uint8_t>(line.substr(i + 1, 2), 16)
                          : std::nullopt;
    if (code) {
      text += static_cast<char>(*code);
      i += 2;
    } else if (kind == 'n' || kind == 't' || kind == 'r') {
      text += kind == 'n' ? '\n' : kind == 't' ? '\t' : '\r';
    } else if (kind == '\\' || kind == '\'' || kind == '"') {
      text += kind;
    } else {
      return bad("a string has a malformed escape");
    }
  }
  return push_text(PickleKind::none, text);
}

/// Latin-1 with \uXXXX and \UXXXXXXXX, protocol 0's text.
bool PickleMachine::escaped_unicode() {
  std::string_view line;
  if (!take_line(line)) return false;
  std::string text;
  for (std::size_t i = 0; i < line.size(); ++i) {
    const bool escape = line[i] == '\\' && i + 1 < line.size();
    const std::size_t digits = !escape ? 0 : line[i + 1] == 'u' ? 4 : line[i + 1] == 'U' ? 8 : 0;
    if (digits == 0) {
      append_utf8(text, static_cast<std::uint8_t>(line[i]));
      continue;
    }
    const std::string_view hex = line.substr(i + 2, digits);
    const auto code = parse_number<std::uint32_t>(hex, 16);
    if (!code || hex.size() != digits || *code > 0x10FFFF)
      return bad("a text has a malformed escape");
    append_utf8(text, *code);
    i += 1 + digits;
  }
  return push_text(PickleKind::text, text);
}

// ---- containers

bool PickleMachine::collect(PickleKind kind) {
  Ids items;
  if (!pop_mark(items)) return false;
  if (kind == PickleKind::dict && items.size() % 2 != 0)
    return bad("a dict has a key without value");
  return push({.kind = kind, .items = std::move(items)});
}

bool PickleMachine::short_tuple(std::size_t count) {
  Ids items(count);
  for (std::size_t i = count; i-- > 0;)
    if (!pop(items[i])) return false;
  return push({.kind = PickleKind::tuple, .items = std::move(items)});
}

/// Adds the last `count` values, or those above the mark, to the container below them.
bool PickleMachine::append(std::size_t count, PickleKind wanted, const char* opcode) {
  Ids items(count == kMark ? 0 : count);
  if (count == kMark && !pop_mark(items)) return false;
  if (count != kMark)
    for (std::size_t i = count; i-- > 0;)
      if (!pop(items[i])) return false;
  PickleId target;
  if (!top(target)) return false;
  if (wanted == PickleKind::dict && items.size() % 2 != 0)
    return bad("{} has a key without value", opcode);
  PickleValue& container = document_.values[target];
  // What an unknown class does with items is its own affair; nothing of it is needed.
  if (container.kind == PickleKind::opaque) return true;
  if (container.kind != wanted) return bad("{} on something that takes no items", opcode);
  container.items.insert(container.items.end(), items.begin(), items.end());
  return true;
}

}  // namespace invokeai::models
