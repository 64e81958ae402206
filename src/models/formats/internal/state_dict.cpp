#include "models/formats/internal/state_dict.h"

#include "models/formats/internal/wording.h"

namespace invokeai::models {
namespace {

constexpr const char* kOrigin = "torch.read";
// Depth and sums: a few bytes of pickle can refer to the same dict along very many paths.
constexpr int kMaxDepth = 16;
constexpr std::size_t kMaxVisits = 1'000'000;
constexpr std::size_t kMaxNameBytes = 64 << 20;
constexpr std::size_t kMaxMetadataText = 1 << 16;

class Flattener {
 public:
  Flattener(const PickleDocument& document, const StorageReader& reader, const std::string& name)
      : document_(document), reader_(reader) {
    source_.name = name;
  }

  Result<TensorSource> run() {
    TRY_ASSIGN(const PickleValue* root, unwrap());
    if (root->kind == PickleKind::tensor) {
      TRY_VOID(add_tensor("tensor", *root));
    } else {
      TRY_VOID(visit("", *root, 0));
    }
    if (!document_.unknown_objects.empty())
      source_.metadata["unknown_objects"] =
          fmt::format("{}", fmt::join(document_.unknown_objects, ", "));
    return std::move(source_);
  }

 private:
  /// Goes down through "state_dict" entries, keeping the numbers and texts that stand beside them.
  Result<const PickleValue*> unwrap() {
    const PickleValue* root = &document_.at(document_.root);
    for (int level = 0;; ++level) {
      const PickleValue* inner = document_.find(*root, "state_dict");
      if (inner == nullptr || inner->kind != PickleKind::dict) return root;
      if (level == kMaxDepth)
        return fail(ErrorCode::bad_file, kOrigin, "{}: state_dict is nested more than {} times",
                    source_.name, kMaxDepth);
      for (std::size_t i = 0; i + 1 < root->items.size(); i += 2) {
        const auto key = key_text(document_.at(root->items[i]));
        if (key) TRY_VOID(add_scalar(*key, document_.at(root->items[i + 1])));
      }
      root = inner;
    }
  }

  static std::optional<std::string> key_text(const PickleValue& key) {
    if (key.kind == PickleKind::text) return key.text;
    if (key.kind == PickleKind::integer) return std::to_string(key.integer);
    return {};
  }

  Result<> visit(const std::string& path, const PickleValue& value, int depth) {
    if (++visits_ > kMaxVisits || depth > kMaxDepth)
      return fail(ErrorCode::unsupported, kOrigin,
                  "{}: the dicts at {} are nested more than {} deep or have more than {} entries",
                  source_.name, in_quotes(path), kMaxDepth, kMaxVisits);
    switch (value.kind) {
      case PickleKind::tensor:
        return add_tensor(path, value);
      case PickleKind::dict:
        return visit_dict(path, value, depth);
      case PickleKind::opaque:
        return visit_module(path, value, depth);
      case PickleKind::list:
      case PickleKind::tuple:
        for (std::size_t i = 0; i < value.items.size(); ++i) {
          const PickleValue& item = document_.at(value.items[i]);
          if (holds_tensors(item)) TRY_VOID(visit(join(path, std::to_string(i)), item, depth + 1));
        }
        return {};
      default:
        return add_scalar(path, value);
    }
  }

  /// Numbers in lists (sizes, schedules) are nobody's metadata.
  static bool holds_tensors(const PickleValue& value) {
    return value.kind == PickleKind::tensor || value.kind == PickleKind::dict ||
           value.kind == PickleKind::opaque || value.kind == PickleKind::list ||
           value.kind == PickleKind::tuple;
  }

  Result<> visit_dict(const std::string& path, const PickleValue& dict, int depth) {
    for (std::size_t i = 0; i + 1 < dict.items.size(); i += 2) {
      const auto key = key_text(document_.at(dict.items[i]));
      if (key) TRY_VOID(visit(join(path, *key), document_.at(dict.items[i + 1]), depth + 1));
    }
    return {};
  }

  /// torch modules (ParameterDict, or a whole network) keep their tensors in these attributes.
  Result<> visit_module(const std::string& path, const PickleValue& module, int depth) {
    if (module.state == kNoPickleValue) return {};
    for (const char* attribute : {"_parameters", "_buffers", "_modules"}) {
      const PickleValue* members = document_.find(document_.at(module.state), attribute);
      if (members != nullptr && members->kind == PickleKind::dict)
        TRY_VOID(visit(path, *members, depth + 1));
    }
    return {};
  }

  std::string join(const std::string& path, const std::string& key) const {
    return path.empty() ? key : path + '.' + key;
  }

  Result<> count_name(const std::string& path) {
    name_bytes_ += path.size();
    if (name_bytes_ <= kMaxNameBytes) return {};
    return fail(ErrorCode::unsupported, kOrigin, "{}: the tensor names take more than {} bytes",
                source_.name, kMaxNameBytes);
  }

  Result<> add_scalar(const std::string& path, const PickleValue& value) {
    std::string text;
    switch (value.kind) {
      case PickleKind::boolean:
        text = value.integer != 0 ? "true" : "false";
        break;
      case PickleKind::integer:
        text = std::to_string(value.integer);
        break;
      case PickleKind::real:
        text = fmt::format("{}", value.real);
        break;
      case PickleKind::text:
        if (value.text.size() > kMaxMetadataText) return {};
        text = value.text;
        break;
      default:
        return {};
    }
    TRY_VOID(count_name(path));
    name_bytes_ += text.size();
    source_.metadata[path] = std::move(text);
    return {};
  }

  Result<> add_tensor(const std::string& path, const PickleValue& value) {
    TRY_VOID(count_name(path));
    const PickleTensor& tensor = document_.tensors[static_cast<std::size_t>(value.integer)];
    const PickleStorage& storage = document_.storages[tensor.storage];
    if (!tensor.dtype)
      return fail(ErrorCode::unsupported, kOrigin,
                  "{}: tensor {} has an element type ({}) that models do not use", source_.name,
                  in_quotes(path), storage.type);
    TensorView view{*tensor.dtype, tensor.shape, tensor.strides, {}, nullptr};
    TRY_ASSIGN(OwnedBytes stored, reader_(storage));
    if (view.element_count() > 0) {
      const std::size_t element = element_size(view.dtype);
      std::size_t last = 0;  // the reader of the pickle has checked that these sums fit
      for (std::size_t d = 0; d < view.shape.size(); ++d)
        last += static_cast<std::size_t>((view.shape[d] - 1) * view.strides[d]);
      const std::size_t start = static_cast<std::size_t>(tensor.offset) * element;
      view.data = stored.bytes.subspan(start, (last + 1) * element);
    }
    view.owner = std::move(stored.owner);
    if (view.contiguous()) view.strides.clear();
    const bool is_new = source_.tensors.insert_or_assign(path, std::move(view)).second;
    if (is_new) source_.order.push_back(path);
    return {};
  }

  const PickleDocument& document_;
  const StorageReader& reader_;
  TensorSource source_;
  std::size_t visits_ = 0;
  std::size_t name_bytes_ = 0;
};

}  // namespace

Result<TensorSource> source_from_pickle(const PickleDocument& document, const StorageReader& reader,
                                        const std::string& name) {
  return Flattener(document, reader, name).run();
}

}  // namespace invokeai::models
