// stage_bench MODEL PRECISION THREADS: the networks of a model on request, for bench/run.
//
// Says "ready SECONDS" when the model is loaded, then reads one word a line and answers each with
// the seconds it took: text (two prompts), unet (one step with guidance at the model's own size),
// decode (one picture), memory (the most that was resident so far, in bytes). Ends with the input.
#include <ATen/Parallel.h>
#include <ATen/core/grad_mode.h>
#include <sys/resource.h>

#include <chrono>
#include <cstdio>
#include <iostream>
#include <map>
#include <string>

#include "models/load_model.h"
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
    sample_ = at::randn({2, unet.in_channels, side, side}, options);
    timesteps_ = at::full({2}, 501.0, at::TensorOptions(choice.device).dtype(at::kFloat));
    context_ = at::randn({2, 77, unet.cross_attention_dim}, options);
    latents_ = at::randn({1, 4, side, side}, options);
  }

  at::Tensor text() const { return networks_.text_encoder->forward(ids_); }
  at::Tensor unet() const { return networks_.unet->forward(sample_, timesteps_, context_); }
  at::Tensor decode() const { return networks_.vae->decode(latents_); }

 private:
  models::Networks networks_;
  at::Tensor ids_, sample_, timesteps_, context_, latents_;
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
  networks.unet->pack();
  networks.vae->pack();
  return Stages(std::move(networks), choice);
}

void answer(double number) { std::cout << number << std::endl; }

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) {
    std::fprintf(stderr, "usage: stage_bench MODEL float32|bfloat16 THREADS\n");
    return 2;
  }
  const at::NoGradGuard no_grad;
  at::set_num_threads(std::stoi(argv[3]));
  const auto start = Clock::now();
  const auto stages = open(argv[1], argv[2]);
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
    const auto begin = Clock::now();
    if (word == "text") stages->text();
    else if (word == "unet") stages->unet();
    else if (word == "decode") stages->decode();
    else return std::fprintf(stderr, "error: text, unet, decode or memory wanted, got '%s'\n", word.c_str()), 2;
    answer(seconds_since(begin));
  }
  return 0;
}
