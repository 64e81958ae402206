// ComfyUI's `prompt`: {"id": {"class_type": "KSampler", "inputs": {"seed": 1, "positive": ["6", 0],
// ...}}, ...}. An input is a value or a link [id, output]. From the stored picture we go back to
// the sampler, from there to texts, size, model and initial image; what stands in between and is
// not understood is reported.

#include <algorithm>
#include <set>

#include "image/internal/readers.h"

namespace invokeai::image {
namespace {

constexpr int kMaxHops = 100;
constexpr int kMaxPasses = 10;

struct Node {
  std::string_view id;
  const Json* json = nullptr;
  explicit operator bool() const { return json != nullptr; }
  std::string type() const { return as_text(member(*json, "class_type")).value_or(""); }
  const Json& input(std::string_view name) const { return member(member(*json, "inputs"), name); }
};

bool is_sampler(const Node& node) {
  const std::string type = node.type();
  return type == "KSampler" || type == "KSamplerAdvanced";
}

class GraphReader {
 public:
  explicit GraphReader(const Json& graph) : graph_(graph) {}

  FoundMetadata read() {
    const Node sampler = first_pass();
    if (!sampler) {
      finding_.lose("it has no plain KSampler; only its first text was read");
      finding_.lose("the seed is not stored where we look for it");
      take_any_text();
      return finding_.take();
    }
    take_sampler(sampler);
    ImageMetadata& picture = finding_.picture();
    picture.prompt = text_behind(sampler.input("positive"));
    picture.negative_prompt = text_behind(sampler.input("negative"));
    picture.prompt_dialect = "a1111";
    if ((picture.prompt + picture.negative_prompt).find_first_of("([{") != std::string::npos)
      finding_.lose("ComfyUI weighs (words:1.2) a little differently, and [words] not at all");
    take_model(linked(sampler.input("model")));
    take_latent(sampler);
    return finding_.take();
  }

 private:
  Node node(std::string_view id) const {
    const auto found = graph_.find(id);
    if (found == graph_.end() || !found->is_object()) return {};
    return {id, &*found};
  }

  Node linked(const Json& input) const {
    if (!input.is_array() || input.empty() || !input[0].is_string()) return {};
    return node(input[0].get_ref<const std::string&>());
  }

  /// Nodes that `start` depends on, nearest first, each once; `visit` says whether to go on past
  /// it.
  template <class Visit>
  void walk(const Node& start, Visit visit) const {
    std::vector<Node> row{start};
    std::set<std::string_view> seen{start.id};
    while (!row.empty()) {
      std::vector<Node> next;
      for (const Node& each : row) {
        if (!visit(each)) continue;
        const Json& inputs = member(*each.json, "inputs");
        if (!inputs.is_object()) continue;
        for (const Json& input : inputs)
          if (const Node source = linked(input); source && seen.insert(source.id).second)
            next.push_back(source);
      }
      row = std::move(next);
    }
  }

  /// The sampler whose picture is stored; without an output node the first in the file.
  Node last_pass() const {
    Node found;
    for (const auto& [id, json] : graph_.items()) {
      const Node each = node(id);
      if (!each || (each.type() != "SaveImage" && each.type() != "PreviewImage")) continue;
      walk(each, [&](const Node& source) {
        if (!found && is_sampler(source)) found = source;
        return !found;
      });
      if (found) return found;
    }
    for (const auto& [id, json] : graph_.items())
      if (const Node each = node(id); each && is_sampler(each)) return each;
    return found;
  }

  /// A sampler may work on what another has drawn: the first of them is what we can repeat.
  Node first_pass() {
    Node sampler = last_pass();
    int passes = sampler ? 1 : 0;
    std::set<std::string_view> seen;
    while (sampler && passes < kMaxPasses && seen.insert(sampler.id).second) {
      Node earlier;
      if (const Node latent = linked(sampler.input("latent_image")))
        walk(latent, [&](const Node& source) {
          if (!earlier && is_sampler(source)) earlier = source;
          return !earlier;
        });
      if (!earlier || seen.contains(earlier.id)) break;
      sampler = earlier;
      ++passes;
    }
    if (passes > 1) finding_.lose("it was drawn in {} passes; only the first is repeated", passes);
    return sampler;
  }

  /// A value, or what the node behind a link holds as one.
  Json resolved(const Json& input, std::initializer_list<std::string_view> names) const {
    const Json* value = &input;
    for (int hops = 0; hops < kMaxHops; ++hops) {
      const Node source = linked(*value);
      if (!source) break;
      value = &member(member(*source.json, "inputs"), names);
    }
    return value->is_array() ? Json() : *value;
  }

