#include "engine/ir/stop.h"
#include "engine/ops/common/activation.h"
#include "engine/ops/common/product.h"

namespace octet::ops {
namespace {

// Integers wrap as in the kernels of other runtimes: arithmetic is unsigned.
template <typename T>
using Accumulator =
    std::conditional_t<std::is_integral_v<T>,
                       std::make_unsigned_t<std::conditional_t<std::is_integral_v<T>, T, int>>, T>;

template <typename T>
T finish(const ProductSpec& spec, T sum, const T* addend, const T* residual) {
  const auto& epilogue = spec.epilogue;
  using Epi = Epilogue::Residual;
  const bool plain = spec.alpha == 1.0F && epilogue.activation == octet::Activation::none;
  if (plain && addend == nullptr && residual == nullptr) return sum;
  T value = spec.alpha == 1.0F ? sum : static_cast<T>(spec.alpha * static_cast<double>(sum));
  if (addend != nullptr)
    value = static_cast<T>(
        value +
        (spec.beta == 1.0F ? *addend : static_cast<T>(spec.beta * static_cast<double>(*addend))));
  if (epilogue.residual == Epi::before_activation) value = static_cast<T>(value + *residual);
  if (epilogue.activation != octet::Activation::none)
    value = static_cast<T>(activate(epilogue, static_cast<double>(value)));
  if (epilogue.residual == Epi::after_activation) value = static_cast<T>(value + *residual);
  return value;
}

template <typename T>
void multiply(const ProductSpec& spec, RunContext& context) {
  const TensorView& out = context.output(0);
  const ProductShape shape = product_shape(context.input(0).dims, context.input(1).dims,
                                           spec.transpose_a, spec.transpose_b);
  const T* addend = spec.addend ? context.input(*spec.addend).as<T>() : nullptr;
  const T* residual = spec.residual ? context.input(*spec.residual).as<T>() : nullptr;
  const AddendStrides strides =
      spec.addend ? addend_strides(context.input(*spec.addend).dims) : AddendStrides{};
  for (int64_t product = 0; product < shape.batch_count(); ++product) {
    const BatchAxis at = shape.offsets(product);
    const T* a = context.input(0).as<T>() + at.a;
    const T* b = context.input(1).as<T>() + at.b;
    const auto row = [&](int64_t i, StopPoll& poll) {
      for (int64_t j = 0; j < shape.n; ++j) {
        poll(static_cast<size_t>(shape.k));
        Accumulator<T> sum{};
        for (int64_t k = 0; k < shape.k; ++k)
          sum += static_cast<Accumulator<T>>(a[i * shape.a_row + k * shape.a_column]) *
                 static_cast<Accumulator<T>>(b[k * shape.b_row + j * shape.b_column]);
        const int64_t to = at.out + i * shape.n + j;
        out.as<T>()[to] =
            finish(spec, static_cast<T>(sum),
                   addend != nullptr ? addend + i * strides.row + j * strides.column : nullptr,
                   residual != nullptr ? residual + to : nullptr);
      }
    };
    context.parallel().for_ranges(static_cast<size_t>(shape.m), 1, [&](size_t begin, size_t end) {
      StopPoll poll;
      for (size_t i = begin; i < end; ++i) row(static_cast<int64_t>(i), poll);
    });
  }
}

}  // namespace

Status run_product_reference(const Attrs& /*attrs*/, RunContext& context) {
  const ProductSpec spec = product_spec(context.node());
  using Types = TypeList<float, double, int32_t, int64_t, uint32_t, uint64_t>;
  const DType type = context.input(0).dtype;
  const bool known = visit_dtype(type, Types{}, [&]<typename T>() { multiply<T>(spec, context); });
  return known ? Status{} : unsupported("a product of {}", dtype_name(type));
}

}  // namespace octet::ops
