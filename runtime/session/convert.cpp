#include "runtime/session/convert.h"

#include <cstring>
#include <limits>

#include "engine/ops/common/dequantize.h"
#include "engine/ops/evaluate.h"
#include "kernels/convert/convert.h"
#include "kernels/quantize_linear/quantize_linear.h"
#include "kernels/transpose/transpose.h"

namespace octet::runtime {
namespace {

class Conversion : public Step {
 public:
  Conversion(const Slot& to, const char* kernel, Isa isa) : to_(to), info_{kernel, "native", isa} {}
  StepInfo info() const override { return info_; }

 protected:
  const Slot to_;
  StepInfo info_;
};

std::optional<kernels::Element> element_of(DType dtype) {
  switch (dtype) {
    case DType::u8: return kernels::Element::u8;
    case DType::s8: return kernels::Element::s8;
    case DType::u16: return kernels::Element::u16;
    case DType::s16: return kernels::Element::s16;
    case DType::s32: return kernels::Element::s32;
    default: return std::nullopt;
  }
}

class QuantizeStep final : public Conversion {
 public:
  QuantizeStep(const Slot& to, CpuToken cpu)
      : Conversion(to, "quantize_linear", kernels::select_quantize_linear(cpu).isa),
        table_(*kernels::select_quantize_linear(cpu).table),
        scale_(to.quant->tensor_scale().v),
        zero_point_(to.quant->tensor_zero_point().v) {}
  Status run(RunContext& context) const override {
    kernels::QuantizeArgs args;
    args.in = context.input(0).as<float>();
    args.out = context.output(0).data;
    args.type = *element_of(to_.dtype);
    args.inner = static_cast<size_t>(context.input(0).count());
    args.scale = &scale_;
    args.zero_point = &zero_point_;
    visit_dtype(to_.dtype, TypeList<uint8_t, int8_t, uint16_t, int16_t>{}, [&]<typename T>() {
      args.low = std::numeric_limits<T>::min();
      args.high = std::numeric_limits<T>::max();
    });
    table_.quantize(args, context.parallel());
    return {};
  }

 private:
  const kernels::QuantizeLinearTable& table_;
  float scale_;
  int32_t zero_point_;
};

class DequantizeStep final : public Conversion {
 public:
  DequantizeStep(const Slot& from, const Slot& to, CpuToken cpu)
      : Conversion(to, "dequantize_linear", kernels::select_quantize_linear(cpu).isa),
        table_(*kernels::select_quantize_linear(cpu).table),
        type_(*element_of(from.dtype)),
        scale_(from.quant->tensor_scale().v),
        zero_point_(from.quant->tensor_zero_point().v) {}
  Status run(RunContext& context) const override {
    kernels::DequantizeArgs args;
    args.in = context.input(0).data;
    args.type = type_;
    args.out = context.output(0).as<float>();
    args.inner = static_cast<size_t>(context.input(0).count());
    args.scale = &scale_;
    args.zero_point = &zero_point_;
    table_.dequantize(args, context.parallel());
    return {};
  }

 private:
  const kernels::QuantizeLinearTable& table_;
  kernels::Element type_;
  float scale_;
  int32_t zero_point_;
};

class HalfStep final : public Conversion {
 public:
  HalfStep(const Slot& to, CpuToken cpu)
      : Conversion(to, "convert", kernels::select_convert(cpu).isa),
        table_(*kernels::select_convert(cpu).table) {}
  Status run(RunContext& context) const override {
    const TensorView& x = context.input(0);
    const TensorView& y = context.output(0);
    const auto count = static_cast<size_t>(x.count());
    using Types = TypeList<float, Half, Bfloat16>;
    visit_dtype(x.dtype, Types{}, [&]<typename From>() {
      visit_dtype(y.dtype, Types{}, [&]<typename To>() {
        if constexpr (std::is_same_v<From, float> != std::is_same_v<To, float>)
          kernels::convert(table_, x.as<From>(), y.as<To>(), count, context.parallel());
      });
    });
    return {};
  }

