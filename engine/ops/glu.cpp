#include "engine/ops/glu.h"

#include <cmath>

#include "engine/ops/common/lut.h"
#include "engine/ops/common/quantize_ports.h"
#include "engine/ops/common/strided.h"
#include "engine/ops/op.h"
#include "kernels/elementwise_f32/elementwise_f32.h"

// octet.Glu: a * sigmoid(b), where a and b are the halves of x along an axis
// (https://arxiv.org/abs/1612.08083).

namespace octet::ops::glu {
namespace {

using namespace kernels;
using Storage = PortForm::Storage;

Status infer(InferContext& context) {
  if (!context.has_rank(0)) {
    context.set_tensor(0, context.dtype(0));
    return {};
  }
  Shape shape = context.shape(0);
  OCTET_ASSIGN(const size_t axis, context.axis(context.attrs<GluAttrs>().axis, shape.size()));
  shape[axis] = floor_div(shape[axis], Dim(2));
  context.set_tensor(0, context.dtype(0), std::move(shape));
  return {};
}

// How x lies in memory: `outer` pairs of runs of `half` elements, a's and b's.
struct Halves {
  size_t outer = 1;
  size_t half = 1;
};
Halves halves_of(const TensorView& x, const TensorView& y, size_t axis) {
  Halves h;
  h.half = static_cast<size_t>(steps_of(x)[axis] * y.dims[axis]);
  h.outer = h.half == 0 ? 0 : static_cast<size_t>(y.count()) / h.half;
  return h;
}

class GluStep final : public Step {
 public:
  explicit GluStep(const LowerContext& context)
      : axis_(context.attrs<GluAttrs>().axis),
        output_(context.output_quant(0)),
        rounding_(output_ ? code_rounding(*output_) : CodeRounding{}),
        variant_(select_elementwise_f32(context.cpu())) {}

  Status run(RunContext& context) const override {
    const TensorView& x = context.input(0);
    const TensorView& y = context.output(0);
    const size_t axis = *normalize_axis(axis_, x.rank());
    if (x.dims[axis] % 2 != 0) return invalid_data("{} elements don't split into 2", x.dims[axis]);
    const Halves h = halves_of(x, y, axis);
    const size_t blocks = (h.half + kBlock - 1) / kBlock;
    const size_t grain = kParallelGrain / std::min(h.half + 1, kBlock) + 1;
    context.parallel().for_ranges(h.outer * blocks, grain, [&](size_t begin, size_t end) {
      for (size_t i = begin; i < end; ++i) {
        const size_t row = i / blocks, first = i % blocks * kBlock;
        const size_t count = std::min(kBlock, h.half - first);
        const float* a = x.as<float>() + 2 * row * h.half + first;
        gate(a, a + h.half, y, row * h.half + first, count);
      }
    });
    return {};
  }
  StepInfo info() const override { return {"elementwise_f32", "native", variant_.isa}; }

 private:
  static constexpr size_t kBlock = 1024;

  void gate(const float* a, const float* b, const TensorView& y, size_t to, size_t count) const {
    if (output_)
      return variant_.table->gate_codes(a, b, reinterpret_cast<uint8_t*>(y.data) + to, count,
                                        rounding_);
    float* out = y.as<float>() + to;
    UnaryF32Args sigmoid;
    sigmoid.function = UnaryF32::sigmoid;
    sigmoid.x = b;
    sigmoid.y = out;
    sigmoid.count = count;
    variant_.table->unary(sigmoid);
    variant_.table->binary(BinaryF32::mul, a, 1, out, 1, out, count);
  }

  int64_t axis_;
  QuantPtr output_;
  CodeRounding rounding_;  // of the output's codes
  const ElementwiseF32Variant& variant_;
};

std::optional<Ports> match(const LowerContext& context) {
  const Layout layout = context.input_layout(0);
  const QuantPtr& quant = context.output_quant(0);
  const bool codes = eight_bit_codes(quant);
  if (quant && !codes) return std::nullopt;
  return Ports{{{Storage::real, layout}}, {{codes ? Storage::stored : Storage::real, layout}}};
}

// Real ports: any storage.
std::optional<Ports> match_real(const LowerContext&) { return Ports{}; }

Status run(const Attrs& attrs, RunContext& context) {
  const TensorView& x = context.input(0);
  const TensorView& y = context.output(0);
  const size_t axis = *normalize_axis(attrs.as<GluAttrs>().axis, x.rank());
  const Halves h = halves_of(x, y, axis);
  for (size_t i = 0; i < h.outer * h.half; ++i) {
    const float* a = x.as<float>() + i / h.half * 2 * h.half + i % h.half;
    y.as<float>()[i] = a[0] / (1.0F + std::exp(-a[h.half]));
  }
  return {};
}

Result<std::unique_ptr<Step>> prepare(const LowerContext& context) {
  return std::unique_ptr<Step>(std::make_unique<GluStep>(context));
}

constexpr Implementation kImplementations[] = {
    {.name = "elementwise_f32", .match = match, .prepare = prepare},
    {.name = "reference", .match = match_real, .prepare = prepare_function<run>},
};

}  // namespace

extern const OpDef Glu;
const OpDef Glu = {
    .domain = kOctetDomain,
    .name = "Glu",
    .attrs = attr_codec<GluAttrs>(),
    .infer = infer,
    .implementations = kImplementations,
    .foldable = false,
};

}  // namespace octet::ops::glu
