#include "models/formats/internal/pickle_globals.h"

#include <algorithm>
#include <array>
#include <span>
#include <utility>

namespace invokeai::models {
namespace {

using std::string_view;
using Named = std::pair<string_view, GlobalMeaning>;

constexpr auto kKnown = std::to_array<Named>({
    {"torch._utils._rebuild_tensor", GlobalMeaning::rebuild_tensor},
    {"torch._utils._rebuild_tensor_v2", GlobalMeaning::rebuild_tensor_v2},
    {"torch._utils._rebuild_tensor_v3", GlobalMeaning::rebuild_tensor_v3},
    {"torch._tensor._rebuild_from_type_v2", GlobalMeaning::rebuild_from_type},
    {"torch._utils._rebuild_parameter", GlobalMeaning::parameter},
    {"torch._utils._rebuild_parameter_with_state", GlobalMeaning::parameter},
    {"torch.nn.parameter.Parameter", GlobalMeaning::parameter},
    {"torch.nn.Parameter", GlobalMeaning::parameter},
    {"collections.OrderedDict", GlobalMeaning::ordered_dict},
    {"torch.Size", GlobalMeaning::tuple_of},
    {"builtins.set", GlobalMeaning::set_of},
    {"builtins.frozenset", GlobalMeaning::set_of},
    {"builtins.int", GlobalMeaning::number},
    {"builtins.float", GlobalMeaning::number},
    {"builtins.bool", GlobalMeaning::number},
    {"_codecs.encode", GlobalMeaning::encode},
    {"copyreg.__newobj__", GlobalMeaning::new_object},
    {"copyreg._reconstructor", GlobalMeaning::new_object},
    {"torch.storage._load_from_bytes", GlobalMeaning::nested_stream},
    {"argparse.Namespace", GlobalMeaning::harmless},
    {"builtins.bytearray", GlobalMeaning::harmless},
    {"builtins.complex", GlobalMeaning::harmless},
    {"builtins.dict", GlobalMeaning::harmless},
    {"builtins.list", GlobalMeaning::harmless},
    {"builtins.object", GlobalMeaning::harmless},
    {"builtins.slice", GlobalMeaning::harmless},
    {"builtins.str", GlobalMeaning::harmless},
    {"builtins.tuple", GlobalMeaning::harmless},
    {"collections.Counter", GlobalMeaning::harmless},
    {"collections.defaultdict", GlobalMeaning::harmless},
    {"collections.deque", GlobalMeaning::harmless},
    {"datetime.date", GlobalMeaning::harmless},
    {"datetime.datetime", GlobalMeaning::harmless},
    {"datetime.timedelta", GlobalMeaning::harmless},
    {"decimal.Decimal", GlobalMeaning::harmless},
    {"fractions.Fraction", GlobalMeaning::harmless},
    {"numpy.core.multiarray._reconstruct", GlobalMeaning::harmless},
    {"numpy.core.multiarray.scalar", GlobalMeaning::harmless},
    {"numpy._core.multiarray._reconstruct", GlobalMeaning::harmless},
    {"numpy._core.multiarray.scalar", GlobalMeaning::harmless},
    {"numpy.dtype", GlobalMeaning::harmless},
    {"numpy.ndarray", GlobalMeaning::harmless},
    {"torch.Tensor", GlobalMeaning::harmless},
    {"torch.device", GlobalMeaning::harmless},
    {"torch.serialization._get_layout", GlobalMeaning::harmless},
    {"torch.storage.TypedStorage", GlobalMeaning::harmless},
    {"uuid.UUID", GlobalMeaning::harmless},
});

/// Packages whose classes (names in capitals) occur as settings and bookkeeping in checkpoints.
constexpr auto kHarmlessClassesOf = std::to_array<string_view>({
    "lightning",
    "lightning_fabric",
    "lightning_utilities",
    "numpy.dtypes",
    "omegaconf",
    "pathlib",
    "pytorch_lightning",
    "torch.nn",
    "torch.optim",
    "typing",
});

/// Modules and functions whose only use in a model file is to run something, read or write files or
/// reach the network. Each also stands for everything below it.
constexpr auto kDangerous = std::to_array<string_view>({
    "_io",
    "_pickle",
    "_posixsubprocess",
    "_thread",
    "aiohttp",
    "asyncio",
    "bdb",
    "builtins.__import__",
    "builtins.apply",
    "builtins.breakpoint",
    "builtins.compile",
    "builtins.delattr",
    "builtins.eval",
    "builtins.exec",
    "builtins.execfile",
    "builtins.filter",
    "builtins.getattr",
    "builtins.globals",
    "builtins.input",
    "builtins.locals",
    "builtins.map",
    "builtins.open",
    "builtins.print",
    "builtins.reload",
    "builtins.setattr",
    "builtins.type",
    "builtins.vars",
    "cProfile",
    "cffi",
    "cloudpickle",
    "code",
    "codeop",
    "commands",
    "ctypes",
    "dill",
    "distutils",
    "doctest",
    "ensurepip",
    "ftplib",
    "functools",
    "glob",
    "http",
    "httplib",
    "httpx",
    "idlelib",
    "imp",
    "importlib",
    "inspect",
    "io",
    "joblib",
    "lib2to3",
    "linecache",
    "logging.config",
    "marshal",
    "multiprocessing",
    "nt",
    "ntpath",
    "numpy.distutils",
    "numpy.f2py",
    "numpy.load",
    "numpy.testing",
    "operator",
    "os",
    "pdb",
    "pickle",
    "pip",
    "pkgutil",
    "platform",
    "popen2",
    "posix",
    "posixpath",
    "profile",
    "pty",
    "pydoc",
    "requests",
    "runpy",
    "setuptools",
    "shelve",
    "shutil",
    "signal",
    "site",
    "smtplib",
    "socket",
    "socketserver",
    "ssl",
    "subprocess",
    "sys",
    "telnetlib",
    "tempfile",
    "threading",
    "timeit",
    "torch._dynamo",
    "torch._inductor",
    "torch.distributed.rpc",
    "torch.hub",
    "torch.jit",
    "torch.load",
    "torch.ops",
    "torch.package",
    "torch.serialization.load",
    "torch.utils.cpp_extension",
    "trace",
    "types",
    "urllib",
    "urllib2",
    "venv",
    "webbrowser",
    "xmlrpc",
    "zipimport",
});

/// Modules that stay dangerous when reached through another one ("package.os.system").
constexpr auto kDangerousAnywhere =
    std::to_array<string_view>({"builtins", "ctypes", "importlib", "nt", "os", "posix", "pty",
                                "runpy", "shutil", "socket", "subprocess", "sys"});

constexpr auto kModulesOfPython2 =
    std::to_array<std::pair<string_view, string_view>>({{"__builtin__", "builtins"},
                                                        {"copy_reg", "copyreg"},
                                                        {"cPickle", "pickle"},
                                                        {"UserDict", "collections"}});

constexpr auto kTorchDTypes = std::to_array<std::pair<string_view, std::optional<DType>>>({
    {"bfloat16", DType::bf16},
    {"bool", DType::boolean},
    {"complex128", std::nullopt},
    {"complex32", std::nullopt},
    {"complex64", std::nullopt},
    {"double", DType::f64},
    {"float", DType::f32},
    {"float16", DType::f16},
    {"float32", DType::f32},
    {"float64", DType::f64},
    {"float8_e4m3fn", DType::f8_e4m3},
    {"float8_e4m3fnuz", std::nullopt},
    {"float8_e5m2", DType::f8_e5m2},
    {"float8_e5m2fnuz", std::nullopt},
    {"half", DType::f16},
    {"int16", DType::i16},
    {"int32", DType::i32},
    {"int64", DType::i64},
    {"int8", DType::i8},
    {"uint16", DType::u16},
    {"uint32", DType::u32},
    {"uint64", DType::u64},
    {"uint8", DType::u8},
});

constexpr auto kStorages = std::to_array<std::pair<string_view, StorageClass>>({
    {"BFloat16Storage", {DType::bf16, 2}},
    {"BoolStorage", {DType::boolean, 1}},
    {"ByteStorage", {DType::u8, 1}},
    {"CharStorage", {DType::i8, 1}},
    {"ComplexDoubleStorage", {std::nullopt, 16, true}},
    {"ComplexFloatStorage", {std::nullopt, 8, true}},
    {"DoubleStorage", {DType::f64, 8}},
    {"FloatStorage", {DType::f32, 4}},
    {"HalfStorage", {DType::f16, 2}},
    {"IntStorage", {DType::i32, 4}},
    {"LongStorage", {DType::i64, 8}},
    {"ShortStorage", {DType::i16, 2}},
});

/// Second half of the row whose first half is `key`; null when there is none.
template <class Table>
auto find_in(const Table& table, string_view key) -> decltype(&table[0].second) {
  const auto found =
      std::find_if(table.begin(), table.end(), [&](const auto& row) { return row.first == key; });
  return found == table.end() ? nullptr : &found->second;
}

bool at_or_below(string_view name, string_view parent) {
  return name.starts_with(parent) && (name.size() == parent.size() || name[parent.size()] == '.');
}

bool below_any(string_view name, std::span<const string_view> parents) {
  return std::any_of(parents.begin(), parents.end(),
                     [&](string_view parent) { return at_or_below(name, parent); });
}

/// True when a part behind the first is a module that runs things, or an inner name such as
/// __globals__ by which one object reaches every other.
bool reaches_around(string_view name) {
  for (std::size_t dot = name.find('.'); dot != string_view::npos; dot = name.find('.')) {
    name.remove_prefix(dot + 1);
    const string_view part = name.substr(0, name.find('.'));
    if (part.starts_with("__")) return true;
    if (std::find(kDangerousAnywhere.begin(), kDangerousAnywhere.end(), part) !=
        kDangerousAnywhere.end())
      return true;
  }
  return false;
}

bool names_a_class(string_view full_name) {
  const string_view last = full_name.substr(full_name.rfind('.') + 1);
  return !last.empty() && last[0] >= 'A' && last[0] <= 'Z';
}

}  // namespace

std::string global_name(string_view module, string_view name) {
  if (const string_view* today = find_in(kModulesOfPython2, module)) module = *today;
  return std::string(module) + '.' + std::string(name);
}

GlobalMeaning meaning_of(string_view full_name) {
  if (const GlobalMeaning* known = find_in(kKnown, full_name)) return *known;
  if (storage_class_of(full_name)) return GlobalMeaning::storage_type;
  if (full_name.starts_with("torch.") && find_in(kTorchDTypes, full_name.substr(6)))
    return GlobalMeaning::dtype;
  if (below_any(full_name, kDangerous) || reaches_around(full_name))
    return GlobalMeaning::dangerous;
  if (names_a_class(full_name) && below_any(full_name, kHarmlessClassesOf))
    return GlobalMeaning::harmless;
  return GlobalMeaning::unknown;
}

std::optional<DType> dtype_of_global(string_view full_name) {
  if (!full_name.starts_with("torch.")) return {};
  const auto* dtype = find_in(kTorchDTypes, full_name.substr(6));
  return dtype == nullptr ? std::nullopt : *dtype;
}

std::optional<StorageClass> storage_class_of(string_view full_name) {
  if (full_name == "torch.storage.UntypedStorage" || full_name == "torch.UntypedStorage")
    return StorageClass{};
  for (const string_view prefix : {"torch.cuda.", "torch."}) {
    if (!full_name.starts_with(prefix)) continue;
    if (const auto* found = find_in(kStorages, full_name.substr(prefix.size()))) return *found;
  }
  return {};
}

}  // namespace invokeai::models
