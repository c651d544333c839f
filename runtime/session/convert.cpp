#include "runtime/session/convert.h"

#include <cstring>

#include "engine/ops/common/dequantize_constant.h"
#include "engine/ops/evaluate.h"

namespace octet::runtime {
namespace {

constexpr size_t kGrain = 16384;

class Conversion : public Step {
 public:
  Conversion(const Slot& to, StepInfo info) : to_(to), info_(std::move(info)) {}
  StepInfo info() const override { return info_; }

 protected:
  const Slot to_;
  StepInfo info_;
};

class QuantizeStep final : public Conversion {
 public:
  using Conversion::Conversion;
  Status run(RunContext& context) const override {
    const TensorView& x = context.input(0);
    const TensorView& y = context.output(0);
    const Scale scale = to_.quant->tensor_scale();
    const ZeroPoint zero = to_.quant->tensor_zero_point();
    const auto* in = x.as<float>();
    const bool known =
        visit_dtype(y.dtype, TypeList<uint8_t, int8_t, uint16_t, int16_t>{}, [&]<typename T>() {
          T* out = y.as<T>();
          context.parallel().for_ranges(static_cast<size_t>(x.count()), kGrain,
                                        [&](size_t begin, size_t end) {
                                          for (size_t i = begin; i < end; ++i)
                                            out[i] = quantize<T>(in[i], scale, zero);
                                        });
        });
    return known ? Status{} : unsupported("quantization to " + std::string(dtype_name(y.dtype)));
  }
};

class DequantizeStep final : public Conversion {
 public:
  DequantizeStep(const Slot& to, QuantPtr quant, StepInfo info)
      : Conversion(to, std::move(info)), quant_(std::move(quant)) {}
  Status run(RunContext& context) const override {
    const TensorView& x = context.input(0);
    const TensorView& y = context.output(0);
    const Scale scale = quant_->tensor_scale();
    const ZeroPoint zero = quant_->tensor_zero_point();
    auto* out = y.as<float>();
    const bool known = visit_dtype(
        x.dtype, TypeList<uint8_t, int8_t, uint16_t, int16_t, int32_t>{}, [&]<typename T>() {
          const T* in = x.as<T>();
          context.parallel().for_ranges(static_cast<size_t>(x.count()), kGrain,
                                        [&](size_t begin, size_t end) {
                                          for (size_t i = begin; i < end; ++i)
                                            out[i] = dequantize(in[i], scale, zero);
                                        });
        });
    return known ? Status{} : unsupported("dequantization of " + std::string(dtype_name(x.dtype)));
  }

 private:
  QuantPtr quant_;
};

class HalfStep final : public Conversion {
 public:
  using Conversion::Conversion;
  Status run(RunContext& context) const override {
    const TensorView& x = context.input(0);
    const TensorView& y = context.output(0);
    const auto count = static_cast<size_t>(x.count());
    using Types = TypeList<float, Half, Bfloat16>;
    visit_dtype(x.dtype, Types{}, [&]<typename From>() {
      visit_dtype(y.dtype, Types{}, [&]<typename To>() {
        const From* in = x.as<From>();
        To* out = y.as<To>();
        context.parallel().for_ranges(count, kGrain, [&](size_t begin, size_t end) {
          for (size_t i = begin; i < end; ++i) out[i] = from_float<To>(float_of(in[i]));
        });
      });
    });
    return {};
  }
};

// N×C×S ↔ N×S×C for elements of a fixed size.
template <typename T>
void swap_inner(const T* in, T* out, size_t rows, size_t columns, size_t begin, size_t end) {
  for (size_t r = begin; r < end; ++r)
    for (size_t c = 0; c < columns; ++c) out[r * columns + c] = in[c * rows + r];
}

class LayoutStep final : public Conversion {
 public:
  using Conversion::Conversion;
  Status run(RunContext& context) const override {
    const TensorView& x = context.input(0);
    const TensorView& y = context.output(0);
    size_t spatial = 1;
    for (size_t i = 2; i < x.dims.size(); ++i) spatial *= static_cast<size_t>(x.dims[i]);
    const auto channels = static_cast<size_t>(x.dims[1]);
    const bool to_last = to_.layout == Layout::channels_last;
    const size_t rows = to_last ? spatial : channels;
    const size_t columns = to_last ? channels : spatial;
    const size_t element = static_cast<size_t>(dtype_bits(x.dtype)) / 8;
    const size_t plane = rows * columns * element;
    const size_t grain = std::max<size_t>(1, kGrain / std::max<size_t>(columns, 1));
    for (int64_t n = 0; n < x.dims[0]; ++n) {
      const std::byte* in = x.data + static_cast<size_t>(n) * plane;
      std::byte* out = y.data + static_cast<size_t>(n) * plane;
      context.parallel().for_ranges(rows, grain, [&](size_t begin, size_t end) {
        switch (element) {
          case 1: return swap(reinterpret_cast<const uint8_t*>(in), out, rows, columns, begin, end);
          case 2:
            return swap(reinterpret_cast<const uint16_t*>(in), out, rows, columns, begin, end);
          case 4:
            return swap(reinterpret_cast<const uint32_t*>(in), out, rows, columns, begin, end);
          default:
            return swap(reinterpret_cast<const uint64_t*>(in), out, rows, columns, begin, end);
        }
      });
    }
    return {};
  }

 private:
  template <typename T>
  static void swap(const T* in, std::byte* out, size_t rows, size_t columns, size_t begin,
                   size_t end) {
    swap_inner(in, reinterpret_cast<T*>(out), rows, columns, begin, end);
  }
};

bool is_half(DType type) { return type == DType::f16 || type == DType::bf16; }

}  // namespace

Result<std::unique_ptr<Step>> make_conversion(const Slot& from, const Slot& to, CpuToken /*cpu*/) {
  const auto info = [](const char* kernel) { return StepInfo{kernel, "native", Isa::scalar}; };
  const auto per_tensor = [](const QuantPtr& quant) { return !quant || quant->per_tensor(); };
  if (!per_tensor(from.quant) || !per_tensor(to.quant))
    return unsupported("per-channel quantized activations");
  using Pointer = std::unique_ptr<Step>;
  if (from.layout != to.layout) return Pointer(std::make_unique<LayoutStep>(to, info("layout")));
  if (to.quant) return Pointer(std::make_unique<QuantizeStep>(to, info("quantize_linear")));
  if (from.quant)
    return Pointer(std::make_unique<DequantizeStep>(to, from.quant, info("dequantize_linear")));
  if (is_half(from.dtype) || is_half(to.dtype))
    return Pointer(std::make_unique<HalfStep>(to, info("convert")));
  return unsupported("conversion from " + std::string(dtype_name(from.dtype)) + " to " +
                     std::string(dtype_name(to.dtype)));
}

Result<Tensor> convert_constant(const Tensor& tensor, const Slot& from, const Slot& to) {
  if (from.quant && !to.quant) return dequantize_constant(tensor, *from.quant);
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
