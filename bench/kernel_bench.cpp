// kernel_bench [--benchmark_filter=attention]: the operations that a step is made of, in the shapes
// of SD 1.5 at 512x512 with guidance, each with its rate and the share of what one of the machine's
// threads, times threads, can do at best.
//
// Best: multiplications and additions in registers (AVX512-BF16 instructions, else those of float32);
// for operations that only move memory, copying.
#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <ATen/core/grad_mode.h>
#include <benchmark/benchmark.h>
#ifdef __x86_64__
#include <immintrin.h>
#endif

#include <algorithm>
#include <chrono>
#include <cstring>

#include "nn/layers.h"
#include "nn/module.h"

namespace {

using namespace invokeai;
using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

#ifdef __x86_64__
constexpr int kSums = 12;  // enough to hide the latency of one instruction behind the others

/// Operations a second of one thread; 2 per multiplication with addition.
__attribute__((target("avx512f,avx512bf16"))) double bf16_peak_of_thread() {
  __m512 sums[kSums];
  for (auto& sum : sums) sum = _mm512_set1_ps(1);
  const auto a = (__m512bh)_mm512_set1_epi32(0x3f803f80), b = (__m512bh)_mm512_setzero_si512();
  constexpr long kRounds = 4'000'000;
  const auto start = Clock::now();
  for (long i = 0; i < kRounds; ++i)
    for (auto& sum : sums) sum = _mm512_dpbf16_ps(sum, a, b);
  const double seconds = seconds_since(start);
  for (auto& sum : sums) benchmark::DoNotOptimize(sum);
  return kRounds * kSums * 64.0 / seconds;
}

__attribute__((target("avx2,fma"))) double f32_peak_of_thread() {
  __m256 sums[kSums];
  for (auto& sum : sums) sum = _mm256_set1_ps(1);
  const __m256 a = _mm256_set1_ps(1), b = _mm256_setzero_ps();
  constexpr long kRounds = 4'000'000;
  const auto start = Clock::now();
  for (long i = 0; i < kRounds; ++i)
    for (auto& sum : sums) sum = _mm256_fmadd_ps(a, b, sum);
  const double seconds = seconds_since(start);
  for (auto& sum : sums) benchmark::DoNotOptimize(sum);
  return kRounds * kSums * 16.0 / seconds;
}
#endif

double peak_of_thread(at::ScalarType type) {
#ifdef __x86_64__
  if (type == at::kBFloat16 && __builtin_cpu_supports("avx512bf16")) return bf16_peak_of_thread();
  if (__builtin_cpu_supports("fma")) return f32_peak_of_thread();
#endif
  const at::Tensor a = at::rand({1024, 1024}), b = at::rand({1024, 1024});
  const auto start = Clock::now();
  benchmark::DoNotOptimize(at::mm(a, b));
  return 2.0 * 1024 * 1024 * 1024 / seconds_since(start) / at::get_num_threads();
}

/// The best of several short tries, so that a disturbance does not lower the bar.
double peak(at::ScalarType type) {
  double best = 0;
  for (int i = 0; i < 5; ++i) best = std::max(best, peak_of_thread(type));
  return best * at::get_num_threads();
}

/// Bytes read and written a second by copying 256 MB on all threads.
double copy_rate() {
  const at::Tensor from = at::rand({64 << 20}), to = at::empty_like(from);
  double best = 0;
  for (int i = 0; i < 5; ++i) {
    const auto start = Clock::now();
    to.copy_(from);
    best = std::max(best, 2.0 * from.nbytes() / seconds_since(start));
  }
  return best;
}

void report_work(benchmark::State& state, double operations, at::ScalarType type) {
  static const double bf16 = peak(at::kBFloat16), f32 = peak(at::kFloat);
  const double best = type == at::kBFloat16 ? bf16 : f32;
  using benchmark::Counter;
  state.counters["GFLOP/s"] = Counter(operations / 1e9, Counter::kIsIterationInvariantRate);
  state.counters["of_best"] = Counter(operations / best, Counter::kIsIterationInvariantRate);
}

void report_traffic(benchmark::State& state, double bytes) {
  static const double best = copy_rate();
  using benchmark::Counter;
  state.counters["GB/s"] = Counter(bytes / 1e9, Counter::kIsIterationInvariantRate);
  state.counters["of_best"] = Counter(bytes / best, Counter::kIsIterationInvariantRate);
}

at::Tensor random_map(std::int64_t channels, std::int64_t side, at::ScalarType type) {
  return at::randn({2, channels, side, side}).to(type).contiguous(at::MemoryFormat::ChannelsLast);
}

/// A layer with random weights, ready to run as the engine runs it.
template <class Layer>
void prepare(Layer& layer, at::ScalarType type) {
  nn::initialise(layer, 1);
  nn::convert(layer, at::kCPU, type);
  layer.pack();
}

void attention(benchmark::State& state, at::ScalarType type) {
  const std::int64_t tokens = state.range(0), keys = state.range(1), heads = 8, width = state.range(2);
  const auto random = [&](std::int64_t count) { return at::randn({2, count, heads * width}).to(type); };
  const at::Tensor q = random(tokens), k = random(keys), v = random(keys);
  for (auto _ : state) benchmark::DoNotOptimize(nn::attention(q, k, v, heads));
  report_work(state, 4.0 * 2 * heads * tokens * keys * width, type);
}

void linear(benchmark::State& state, at::ScalarType type) {
  const std::int64_t tokens = state.range(0), in = state.range(1), out = state.range(2);
  nn::Linear layer(in, out);
  prepare(layer, type);
  const at::Tensor x = at::randn({2, tokens, in}).to(type);
  for (auto _ : state) benchmark::DoNotOptimize(layer.forward(x));
  report_work(state, 2.0 * 2 * tokens * in * out, type);
}

void convolution(benchmark::State& state, at::ScalarType type) {
  const std::int64_t side = state.range(0), in = state.range(1), out = state.range(2);
  nn::Conv2d layer(in, out, 3, 1, 1);
  prepare(layer, type);
  const at::Tensor x = random_map(in, side, type);
  for (auto _ : state) benchmark::DoNotOptimize(layer.forward(x));
  report_work(state, 2.0 * 2 * side * side * in * out * 9, type);
}

void group_norm_silu(benchmark::State& state, at::ScalarType type) {
  const std::int64_t side = state.range(0), channels = state.range(1);
  nn::GroupNorm layer(32, channels, 1e-5);
  prepare(layer, type);
  const at::Tensor x = random_map(channels, side, type), shift = at::randn({2, channels}).to(type);
  for (auto _ : state) benchmark::DoNotOptimize(layer.forward_silu(x, shift));
  report_traffic(state, 3.0 * x.nbytes());  // read twice, written once
}

void geglu(benchmark::State& state, at::ScalarType type) {
  const at::Tensor x = at::randn({2, state.range(0), 2 * state.range(1)}).to(type);
  for (auto _ : state) benchmark::DoNotOptimize(nn::geglu(x));
  report_traffic(state, 1.5 * x.nbytes());
}

using Shapes = std::vector<std::vector<std::int64_t>>;
const Shapes kAttention = {{4096, 4096, 40}, {1024, 1024, 80}, {256, 256, 160}, {64, 64, 160},
                           {4096, 77, 40},   {1024, 77, 80},   {256, 77, 160}};
const Shapes kLinear = {{4096, 320, 320},  {4096, 320, 2560},  {4096, 1280, 320}, {1024, 640, 5120},
                        {1024, 2560, 640}, {256, 1280, 10240}, {256, 5120, 1280}, {77, 768, 320}};
const Shapes kConvolution = {{64, 4, 320},   {64, 320, 320},   {64, 960, 320}, {32, 640, 640},
                             {32, 1920, 640}, {16, 1280, 1280}, {16, 2560, 1280}, {8, 1280, 1280}};
const Shapes kNorm = {{64, 320}, {64, 960}, {32, 640}, {16, 1280}};
const Shapes kGeglu = {{4096, 1280}, {1024, 2560}, {256, 5120}};

void add(const char* name, void (*run)(benchmark::State&, at::ScalarType), const Shapes& shapes) {
  for (const auto type : {at::kBFloat16, at::kFloat})
    for (const auto& shape : shapes)
      benchmark::RegisterBenchmark(
          (std::string(name) + (type == at::kFloat ? "/f32" : "/bf16")).c_str(),
          [run, type](benchmark::State& state) { run(state, type); })
          ->Args(shape)
          ->UseRealTime()
          ->Unit(benchmark::kMillisecond);
}

}  // namespace

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  const at::NoGradGuard no_grad;
  add("attention", attention, kAttention);
  add("linear", linear, kLinear);
  add("convolution", convolution, kConvolution);
  add("group_norm_silu", group_norm_silu, kNorm);
  add("geglu", geglu, kGeglu);
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
