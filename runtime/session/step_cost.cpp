#include "runtime/session/step_cost.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace octet::runtime {
namespace {

constexpr double kBytesPerNs = 10;
constexpr double kProductsPerNs = 50;
constexpr double kScalarProductsPerNs = 1;

// Elements of the two largest inputs: a product's operands come with scales and biases.
std::pair<double, double> operands(std::span<const TensorView> inputs) {
  double first = 0;
  double second = 0;
  for (const TensorView& view : inputs) {
    const auto count = static_cast<double>(view.dtype == DType::undefined ? 0 : view.count());
    second = std::max(second, std::min(first, count));
    first = std::max(first, count);
  }
  return {first, second};
}

}  // namespace

double step_cost(const OpDef* op, std::span<const TensorView> inputs,
                 std::span<const TensorView> outputs, Isa isa) {
  double bytes = 0;
  for (const auto& views : {inputs, outputs})
    for (const TensorView& view : views)
      if (view.dtype != DType::undefined)
        bytes += static_cast<double>(dtype_bytes(view.dtype, static_cast<size_t>(view.count())));
  double cost = bytes / kBytesPerNs;
  if (op == nullptr || op->macs == nullptr) return cost;
  // [M, K] [K, N] = [M, N] has sqrt(MK * KN * MN) products; a convolution about as many.
  const auto [a, b] = operands(inputs);
  const double products =
      std::sqrt(a) * std::sqrt(b) *
      std::sqrt(outputs.empty() ? 0.0 : static_cast<double>(outputs[0].count()));
  cost += products / (isa == Isa::scalar ? kScalarProductsPerNs : kProductsPerNs);
  return cost;
}

}  // namespace octet::runtime
