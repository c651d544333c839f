#include "engine/ops/common/accumulator.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "engine/ops/common/activation.h"
#include "engine/ops/common/code_curve.h"
#include "engine/ops/common/dequantize.h"
#include "engine/ops/common/quantize_ports.h"

namespace octet::ops {
namespace {

constexpr int64_t kMaxBias = int64_t{1} << 30;

// A bias that is stored as sums of this very scale.
bool is_sums(const AccumulatorSpec& spec) {
  const Value& bias = *spec.bias;
  const size_t n = spec.scale.size();
  if (!bias.quant || bias.quant->storage != DType::s32 || spec.beta != 1.0F ||
      bias.constant->count() != n)
    return false;
  const ChannelParams stored = channel_params(*bias.quant, n);
  if (!stored.symmetric()) return false;
  for (size_t i = 0; i < n; ++i)
    if (!(std::fabs(stored.scale[i] - spec.scale[i]) <= 1e-6F * spec.scale[i])) return false;
  const auto sums = bias.constant->to_int64();
  return std::all_of(sums.begin(), sums.end(), [](int64_t v) { return std::llabs(v) <= kMaxBias; });
}

// Sets the plan's bias; false when it isn't a constant of N elements or one.
bool take_bias(const AccumulatorSpec& spec, AccumulatorPlan& plan) {
  const Value& value = *spec.bias;
  if (!value.constant) return false;
  if (is_sums(spec)) {
    for (const int64_t sum : value.constant->to_int64())
      plan.bias.push_back(static_cast<int32_t>(sum));
    return true;
  }
  const auto real = real_elements(*value.constant, value.quant);
  const size_t n = spec.scale.size();
  if (real.size() != n && real.size() != 1) return false;
  for (size_t i = 0; i < n; ++i)
    plan.bias_f32.push_back(real[real.size() == 1 ? 0 : i] * spec.beta);
  return true;
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

// The plan's codes from a curve, where there is one.
void take_curve(const AccumulatorSpec& spec, AccumulatorPlan& plan) {
  if (spec.curve == AccumulatorSpec::Curve::none || spec.output == nullptr ||
      is_clamp(spec.epilogue) || spec.epilogue.residual != Epilogue::Residual::none)
    return;
  const auto curve = activation_curve(spec.epilogue, *spec.output);
  if (!curve) return;
  plan.bias_f32.resize(spec.scale.size());
  for (float& m : plan.multiplier) m *= curve->rate;
  for (float& b : plan.bias_f32) b = b * curve->rate + curve->offset;
  plan.curve = curve->curve;
  plan.storage = spec.output->storage;
  plan.codes = spec.curve == AccumulatorSpec::Curve::kernel;
  plan.finish = !plan.codes;
}

}  // namespace

std::optional<AccumulatorPlan> plan_accumulator(const AccumulatorSpec& spec) {
  AccumulatorPlan plan;
  plan.multiplier = spec.scale;
  if (spec.bias != nullptr && !take_bias(spec, plan)) return std::nullopt;
  const bool residual = spec.epilogue.residual != Epilogue::Residual::none;
  const bool swish = spec.kernel_swish && spec.epilogue.activation == Activation::hard_swish;
  const bool in_kernel = (is_clamp(spec.epilogue) || swish) &&
                         (!residual || (spec.kernel_residual && only_adds_first(spec.epilogue)));
  plan.codes = in_kernel && spec.output != nullptr;
  plan.finish = !in_kernel;
  if (swish && in_kernel)
    plan.swish_slope = (plan.codes ? spec.output->tensor_scale().v : 1.0F) / 6.0F;
  if (plan.codes) {
    for (float& m : plan.multiplier) m /= spec.output->tensor_scale().v;
    for (float& b : plan.bias_f32) b /= spec.output->tensor_scale().v;
    const CodeRange range = code_range(spec.epilogue, *spec.output);
    plan.storage = spec.output->storage;
    plan.zero_point = spec.output->tensor_zero_point().v;
    plan.low = range.low;
    plan.high = range.high;
  } else if (in_kernel) {
    const Limits limits = clamp_limits(spec.epilogue);
    plan.low = limits.low;
    plan.high = limits.high;
  } else {
    take_curve(spec, plan);
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
      scale_(output_ ? output_->tensor_scale().v : 1.0F),
      zero_point_(output_ ? output_->tensor_zero_point().v : 0),
      elementwise_(kernels::select_elementwise_f32(cpu).table),
      quantize_(kernels::select_quantize_linear(cpu).table) {}

void FloatFinish::run(float* values, size_t count, const float* residual, void* codes,
                      Parallel& parallel) const {
  constexpr size_t kGrain = 4096;
  const bool before = epilogue_.residual == Epilogue::Residual::before_activation;
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
      args.scale = &scale_;
      args.zero_point = &zero_point_;
      args.low = limits.low;
      args.high = limits.high;
      quantize_->quantize(args, serial);
    }
  });
}

}  // namespace octet::ops
