// stage_bench MODEL PRECISION THREADS [DEVICE [STEPS]]: the networks of a model on request, for
// bench/run.
//
// Says "ready SECONDS" when the model is loaded, then reads one word a line and answers each with
// the seconds it took: text (two prompts), unet (one step with guidance at the model's own size,
// the keys of the prompt kept from step to step; on a GPU recorded, where it can be), decode (one
// picture), memory (the most that was resident so far, on a GPU of its memory, in bytes). With
// STEPS the whole engine is loaded instead and answers to: drawing (one picture of so many steps,
// from prompt to pixels), memory. Ways to run a step, for comparison: unet_without_keys,
// unet_launched (not recorded), unet_by_row (guidance row by row), unet_steady (deterministic),
// unet_reuse (deep features of the step before). "save FILE" writes what the last step gave as f32,
// for the same input in every precision. Ends with the input.
#include <ATen/CPUGeneratorImpl.h>
#include <ATen/Parallel.h>
#include <ATen/core/grad_mode.h>
#include <c10/core/CachingDeviceAllocator.h>
#include <c10/core/impl/VirtualGuardImpl.h>
#include <sys/resource.h>

#include <chrono>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <optional>
#include <string>

#include "models/load_model.h"
#include "nn/threads.h"
#include "pipeline/device.h"
#include "pipeline/stable_diffusion.h"
#include "pipeline/step_graph.h"

namespace {

using namespace invokeai;
using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

/// What was asked for is done, also on a device that works on its own.
void finish(at::Device device) {
  if (!device.is_cpu())
    c10::impl::VirtualGuardImpl(device.type()).synchronizeDevice(device.index());
}

/// What a 512x512 picture (768x768 for SD 2.x-768) asks of each network, with guidance.
class Stages {
 public:
  Stages(models::Networks networks, const pipeline::DeviceChoice& choice)
      : networks_(std::move(networks)),
        device_(choice.device),
        graphs_(std::make_unique<pipeline::StepGraphs>(*networks_.unet,
                                                       pipeline::make_recorder(choice.device))) {
    graphs_->allow(true);
    const auto& unet = networks_.unet->config();
    const std::int64_t side = unet.sample_size;
    const auto options = at::TensorOptions(choice.device).dtype(choice.dtype);
    ids_ = at::randint(0, networks_.text_encoder->config().vocab_size, {2, 77},
                       at::TensorOptions(choice.device).dtype(at::kLong));
    const auto wide =
        at::TensorOptions().dtype(at::kFloat);  // numbers of the CPU, the same everywhere
    sample_ = at::randn({2, unet.in_channels, side, side}, random(1), wide).to(options);
    timesteps_ = at::full({2}, 501.0, options.dtype(at::kFloat));
    context_ = at::randn({2, 77, unet.cross_attention_dim}, random(2), wide).to(options);
    latents_ = at::randn({1, 4, side, side}, random(3), wide).to(options);
  }

  /// False for a word that is none.
  bool run(const std::string& word) {
    const pipeline::TunedConvolutions tuned(!device_.is_cpu() && word.starts_with("unet"));
    if (word == "text") networks_.text_encoder->forward(ids_);
    else if (word == "unet")
      recorded_step();
    else if (word == "unet_launched")
      step({.keys = &keys_});
    else if (word == "unet_without_keys") step({});
    else if (word == "unet_by_row") by_row();
    else if (word == "unet_steady") steady();
    else if (word == "unet_reuse") step({.keys = &keys_, .deep = &reuse()});
    else if (word == "decode") networks_.vae->decode(latents_);
    else return false;
    finish(device_);
    return true;
  }

  void save(const std::string& file) const {
    const at::Tensor plain = output_.to(at::kCPU, at::kFloat).contiguous();
    std::ofstream(file, std::ios::binary)
        .write(static_cast<const char*>(plain.const_data_ptr()),
               static_cast<std::streamsize>(plain.nbytes()));
  }

 private:
  static at::Generator random(std::uint64_t seed) {
    return at::make_generator<at::CPUGeneratorImpl>(seed);
  }
  void step(const nn::UNetHelp& help) {
    output_ = networks_.unet->forward(sample_, timesteps_, context_, help);
  }
  /// One sample for all rows, as guidance asks; where nothing is recorded, the step as ever.
  void recorded_step() {
    auto output = graphs_->predict(sample_.slice(0, 0, 1), 501, context_);
    if (output)
      output_ = std::move(*output);
    else
      step({.keys = &keys_});
  }
  void by_row() {
    std::vector<at::Tensor> rows;
    for (std::int64_t i = 0; i < 2; ++i)
      rows.push_back(networks_.unet->forward(sample_.slice(0, i, i + 1), timesteps_.slice(0, i, i + 1),
                                             context_.slice(0, i, i + 1), {.keys = &row_keys_[i]}));
    output_ = at::cat(rows);
  }
  void steady() {
    const nn::SteadyThreads threads;
    step({.keys = &keys_});
  }
  nn::DeepFeatures& reuse() {
    if (!deep_.map.defined()) step({.deep = &deep_});
    deep_.reuse = true;
    return deep_;
  }

