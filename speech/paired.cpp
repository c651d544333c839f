#include "speech/paired.h"

#include <algorithm>
#include <random>
#include <vector>

namespace octet::speech {
namespace {

double points(const WordErrors& errors) { return 100 * errors.rate(); }
double points(const Bleu& bleu) { return bleu.score(); }

template <typename T>
PairedDifference bootstrap(std::span<const T> a, std::span<const T> b) {
  if (a.empty()) return {};
  const auto difference = [&](auto pick) {
    T of_a, of_b;
    for (size_t i = 0; i < a.size(); ++i) {
      const size_t at = pick(i);
      of_a += a[at];
      of_b += b[at];
    }
    return points(of_b) - points(of_a);
  };
  std::mt19937_64 random(1);
  std::vector<double> drawn;
  for (size_t k = 0; k < PairedDifference::kResamples; ++k)
    drawn.push_back(difference([&](size_t) { return static_cast<size_t>(random() % a.size()); }));
  std::sort(drawn.begin(), drawn.end());
  return {difference([](size_t i) { return i; }), drawn[drawn.size() * 25 / 1000],
          drawn[drawn.size() * 975 / 1000]};
}

}  // namespace

PairedDifference paired_difference(std::span<const WordErrors> a, std::span<const WordErrors> b) {
  return bootstrap(a, b);
}

PairedDifference paired_difference(std::span<const Bleu> a, std::span<const Bleu> b) {
  return bootstrap(a, b);
}

}  // namespace octet::speech
