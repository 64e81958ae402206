#pragma once
// The one settings table. Every setting of every door is declared once, in settings_table.cpp:
// its switches, wire name, type, range, default and help. Command line, prompt line, request
// validation and the help pages all read it.

#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.h"

namespace invokeai {

enum class SettingType { flag, integer, real, text, path, words, reals, integers };

/// What becomes of a setting that is given at some place.
enum class Use {
  none,     ///< it does not exist there
  works,    ///< it does what its help says
  ignored,  ///< it is accepted without effect; `note` tells the user why
  refused,  ///< it is an error, because doing without would give another result; `note` says what
};

enum class SettingGroup {
  general,
  model,
  output,
  rendering,
  img2img,
  outpainting,
  postprocessing,
  variations,
  server
};

struct Setting {
  std::string_view name;      ///< wire name: JSON, metadata, --fnformat, e.g. "cfg_scale"
  std::string_view flags;     ///< all spellings, the one to show first: "--steps -s"
  std::string_view off = {};  ///< spellings that switch a flag off: "--no-grid"
  SettingType type = SettingType::flag;
  SettingGroup group = SettingGroup::general;
  Use launch = Use::none;          ///< on the command line and in invokeai.init
  Use prompt = Use::none;          ///< behind a prompt
  bool fix = false;                ///< works behind `!fix FILE`, whatever it does behind a prompt
  std::string_view fallback = {};  ///< value when it is not given, as typed; empty: none
  std::string_view help = {};
  double low = -std::numeric_limits<double>::infinity();  ///< allowed range, both ends included
  double high = std::numeric_limits<double>::infinity();
  bool low_open = false;          ///< the value `low` itself is not allowed
  int multiple = 1;               ///< whole numbers must be a multiple of this
  std::string_view choices = {};  ///< texts: the allowed words, separated by blanks
  int min_values = 1;             ///< lists only
  int max_values = 1;             ///< lists only; 0: any number
  std::string_view note = {};     ///< see Use
};

/// flag: bool; integer: int64; real: double; text, path: string; words: strings; reals, integers:
/// doubles.
using SettingValue = std::variant<bool, std::int64_t, double, std::string, std::vector<std::string>,
                                  std::vector<double>>;

/// All settings, in the order of the help pages.
std::span<const Setting> all_settings();

/// The setting with this wire name; asking for one that does not exist is our bug.
const Setting& setting(std::string_view name);

/// The words a text setting may be, in the table's order; empty when it is free.
std::vector<std::string> choices_of(const Setting& setting);

/// What is accepted, for messages and help: "a whole number from 1 to 999".
std::string wanted(const Setting& setting);

/// User text for a one-line message: in quotes, shortened, control characters replaced.
std::string shown(std::string_view text);

/// Reads the words given for a setting. `flag` is the spelling to blame in the message.
/// Errors: invalid_argument when a word has the wrong type, range or spelling.
Result<SettingValue> parse_value(const Setting& setting, std::string_view flag,
                                 std::span<const std::string> words);

/// Checks range, multiple and choices of a value that came from elsewhere (JSON, a request).
Result<> check_value(const Setting& setting, std::string_view flag, const SettingValue& value);

/// The table's default, none if the setting has none.
std::optional<SettingValue> default_value(const Setting& setting);

/// Values that were given, by wire name. The typed getters fall back to the table's default and
/// then to zero or the empty text.
class SettingValues {
 public:
  bool has(std::string_view name) const { return values_.contains(name); }
  void set(std::string_view name, SettingValue value);
  void erase(std::string_view name);
  /// Takes over everything that `stronger` holds.
  void merge(const SettingValues& stronger);

  bool flag(std::string_view name) const { return get<bool>(name); }
  std::int64_t integer(std::string_view name) const { return get<std::int64_t>(name); }
  double real(std::string_view name) const { return get<double>(name); }
  std::string text(std::string_view name) const { return get<std::string>(name); }
  std::vector<std::string> words(std::string_view name) const {
    return get<std::vector<std::string>>(name);
  }
  std::vector<double> numbers(std::string_view name) const {
    return get<std::vector<double>>(name);
  }

  const std::map<std::string, SettingValue, std::less<>>& given() const { return values_; }

 private:
  template <class T>
  T get(std::string_view name) const;
  std::map<std::string, SettingValue, std::less<>> values_;
};

enum class HelpPage { launch, prompt };

/// The help text of one place, grouped, one to three lines a setting.
std::string help_page(HelpPage page);

}  // namespace invokeai
