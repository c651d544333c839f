#include "engine/ops/common/conv_f32.h"
#include "engine/ops/common/conv_geometry.h"
#include "runtime/onednn/primitive.h"
#include "runtime/plain_f32.h"

namespace octet::runtime::onednn {
namespace {

std::optional<Ports> match(const LowerContext& context) {
  const Tensor* weights = float_constant(context, 1);
  if (weights == nullptr || weights->rank() < 3 || weights->rank() > 5) return std::nullopt;
  if (!clamp_of(context.attrs<ops::ConvAttrs>().epilogue)) return std::nullopt;
  return match_plain_conv(context);
}

class Convolution final : public Step {
 public:
  Convolution(const LowerContext& context, const Tensor& weights)
      : attrs_(context.attrs<ops::ConvAttrs>()), weight_dims_(weights.dims()) {
    const auto values = weights.as<float>();
    weights_.assign(values.begin(), values.end());
    const auto ports = ops::conv_ports(context.node());
    if (ports.bias) bias_ = context.constant(*ports.bias)->to_float();
  }

  Status run(RunContext& context) const override {
    const TensorView& x = context.input(0);
    const TensorView& y = context.output(0);
    if (y.count() == 0) return {};
    OCTET_ASSIGN(const auto primitive,
                 primitives_.get(x.dims, [&] { return make(x.dims, y.dims); }));
    return execute(*primitive, x.as<float>(), y.as<float>());
  }
  StepInfo info() const override { return {"convolution_f32", "onednn", Isa::scalar}; }

 private:
  Result<Primitive> make(const Dims& x, const Dims& y) const {
    const ops::ConvGeometry g = ops::conv_geometry(attrs_, x, weight_dims_, y);
    Dims weights = {g.out_channels, g.in_channels};
    if (g.groups > 1) weights = {g.groups, g.group_out(), g.group_in()};
    weights.insert(weights.end(), g.kernel.begin(), g.kernel.end());
    Dims strides, dilations, pad_begin, pad_end;
    for (size_t i = 0; i < g.kernel.size(); ++i) {
      strides.push_back(g.stride[i]);
      dilations.push_back(g.dilation[i] - 1);
      pad_begin.push_back(g.pad_begin[i]);
      pad_end.push_back(g.pad_end(i));
    }
    const ConvSpec spec{.rank = x.size(),
                        .weight_rank = weights.size(),
                        .source = x.data(),
                        .destination = y.data(),
                        .weights = weights.data(),
                        .strides = strides.data(),
                        .dilations = dilations.data(),
                        .pad_begin = pad_begin.data(),
                        .pad_end = pad_end.data()};
    return make_convolution(spec, *clamp_of(attrs_.epilogue),
                            {weights_.data(), bias_.empty() ? nullptr : bias_.data()});
  }

  ops::ConvAttrs attrs_;
  Dims weight_dims_;
  std::vector<float> weights_;
  std::vector<float> bias_;
  PrimitiveCache primitives_;
};

Result<std::unique_ptr<Step>> prepare(const LowerContext& context) {
  return std::unique_ptr<Step>(std::make_unique<Convolution>(context, *context.constant(1)));
}

}  // namespace

extern const Implementation Conv_row;
const Implementation Conv_row = {
    .name = "convolution_f32", .provider = "onednn", .match = match, .prepare = prepare};

}  // namespace octet::runtime::onednn