  models::Networks networks_;
  at::Device device_;
  std::unique_ptr<pipeline::StepGraphs> graphs_;
  at::Tensor ids_, sample_, timesteps_, context_, latents_, output_;
  nn::ContextKeys keys_, row_keys_[2];
  nn::DeepFeatures deep_;
};

/// Pictures from prompt to pixels, as a program draws them that holds the model.
class Drawings {
 public:
  Drawings(std::unique_ptr<pipeline::StableDiffusion> engine, int steps)
      : engine_(std::move(engine)) {
    request_.prompt = "a lighthouse at dusk";
    request_.seed = 1;
    request_.steps = steps;
    request_.sampler = "k_euler";
    request_.cfg_scale = 7.5;
    request_.preview_every = 0;
  }
  bool run(const std::string& word) {
    if (word != "drawing") return false;
    const pipeline::GenerationCallbacks callbacks{
        {}, {}, [](const std::string& message) { std::fprintf(stderr, "%s\n", message.c_str()); }};
    const auto outcome = engine_->generate(request_, callbacks, {});
    if (!outcome) std::fprintf(stderr, "error: %s\n", outcome.error().text().c_str());
    return outcome.has_value();
  }
  void save(const std::string&) const {}

 private:
  std::unique_ptr<pipeline::StableDiffusion> engine_;
  pipeline::GenerationRequest request_;
};

double peak_bytes(at::Device device) {
  if (!device.is_cpu()) {
    constexpr auto kAll = static_cast<std::size_t>(c10::CachingAllocator::StatType::AGGREGATE);
    const auto stats = at::getDeviceAllocator(device.type())->getDeviceStats(device.index());
    return static_cast<double>(stats.reserved_bytes[kAll].peak);
  }
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) * 1024;
}

struct Wanted {
  std::string model, precision, device = "cpu";
  std::optional<int> steps = {};
};

Result<Stages> open_stages(const Wanted& wanted, const pipeline::DeviceChoice& choice) {
  models::LoadOptions options{
      .path = wanted.model, .device = choice.device, .dtype = choice.dtype, .stated = {}};
  TRY_ASSIGN(models::Networks networks, models::load_networks(options));
  networks.text_encoder->pack();
  networks.unet->pack(choice.int8 ? nn::WeightForm::int8 : nn::WeightForm::as_loaded);
  networks.vae->pack();
  return Stages(std::move(networks), choice);
}

Result<Drawings> open_drawings(const Wanted& wanted, const pipeline::DeviceChoice&) {
  TRY_ASSIGN(auto engine, pipeline::StableDiffusion::open({.model_path = wanted.model,
                                                           .device = wanted.device,
                                                           .precision = wanted.precision,
                                                           .verbose = true}));
  return Drawings(std::move(engine), *wanted.steps);
}

void answer(double number) { std::cout << number << std::endl; }

/// Loads with `open` and answers word after word: the exit status.
template <class Open>
int serve(const Wanted& wanted, Open open) {
  const auto start = Clock::now();
  const auto choice = pipeline::choose_device(wanted.device, wanted.precision);
  if (!choice) {
    std::fprintf(stderr, "error: %s\n", choice.error().text().c_str());
    return exit_status(choice.error().code);
  }
  auto asked = open(wanted, *choice);
  if (!asked) {
    std::fprintf(stderr, "error: %s\n", asked.error().text().c_str());
    return exit_status(asked.error().code);
  }
  std::cout << "ready " << seconds_since(start) << std::endl;
  for (std::string word; std::getline(std::cin, word);) {
    if (word == "memory") {
      answer(peak_bytes(choice->device));
      continue;
    }
    if (word.starts_with("save ")) {
      asked->save(word.substr(5));
      continue;
    }
    const auto begin = Clock::now();
    if (!asked->run(word)) {
      std::fprintf(stderr, "error: no answer to '%s'\n", word.c_str());
      return 2;
    }
    answer(seconds_since(begin));
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 4 || argc > 6) {
    std::fprintf(
        stderr,
        "usage: stage_bench MODEL float32|bfloat16|float16|int8 THREADS [DEVICE [STEPS]]\n");
    return 2;
  }
  const at::NoGradGuard no_grad;
  at::set_num_threads(std::stoi(argv[3]));
  Wanted wanted{.model = argv[1], .precision = argv[2]};
  if (argc > 4) wanted.device = argv[4];
  if (argc > 5) wanted.steps = std::stoi(argv[5]);
  return wanted.steps ? serve(wanted, open_drawings) : serve(wanted, open_stages);
}