  Json number(const Node& at, std::string_view name) const {
    return resolved(at.input(name),
                    {name, "value", "int", "float", "number", "seed", "noise_seed"});
  }

  void take_sampler(const Node& sampler) {
    ImageMetadata& picture = finding_.picture();
    const bool advanced = sampler.type() == "KSamplerAdvanced";
    finding_.seed(number(sampler, advanced ? "noise_seed" : "seed"));
    finding_.whole("steps", number(sampler, "steps"), picture.steps);
    finding_.real("cfg_scale", number(sampler, "cfg"), picture.cfg_scale);
    const auto text = [&](std::string_view name) {
      return as_text(resolved(sampler.input(name), {name, "value"})).value_or("");
    };
    finding_.sampler(Tool::comfyui, text("sampler_name"), text("scheduler"));
    if (!advanced) return;
    const auto end = as_number(number(sampler, "end_at_step"));
    const auto start = as_number(number(sampler, "start_at_step"));
    if (start.value_or(0) > 0 || end.value_or(1e4) < picture.steps)
      finding_.lose("only steps {} to {} were drawn", start.value_or(0),
                    end.value_or(picture.steps));
  }

  /// The words of a conditioning.
  std::string text_behind(const Json& conditioning) {
    Node at = linked(conditioning);
    for (int hops = 0; at && hops < kMaxHops; ++hops) {
      if (!at.input("text").is_null())
        return as_text(resolved(at.input("text"), {"text", "string", "value", "prompt"}))
            .value_or("");
      finding_.lose("the node {} between text and sampler", in_quotes(at.type()));
      at = linked(member(member(*at.json, "inputs"),
                         {"conditioning", "conditioning_1", "conditioning_to", "positive"}));
    }
    finding_.lose("a text was not found");
    return {};
  }

  void take_any_text() {
    for (const auto& [id, json] : graph_.items()) {
      const Node each = node(id);
      if (!each || each.type() != "CLIPTextEncode") continue;
      finding_.picture().prompt =
          as_text(resolved(each.input("text"), {"text", "string", "value"})).value_or("");
      finding_.picture().prompt_dialect = "a1111";
      return;
    }
  }

  void take_model(Node at) {
    for (int hops = 0; at && hops < kMaxHops; ++hops) {
      if (const auto name =
              as_text(member(member(*at.json, "inputs"), {"ckpt_name", "unet_name"}))) {
        finding_.app().model_id = *name;
        return;
      }
      if (const auto lora = as_text(at.input("lora_name")))
        finding_.lose("the LoRA {} with weight {}", in_quotes(*lora),
                      described(at.input("strength_model")));
      else
        finding_.lose("the node {} between model and sampler", in_quotes(at.type()));
      at = linked(at.input("model"));
    }
  }

  /// An empty latent gives the size; anything else leads to the initial image.
  void take_latent(const Node& sampler) {
    ImageMetadata& picture = finding_.picture();
    const Node latent = linked(sampler.input("latent_image"));
    if (!latent) {
      finding_.lose("its size is not stored");
      return;
    }
    if (latent.type().starts_with("Empty") || !latent.input("width").is_null()) {
      finding_.whole("width", number(latent, "width"), picture.width);
      finding_.whole("height", number(latent, "height"), picture.height);
      if (as_number(number(latent, "batch_size")).value_or(1) > 1)
        finding_.lose("it may be any picture of a batch of {}; the line draws the first",
                      described(number(latent, "batch_size")));
      return;
    }
    finding_.real("strength", number(sampler, "denoise"), picture.strength);
    walk(latent, [&](const Node& source) {
      if (picture.init_image.empty() && source.type() == "LoadImage")
        picture.init_image = as_text(source.input("image")).value_or("");
      else if (source.type() != "VAEEncode" && source.type() != "CheckpointLoaderSimple")
        finding_.lose("the node {} between initial image and sampler", in_quotes(source.type()));
      return true;
    });
    finding_.lose("{}", picture.init_image.empty()
                            ? "its initial image is not named; give it with -I"
                            : "its size is that of the initial image");
  }

  const Json& graph_;
  Finding finding_{"ComfyUI"};
};

}  // namespace

std::optional<FoundMetadata> read_comfyui(std::string_view text) {
  const auto graph = parse_foreign_json(text);
  if (!graph || !graph->is_object()) return std::nullopt;
  const bool nodes = std::ranges::any_of(
      *graph, [](const Json& node) { return member(node, "class_type").is_string(); });
  if (!nodes) return std::nullopt;
  return GraphReader(*graph).read();
}

}  // namespace invokeai::image
