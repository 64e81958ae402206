// Runs a fuzz target without libFuzzer, for the tests: every corpus file as it is, then the same
// number of seeded mutations each time. A crash or a sanitizer report fails the test.
//
//   name_fuzz ROUNDS FILE...

#include <cstdint>
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

using Bytes = std::vector<std::uint8_t>;

void run(const Bytes& input) { LLVMFuzzerTestOneInput(input.data(), input.size()); }

/// One to four random edits: change, insert, delete, repeat, cut, or splice with another input.
Bytes mutate(Bytes bytes, const Bytes& other, std::mt19937& random) {
  const auto below = [&](std::size_t n) { return n == 0 ? 0 : random() % n; };
  for (std::size_t edits = 1 + below(4); edits > 0; --edits) {
    const std::size_t at = below(bytes.size() + 1);
    const auto where = bytes.begin() + static_cast<std::ptrdiff_t>(at);
    const std::size_t length = below(std::min<std::size_t>(bytes.size() - at, 16) + 1);
    const auto end = where + static_cast<std::ptrdiff_t>(length);
    switch (below(6)) {
      case 0: if (at < bytes.size()) bytes[at] = static_cast<std::uint8_t>(random()); break;
      case 1: bytes.insert(where, static_cast<std::uint8_t>(random())); break;
      case 2: bytes.erase(where, end); break;
      case 3: { const Bytes copy(where, end); bytes.insert(where, copy.begin(), copy.end()); break; }
      case 4: bytes.resize(at); break;
      default: {
        const std::size_t from = below(other.size() + 1);
        bytes.insert(where, other.begin() + static_cast<std::ptrdiff_t>(from),
                     other.begin() + static_cast<std::ptrdiff_t>(from + below(std::min<std::size_t>(other.size() - from, 32) + 1)));
      }
    }
  }
  return bytes;
}

}  // namespace

int main(int argc, char** argv) {
  const int rounds = argc > 1 ? std::atoi(argv[1]) : 1000;
  std::vector<Bytes> corpus{{}, {'{', '}'}, {'(', 'a', ')', '+', ' ', '"'}};
  for (int i = 2; i < argc; ++i) {
    std::ifstream file(argv[i], std::ios::binary);
    corpus.emplace_back(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
  }
  for (const Bytes& input : corpus) run(input);
  std::mt19937 random(20230209);
  for (int i = 0; i < rounds; ++i) run(mutate(corpus[random() % corpus.size()], corpus[random() % corpus.size()], random));
  std::printf("%zu files and %d mutations: no crash\n", corpus.size() - 3, rounds);
}
