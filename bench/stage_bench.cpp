// stage_bench MODEL PRECISION THREADS: the networks of a model on request, for bench/run.
//
// Says "ready SECONDS" when the model is loaded, then reads one word a line and answers each with
// the seconds it took: text (two prompts), unet (one step with guidance at the model's own size, the
// keys of the prompt kept from step to step), decode (one picture), memory (the most that was resident
// so far, in bytes). Ways to run a step, for comparison: unet_without_keys, unet_by_row (guidance row by
// row), unet_steady (deterministic), unet_reuse (deep features of the step before). "save FILE" writes
// what the last step gave as f32, for the same input in every precision. Ends with the input.
#include <ATen/CPUGeneratorImpl.h>
#include <ATen/Parallel.h>
#include <ATen/core/grad_mode.h>
#include <sys/resource.h>

#include <chrono>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <map>
#include <string>

#include "models/load_model.h"
#include "nn/threads.h"
#include "pipeline/device.h"

namespace {

using namespace invokeai;
using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

/// What a 512x512 picture (768x768 for SD 2.x-768) asks of each network, with guidance.
class Stages {
 public:
  Stages(models::Networks networks, const pipeline::DeviceChoice& choice)
      : networks_(std::move(networks)) {
    const auto& unet = networks_.unet->config();
    const std::int64_t side = unet.sample_size;
    const auto options = at::TensorOptions(choice.device).dtype(choice.dtype);
    ids_ = at::randint(0, networks_.text_encoder->config().vocab_size, {2, 77},
                       at::TensorOptions(choice.device).dtype(at::kLong));
    const auto wide = options.dtype(at::kFloat);
    sample_ = at::randn({2, unet.in_channels, side, side}, random(1), wide).to(options);
    timesteps_ = at::full({2}, 501.0, wide);
    context_ = at::randn({2, 77, unet.cross_attention_dim}, random(2), wide).to(options);
    latents_ = at::randn({1, 4, side, side}, random(3), wide).to(options);
  }

  /// False for a word that is none.
  bool run(const std::string& word) {
    if (word == "text") networks_.text_encoder->forward(ids_);
    else if (word == "unet") step({.keys = &keys_});
    else if (word == "unet_without_keys") step({});
    else if (word == "unet_by_row") by_row();
    else if (word == "unet_steady") steady();
    else if (word == "unet_reuse") step({.keys = &keys_, .deep = &reuse()});
    else if (word == "decode") networks_.vae->decode(latents_);
    else return false;
    return true;
  }

  void save(const std::string& file) const {
    const at::Tensor plain = output_.to(at::kFloat).contiguous();
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
  at::Tensor ids_, sample_, timesteps_, context_, latents_, output_;
  nn::ContextKeys keys_, row_keys_[2];
  nn::DeepFeatures deep_;
};

double peak_bytes() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) * 1024;
}

Result<Stages> open(const std::string& model, const std::string& precision) {
  TRY_ASSIGN(const pipeline::DeviceChoice choice, pipeline::choose_device("cpu", precision));
  models::LoadOptions options{
      .path = model, .device = choice.device, .dtype = choice.dtype, .stated = {}};
  TRY_ASSIGN(models::Networks networks, models::load_networks(options));
  networks.text_encoder->pack();
  networks.unet->pack(choice.int8 ? nn::WeightForm::int8 : nn::WeightForm::as_loaded);
  networks.vae->pack();
  return Stages(std::move(networks), choice);
}

void answer(double number) { std::cout << number << std::endl; }

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) {
    std::fprintf(stderr, "usage: stage_bench MODEL float32|bfloat16|int8 THREADS\n");
    return 2;
  }
  const at::NoGradGuard no_grad;
  at::set_num_threads(std::stoi(argv[3]));
  const auto start = Clock::now();
  auto stages = open(argv[1], argv[2]);
  if (!stages) {
    std::fprintf(stderr, "error: %s\n", stages.error().text().c_str());
    return exit_status(stages.error().code);
  }
  std::cout << "ready " << seconds_since(start) << std::endl;
  for (std::string word; std::getline(std::cin, word);) {
    if (word == "memory") {
      answer(peak_bytes());
      continue;
    }
    if (word.starts_with("save ")) {
      stages->save(word.substr(5));
      continue;
    }
    const auto begin = Clock::now();
    if (!stages->run(word)) {
      std::fprintf(stderr, "error: text, unet, decode or memory wanted, got '%s'\n", word.c_str());
      return 2;
    }
    answer(seconds_since(begin));
  }
  return 0;
}
