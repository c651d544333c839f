#include "engine/ops/common/accumulator.h"

#include <cmath>

#include "engine/ops/common/activation.h"
#include "engine/ops/common/dequantize.h"
#include "engine/ops/common/quantize_ports.h"

namespace octet::ops {
namespace {

constexpr double kMaxBias = 1073741824.0;

std::optional<std::vector<int32_t>> bias_sums(const AccumulatorSpec& spec) {
  const Value& value = *spec.bias;
  const size_t n = spec.scale.size();
  if (!value.constant) return std::nullopt;
  const auto real = real_elements(*value.constant, value.quant);
  if (real.size() != n && real.size() != 1) return std::nullopt;
  const bool stored = value.quant && value.quant->storage == DType::s32 && spec.beta == 1.0F;
  std::vector<float> stored_scale;
  std::vector<int64_t> codes;
  if (stored) {
    stored_scale = channel_params(*value.quant, n).scale;
    codes = value.constant->to_int64();
  }
  std::vector<int32_t> sums(n);
  for (size_t i = 0; i < n; ++i) {
    const size_t at = real.size() == 1 ? 0 : i;
    double sum = std::nearbyint(static_cast<double>(real[at]) * static_cast<double>(spec.beta) /
                                static_cast<double>(spec.scale[i]));
    if (stored && std::fabs(stored_scale[i] - spec.scale[i]) <= 1e-6F * spec.scale[i])
      sum = static_cast<double>(codes[at]);
    if (!(std::fabs(sum) <= kMaxBias)) return std::nullopt;
    sums[i] = static_cast<int32_t>(sum);
  }
  return sums;
}

bool only_adds_first(const Epilogue& epilogue) {
  return epilogue.residual != Epilogue::Residual::after_activation ||
         epilogue.activation == Activation::none;
}

kernels::UnaryF32 unary_of(Activation activation) {
  using kernels::UnaryF32;
  switch (activation) {
    case Activation::relu: return UnaryF32::relu;
    case Activation::leaky_relu: return UnaryF32::leaky_relu;
    case Activation::sigmoid: return UnaryF32::sigmoid;
    case Activation::tanh: return UnaryF32::tanh;
    case Activation::silu: return UnaryF32::silu;
    case Activation::gelu: return UnaryF32::gelu_erf;
    case Activation::gelu_tanh: return UnaryF32::gelu_tanh;
    case Activation::hard_sigmoid: return UnaryF32::hard_sigmoid;
    case Activation::hard_swish: return UnaryF32::hard_swish;
    case Activation::none:
    case Activation::clip: break;
  }
  return UnaryF32::clip;
}

struct Limits {
  float low = -std::numeric_limits<float>::infinity();
  float high = std::numeric_limits<float>::infinity();
};

// What a clamping activation keeps of the reals.
Limits clamp_limits(const Epilogue& epilogue) {
  if (epilogue.activation == Activation::relu) return {.low = 0.0F};
  if (epilogue.activation == Activation::clip) return {epilogue.alpha, epilogue.beta};
  return {};
}

void add(float* values, const float* residual, size_t count) {
  for (size_t i = 0; i < count; ++i) values[i] += residual[i];
}

}  // namespace

std::optional<AccumulatorPlan> plan_accumulator(const AccumulatorSpec& spec) {
  AccumulatorPlan plan;
  plan.multiplier = spec.scale;
  if (spec.bias != nullptr) {
    auto sums = bias_sums(spec);
    if (!sums) return std::nullopt;
    plan.bias = std::move(*sums);
  }
  const bool residual = spec.epilogue.residual != Epilogue::Residual::none;
  const bool in_kernel = is_clamp(spec.epilogue) &&
                         (!residual || (spec.kernel_residual && only_adds_first(spec.epilogue)));
  plan.codes = in_kernel && spec.output != nullptr;
  plan.finish = !in_kernel;
  if (plan.codes) {
    for (float& m : plan.multiplier) m /= spec.output->tensor_scale().v;
    const CodeRange range = code_range(spec.epilogue, *spec.output);
    plan.storage = spec.output->storage;
    plan.zero_point = spec.output->tensor_zero_point().v;
    plan.low = range.low;
    plan.high = range.high;
  } else if (in_kernel) {
    const Limits limits = clamp_limits(spec.epilogue);
    plan.low = limits.low;
    plan.high = limits.high;
  }
  return plan;
}

RealEnd real_end(const Epilogue& epilogue) {
  RealEnd end;
  end.finish = !is_clamp(epilogue) || epilogue.residual != Epilogue::Residual::none;
  if (end.finish) return end;
  const Limits limits = clamp_limits(epilogue);
  end.low = limits.low;
  end.high = limits.high;
  return end;
}

bool is_accumulator_output(const Value& value) {
  const DType real = value.type.dtype;
  if (real != DType::f32 && real != DType::f16 && real != DType::bf16) return false;
  return !value.quant || is_int8_per_tensor(value.quant);
}

FloatFinish::FloatFinish(const Epilogue& epilogue, QuantPtr output, CpuToken cpu)
    : epilogue_(epilogue),
      output_(std::move(output)),
      elementwise_(kernels::select_elementwise_f32(cpu).table),
      quantize_(kernels::select_quantize_linear(cpu).table) {}

void FloatFinish::run(float* values, size_t count, const float* residual, void* codes,
                      Parallel& parallel) const {
  constexpr size_t kGrain = 4096;
  const bool before = epilogue_.residual == Epilogue::Residual::before_activation;
  const float scale = output_ ? output_->tensor_scale().v : 1.0F;
  const int32_t zero = output_ ? output_->tensor_zero_point().v : 0;
  const auto blocks = (count + kGrain - 1) / kGrain;
  parallel.for_ranges(blocks, 1, [&](size_t first, size_t last) {
    SerialParallel serial;
    for (size_t block = first; block < last; ++block) {
      const size_t begin = block * kGrain;
      const size_t size = std::min(kGrain, count - begin);
      float* v = values + begin;
      if (residual != nullptr && before) add(v, residual + begin, size);
      if (epilogue_.activation != Activation::none)
        elementwise_->unary(
            {unary_of(epilogue_.activation), epilogue_.alpha, epilogue_.beta, v, v, size});
      if (residual != nullptr && !before) add(v, residual + begin, size);
      if (!output_) continue;
      const CodeLimits limits = code_limits(output_->storage);
      kernels::QuantizeArgs args;
      args.in = v;
      args.out = static_cast<std::byte*>(codes) + begin;
      args.type = *kernel_element(output_->storage);
      args.inner = size;
      args.scale = &scale;
      args.zero_point = &zero;
      args.low = limits.low;
      args.high = limits.high;
      quantize_->quantize(args, serial);
    }
  });
}

}  // namespace octet::ops
