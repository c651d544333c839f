#include "runtime/xnnpack/library.h"

namespace octet::runtime::xnnpack {
namespace {

const ModuleTable* loaded() { return module_table<ModuleTable>("xnnpack"); }
// Only where is_usable().
const ModuleTable& table() { return *loaded(); }

template <typename... P, typename... A>
Result<Operator> made(bool (*make)(P...), const A&... arguments) {
  void* op = nullptr;
  ModuleFailure failure;
  if (!make(arguments..., &op, failure)) return to_error(failure);
  return Operator(op);
}

template <typename... P, typename... A>
Status ran(bool (*run)(P...), const A&... arguments) {
  ModuleFailure failure;
  if (!run(arguments..., failure)) return to_error(failure);
  return {};
}

}  // namespace

bool is_usable() {
  static const bool usable = loaded() != nullptr && table().is_usable();
  return usable;
}

void DropOperator::operator()(void* handle) const { table().drop(handle); }

Result<Operator> make_convolution(const Window& window, const ConvChannels& channels,
                                  const float* weights, const float* bias, Range range) {
  return made(table().make_convolution, window, channels, weights, bias, range);
}
Result<Operator> make_product(const ProductWeights& weights, Range range) {
  return made(table().make_product, weights, range);
}
Result<Operator> make_pool(Pool function, const Window& window, size_t channels) {
  return made(table().make_pool, function, window, channels);
}
Result<Operator> make_softmax(size_t channels) { return made(table().make_softmax, channels); }
Result<Operator> make_unary(Unary function, Range range) {
  return made(table().make_unary, function, range);
}
Result<Operator> make_binary(Binary function) { return made(table().make_binary, function); }

Status run_convolution(Operator& op, const ImageSize& in, Floats x, float* y) {
  return ran(table().run_convolution, op.get(), in, x, y);
}
Status run_product(Operator& op, size_t rows, Floats x, float* y) {
  return ran(table().run_product, op.get(), rows, x, y);
}
Status run_pool(Pool function, Operator& op, const ImageSize& in, Floats x, float* y) {
  return ran(table().run_pool, function, op.get(), in, x, y);
}
Status run_softmax(Operator& op, size_t channels, Floats x, float* y) {
  return ran(table().run_softmax, op.get(), channels, x, y);
}
Status run_unary(Unary function, Operator& op, Floats x, float* y) {
  return ran(table().run_unary, function, op.get(), x, y);
}
Status run_binary(Binary function, Operator& op, const Operand& a, const Operand& b, float* y) {
  return ran(table().run_binary, function, op.get(), a, b, y);
}

}  // namespace octet::runtime::xnnpack