 private:
  const kernels::ConvertTable& table_;
};

// [N, C, spatial...] as N × C × S against N × S × C.
class LayoutStep final : public Conversion {
 public:
  LayoutStep(const Slot& to, CpuToken cpu)
      : Conversion(to, "transpose", kernels::select_transpose(cpu).isa),
        table_(*kernels::select_transpose(cpu).table) {}
  Status run(RunContext& context) const override {
    const TensorView& x = context.input(0);
    size_t spatial = 1;
    for (size_t i = 2; i < x.dims.size(); ++i) spatial *= static_cast<size_t>(x.dims[i]);
    const auto channels = static_cast<size_t>(x.dims[1]);
    const bool to_last = to_.layout == Layout::channels_last;
    const size_t dims[] = {static_cast<size_t>(x.dims[0]), to_last ? channels : spatial,
                           to_last ? spatial : channels};
    constexpr size_t kSwapInner[] = {0, 2, 1};
    kernels::TransposeArgs args;
    args.in = x.data;
    args.out = context.output(0).data;
    args.element_bytes = static_cast<size_t>(dtype_bits(x.dtype)) / 8;
    args.rank = 3;
    args.in_dims = dims;
    args.permutation = kSwapInner;
    table_.run(args, context.parallel());
    return {};
  }

 private:
  const kernels::TransposeTable& table_;
};

bool is_half(DType type) { return type == DType::f16 || type == DType::bf16; }

}  // namespace

Result<std::unique_ptr<Step>> make_conversion(const Slot& from, const Slot& to, CpuToken cpu) {
  const auto per_tensor = [](const QuantPtr& quant) { return !quant || quant->per_tensor(); };
  if (!per_tensor(from.quant) || !per_tensor(to.quant))
    return unsupported("per-channel quantized activations");
  using Pointer = std::unique_ptr<Step>;
  if (from.layout != to.layout && dtype_bits(from.dtype) >= 8)
    return Pointer(std::make_unique<LayoutStep>(to, cpu));
  if (to.quant && element_of(to.dtype) && to.dtype != DType::s32)
    return Pointer(std::make_unique<QuantizeStep>(to, cpu));
  if (from.quant && element_of(from.dtype))
    return Pointer(std::make_unique<DequantizeStep>(from, to, cpu));
  if (is_half(from.dtype) || is_half(to.dtype)) return Pointer(std::make_unique<HalfStep>(to, cpu));
  return unsupported("conversion from {} to {}", dtype_name(from.dtype), dtype_name(to.dtype));
}

Result<Tensor> convert_constant(const Tensor& tensor, const Slot& from, const Slot& to) {
  if (from.quant && !to.quant) return ops::dequantize_constant(tensor, from.quant);
  if (from.layout == to.layout) return convert_float(tensor, to.dtype);
  OCTET_ASSIGN(Tensor out, Tensor::zeros(tensor.dtype(), tensor.dims()));
  size_t spatial = 1;
  for (size_t i = 2; i < tensor.rank(); ++i) spatial *= static_cast<size_t>(tensor.dims()[i]);
  const auto channels = static_cast<size_t>(tensor.dims()[1]);
  const size_t element = static_cast<size_t>(dtype_bits(tensor.dtype())) / 8;
  const auto batch = static_cast<size_t>(tensor.dims()[0]);
  for (size_t n = 0; n < batch; ++n)
    for (size_t c = 0; c < channels; ++c)
      for (size_t s = 0; s < spatial; ++s) {
        const size_t row_major = ((n * channels + c) * spatial + s) * element;
        const size_t last = ((n * spatial + s) * channels + c) * element;
        const bool to_last = to.layout == Layout::channels_last;
        std::memcpy(out.writable() + (to_last ? last : row_major),
                    tensor.bytes().data() + (to_last ? row_major : last), element);
      }
  return out;
}

}  // namespace octet::runtime
